// SPDX-License-Identifier: Apache-2.0
#include "codecs/npy/npy.h"

#include <gtest/gtest.h>

namespace decant::npy {
namespace {

using namespace std::string_literals;

std::string file_with(std::string_view header, std::string_view data = "", int version = 1) {
  std::string out = "\x93NUMPY";
  out.push_back(static_cast<char>(version));
  out.push_back('\0');
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out.push_back(static_cast<char>(header.size() >> 8 * i & 0xFF));
  return out + std::string(header) + std::string(data);
}

Header header_of(std::string_view bytes) {
  Cursor cursor(Source::memory(Blob::copy_of(as_bytes(bytes)), "a.npy"));
  return read_header(cursor);
}

std::string error_of(std::string_view bytes) {
  try {
    header_of(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string type_of(std::string_view text) {
  try {
    const Type type = parse_type(text, Where{});
    return type.text() + " " + std::to_string(type.itemsize);
  } catch (const Error& error) {
    return error.text();
  }
}

TEST(Npy, Types) {
  EXPECT_EQ(type_of("<f8"), "<f8 8");
  EXPECT_EQ(type_of(">i4"), ">i4 4");
  EXPECT_EQ(type_of("=u2"), "<u2 2");
  EXPECT_EQ(type_of("|b1"), "|b1 1");
  EXPECT_EQ(type_of("b"), "|i1 1");  // the character code, not the kind
  EXPECT_EQ(type_of("?"), "|b1 1");
  EXPECT_EQ(type_of("d"), "<f8 8");
  EXPECT_EQ(type_of("|O"), "|O 8");
  EXPECT_EQ(type_of("O8"), "|O 8");
  EXPECT_EQ(type_of("S7"), "|S7 7");
  EXPECT_EQ(type_of("a7"), "|S7 7");
  EXPECT_EQ(type_of("<U3"), "<U3 12");
  EXPECT_EQ(type_of("V16"), "|V16 16");
  EXPECT_EQ(type_of("<M8[ns]"), "<M8[ns] 8");
  EXPECT_EQ(type_of("m8[25s]"), "<m8[25s] 8");
  EXPECT_EQ(type_of("c16"), "<c16 16");
  EXPECT_EQ(type_of("float32"), "<f4 4");
  EXPECT_EQ(type_of("int"), "<i8 8");
  EXPECT_EQ(type_of("<f7"), "\"<f7\" is no NumPy type");
  EXPECT_EQ(type_of(""), "\"\" is no NumPy type");
  EXPECT_EQ(type_of("f8[ns]"), "\"f8[ns]\" is no NumPy type");
  EXPECT_EQ(type_of("U4294967295"), "\"U4294967295\" is no NumPy type");
  EXPECT_EQ(type_of("x4"), "\"x4\" is no NumPy type");
}

TEST(Npy, Headers) {
  const Header a = header_of(file_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", std::string(48, 'x')));
  EXPECT_EQ(a.type.text(), "<f8");
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_FALSE(a.fortran);
  EXPECT_EQ(header_of(file_with("{'shape': (), 'fortran_order': True, 'descr': '|u1'}", "x", 3)).shape.size(), 0u);
  EXPECT_EQ(header_of(file_with("{'descr': '<i2', 'fortran_order': False, 'shape': (3L,)}", "xxxxxx")).shape[0], 3);  // Python 2
  const Header s = header_of(
      file_with("{'descr': [('a', '<i4'), ('b\\'', '<f8', (2,)), (('title', 'c'), [('d', '|S3')])], 'fortran_order': False, 'shape': (1,)}",
                std::string(23, 'x')));
  EXPECT_EQ(s.type.text(), "[('a', '<i4'), ('b\\'', '<f8', (2,)), ('c', [('d', '|S3')])]");
  EXPECT_EQ(s.type.itemsize, 23u);
  EXPECT_EQ(s.type.fields[2].offset, 20u);
}

TEST(Npy, WritesWhatItReads) {
  const std::string header = write_header(parse_type("<f4", Where{}), {3, 4});
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(header.back(), '\n');
  const Header back = header_of(header + std::string(48, 'x'));
  EXPECT_EQ(back.shape, (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(back.data_offset, header.size());
  EXPECT_NE(write_header(parse_type("<f4", Where{}), {5}).find("'shape': (5,), }"), std::string::npos);
  EXPECT_NE(write_header(parse_type("<f4", Where{}), {}).find("'shape': (), }"), std::string::npos);
}

TEST(Npy, BrokenOnesSayWhereAndWhy) {
  EXPECT_EQ(error_of(""), "a.npy @0x0: corrupt: no .npy file: the magic number is missing");
  EXPECT_EQ(error_of("\x93NUMPY"), "a.npy @0x6: truncated: needs 1 bytes, only 0 left");
  EXPECT_EQ(error_of("\x93NUMPY\x09\x09"), "a.npy @0x6: unsupported: version 9.9 of the .npy format, known are 1.0, 2.0 and 3.0");
  EXPECT_EQ(error_of("\x93NUMPY\x02\0\xff\xff\xff\xff"s), "a.npy @0xc: limit: a header of 4.0 GiB, at most 1 MiB is read");
  EXPECT_EQ(error_of("\x93NUMPY\x01\0\x40\0{"s), "a.npy @0xa: truncated: needs 64 bytes, only 1 left");
  const auto broken = [&](std::string_view header, std::string_view data = "") { return error_of(file_with(header, data)).substr(6); };
  EXPECT_EQ(broken("__import__('os')"), "@0xa: corrupt: a header that is no Python literal: expected a value");
  EXPECT_EQ(broken("[1]"), "@0xa: corrupt: the header is no dict");
  EXPECT_EQ(broken("{'descr': '<f8'}"), "@0xa: corrupt: the header lacks \"descr\", \"fortran_order\" or \"shape\"");
  EXPECT_EQ(broken("{'descr': '<f8', 'descr': '|O'}"), "@0xa: corrupt: the header has \"descr\" twice");
  EXPECT_EQ(broken("{'evil': 1}"), "@0xa: corrupt: the header has an unknown key \"evil\"");
  EXPECT_EQ(broken("{'shape': 'x'}"), "@0xa: corrupt: the header's \"shape\" is no tuple");
  EXPECT_EQ(broken("{'shape': (-1,)}"), "@0xa: corrupt: the shape of an array has a dimension that is no count");
  EXPECT_EQ(broken("{'fortran_order': 0}"), "@0xa: corrupt: the header's \"fortran_order\" is neither True nor False");
  EXPECT_EQ(broken("{'descr': 5}"), "@0xa: corrupt: the header's \"descr\" is no type");
  EXPECT_EQ(broken("{'shape': (" + std::string(400, '9') + ",)}"), "@0x15: corrupt: a header that is no Python literal: expected a value");
  EXPECT_EQ(broken("{'descr': '<f8"), "@0x18: corrupt: a header that is no Python literal: a text does not end");
  EXPECT_EQ(broken("{} x"), "@0xd: corrupt: a header that is no Python literal: something follows the literal");
  EXPECT_EQ(broken(std::string(3000, '(')), "@0x10b: limit: nested deeper than 256 levels");
  EXPECT_EQ(broken("{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000)}"),
            "@0xa: truncated: an array of shape (4000000000, 4000000000) and type <f8 needs 18446744073709551615 bytes, only 0 left");
  EXPECT_EQ(broken("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "12345678"),
            "@0xa: truncated: an array of shape (2,) and type <f8 needs 16 bytes, only 8 left");
}

}  // namespace
}  // namespace decant::npy
