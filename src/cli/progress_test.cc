// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace decant::cli {
namespace {

using std::chrono::milliseconds;

// Both ends of a terminal: what is written to `terminal` is read from `screen`.
struct Terminal {
  int screen = -1, terminal = -1;
  Terminal() {
    if (::openpty(&screen, &terminal, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
    ::fcntl(screen, F_SETFL, O_NONBLOCK);
    ::setenv("TERM", "xterm", 1);
  }
  ~Terminal() {
    ::close(screen);
    ::close(terminal);
  }
  std::string shown() const {
    std::array<char, 1024> buffer{};
    const ssize_t n = ::read(screen, buffer.data(), buffer.size());
    return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
  }
};

TEST(Progress, IsDrawnOnATerminalAfterHalfASecondAndWipedAtTheEnd) {
  const Terminal t;
  {
    Progress progress("predict", t.terminal);
    const auto start = Progress::Clock::now();
    progress.update(1, 10, start + milliseconds(100));
    EXPECT_EQ(t.shown(), "") << "short work stays silent";
    progress.update(5, 10, start + milliseconds(2000));
    const std::string bar = t.shown();
    EXPECT_NE(bar.find("predict [###############...............]  50%, 2 s left"), std::string::npos) << bar;
    progress.update(6, 10, start + milliseconds(2050));
    EXPECT_EQ(t.shown(), "") << "at most ten times a second";
    progress.update(0, 0, start + milliseconds(3000));
    EXPECT_EQ(t.shown(), "") << "nothing is known of the end";
  }
  EXPECT_EQ(t.shown(), "\r\033[K");
}

TEST(Progress, IsSilentWhereNobodyLooks) {
  const Terminal t;
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_NONBLOCK), 0);
  {
    Progress into_a_pipe("predict", pipe[1]);
    into_a_pipe.update(5, 10, Progress::Clock::now() + milliseconds(2000));
    ::setenv("TERM", "dumb", 1);
    Progress on_a_dumb_terminal("predict", t.terminal);
    on_a_dumb_terminal.update(5, 10, Progress::Clock::now() + milliseconds(2000));
  }
  char byte;
  EXPECT_EQ(::read(pipe[0], &byte, 1), -1);
  EXPECT_EQ(t.shown(), "");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace decant::cli
