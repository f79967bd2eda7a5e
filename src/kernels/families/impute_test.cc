// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

struct Gaps {
  Tensor values, absent;
};

Gaps table(std::int64_t rows, std::int64_t width, unsigned holes, std::mt19937& random) {
  Gaps out{Tensor(DType::float64, {rows, width}), Tensor(DType::boolean, {rows, width})};
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const bool gap = random() % 10 < holes || i % static_cast<std::size_t>(width) == 2;  // nobody has the third column
    out.absent.mutable_data<bool>()[i] = gap;
    out.values.mutable_data<double>()[i] = gap ? std::nan("") : static_cast<double>(random() % 5);  // many equal distances
  }
  return out;
}

TEST(FastImpute, SameBitsAsTheReference) {
  std::mt19937 random(8);
  for (const unsigned holes : {1U, 6U, 9U}) {
    for (const std::int64_t by_distance : {0, 1}) {
      for (const std::int64_t k : {1, 3, 500}) {
        const Gaps known = table(37, 6, holes, random);
        const Node node = make_node("decant", "ImputeNeighbors", 2, {{"rows", known.values}, {"rows_absent", known.absent}, {"k", k}, {"by_distance", by_distance}});
        for (const std::int64_t rows : {0, 1, 80}) {
          const Gaps x = table(rows, 6, holes, random);
          const Both both = run_both(node, {x.values, x.absent});
          EXPECT_TRUE(both.is_fast);
          for (std::size_t i = 0; i < x.values.size(); ++i) {
            ASSERT_FALSE(std::isnan(both.reference.data<double>()[i])) << i;
            ASSERT_EQ(both.fast.data<double>()[i], both.reference.data<double>()[i]) << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace decant
