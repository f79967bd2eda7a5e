// SPDX-License-Identifier: Apache-2.0
// decant.KNeighbors for Euclidean distances and decant.KernelMatrix and decant.PairwiseDistance, where the points to measure to are constant.
//
// KNeighbors first measures in float32, with a bound on the error, and then exactly, in the order of the reference kernel, only what may
// belong to the nearest: the answers are the same to the last bit. Where points are at the same distance and the node carries a
// tree, the tree's query decides, as in the reference kernel.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/pairs.h"
#include "ops/decant/distance.h"
#include "ops/decant/svm.h"
#include "ops/neighbor_tree.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::size_t kRows = 32;  // measured together: each target is fetched once for four of them

std::optional<std::vector<double>> doubles_of(const Tensor& t) {
  if (t.rank() != 2) return std::nullopt;
  if (t.dtype() == DType::float64) return std::vector<double>(t.data<double>().begin(), t.data<double>().end());
  if (t.dtype() == DType::float32) return std::vector<double>(t.data<float>().begin(), t.data<float>().end());
  return std::nullopt;
}

std::optional<std::vector<double>> constant_points(const PrepareContext& c) {
  if (c.constants.size() < 2 || c.constants[1] == nullptr) return std::nullopt;
  return doubles_of(*c.constants[1]);
}

/// The rows of input 0, checked against the targets.
std::vector<double> rows_of(const KernelContext& c, std::size_t features) {
  want_same(c, 0, 1);
  std::optional<std::vector<double>> out = doubles_of(c.input(0));
  if (!out) c.fail(Code::mismatch, format("points of {}{}, a matrix of numbers is needed", name_of(c.input(0).dtype()), text_of(c.input(0).shape())));
  if (static_cast<std::size_t>(c.input(0).dim(1)) != features) c.fail(Code::mismatch, format("points of {} and of {} features", c.input(0).dim(1), features));
  return std::move(*out);
}

TargetTiles tiles_of(const std::vector<double>& points, const Tensor& shape) {
  const auto count = static_cast<std::size_t>(shape.dim(0)), features = static_cast<std::size_t>(shape.dim(1));
  std::vector<double> by_feature(points.size());
  for (std::size_t m = 0; m < count; ++m) {
    for (std::size_t d = 0; d < features; ++d) by_feature[d * count + m] = points[m * features + d];
  }
  return {by_feature.data(), count, features};
}

// --- KernelMatrix -----------------------------------------------------------------------------------------------------------------------

struct SupportVectors {
  SvmKernel kernel;
  TargetTiles tiles;
};

std::optional<State> prepare_kernel_matrix(const PrepareContext& c) {
  const auto points = constant_points(c);
  if (!points) return std::nullopt;
  auto out = std::make_shared<SupportVectors>();
  out->kernel = svm_kernel_of(c);
  if (out->kernel.kind != SvmKernel::rbf && out->kernel.kind != SvmKernel::linear) return std::nullopt;
  out->tiles = tiles_of(*points, *c.constants[1]);
  return out;
}

void kernel_matrix(KernelContext& c) {
  const auto& y = c.state<SupportVectors>();
  const std::vector<double> x = rows_of(c, y.tiles.features);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0)), count = y.tiles.count, stride = y.tiles.padded();
  const PairFunctions& f = pair_functions();
  dispatch(c, c.input(0).dtype(), Types<float, double>{}, [&]<class T>() {
    T* out = c.output(0, dtype_of<T>, {c.input(0).dim(0), static_cast<std::int64_t>(count)}).template mutable_data<T>().data();
    std::vector<double> lines(std::min(rows, kRows) * stride);
    for (std::size_t begin = 0; begin < rows; begin += kRows) {
      const std::size_t some = std::min(kRows, rows - begin);
      f.sums(y.kernel.kind == SvmKernel::rbf ? PairSum::squares : PairSum::products, x.data() + begin * y.tiles.features, some, y.tiles, lines.data(), stride);
      if (y.kernel.kind == SvmKernel::rbf) f.exponentials(-y.kernel.gamma, lines.data(), some * stride);
      for (std::size_t r = 0; r < some; ++r) std::copy_n(lines.data() + r * stride, count, out + (begin + r) * count);
    }
  });
}

// --- PairwiseDistance -------------------------------------------------------------------------------------------------------------------

struct Others {
  PairSum sum = PairSum::squares;
  bool root = false, expanded = false;
  TargetTiles tiles;
  std::vector<double> norms;  // |y|^2, where expanded; as many as padded()
};

std::optional<State> prepare_pairwise(const PrepareContext& c) {
  if (c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64 || c.inputs[1]->dtype != DType::float64) return std::nullopt;
  const auto points = constant_points(c);
  const Measure measure = measure_of(c);
  const bool squared = measure.metric == Metric::sqeuclidean || measure.metric == Metric::euclidean;
  if (!points || c.constants[1]->size() == 0 || (!squared && measure.metric != Metric::manhattan)) return std::nullopt;
  auto out = std::make_shared<Others>();
  out->root = measure.metric == Metric::euclidean;
  out->expanded = squared && measure.expanded;
  out->sum = !squared ? PairSum::absolutes : out->expanded ? PairSum::products : PairSum::squares;
  out->tiles = tiles_of(*points, *c.constants[1]);
  out->norms.assign(out->expanded ? out->tiles.padded() : 0, 0.0);
  for (std::size_t m = 0; out->expanded && m < out->tiles.count; ++m) {
    for (std::size_t d = 0; d < out->tiles.features; ++d) out->norms[m] += (*points)[m * out->tiles.features + d] * (*points)[m * out->tiles.features + d];
  }
  return out;
}

void pairwise(KernelContext& c) {
  const auto& y = c.state<Others>();
  const std::size_t features = y.tiles.features, count = y.tiles.count, stride = y.tiles.padded();
  const std::vector<double> x = rows_of(c, features);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0));
  const PairFunctions& f = pair_functions();
  double* out = c.output(0, DType::float64, {c.input(0).dim(0), static_cast<std::int64_t>(count)}).mutable_data<double>().data();
  std::vector<double> lines(std::min(rows, kRows) * stride);
  for (std::size_t begin = 0; begin < rows; begin += kRows) {
    const std::size_t some = std::min(kRows, rows - begin);
    f.sums(y.sum, x.data() + begin * features, some, y.tiles, lines.data(), stride);
    for (std::size_t r = 0; r < some; ++r) {
      const double *row = x.data() + (begin + r) * features, *line = lines.data() + r * stride;
      double* to = out + (begin + r) * count;
      if (y.expanded) {
        double norm = 0;
        for (std::size_t d = 0; d < features; ++d) norm += row[d] * row[d];
        lanes_expanded(line, y.norms.data(), norm, to, count);
      } else {
        std::copy_n(line, count, to);
      }
      if (y.root) lanes1(Lane1::sqrt, to, to, count);
    }
  }
}

// --- KNeighbors -------------------------------------------------------------------------------------------------------------------------

struct Points {
  NearTiles tiles;
  std::vector<double> rows;
  bool root = false;
  std::shared_ptr<const NeighborTree> tree;
};

std::optional<State> prepare_k_neighbors(const PrepareContext& c) {
  auto points = constant_points(c);
  const Measure measure = measure_of(c);
  if (!points || measure.expanded || (measure.metric != Metric::euclidean && measure.metric != Metric::sqeuclidean)) return std::nullopt;
  auto out = std::make_shared<Points>();
  out->tiles = NearTiles(points->data(), static_cast<std::size_t>(c.constants[1]->dim(0)), static_cast<std::size_t>(c.constants[1]->dim(1)));
  out->rows = std::move(*points);
  out->root = measure.metric == Metric::euclidean;
  out->tree = NeighborTree::of(c, c.constants[1]->dim(0), c.constants[1]->dim(1));
  return out;
}

double exact(const double* x, const double* y, std::size_t features) {
  double sum = 0;
  for (std::size_t d = 0; d < features; ++d) sum += (x[d] - y[d]) * (x[d] - y[d]);
  return sum;
}

// The nearest of row x as a tree's query meets them.
void by_tree(const Points& y, const double* x, std::size_t features, std::size_t k, std::vector<Near>& heap) {
  heap.assign(k, {std::numeric_limits<double>::infinity(), 0});
  const NeighborTree& tree = *y.tree;
  const auto lower = [&](std::size_t node) {
    if (!tree.is_ball()) return tree.box_distance(node, x, 2);
    const double gap = std::fmax(0.0, std::sqrt(exact(x, tree.centers().data() + node * features, features)) - tree.radius(node));
    return gap * gap;
  };
  tree.visit(lower, [&] { return heap[0].distance; },
             [&](std::int64_t m) { keep_nearest(heap, {exact(x, y.rows.data() + static_cast<std::size_t>(m) * features, features), m}); });
}

// What float32 can be wrong by in |y|^2 - 2xy: 2 (D + 2) u sum|x y| for the products, their sum and the rounding of x and y, and a few u of
// what is added at the end, with u = 2^-24; sum|x y| is at most (|x|^2 + |y|^2) / 2. This takes twice that.
double error_bound(std::size_t features, double norms) { return (static_cast<double>(features) + 8) * 0x1p-23 * norms; }

/// At least `wanted` of the numbers of a line are at most this: the line is cut into groups, several for each wanted one, and of their
/// smallest numbers the wanted-th is taken. A little more than the wanted-th number itself, and found without looking at each in turn.
float bound_of(const float* line, std::size_t stride, std::size_t wanted, std::vector<float>& least) {
  constexpr std::size_t kLanes = NearTiles::kWidth;
  const std::size_t vectors = stride / kLanes, chunks = std::min(vectors, (4 * wanted + kLanes - 1) / kLanes);
  least.assign(chunks * kLanes, std::numeric_limits<float>::infinity());
  if (wanted > least.size()) return std::numeric_limits<float>::infinity();
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    float* to = least.data() + chunk * kLanes;
    for (std::size_t v = vectors * chunk / chunks; v < vectors * (chunk + 1) / chunks; ++v) {
      for (std::size_t l = 0; l < kLanes; ++l) to[l] = line[v * kLanes + l] < to[l] ? line[v * kLanes + l] : to[l];
    }
  }
  const auto at = least.begin() + static_cast<std::ptrdiff_t>(wanted) - 1;
  std::ranges::nth_element(least, at);
  return *at;
}

void k_neighbors(KernelContext& c) {
  const auto& y = c.state<Points>();
  const std::size_t features = y.tiles.features, count = y.tiles.count, stride = y.tiles.padded();
  const std::vector<double> x = rows_of(c, features);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0));
  const std::int64_t k = c.integer("k");
  if (k < 1 || k > static_cast<std::int64_t>(count)) c.fail(Code::corrupt, format("the {} nearest of {} points", k, count));
  double* distances = c.output(0, DType::float64, {c.input(0).dim(0), k}).mutable_data<double>().data();
  Tensor where(DType::int64, {c.input(0).dim(0), k});
  std::int64_t* indices = where.mutable_data<std::int64_t>().data();
  const PairFunctions& f = pair_functions();
  const std::size_t wanted = static_cast<std::size_t>(k), kept = wanted < count ? wanted + 1 : wanted;  // one more shows a tie
  std::vector<Near> heap;
  std::vector<float> least, narrow(std::min(rows, kRows) * features), near(std::min(rows, kRows) * stride);
  for (std::size_t begin = 0; begin < rows; begin += kRows) {
    const std::size_t some = std::min(kRows, rows - begin);
    for (std::size_t i = 0; i < some * features; ++i) narrow[i] = static_cast<float>(x[begin * features + i]);
    f.near(narrow.data(), some, y.tiles, near.data());
    for (std::size_t r = 0; r < some; ++r) {
      const double* row = x.data() + (begin + r) * features;
      double norm = 0;
      for (std::size_t d = 0; d < features; ++d) norm += row[d] * row[d];
      const double error = error_bound(features, norm + y.tiles.largest) + 1e-30;  // what float32 loses near 0
      const bool narrow_enough = norm + y.tiles.largest < 1e37;                    // else too big for float32, or not a number
      const float* line = near.data() + r * stride;
      const auto at_most = [](double v) { return v < 1e38 ? std::nextafter(static_cast<float>(v), std::numeric_limits<float>::infinity()) : std::numeric_limits<float>::max(); };
      const auto search = [&](std::size_t size, float limit) {
        heap.assign(size, {std::numeric_limits<double>::max(), 0});
        for (std::size_t m0 = 0; m0 < stride; m0 += NearTiles::kWidth) {
          int any = 0;
          for (std::size_t l = 0; l < NearTiles::kWidth; ++l) any |= line[m0 + l] <= limit;
          if (any == 0) continue;
          for (std::size_t m = m0; m < m0 + NearTiles::kWidth; ++m) {
            if (!(line[m] <= limit)) continue;
            keep_nearest(heap, {exact(row, y.rows.data() + m * features, features), static_cast<std::int64_t>(m)});
            if (heap[0].distance - norm + error < static_cast<double>(limit)) limit = at_most(heap[0].distance - norm + error);
          }
        }
        sort_nearest(heap.data(), static_cast<std::int64_t>(size));
      };
      if (!narrow_enough) {
        heap.assign(kept, {std::numeric_limits<double>::max(), 0});
        for (std::size_t m = 0; m < count; ++m) keep_nearest(heap, {exact(row, y.rows.data() + m * features, features), static_cast<std::int64_t>(m)});
        sort_nearest(heap.data(), static_cast<std::int64_t>(kept));
      } else {
        // The kept-th distance is at most |x|^2 + bound + error, and what is that near measures at most bound + 2 error.
        search(kept, at_most(static_cast<double>(bound_of(line, stride, kept, least)) + 2 * error));
      }
      if (std::ranges::adjacent_find(heap, {}, &Near::distance) != heap.end()) {
        if (y.tree != nullptr) {
          by_tree(y, row, features, wanted, heap);
          sort_nearest(heap.data(), k);
        } else if (narrow_enough) {  // which of equals stay depends on all that went through the heap
          search(wanted, std::numeric_limits<float>::max());
        } else {
          heap.assign(wanted, {std::numeric_limits<double>::max(), 0});
          for (std::size_t m = 0; m < count; ++m) keep_nearest(heap, {exact(row, y.rows.data() + m * features, features), static_cast<std::int64_t>(m)});
          sort_nearest(heap.data(), k);
        }
      }
      const std::size_t to = (begin + r) * wanted;
      for (std::size_t i = 0; i < wanted; ++i) {
        distances[to + i] = y.root ? std::sqrt(heap[i].distance) : heap[i].distance;
        indices[to + i] = heap[i].index;
      }
    }
  }
  if (c.wants_output(1)) c.set_output(1, std::move(where));
}

constexpr FastKernel kKernels[] = {{"decant", "KernelMatrix", prepare_kernel_matrix, kernel_matrix}, {"decant", "KNeighbors", prepare_k_neighbors, k_neighbors},
                                   {"decant", "PairwiseDistance", prepare_pairwise, pairwise}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> distance_kernels() { return kKernels; }

}  // namespace decant
