// SPDX-License-Identifier: Apache-2.0
// The .npy format, versions 1.0 to 3.0 (numpy/lib/format.py), and NumPy's dtypes, which pickles describe in the same vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/cursor.h"

namespace decant::npy {

/// One NumPy dtype. `kind` and `itemsize` as in NumPy: b i u f c S U V M m O; fields where it is a structure.
struct Type {
  struct Field;
  char kind = 'V';
  bool big_endian = false;
  std::uint32_t itemsize = 0;
  std::vector<Field> fields;
  std::vector<std::int64_t> subshape;  // of a sub-array field; itemsize counts the whole sub-array
  std::string unit;                    // of m and M: "ns", "25s"; empty where generic
  std::string text() const;            // "<f8"; a structure as the list that dtype() takes
  bool has_objects() const;            // O, or a structure that holds one
};
struct Type::Field {
  std::string name;
  Type type;
  std::uint32_t offset = 0;
};

/// Reads what stands in a .npy header or a dtype constructor: "<f8", "|O", "U10", "int64", …. Throws corrupt with `where`.
Type parse_type(std::string_view text, const Where& where);

struct Header {
  Type type;
  std::vector<std::int64_t> shape;
  bool fortran = false;
  std::uint64_t data_offset = 0;
};

bool looks_like(Bytes first);
/// Reads magic and header; leaves the cursor at the data. The header is a Python literal and is parsed as one, never evaluated.
Header read_header(Cursor& cursor);

/// A .npy header (version 1.0, data aligned to 64) for an array of this type and shape.
std::string write_header(const Type& type, const std::vector<std::int64_t>& shape, bool fortran = false);

}  // namespace decant::npy
