// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

Tensor numbers(std::mt19937_64& random, const Shape& shape, double low, double high) {
  Tensor out(DType::float64, shape);
  const double odd[] = {0.0, -0.0, 1e-310, -1e-310, 1e308, -1e308, 800.0, -800.0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")};
  std::uniform_real_distribution<double> draw(low, high);
  for (double& v : out.mutable_data<double>()) v = random() % 97 == 0 ? odd[random() % std::size(odd)] : draw(random);
  return out;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a.data<double>()[i], y = b.data<double>()[i];
    if (!(std::isnan(x) && std::isnan(y)) && std::memcmp(&x, &y, sizeof x) != 0) return false;
  }
  return true;
}

TEST(FastElementwise, ArithmeticHasTheSameBits) {
  std::mt19937_64 random(1);
  const std::pair<Shape, Shape> shapes[] = {{{7, 5}, {7, 5}}, {{700, 5}, {5}}, {{5}, {700, 5}}, {{700, 5}, {1, 5}}, {{7, 5}, {7, 1}}, {{7, 1}, {5}}, {{7, 1}, {1, 5}}, {{33}, {}}, {{}, {33}},
                                            {{}, {}}, {{0, 5}, {5}}, {{4, 3, 5}, {3, 1}}, {{4, 3, 5}, {4, 1, 5}}, {{2, 600}, {600}}, {{1, 5}, {5}}};
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    for (const auto& [a, b] : shapes) {
      const Both both = run_both(make_node("", op, 2, {}), {numbers(random, a, -5, 5), numbers(random, b, -5, 5)});
      EXPECT_TRUE(both.is_fast);
      EXPECT_TRUE(same_bits(both.fast, both.reference)) << op << ' ' << text_of(a) << ' ' << text_of(b);
    }
  }
}

double ulps(double got, double want) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want) ? 0 : HUGE_VAL;
  if (got == want) return 0;
  const double unit = std::nextafter(std::fabs(want), HUGE_VAL) - std::fabs(want);
  return std::fabs(got - want) / unit;
}

TEST(FastElementwise, FunctionsAreWithinFourUnits) {
  std::mt19937_64 random(2);
  struct {
    const char* op;
    double low, high, most;
  } const functions[] = {{"Exp", -750, 750, 2}, {"Exp", -1, 1, 2}, {"Log", 0, 1, 3}, {"Log", 0, 1e6, 3}, {"Log", 0.99, 1.01, 3}, {"Tanh", -25, 25, 4}, {"Tanh", -0.1, 0.1, 4}, {"Sigmoid", -40, 40, 4},
                         {"Sin", -700, 700, 4}, {"Cos", -700, 700, 4}, {"Cos", -4, 4, 4}, {"Sqrt", 0, 1e9, 0}, {"Relu", -1, 1, 0}};
  for (const auto& f : functions) {
    const Both both = run_both(make_node("", f.op, 1, {}), {numbers(random, {200'003}, f.low, f.high)});
    EXPECT_TRUE(both.is_fast);
    double worst = 0;
    for (std::size_t i = 0; i < both.fast.size(); ++i) worst = std::max(worst, ulps(both.fast.data<double>()[i], both.reference.data<double>()[i]));
    EXPECT_LE(worst, f.most) << f.op << " over " << f.low << " to " << f.high;
  }
}

}  // namespace
}  // namespace decant
