// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>

#include "kernels/pairs.h"
#include "kernels/run_node_test.h"

namespace decant {
namespace {

template <class T>
Tensor points(std::int64_t rows, std::int64_t features, double scale, bool whole, std::mt19937& random) {
  std::normal_distribution<double> normal;
  Tensor out(dtype_of<T>, {rows, features});
  for (T& v : out.mutable_data<T>()) v = static_cast<T>(whole ? std::round(normal(random) * 2) : normal(random) * scale);
  return out;
}

TEST(FastDistance, SumsHaveTheSameBitsOnEveryInstructionSet) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (const std::size_t count : {1, 7, 8, 33}) {
    for (const std::size_t features : {0, 1, 30}) {
      const std::size_t rows = 15;  // 8, 4, 2 and 1 at once
      std::vector<double> y(count * features), x(rows * features);
      for (double& v : y) v = normal(random);
      for (double& v : x) v = normal(random);
      const TargetTiles tiles(y.data(), count, features);
      for (const PairFunctions& f : all_pair_functions()) {
        for (const PairSum sum : {PairSum::squares, PairSum::products, PairSum::absolutes}) {
          std::vector<double> out(rows * tiles.padded());
          f.sums(sum, x.data(), rows, tiles, out.data(), tiles.padded());
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t m = 0; m < count; ++m) {
              double want = 0;
              for (std::size_t d = 0; d < features; ++d) {
                const double a = x[r * features + d], b = y[d * count + m];
                want += sum == PairSum::squares ? (a - b) * (a - b) : sum == PairSum::products ? a * b : std::fabs(a - b);
              }
              ASSERT_EQ(out[r * tiles.padded() + m], want) << f.name;
            }
          }
        }
      }
    }
  }
}

TEST(FastDistance, Exponentials) {
  std::vector<double> in = {0.0,   -0.0, 1.0,   -1.0,    709.5, 709.9, -707.99, -708.01, -744.0, -746.0, -1e300, 1e300, std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(), std::nan(""), std::numeric_limits<double>::denorm_min()};
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> wide(-750, 10), small(-1, 1);
  while (in.size() < 80'000) in.push_back(in.size() % 2 ? wide(random) : small(random));
  for (const PairFunctions& f : all_pair_functions()) {
    for (const double factor : {1.0, -0.37}) {
      std::vector<double> out = in;
      f.exponentials(factor, out.data(), out.size());
      for (std::size_t i = 0; i < in.size(); ++i) {
        const double want = std::exp(factor * in[i]);
        if (want != want) ASSERT_TRUE(out[i] != out[i]);
        else if (std::isinf(want) || want == 0) ASSERT_EQ(out[i], want) << in[i];
        else ASSERT_NEAR(out[i], want, 1e-15 * want) << f.name << " " << factor * in[i];
      }
    }
  }
}

TEST(FastDistance, KernelMatrix) {
  std::mt19937 random(2);
  for (const char* kernel : {"rbf", "linear"}) {
    const Node node = make_node("decant", "KernelMatrix", 2, {{"kernel", std::string(kernel)}, {"gamma", 0.07}});
    for (const std::int64_t rows : {0, 1, 3, 40}) {
      const Tensor x = points<double>(rows, 12, 1, false, random), y = points<double>(37, 12, 1, false, random);
      const Both both = run_both(node, {x, y}, 1);
      EXPECT_TRUE(both.is_fast);
      ASSERT_EQ(both.fast.shape(), both.reference.shape());
      for (std::size_t i = 0; i < both.fast.size(); ++i) {
        const double want = both.reference.data<double>()[i];
        ASSERT_NEAR(both.fast.data<double>()[i], want, 1e-13 * std::fabs(want));
      }
      const Both narrow = run_both(node, {points<float>(rows, 12, 1, false, random), points<float>(37, 12, 1, false, random)}, 1);
      for (std::size_t i = 0; i < narrow.fast.size(); ++i) ASSERT_NEAR(narrow.fast.data<float>()[i], narrow.reference.data<float>()[i], 1e-6F * std::fabs(narrow.reference.data<float>()[i]));
    }
  }
}

template <class T>
void check_neighbors(std::int64_t k, double scale, bool whole, bool odd, std::mt19937& random) {
  for (const char* metric : {"euclidean", "sqeuclidean"}) {
    Node node = make_node("decant", "KNeighbors", 2, {{"metric", std::string(metric)}, {"k", k}});
    Tensor x = points<T>(45, 6, scale, whole, random), y = points<T>(211, 6, scale, whole, random);
    if (odd) {
      x.mutable_data<T>()[8] = std::numeric_limits<T>::infinity();
      x.mutable_data<T>()[20] = std::numeric_limits<T>::max();
      y.mutable_data<T>()[30] = std::numeric_limits<T>::lowest();
    }
    const Both both = run_both(node, {x, y}, 1);
    EXPECT_TRUE(both.is_fast);
    EXPECT_TRUE(both.fast.same_as(both.reference)) << metric << " k " << k << " scale " << scale;
  }
}

TEST(FastDistance, NeighborsAreThoseOfTheReference) {
  std::mt19937 random(5);
  for (const std::int64_t k : {1, 5, 211}) {
    for (const double scale : {1.0, 1e-25, 1e6, 1e18, 1e30}) check_neighbors<double>(k, scale, false, false, random);
    check_neighbors<double>(k, 1, true, false, random);  // whole numbers: many at the same distance
    check_neighbors<double>(k, 1, false, true, random);
    check_neighbors<float>(k, 1, false, false, random);
  }
}

TEST(FastDistance, NeighborsFarFromTheOrigin) {  // where |y|^2 - 2xy loses everything in float32
  std::mt19937 random(6);
  Tensor x = points<double>(20, 4, 1, false, random), y = points<double>(300, 4, 1, false, random);
  for (double& v : x.mutable_data<double>()) v += 1e6;
  for (double& v : y.mutable_data<double>()) v += 1e6;
  const Node node = make_node("decant", "KNeighbors", 2, {{"metric", std::string("euclidean")}, {"k", std::int64_t{7}}});
  const Both both = run_both(node, {x, y}, 1);
  EXPECT_TRUE(both.fast.same_as(both.reference));
}

/// A tree of one leaf that meets the points backwards, or two leaves under a root.
Attributes tree_of(const Tensor& y, bool ball, bool split) {
  const std::int64_t count = y.dim(0), features = y.dim(1), nodes = split ? 3 : 1;
  std::vector<std::int64_t> order, ranges{0, count, split ? 0 : 1};
  for (std::int64_t i = count; i-- > 0;) order.push_back(i);
  if (split) ranges.insert(ranges.end(), {0, count / 2, 1, count / 2, count, 1});
  std::vector<double> bounds(static_cast<std::size_t>((ball ? 1 : 2) * nodes * features), ball ? 0.0 : -1e9);
  if (!ball) std::fill(bounds.begin() + static_cast<std::ptrdiff_t>(bounds.size() / 2), bounds.end(), 1e9);
  Attributes out{{"metric", std::string("euclidean")}, {"k", std::int64_t{7}}, {"tree", std::string(ball ? "ball" : "kd")}, {"order", Tensor::vector(order)},
                 {"ranges", Tensor::of<std::int64_t>({nodes, 3}, ranges)}, {"bounds", Tensor::of<double>({ball ? 1 : 2, nodes, features}, bounds)}};
  if (ball) out["radii"] = Tensor::vector(std::vector<double>(static_cast<std::size_t>(nodes), 1e9));
  return out;
}

TEST(FastDistance, TreeDecidesAmongEqualDistances) {
  std::mt19937 random(7);
  const Tensor x = points<double>(60, 2, 1, true, random), y = points<double>(150, 2, 1, true, random);
  for (const bool ball : {false, true}) {
    for (const bool split : {false, true}) {
      const Both both = run_both(make_node("decant", "KNeighbors", 2, tree_of(y, ball, split)), {x, y}, 1);
      EXPECT_TRUE(both.is_fast);
      EXPECT_TRUE(both.fast.same_as(both.reference));
    }
  }
}

TEST(FastDistance, TreesThatLieAreRefused) {
  std::mt19937 random(8);
  const Tensor x = points<double>(3, 2, 1, true, random), y = points<double>(9, 2, 1, true, random);
  const auto run = [&](Attributes attributes) { return run_both(make_node("decant", "KNeighbors", 2, std::move(attributes)), {x, y}, 1); };
  Attributes beyond = tree_of(y, false, false), overlapping = tree_of(y, true, true), childless = tree_of(y, false, false);
  beyond["order"] = Tensor::vector(std::vector<std::int64_t>(9, 9));
  overlapping["ranges"] = Tensor::of<std::int64_t>({3, 3}, std::vector<std::int64_t>{0, 9, 0, 0, 9, 1, 0, 9, 1});
  childless["ranges"] = Tensor::of<std::int64_t>({1, 3}, std::vector<std::int64_t>{0, 9, 0});
  EXPECT_THROW(run(beyond), Error);
  EXPECT_THROW(run(overlapping), Error);
  EXPECT_THROW(run(childless), Error);
}

TEST(FastDistance, PairwiseHasTheSameBits) {
  std::mt19937 random(5);
  for (const char* metric : {"euclidean", "sqeuclidean", "manhattan"}) {
    for (const std::int64_t expanded : {0, 1}) {
      for (const std::int64_t count : {1, 8, 45}) {
        Tensor x = points<double>(70, 9, 3, false, random);
        x.mutable_data<double>()[4] = std::nan("");
        const Both both = run_both(make_node("decant", "PairwiseDistance", 2, {{"metric", std::string(metric)}, {"expanded", expanded}}), {x, points<double>(count, 9, 3, false, random)}, 1);
        EXPECT_TRUE(both.is_fast);
        EXPECT_TRUE(both.fast.same_as(both.reference)) << metric << ' ' << expanded << ' ' << count;
      }
    }
  }
}

}  // namespace
}  // namespace decant
