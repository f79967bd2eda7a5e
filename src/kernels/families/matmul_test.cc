// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

TEST(FastMatMul, SameBitsAsTheReference) {
  std::mt19937 random(4);
  std::normal_distribution<double> normal;
  const Node node = make_node("", "MatMul", 2, {});
  for (const std::int64_t rows : {0, 1, 3, 4, 65, 300}) {
    for (const std::int64_t shared : {1, 7, 30, 300}) {
      for (const std::int64_t columns : {1, 2, 3, 8, 9, 40}) {
        for (const bool odd : {false, true}) {
          Tensor a(DType::float64, {rows, shared}), b(DType::float64, {shared, columns});
          for (double& v : a.mutable_data<double>()) v = normal(random);
          for (double& v : b.mutable_data<double>()) v = normal(random);
          if (odd && rows > 0) a.mutable_data<double>()[0] = std::numeric_limits<double>::infinity();
          const Both both = run_both(node, {a, b}, 1);
          EXPECT_TRUE(both.is_fast);
          ASSERT_TRUE(both.fast.same_as(both.reference)) << rows << " " << shared << " " << columns;
        }
      }
    }
  }
}

TEST(FastMatMul, LeavesTheRestToTheReference) {
  const Node node = make_node("", "MatMul", 2, {});
  const Tensor a = Tensor::of<double>({1, 2, 2}, std::vector<double>{1, 2, 3, 4}), b = Tensor::of<double>({2, 1}, std::vector<double>{5, 6});
  EXPECT_FALSE(run_both(node, {a, b}, 1).is_fast);
  EXPECT_FALSE(run_both(node, {a.reshaped({2, 2}), b}).is_fast);  // not constant
}

}  // namespace
}  // namespace decant
