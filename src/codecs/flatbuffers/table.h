// SPDX-License-Identifier: Apache-2.0
// FlatBuffers (flatbuffers.dev, "Internals"): tables, vectors and strings that point at each other by offsets. A table is read field by field,
// by the slots of its schema; every offset is checked against the bytes when it is followed, and nothing is followed that is not asked for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "io/cursor.h"

namespace decant::flatbuffers {

class Table {
 public:
  /// The root table of a buffer.
  static Table root(const Source& source);

  bool has(unsigned slot) const { return field(slot) != 0; }
  template <class T>
  T scalar(unsigned slot, T otherwise) const {
    const std::uint64_t at = field(slot);
    return at == 0 ? otherwise : cursor(at).le<T>();
  }
  std::string_view text(unsigned slot) const;  // "" where absent
  /// A structure of `size` bytes that stands in the table itself, as it lies there; "" where absent.
  std::string inlined(unsigned slot, std::uint64_t size) const;
  std::optional<Table> table(unsigned slot) const;
  std::vector<Table> tables(unsigned slot) const;
  /// A vector of numbers; of structures of numbers, all of them one after the other with `width` to a structure.
  template <class T>
  std::vector<T> list(unsigned slot, std::uint64_t width = 1) const {
    std::vector<T> out;
    const std::uint64_t at = field(slot);
    if (at == 0) return out;
    Cursor c = cursor(follow(at));
    const std::size_t n = c.count(c.le<std::uint32_t>(), sizeof(T) * width) * width;
    c.budget().charge(std::uint64_t{n} * sizeof(T), "numbers", c.where());
    out.reserve(n);
    for (std::size_t i = 0; i < n; ++i) out.push_back(c.le<T>());
    return out;
  }
  Where where() const { return source_.where(at_); }
  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, where(), text); }

 private:
  Table(const Source& source, std::uint64_t at);
  Cursor cursor(std::uint64_t at) const;
  std::uint64_t field(unsigned slot) const;      // where it stands; 0 where absent
  std::uint64_t follow(std::uint64_t at) const;  // an offset to something behind it

  Source source_;
  std::uint64_t at_ = 0, vtable_ = 0;
  std::uint16_t vtable_size_ = 0;
};

}  // namespace decant::flatbuffers
