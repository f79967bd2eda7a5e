// SPDX-License-Identifier: Apache-2.0
#include "ir/dtype.h"

#include <array>

namespace decant {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};

// Indexed by DType.
constexpr std::array<Row, 17> kRows{{{"?", 0},       {"float32", 4}, {"uint8", 1},   {"int8", 1},     {"uint16", 2},    {"int16", 2},
                                     {"int32", 4},   {"int64", 8},   {"str", sizeof(std::string)},    {"bool", 1},      {"float16", 2},
                                     {"float64", 8}, {"uint32", 4},  {"uint64", 8},  {"complex64", 8}, {"complex128", 16}, {"bfloat16", 2}}};

}  // namespace

std::string_view name_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

DType dtype_named(std::string_view name) {
  for (std::size_t i = 1; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  return DType::undefined;
}

std::size_t size_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].size; }

bool is_float(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float64 || dtype == DType::float16 || dtype == DType::bfloat16;
}

bool is_integer(DType dtype) {
  switch (dtype) {
    case DType::int8: case DType::int16: case DType::int32: case DType::int64:
    case DType::uint8: case DType::uint16: case DType::uint32: case DType::uint64: return true;
    default: return false;
  }
}

}  // namespace decant
