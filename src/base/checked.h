// SPDX-License-Identifier: Apache-2.0
// Arithmetic on numbers that come from files. Results saturate, so that one comparison against a limit catches every overflow.
#pragma once

#include <cstdint>
#include <limits>

namespace decant {

constexpr std::uint64_t sat_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? std::numeric_limits<std::uint64_t>::max() : out;
}

constexpr std::uint64_t sat_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? std::numeric_limits<std::uint64_t>::max() : out;
}

}  // namespace decant
