// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "base/text.h"
#include "kernels/run_node_test.h"

namespace decant {
namespace {

TEST(FastColumns, TextsAmongKnownOnes) {
  std::mt19937 random(1);
  Tensor x(DType::string, {300, 1});
  for (std::string& text : x.mutable_data<std::string>()) text = format("t{}", random() % 9);
  x.mutable_data<std::string>()[7].clear();
  for (const Shape& shape : {Shape{1, 6}, Shape{6}}) {
    Tensor known(DType::string, shape);
    for (std::size_t i = 0; i < 6; ++i) known.mutable_data<std::string>()[i] = i == 5 ? std::string() : format("t{}", 8 - i);
    const Node node = make_node("", "Equal", 2, {});
    std::vector<Type> types{Type::tensor(DType::string, {{-1, "N"}, {1, {}}}), Type::of(known)};
    const PrepareContext context(node, {&types[0], &types[1]}, {nullptr, &known});
    const Kernel fast = best_kernel(context), reference = reference_kernel(context);
    EXPECT_NE(fast.run, reference.run);
    EXPECT_TRUE(run_kernel(fast, node, {x, known}).same_as(run_kernel(reference, node, {x, known})));
  }
}

TEST(FastColumns, CastToDouble) {
  Tensor truth(DType::boolean, {3, 50}), whole(DType::int64, {3, 50}), narrow(DType::float32, {3, 50});
  for (std::size_t i = 0; i < 150; ++i) {
    truth.mutable_data<bool>()[i] = i % 3 == 0;
    whole.mutable_data<std::int64_t>()[i] = static_cast<std::int64_t>(i) * 1'000'000'007 * (i % 2 != 0 ? -1 : 1) * 90'000;
    narrow.mutable_data<float>()[i] = static_cast<float>(i) / 7;
  }
  for (const Tensor& x : {truth, whole, narrow}) {
    const Both both = run_both(make_node("", "Cast", 1, {{"to", std::int64_t{11}}}), {x});
    EXPECT_TRUE(both.is_fast);
    EXPECT_TRUE(both.fast.same_as(both.reference));
  }
}

TEST(FastColumns, CastToFloat) {
  Tensor x(DType::float64, {5});
  const double values[] = {0.1, -1e300, 1e-46, 16777217, -0.0};
  std::ranges::copy(values, x.mutable_data<double>().begin());
  const Both both = run_both(make_node("", "Cast", 1, {{"to", std::int64_t{1}}}), {x});
  EXPECT_TRUE(both.is_fast);
  EXPECT_TRUE(both.fast.same_as(both.reference));
}

TEST(FastColumns, Where) {
  std::mt19937 random(2);
  const auto numbers = [&](const Shape& shape) {
    Tensor out(DType::float64, shape);
    for (double& v : out.mutable_data<double>()) v = static_cast<double>(random()) / 1e5;
    return out;
  };
  const std::array<Shape, 3> shapes[] = {{Shape{40, 7}, Shape{40, 7}, Shape{40, 7}}, {Shape{40, 7}, Shape{40, 7}, Shape{}}, {Shape{40, 7}, Shape{}, Shape{40, 7}}, {Shape{40, 7}, Shape{7}, Shape{40, 1}},
                                         {Shape{7}, Shape{40, 7}, Shape{40, 7}},     {Shape{}, Shape{40, 7}, Shape{}},      {Shape{40, 1}, Shape{1, 7}, Shape{}},     {Shape{0, 7}, Shape{0, 7}, Shape{}}};
  for (const auto& [a, b, d] : shapes) {
    Tensor condition(DType::boolean, a);
    for (bool& v : condition.mutable_data<bool>()) v = random() % 2 != 0;
    const Both both = run_both(make_node("", "Where", 3, {}), {condition, numbers(b), numbers(d)});
    EXPECT_TRUE(both.is_fast);
    EXPECT_TRUE(both.fast.same_as(both.reference)) << text_of(a) << text_of(b) << text_of(d);
  }
}

}  // namespace
}  // namespace decant
