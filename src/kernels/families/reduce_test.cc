// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

TEST(FastReduce, TheFirstOfEqualsAndTheFirstNaN) {
  std::mt19937 random(5);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const char* op : {"ArgMax", "ArgMin"}) {
    for (const std::int64_t keep : {0, 1}) {
      const Node node = make_node("", op, 1, {{"axis", std::int64_t{-1}}, {"keepdims", keep}});
      for (const std::int64_t n : {1, 2, 5, 8, 9, 20, 33}) {
        for (const int kind : {0, 1, 2, 3}) {  // numbers, with infinities, infinities alone, with NaN
          Tensor x(DType::float64, {60, n});
          for (double& v : x.mutable_data<double>()) {
            v = static_cast<double>(random() % 7) - 3;
            if (kind == 1 && random() % 2 == 0) v = random() % 2 == 0 ? kInf : -kInf;
            if (kind == 2) v = random() % 4 != 0 ? kInf : -kInf;
            if (kind == 3 && random() % 9 == 0) v = std::nan("");
          }
          const Both both = run_both(node, {x});
          EXPECT_TRUE(both.is_fast);
          ASSERT_TRUE(both.fast.same_as(both.reference)) << op << " " << n << " " << kind;
        }
      }
    }
  }
}

TEST(FastReduce, LeavesTheRestToTheReference) {
  const Tensor x = Tensor::of<double>({2, 2}, std::vector<double>{1, 2, 3, 4});
  EXPECT_FALSE(run_both(make_node("", "ArgMax", 1, {{"axis", std::int64_t{0}}}), {x}).is_fast);
  EXPECT_FALSE(run_both(make_node("", "ArgMax", 1, {{"axis", std::int64_t{1}}, {"select_last_index", std::int64_t{1}}}), {x}).is_fast);
}

}  // namespace
}  // namespace decant
