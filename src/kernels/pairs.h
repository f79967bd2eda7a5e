// SPDX-License-Identifier: Apache-2.0
// Sums over features for every pair of a row and a target, and e to the power of many numbers: the inner loops of kernels that measure
// distances. Each sum is formed in the order of the features without fused multiplication, so that it has the same bits on every
// instruction set and in the reference kernels.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace decant {

enum class PairSum : unsigned char { squares, products, absolutes };  // of (x - y)^2, x * y, |x - y|

/// Targets eight by eight, of eight the first feature first; filled up with zeros.
struct TargetTiles {
  static constexpr std::size_t kWidth = 8;

  TargetTiles() = default;
  /// `by_feature` is [features, count].
  TargetTiles(const double* by_feature, std::size_t count, std::size_t features);
  std::size_t padded() const { return (count + kWidth - 1) / kWidth * kWidth; }

  std::size_t count = 0, features = 0;
  std::vector<double> data;
};

/// Targets in float32, sixteen by sixteen, to find those that may be near.
struct NearTiles {
  static constexpr std::size_t kWidth = 16;

  NearTiles() = default;
  NearTiles(const double* rows, std::size_t count, std::size_t features);
  std::size_t padded() const { return (count + kWidth - 1) / kWidth * kWidth; }

  std::size_t count = 0, features = 0;
  std::vector<float> data, norms;  // |y|^2, infinite for what fills up
  double largest = 0;              // |y|^2; NaN where one is
};

struct PairFunctions {
  const char* name = "";  // of the instruction set
  /// out[r, m] for rows [0, rows) of x [rows, features] and all targets; a row of `out` has `stride` elements, at least as many as there are
  /// targets and at most padded(), and all of them are written.
  void (*sums)(PairSum, const double* x, std::size_t rows, const TargetTiles&, double* out, std::size_t stride) = nullptr;
  /// values[i] = exp(factor * values[i]), within 1e-13 relative; `count` must be a multiple of 8.
  void (*exponentials)(double factor, double* values, std::size_t count) = nullptr;
  /// out[r, m] = |y|^2 - 2xy in float32; a row of `out` has padded() elements.
  void (*near)(const float* x, std::size_t rows, const NearTiles&, float* out) = nullptr;
};

/// Those that this machine can run, the fastest last.
std::span<const PairFunctions> all_pair_functions();
inline const PairFunctions& pair_functions() { return all_pair_functions().back(); }

}  // namespace decant
