// SPDX-License-Identifier: Apache-2.0
#include "exec/network/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace decant {
namespace {

TEST(Arena, ReusesWhatIsGivenBack) {
  Arena arena;
  const std::size_t a = arena.take(100), b = arena.take(200);
  EXPECT_NE(a, b);
  arena.give_back(a, 100);
  EXPECT_EQ(arena.take(64), a);
  EXPECT_EQ(arena.size(), 128u + 256u);
  EXPECT_EQ(arena.take(0), 0u);
}

TEST(Arena, PiecesNeverOverlap) {
  struct Piece {
    std::size_t at, bytes;
  };
  std::mt19937 random(3);
  Arena arena;
  std::vector<Piece> taken;
  for (int i = 0; i < 5000; ++i) {
    if (!taken.empty() && random() % 2 == 0) {
      const std::size_t k = random() % taken.size();
      arena.give_back(taken[k].at, taken[k].bytes);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(k));
    } else {
      const std::size_t bytes = 1 + random() % 1000;
      const std::size_t at = arena.take(bytes);
      EXPECT_EQ(at % 64, 0u);
      EXPECT_LE(at + bytes, arena.size());
      for (const Piece& p : taken) ASSERT_TRUE(at + bytes <= p.at || p.at + p.bytes <= at);
      taken.push_back({at, bytes});
    }
  }
  for (const Piece& p : taken) arena.give_back(p.at, p.bytes);
  const std::size_t all = arena.size();
  EXPECT_EQ(arena.take(all), 0u);  // everything has grown together again
  EXPECT_EQ(arena.size(), all);
}

}  // namespace
}  // namespace decant
