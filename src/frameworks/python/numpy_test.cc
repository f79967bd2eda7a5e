// SPDX-License-Identifier: Apache-2.0
// Against what NumPy and SciPy themselves pickled (tests/golden/numpy/make.py), and against descriptions that lie.
#include "frameworks/python/numpy.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace decant::python {
namespace {

using namespace std::string_literals;

Source source_of(std::string_view bytes) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "n.pkl"); }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t n = std::min(text.find(at), text.size());
    out.push_back(text.substr(0, n));
    if (n == text.size()) return out;
    text.remove_prefix(n + 1);
  }
}

std::string unhex(std::string_view hex) {
  std::string out(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned value = 0;
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, value, 16);
    out[i] = static_cast<char>(value);
  }
  return out;
}

Tensor read(std::string_view container, std::string_view bytes) {
  Cursor cursor(source_of(bytes));
  if (container == "npy") return read_npy(cursor).array.tensor();
  const pickle::Tree tree = pickle::parse(cursor, pickle_options());
  EXPECT_TRUE(cursor.at_end());
  for (const pickle::Oddity& oddity : tree.oddities) EXPECT_EQ(oddity.rule, "out-of-band") << oddity.text;
  if (const auto array = as_array(tree, *tree.root)) return array->tensor();
  if (const auto scalar = as_scalar(tree, *tree.root)) return *scalar;
  if (const auto sparse = as_sparse(tree, *tree.root)) return sparse->dense();
  throw Error(Code::unsupported, "not recognised");
}

double half(std::uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  return exponent == 0 ? sign * std::ldexp(fraction, -24) : sign * std::ldexp(1024 + fraction, exponent - 25);
}

std::string element(const Tensor& tensor, std::size_t i) {
  if (tensor.dtype() == DType::string) return tensor.data<std::string>()[i];
  if (tensor.dtype() == DType::float16) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, tensor.blob().bytes.data() + 2 * i, 2);
    return format("{}", half(bits));
  }
  if (is_float(tensor.dtype())) return format("{}", tensor.number(i));
  return std::to_string(tensor.integer(i));
}

void replay(const std::string& name, std::size_t lines_expected) {
  const Source file = Source::open(DECANT_SOURCE_DIR "/tests/golden/numpy/" + name);
  std::size_t lines = 0;
  for (const std::string_view line : split(as_text(file.bytes()), '\n')) {
    if (line.empty()) continue;
    ++lines;
    const auto fields = split(line, '\t');
    ASSERT_EQ(fields.size(), 6u);
    SCOPED_TRACE(format("{}, {}", fields[0], fields[1]));
    Tensor tensor;
    ASSERT_NO_THROW(tensor = read(fields[1], unhex(fields[2])));
    EXPECT_EQ(name_of(tensor.dtype()), fields[3]);
    std::string shape;
    for (const std::int64_t d : tensor.shape()) shape += (shape.empty() ? "" : ",") + std::to_string(d);
    EXPECT_EQ(shape, fields[4]);
    const auto elements = split(fields[5], '|');
    ASSERT_EQ(tensor.size(), fields[5].empty() && shape.find('0') != std::string::npos ? 0 : elements.size());
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      double expected = 0, found = 0;
      const std::string text = element(tensor, i);
      const bool number = is_float(tensor.dtype());
      if (number) {
        std::from_chars(elements[i].data(), elements[i].data() + elements[i].size(), expected);
        std::from_chars(text.data(), text.data() + text.size(), found);
        EXPECT_EQ(found, expected);
      } else {
        EXPECT_EQ(text, elements[i]);
      }
    }
  }
  EXPECT_EQ(lines, lines_expected);
}

TEST(Numpy, WhatNumpy1Pickled) { replay("numpy-1.23.5.tsv", 545); }
TEST(Numpy, WhatNumpy2Pickled) { replay("numpy-2.4.6.tsv", 545); }

// A pickle of numpy.core.multiarray._reconstruct whose state is `shape`, dtype `type` and `data` as opcodes.
std::string array(std::string_view shape, std::string_view type, std::string_view data, std::string_view module = "numpy.core.multiarray") {
  return format(
      "c{}\n_reconstruct\ncnumpy\nndarray\nK\x01\x85U\x01"
      "b\x87R(K\x01{}cnumpy\ndtype\nU{}{}\x85R\x89{}tb.",
      module, shape, std::string(1, static_cast<char>(type.size())), type, data);
}

std::string error_of(std::string_view bytes) {
  try {
    read("pickle", bytes);
  } catch (const Error& error) {
    return std::string(name_of(error.code())) + ": " + error.text();
  }
  return "no error";
}

TEST(Numpy, Python2Strings) {
  const Tensor tensor = read("pickle", array("K\x02\x85", "u1",
                                             "U\x02"
                                             "ab"));
  EXPECT_EQ(tensor.integer(1), 'b');
}

TEST(Numpy, LiesAreErrors) {
  EXPECT_EQ(error_of(array("K\x03\x85", "u1",
                           "U\x02"
                           "ab")),
            "corrupt: an array [3] of |u1 needs 3 bytes, given 2");
  EXPECT_EQ(error_of(array("K\x01\x85", "u1",
                           "U\x02"
                           "ab")),
            "corrupt: an array [1] of |u1 needs 1 bytes, given 2");
  EXPECT_EQ(error_of(array("J\xff\xff\xff\xff\x85", "u1",
                           "U\x02"
                           "ab")),
            "corrupt: a dimension of an array is no count");
  EXPECT_EQ(error_of(array("L4611686018427387904L\n\x85", "f8",
                           "U\x02"
                           "ab")),
            "corrupt: an array [4611686018427387904] of <f8 needs 18446744073709551615 bytes, given 2");
  EXPECT_EQ(error_of(array("K\x01\x85", "f7",
                           "U\x02"
                           "ab")),
            "corrupt: \"f7\" is no NumPy type");
  EXPECT_EQ(error_of(array("K\x01\x85", "O8",
                           "U\x08"
                           "abcdefgh")),
            "corrupt: an array of objects without a list of them");
  EXPECT_EQ(error_of(array("K\x01\x85", "f8", "]")), "corrupt: a list for the data of an array that holds no objects");
  EXPECT_EQ(error_of(array("K\x02\x85", "O8", "]")), "corrupt: 0 objects for an array of 2");
  EXPECT_EQ(error_of(array("K\x01\x85", "u1", "K\x05")), "corrupt: the data of an array are no bytes");
  EXPECT_EQ(error_of(array(
                "(" +
                    [] {
                      std::string s;
                      for (int i = 0; i < 65; ++i) s += "K\x01";
                      return s;
                    }() +
                    "t",
                "u1",
                "U\x01"
                "a")),
            "corrupt: an array of 65 dimensions, NumPy has at most 64");
  EXPECT_EQ(error_of("cnumpy.core.multiarray\n_reconstruct\n)R."), "corrupt: an array without its state");
  EXPECT_EQ(error_of("cnumpy.core.multiarray\nscalar\n)R."), "corrupt: a scalar without type and value");
  EXPECT_EQ(error_of("cnumpy.core.numeric\n_frombuffer\n(\x97"
                     "cnumpy\ndtype\nU\x02u1\x85RK\x01\x85tR."),
            "unsupported: the bytes of an array are outside of the file (out-of-band buffers of protocol 5)");
}

TEST(Numpy, OnlyItsOwnModulesMakeArrays) {
  EXPECT_EQ(error_of(array("K\x01\x85", "u1",
                           "U\x01"
                           "a",
                           "evil.core.multiarray")),
            "unsupported: not recognised");
  EXPECT_EQ(error_of(array("K\x01\x85", "u1",
                           "U\x01"
                           "a",
                           "numpy.core.evil.multiarray")),
            "unsupported: not recognised");
}

TEST(Numpy, ADtypeThatContainsItselfIsRefused) {
  // A dtype whose sub-array has the dtype itself as its element.
  EXPECT_EQ(error_of("cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\2V4\x85Rq\x05(K\3U\1|h\5K\1\x85\x86NNK\4K\1K\0tb"s + "U\1a\x86R.")
                .substr(0, 29),
            "limit: nested deeper than 256");
}

TEST(Numpy, BigStringsOfNothingAreCharged) {
  // An array of 2^40 empty strings takes no bytes in the file.
  EXPECT_EQ(error_of(array("L1099511627776L\n\x85", "S0", "U"s + '\0')).substr(0, 37), "limit: an array of texts needs 32.0 T");
}

}  // namespace
}  // namespace decant::python
