// SPDX-License-Identifier: Apache-2.0
// Regular expressions in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax), as far as a full match needs it: no captures, no
// look-around, no back-references, no Unicode classes. The text is matched in time proportional to pattern times text, whatever both are.
#pragma once

#include <bitset>
#include <string_view>
#include <vector>

#include "ops/op.h"

namespace decant {

class Regex {
 public:
  /// Throws corrupt for a pattern that is none, unsupported for what is left out, limit for one that is too large; naming the node.
  Regex(const AttributeView& node, std::string_view pattern);
  bool matches(std::string_view text) const;  // all of it, UTF-8

 private:
  friend class RegexParser;
  struct Range {
    char32_t low, high;
  };
  struct State {
    enum Kind { set, split, begin, end, word_edge, no_word_edge, done } kind = done;
    std::vector<Range> ranges;  // set
    bool negated = false;
    int next = -1, other = -1;
  };
  void add(std::vector<int>& list, std::vector<bool>& on, int state, std::u32string_view text, std::size_t at) const;

  std::vector<State> states_;
  int start_ = 0;
};

}  // namespace decant
