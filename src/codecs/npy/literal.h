// SPDX-License-Identifier: Apache-2.0
// A Python literal (dict, list, tuple, str, int, bool, None), as ast.literal_eval reads it: what a .npy header consists of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/cursor.h"

namespace decant::npy {

struct Literal {
  enum class Kind : std::uint8_t { none, boolean, integer, text, tuple, list, dict };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Literal> items;  // dict: key, value, key, value…

  bool is(Kind k) const { return kind == k; }
};

/// Reads one literal that fills `text` (white space apart). Throws corrupt or limit, with the offset of the fault from `base` on.
Literal parse_literal(std::string_view text, const Source& source, std::uint64_t base);

}  // namespace decant::npy
