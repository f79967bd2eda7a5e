// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

TEST(FastPower, YeoJohnsonLikeTheReference) {
  const std::vector<double> lambdas = {0, 2, 1, -3.5, 0.3, 1e-9, 7};
  const Node node = make_node("decant", "YeoJohnson", 1, {{"lambdas", lambdas}});
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const std::int64_t rows : {0, 1, 300}) {
    Tensor x(DType::float64, {rows, 7});
    for (double& v : x.mutable_data<double>()) v = normal(random) * std::pow(10.0, static_cast<double>(random() % 40) - 35);
    const double odd[] = {0, -0.0, kInf, -kInf, std::nan(""), 1e-310, -1e300, 1e17};
    for (std::size_t i = 0; i < std::size(odd) && rows > 1; ++i) x.mutable_data<double>()[i * 8] = odd[i];
    const Both both = run_both(node, {x});
    EXPECT_TRUE(both.is_fast);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double got = both.fast.data<double>()[i], want = both.reference.data<double>()[i];
      if (std::isnan(want)) ASSERT_TRUE(std::isnan(got));
      else if (std::isinf(want)) ASSERT_EQ(got, want);
      else ASSERT_NEAR(got, want, 2e-14 * std::fabs(want)) << x.data<double>()[i] << " by " << lambdas[i % 7];
    }
  }
}

}  // namespace
}  // namespace decant
