// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/neighbors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/text.h"

namespace decant::sklearn {
namespace {

constexpr std::string_view kPlain[] = {"sqeuclidean", "cosine", "hamming", "canberra", "braycurtis", "jaccard", "dice", "rogerstanimoto",
                                       "russellrao", "sokalmichener", "sokalsneath", "nan_euclidean"};

/// L with L Lᵀ = `a`, [n, n].
Tensor cholesky(const Object& self, const Tensor& a) {
  const std::size_t n = a.rank() == 2 ? static_cast<std::size_t>(a.dim(0)) : 0;
  if (n == 0 || a.size() != n * n) self.fail(Code::corrupt, format("VI has shape {}", text_of(a.shape())));
  Tensor out(DType::float64, a.shape());
  const std::span<double> l = out.mutable_data<double>();
  std::ranges::fill(l, 0.0);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a.number(i * n + j);
      for (std::size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      if (i == j && !(sum > 0)) unsupported(self, "metric=mahalanobis with a matrix that is not positive definite");
      l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
    }
  }
  return out;
}

}  // namespace

std::vector<Object> tree_state(const Object& tree) {
  const auto* extra = tree.node().extra;
  if (extra == nullptr || extra->states.empty() || extra->states.back()->items.size() < 12) tree.fail(Code::corrupt, "a tree without its state");
  return Object(tree.tree(), extra->states.back()).elements();
}

namespace {

/// The tree of self (BinaryTree.__getstate__ in sklearn/neighbors/_binary_tree.pxi.tp) as attributes of decant.KNeighbors.
void add_tree(const Object& self, Attributes& attributes) {
  const Object tree = self["_tree"];
  const std::vector<Object> parts = tree_state(tree);
  const auto nodes = parts[2].array();
  if (!nodes || nodes->shape.size() != 1 || sat_mul(static_cast<std::uint64_t>(nodes->shape[0]), nodes->type.itemsize) != nodes->data.size()) tree.fail(Code::corrupt, "a tree without its nodes");
  const auto count = static_cast<std::size_t>(nodes->shape[0]);
  const auto field = [&]<class T>(std::string_view name, std::size_t i, T& out) {
    for (const auto& f : nodes->type.fields) {
      if (f.name != name || f.type.itemsize != sizeof(T) || f.type.big_endian || f.offset + sizeof(T) > nodes->type.itemsize) continue;
      std::memcpy(&out, nodes->data.bytes.data() + i * nodes->type.itemsize + f.offset, sizeof(T));
      return;
    }
    tree.fail(Code::corrupt, format("a tree node lacks its {}", name));
  };
  Tensor ranges(DType::int64, {nodes->shape[0], 3}), radii(DType::float64, {nodes->shape[0]});
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t* r = ranges.mutable_data<std::int64_t>().data() + 3 * i;
    field("idx_start", i, r[0]);
    field("idx_end", i, r[1]);
    field("is_leaf", i, r[2]);
    field("radius", i, radii.mutable_data<double>()[i]);
  }
  const bool ball = tree.name().starts_with("BallTree");
  attributes["tree"] = std::string(ball ? "ball" : "kd");
  attributes["order"] = Tensor::vector(parts[1].integers());
  attributes["ranges"] = ranges;
  attributes["bounds"] = parts[3].doubles();
  if (ball) attributes["radii"] = radii;
}

}  // namespace

Metric::Metric(const Object& self, std::string_view name, const Object& parameters) : name_(name) {
  if (parameters.is_dict() && parameters.has("w") && !parameters["w"].is_none()) unsupported(self, "a weighted metric");
  if (name == "euclidean" || name == "l2") {
    name_ = "euclidean";
  } else if (name == "manhattan" || name == "l1" || name == "cityblock") {
    name_ = "manhattan";
    p_ = 1;
  } else if (name == "chebyshev" || name == "infinity") {
    name_ = "chebyshev";
    p_ = std::numeric_limits<double>::infinity();
  } else if (name == "minkowski" || name == "p") {
    name_ = "minkowski";
    p_ = parameters.is_dict() ? parameters.real("p", 2) : 2;
    if (!(p_ > 0)) self.fail(Code::corrupt, format("p = {}", p_));
    if (p_ == 1) name_ = "manhattan";
    if (p_ == 2) name_ = "euclidean";
    if (std::isinf(p_)) name_ = "chebyshev";
  } else if (name == "seuclidean") {  // (x - y)² / V
    std::vector<double> scale = parameters.is_dict() ? parameters["V"].list() : std::vector<double>{};
    if (scale.empty()) unsupported(self, "metric=seuclidean without V");
    for (double& v : scale) v = std::sqrt(v);
    name_ = "euclidean";
    mapping_ = [scale](Expr rows) { return rows / rows.row(scale); };
  } else if (name == "mahalanobis") {  // (x - y) VI (x - y)ᵀ, VI = L Lᵀ
    if (!parameters.is_dict() || !parameters.set("VI")) unsupported(self, "metric=mahalanobis without VI");
    const Tensor root = cholesky(self, parameters["VI"].doubles());
    name_ = "euclidean";
    mapping_ = [root](Expr rows) { return matmul(rows, rows.constant(root)); };
  } else if (name == "correlation") {
    name_ = "cosine";
    mapping_ = [](Expr rows) { return rows - reduce_mean(rows, 1, true); };
  } else if (name != "precomputed" && std::ranges::find(kPlain, name) == std::end(kPlain)) {
    unsupported(self, format("metric={}", name));
  }
}

Metric Metric::of(const Object& self) {
  const Object metric = self["effective_metric_"];
  if (!metric.is_text()) unsupported(self, "its metric is a function or an object, which decant does not run");
  const auto parameters = self.find("effective_metric_params_");
  return {self, metric.text(), parameters ? *parameters : Object()};
}

Expr pairwise_distance(const Metric& metric, Expr x, Expr y) {
  return apply("decant", "PairwiseDistance", {metric.map(x), metric.map(y)}, metric.attributes());
}

Tensor fitted_rows(const Object& self) {
  const Tensor rows = self["_fit_X"].doubles();
  if (rows.rank() != 2) self.fail(Code::corrupt, format("_fit_X has shape {}", text_of(rows.shape())));
  return rows;
}

Neighbors nearest(Context& context, const Object& self, Expr x, std::int64_t k) {
  const Metric metric = Metric::of(self);
  const std::int64_t rows = self["_fit_X"].doubles().dim(0);
  if (k < 1 || k > rows) self.fail(Code::corrupt, format("{} neighbours of {} rows", k, rows));
  if (metric.is_precomputed()) {
    const auto out = x.builder().node("", "TopK", {x.id(), x.integers({k}).id()}, {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}, {"sorted", std::int64_t{1}}}, 2);
    return {Expr(x.builder(), out[0]), Expr(x.builder(), out[1])};
  }
  Attributes attributes = metric.attributes();
  attributes["k"] = k;
  if (self.set("_tree") && !metric.is_mapped()) add_tree(self, attributes);
  const auto out = x.builder().node("decant", "KNeighbors", {metric.map(x).id(), metric.map(context.constant(fitted_rows(self))).id()}, attributes, 2);
  return {Expr(x.builder(), out[0]), Expr(x.builder(), out[1])};
}

Within within_radius(Context& context, const Object& self, Expr x) {
  const Metric metric = Metric::of(self);
  const double radius = self["radius"].real();
  if (metric.is_precomputed()) return {x, less_equal(x, x.scalar(radius))};
  const Expr y = context.constant(fitted_rows(self));
  if (metric.name() == "euclidean") {  // compared before the root is taken
    const Expr squares = apply("decant", "PairwiseDistance", {metric.map(x), metric.map(y)}, {{"metric", "sqeuclidean"}});
    return {sqrt(squares), less_equal(squares, squares.scalar(radius * radius))};
  }
  const Expr distances = pairwise_distance(metric, x, y);
  return {distances, less_equal(distances, distances.scalar(radius))};
}

}  // namespace decant::sklearn
