// SPDX-License-Identifier: Apache-2.0
// Element types, numbered as in ONNX's TensorProto.DataType (onnx.proto, IR version 14), so that no table stands between them. Types of
// fewer than 8 bits take one byte an element here: files pack them, readers unpack.
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
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
  float6e2m3 = 27,
  float6e3m2 = 28,
  // Not element types, but what a value can be beside a tensor (ONNX's TypeProto); out of the way of ONNX's numbers.
  sequence = 128,  // its elements are tensors (Tensor::sequence)
  map = 129,       // two tensors: keys and values
  nothing = 130,   // an optional without a value; one with a value is that value
};
inline constexpr DType kLastElementType = DType::float6e3m2;

/// "float64", as NumPy spells it; "?" for undefined.
std::string_view name_of(DType dtype);
DType dtype_named(std::string_view name);  // undefined when there is none

/// Bytes of one element. For strings the size of std::string: string tensors hold them directly; so do sequences their tensors.
std::size_t size_of(DType dtype);

bool is_float(DType dtype);
bool is_integer(DType dtype);  // signed or unsigned, not boolean
bool is_tensor(DType dtype);   // an element type, not a sequence, a map or nothing
/// Bits of one element in a file: 4 for int4; 8 times size_of for the others.
unsigned bits_of(DType dtype);

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
