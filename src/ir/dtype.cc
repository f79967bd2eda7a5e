// SPDX-License-Identifier: Apache-2.0
#include "ir/dtype.h"

#include <array>

namespace decant {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};

// Indexed by DType. The small types are called as the package ml_dtypes calls them, which gives them to NumPy.
constexpr std::array<Row, 29> kRows{{{"?", 0},
                                     {"float32", 4},
                                     {"uint8", 1},
                                     {"int8", 1},
                                     {"uint16", 2},
                                     {"int16", 2},
                                     {"int32", 4},
                                     {"int64", 8},
                                     {"str", sizeof(std::string)},
                                     {"bool", 1},
                                     {"float16", 2},
                                     {"float64", 8},
                                     {"uint32", 4},
                                     {"uint64", 8},
                                     {"complex64", 8},
                                     {"complex128", 16},
                                     {"bfloat16", 2},
                                     {"float8_e4m3fn", 1},
                                     {"float8_e4m3fnuz", 1},
                                     {"float8_e5m2", 1},
                                     {"float8_e5m2fnuz", 1},
                                     {"uint4", 1},
                                     {"int4", 1},
                                     {"float4_e2m1fn", 1},
                                     {"float8_e8m0fnu", 1},
                                     {"uint2", 1},
                                     {"int2", 1},
                                     {"float6_e2m3fn", 1},
                                     {"float6_e3m2fn", 1}}};
static_assert(kRows.size() == static_cast<std::size_t>(kLastElementType) + 1);

}  // namespace

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::sequence: return "sequence";
    case DType::map: return "map";
    case DType::nothing: return "nothing";
    default: return kRows[static_cast<std::size_t>(dtype)].name;
  }
}

DType dtype_named(std::string_view name) {
  for (std::size_t i = 1; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  return DType::undefined;
}

bool is_tensor(DType dtype) { return dtype != DType::undefined && dtype <= kLastElementType; }

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::sequence: case DType::map: return sizeof(void*);  // a lower bound that is not 0: what they hold is their own
    case DType::nothing: return 0;
    default: return kRows[static_cast<std::size_t>(dtype)].size;
  }
}

unsigned bits_of(DType dtype) {
  switch (dtype) {
    case DType::int4: case DType::uint4: case DType::float4e2m1: return 4;
    case DType::int2: case DType::uint2: return 2;
    case DType::float6e2m3: case DType::float6e3m2: return 6;
    default: return static_cast<unsigned>(8 * size_of(dtype));
  }
}

bool is_float(DType dtype) {
  switch (dtype) {
    case DType::float32: case DType::float64: case DType::float16: case DType::bfloat16:
    case DType::float8e4m3fn: case DType::float8e4m3fnuz: case DType::float8e5m2: case DType::float8e5m2fnuz: case DType::float8e8m0:
    case DType::float4e2m1: case DType::float6e2m3: case DType::float6e3m2: return true;
    default: return false;
  }
}

bool is_integer(DType dtype) {
  switch (dtype) {
    case DType::int8: case DType::int16: case DType::int32: case DType::int64:
    case DType::uint8: case DType::uint16: case DType::uint32: case DType::uint64:
    case DType::int4: case DType::uint4: case DType::int2: case DType::uint2: return true;
    default: return false;
  }
}

}  // namespace decant
