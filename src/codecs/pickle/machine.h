// SPDX-License-Identifier: Apache-2.0
// The stack machine behind pickle.h, for pickle.cc alone: reading, stack, memo and frames; what each opcode means is called from step().
#pragma once

#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "codecs/pickle/arena.h"
#include "codecs/pickle/literals.h"
#include "codecs/pickle/pickle.h"

namespace decant::pickle {

inline constexpr int kHighestProtocol = 5;
inline constexpr std::size_t kMostOddities = 256;
inline constexpr std::uint64_t kItemsStep = 1 << 14;

class Machine {
 public:
  Machine(Tree& tree, Arena& arena, Cursor& cursor, const Options& options)
      : tree_(tree),
        arena_(arena),
        cursor_(cursor),
        options_(options),
        bytes_(cursor.source().bytes()),
        at_(cursor.offset()),
        start_(at_) {}

  Ref run() {
    while (!step()) {
    }
    cursor_.budget().charge_items(ops_ % kItemsStep, cursor_.where());
    finish();
    cursor_.seek(at_);
    return stack_.back();
  }

  int protocol() const { return protocol_; }

 private:
  // ---- reading ----------------------------------------------------------------------------------------------------------------

  [[noreturn]] void fail(Code code, std::string_view text) const { cursor_.fail_at(op_at_, code, text); }

  Bytes take(std::uint64_t n) {
    const std::uint64_t left = bytes_.size() - at_;
    if (n > left) fail(Code::truncated, format("an opcode needs {} bytes, only {} left", n, left));
    const Bytes out = bytes_.subspan(at_, n);
    at_ += n;
    return out;
  }

  template <class T>
  T le() {
    const Bytes raw = take(sizeof(T));
    std::make_unsigned_t<T> out = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
      out = static_cast<std::make_unsigned_t<T>>(static_cast<std::uint64_t>(out) << 8 | std::to_integer<std::uint8_t>(raw[i]));
    return static_cast<T>(out);
  }

  // The rest of the line; the newline is consumed.
  std::string_view line() {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const std::size_t n = rest.find('\n');
    if (n == std::string_view::npos) fail(Code::truncated, "a text argument has no newline");
    at_ += n + 1;
    return rest.substr(0, n);
  }

  void oddity(std::string_view rule, std::string text) {
    if (tree_.oddities.size() < kMostOddities) tree_.oddities.push_back({std::string(rule), std::move(text), op_at_});
  }

  // ---- stack ------------------------------------------------------------------------------------------------------------------

  std::size_t fence() const { return marks_.empty() ? 0 : marks_.back(); }
  void need(std::size_t n) const {
    if (stack_.size() - fence() < n) {
      fail(Code::corrupt, format("an opcode needs {} items on the stack, there {} {}", n, stack_.size() - fence() == 1 ? "is" : "are",
                                 stack_.size() - fence()));
    }
  }
  Node* pop() {
    need(1);
    Node* out = stack_.back();
    stack_.pop_back();
    return out;
  }
  Node& top() {
    need(1);
    return *stack_.back();
  }
  std::size_t pop_mark() {
    if (marks_.empty()) fail(Code::corrupt, "an opcode needs a mark on the stack, there is none");
    const std::size_t at = marks_.back();
    marks_.pop_back();
    return at;
  }

  Node& make(Kind kind) {
    Node* out = arena_.make<Node>();
    out->kind = kind;
    out->offset = op_at_;
    return *out;
  }
  Node& push(Kind kind) {
    Node& out = make(kind);
    stack_.push_back(&out);
    return out;
  }
  void push_bytes(Kind kind, Bytes raw) { push(kind).raw_bytes = raw; }
  void push_text(Bytes raw) {
    if (!is_utf8(as_text(raw), true)) fail(Code::corrupt, "a text is not UTF-8");
    push_bytes(Kind::text, raw);
  }
  void push_py2(Bytes raw) {
    Node& out = push(Kind::bytes);
    out.is_py2_string = true;
    out.raw_bytes = raw;
  }
  Bytes keep(std::string_view text) {
    std::byte* data = arena_.bytes(text.size());
    std::copy_n(as_bytes(text).data(), text.size(), data);
    return {data, text.size()};
  }
  // None, the booleans and small numbers are most of many pickles and never change: one node each, at the offset of the first.
  void push_shared(Node*& slot, Kind kind, std::int64_t value) {
    if (slot == nullptr) {
      slot = &make(kind);
      slot->integer = value;
    }
    stack_.push_back(slot);
  }
  void push_integer(std::int64_t value) { push(Kind::integer).integer = value; }
  void push_integer(const Integer& value) {
    if (value.small) {
      push_integer(*value.small);
    } else {
      push_bytes(Kind::big_integer, keep(value.big));
    }
  }
  Extra& extra(Node& node) {
    if (node.extra == nullptr) node.extra = arena_.make<Extra>();
    return *node.extra;
  }
  static bool is_object(const Node& node) {
    return node.kind == Kind::call || node.kind == Kind::persistent || node.kind == Kind::extension || node.kind == Kind::global;
  }

  // ---- opcodes ----------------------------------------------------------------------------------------------------------------

  void integer_line(bool is_long) {
    std::string_view text = line();
    if (!is_long && (text == "00" || text == "01")) {
      push(Kind::boolean).integer = text == "01";
      return;
    }
    bool suffix = false;
    if (is_long && text.ends_with('L')) text.remove_suffix(1), suffix = true;
    const std::optional<Integer> value = parse_integer(text, 0, !is_long);
    if (!value) fail(Code::corrupt, format("\"{}\" is no integer", printable(text, 40)));
    if (!value->canonical || text.find('\0') != std::string_view::npos) {
      oddity("odd-integer", format("an integer is written as \"{}\", which loaders read differently", printable(text, 40)));
    }
    // C's loader takes any two characters whose value is 0 or 1 for a boolean (Modules/_pickle.c, load_int).
    if (!is_long && !suffix && text.size() == 2 && value->small && (*value->small == 0 || *value->small == 1)) {
      push(Kind::boolean).integer = *value->small;
      return;
    }
    push_integer(*value);
  }

  void long_bytes(std::uint64_t n) {
    const Bytes raw = take(n);
    std::size_t size = raw.size();
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(raw[i]); };
    while (size > 8 && ((at(size - 1) == 0 && at(size - 2) < 0x80) || (at(size - 1) == 0xFF && at(size - 2) >= 0x80))) --size;
    if (size > 8) {
      push_bytes(Kind::big_integer, raw.first(size));
      return;
    }
    std::uint64_t value = size != 0 && at(size - 1) >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | at(i);
    push_integer(static_cast<std::int64_t>(value));
  }

  void float_line() {
    const std::string_view text = line();
    const std::optional<double> value = parse_real(text);
    if (!value) fail(Code::corrupt, format("\"{}\" is no number", printable(text, 40)));
    // C's loader calls a number beyond the range of double an error, pickle.py an infinity.
    if (std::isinf(*value) && text.find_first_of("0123456789") != std::string_view::npos)
      oddity("odd-number", "a number is too large for a float: loaders disagree whether this is an error");
    const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    if (blank(text.front()) || blank(text.back()))
      oddity("odd-number", "white space stands beside a number: loaders disagree whether this is an error");
    push(Kind::real).real = *value;
  }

  void big_endian_float() {
    const Bytes raw = take(8);
    std::uint64_t bits = 0;
    for (const std::byte b : raw) bits = bits << 8 | std::to_integer<std::uint8_t>(b);
    push(Kind::real).real = std::bit_cast<double>(bits);
  }

  void string_line() {
    std::string_view text = line();
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\t')) {
      text.remove_suffix(1);
      oddity("odd-string", "white space follows a quoted string, which loaders read differently");
    }
    if (text.size() < 2 || text.front() != text.back() || (text.front() != '\'' && text.front() != '"')) {
      fail(Code::corrupt, "a STRING argument is not quoted");
    }
    text = text.substr(1, text.size() - 2);
    if (text.find('\\') == std::string_view::npos) {
      push_py2(as_bytes(text));
      return;
    }
    std::string out;
    if (!unescape_bytes(text, out)) fail(Code::corrupt, "a STRING argument has a broken escape");
    push_py2(keep(out));
  }

  void unicode_line() {
    const std::string_view text = line();
    bool plain = true;
    for (const char c : text) plain = plain && c != '\\' && static_cast<unsigned char>(c) < 0x80;
    if (plain) {
      push_bytes(Kind::text, as_bytes(text));
      return;
    }
    std::string out;
    if (!unescape_unicode(text, out)) fail(Code::corrupt, "a UNICODE argument has a broken escape");
    push_bytes(Kind::text, keep(out));
  }

  Node& text_node(std::string_view text) {
    Node& out = make(Kind::text);
    out.raw_bytes = as_bytes(text);
    return out;
  }

  // Names that no class has: they hide what is meant from whoever prints, splits or compares them.
  void check_name(std::string_view text, const char* what) {
    if (text.empty()) return oddity("odd-name", format("the {} of a global is empty", what));
    for (const char c : text) {
      const auto b = static_cast<unsigned char>(c);
      if (b <= 0x20 || b >= 0x7F)
        return oddity("odd-name", format("the {} of a global, \"{}\", holds characters that no import has", what, printable(text, 80)));
    }
    if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) {
      oddity("odd-name", format("the {} of a global, \"{}\", has an empty part", what, printable(text, 80)));
    }
  }

  Node& global(Node* module, Node* name) {
    Node& out = make(Kind::global);
    arena_.push(out.items, module);
    arena_.push(out.items, name);
    if (module->is_text() && name->is_text()) {
      if (!is_utf8(module->text(), true) || !is_utf8(name->text(), true)) fail(Code::corrupt, "the name of a global is not UTF-8");
      check_name(module->text(), "module");
      check_name(name->text(), "name");
    }
    tree_.globals.push_back(&out);
    return out;
  }

  Node& global_lines() {
    const std::string_view module = line();
    const std::string_view name = line();
    return global(&text_node(module), &text_node(name));
  }

  void stack_global() {
    need(2);
    Node* name = pop();
    Node* module = pop();
    for (const Node* part : {module, name}) {
      if (part->is_text()) continue;
      if (part->kind != Kind::call && part->kind != Kind::persistent && part->kind != Kind::extension) {
        fail(Code::corrupt, "STACK_GLOBAL needs two texts");
      }
      oddity("computed-global", "the name of a global is computed by a call");
    }
    stack_.push_back(&global(module, name));
  }

  Node& call(Node* callee, Node* args, Node* kwargs = nullptr) {
    Node& out = make(Kind::call);
    arena_.push(out.items, callee);
    arena_.push(out.items, args);
    if (kwargs != nullptr) arena_.push(out.items, kwargs);
    if (callee->kind != Kind::global && callee->kind != Kind::extension) {
      if (!is_object(*callee)) fail(Code::corrupt, "calls something that is neither a class nor a function");
    }
    if (args->kind != Kind::tuple) {
      switch (args->kind) {
        case Kind::none:
        case Kind::boolean:
        case Kind::integer:
        case Kind::big_integer:
        case Kind::real:
          fail(Code::corrupt, "calls with arguments that are no tuple");
        default:
          oddity("args-not-tuple", "calls with arguments that are no tuple, which loaders treat differently");
      }
    }
    if (kwargs != nullptr && kwargs->kind != Kind::dict) {
      if (!is_object(*kwargs)) fail(Code::corrupt, "calls with keyword arguments that are no dict");
      oddity("args-not-tuple", "calls with keyword arguments that are no dict, which loaders treat differently");
    }
    tree_.calls.push_back(&out);
    return out;
  }

  Node& tuple_from(std::size_t first) {
    Node& out = make(Kind::tuple);
    arena_.append(out.items, stack_ptr(first), stack_.size() - first);
    stack_.resize(first);
    return out;
  }
  Ref const* stack_ptr(std::size_t first) const { return stack_.data() + first; }

  void container_from_mark(Kind kind) {
    const std::size_t first = pop_mark();
    const std::size_t n = stack_.size() - first;
    if (kind == Kind::dict) {
      if (n % 2 != 0) fail(Code::corrupt, "DICT has an odd number of items");
      for (std::size_t i = first; i < stack_.size(); i += 2) check_key(*stack_[i]);
    } else if (kind == Kind::frozenset) {
      for (std::size_t i = first; i < stack_.size(); ++i) check_key(*stack_[i]);
    }
    Node& out = make(kind);
    arena_.append(out.items, stack_ptr(first), n);
    stack_.resize(first);
    stack_.push_back(&out);
  }

  void short_tuple(std::size_t n) {
    need(n);
    Node& out = make(Kind::tuple);
    arena_.append(out.items, stack_ptr(stack_.size() - n), n);
    stack_.resize(stack_.size() - n);
    stack_.push_back(&out);
  }

  // A tuple is hashable where its elements are; deeper ones than these are not looked into.
  static bool is_hashable(const Node& key, int& most) {
    if (key.kind == Kind::list || key.kind == Kind::dict || key.kind == Kind::set || key.kind == Kind::bytearray) return false;
    if (key.kind != Kind::tuple) return true;
    for (const Ref item : key.items) {
      if (most-- <= 0) return true;
      if (!is_hashable(*item, most)) return false;
    }
    return true;
  }
  void check_key(const Node& key) const {
    int most = 64;
    if (!is_hashable(key, most)) fail(Code::corrupt, "a key of a dict or an element of a set is, or holds, a list, dict, set or bytearray");
  }

  // APPEND, APPENDS and ADDITEMS: everything on the stack from `first` goes to the object below.
  void append_from(std::size_t first, bool to_set) {
    if (first == fence()) fail(Code::corrupt, "an opcode adds items to an object that is not on the stack");
    Node& object = *stack_[first - 1];
    const std::size_t n = stack_.size() - first;
    if (object.kind == (to_set ? Kind::set : Kind::list)) {
      if (to_set) {
        for (std::size_t i = first; i < stack_.size(); ++i) check_key(*stack_[i]);
      }
      arena_.append(object.items, stack_ptr(first), n);
    } else if (is_object(object)) {
      if (object.kind == Kind::global) oddity("changes-global", "adds items to a class, function or module itself");
      arena_.append(extra(object).appended, stack_ptr(first), n);
    } else if (n == 0) {
      oddity("no-effect", "adds nothing to something that takes no items: loaders disagree whether this is an error");
    } else {
      fail(object.kind == Kind::bytearray && !to_set ? Code::unsupported : Code::corrupt,
           "adds items to something that is neither a list nor an object");
    }
    stack_.resize(first);
  }

  void set_items_from(std::size_t first) {
    if (first == fence()) fail(Code::corrupt, "an opcode sets items of an object that is not on the stack");
    if ((stack_.size() - first) % 2 != 0) fail(Code::corrupt, "SETITEMS has an odd number of items");
    Node& object = *stack_[first - 1];
    const std::size_t n = stack_.size() - first;
    if (object.kind == Kind::dict) {
      for (std::size_t i = first; i < stack_.size(); i += 2) check_key(*stack_[i]);
      arena_.append(object.items, stack_ptr(first), n);
    } else if (is_object(object)) {
      if (object.kind == Kind::global) oddity("changes-global", "sets items of a class, function or module itself");
      arena_.append(extra(object).entries, stack_ptr(first), n);
    } else if (object.kind == Kind::list) {
      oddity("setitem-on-list", "sets items of a list by index, which no pickler writes");
      for (std::size_t i = first; i < stack_.size(); i += 2) {
        const Node& key = *stack_[i];
        const auto size = static_cast<std::int64_t>(object.items.size());
        const std::int64_t index = key.kind == Kind::integer && key.integer < 0 ? key.integer + size : key.integer;
        if ((key.kind != Kind::integer && key.kind != Kind::boolean) || index < 0 || index >= size)
          fail(Code::corrupt, "sets an item that a list does not have");
        arena_.replace(object.items, static_cast<std::size_t>(index), stack_[i + 1]);
      }
    } else if (n == 0) {
      oddity("no-effect", "sets no items of something that has none: loaders disagree whether this is an error");
    } else {
      fail(Code::corrupt, "sets items of something that is neither a dict nor an object");
    }
    stack_.resize(first);
  }

  void build() {
    need(2);
    Node* state = pop();
    Node& object = top();
    if (!is_object(object)) {
      // load_build: a state of None does nothing; any other needs a __dict__, which plain data does not have.
      if (state->kind != Kind::none && !(state->kind == Kind::dict && state->items.empty()))
        fail(Code::corrupt, "BUILD on plain data, which has no state");
      oddity("no-effect", "BUILD on plain data, which has no state");
      return;
    }
    if (object.kind == Kind::global) oddity("changes-global", "sets the state of a class, function or module itself");
    arena_.push(extra(object).states, state);
    if (options_.on_build) {
      check_frame();  // raw data follow a frame, they are never inside one
      cursor_.seek(at_);
      options_.on_build(object, cursor_, [this] { return nested(); });
      at_ = cursor_.offset();
    }
  }

  // A pickle inside the stream, read by a machine of its own (its memo and stack are its own), into the same Tree.
  Ref nested() {
    static const Options kPlain;
    Machine machine(tree_, arena_, cursor_, kPlain);
    return machine.run();
  }

  // ---- memo -------------------------------------------------------------------------------------------------------------------

  void put(std::uint64_t index) {
    Node* object = &top();
    Node** slot = nullptr;
    if (index < memo_.size()) {
      slot = &memo_[index];
    } else if (index <= 2 * memo_.size() + 1024) {
      cursor_.budget().charge((index + 1 - memo_.size()) * sizeof(Node*), "the memo of a pickle", cursor_.source().where(op_at_));
      memo_.resize(index + 1);
      slot = &memo_[index];
    } else {
      // C's loader would allocate 16 bytes for each number below: 64 GiB for five bytes of opcode.
      if (sparse_.empty()) oddity("sparse-memo", format("stores memo entry {} after only {}", index, memo_count_));
      cursor_.budget().charge(64, "the memo of a pickle", cursor_.source().where(op_at_));
      slot = &sparse_[index];
    }
    if (*slot == nullptr) {
      ++memo_count_;
    } else if (*slot != object) {
      oddity("memo-overwritten", format("memo entry {} is stored twice", index));
    }
    *slot = object;
  }

  void get(std::uint64_t index) {
    Node* object = nullptr;
    if (index < memo_.size()) {
      object = memo_[index];
    } else if (const auto found = sparse_.find(index); found != sparse_.end()) {
      object = found->second;
    }
    if (object == nullptr) fail(Code::corrupt, format("memo entry {} is asked for, but was never stored ({} are)", index, memo_count_));
    stack_.push_back(object);
  }

  std::uint64_t memo_index() {
    const std::string_view text = line();
    const std::optional<Integer> value = parse_integer(text, 10);
    if (!value || !value->small || *value->small < 0) fail(Code::corrupt, format("\"{}\" is no memo index", printable(text, 40)));
    if (!value->canonical) oddity("odd-integer", format("a memo index is written as \"{}\"", printable(text, 40)));
    return static_cast<std::uint64_t>(*value->small);
  }

  // ---- protocol and frames ----------------------------------------------------------------------------------------------------

  void proto() {
    const int version = le<std::uint8_t>();
    if (op_at_ != start_) oddity("duplicate-proto", format("states its protocol ({}) in the middle of the stream", version));
    if (version > kHighestProtocol) oddity("unknown-protocol", format("protocol {}, the highest known is {}", version, kHighestProtocol));
    protocol_ = std::max(protocol_, version);
  }

  void frame() {
    const auto size = le<std::uint64_t>();
    if (frame_end_ != 0) oddity("frame-mismatch", "a frame begins before the one before it has ended");
    if (size > bytes_.size() - at_) {
      oddity("frame-mismatch", format("a frame of {} bytes, only {} left", size, bytes_.size() - at_));
      frame_end_ = 0;
    } else {
      frame_end_ = at_ + size;
    }
  }

  void check_frame() {
    if (frame_end_ == 0 || at_ < frame_end_) return;
    if (at_ > frame_end_) oddity("frame-mismatch", "an opcode crosses the end of its frame, which loaders treat differently");
    frame_end_ = 0;
  }

  void discard(const Node& node) {
    // save_reduce of an object that its own arguments contain is the one genuine case: POP, then GET of the finished object.
    if (node.kind != Kind::call) return;
    const auto next = at_ < bytes_.size() ? std::to_integer<char>(bytes_[at_]) : '\0';
    if (next == 'g' || next == 'h' || next == 'j') return;
    oddity("discarded-call", "throws away what a call returned, so the call is there for its effect only");
  }

  void persistent(Node* id) {
    Node& out = push(Kind::persistent);
    arena_.push(out.items, id);
    tree_.persistents.push_back(&out);
  }

  void extension(std::int64_t code) {
    if (code <= 0) fail(Code::corrupt, "an extension code is not positive");
    oddity("extension-code", format("extension code {}: what it stands for is known to the loading program only", code));
    push(Kind::extension).integer = code;
  }

  void finish() {
    if (stack_.size() > 1 || !marks_.empty()) {
      if (stack_.size() == fence()) fail(Code::corrupt, "STOP with nothing above the last mark");
      oddity("stack-not-clean", format("{} items and {} marks are left at STOP", stack_.size() - 1, marks_.size()));
      for (std::size_t i = 0; i + 1 < stack_.size(); ++i) discard(*stack_[i]);
    }
    if (frame_end_ > at_) oddity("frame-mismatch", "STOP comes before the end of its frame");
  }

  void charge() {
    const Where where = cursor_.source().where(op_at_);
    cursor_.budget().charge_items(kItemsStep, where);
    const std::size_t used = (stack_.capacity() + kItemsStep) * sizeof(Node*) + (marks_.capacity() + kItemsStep) * sizeof(std::size_t);
    if (used <= charged_) return;
    cursor_.budget().charge(used - charged_, "the stack of a pickle", where);
    charged_ = used;
  }

  bool step();

  Tree& tree_;
  Arena& arena_;
  Cursor& cursor_;
  const Options& options_;
  Bytes bytes_;
  std::uint64_t at_, start_, op_at_ = 0, frame_end_ = 0, ops_ = 0, buffers_ = 0;
  int protocol_ = 0;
  std::vector<Node*> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Node*> memo_;
  std::unordered_map<std::uint64_t, Node*> sparse_;
  std::size_t memo_count_ = 0;
  std::size_t charged_ = 0;  // bytes of the stacks
  Node* none_ = nullptr;
  Node* booleans_[2] = {};
  Node* small_[256] = {};
};

}  // namespace decant::pickle
