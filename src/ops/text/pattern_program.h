// SPDX-License-Identifier: Apache-2.0
// What pattern.cc makes of a regular expression and pattern_match.cc runs.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "ops/text/pattern.h"

namespace decant::pattern {

enum class Kind : std::uint8_t { word, not_word, digit, not_digit, space, not_space };

struct Set {
  std::vector<std::pair<char32_t, char32_t>> ranges;
  std::vector<Kind> kinds;
  bool negated = false;
};

enum class Does : std::uint8_t { set, any, any_but_newline, split, jump, save, begin, end, end_before_newline, line_begin, line_end, boundary, no_boundary, look, match };

struct Step {
  Does code = Does::match;
  std::size_t a = 0, b = 0;  // split: first and second choice; jump, save, set, look: which
  bool ascii = false, fold = false, negated = false;
  std::size_t back = 0;  // look: how far behind it begins
};

}  // namespace decant::pattern

namespace decant {

struct Pattern::Program {
  std::vector<pattern::Step> steps;
  std::vector<pattern::Set> sets;
  std::vector<std::vector<pattern::Step>> looks;
  std::size_t groups = 0;
  bool runs_of_words = false;   // \b\w\w+\b and \b\w+\b, scikit-learn's own: no machine needed
  std::size_t least = 0;        // of which the shortest run
};

}  // namespace decant
