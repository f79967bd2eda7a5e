// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace decant::cli {
namespace {

std::int64_t milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Progress::Progress(std::string what) : what_(std::move(what)), began_(milliseconds()) {
  const char* term = std::getenv("TERM");
  terminal_ = ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  const std::int64_t now = milliseconds();
  if (!terminal_ || total == 0 || now - began_ < 500 || now - last_ < 100) return;
  last_ = now;
  shown_ = true;
  constexpr int kWidth = 30;
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const int filled = static_cast<int>(part * kWidth);
  std::string bar(static_cast<std::size_t>(filled), '#');
  bar.resize(kWidth, '.');
  const double left = part > 0 ? static_cast<double>(now - began_) / 1000 * (1 - part) / part : 0;
  std::fprintf(stderr, "\r%s [%s] %3d%%, %.0f s left ", what_.c_str(), bar.c_str(), static_cast<int>(part * 100), left);
}

Progress::~Progress() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
}

}  // namespace decant::cli
