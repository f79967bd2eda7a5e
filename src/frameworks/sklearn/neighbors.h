// SPDX-License-Identifier: Apache-2.0
// Distances to the rows that an estimator was fitted on: what all neighbour estimators share (sklearn/neighbors/_base.py).
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// A metric that scikit-learn names, as decant's distance operators take it: rows may have to be mapped first (seuclidean, mahalanobis
/// and correlation are other metrics of mapped rows).
class Metric {
 public:
  /// The metric `name` with its `parameters` (a dict or None). `self` is named in errors.
  Metric(const Object& self, std::string_view name, const Object& parameters);
  /// effective_metric_ and effective_metric_params_ of a fitted neighbour estimator.
  static Metric of(const Object& self);

  Expr map(Expr rows) const { return mapping_ ? mapping_(rows) : rows; }
  const std::string& name() const { return name_; }
  Attributes attributes() const { return {{"metric", name_}, {"p", p_}}; }
  bool is_precomputed() const { return name_ == "precomputed"; }
  bool is_mapped() const { return mapping_ != nullptr; }
  double p() const { return p_; }

 private:
  std::string name_;
  double p_ = 2;
  std::function<Expr(Expr)> mapping_;
};

/// Distances [N, M] of rows x [N, D] to y [M, D].
Expr pairwise_distance(const Metric& metric, Expr x, Expr y);

/// The rows that a neighbour estimator was fitted on.
Tensor fitted_rows(const Object& self);

/// The state of a KDTree or BallTree: data, order of the points, nodes, bounds, … (BinaryTree.__getstate__).
std::vector<Object> tree_state(const Object& tree);

/// Distances [N, k] and indices int64 [N, k] of the k nearest of the fitted rows.
struct Neighbors {
  Expr distances, indices;
};
Neighbors nearest(Context& context, const Object& self, Expr x, std::int64_t k);

/// Distances [N, M] to all fitted rows, and which [N, M] are within self's radius.
struct Within {
  Expr distances, inside;
};
Within within_radius(Context& context, const Object& self, Expr x);

}  // namespace decant::sklearn
