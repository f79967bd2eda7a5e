// SPDX-License-Identifier: Apache-2.0
// Syntax: Python 3.11, Lib/re/_parser.py.
#include "ops/text/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "ops/text/pattern_program.h"

namespace decant {
namespace {

using pattern::Does, pattern::Kind, pattern::Set, pattern::Step;

constexpr std::size_t kMaxProgram = 20'000, kMaxDepth = 50;

struct Flags {
  bool ascii = false, dot_all = false, lines = false, fold = false;
};

/// Reads a pattern and writes its program. Code is made in place: a repeated part is a range of steps that is copied.
class Compiler {
 public:
  Compiler(std::string_view pattern, Pattern::Program& program) : shown_(pattern), text_(points_of(pattern)), program_(program) {}

  void run() {
    std::vector<Step> code = alternatives(0);
    if (at_ < text_.size()) refuse("an unmatched )");
    code.push_back({});
    program_.steps = std::move(code);
  }

 private:
  using Code = std::vector<Step>;

  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(decant::Code::unsupported, format("the pattern {}: {} is not understood, at character {}", printable(shown_, 200), what, at_));
  }
  bool more() const { return at_ < text_.size(); }
  char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0'; }
  bool take(char32_t c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool looks_at(PointsView what) const { return PointsView(text_).substr(at_).starts_with(what); }
  void check(const Code& code) const {
    if (code.size() > kMaxProgram) throw Error(decant::Code::limit, format("the pattern {} is too long", printable(shown_, 200)));
  }

  // Jumps are relative to the step itself, so that code can be moved and copied.
  static Step jump(std::int64_t by) { return {Does::jump, static_cast<std::size_t>(by)}; }
  static Step split(std::int64_t first, std::int64_t second) { return {Does::split, static_cast<std::size_t>(first), static_cast<std::size_t>(second)}; }
  static std::int64_t length(const Code& code) { return static_cast<std::int64_t>(code.size()); }
  static void append(Code& to, const Code& from) { to.insert(to.end(), from.begin(), from.end()); }

  Code alternatives(std::size_t depth) {
    if (depth > kMaxDepth) refuse("nesting deeper than 50");
    const Flags outside = flags_;
    Code out = sequence(depth);
    if (!more() || peek() != U'|') {
      flags_ = outside;
      return out;
    }
    std::vector<Code> parts{std::move(out)};
    while (take(U'|')) parts.push_back(sequence(depth));
    flags_ = outside;
    Code all = std::move(parts.back());
    for (std::size_t i = parts.size() - 1; i-- > 0;) {
      Code joined{split(1, length(parts[i]) + 2)};
      append(joined, parts[i]);
      joined.push_back(jump(length(all) + 1));
      append(joined, all);
      all = std::move(joined);
      check(all);
    }
    return all;
  }

  Code sequence(std::size_t depth) {
    Code out;
    while (more() && peek() != U'|' && peek() != U')') {
      append(out, repeated(depth));
      check(out);
    }
    return out;
  }

  Code repeated(std::size_t depth) {
    Code one = atom(depth);
    while (more()) {
      std::size_t least = 0, most = 0;
      if (take(U'*')) most = kUnlimited;
      else if (take(U'+')) least = 1, most = kUnlimited;
      else if (take(U'?')) most = 1;
      else if (peek() == U'{' && braces(least, most)) {}
      else break;
      if (more() && peek() == U'+') refuse("a possessive repeat");
      const bool lazy = take(U'?');
      one = repeat(one, least, most, lazy);
    }
    return one;
  }

  /// {m}, {m,}, {,n}, {m,n}; anything else is a literal brace.
  bool braces(std::size_t& least, std::size_t& most) {
    const std::size_t mark = at_++;
    const auto number = [&](std::size_t otherwise) {
      if (!(peek() >= U'0' && peek() <= U'9')) return otherwise;
      std::size_t n = 0;
      while (peek() >= U'0' && peek() <= U'9') {
        n = n * 10 + (text_[at_++] - U'0');
        if (n > 100'000) refuse("a repeat count above 100000");
      }
      return n;
    };
    if (peek() == U'}') return at_ = mark, false;
    least = number(0);
    most = least;
    if (take(U',')) most = number(kUnlimited);
    else if (text_[at_ - 1] == U'{') return at_ = mark, false;
    if (!take(U'}')) return at_ = mark, false;
    if (most < least) refuse("a repeat whose minimum is above its maximum");
    return true;
  }

  Code repeat(const Code& one, std::size_t least, std::size_t most, bool lazy) {
    Code out;
    const auto fork = [&](std::int64_t into, std::int64_t past) { return lazy ? split(past, into) : split(into, past); };
    const std::size_t copies = most == kUnlimited ? least : most;
    if (copies > kMaxProgram || (one.size() + 1) * (copies + 1) > kMaxProgram) throw Error(decant::Code::limit, format("the pattern {} is too long", printable(shown_, 200)));
    for (std::size_t i = 0; i < least; ++i) append(out, one);
    if (most == kUnlimited) {
      out.push_back(fork(1, length(one) + 2));
      append(out, one);
      out.push_back(jump(-(length(one) + 1)));
    } else {
      for (std::size_t i = least; i < most; ++i) {  // every fork leads past all that may still come
        out.push_back(fork(1, static_cast<std::int64_t>((one.size() + 1) * (most - i))));
        append(out, one);
      }
    }
    return out;
  }

  Code atom(std::size_t depth) {
    if (take(U'(')) return group(depth);
    if (take(U'[')) return {set_step(brackets())};
    if (take(U'.')) return {Step{flags_.dot_all ? Does::any : Does::any_but_newline}};
    if (take(U'^')) return {Step{flags_.lines ? Does::line_begin : Does::begin}};
    if (take(U'$')) return {Step{flags_.lines ? Does::line_end : Does::end_before_newline}};
    if (take(U'\\')) return escape();
    if (peek() == U'*' || peek() == U'+' || peek() == U'?') refuse("nothing to repeat");
    return {literal(text_[at_++])};
  }

  Code group(std::size_t depth) {
    Code body;
    if (!take(U'?')) {
      const std::size_t number = ++program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return saved(std::move(body), number);
    }
    if (take(U':')) {
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return body;
    }
    if (looks_at(U"P<")) {
      at_ += 2;
      while (more() && peek() != U'>') ++at_;
      if (!take(U'>')) refuse("a group's name");
      const std::size_t number = ++program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return saved(std::move(body), number);
    }
    if (take(U'#')) {
      while (more() && peek() != U')') ++at_;
      if (!take(U')')) refuse("an open comment");
      return {};
    }
    const bool behind = looks_at(U"<=") || looks_at(U"<!");
    if (behind) ++at_;
    if (peek() == U'=' || peek() == U'!') {
      Step look{Does::look, program_.looks.size()};
      look.negated = text_[at_++] == U'!';
      const std::size_t groups = program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      if (program_.groups != groups) refuse("a group inside of what is only looked at");
      if (behind) {
        const auto width = width_of(body, 0, body.size());
        if (!width) refuse("looking behind for something of no fixed length");
        look.back = *width;
      }
      body.push_back({});
      look.a = program_.looks.size();
      program_.looks.push_back(std::move(body));
      return {look};
    }
    return flags_group(depth);
  }

  /// (?aims) and (?aims-ims:...).
  Code flags_group(std::size_t depth) {
    Flags flags = flags_;
    bool on = true;
    for (;; ++at_) {
      const char32_t c = peek();
      if (c == U'-') on = false;
      else if (c == U'a') flags.ascii = on;
      else if (c == U'u') flags.ascii = false;
      else if (c == U's') flags.dot_all = on;
      else if (c == U'm') flags.lines = on;
      else if (c == U'i') flags.fold = on;
      else break;
    }
    if (take(U')')) {
      flags_ = flags;
      return {};
    }
    if (!take(U':')) refuse("this kind of group");
    const Flags outside = std::exchange(flags_, flags);
    Code body = alternatives(depth + 1);
    flags_ = outside;
    if (!take(U')')) refuse("an open group");
    return body;
  }

  static Code saved(Code body, std::size_t number) {
    if (number > 1) return body;  // only the first group's place is ever asked for
    Code out{Step{Does::save, 0}};
    append(out, body);
    out.push_back({Does::save, 1});
    return out;
  }

  /// How many characters the code takes, where that is always the same.
  static std::optional<std::size_t> width_of(const Code& code, std::size_t from, std::size_t to) {
    std::size_t width = 0;
    for (std::size_t i = from; i < to; ++i) {
      switch (code[i].code) {
        case Does::set: case Does::any: case Does::any_but_newline: ++width; break;
        case Does::split: case Does::jump: return std::nullopt;
        default: break;
      }
    }
    return width;
  }

  Step set_step(Set set) {
    Step out{Does::set, program_.sets.size()};
    out.ascii = flags_.ascii;
    out.fold = flags_.fold;
    program_.sets.push_back(std::move(set));
    return out;
  }
  Step literal(char32_t c) {
    Set set;
    set.ranges.emplace_back(c, c);
    return set_step(std::move(set));
  }

  static std::optional<Kind> kind_of(char32_t c) {
    switch (c) {
      case U'w': return Kind::word;
      case U'W': return Kind::not_word;
      case U'd': return Kind::digit;
      case U'D': return Kind::not_digit;
      case U's': return Kind::space;
      case U'S': return Kind::not_space;
      default: return std::nullopt;
    }
  }

  /// The character that an escape names; `c` is what follows the backslash and is taken.
  char32_t escaped(char32_t c) {
    const auto hex = [&](int digits) {
      char32_t out = 0;
      for (int i = 0; i < digits; ++i) {
        const char32_t d = more() ? text_[at_++] : U'\0';
        const char32_t v = d >= U'0' && d <= U'9' ? d - U'0' : d >= U'a' && d <= U'f' ? d - U'a' + 10 : d >= U'A' && d <= U'F' ? d - U'A' + 10 : 16;
        if (v == 16) refuse("an escape with too few digits");
        out = out * 16 + v;
      }
      return out;
    };
    switch (c) {
      case U'n': return U'\n';
      case U't': return U'\t';
      case U'r': return U'\r';
      case U'f': return U'\f';
      case U'v': return U'\v';
      case U'a': return U'\a';
      case U'0': return U'\0';
      case U'x': return hex(2);
      case U'u': return hex(4);
      case U'U': return hex(8);
      default: break;
    }
    if ((c >= U'1' && c <= U'9')) refuse("a back reference");
    if (c < 0x80 && is_word(c) && c != U'_') refuse("this escape");
    return c;
  }

  Code escape() {
    if (!more()) refuse("a backslash at the end");
    const char32_t c = text_[at_++];
    Step boundary{c == U'b' ? Does::boundary : Does::no_boundary};
    boundary.ascii = flags_.ascii;
    if (c == U'b' || c == U'B') return {boundary};
    if (c == U'A') return {Step{Does::begin}};
    if (c == U'Z') return {Step{Does::end}};
    if (const auto kind = kind_of(c)) {
      Set set;
      set.kinds.push_back(*kind);
      return {set_step(std::move(set))};
    }
    return {literal(escaped(c))};
  }

  Set brackets() {
    Set out;
    out.negated = take(U'^');
    for (bool first = true;; first = false) {
      if (!more()) refuse("an open [");
      char32_t low = text_[at_++];
      if (low == U']' && !first) return out;
      if (low == U'\\') {
        if (!more()) refuse("a backslash at the end");
        const char32_t c = text_[at_++];
        if (const auto kind = kind_of(c)) {
          if (peek() == U'-' && peek(1) != U']') refuse("a range of a class");
          out.kinds.push_back(*kind);
          continue;
        }
        low = c == U'b' ? U'\b' : escaped(c);
      }
      char32_t high = low;
      if (peek() == U'-' && peek(1) != U']' && at_ + 1 < text_.size()) {
        ++at_;
        high = text_[at_++];
        if (high == U'\\') {
          if (!more() || kind_of(peek())) refuse("a range up to a class");
          const char32_t c = text_[at_++];
          high = c == U'b' ? U'\b' : escaped(c);
        }
        if (high < low) refuse("a range that runs backwards");
      }
      out.ranges.emplace_back(low, high);
    }
  }

  static constexpr std::size_t kUnlimited = ~std::size_t{0};
  std::string_view shown_;
  Points text_;
  Pattern::Program& program_;
  std::size_t at_ = 0;
  Flags flags_;
};

}  // namespace

Pattern::Pattern(std::string_view pattern) {
  auto program = std::make_unique<Program>();
  Compiler(pattern, *program).run();
  const std::string_view bare = pattern.starts_with("(?u)") ? pattern.substr(4) : pattern;
  program->least = bare == "\\b\\w\\w+\\b" ? 2 : 1;
  program->runs_of_words = bare == "\\b\\w\\w+\\b" || bare == "\\b\\w+\\b" || bare == "\\w+";
  program_ = std::move(program);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::size_t Pattern::groups() const { return program_->groups; }

}  // namespace decant
