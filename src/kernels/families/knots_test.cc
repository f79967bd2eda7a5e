// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Sorted whole numbers, so that values meet knots and knots are equal; perhaps with infinite ends.
Tensor knots(Shape shape, bool infinite, std::mt19937& random) {
  Tensor out(DType::float64, shape);
  const std::size_t n = static_cast<std::size_t>(shape.back());
  for (std::size_t row = 0; row < out.size(); row += n) {
    const std::span<double> line = out.mutable_data<double>().subspan(row, n);
    for (double& v : line) v = static_cast<double>(random() % 12) - 6;
    std::ranges::sort(line);
    if (infinite) line.front() = -kInf, line.back() = kInf;
  }
  return out;
}

Tensor values(Shape shape, std::mt19937& random) {
  std::normal_distribution<double> normal;
  Tensor out(DType::float64, shape);
  for (double& v : out.mutable_data<double>()) {
    const auto kind = random() % 12;
    v = kind == 0 ? std::nan("") : kind == 1 ? kInf : kind == 2 ? -kInf : kind < 7 ? std::round(normal(random) * 4) : normal(random) * 4;
  }
  return out;
}

TEST(FastKnots, SameBitsAsTheReference) {
  std::mt19937 random(6);
  for (const std::int64_t n : {1, 2, 3, 7, 8, 100}) {
    for (const bool by_column : {false, true}) {
      for (const bool infinite : {false, true}) {
        const Shape shape = by_column ? Shape{3, n} : Shape{n};
        const Tensor at = knots(shape, infinite, random), level = knots(shape, false, random);
        for (const std::int64_t rows : {0, 1, 7, 8, 61}) {
          const Tensor x = values({rows, 3}, random);
          const Both line = run_both(make_node("decant", "Interpolate", 1, {{"x", at}, {"y", level}}), {x});
          EXPECT_TRUE(line.is_fast);
          for (std::size_t i = 0; i < x.size(); ++i) {
            const double got = line.fast.data<double>()[i], expected = line.reference.data<double>()[i];
            ASSERT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected))) << n << " " << x.data<double>()[i] << ": " << got << " instead of " << expected;
          }
          for (const char* side : {"left", "right"}) {
            const Both found = run_both(make_node("decant", "SearchSorted", 1, {{"edges", at}, {"side", std::string(side)}}), {x});
            EXPECT_TRUE(found.is_fast);
            ASSERT_TRUE(found.fast.same_as(found.reference)) << n << " " << side;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace decant
