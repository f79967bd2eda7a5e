// SPDX-License-Identifier: Apache-2.0
#include "codecs/protobuf/wire.h"

#include <gtest/gtest.h>

namespace decant::protobuf {
namespace {

Source source_of(std::string_view bytes) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "test"); }
std::string error_of(std::string_view bytes) {
  const Source source = source_of(bytes);
  try {
    for (Reader r(source); r.next();) {
    }
  } catch (const Error& error) {
    return std::string(name_of(error.code()));
  }
  return "none";
}

TEST(Protobuf, WritesWhatItReads) {
  Writer inner, w;
  inner.text(2, "text");
  w.varint(1, 300);
  w.int64(3, -1);
  w.fixed_float(4, 1.5f);
  w.packed(5, std::vector<std::int64_t>{1, -2, 1'000'000});
  w.packed(6, std::vector<float>{0.5f, -0.5f});
  w.message(7, std::move(inner));
  w.blob(8, Blob::copy_of(as_bytes(std::string(10'000, 'x'))));  // large: not copied
  w.text(9, "behind");
  std::string bytes;
  w.each([&](Bytes piece) { bytes += as_text(piece); });
  EXPECT_EQ(bytes.size(), w.size());
  EXPECT_EQ(bytes.substr(0, 3), "\x08\xac\x02");

  const Source source = source_of(bytes);
  Reader r(source);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.varint(), 300u);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.int64(), -1);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.fixed_float(), 1.5f);
  ASSERT_TRUE(r.next());
  std::vector<std::int64_t> list;
  r.varints(list);
  EXPECT_EQ(list, (std::vector<std::int64_t>{1, -2, 1'000'000}));
  ASSERT_TRUE(r.next());
  std::vector<float> floats;
  r.floats(floats);
  EXPECT_EQ(floats, (std::vector<float>{0.5f, -0.5f}));
  ASSERT_TRUE(r.next());
  Reader m = r.message();
  ASSERT_TRUE(m.next());
  EXPECT_EQ(m.text(), "text");
  EXPECT_FALSE(m.next());
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.blob().size(), 10'000u);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.text(), "behind");
  EXPECT_FALSE(r.next());
}

TEST(Protobuf, RefusesDamage) {
  EXPECT_EQ(error_of("\x08\x01"), "none");
  EXPECT_EQ(error_of("\x08"), "truncated");
  EXPECT_EQ(error_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "corrupt");   // more than 64 bits
  EXPECT_EQ(error_of(std::string_view("\x00\x01", 2)), "corrupt");                      // field 0
  EXPECT_EQ(error_of("\x0b"), "corrupt");                                              // a group
  EXPECT_EQ(error_of("\x0a\x05" "abc"), "truncated");
  EXPECT_EQ(error_of("\x0d\x01\x02"), "truncated");
}

}  // namespace
}  // namespace decant::protobuf
