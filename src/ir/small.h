// SPDX-License-Identifier: Apache-2.0
// Numbers of 8 bits and fewer as values, one byte each. Arithmetic is done in float or int; storing a real rounds to nearest, ties to even.
// Sources: Micikevicius et al., "FP8 formats for deep learning" (float8 e4m3fn, e5m2); onnx/docs/docsgen/source/technical/float8.md (fnuz);
// OCP Microscaling Formats 1.0 (e2m1, e2m3, e3m2, e8m0).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "ir/dtype.h"

namespace decant {

/// What the codes beyond the finite numbers mean.
enum class Beyond : std::uint8_t {
  ieee,  // infinity and NaN, as in the large types
  fn,    // finite numbers and NaN: every bit but the sign set
  fnuz,  // finite numbers, one NaN in the place of -0
  none,  // finite numbers only
};

template <unsigned ExponentBits, unsigned FractionBits, int Bias, Beyond kBeyond>
class SmallFloat {
 public:
  static constexpr unsigned kBits = 1 + ExponentBits + FractionBits;
  static constexpr std::uint8_t kSign = 1u << (kBits - 1), kAll = kSign - 1;
  static constexpr std::uint8_t kInfinity = static_cast<std::uint8_t>(kAll - ((1u << FractionBits) - 1));  // ieee only
  static constexpr std::uint8_t kLargest = kBeyond == Beyond::ieee ? kInfinity - 1 : kBeyond == Beyond::fn ? kAll - 1 : kAll;
  static constexpr std::uint8_t kNaN = kBeyond == Beyond::ieee ? kInfinity + (1u << (FractionBits - 1)) : kBeyond == Beyond::fn ? kAll : kSign;

  SmallFloat() = default;
  /// Too large becomes the largest finite number.
  SmallFloat(float value) : bits_(encode(value, true)) {}  // NOLINT: converts like a number
  operator float() const { return decode(bits_); }
  /// Without `saturate`, too large becomes infinity, or NaN where there is none.
  static SmallFloat from(float value, bool saturate) {
    SmallFloat out;
    out.bits_ = encode(value, saturate);
    return out;
  }

 private:
  static std::uint8_t encode(float value, bool saturate) {
    const bool negative = std::signbit(value);
    const auto sign = static_cast<std::uint8_t>(negative ? kSign : 0);
    if (std::isnan(value)) {
      if constexpr (kBeyond == Beyond::none) return kSign;  // there is none; as ml_dtypes has it
      else return kBeyond == Beyond::fnuz ? kNaN : static_cast<std::uint8_t>(sign | kNaN);
    }
    const float magnitude = std::fabs(value);
    std::uint32_t bits = kLargest + 1u;
    if (!std::isinf(value)) {
      const int exponent = std::max(magnitude == 0 ? -1000 : std::ilogb(magnitude), 1 - Bias);
      const double units = std::nearbyint(std::ldexp(static_cast<double>(magnitude), static_cast<int>(FractionBits) - exponent));
      // Units of the last place above the smallest number of this exponent; a carry moves on to the next exponent by itself.
      if (exponent < 64) bits = static_cast<std::uint32_t>((static_cast<std::int64_t>(exponent + Bias) << FractionBits) + static_cast<std::int64_t>(units) - (1 << FractionBits));
      bits = std::min<std::uint32_t>(bits, kLargest + 1u);
    }
    if (bits > kLargest) {
      if (saturate || kBeyond == Beyond::none) bits = kLargest;
      else if (kBeyond == Beyond::ieee) bits = kInfinity;
      else return kBeyond == Beyond::fnuz ? kNaN : static_cast<std::uint8_t>(sign | kNaN);
    }
    if (kBeyond == Beyond::fnuz && bits == 0) return 0;
    return static_cast<std::uint8_t>(sign | bits);
  }
  static float decode(std::uint8_t code) {
    const std::uint8_t bits = code & kAll;
    const bool negative = (code & kSign) != 0;
    if (kBeyond == Beyond::fnuz && code == kSign) return std::numeric_limits<float>::quiet_NaN();
    if (kBeyond == Beyond::fn && bits == kAll) return negative ? -std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::quiet_NaN();
    float out = 0;
    if (kBeyond == Beyond::ieee && bits >= kInfinity) {
      out = bits == kInfinity ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    } else {
      const int exponent = bits >> FractionBits, fraction = bits & ((1 << FractionBits) - 1);
      out = exponent == 0 ? std::ldexp(static_cast<float>(fraction), 1 - Bias - static_cast<int>(FractionBits))
                          : std::ldexp(static_cast<float>(fraction + (1 << FractionBits)), exponent - Bias - static_cast<int>(FractionBits));
    }
    return negative ? -out : out;
  }

  std::uint8_t bits_ = 0;
};

using Float8E4M3FN = SmallFloat<4, 3, 7, Beyond::fn>;
using Float8E4M3FNUZ = SmallFloat<4, 3, 8, Beyond::fnuz>;
using Float8E5M2 = SmallFloat<5, 2, 15, Beyond::ieee>;
using Float8E5M2FNUZ = SmallFloat<5, 2, 16, Beyond::fnuz>;
using Float4E2M1 = SmallFloat<2, 1, 1, Beyond::none>;
using Float6E2M3 = SmallFloat<2, 3, 1, Beyond::none>;
using Float6E3M2 = SmallFloat<3, 2, 3, Beyond::none>;

/// A power of two: no sign, no zero, one NaN.
class Float8E8M0 {
 public:
  enum class Round : std::uint8_t { up, down, nearest };

  Float8E8M0() = default;
  Float8E8M0(float value) : Float8E8M0(from(value, true, Round::up)) {}  // NOLINT: converts like a number
  operator float() const { return bits_ == 0xFF ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, static_cast<int>(bits_) - 127); }
  /// As onnx.numpy_helper.to_float8e8m0 of onnx 1.23: the exponent field of the binary32 number, rounded by its fraction; no sign is looked at.
  static Float8E8M0 from(float value, bool saturate, Round round) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t exponent = (bits >> 23) & 0xFFu, fraction = bits & 0x7FFFFFu;
    Float8E8M0 out;
    out.bits_ = static_cast<std::uint8_t>(exponent);
    if (exponent == 0xFF) return out;
    const bool up = round == Round::up ? fraction != 0 : round == Round::nearest ? fraction > 0x400000u || (fraction == 0x400000u && exponent > 0) : false;
    if (up && !(saturate && exponent == 0xFE)) out.bits_ = static_cast<std::uint8_t>(exponent + 1);
    return out;
  }

 private:
  std::uint8_t bits_ = 0;
};

/// An integer of fewer than 8 bits. Storing keeps the lowest bits (onnx/docs/Operators.md, Cast: higher bits are discarded).
template <unsigned Bits, bool Signed>
class SmallInt {
 public:
  static constexpr int kLowest = Signed ? -(1 << (Bits - 1)) : 0, kHighest = (1 << (Signed ? Bits - 1 : Bits)) - 1;

  SmallInt() = default;
  SmallInt(int value) : bits_(static_cast<std::uint8_t>(static_cast<unsigned>(value) & kMask)) {}  // NOLINT: converts like a number
  operator int() const {
    const int value = bits_ & kMask;
    return Signed && value > kHighest ? value - (1 << Bits) : value;
  }

 private:
  static constexpr unsigned kMask = (1u << Bits) - 1;
  std::uint8_t bits_ = 0;
};
using Int4 = SmallInt<4, true>;
using UInt4 = SmallInt<4, false>;
using Int2 = SmallInt<2, true>;
using UInt2 = SmallInt<2, false>;

template <> inline constexpr DType dtype_of<Float8E4M3FN> = DType::float8e4m3fn;
template <> inline constexpr DType dtype_of<Float8E4M3FNUZ> = DType::float8e4m3fnuz;
template <> inline constexpr DType dtype_of<Float8E5M2> = DType::float8e5m2;
template <> inline constexpr DType dtype_of<Float8E5M2FNUZ> = DType::float8e5m2fnuz;
template <> inline constexpr DType dtype_of<Float8E8M0> = DType::float8e8m0;
template <> inline constexpr DType dtype_of<Float4E2M1> = DType::float4e2m1;
template <> inline constexpr DType dtype_of<Float6E2M3> = DType::float6e2m3;
template <> inline constexpr DType dtype_of<Float6E3M2> = DType::float6e3m2;
template <> inline constexpr DType dtype_of<Int4> = DType::int4;
template <> inline constexpr DType dtype_of<UInt4> = DType::uint4;
template <> inline constexpr DType dtype_of<Int2> = DType::int2;
template <> inline constexpr DType dtype_of<UInt2> = DType::uint2;

}  // namespace decant
