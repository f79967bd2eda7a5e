// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace decant::cli {

using std::chrono::milliseconds;

Progress::Progress(std::string what, int descriptor) : what_(std::move(what)), descriptor_(descriptor) {
  const char* term = std::getenv("TERM");
  terminal_ = ::isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

void Progress::update(std::uint64_t done, std::uint64_t total, Clock::time_point now) {
  if (!terminal_ || total == 0 || now - began_ < milliseconds(500) || now - last_ < milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  constexpr std::size_t kWidth = 30;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  std::string bar(static_cast<std::size_t>(part * kWidth), '#');
  bar.resize(kWidth, '.');
  const std::chrono::duration<double> spent = now - began_;
  const std::string left = part > 0 ? format(", {:.0f} s left", spent.count() * (1 - part) / part) : std::string();
  write(format("\r{} [{}] {:3}%{}\033[K", what_, bar, static_cast<int>(part * 100), left));
}

// A terminal that is gone is no reason to stop the work.
void Progress::write(const std::string& text) const {
  if (::write(descriptor_, text.data(), text.size()) < 0) return;
}

Progress::~Progress() {
  if (shown_) write("\r\033[K");
}

}  // namespace decant::cli
