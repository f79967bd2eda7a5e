// SPDX-License-Identifier: Apache-2.0
// Element types, numbered as in ONNX's TensorProto.DataType (onnx.proto, IR version 10), so that no table stands between them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace decant {

enum class DType : std::uint8_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
};

/// "float64", as NumPy spells it; "?" for undefined.
std::string_view name_of(DType dtype);
DType dtype_named(std::string_view name);  // undefined when there is none

/// Bytes of one element. For strings the size of std::string: string tensors hold them directly.
std::size_t size_of(DType dtype);

bool is_float(DType dtype);
bool is_integer(DType dtype);  // signed or unsigned, not boolean

template <class T>
inline constexpr DType dtype_of = DType::undefined;
template <> inline constexpr DType dtype_of<float> = DType::float32;
template <> inline constexpr DType dtype_of<double> = DType::float64;
template <> inline constexpr DType dtype_of<std::int8_t> = DType::int8;
template <> inline constexpr DType dtype_of<std::int16_t> = DType::int16;
template <> inline constexpr DType dtype_of<std::int32_t> = DType::int32;
template <> inline constexpr DType dtype_of<std::int64_t> = DType::int64;
template <> inline constexpr DType dtype_of<std::uint8_t> = DType::uint8;
template <> inline constexpr DType dtype_of<std::uint16_t> = DType::uint16;
template <> inline constexpr DType dtype_of<std::uint32_t> = DType::uint32;
template <> inline constexpr DType dtype_of<std::uint64_t> = DType::uint64;
template <> inline constexpr DType dtype_of<bool> = DType::boolean;
template <> inline constexpr DType dtype_of<std::string> = DType::string;

}  // namespace decant
