// SPDX-License-Identifier: Apache-2.0
// Numbers in here were computed by scikit-learn 1.9.1, SciPy 1.17.1 and NumPy 2.4.6.
#include <algorithm>
#include <limits>

#include "ops/builder.h"
#include "ops/op_testing.h"

namespace decant {
namespace {

using namespace testing;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

using I32 = std::vector<std::int32_t>;
Tensor ints(const I32& v) { return Tensor::vector(v); }

// Two trees: x0 <= 0.5 ? 10 : (x1 <= 1 ? 20 : 30), and a leaf of 1.
Attributes forest() {
  return {{"features", ints({0, -1, 1, -1, -1, -1})}, {"splits", Tensor::vector(std::vector<float>{0.5f, 0, 1, 0, 0, 0})},
          {"left", ints({1, 0, 3, 1, 2, 3})},         {"right", ints({2, 0, 4, 0, 0, 0})},
          {"roots", ints({0, 5})},                    {"values", doubles({4, 1}, {10, 20, 30, 1})},
          {"outputs", std::int64_t{1}}};
}
Tensor rows(const std::vector<float>& v) { return make<float>({static_cast<std::int64_t>(v.size() / 2), 2}, v); }

TEST(TreeEnsemble, SumsLeavesAndNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = rows({0.5f, 9, 0.6f, 1, 0.6f, 1.5f, nan, nan});
  expect_equal<double>(run("decant", "TreeEnsemble", {x}, forest())[0], {4, 1}, {11, 21, 31, 31});
  Attributes a = forest();
  a["aggregate"] = std::string("leaf");
  expect_equal<std::int64_t>(run("decant", "TreeEnsemble", {x}, a)[0], {4, 2}, {1, 0, 3, 0, 4, 0, 4, 0});
  a["leaf_ids"] = Tensor::vector(std::vector<std::int64_t>{-5, 7, 1LL << 40, 0});
  expect_equal<std::int64_t>(run("decant", "TreeEnsemble", {x}, a)[0], {4, 2}, {-5, 0, 7, 0, 1LL << 40, 0, 1LL << 40, 0});
  a["leaf_ids"] = Tensor::vector(std::vector<std::int64_t>{1});
  expect_error(Code::corrupt, [&] { run("decant", "TreeEnsemble", {x}, a); });
  a["aggregate"] = std::string("each");
  a["missing_left"] = Tensor::vector(std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0});
  expect_equal<double>(run("decant", "TreeEnsemble", {x}, a)[0], {4, 2}, {10, 1, 20, 1, 30, 1, 10, 1});
  EXPECT_EQ(run("decant", "TreeEnsemble", {make<float>({0, 2}, {})}, forest())[0].shape(), (Shape{0, 1}));
}

TEST(TreeEnsemble, BaseAndTargetsAndCategories) {
  Attributes a = forest();
  a["outputs"] = std::int64_t{2};
  a["targets"] = ints({1, 0});
  a["base"] = doubles({2}, {0.5, 0.25});
  expect_equal<double>(run("decant", "TreeEnsemble", {rows({0, 0})}, a)[0], {1, 2}, {1.5, 10.25});
  a = forest();
  a["category_sets"] = ints({0, -1, -1, -1, -1, -1});
  a["categories"] = make<std::uint32_t>({1, 1}, {0b1010});
  expect_equal<double>(run("decant", "TreeEnsemble", {rows({1, 0, 3.7f, 0, 0, 0, -1, 0, 32, 0})}, a)[0], {5, 1}, {11, 11, 21, 21, 21});
}

TEST(TreeEnsemble, RefusesWhatIsNoTree) {
  const auto refuse = [](std::string_view name, Attribute value) {
    Attributes a = forest();
    a[std::string(name)] = std::move(value);
    expect_error(Code::corrupt, [&] { run("decant", "TreeEnsemble", {rows({0, 0})}, a); });
  };
  refuse("left", ints({0, 0, 3, 1, 2, 3}));   // a cycle
  refuse("left", ints({4, 0, 3, 1, 2, 3}));   // a shared leaf, and one left over
  refuse("right", ints({99, 0, 4, 0, 0, 0}));
  refuse("right", ints({-1, 0, 4, 0, 0, 0}));
  refuse("left", ints({1, 4, 3, 1, 2, 3}));   // a leaf without a value
  refuse("roots", ints({0, 6}));
  refuse("roots", ints({0}));                 // a node that belongs to no tree
  refuse("outputs", std::int64_t{1} << 40);
  Attributes wide = forest();
  wide["features"] = ints({0, -1, std::numeric_limits<std::int32_t>::max(), -1, -1, -1});
  expect_error(Code::limit, [&] { run("decant", "TreeEnsemble", {rows({0, 0})}, wide); });
  expect_error(Code::mismatch, [] { run("decant", "TreeEnsemble", {make<float>({1, 1}, {0})}, forest()); });
}

// x0 <= 0.5 ? (1, 0, 0) : (x1 <= 1 ? (0, 1, 0) : (0, 0, 1)): the first column has nothing from the second split.
TEST(TreeEnsemble, InOnnxAColumnKeepsOnlyTheSplitsThatItNeeds) {
  Attributes a = forest();
  a["roots"] = ints({0});
  for (const char* name : {"features", "left", "right"}) {
    const std::span<const std::int32_t> all = std::get<Tensor>(a[name]).data<std::int32_t>();
    a[name] = ints(I32(all.begin(), all.end() - 1));  // the second tree of forest() is left out
  }
  a["splits"] = Tensor::vector(std::vector<float>{0.5f, 0, 1, 0, 0});
  a["values"] = doubles({3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  a["outputs"] = std::int64_t{3};
  Builder builder;
  const ValueId x = builder.input("x", Type::tensor(DType::float32, {Dim{}, Dim{2, {}}}));
  Node node{"decant", "TreeEnsemble", "forest", {x}, {}, a, {}};
  builder.output(find_op("decant", "TreeEnsemble")->lower(builder, node, {x}).at(0), "y");
  const Graph graph = builder.finish("g");
  const auto written = std::ranges::find(graph.nodes, "TreeEnsemble", &Node::op);
  ASSERT_NE(written, graph.nodes.end());
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(written->attributes.at("tree_roots")), (std::vector<std::int64_t>{0, 1, 3}));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(written->attributes.at("nodes_featureids")), (std::vector<std::int64_t>{0, 0, 1, 0, 1}));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(written->attributes.at("leaf_targetids")), (std::vector<std::int64_t>{0, 0, 1, 1, 1, 2, 2, 2}));
}

TEST(SplineBasis, ThoseThatAreNotZero) {  // scipy.interpolate.BSpline.design_matrix on the same knots
  const Attributes a = {{"knots", doubles({1, 6}, {-1, 0, 1, 2, 3, 4})}, {"coefficients", doubles({1, 3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1})}, {"degree", std::int64_t{2}}};
  expect_near(run("decant", "SplineBasis", {doubles({3, 1}, {1, 1.25, 2})}, a)[0], {3, 3}, {0.5, 0.5, 0, 0.28125, 0.6875, 0.03125, 0, 0.5, 0.5}, 1e-15);
  Attributes bad = a;
  bad["degree"] = std::int64_t{3};
  expect_error(Code::corrupt, [&] { run("decant", "SplineBasis", {doubles({1, 1}, {1})}, bad); });
  expect_error(Code::mismatch, [&] { run("decant", "SplineBasis", {doubles({1, 2}, {1, 2})}, a); });
}

TEST(Indicators, TextsAndNumbers) {
  Tensor texts(DType::string, {2, 1}), known(DType::string, {1, 3});
  texts.mutable_data<std::string>()[0] = "b";
  texts.mutable_data<std::string>()[1] = "x";
  for (std::size_t i = 0; i < 3; ++i) known.mutable_data<std::string>()[i] = std::string(1, static_cast<char>('a' + i % 2));  // one is there twice
  const Tensor numbers = doubles({2, 2}, {1, kNaN, 2, 0}), values = doubles({2, 2}, {1, 2, 0, kNaN});
  expect_equal<double>(run("decant", "Indicators", {texts, known, numbers, values})[0], {2, 7}, {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0});
  std::vector<std::int64_t> many(40);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i * 3 % 40);
  const Tensor out = run("decant", "Indicators", {integers({2, 1}, {9, 50}), integers({1, 40}, many)})[0];
  EXPECT_EQ(std::ranges::count(out.data<double>(), 1.0), 1);
  EXPECT_EQ(out.data<double>()[3], 1.0);
  expect_error(Code::corrupt, [&] { run("decant", "Indicators", {numbers, Tensor(DType::float64, {1 << 20, 0})}); });
  expect_error(Code::mismatch, [&] { run("decant", "Indicators", {numbers, doubles({1, 1}, {1})}); });
}

TEST(NearestCenter, RefusesWhatDoesNotFit) {
  expect_equal<std::int64_t>(run("decant", "NearestCenter", {doubles({2, 1}, {0.4, 0.6})}, {{"centers", doubles({2, 1}, {0, 1})}})[0], {2}, {0, 1});
  expect_error(Code::corrupt, [] { run("decant", "NearestCenter", {doubles({1, 1}, {1})}, {{"centers", Tensor(DType::float64, {1 << 20, 0})}}); });
  expect_error(Code::mismatch, [] { run("decant", "NearestCenter", {doubles({1, 2}, {1, 2})}, {{"centers", doubles({1, 1}, {1})}}); });
}

TEST(ImputeNeighbors, RefusesWhatDoesNotFit) {
  const Tensor rows = doubles({2, 2}, {1, 5, 3, 7}), none = make<bool>({2, 2}, {false, false, false, false});
  const Attributes a = {{"rows", rows}, {"rows_absent", none}, {"k", std::int64_t{1}}};
  expect_equal<double>(run("decant", "ImputeNeighbors", {doubles({1, 2}, {2.5, kNaN}), make<bool>({1, 2}, {false, true})}, a)[0], {1, 2}, {2.5, 7});
  Attributes bad = a;
  bad["k"] = std::int64_t{0};
  expect_error(Code::corrupt, [&] { run("decant", "ImputeNeighbors", {rows, none}, bad); });
  bad = a;
  bad["rows"] = Tensor(DType::float64, {0, 1 << 20});
  expect_error(Code::corrupt, [&] { run("decant", "ImputeNeighbors", {rows, none}, bad); });
  expect_error(Code::mismatch, [&] { run("decant", "ImputeNeighbors", {rows, make<bool>({1, 2}, {true, true})}, a); });
}

TEST(PairwiseDistance, EachMetric) {
  const Tensor x = doubles({1, 3}, {1, 0, 2}), y = doubles({2, 3}, {1, 0, 2, 0, -1, 4});
  const auto distance = [&](const char* metric, double p = 2) {
    return run("decant", "PairwiseDistance", {x, y}, {{"metric", std::string(metric)}, {"p", p}})[0];
  };
  expect_equal<double>(distance("euclidean"), {1, 2}, {0, 2.449489742783178});
  expect_equal<double>(distance("manhattan"), {1, 2}, {0, 4});
  expect_equal<double>(distance("chebyshev"), {1, 2}, {0, 2});
  expect_near(distance("minkowski", 3), {1, 2}, {0, 2.154434690031884}, 1e-15);
  expect_equal<double>(distance("canberra"), {1, 2}, {0, 2.3333333333333335});
  expect_equal<double>(distance("braycurtis"), {1, 2}, {0, 0.5});
  expect_equal<double>(distance("hamming"), {1, 2}, {0, 1});
  expect_equal<double>(distance("jaccard"), {1, 2}, {0, 0.6666666666666666});
  expect_error(Code::unsupported, [&] { distance("haversine"); });
}

TEST(KNeighbors, NearestFirst) {
  const Tensor y = doubles({5, 1}, {5, 1, 3, 1, 2});
  const std::vector<Tensor> out = run("decant", "KNeighbors", {doubles({1, 1}, {1.25}), y}, {{"k", std::int64_t{3}}}, 2);
  expect_equal<double>(out[0], {1, 3}, {0.25, 0.25, 0.75});
  // Equal distances come in the order that scikit-learn's kd_tree gives; its brute force, which passes a second heap, has them the other way.
  expect_equal<std::int64_t>(out[1], {1, 3}, {3, 1, 4});
  expect_error(Code::corrupt, [&] { run("decant", "KNeighbors", {y, y}, {{"k", std::int64_t{6}}}, 2); });
}

TEST(KernelMatrix, AsLibsvm) {
  const Tensor x = doubles({1, 2}, {1, 2}), y = doubles({1, 2}, {3, -1});
  const auto kernel = [&](const char* name) {
    return run("decant", "KernelMatrix", {x, y}, {{"kernel", std::string(name)}, {"gamma", 0.5}, {"coef0", 1.0}, {"degree", std::int64_t{3}}})[0];
  };
  expect_equal<double>(kernel("linear"), {1, 1}, {1});
  expect_equal<double>(kernel("poly"), {1, 1}, {3.375});
  expect_near(kernel("rbf"), {1, 1}, {0.0015034391929775724}, 1e-15);
  expect_near(kernel("sigmoid"), {1, 1}, {0.9051482536448664}, 1e-15);
}

TEST(PairwiseCoupling, SumsToOne) {
  const Tensor p = run("decant", "PairwiseCoupling", {doubles({2, 3}, {0.9, 0.8, 0.4, 0.5, 0.5, 0.5})}, {{"classes", std::int64_t{3}}})[0];
  EXPECT_NEAR(p.number(0) + p.number(1) + p.number(2), 1.0, 1e-12);
  EXPECT_GT(p.number(0), p.number(2));
  expect_near(run("decant", "PairwiseCoupling", {doubles({1, 3}, {0.5, 0.5, 0.5})}, {{"classes", std::int64_t{3}}})[0], {1, 3}, {1 / 3.0, 1 / 3.0, 1 / 3.0}, 1e-15);
  expect_error(Code::mismatch, [] { run("decant", "PairwiseCoupling", {doubles({1, 2}, {0.5, 0.5})}, {{"classes", std::int64_t{3}}}); });
}

TEST(Normal, CdfAndQuantile) {
  expect_near(run("decant", "NormalQuantile", {doubles({6}, {0, 1, 0.5, 0.025, 1e-300, -0.1})})[0], {6}, {-kInf, kInf, 0, -1.9599639845400545, -37.0471, kNaN}, 1e-6);
  expect_near(run("decant", "NormalQuantile", {doubles({1}, {0.025})})[0], {1}, {-1.9599639845400545}, 1e-15);
  expect_near(run("decant", "NormalCdf", {doubles({4}, {0, 1.96, -40, kNaN})})[0], {4}, {0.5, 0.9750021048517795, 0, kNaN}, 1e-15);
}

TEST(Interpolate, AsNumPy) {
  const Attributes a{{"x", doubles({3}, {0, 1, 3})}, {"y", doubles({3}, {0, 10, 30})}};
  expect_equal<double>(run("decant", "Interpolate", {doubles({6}, {-1, 0.5, 1, 2, 5, kNaN})}, a)[0], {6}, {0, 5, 10, 20, 30, kNaN});
  const Attributes columns{{"x", doubles({2, 2}, {0, 1, 0, 2})}, {"y", doubles({2, 2}, {0, 1, 5, 7})}};
  expect_equal<double>(run("decant", "Interpolate", {doubles({1, 2}, {0.5, 1})}, columns)[0], {1, 2}, {0.5, 6});
}

TEST(SearchSorted, BothSides) {
  const Attributes left{{"edges", doubles({4}, {1, 2, 2, 3})}}, right{{"edges", doubles({4}, {1, 2, 2, 3})}, {"side", std::string("right")}};
  const Tensor x = doubles({5}, {0, 2, 2.5, 3, kNaN});
  expect_equal<std::int64_t>(run("decant", "SearchSorted", {x}, left)[0], {5}, {0, 1, 3, 3, 4});
  expect_equal<std::int64_t>(run("decant", "SearchSorted", {x}, right)[0], {5}, {0, 3, 3, 4, 4});
}

TEST(ImagePatches, AllOfThemOrDrawn) {
  const Tensor image = doubles({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  using Size = std::vector<std::int64_t>;
  expect_equal<double>(run("decant", "ImagePatches", {image}, {{"patch_size", Size{2, 2}}})[0], {2, 2, 2}, {1, 2, 4, 5, 2, 3, 5, 6});
  // numpy.random.RandomState(3).randint(2, size=2), then randint(3, size=2)
  expect_equal<double>(run("decant", "ImagePatches", {image}, {{"patch_size", Size{1, 1}}, {"max_patches", std::int64_t{2}}, {"seed", std::int64_t{3}}})[0], {2, 1, 1}, {2, 1});
  expect_equal<double>(run("decant", "ImagePatches", {image}, {{"patch_size", Size{1, 1}}, {"part", 0.1}})[0], {0, 1, 1}, {});
  for (const Size& size : {Size{3, 1}, Size{1, 4}, Size{0, 1}, Size{-1, 1}, Size{1}, Size{}}) {  // without a size a tenth of the image, here nothing
    expect_error(Code::mismatch, [&] { run("decant", "ImagePatches", {image}, {{"patch_size", size}}); });
  }
  expect_error(Code::mismatch, [] { run("decant", "ImagePatches", {doubles({1, 2}, {1, 2})}, {{"patch_size", Size{1, 1}}}); });
  expect_error(Code::corrupt, [&] { run("decant", "ImagePatches", {image}, {{"patch_size", Size{1, 1}}, {"part", 1e300}}); });
}

}  // namespace
}  // namespace decant
