// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace decant {
namespace {

TEST(Text, ControlBytesOfAFileNeverReachTheTerminal) {
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80");  // an overlong form is no UTF-8
  EXPECT_EQ(printable("é"), "é");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Text, SizesForPeople) {
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(std::uint64_t{8} << 30), "8.0 GiB");
}

TEST(Text, SuggestsTheNearestWordOnly) {
  EXPECT_EQ(nearest("petal_lenght", {"petal_length", "petal_width"}), "petal_length");
  EXPECT_EQ(nearest("x", {"petal_length"}), "");
}

TEST(Error, IsOneLineOfPlaceCodeAndFact) {
  const Error e(Code::corrupt, Where{"m.pt", "archive/data.pkl", {}, 0x1f4}, "memo index 9, only 4 stored");
  EXPECT_STREQ(e.what(), "m.pt!archive/data.pkl @0x1f4: corrupt: memo index 9, only 4 stored");
}

}  // namespace
}  // namespace decant
