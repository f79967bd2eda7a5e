// SPDX-License-Identifier: Apache-2.0
#include "ir/small.h"

#include <gtest/gtest.h>

#include "ops/kernel.h"

namespace decant {
namespace {

// Every code read and stored again is the same code, but for the codes of NaN.
template <class T>
void round_trip(unsigned codes) {
  // The smallest power of two is a subnormal binary32, which onnx.numpy_helper rounds up (Float8E8M0::from).
  for (unsigned code = std::is_same_v<T, Float8E8M0> ? 1 : 0; code < codes; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    const T value = std::bit_cast<T>(byte);
    const auto wide = static_cast<Wide<T>>(value);
    if constexpr (is_real<T>) {
      if (std::isnan(wide)) {
        EXPECT_TRUE(std::isnan(static_cast<float>(T(wide))));
        continue;
      }
    }
    EXPECT_EQ(std::bit_cast<std::uint8_t>(T(wide)), byte);
  }
}

TEST(Small, EveryCodeIsItsOwnNumber) {
  round_trip<Float8E4M3FN>(256);
  round_trip<Float8E4M3FNUZ>(256);
  round_trip<Float8E5M2FNUZ>(256);
  round_trip<Float8E8M0>(256);
  round_trip<Float4E2M1>(16);
  round_trip<Float6E2M3>(64);
  round_trip<Float6E3M2>(64);
  round_trip<Int4>(16);
  round_trip<UInt4>(16);
  round_trip<Int2>(4);
  round_trip<UInt2>(4);
}

TEST(Small, RoundsToEvenAndSaturates) {
  EXPECT_EQ(static_cast<float>(Float8E4M3FN(448)), 448);
  EXPECT_EQ(static_cast<float>(Float8E4M3FN(1e6f)), 448);
  EXPECT_TRUE(std::isnan(static_cast<float>(Float8E4M3FN::from(1e6f, false))));
  EXPECT_TRUE(std::isinf(static_cast<float>(Float8E5M2::from(-1e6f, false))));
  EXPECT_EQ(static_cast<float>(Float8E5M2(HUGE_VALF)), 57344);
  EXPECT_EQ(static_cast<float>(Float8E4M3FN(17)), 16);   // between 16 and 18
  EXPECT_EQ(static_cast<float>(Float8E4M3FN(19)), 20);   // between 18 and 20
  EXPECT_EQ(static_cast<float>(Float4E2M1(2.5f)), 2);
  EXPECT_EQ(static_cast<float>(Float4E2M1(-9)), -6);
  EXPECT_EQ(std::bit_cast<std::uint8_t>(Float8E4M3FNUZ(-0.0f)), 0);  // there is no -0
  EXPECT_EQ(static_cast<float>(Float8E8M0(3)), 4);  // up
  EXPECT_EQ(static_cast<int>(Int4(9)), -7);         // the lowest bits
}

}  // namespace
}  // namespace decant
