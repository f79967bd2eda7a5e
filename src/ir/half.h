// SPDX-License-Identifier: Apache-2.0
// The two 16-bit floating-point types as values. Arithmetic is done in float; storing rounds to nearest, ties to even.
// float16: IEEE 754-2008 binary16; bfloat16: the upper half of a binary32.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "ir/dtype.h"

namespace decant {

class Half {
 public:
  Half() = default;
  Half(float value) : bits_(encode(value)) {}  // NOLINT: converts like a number
  operator float() const { return decode(bits_); }

 private:
  static std::uint16_t encode(float value) {
    const auto f = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (f >> 16) & 0x8000u, magnitude = f & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);   // NaN
    if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // rounds to infinity
    if (magnitude < 0x38800000u) {                                                    // subnormal: units of 2^-24
      const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;                 // exact
      return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(scaled)));
    }
    const std::uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xFFFu + odd) >> 13));
  }
  static float decode(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 0x1Fu, fraction = bits & 0x3FFu;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (fraction << 13));
    if (exponent == 0) return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  }

  std::uint16_t bits_ = 0;
};

class BFloat16 {
 public:
  BFloat16() = default;
  BFloat16(float value) : bits_(encode(value)) {}  // NOLINT: converts like a number
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits_) << 16); }

 private:
  static std::uint16_t encode(float value) {
    const auto f = std::bit_cast<std::uint32_t>(value);
    if ((f & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((f >> 16) | 0x40u);  // a NaN stays one
    return static_cast<std::uint16_t>((f + 0x7FFFu + ((f >> 16) & 1u)) >> 16);
  }

  std::uint16_t bits_ = 0;
};

template <> inline constexpr DType dtype_of<Half> = DType::float16;
template <> inline constexpr DType dtype_of<BFloat16> = DType::bfloat16;

}  // namespace decant
