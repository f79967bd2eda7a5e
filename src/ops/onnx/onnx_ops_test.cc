// SPDX-License-Identifier: Apache-2.0
// The corners of the ai.onnx kernels: what the conformance cases of ONNX do not reach, and what a hostile file would try.
#include <limits>

#include "ops/op_testing.h"

namespace decant {
namespace {

using namespace testing;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

TEST(Arithmetic, BroadcastsBothWays) {
  expect_equal<double>(run1("Add", {doubles({2, 1}, {1, 2}), doubles({3}, {10, 20, 30})}), {2, 3}, {11, 21, 31, 12, 22, 32});
  expect_equal<double>(run1("Sub", {doubles({}, {1}), doubles({0, 3}, {})}), {0, 3}, {});
  expect_error(Code::mismatch, [] { run1("Add", {doubles({2}, {1, 2}), doubles({3}, {1, 2, 3})}); });
  expect_error(Code::mismatch, [] { run1("Add", {doubles({1}, {1}), integers({1}, {1})}); });
}

TEST(Arithmetic, IntegersNeverTrap) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  expect_equal<std::int64_t>(run1("Div", {integers({4}, {7, -7, 1, kMin}), integers({4}, {2, 2, 0, -1})}), {4}, {3, -3, 0, kMin});
  expect_equal<std::int64_t>(run1("Mod", {integers({5}, {-7, 7, 1, kMin, 7}), integers({5}, {3, -3, 0, -1, 3})}), {5}, {2, -2, 0, 0, 1});
  expect_equal<std::int64_t>(run1("Mod", {integers({2}, {-7, 7}), integers({2}, {3, -3})}, {{"fmod", std::int64_t{1}}}), {2}, {-1, 1});
  expect_equal<std::int64_t>(run1("Add", {integers({1}, {std::numeric_limits<std::int64_t>::max()}), integers({1}, {1})}), {1}, {kMin});
  expect_equal<std::int64_t>(run1("Neg", {integers({1}, {kMin})}), {1}, {kMin});
  expect_equal<std::int64_t>(run1("Pow", {integers({3}, {2, -1, 3}), integers({3}, {10, 3, -1})}), {3}, {1024, -1, 0});
}

TEST(Arithmetic, NaNGoesThrough) {
  expect_equal<double>(run1("Max", {doubles({3}, {1, kNaN, 3}), doubles({3}, {kNaN, 2, 2})}), {3}, {kNaN, kNaN, 3});
  expect_equal<double>(run1("Clip", {doubles({3}, {-5, kNaN, 5}), doubles({}, {-1}), doubles({}, {1})}), {3}, {-1, kNaN, 1});
  expect_equal<double>(run1("Relu", {doubles({2}, {kNaN, -1})}), {2}, {kNaN, 0});
  expect_equal<double>(run1("Sign", {doubles({3}, {kNaN, -2, 0})}), {3}, {kNaN, -1, 0});
  expect_equal<double>(run1("Round", {doubles({4}, {0.5, 1.5, -2.5, kInf})}), {4}, {0, 2, -2, kInf});
}

TEST(Sigmoid, DoesNotOverflow) { expect_near(run1("Sigmoid", {doubles({3}, {-800, 0, 800})}), {3}, {0, 0.5, 1}, 0); }
TEST(Softplus, KeepsSmallValues) { expect_near(run1("Softplus", {doubles({3}, {-40, 0, 800})}), {3}, {4.248354255291589e-18, 0.6931471805599453, 800}, 1e-15); }

TEST(Cast, BetweenNumbersAndText) {
  const auto cast = [](const Tensor& t, DType to) { return run1("Cast", {t}, {{"to", static_cast<std::int64_t>(to)}}); };
  expect_equal<std::string>(cast(doubles({5}, {1, 0.1, -kInf, kNaN, 1e300}), DType::string), {5}, {"1", "0.1", "-INF", "NaN", "1e+300"});
  expect_equal<double>(cast(make<std::string>({4}, {"1", " 2.5 ", "nan", "+1e400"}), DType::float64), {4}, {1, 2.5, kNaN, kInf});
  expect_equal<std::int64_t>(cast(make<std::string>({2}, {"-3", "4.0"}), DType::int64), {2}, {-3, 4});
  expect_equal<std::int32_t>(cast(doubles({4}, {1.9, -1.9, kNaN, 1e30}), DType::int32), {4}, {1, -1, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::min()});
  expect_error(Code::mismatch, [&] { cast(make<std::string>({1}, {"apple"}), DType::float32); });
  expect_error(Code::unsupported, [&] { run1("Cast", {doubles({}, {1})}, {{"to", std::int64_t{99}}}); });
}

TEST(Half, RoundsToNearestEven) {
  for (const float f : {0.0f, -0.0f, 1.0f, 65504.0f, 6.1035156e-5f, 5.9604645e-8f, -2.5f}) EXPECT_EQ(static_cast<float>(Half(f)), f);
  EXPECT_EQ(static_cast<float>(Half(65520.0f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(Half(1.00048828125f)), 1.0f);      // half way between 1 and its neighbour: to the even one
  EXPECT_EQ(static_cast<float>(Half(2.9802322e-8f)), 0.0f);       // half of the smallest
  EXPECT_EQ(static_cast<float>(BFloat16(1.00390625f)), 1.0f);
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(MatMul, AsNumPy) {
  expect_equal<double>(run1("MatMul", {doubles({2, 3}, {1, 2, 3, 4, 5, 6}), doubles({3}, {1, 0, -1})}), {2}, {-2, -2});
  expect_equal<double>(run1("MatMul", {doubles({2}, {1, 2}), doubles({2, 2, 1}, {1, 2, 3, 4})}), {2, 1}, {5, 11});
  expect_equal<double>(run1("MatMul", {doubles({0, 3}, {}), doubles({3, 2}, {1, 2, 3, 4, 5, 6})}), {0, 2}, {});
  expect_equal<double>(run1("MatMul", {doubles({2, 0}, {}), doubles({0, 2}, {})}), {2, 2}, {0, 0, 0, 0});
  expect_error(Code::mismatch, [] { run1("MatMul", {doubles({2, 3}, {1, 2, 3, 4, 5, 6}), doubles({2, 2}, {1, 2, 3, 4})}); });
}

TEST(Gemm, TransposesAndScales) {
  const Attributes a{{"transA", std::int64_t{1}}, {"transB", std::int64_t{1}}, {"alpha", 2.0}, {"beta", 0.5}};
  expect_equal<double>(run1("Gemm", {doubles({3, 2}, {1, 4, 2, 5, 3, 6}), doubles({1, 3}, {1, 1, 1}), doubles({1}, {2})}, a), {2, 1}, {13, 31});
}

TEST(Reduce, SumsAlongAnyAxes) {
  const Tensor x = doubles({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  expect_equal<double>(run1("ReduceSum", {x, integers({2}, {0, -1})}, {{"keepdims", std::int64_t{0}}}), {2}, {14, 22});
  expect_equal<double>(run1("ReduceSum", {x}), {1, 1, 1}, {36});
  expect_equal<double>(run1("ReduceSum", {x, integers({0}, {})}, {{"noop_with_empty_axes", std::int64_t{1}}}), {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  expect_equal<double>(run1("ReduceMean", {x, integers({1}, {1})}), {2, 1, 2}, {2, 3, 6, 7});
  expect_equal<double>(run1("ReduceMax", {doubles({0, 2}, {}), integers({1}, {0})}, {{"keepdims", std::int64_t{0}}}), {2}, {-kInf, -kInf});
  expect_error(Code::corrupt, [&] { run1("ReduceSum", {x, integers({1}, {3})}); });
  expect_error(Code::corrupt, [&] { run1("ReduceSum", {x, integers({2}, {0, -3})}); });
}

TEST(Reduce, AddsInNumPysOrder) {
  // numpy.sum of 1000 times 0.1, in eight running sums and blocks; one term after the other gives 99.9999999999986.
  expect_equal<double>(run1("ReduceSum", {Tensor::vector(std::vector<double>(1000, 0.1))}, {{"keepdims", std::int64_t{0}}}), {}, {100.00000000000001});
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  expect_near(run1("ReduceLogSumExp", {doubles({1, 2}, {1000, 1000}), integers({1}, {1})}), {1, 1}, {1000.6931471805599}, 1e-15);
  expect_near(run1("ReduceLogSumExp", {doubles({1, 2}, {-kInf, -kInf}), integers({1}, {1})}), {1, 1}, {-kInf}, 0);
}

TEST(ArgMax, FirstOfEqualsAndNaN) {
  expect_equal<std::int64_t>(run1("ArgMax", {doubles({2, 3}, {1, 3, 3, 1, kNaN, 9})}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}}), {2}, {1, 1});
  expect_equal<std::int64_t>(run1("ArgMax", {doubles({3}, {3, 3, 1})}, {{"select_last_index", std::int64_t{1}}}), {1}, {1});
  expect_error(Code::mismatch, [] { run1("ArgMin", {doubles({2, 0}, {})}, {{"axis", std::int64_t{1}}}); });
}

TEST(Softmax, OfLargeNumbers) {
  expect_near(run1("Softmax", {doubles({1, 2}, {1000, 1001})}), {1, 2}, {0.2689414213699951, 0.7310585786300049}, 1e-15);
  expect_near(run1("LogSoftmax", {doubles({1, 2}, {0, -1000})}), {1, 2}, {0, -1000}, 1e-15);
}

TEST(Reshape, CopiesAndInfers) {
  const Tensor x = doubles({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run1("Reshape", {x, integers({2}, {0, -1})}).shape(), (Shape{2, 3}));
  EXPECT_EQ(run1("Reshape", {x, integers({1}, {-1})}).shape(), (Shape{6}));
  expect_error(Code::mismatch, [&] { run1("Reshape", {x, integers({2}, {4, -1})}); });
  expect_error(Code::corrupt, [&] { run1("Reshape", {x, integers({2}, {-1, -1})}); });
  expect_error(Code::mismatch, [&] { run1("Reshape", {x, integers({2}, {std::int64_t{1} << 62, 8})}); });
}

TEST(Slice, AsPython) {
  const Tensor x = integers({5}, {0, 1, 2, 3, 4});
  const auto slice = [&](std::int64_t begin, std::int64_t end, std::int64_t step) {
    return run1("Slice", {x, integers({1}, {begin}), integers({1}, {end}), integers({1}, {0}), integers({1}, {step})});
  };
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min(), kMax = std::numeric_limits<std::int64_t>::max();
  expect_equal<std::int64_t>(slice(-3, kMax, 1), {3}, {2, 3, 4});
  expect_equal<std::int64_t>(slice(kMax, kMin, -2), {3}, {4, 2, 0});
  expect_equal<std::int64_t>(slice(3, 1, 1), {0}, {});
  expect_equal<std::int64_t>(slice(1, 4, kMax), {1}, {1});
  expect_error(Code::corrupt, [&] { slice(0, 1, 0); });
  expect_error(Code::corrupt, [&] { slice(0, 1, kMin); });
}

TEST(Gather, ChecksEveryIndex) {
  const Tensor x = make<std::string>({3}, {"a", "b", "c"});
  expect_equal<std::string>(run1("Gather", {x, integers({2}, {-1, 0})}), {2}, {"c", "a"});
  expect_error(Code::mismatch, [&] { run1("Gather", {x, integers({1}, {3})}); });
  expect_error(Code::mismatch, [&] { run1("GatherElements", {x, integers({1}, {-4})}); });
  expect_error(Code::mismatch, [&] { run1("GatherND", {x, integers({1, 1}, {5})}); });
  expect_error(Code::mismatch, [&] { run1("ScatterElements", {x, integers({1}, {9}), make<std::string>({1}, {"z"})}); });
}

TEST(Layout, SplitConcatTileExpand) {
  const Tensor x = integers({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::vector<Tensor> parts = run("", "Split", {x, integers({2}, {1, 2})}, {{"axis", std::int64_t{1}}}, 2);
  expect_equal<std::int64_t>(parts[1], {2, 2}, {2, 3, 5, 6});
  expect_equal<std::int64_t>(run1("Concat", {parts[1], parts[0]}, {{"axis", std::int64_t{1}}}), {2, 3}, {2, 3, 1, 5, 6, 4});
  expect_equal<std::int64_t>(run1("Tile", {integers({1, 2}, {1, 2}), integers({2}, {2, 2})}), {2, 4}, {1, 2, 1, 2, 1, 2, 1, 2});
  expect_equal<std::int64_t>(run1("Expand", {integers({2, 1}, {1, 2}), integers({1}, {2})}), {2, 2}, {1, 1, 2, 2});
  expect_error(Code::limit, [&] { run1("Tile", {integers({1}, {1}), integers({1}, {std::int64_t{1} << 60})}); });
  expect_error(Code::mismatch, [&] { run("", "Split", {x, integers({2}, {1, 1})}, {{"axis", std::int64_t{1}}}, 2); });
}

TEST(TopK, KeepsTheOrderOfEquals) {
  const std::vector<Tensor> out = run("", "TopK", {doubles({5}, {1, 3, 3, 2, 3}), integers({1}, {3})}, {}, 2);
  expect_equal<double>(out[0], {3}, {3, 3, 3});
  expect_equal<std::int64_t>(out[1], {3}, {1, 2, 4});
  expect_error(Code::mismatch, [] { run("", "TopK", {doubles({2}, {1, 2}), integers({1}, {3})}, {}, 2); });
}

TEST(Range, BoundsItsLength) {
  expect_equal<std::int64_t>(run1("Range", {integers({}, {5}), integers({}, {0}), integers({}, {-2})}), {3}, {5, 3, 1});
  expect_error(Code::mismatch, [] { run1("Range", {integers({}, {0}), integers({}, {1}), integers({}, {0})}); });
  expect_error(Code::limit, [] { run1("Range", {integers({}, {0}), integers({}, {std::int64_t{1} << 60}), integers({}, {1})}); });
}

TEST(Pad, EveryMode) {
  const Tensor x = integers({3}, {1, 2, 3}), amounts = integers({2}, {2, 1});
  const auto pad = [&](const char* mode) { return run1("Pad", {x, amounts}, {{"mode", std::string(mode)}}); };
  expect_equal<std::int64_t>(pad("constant"), {6}, {0, 0, 1, 2, 3, 0});
  expect_equal<std::int64_t>(pad("edge"), {6}, {1, 1, 1, 2, 3, 3});
  expect_equal<std::int64_t>(pad("reflect"), {6}, {3, 2, 1, 2, 3, 2});
  expect_equal<std::int64_t>(pad("wrap"), {6}, {2, 3, 1, 2, 3, 1});
  expect_error(Code::mismatch, [&] { run1("Pad", {x, integers({2}, {-2, -2})}); });
}

TEST(Shapes, FromValuesAreBounded) {
  const Tensor wide = integers({2}, {1 << 20, 1 << 20});
  expect_error(Code::limit, [&] { run1("ConstantOfShape", {wide}); });
  expect_error(Code::limit, [&] { run1("Expand", {doubles({}, {1}), wide}); });
  expect_error(Code::limit, [&] { run1("Tile", {doubles({1, 1}, {1}), wide}); });
  expect_error(Code::limit, [&] { run1("OneHot", {integers({1}, {0}), integers({}, {std::int64_t{1} << 38}), doubles({2}, {0, 1})}); });
  expect_error(Code::limit, [&] { run1("Pad", {doubles({1}, {1}), integers({2}, {0, std::int64_t{1} << 38})}); });
}

TEST(OneHot, LeavesOutWhatIsOutside) {
  expect_equal<double>(run1("OneHot", {integers({3}, {0, -1, 7}), integers({}, {2}), doubles({2}, {0, 1})}), {3, 2}, {1, 0, 0, 1, 0, 0});
}

}  // namespace
}  // namespace decant
