// SPDX-License-Identifier: Apache-2.0
// Clusters that answer for new rows (sklearn/cluster/): those with centres, and Bisecting K-means, which descends a tree of them.
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

/// Nearest centre [N] as K-means decides it: |c|² - 2xc, without |x|² (_k_means_lloyd.pyx).
Expr nearest_center(Context& context, const Object& self, Expr rows, const Tensor& centers) {
  if (centers.rank() != 2 || centers.size() == 0 || (rows.dim(1) >= 0 && centers.dim(1) != rows.dim(1))) {
    self.fail(Code::corrupt, format("centres of shape {}, where {} columns come in", text_of(centers.shape()), rows.dim(1)));
  }
  if (!context.sparse_rows.contains(rows.id())) return apply("decant", "NearestCenter", {rows}, {{"centers", centers}});
  const auto width = static_cast<std::size_t>(centers.dim(1));
  std::vector<double> norms(static_cast<std::size_t>(centers.dim(0)), 0.0);
  Tensor scaled(DType::float64, centers.shape());  // by a power of two: no digit of the products changes
  for (std::size_t i = 0; i < centers.size(); ++i) {
    norms[i / width] += centers.number(i) * centers.number(i);
    scaled.mutable_data<double>()[i] = -2 * centers.number(i);
  }
  return argmin(linear(context, rows, scaled, Tensor::vector(norms), false), 1);
}

/// euclidean_distances: the root of |x|² - 2xc + |c|².
Expr distances(Context& context, Expr rows, const Tensor& centers) {
  return apply("decant", "PairwiseDistance", {rows, context.constant(centers)}, {{"metric", "euclidean"}, {"expanded", std::int64_t{1}}});
}

Expr int32(Expr labels) { return cast(labels, DType::int32); }

Result k_means(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor centers = self["cluster_centers_"].doubles();
  if (method == Method::transform) return distances(context, x.matrix(), centers);
  return int32(nearest_center(context, self, x.matrix(), centers));
}

/// One node of a _BisectingTree: its label where it is a leaf, else the label that the nearer child gives.
Expr descend(Context& context, const Object& self, const Object& node, const std::vector<double>& mean, Expr rows, std::int64_t& nodes_left) {
  if (nodes_left-- == 0) self.fail(Code::corrupt, "_bisecting_tree has more nodes than its clusters need");
  if (!node.set("left")) return context.constant(Tensor::vector<std::int32_t>({static_cast<std::int32_t>(node["label"].integer())}));
  const std::vector<double> left = node["left"]["center"].list(), right = node["right"]["center"].list();
  if (left.size() != right.size() || (!mean.empty() && mean.size() != left.size())) self.fail(Code::corrupt, "centres of different lengths");
  Tensor centers(DType::float64, {2, static_cast<std::int64_t>(left.size())});
  for (std::size_t i = 0; i < left.size(); ++i) {
    centers.mutable_data<double>()[i] = left[i] + (mean.empty() ? 0 : mean[i]);
    centers.mutable_data<double>()[left.size() + i] = right[i] + (mean.empty() ? 0 : mean[i]);
  }
  const Expr side = nearest_center(context, self, rows, centers);
  return where(equal(side, side.scalar(0)), descend(context, self, node["left"], mean, rows, nodes_left), descend(context, self, node["right"], mean, rows, nodes_left));
}

Result bisecting(Context& context, const Object& self, Method method, const Table& x) {
  const Expr rows = x.matrix();
  if (method == Method::transform) return distances(context, rows, self["cluster_centers_"].doubles());
  const Object root = self["_bisecting_tree"];
  if (!root.set("left")) return int32(nearest_center(context, self, rows, self["cluster_centers_"].doubles()));  // one cluster
  std::int64_t nodes = 2 * self["cluster_centers_"].doubles().dim(0) - 1;
  if (nodes > 2000) unsupported(self, "more than 1000 clusters");
  return descend(context, self, root, self.set("_X_mean") ? self["_X_mean"].list() : std::vector<double>{}, rows, nodes);
}

/// MeanShift and AffinityPropagation: the index of the nearest centre.
Result nearest_cluster(Context& context, const Object& self, Method, const Table& x) {
  return nearest_center(context, self, x.matrix(), self["cluster_centers_"].doubles());
}

Result birch(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor centers = self["subcluster_centers_"].doubles();
  if (method == Method::transform) return distances(context, x.matrix(), centers);
  return labels(context, self["subcluster_labels_"].tensor(), nearest_center(context, self, x.matrix(), centers));
}

/// Means of groups of features.
Result feature_agglomeration(Context& context, const Object& self, Method, const Table& x) {
  const Object pooling = self["pooling_func"];
  if (pooling.name() != "mean" || !pooling.module().starts_with("numpy")) unsupported(self, "a pooling_func other than numpy.mean");
  const std::vector<std::int64_t> group = self["labels_"].integers();
  std::vector<double> size;
  for (const std::int64_t g : group) {
    if (g < 0 || g >= static_cast<std::int64_t>(group.size())) self.fail(Code::corrupt, format("feature group {}", g));
    if (static_cast<std::size_t>(g) >= size.size()) size.resize(static_cast<std::size_t>(g) + 1, 0.0);
    ++size[static_cast<std::size_t>(g)];
  }
  Tensor member(DType::float64, {static_cast<std::int64_t>(group.size()), static_cast<std::int64_t>(size.size())});
  std::ranges::fill(member.mutable_data<double>(), 0.0);
  for (std::size_t f = 0; f < group.size(); ++f) member.mutable_data<double>()[f * size.size() + static_cast<std::size_t>(group[f])] = 1;
  const Expr rows = x.matrix();
  return matmul(rows, context.constant(member)) / rows.row(size);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> cluster_estimators() {
  constexpr Methods kCluster{Method::predict, Method::transform};
  static constexpr Estimator kEstimators[] = {
      {"KMeans", kCluster, k_means},
      {"MiniBatchKMeans", kCluster, k_means},
      {"BisectingKMeans", kCluster, bisecting},
      {"Birch", kCluster, birch},
      {"MeanShift", {Method::predict}, nearest_cluster},
      {"AffinityPropagation", {Method::predict}, nearest_cluster},
      {"FeatureAgglomeration", kTransformer, feature_agglomeration},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
