// SPDX-License-Identifier: Apache-2.0
#include "codecs/pickle/pickle.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/text.h"

namespace decant::pickle {
namespace {

using namespace std::string_literals;

Source source_of(std::string_view bytes, std::uint64_t memory = 0) {
  return Source::memory(Blob::copy_of(as_bytes(bytes)), "t.pkl", memory);
}

Tree parse_text(std::string_view bytes) {
  Cursor cursor(source_of(bytes));
  return parse(cursor);
}

// A tree as text, for comparison: one place that knows every kind. Never used on cycles.
std::string show(Ref node) {
  const auto list = [](const Refs& refs) {
    std::string out;
    for (const Ref ref : refs) out += (out.empty() ? "" : ", ") + show(ref);
    return out;
  };
  switch (node->kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return node->integer != 0 ? "True" : "False";
    case Kind::integer:
      return std::to_string(node->integer);
    case Kind::big_integer: {
      std::string out = "big:";
      for (const std::byte b : node->raw_bytes) out += format("{:02x}", static_cast<unsigned>(b));
      return out;
    }
    case Kind::real:
      return format("{}", node->real);
    case Kind::text:
      return "'" + printable(node->text()) + "'";
    case Kind::bytes:
      return (node->is_py2_string ? "s'" : "b'") + printable(node->text()) + "'";
    case Kind::bytearray:
      return "bytearray(" + printable(node->text()) + ")";
    case Kind::list:
      return "[" + list(node->items) + "]";
    case Kind::tuple:
      return "(" + list(node->items) + ")";
    case Kind::dict:
      return "{" + list(node->items) + "}";
    case Kind::set:
      return "set(" + list(node->items) + ")";
    case Kind::frozenset:
      return "frozenset(" + list(node->items) + ")";
    case Kind::global:
      return std::string(node->module()) + "." + std::string(node->name());
    case Kind::call: {
      std::string out = (node->is_newobj ? "new " : "") + show(node->callee()) + show(node->args());
      if (node->kwargs() != nullptr) out += "**" + show(node->kwargs());
      if (node->extra != nullptr) {
        for (const Ref state : node->extra->states) out += " <- " + show(state);
        if (!node->extra->appended.empty()) out += " += [" + list(node->extra->appended) + "]";
        if (!node->extra->entries.empty()) out += " |= {" + list(node->extra->entries) + "}";
      }
      return out;
    }
    case Kind::persistent:
      return "id(" + list(node->items) + ")";
    case Kind::extension:
      return format("ext({})", node->integer);
    case Kind::buffer:
      return format("buffer({})", node->integer);
  }
  return "?";
}

std::string show(std::string_view bytes) { return show(parse_text(bytes).root); }

std::string error_of(std::string_view bytes, std::uint64_t memory = 0) {
  try {
    Cursor cursor(source_of(bytes, memory));
    parse(cursor);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string oddities_of(std::string_view bytes) {
  std::string out;
  for (const Oddity& oddity : parse_text(bytes).oddities) out += (out.empty() ? "" : " ") + oddity.rule;
  return out;
}

TEST(Pickle, EveryOpcodeOfPlainData) {
  EXPECT_EQ(show("N."), "None");
  EXPECT_EQ(show("\x88."), "True");
  EXPECT_EQ(show("\x89."), "False");
  EXPECT_EQ(show("I01\n."), "True");
  EXPECT_EQ(show("I00\n."), "False");
  EXPECT_EQ(show("I-12\n."), "-12");
  EXPECT_EQ(show("J\xff\xff\xff\xff."), "-1");
  EXPECT_EQ(show("K\xff."), "255");
  EXPECT_EQ(show("M\xff\xff."), "65535");
  EXPECT_EQ(show("L5L\n."), "5");
  EXPECT_EQ(show("L5\n."), "5");
  EXPECT_EQ(show("L-9223372036854775808L\n."), "-9223372036854775808");
  EXPECT_EQ(show("L9223372036854775808L\n."), "big:000000000000008000");
  EXPECT_EQ(show("L-9223372036854775809L\n."), "big:ffffffffffffff7fff");
  EXPECT_EQ(show("L18446744073709551615L\n."), "big:ffffffffffffffff00");
  EXPECT_EQ(show("\x8a\x00."s), "0");
  EXPECT_EQ(show("\x8a\x01\xff."), "-1");
  EXPECT_EQ(show("\x8a\x09\xff\x00\x00\x00\x00\x00\x00\x00\x00."s), "255");  // more bytes than it needs
  EXPECT_EQ(show("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s), "big:000000000000008000");
  EXPECT_EQ(show("\x8b\x02\x00\x00\x00\x00\x80."s), "-32768");
  EXPECT_EQ(show("F1.5\n."), "1.5");
  EXPECT_EQ(show("Finf\n."), "inf");
  EXPECT_EQ(show("F1e400\n."), "inf");
  EXPECT_EQ(show("F-1e-400\n."), "-0");
  EXPECT_EQ(show("G\x3f\xf8\x00\x00\x00\x00\x00\x00."s), "1.5");
}

TEST(Pickle, EveryOpcodeOfText) {
  EXPECT_EQ(show("S'a\\x41\\n\\101\\\\'\n."), "s'aA\\x0aA\\'");
  EXPECT_EQ(show("S\"it's\"\n."), "s'it's'");
  EXPECT_EQ(show("T\x02\x00\x00\x00"
                 "ab."s),
            "s'ab'");
  EXPECT_EQ(show("U\x02"
                 "ab."),
            "s'ab'");
  EXPECT_EQ(show("Vab\\u00e9\n."), "'abé'");
  EXPECT_EQ(show("V\xe9\n."), "'é'");  // latin-1 outside of the escapes
  EXPECT_EQ(show("V\\U0001f600\n."), "'😀'");
  EXPECT_EQ(show("V\\\\u0041\n."), "'\\\\u0041'");  // an escaped backslash
  EXPECT_EQ(show("X\x02\x00\x00\x00"
                 "ab."s),
            "'ab'");
  EXPECT_EQ(show("\x8c\x02"
                 "ab."),
            "'ab'");
  EXPECT_EQ(show("\x8d\x02\x00\x00\x00\x00\x00\x00\x00"
                 "ab."s),
            "'ab'");
  EXPECT_EQ(show("B\x02\x00\x00\x00"
                 "ab."s),
            "b'ab'");
  EXPECT_EQ(show("C\x02"
                 "ab."),
            "b'ab'");
  EXPECT_EQ(show("\x8e\x02\x00\x00\x00\x00\x00\x00\x00"
                 "ab."s),
            "b'ab'");
  EXPECT_EQ(show("\x96\x02\x00\x00\x00\x00\x00\x00\x00"
                 "ab."s),
            "bytearray(ab)");
  EXPECT_EQ(parse_text("X\x03\x00\x00\x00\xed\xa0\x80."s).root->text(), "\xed\xa0\x80");  // a lone surrogate
}

TEST(Pickle, EveryOpcodeOfContainers) {
  EXPECT_EQ(show("]."), "[]");
  EXPECT_EQ(show(")."), "()");
  EXPECT_EQ(show("}."), "{}");
  EXPECT_EQ(show("\x8f."), "set()");
  EXPECT_EQ(show("(K\1K\2l."), "[1, 2]");
  EXPECT_EQ(show("(K\1K\2t."), "(1, 2)");
  EXPECT_EQ(show("(K\1K\2d."), "{1, 2}");
  EXPECT_EQ(show("(K\1K\2\x91."), "frozenset(1, 2)");
  EXPECT_EQ(show("K\1\x85."), "(1)");
  EXPECT_EQ(show("K\1K\2\x86."), "(1, 2)");
  EXPECT_EQ(show("K\1K\2K\3\x87."), "(1, 2, 3)");
  EXPECT_EQ(show("]K\1a(K\2K\3e."), "[1, 2, 3]");
  EXPECT_EQ(show("}K\1K\2s(K\3K\4u."), "{1, 2, 3, 4}");
  EXPECT_EQ(show("\x8f(K\1K\2\x90."), "set(1, 2)");
  EXPECT_EQ(show("K\1K\2"
                 "0."),
            "1");
  EXPECT_EQ(show("K\1(K\2K\3"
                 "1."),
            "1");
  EXPECT_EQ(show("K\1(0."), "1");  // POP of a mark
  EXPECT_EQ(show("]2a."s.substr(0, 1) + "K\1"
                                        "2\x86"
                                        "a."s),
            "[(1, 1)]");
}

TEST(Pickle, EveryOpcodeOfObjects) {
  EXPECT_EQ(show("ca\nb\n."), "a.b");
  EXPECT_EQ(show("\x8c\1a\x8c\1b\x93."), "a.b");
  EXPECT_EQ(show("ca\nb\n)R."), "a.b()");
  EXPECT_EQ(show("ca\nb\nK\1\x85\x81."), "new a.b(1)");
  EXPECT_EQ(show("ca\nb\nK\1\x85}\x92."), "new a.b(1)**{}");
  EXPECT_EQ(show("(ca\nb\nK\1o."), "a.b(1)");
  EXPECT_EQ(show("(K\1ia\nb\n."), "a.b(1)");
  EXPECT_EQ(show("ca\nb\n)\x81}K\1K\2sbK\5b."), "new a.b() <- {1, 2} <- 5");
  EXPECT_EQ(show("ca\nb\n)RK\1aK\2K\3s(K\4\x90."), "a.b() += [1, 4] |= {2, 3}");
  EXPECT_EQ(show("Pabc\n."), "id('abc')");
  EXPECT_EQ(show("K\1Q."), "id(1)");
  EXPECT_EQ(show("\x82\1."), "ext(1)");
  EXPECT_EQ(show("\x83\1\1."), "ext(257)");
  EXPECT_EQ(show("\x84\1\0\0\0."s), "ext(1)");
  EXPECT_EQ(show("\x97\x98\x97\x86."), "(buffer(0), buffer(1))");
  const Tree tree = parse_text(
      "\x80\x04\x95\x13\0\0\0\0\0\0\0ca\nb\n)Rq\0"
      "0cc\nd\n)R."s);
  EXPECT_EQ(tree.protocol, 4);
  EXPECT_EQ(tree.globals.size(), 2u);
  EXPECT_EQ(tree.calls.size(), 2u);
}

TEST(Pickle, Memo) {
  EXPECT_EQ(show("K\7p3\n0g3\n."), "7");
  EXPECT_EQ(show("K\7q\xff"
                 "0h\xff."),
            "7");
  EXPECT_EQ(show("K\7r\0\1\0\0"
                 "0j\0\1\0\0."s),
            "7");
  EXPECT_EQ(show("K\7\x94K\x08\x94\x86h\0h\1\x86\x86."s), "((7, 8), (7, 8))");
  const Tree cycle = parse_text("]q\0h\0a."s);
  EXPECT_EQ(cycle.root->items[0], cycle.root);
  EXPECT_EQ(oddities_of("]q\0h\0a."s), "");
}

TEST(Pickle, WhatLoadersTakeDifferently) {
  EXPECT_EQ(oddities_of("\x80\2\x80\2N."), "duplicate-proto");
  EXPECT_EQ(oddities_of("N0\x80\2N."), "duplicate-proto");
  EXPECT_EQ(oddities_of("\x80\x09N."), "unknown-protocol");
  EXPECT_EQ(oddities_of("I010\n."), "odd-integer");
  EXPECT_EQ(show("I010\n."), "8");  // as strtol(…, 0) has it; pickle.py refuses it
  EXPECT_EQ(oddities_of("I 1\n."), "odd-integer");
  EXPECT_EQ(show("I 1\n."), "True");  // C's loader looks at the length of the line only
  EXPECT_EQ(oddities_of("I0x10\n."), "odd-integer");
  EXPECT_EQ(oddities_of("I1_0\n."), "odd-integer");
  EXPECT_EQ(oddities_of("S'a' \n."), "odd-string");
  EXPECT_EQ(oddities_of("F1e400\n."), "odd-number");
  EXPECT_EQ(oddities_of("F-inf\n."), "");
  EXPECT_EQ(oddities_of("F1 \n."), "odd-number");
  EXPECT_EQ(oddities_of("\x97."), "out-of-band");
  EXPECT_EQ(oddities_of("Nq\0"
                        "0Nq\0."s),
            "");  // None is one object
  EXPECT_EQ(oddities_of("]q\0"
                        "0]q\0."s),
            "memo-overwritten");
  EXPECT_EQ(oddities_of("Nr\xff\xff\xff\xff."), "sparse-memo");
  EXPECT_EQ(oddities_of("NN."), "stack-not-clean");
  EXPECT_EQ(oddities_of("(N."), "stack-not-clean");
  EXPECT_EQ(oddities_of("ca\nb\n)R0N."), "discarded-call");
  EXPECT_EQ(oddities_of("N(ca\nb\n)R1."), "discarded-call");
  EXPECT_EQ(oddities_of("(ca\nb\no0N."), "discarded-call");
  EXPECT_EQ(oddities_of("ca\nb\n)RN."), "stack-not-clean discarded-call");
  EXPECT_EQ(oddities_of("ca\nb\n]R."), "args-not-tuple");
  EXPECT_EQ(oddities_of("ca\nb\n}b."), "changes-global");
  EXPECT_EQ(oddities_of("ca\nb\nK\1K\2s."), "changes-global");
  EXPECT_EQ(oddities_of("ca\nb\n)R\x8c\1b\x93."), "computed-global");
  EXPECT_EQ(oddities_of("c\nb\n."), "odd-name");
  EXPECT_EQ(oddities_of("ca\r\nb\n."), "odd-name");
  EXPECT_EQ(oddities_of("\x8c\3a\nb\x8c\1b\x93."), "odd-name");
  EXPECT_EQ(oddities_of("c\xc3\xa9\nb\n."), "odd-name");
  EXPECT_EQ(oddities_of("ca..b\nc\n."), "odd-name");
  EXPECT_EQ(oddities_of("\x82\1."), "extension-code");
  EXPECT_EQ(oddities_of("]K\1aK\0K\2s."s), "setitem-on-list");
  EXPECT_EQ(show("]K\1aK\0K\2s."s), "[2]");
  EXPECT_EQ(oddities_of("K\1(e."), "no-effect");
  EXPECT_EQ(oddities_of("K\1Nb."), "no-effect");
  // Frames: one that ends inside an opcode, one inside another, one that goes on behind STOP, one that is longer than the file.
  EXPECT_EQ(oddities_of("\x95\1\0\0\0\0\0\0\0K\1."s), "frame-mismatch");
  EXPECT_EQ(oddities_of("\x95\x0b\0\0\0\0\0\0\0\x95\2\0\0\0\0\0\0\0N."s), "frame-mismatch");
  EXPECT_EQ(oddities_of("\x95\3\0\0\0\0\0\0\0N.N"s), "frame-mismatch");
  EXPECT_EQ(oddities_of("\x95\x30\0\0\0\0\0\0\0N."s), "frame-mismatch");
  EXPECT_EQ(oddities_of("\x95\2\0\0\0\0\0\0\0N."s), "");
  EXPECT_EQ(oddities_of("\x95\1\0\0\0\0\0\0\0N."s), "");  // STOP right behind a frame
}

TEST(Pickle, AnObjectThatItsArgumentsContainIsPoppedByGenuineWriters) {
  // save_reduce: the object is in the memo by the time that its arguments are written, so what REDUCE made is dropped and fetched.
  EXPECT_EQ(oddities_of("ca\nb\n)Rq\0"
                        "0h\0."s),
            "");
}

TEST(Pickle, BrokenOnesSayWhereAndWhy) {
  EXPECT_EQ(error_of(""), "t.pkl @0x0: truncated: the pickle ends without STOP");
  EXPECT_EQ(error_of("N"), "t.pkl @0x1: truncated: the pickle ends without STOP");
  EXPECT_EQ(error_of("."), "t.pkl @0x0: corrupt: an opcode needs 1 items on the stack, there are 0");
  EXPECT_EQ(error_of("N\xff."), "t.pkl @0x1: corrupt: unknown opcode 0xff");
  EXPECT_EQ(error_of("K"), "t.pkl @0x0: truncated: an opcode needs 1 bytes, only 0 left");
  EXPECT_EQ(error_of("X\xff\xff\xff\xff"
                     "a"),
            "t.pkl @0x0: truncated: an opcode needs 4294967295 bytes, only 1 left");
  EXPECT_EQ(error_of("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                     "a"),
            "t.pkl @0x0: truncated: an opcode needs 18446744073709551615 bytes, only 1 left");
  EXPECT_EQ(error_of("\x8b\xff\xff\xff\xff."), "t.pkl @0x0: corrupt: LONG4 of -1 bytes");
  EXPECT_EQ(error_of("T\xff\xff\xff\xff."), "t.pkl @0x0: corrupt: BINSTRING of -1 bytes");
  EXPECT_EQ(error_of("I5"), "t.pkl @0x0: truncated: a text argument has no newline");
  EXPECT_EQ(error_of("Ifive\n."), "t.pkl @0x0: corrupt: \"five\" is no integer");
  EXPECT_EQ(error_of("L010L\n."), "t.pkl @0x0: corrupt: \"010\" is no integer");
  EXPECT_EQ(error_of("I" + std::string(5000, '9') + "\n.").substr(0, 30), "t.pkl @0x0: corrupt: \"99999999");
  EXPECT_EQ(error_of("Fx\n."), "t.pkl @0x0: corrupt: \"x\" is no number");
  EXPECT_EQ(error_of("Sabc\n."), "t.pkl @0x0: corrupt: a STRING argument is not quoted");
  EXPECT_EQ(error_of("S'\n."), "t.pkl @0x0: corrupt: a STRING argument is not quoted");
  EXPECT_EQ(error_of("S'\\xg0'\n."), "t.pkl @0x0: corrupt: a STRING argument has a broken escape");
  EXPECT_EQ(error_of("V\\u12\n."), "t.pkl @0x0: corrupt: a UNICODE argument has a broken escape");
  EXPECT_EQ(error_of("\x8c\1\xff."), "t.pkl @0x0: corrupt: a text is not UTF-8");
  EXPECT_EQ(error_of("h\5."), "t.pkl @0x0: corrupt: memo entry 5 is asked for, but was never stored (0 are)");
  EXPECT_EQ(error_of("Np-1\n."), "t.pkl @0x1: corrupt: \"-1\" is no memo index");
  EXPECT_EQ(error_of("q\0."s), "t.pkl @0x0: corrupt: an opcode needs 1 items on the stack, there are 0");
  EXPECT_EQ(error_of("t."), "t.pkl @0x0: corrupt: an opcode needs a mark on the stack, there is none");
  EXPECT_EQ(error_of("K\1(R."), "t.pkl @0x3: corrupt: an opcode needs 2 items on the stack, there are 0");
  EXPECT_EQ(error_of("(K\1d."), "t.pkl @0x3: corrupt: DICT has an odd number of items");
  EXPECT_EQ(error_of("}(K\1u."), "t.pkl @0x4: corrupt: SETITEMS has an odd number of items");
  EXPECT_EQ(error_of("K\1K\1a."), "t.pkl @0x4: corrupt: adds items to something that is neither a list nor an object");
  EXPECT_EQ(error_of("K\1(K\1K\1u."), "t.pkl @0x7: corrupt: sets items of something that is neither a dict nor an object");
  EXPECT_EQ(error_of("(e."), "t.pkl @0x1: corrupt: an opcode adds items to an object that is not on the stack");
  EXPECT_EQ(error_of("}]K\1s."),
            "t.pkl @0x4: corrupt: a key of a dict or an element of a set is, or holds, a list, dict, set or bytearray");
  EXPECT_EQ(error_of("}K\1]\x86K\1s.").substr(0, 22), "t.pkl @0x7: corrupt: a");
  EXPECT_EQ(error_of("K\1)R."), "t.pkl @0x3: corrupt: calls something that is neither a class nor a function");
  EXPECT_EQ(error_of("ca\nb\nNR."), "t.pkl @0x6: corrupt: calls with arguments that are no tuple");
  EXPECT_EQ(error_of("ca\nb\n)K\1\x92."), "t.pkl @0x8: corrupt: calls with keyword arguments that are no dict");
  EXPECT_EQ(error_of("K\1}K\1K\1sb."), "t.pkl @0x8: corrupt: BUILD on plain data, which has no state");
  EXPECT_EQ(error_of("K\1\x8c\1b\x93."), "t.pkl @0x5: corrupt: STACK_GLOBAL needs two texts");
  EXPECT_EQ(error_of("(o."), "t.pkl @0x1: corrupt: OBJ without a class");
  EXPECT_EQ(error_of("\x82\0."s), "t.pkl @0x0: corrupt: an extension code is not positive");
  EXPECT_EQ(error_of("N\x98."), "t.pkl @0x1: corrupt: READONLY_BUFFER of something that is no buffer");
  EXPECT_EQ(error_of("K\1(."), "t.pkl @0x3: corrupt: an opcode needs 1 items on the stack, there are 0");
}

TEST(Pickle, ABrokenOneKeepsWhatItDidBefore) {
  Cursor cursor(source_of("cos\nsystem\n\x8c\2id\x85R\xff"));
  const Partial partial = parse_partial(cursor);
  ASSERT_TRUE(partial.broke.has_value());
  EXPECT_EQ(partial.tree.root, nullptr);
  ASSERT_EQ(partial.tree.calls.size(), 1u);
  EXPECT_EQ(show(partial.tree.calls[0]), "os.system('id')");
}

TEST(Pickle, LeavesTheCursorBehindStop) {
  Cursor cursor(source_of("N.K\5."));
  EXPECT_EQ(parse(cursor).root->kind, Kind::none);
  EXPECT_EQ(cursor.offset(), 2u);
  const Tree second = parse(cursor);
  EXPECT_EQ(second.root->integer, 5);
  EXPECT_EQ(second.end, 5u);
}

TEST(Pickle, AHookTakesRawBytesAndANestedPickle) {
  Options options;
  options.on_build = [](Node& object, Cursor& cursor, const std::function<Ref()>& parse_nested) {
    object.extra->raw = cursor.bytes(3);
    object.extra->nested = parse_nested();
  };
  Cursor cursor(source_of("ca\nb\n)Rq\0}bRAWcc\nd\n.h\0\x86."s));
  const Tree tree = parse(cursor, options);
  const Node& object = *tree.root->items[0];
  EXPECT_EQ(as_text(object.extra->raw), "RAW");
  EXPECT_EQ(show(object.extra->nested), "c.d");
  EXPECT_EQ(tree.globals.size(), 2u);
}

TEST(Pickle, BytesAreViewsAndOutliveTheSource) {
  Blob blob;
  {
    Cursor cursor(source_of("C\5hello."));
    const Tree tree = parse(cursor);
    EXPECT_EQ(tree.root->raw_bytes.data(), cursor.source().bytes().data() + 2);
    blob = tree.blob_of(*tree.root);
  }
  EXPECT_EQ(as_text(blob.bytes), "hello");
}

TEST(Pickle, MemoryIsBounded) {
  const std::string marks = error_of(std::string(3'000'000, '('), 4 << 20);
  EXPECT_NE(marks.find("limit: the stack of a pickle needs"), std::string::npos) << marks;
  const std::string many = error_of("(" + std::string(200'000, ']'), 4 << 20);
  EXPECT_NE(many.find("limit: the tree of a pickle needs"), std::string::npos) << many;
  EXPECT_NE(error_of("N" + std::string(100'000, 'q'), 1 << 20), "no error");
}

TEST(Pickle, AMillionSmallObjectsTakeLessThanASecond) {
  std::string bytes = "(";
  for (int i = 0; i < 250'000; ++i) bytes += "J\x39\x30\0\0X\3\0\0\0abc\x86G\x3f\xf8\0\0\0\0\0\0"s;
  bytes += "l.";
  Cursor cursor(source_of(bytes));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse(cursor).root->items.size(), 500'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace decant::pickle
