// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>

#include "kernels/run_node_test.h"

namespace decant {
namespace {

struct Shape2 {
  int trees = 20, depth = 6, features = 5, width = 2, outputs = 2;
  bool targets = false, base = false, missing = false, sets = false, lone = false;
  std::string aggregate = "sum", compare = "<=";
  bool named = false;  // leaves have numbers of their own
};

template <class T>
T odd_number(std::mt19937& random) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  const T odd[] = {T{0}, -T{0}, inf, -inf, std::numeric_limits<T>::denorm_min(), -std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max(), std::numeric_limits<T>::lowest()};
  if (random() % 6 == 0) return odd[random() % std::size(odd)];
  return static_cast<T>(static_cast<int>(random() % 21) - 10) / T{4};  // few values, so that equality is common
}

// Trees of random shape, nodes in depth-first order as scikit-learn stores them.
template <class T, class V>
Node forest(const Shape2& s, std::mt19937& random) {
  std::vector<std::int32_t> features, left, right, roots, sets, targets;
  std::vector<T> splits;
  std::vector<std::uint8_t> missing;
  std::vector<V> values;
  const auto grow = [&](auto&& self, int depth) -> std::int32_t {
    const auto at = static_cast<std::int32_t>(features.size());
    features.push_back(-1);
    left.push_back(0);
    right.push_back(0);
    splits.push_back(0);
    missing.push_back(0);
    sets.push_back(-1);
    if (depth == 0 || (depth < s.depth && random() % 5 == 0)) {
      left[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(values.size()) / s.width;
      for (int k = 0; k < s.width; ++k) values.push_back(static_cast<V>(static_cast<double>(random()) / 1e9 - 2));
      return at;
    }
    const auto here = static_cast<std::size_t>(at);
    features[here] = static_cast<std::int32_t>(random() % static_cast<unsigned>(s.features)) * 3;  // with columns that nobody looks at
    T split = odd_number<T>(random);
    if (s.compare == "<" && split == -std::numeric_limits<T>::infinity()) split = 1;
    splits[here] = split;
    missing[here] = random() % 2;
    if (s.sets && random() % 3 == 0) sets[here] = static_cast<std::int32_t>(random() % 4);
    const std::int32_t l = self(self, depth - 1), r = self(self, depth - 1);
    left[here] = l;
    right[here] = r;
    return at;
  };
  for (int t = 0; t < s.trees; ++t) {
    roots.push_back(grow(grow, s.lone && t % 4 == 1 ? 0 : s.depth));
    targets.push_back(static_cast<std::int32_t>(t % s.outputs));
  }
  Attributes a;
  a["features"] = Tensor::vector(features);
  a["left"] = Tensor::vector(left);
  a["right"] = Tensor::vector(right);
  a["splits"] = Tensor::vector(splits);
  a["roots"] = Tensor::vector(roots);
  a["values"] = Tensor::of<V>({static_cast<std::int64_t>(values.size()) / s.width, s.width}, values);
  a["outputs"] = std::int64_t{s.outputs};
  a["aggregate"] = s.aggregate;
  a["compare"] = s.compare;
  if (s.named) {
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < values.size() / static_cast<std::size_t>(s.width); ++i) ids.push_back(static_cast<std::int64_t>(i * i) - 7);
    a["leaf_ids"] = Tensor::vector(ids);
  }
  if (s.missing) a["missing_left"] = Tensor::vector(missing);
  if (s.targets) a["targets"] = Tensor::vector(targets);
  if (s.base) a["base"] = Tensor::vector(std::vector<V>(static_cast<std::size_t>(s.outputs), V{0.1f}));
  if (s.sets) {
    a["category_sets"] = Tensor::vector(sets);
    std::vector<std::uint32_t> bits;
    for (int i = 0; i < 4 * 2; ++i) bits.push_back(static_cast<std::uint32_t>(random()));
    a["categories"] = Tensor::of<std::uint32_t>({4, 2}, bits);
  }
  return make_node("decant", "TreeEnsemble", 1, std::move(a));
}

template <class T, class V>
void check(const Shape2& s, unsigned seed) {
  std::mt19937 random(seed);
  const Node node = forest<T, V>(s, random);
  for (const std::int64_t rows : {0, 1, 5, 7, 16, 257, 1500}) {
    for (const bool nan : {false, true}) {
      Tensor x(dtype_of<T>, {rows, s.features * 3});
      for (T& v : x.mutable_data<T>()) v = nan && random() % 5 == 0 ? std::numeric_limits<T>::quiet_NaN() : odd_number<T>(random);
      const Both both = run_both(node, {x});
      EXPECT_TRUE(both.is_fast);
      EXPECT_TRUE(both.fast.same_as(both.reference)) << rows << " rows, seed " << seed << ", nan " << nan;
    }
  }
}

template <class T, class V>
void check_all(Shape2 s) {
  for (unsigned seed = 1; seed <= 4; ++seed) check<T, V>(s, seed);
}

TEST(FastForest, SumsOfSeveralColumns) {
  for (const int width : {1, 2, 3}) {
    check_all<float, double>({.width = width, .outputs = width});
    check_all<float, float>({.width = width, .outputs = width, .base = true});
    check_all<double, double>({.width = width, .outputs = width, .missing = true});
    check_all<double, float>({.width = width, .outputs = width, .compare = "<"});
  }
}

TEST(FastForest, TargetsAndBase) {
  for (const int outputs : {1, 3}) {
    check_all<float, double>({.width = 1, .outputs = outputs, .targets = true, .base = true});
    check_all<double, double>({.width = 1, .outputs = outputs, .targets = true, .missing = true});
  }
}

TEST(FastForest, LeavesAndEach) {
  for (const char* aggregate : {"leaf", "each"}) {
    check_all<float, double>({.missing = true, .aggregate = aggregate});
    check_all<double, double>({.aggregate = aggregate, .compare = "<"});
  }
  check_all<float, float>({.missing = true, .aggregate = "leaf", .named = true});
}

TEST(FastForest, CategorySets) {
  check_all<double, double>({.width = 1, .outputs = 1, .missing = true, .sets = true});
  check_all<float, float>({.width = 1, .outputs = 1, .missing = true, .sets = true});
}

TEST(FastForest, TreesOfOneLeaf) { check_all<float, double>({.lone = true}); }

TEST(FastForest, OneTreeDeepAndManyFeatures) {
  check_all<float, double>({.trees = 1, .depth = 14, .features = 3});
  check_all<float, double>({.trees = 40, .depth = 10, .features = 1500, .missing = true});  // more columns than a packed node can name
}

TEST(FastForest, LeavesAloneAreLeftToTheReference) {
  std::mt19937 random(1);
  const Node node = forest<float, double>({.depth = 0}, random);
  const Both both = run_both(node, {Tensor::of<float>({2, 0}, {})});
  EXPECT_FALSE(both.is_fast);
  EXPECT_TRUE(both.fast.same_as(both.reference));
}

}  // namespace
}  // namespace decant
