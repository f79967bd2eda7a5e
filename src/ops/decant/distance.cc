// SPDX-License-Identifier: Apache-2.0
// decant.PairwiseDistance and decant.KNeighbors: distances as scikit-learn's DistanceMetric defines them (sklearn/metrics/
// _dist_metrics.pyx.tp, 1.9), summed over the features in order, and the k nearest as its heap finds them (sklearn/utils/_heap.pyx: it takes
// only strictly smaller values) and its quicksort orders them (sklearn/utils/_sorting.pyx, 1.1 to 1.7). Distances are the same to the last
// bit, but for expanded and cosine ones. Among points at exactly the same distance the order, and at the k-th place the choice, is theirs
// where the node carries the tree; without it can be another: the brute force merges heaps, metrics of truth values use numpy.argpartition.
//
// Attribute metric: euclidean sqeuclidean manhattan chebyshev minkowski (with p) cosine hamming canberra braycurtis jaccard dice
// rogerstanimoto russellrao sokalmichener sokalsneath nan_euclidean. `expanded` = 1 with euclidean and sqeuclidean: |x|^2 - 2xy + |y|^2,
// never below 0, as scikit-learn's matrix products give it; its rounding depends on their library, so only its character is the same.
// KNeighbors may carry the k-d or ball tree of the points (ops/neighbor_tree.h), which decides among equal distances.
#include "ops/decant/distance.h"

#include <algorithm>
#include <cmath>

#include "ops/expr.h"
#include "ops/kernel.h"
#include "ops/neighbor_tree.h"

namespace decant {

Measure measure_of(const AttributeView& c) {
  static constexpr std::pair<std::string_view, Metric> kNames[] = {
      {"euclidean", Metric::euclidean},       {"l2", Metric::euclidean},
      {"sqeuclidean", Metric::sqeuclidean},   {"manhattan", Metric::manhattan},
      {"cityblock", Metric::manhattan},       {"l1", Metric::manhattan},
      {"chebyshev", Metric::chebyshev},       {"infinity", Metric::chebyshev},
      {"minkowski", Metric::minkowski},       {"p", Metric::minkowski},
      {"cosine", Metric::cosine},             {"hamming", Metric::hamming},
      {"canberra", Metric::canberra},         {"braycurtis", Metric::braycurtis},
      {"jaccard", Metric::jaccard},           {"dice", Metric::dice},
      {"rogerstanimoto", Metric::rogerstanimoto}, {"russellrao", Metric::russellrao},
      {"sokalmichener", Metric::sokalmichener},   {"sokalsneath", Metric::sokalsneath},
      {"nan_euclidean", Metric::nan_euclidean}};
  const std::string_view name = c.text("metric", "euclidean");
  const auto* at = std::ranges::find(kNames, name, [](const auto& entry) { return entry.first; });
  if (at == std::end(kNames)) c.fail(Code::unsupported, format("metric {}", name));
  Measure out{at->second, c.real("p", 2.0), c.integer("expanded", 0) != 0};
  if (out.metric == Metric::minkowski) {
    if (!(out.p > 0)) c.fail(Code::corrupt, format("p = {}", out.p));
    if (out.p == 1) out.metric = Metric::manhattan;
    if (out.p == 2) out.metric = Metric::euclidean;
    if (std::isinf(out.p)) out.metric = Metric::chebyshev;
  }
  return out;
}

namespace {

// The points to measure to, by features: [D, M], so that the inner loop runs over points and each sum is still in feature order.
struct Targets {
  std::int64_t count = 0, features = 0;
  std::vector<double> by_feature;
  std::vector<double> norms;  // |y|^2, where expanded
};

std::vector<double> doubles_of(const AttributeView& c, const Tensor& t) {
  if (t.rank() != 2) c.fail(Code::mismatch, format("an input has shape {}, a matrix is needed", text_of(t.shape())));
  if (t.dtype() == DType::float64) return {t.data<double>().begin(), t.data<double>().end()};
  if (t.dtype() == DType::float32) return {t.data<float>().begin(), t.data<float>().end()};
  c.fail(Code::unsupported, format("points of {}", name_of(t.dtype())));
}

// sklearn.preprocessing.normalize: a row of zeros stays one.
void normalise(std::vector<double>& rows, std::int64_t features) {
  for (std::size_t r = 0; features > 0 && r < rows.size(); r += static_cast<std::size_t>(features)) {
    double sum = 0;
    for (std::int64_t d = 0; d < features; ++d) sum += rows[r + d] * rows[r + d];
    const double norm = sum == 0 ? 1.0 : std::sqrt(sum);
    for (std::int64_t d = 0; d < features; ++d) rows[r + d] /= norm;
  }
}

Targets targets_of(const AttributeView& c, const Tensor& y, const Measure& measure) {
  std::vector<double> rows = doubles_of(c, y);
  Targets out{y.dim(0), y.dim(1), {}, {}};
  if (measure.metric == Metric::cosine) normalise(rows, out.features);
  out.by_feature.resize(rows.size());
  for (std::int64_t m = 0; m < out.count; ++m) {
    for (std::int64_t d = 0; d < out.features; ++d) out.by_feature[d * out.count + m] = rows[m * out.features + d];
  }
  if (measure.expanded) {
    out.norms.assign(static_cast<std::size_t>(out.count), 0.0);
    for (std::int64_t d = 0; d < out.features; ++d) {
      for (std::int64_t m = 0; m < out.count; ++m) out.norms[m] += out.by_feature[d * out.count + m] * out.by_feature[d * out.count + m];
    }
  }
  return out;
}

struct Scratch {
  std::vector<double> a, b;
};

// The reduced distance: what orders points as the distance does, before a root is taken.
void reduced(const Measure& measure, const Targets& y, const double* x, double* out, Scratch& scratch) {
  const std::int64_t count = y.count, features = y.features;
  std::fill_n(out, count, 0.0);
  const auto each = [&](auto f) {
    for (std::int64_t d = 0; d < features; ++d) {
      const double v = x[d];
      const double* row = y.by_feature.data() + d * count;
      for (std::int64_t m = 0; m < count; ++m) f(v, row[m], m);
    }
  };
  const auto zeroed = [&](std::vector<double>& v) {
    v.assign(static_cast<std::size_t>(count), 0.0);
    return v.data();
  };
  switch (measure.metric) {
    case Metric::euclidean: case Metric::sqeuclidean:
      if (measure.expanded) {
        double norm = 0;
        for (std::int64_t d = 0; d < features; ++d) norm += x[d] * x[d];
        each([&](double a, double b, std::int64_t m) { out[m] += a * b; });
        for (std::int64_t m = 0; m < count; ++m) out[m] = std::max(0.0, norm + -2 * out[m] + y.norms[m]);
      } else {
        each([&](double a, double b, std::int64_t m) { out[m] += (a - b) * (a - b); });
      }
      break;
    case Metric::manhattan: each([&](double a, double b, std::int64_t m) { out[m] += std::fabs(a - b); }); break;
    case Metric::chebyshev: each([&](double a, double b, std::int64_t m) { out[m] = std::max(out[m], std::fabs(a - b)); }); break;
    case Metric::minkowski: each([&](double a, double b, std::int64_t m) { out[m] += std::pow(std::fabs(a - b), measure.p); }); break;
    case Metric::cosine:
      each([&](double a, double b, std::int64_t m) { out[m] += a * b; });
      for (std::int64_t m = 0; m < count; ++m) out[m] = std::clamp(1 - out[m], 0.0, 2.0);
      break;
    case Metric::hamming:
      each([&](double a, double b, std::int64_t m) { out[m] += a != b; });
      for (std::int64_t m = 0; m < count; ++m) out[m] /= static_cast<double>(features);
      break;
    case Metric::canberra:
      each([&](double a, double b, std::int64_t m) {
        const double size = std::fabs(a) + std::fabs(b);
        if (size > 0) out[m] += std::fabs(a - b) / size;
      });
      break;
    case Metric::braycurtis: {
      double* size = zeroed(scratch.a);
      each([&](double a, double b, std::int64_t m) {
        out[m] += std::fabs(a - b);
        size[m] += std::fabs(a) + std::fabs(b);
      });
      for (std::int64_t m = 0; m < count; ++m) out[m] = size[m] > 0 ? out[m] / size[m] : 0.0;
      break;
    }
    case Metric::nan_euclidean: {
      double* present = zeroed(scratch.a);
      each([&](double a, double b, std::int64_t m) {
        if (a == a && b == b) out[m] += (a - b) * (a - b), present[m] += 1;
      });
      const auto all = static_cast<double>(features);
      for (std::int64_t m = 0; m < count; ++m) out[m] = present[m] > 0 ? out[m] / present[m] * all : std::numeric_limits<double>::quiet_NaN();
      break;
    }
    default: {  // of truth values
      double *differ = zeroed(scratch.a), *same = zeroed(scratch.b);
      each([&](double a, double b, std::int64_t m) {
        differ[m] += (a != 0) != (b != 0);
        same[m] += a != 0 && b != 0;
      });
      const auto all = static_cast<double>(features);
      for (std::int64_t m = 0; m < count; ++m) {
        const double n = differ[m], t = same[m];
        switch (measure.metric) {
          case Metric::jaccard: out[m] = n + t == 0 ? 0 : n / (n + t); break;
          case Metric::dice: out[m] = n / (2 * t + n); break;
          case Metric::russellrao: out[m] = (all - t) / all; break;
          case Metric::sokalsneath: out[m] = n / (n + 0.5 * t); break;
          default: out[m] = 2 * n / (all + n); break;  // rogerstanimoto, sokalmichener
        }
      }
    }
  }
}

double finished(const Measure& measure, double r) {
  switch (measure.metric) {
    case Metric::euclidean: case Metric::nan_euclidean: return std::sqrt(r);
    case Metric::minkowski: return std::pow(r, 1 / measure.p);
    default: return r;
  }
}

struct Prepared {
  Measure measure;
  std::optional<Targets> targets;  // where Y is constant
  std::shared_ptr<const NeighborTree> tree;  // where the points were met in the order of a tree
  Targets centers;                           // of its balls
};

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Prepared>();
  out->measure = measure_of(c);
  if (c.constants.size() > 1 && c.constants[1] != nullptr) out->targets = targets_of(c, *c.constants[1], out->measure);
  if (!out->targets) return out;
  out->tree = NeighborTree::of(c, out->targets->count, out->targets->features);
  if (out->tree != nullptr && out->tree->is_ball()) {
    const Shape shape{static_cast<std::int64_t>(out->tree->nodes()), out->targets->features};
    out->centers = targets_of(c, Tensor::of<double>(shape, out->tree->centers()), out->measure);
  }
  return out;
}

// The inverse of finished().
double unfinished(const Measure& measure, double distance) {
  switch (measure.metric) {
    case Metric::euclidean: case Metric::nan_euclidean: return distance * distance;
    case Metric::minkowski: return std::pow(distance, measure.p);
    default: return distance;
  }
}

// row(r, reduced distances of row r to every target, row r)
template <class F>
void each_row(KernelContext& c, F&& row) {
  const auto& p = c.state<Prepared>();
  want_same(c, 0, 1);
  std::optional<Targets> own;
  if (!p.targets) own = targets_of(c, c.input(1), p.measure);
  const Targets& y = p.targets ? *p.targets : *own;
  std::vector<double> x = doubles_of(c, c.input(0));
  if (c.input(0).dim(1) != y.features) c.fail(Code::mismatch, format("points of {} and of {} features", c.input(0).dim(1), y.features));
  if (p.measure.metric == Metric::cosine) normalise(x, y.features);
  std::vector<double> line(static_cast<std::size_t>(y.count));
  Scratch scratch;
  for (std::int64_t r = 0; r < c.input(0).dim(0); ++r) {
    reduced(p.measure, y, x.data() + r * y.features, line.data(), scratch);
    row(r, line, x.data() + r * y.features);
  }
}

void pairwise_distance(KernelContext& c) {
  const Measure& measure = c.state<Prepared>().measure;
  if (c.input(0).rank() != 2 || c.input(1).rank() != 2) c.fail(Code::mismatch, "the inputs are no matrices");
  const std::int64_t rows = c.input(0).dim(0), count = c.input(1).dim(0);
  const DType dtype = c.input(0).dtype();
  dispatch(c, dtype, Types<float, double>{}, [&]<class T>() {
    T* out = c.output(0, dtype, {rows, count}).template mutable_data<T>().data();
    each_row(c, [&](std::int64_t r, const std::vector<double>& line, const double*) {
      for (std::int64_t m = 0; m < count; ++m) out[r * count + m] = static_cast<T>(finished(measure, line[static_cast<std::size_t>(m)]));
    });
  });
}

// --- the k nearest ----------------------------------------------------------------------------------------------------------------------

}  // namespace

// A max-heap of fixed size: a value enters only when it is smaller than the largest, and sinks to the larger child (the left of equals).
void keep_nearest(std::vector<Near>& heap, Near item) {
  if (item.distance >= heap[0].distance) return;  // NaN enters
  std::size_t at = 0;
  for (;;) {
    const std::size_t left = 2 * at + 1, right = left + 1;
    if (left >= heap.size()) break;
    const std::size_t larger = right < heap.size() && !(heap[left].distance >= heap[right].distance) ? right : left;
    if (!(item.distance < heap[larger].distance)) break;
    heap[at] = heap[larger];
    at = larger;
  }
  heap[at] = item;
}

// Quicksort around the median of the first, the middle and the last, as scikit-learn orders the heap (sklearn/utils/_sorting.pyx):
// not stable, and equal distances must come out in the very same order.
void sort_nearest(Near* a, std::int64_t n) {
  const auto order = [&](std::int64_t i, std::int64_t j) {
    const bool swapped = a[i].distance > a[j].distance;
    if (swapped) std::swap(a[i], a[j]);
    return swapped;
  };
  while (n > 3) {
    const std::int64_t middle = n / 2, last = n - 1;
    order(0, last);
    if (order(last, middle)) order(0, last);
    const double pivot = a[last].distance;
    std::int64_t store = 0;
    for (std::int64_t i = 0; i < last; ++i) {
      if (a[i].distance < pivot) std::swap(a[i], a[store++]);
    }
    std::swap(a[store], a[last]);
    // The smaller side by recursion, the larger by the loop: the depth stays logarithmic whatever the distances are.
    const std::int64_t right = n - store - 1;
    if (store < right) {
      sort_nearest(a, store);
      a += store + 1;
      n = right;
    } else {
      sort_nearest(a + store + 1, right);
      n = store;
    }
  }
  if (n == 2) order(0, 1);
  if (n == 3) {
    order(0, 1);
    if (order(1, 2)) order(0, 1);
  }
}

namespace {

// The neighbours of x in the order in which a tree's query meets them.
void query(const Prepared& p, const double* x, const std::vector<double>& line, std::vector<Near>& heap) {
  const NeighborTree& tree = *p.tree;
  const auto largest = [&] { return heap[0].distance; };
  const auto meet = [&](std::int64_t m) { keep_nearest(heap, {line[static_cast<std::size_t>(m)], m}); };
  if (!tree.is_ball()) {
    const double power = p.measure.metric == Metric::chebyshev ? std::numeric_limits<double>::infinity() : p.measure.metric == Metric::manhattan ? 1 : p.measure.p;
    tree.visit([&](std::size_t node) { return tree.box_distance(node, x, power); }, largest, meet);
    return;
  }
  std::vector<double> to_center(tree.nodes());
  Scratch scratch;
  reduced(p.measure, p.centers, x, to_center.data(), scratch);
  tree.visit([&](std::size_t node) { return unfinished(p.measure, std::fmax(0.0, finished(p.measure, to_center[node]) - tree.radius(node))); }, largest, meet);
}

void k_neighbors(KernelContext& c) {
  const NeighborTree* tree = c.state<Prepared>().tree.get();
  const Measure& measure = c.state<Prepared>().measure;
  if (c.input(0).rank() != 2 || c.input(1).rank() != 2) c.fail(Code::mismatch, "the inputs are no matrices");
  const std::int64_t rows = c.input(0).dim(0), count = c.input(1).dim(0), k = c.integer("k");
  if (k < 1 || k > count) c.fail(Code::corrupt, format("the {} nearest of {} points", k, count));
  double* distances = c.output(0, DType::float64, {rows, k}).mutable_data<double>().data();
  Tensor where(DType::int64, {rows, k});
  std::int64_t* indices = where.mutable_data<std::int64_t>().data();
  std::vector<Near> heap;
  each_row(c, [&](std::int64_t r, const std::vector<double>& line, const double* x) {
    heap.assign(static_cast<std::size_t>(k), {tree != nullptr ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::max(), 0});
    if (tree != nullptr) query(c.state<Prepared>(), x, line, heap);
    else for (std::int64_t m = 0; m < count; ++m) keep_nearest(heap, {line[static_cast<std::size_t>(m)], m});
    sort_nearest(heap.data(), k);
    for (std::int64_t i = 0; i < k; ++i) {
      distances[r * k + i] = finished(measure, heap[static_cast<std::size_t>(i)].distance);
      indices[r * k + i] = heap[static_cast<std::size_t>(i)].index;
    }
  });
  if (c.wants_output(1)) c.set_output(1, std::move(where));
}

Dim rows_of(const InferContext& c, std::size_t input) {
  const Type& t = c.input(input);
  if (t.has_rank && t.shape.size() != 2) c.fail(Code::mismatch, format("input {} is {}, a matrix is needed", input, t.text()));
  return t.has_rank ? t.shape[0] : Dim{};
}
void infer_pairwise(InferContext& c) { c.outputs[0] = Type::tensor(c.input(0).dtype, {rows_of(c, 0), rows_of(c, 1)}); }
void infer_k_neighbors(InferContext& c) {
  const Dim rows = rows_of(c, 0);
  c.outputs[0] = Type::tensor(DType::float64, {rows, dim(c.integer("k"))});
  if (c.outputs.size() > 1) c.outputs[1] = Type::tensor(DType::int64, {rows, dim(c.integer("k"))});
}

// --- in standard ONNX -------------------------------------------------------------------------------------------------------------------
// One row of X at a time (Scan), so that [M, D] is the largest thing that is ever made.

Expr normalised(Expr rows) {
  Expr norm = sqrt(reduce_sum(rows * rows, 1, true));
  return rows / where(equal(norm, norm.scalar(0)), norm.scalar(1), norm);
}

// Distances of the point x [D] to each row of y [M, D].
Expr row_distances(const Measure& measure, Expr x, Expr y) {
  const auto sum = [](Expr e) { return reduce_sum(e, 1); };
  const auto number = [&](Expr truth) { return cast(truth, y.dtype()); };
  const double all = static_cast<double>(y.dim(1));
  const auto difference = [&] { return y - x; };
  switch (measure.metric) {
    case Metric::euclidean: {
      Expr d = difference();
      return sqrt(sum(d * d));
    }
    case Metric::sqeuclidean: {
      Expr d = difference();
      return sum(d * d);
    }
    case Metric::manhattan: return sum(abs(difference()));
    case Metric::chebyshev: return reduce_max(abs(difference()), 1);
    case Metric::minkowski: return pow(sum(pow(abs(difference()), measure.p)), 1 / measure.p);
    case Metric::cosine: return clip(1.0 - sum(y * x), 0, 2);  // both are normalised
    case Metric::hamming: return sum(number(logical_not(equal(y, x)))) / all;
    case Metric::canberra: {
      Expr size = abs(y) + abs(x), nothing = equal(size, size.scalar(0));
      return sum(abs(difference()) / where(nothing, size.scalar(1), size));
    }
    case Metric::braycurtis: {
      Expr size = sum(abs(y) + abs(x));
      return sum(abs(difference())) / where(equal(size, size.scalar(0)), size.scalar(1), size);
    }
    case Metric::nan_euclidean: {
      Expr d = difference(), missing = is_nan(d), present = sum(number(logical_not(missing)));
      d = where(missing, d.scalar(0), d);
      return sqrt(sum(d * d) / present * all);  // 0 / 0 is the NaN of no common feature
    }
    default: break;
  }
  Expr a = logical_not(equal(y, y.scalar(0))), b = logical_not(equal(x, x.scalar(0)));
  Expr differ = sum(number(apply("Xor", {a, b}))), same = sum(number(logical_and(a, b)));
  switch (measure.metric) {
    case Metric::jaccard: {
      Expr either = differ + same;
      return differ / where(equal(either, either.scalar(0)), either.scalar(1), either);
    }
    case Metric::dice: return differ / (same * 2.0 + differ);
    case Metric::russellrao: return (all - same) / all;
    case Metric::sokalsneath: return differ / (differ + same * 0.5);
    default: return (differ * 2.0) / (differ + all);
  }
}

ValueId lower_distances(Builder& b, const Node& node, ValueId x_id, ValueId y_id) {
  const Measure measure = measure_of(AttributeView(node));
  Expr x(b, x_id), y(b, y_id);
  if (y.dim(1) < 0) AttributeView(node).fail(Code::unsupported, "the number of features is not known");
  if (measure.metric == Metric::cosine) x = normalised(x), y = normalised(y);
  if (measure.expanded && (measure.metric == Metric::euclidean || measure.metric == Metric::sqeuclidean)) {
    Expr squares = reduce_sum(x * x, 1, true) - matmul(x, transpose(y)) * 2.0 + unsqueeze(reduce_sum(y * y, 1), 0);
    squares = maximum(squares, squares.scalar(0));
    return (measure.metric == Metric::euclidean ? sqrt(squares) : squares).id();
  }
  Builder body(b);
  Expr row(body, body.input("row", Type::tensor(x.dtype(), {dim(y.dim(1))})));
  Expr all(body, body.capture(y.id()));
  body.output(row_distances(measure, row, all).id(), "distances");
  auto graph = std::make_shared<const Graph>(body.finish("distances_of_a_row"));
  return b.node("", "Scan", {x.id()}, {{"body", GraphPtr(graph)}, {"num_scan_inputs", std::int64_t{1}}})[0];
}

std::vector<ValueId> lower_pairwise(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  return {lower_distances(b, node, inputs.at(0), inputs.at(1))};
}

std::vector<ValueId> lower_k_neighbors(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const AttributeView c(node);
  const Expr x = cast(Expr(b, inputs.at(0)), DType::float64), y = cast(Expr(b, inputs.at(1)), DType::float64);
  const Expr distances(b, lower_distances(b, node, x.id(), y.id()));
  std::vector<ValueId> out = b.node("", "TopK", {distances.id(), distances.integers({c.integer("k")}).id()},
                                    {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}, {"sorted", std::int64_t{1}}}, 2);
  out.resize(node.outputs.size());
  return out;
}

constexpr Op kOps[] = {
    {"decant", "PairwiseDistance", "X [N, D], Y [M, D] to distances [N, M]; metric, p, expanded: see src/ops/decant/distance.cc.", infer_pairwise, pairwise_distance,
     prepare, lower_pairwise},
    {"decant", "KNeighbors", "X [N, D], Y [M, D] to the distances float64 [N, k] and indices int64 [N, k] of the k nearest rows of Y, nearest first.", infer_k_neighbors,
     k_neighbors, prepare, lower_k_neighbors, "of points at exactly the same distance, another may be taken"},
};

}  // namespace

DECANT_AT_START std::span<const Op> distance_ops() { return kOps; }

}  // namespace decant
