// SPDX-License-Identifier: Apache-2.0
// numpy.random.RandomState(seed): the Mersenne twister and what scikit-learn draws from it while it answers.
#pragma once

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace decant {

class LegacyRandom {
 public:
  explicit LegacyRandom(std::int64_t seed) : twister_(static_cast<std::uint32_t>(seed)) {}

  /// randint(high): masked to the bits of high - 1, drawn again where too large (numpy/random/src/distributions/distributions.c,
  /// random_interval and random_bounded_uint64_fill). Of one number nothing is drawn.
  std::size_t below(std::size_t high) {
    const auto most = static_cast<std::uint32_t>(high - 1);
    if (most == 0) return 0;
    std::uint32_t mask = most;
    for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
    for (;;) {
      if (const auto value = static_cast<std::uint32_t>(twister_()) & mask; value <= most) return value;
    }
  }

  /// permutation(n): numbers in order, each but the first exchanged, from the last on, with one at or before its place (mtrand.pyx, shuffle).
  std::vector<std::size_t> permutation(std::size_t n) {
    std::vector<std::size_t> out(n);
    std::iota(out.begin(), out.end(), std::size_t{0});
    for (std::size_t i = n; i-- > 1;) std::swap(out[i], out[below(i + 1)]);
    return out;
  }

 private:
  std::mt19937 twister_;
};

}  // namespace decant
