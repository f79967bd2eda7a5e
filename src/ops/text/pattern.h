// SPDX-License-Identifier: Apache-2.0
// Regular expressions as Python's re reads them, as far as patterns of tokens need them: all of the syntax but back references,
// conditionals, atomic groups and possessive repeats, which are refused by name. Matching takes time proportional to text times
// pattern, whatever the pattern: threads in step, in order of priority (R. Cox, "Regular Expression Matching: the Virtual Machine
// Approach", swtch.com/~rsc/regexp/regexp2.html).
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "ops/text/unicode.h"

namespace decant {

class Pattern {
 public:
  /// Throws unsupported, naming the pattern and what in it is not understood.
  explicit Pattern(std::string_view pattern);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  /// re.findall: every match from left to right; of a pattern with one group, what that group holds.
  void find_all(PointsView text, const std::function<void(PointsView)>& found) const;
  /// re.finditer: where every match begins and ends, from left to right, until `found` says false.
  void each_match(PointsView text, const std::function<bool(std::size_t begin, std::size_t end)>& found) const;
  std::size_t groups() const;

  struct Program;

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace decant
