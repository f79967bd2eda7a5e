// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace decant::cli {

/// A bar on standard error: only on a terminal, only when the work takes longer than half a second.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  void update(std::uint64_t done, std::uint64_t total);

 private:
  std::string what_;
  bool terminal_, shown_ = false;
  std::int64_t began_, last_ = 0;
};

}  // namespace decant::cli
