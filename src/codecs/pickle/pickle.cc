// SPDX-License-Identifier: Apache-2.0
// The opcodes. Meaning follows the loader that most files meet, C's Modules/_pickle.c of CPython 3.13; where Lib/pickle.py,
// Lib/pickletools.py or the loaders of torch and joblib would read the same bytes in another way, the stream is still read but an
// Oddity says so: that difference is how a scanner is led to see another file than the loader.
#include "codecs/pickle/pickle.h"

#include <stdexcept>

#include "codecs/pickle/machine.h"

namespace decant::pickle {

// One opcode; true at STOP.
bool Machine::step() {
  op_at_ = at_;
  check_frame();
  if (++ops_ % kItemsStep == 0) charge();
  if (at_ == bytes_.size()) fail(Code::truncated, "the pickle ends without STOP");
  const auto op = std::to_integer<std::uint8_t>(bytes_[at_++]);
  switch (op) {
    case '(':
      marks_.push_back(stack_.size());
      break;
    case '.':
      need(1);
      return true;
    case '0':
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        discard(*pop());
      }
      break;
    case '1': {
      const std::size_t first = pop_mark();
      for (std::size_t i = first; i < stack_.size(); ++i) discard(*stack_[i]);
      stack_.resize(first);
      break;
    }
    case '2':
      stack_.push_back(&top());
      break;

    case 'N':
      push_shared(none_, Kind::none, 0);
      break;
    case 0x88:
      push_shared(booleans_[1], Kind::boolean, 1);
      break;
    case 0x89:
      push_shared(booleans_[0], Kind::boolean, 0);
      break;
    case 'I':
      integer_line(false);
      break;
    case 'L':
      integer_line(true);
      break;
    case 'J':
      push_integer(le<std::int32_t>());
      break;
    case 'K': {
      const auto value = le<std::uint8_t>();
      push_shared(small_[value], Kind::integer, value);
      break;
    }
    case 'M':
      push_integer(le<std::uint16_t>());
      break;
    case 0x8a:
      long_bytes(le<std::uint8_t>());
      break;
    case 0x8b: {
      const auto n = le<std::int32_t>();
      if (n < 0) fail(Code::corrupt, format("LONG4 of {} bytes", n));
      long_bytes(static_cast<std::uint64_t>(n));
      break;
    }
    case 'F':
      float_line();
      break;
    case 'G':
      big_endian_float();
      break;

    case 'S':
      string_line();
      break;
    case 'T': {
      const auto n = le<std::int32_t>();
      if (n < 0) fail(Code::corrupt, format("BINSTRING of {} bytes", n));
      push_py2(take(static_cast<std::uint64_t>(n)));
      break;
    }
    case 'U':
      push_py2(take(le<std::uint8_t>()));
      break;
    case 'V':
      unicode_line();
      break;
    case 'X':
      push_text(take(le<std::uint32_t>()));
      break;
    case 0x8c:
      push_text(take(le<std::uint8_t>()));
      break;
    case 0x8d:
      push_text(take(le<std::uint64_t>()));
      break;
    case 'B':
      push_bytes(Kind::bytes, take(le<std::uint32_t>()));
      break;
    case 'C':
      push_bytes(Kind::bytes, take(le<std::uint8_t>()));
      break;
    case 0x8e:
      push_bytes(Kind::bytes, take(le<std::uint64_t>()));
      break;
    case 0x96:
      push_bytes(Kind::bytearray, take(le<std::uint64_t>()));
      break;
    case 0x97:
      if (buffers_ == 0) oddity("out-of-band", "refers to buffers outside of the file, which pickle.load does not have");
      push(Kind::buffer).integer = static_cast<std::int64_t>(buffers_++);
      break;
    case 0x98:
      // A read-only view of the buffer below; of anything else memoryview() makes a TypeError, except of bytes.
      if (top().kind != Kind::buffer && top().kind != Kind::bytes && top().kind != Kind::bytearray && !is_object(top()))
        fail(Code::corrupt, "READONLY_BUFFER of something that is no buffer");
      break;

    case ']':
      push(Kind::list);
      break;
    case ')':
      push(Kind::tuple);
      break;
    case '}':
      push(Kind::dict);
      break;
    case 0x8f:
      push(Kind::set);
      break;
    case 'l':
      container_from_mark(Kind::list);
      break;
    case 't':
      container_from_mark(Kind::tuple);
      break;
    case 'd':
      container_from_mark(Kind::dict);
      break;
    case 0x91:
      container_from_mark(Kind::frozenset);
      break;
    case 0x85:
      short_tuple(1);
      break;
    case 0x86:
      short_tuple(2);
      break;
    case 0x87:
      short_tuple(3);
      break;
    case 'a':
      need(2);
      append_from(stack_.size() - 1, false);
      break;
    case 'e':
      append_from(pop_mark(), false);
      break;
    case 0x90:
      append_from(pop_mark(), true);
      break;
    case 's':
      need(3);
      set_items_from(stack_.size() - 2);
      break;
    case 'u':
      set_items_from(pop_mark());
      break;

    case 'c':
      stack_.push_back(&global_lines());
      break;
    case 0x93:
      stack_global();
      break;
    case 'R': {
      need(2);
      Node* args = pop();
      Node* callee = pop();
      stack_.push_back(&call(callee, args));
      break;
    }
    case 0x81: {
      need(2);
      Node* args = pop();
      Node* callee = pop();
      Node& out = call(callee, args);
      out.is_newobj = true;
      stack_.push_back(&out);
      break;
    }
    case 0x92: {
      need(3);
      Node* kwargs = pop();
      Node* args = pop();
      Node* callee = pop();
      Node& out = call(callee, args, kwargs);
      out.is_newobj = true;
      stack_.push_back(&out);
      break;
    }
    case 'o': {
      const std::size_t first = pop_mark();
      if (stack_.size() == first) fail(Code::corrupt, "OBJ without a class");
      Node* args = &tuple_from(first + 1);
      Node* callee = stack_.back();
      stack_.pop_back();
      stack_.push_back(&call(callee, args));
      break;
    }
    case 'i': {
      Node& callee = global_lines();
      Node* args = &tuple_from(pop_mark());
      stack_.push_back(&call(&callee, args));
      break;
    }
    case 'b':
      build();
      break;

    case 'P': {
      const std::string_view id = line();
      Node& text = text_node(id);
      if (!is_utf8(id, true)) fail(Code::corrupt, "a persistent id is not UTF-8");
      persistent(&text);
      break;
    }
    case 'Q': {
      persistent(pop());
      break;
    }
    case 0x82:
      extension(le<std::uint8_t>());
      break;
    case 0x83:
      extension(le<std::uint16_t>());
      break;
    case 0x84:
      extension(le<std::int32_t>());
      break;

    case 'p':
      put(memo_index());
      break;
    case 'q':
      put(le<std::uint8_t>());
      break;
    case 'r':
      put(le<std::uint32_t>());
      break;
    case 0x94:
      put(memo_count_);
      break;
    case 'g':
      get(memo_index());
      break;
    case 'h':
      get(le<std::uint8_t>());
      break;
    case 'j':
      get(le<std::uint32_t>());
      break;

    case 0x80:
      proto();
      break;
    case 0x95:
      frame();
      break;
    default:
      fail(Code::corrupt, format("unknown opcode {:#04x}", op));
  }
  return false;
}

namespace {

struct Keep {
  Keep(Budget& budget, Where where, std::shared_ptr<const void> source)
      : arena(budget, std::move(where)), source_owner(std::move(source)) {}
  Arena arena;
  std::shared_ptr<const void> source_owner;
};

Tree new_tree(const Cursor& cursor, std::shared_ptr<Keep>& keep) {
  keep = std::make_shared<Keep>(cursor.budget(), cursor.where(), cursor.source().data().owner);
  Tree tree;
  tree.source = cursor.source();
  tree.owner = keep;
  return tree;
}

void run(Tree& tree, Arena& arena, Cursor& cursor, const Options& options) {
  Machine machine(tree, arena, cursor, options);
  tree.root = machine.run();
  tree.protocol = machine.protocol();
  tree.end = cursor.offset();
}

}  // namespace

Ref Refs::at(std::size_t i) const {
  if (i >= size_) throw std::out_of_range("decant::pickle::Refs::at");
  return data_[i];
}

Tree parse(Cursor& cursor, const Options& options) {
  std::shared_ptr<Keep> keep;
  Tree tree = new_tree(cursor, keep);
  run(tree, keep->arena, cursor, options);
  return tree;
}

Partial parse_partial(Cursor& cursor, const Options& options) {
  std::shared_ptr<Keep> keep;
  Partial out{new_tree(cursor, keep), std::nullopt};
  try {
    run(out.tree, keep->arena, cursor, options);
  } catch (const Error& error) {
    out.tree.root = nullptr;
    out.broke = error;
  }
  return out;
}

}  // namespace decant::pickle
