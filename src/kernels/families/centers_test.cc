// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

TEST(FastCenters, TheSameCenters) {
  std::mt19937 random(9);
  std::normal_distribution<double> normal;
  for (const std::int64_t count : {1, 3, 8, 12, 20, 70}) {
    for (const std::int64_t width : {1, 30}) {
      for (const bool whole : {false, true}) {  // whole numbers: many at the same distance
        Tensor centers(DType::float64, {count, width}), x(DType::float64, {75, width});
        for (double& v : centers.mutable_data<double>()) v = whole ? static_cast<double>(random() % 3) : normal(random);
        for (double& v : x.mutable_data<double>()) v = whole ? static_cast<double>(random() % 3) : normal(random);
        x.mutable_data<double>()[5] = std::numeric_limits<double>::infinity();
        x.mutable_data<double>()[x.size() - 1] = std::numeric_limits<double>::quiet_NaN();
        const Both both = run_both(make_node("decant", "NearestCenter", 1, {{"centers", centers}}), {x});
        EXPECT_TRUE(both.is_fast);
        ASSERT_TRUE(both.fast.same_as(both.reference)) << count << " " << width;
      }
    }
  }
}

}  // namespace
}  // namespace decant
