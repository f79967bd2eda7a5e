// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace decant::cli {

/// A bar with the time that is left, on standard error (or the descriptor given): only on a terminal, and only when the work takes longer
/// than half a second. It is drawn at most ten times a second and wiped at the end.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Progress(std::string what, int descriptor = 2);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done, std::uint64_t total, Clock::time_point now = Clock::now());

 private:
  void write(const std::string& text) const;

  std::string what_;
  int descriptor_;
  bool terminal_, shown_ = false;
  Clock::time_point began_ = Clock::now(), last_ = {};
};

}  // namespace decant::cli
