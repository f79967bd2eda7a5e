// SPDX-License-Identifier: Apache-2.0
// Nearest neighbours (sklearn/neighbors/_classification.py, _regression.py, _graph.py, _nearest_centroid.py).
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frameworks/sklearn/neighbors.h"
#include "frameworks/sklearn/parts.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

enum class Weights : std::uint8_t { uniform, distance };

Weights weights_of(const Object& self) {
  const Object weights = self["weights"];
  if (weights.is_none() || weights.is_text("uniform")) return Weights::uniform;
  if (weights.is_text("distance")) return Weights::distance;
  unsupported(self, "its weights are a function, which decant does not run");
}

/// _get_weights: 1 / distance; in a row with distances of 0, those count 1 and the others 0.
Expr inverse_distance(Expr distances) {
  const Expr inverse = 1.0 / distances;
  const Expr infinite = cast(apply("IsInf", {inverse}), DType::float64);
  return where(greater(reduce_max(infinite, 1, true), infinite.scalar(0)), infinite, inverse);
}

/// What a classifier was fitted on: the encoded labels of each output [rows, outputs], and the classes of each output.
struct Labels {
  std::vector<Tensor> classes;
  std::vector<Expr> rows;  // int64 [rows]
  bool is_list = false;
};

Labels labels_of(Context& context, const Object& self) {
  Labels out;
  out.is_list = self.boolean("outputs_2d_", false);
  const Object classes = self["classes_"];
  if (!out.is_list) out.classes.push_back(classes_of(self));
  else for (const Object& c : classes.elements()) out.classes.push_back(c.tensor());
  const Object y = self["_y"];
  const std::vector<std::int64_t> codes = y.integers();
  const std::size_t outputs = out.classes.size();
  for (std::size_t k = 0; k < outputs; ++k) {
    std::vector<std::int64_t> column;
    for (std::size_t i = k; i < codes.size(); i += outputs) column.push_back(codes[i]);
    out.rows.push_back(context.constant(Tensor::vector(column)));
  }
  return out;
}

/// One for each class: [..., K] of labels [...].
Expr one_hot(Expr codes, std::size_t classes) {
  std::vector<double> all;
  for (std::size_t c = 0; c < classes; ++c) all.push_back(static_cast<double>(c));
  return cast(equal(unsqueeze(codes, -1), codes.row(all)), DType::float64);
}

/// Votes [N, K] of the neighbours, for each output. (scipy's mode and weighted_mode take the smallest label of equal votes, as argmax.)
std::vector<Expr> neighbor_votes(Context& context, const Object& self, const Labels& fitted, const Table& x) {
  const Neighbors found = nearest(context, self, x.matrix(), self["n_neighbors"].integer());
  std::vector<Expr> out;
  for (std::size_t k = 0; k < fitted.classes.size(); ++k) {
    Expr votes = one_hot(gather(fitted.rows[k], found.indices, 0), fitted.classes[k].size());  // [N, neighbours, K]
    if (weights_of(self) == Weights::distance) votes = votes * unsqueeze(inverse_distance(found.distances), 2);
    out.push_back(reduce_sum(votes, 1));
  }
  return out;
}

Result give(std::vector<Expr> parts, bool as_list) {
  if (!as_list) return parts.at(0);
  return Result(std::move(parts));
}

Result k_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Labels fitted = labels_of(context, self);
  std::vector<Expr> out;
  for (const Expr& votes : neighbor_votes(context, self, fitted, x)) {
    if (method == Method::predict) out.push_back(labels(context, fitted.classes[out.size()], argmax(votes, 1)));
    else out.push_back(votes / reduce_sum(votes, 1, true));
  }
  if (method == Method::predict) return side_by_side(out, fitted.is_list);
  return give(out, fitted.is_list);
}

/// Targets [rows, outputs] as float64, and whether the answer is a vector.
std::pair<Expr, bool> targets_of(Context& context, const Object& self) {
  const Tensor y = self["_y"].doubles();
  if (y.rank() < 1 || y.rank() > 2) self.fail(Code::corrupt, format("_y has shape {}", text_of(y.shape())));
  return {context.constant(y.rank() == 1 ? y.reshaped({y.dim(0), 1}) : y), y.rank() == 1};
}

Result k_regressor(Context& context, const Object& self, Method, const Table& x) {
  const auto [targets, is_vector] = targets_of(context, self);
  const Neighbors found = nearest(context, self, x.matrix(), self["n_neighbors"].integer());
  const Expr values = gather(targets, found.indices, 0);  // [N, neighbours, outputs]
  Expr out;
  if (weights_of(self) == Weights::uniform) {
    out = reduce_mean(values, 1);
  } else {
    const Expr weights = inverse_distance(found.distances);
    out = reduce_sum(values * unsqueeze(weights, 2), 1) / reduce_sum(weights, 1, true);
  }
  return is_vector ? squeeze(out, 1) : out;
}

/// Weights [N, rows] of the rows within the radius, 0 for the others.
Expr radius_weights(const Object& self, const Within& near) {
  if (weights_of(self) == Weights::uniform) return cast(near.inside, DType::float64);
  const Expr none = near.distances.scalar(0);
  const Expr exact = cast(logical_and(near.inside, equal(near.distances, none)), DType::float64);
  return where(greater(reduce_max(exact, 1, true), none), exact, where(near.inside, 1.0 / near.distances, none));
}

/// The label for rows without neighbours, one for each output; empty when there is none.
std::vector<Object> outlier_labels(const Object& self, std::size_t outputs) {
  if (self.set("outlier_label_")) {
    const Object given = self["outlier_label_"];
    if (given.is_sequence()) return given.elements();
    return std::vector<Object>(outputs, given);
  }
  if (!self.has("outlier_label_") && self.set("outlier_label")) return std::vector<Object>(outputs, self["outlier_label"]);  // up to 0.21
  return {};
}

Tensor with_label(const Object& self, const Tensor& classes, const Object& label) {
  Tensor out(classes.dtype(), {static_cast<std::int64_t>(classes.size()) + 1});
  const auto fill = [&]<class T>(std::span<T> to, T last) {
    std::ranges::copy(classes.data<T>(), to.begin());
    to.back() = std::move(last);
  };
  switch (classes.dtype()) {
    case DType::string: fill(out.mutable_data<std::string>(), label.text()); break;
    case DType::int64: fill(out.mutable_data<std::int64_t>(), label.integer()); break;
    case DType::int32: fill(out.mutable_data<std::int32_t>(), static_cast<std::int32_t>(label.integer())); break;
    case DType::float64: fill(out.mutable_data<double>(), label.real()); break;
    default: unsupported(self, format("an outlier label of {}", name_of(classes.dtype())));
  }
  return out;
}

bool radius_has(Context& context, const Object& self, Method method) {
  return method == Method::predict || context.version(self) >= Version{0, 22};
}

Result radius_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Labels fitted = labels_of(context, self);
  const std::vector<Object> outlier = outlier_labels(self, fitted.classes.size());
  if (!outlier.empty() && outlier.size() != fitted.classes.size()) self.fail(Code::corrupt, "outlier_label_ does not fit the outputs");
  const Within near = within_radius(context, self, x.matrix());
  const Expr weights = radius_weights(self, near);
  // RadiusNeighborsClassMode (since 1.4) looks the label up among the codes of the classes instead of among the classes.
  const bool by_code = context.version(self) >= Version{1, 4} && self["_fit_method"].is_text("brute") && weights_of(self) == Weights::uniform && !fitted.is_list;
  const Expr no_neighbor = logical_not(greater(reduce_max(cast(near.inside, DType::float64), 1, true), weights.scalar(0)));  // [N, 1]
  std::vector<Expr> out;
  for (std::size_t k = 0; k < fitted.classes.size(); ++k) {
    const std::size_t classes = fitted.classes[k].size();
    Expr votes = matmul(weights, one_hot(fitted.rows[k], classes));
    if (outlier.empty()) {
      votes = require(votes, logical_not(no_neighbor), "a row has no neighbours within the radius, and the model has no outlier_label");
    } else {
      std::int64_t at = position_of(fitted.classes[k], outlier[k].tensor(), 0);
      if (by_code) at = self["outlier_label"].is_number() && self["outlier_label"].real() >= 0 && self["outlier_label"].real() < static_cast<double>(classes) ? static_cast<std::int64_t>(self["outlier_label"].real()) : -1;
      std::vector<double> certain(classes, 0.0);
      if (at >= 0) certain[static_cast<std::size_t>(at)] = 1;
      votes = where(no_neighbor, votes.row(certain), votes);
    }
    const Expr sum = reduce_sum(votes, 1, true);
    const Expr p = votes / where(equal(sum, sum.scalar(0)), sum.scalar(1), sum);
    if (method == Method::predict_proba) {
      out.push_back(p);
    } else if (outlier.empty()) {
      out.push_back(labels(context, fitted.classes[k], argmax(p, 1)));
    } else {  // a row of zeros gets the outlier label itself, which need not be a class
      const Expr best = argmax(p, 1);
      const Expr last = context.constant(Tensor::scalar<std::int64_t>(static_cast<std::int64_t>(classes)));
      const Expr index = where(equal(reduce_max(p, 1), p.scalar(0)), last, best);
      out.push_back(labels(context, with_label(self, fitted.classes[k], outlier[k]), index));
    }
  }
  if (method == Method::predict) return side_by_side(out, fitted.is_list);
  return give(out, fitted.is_list);
}

Result radius_regressor(Context& context, const Object& self, Method, const Table& x) {
  const auto [targets, is_vector] = targets_of(context, self);
  const Expr weights = radius_weights(self, within_radius(context, self, x.matrix()));
  const Expr out = matmul(weights, targets) / reduce_sum(weights, 1, true);  // 0 / 0: NaN where there are no neighbours
  return is_vector ? squeeze(out, 1) : out;
}

/// The graph of neighbours [N, rows], dense: distances, or 1 for each.
Result k_transformer(Context& context, const Object& self, Method, const Table& x) {
  const bool distance = self["mode"].is_text("distance");
  const Expr rows = x.matrix();
  const Neighbors found = nearest(context, self, rows, self["n_neighbors"].integer() + (distance ? 1 : 0));
  const std::int64_t fitted = fitted_rows(self).dim(0);
  const Expr shape = concat({slice(apply("Shape", {rows}), 0, 1, 0), rows.integers({fitted})}, 0);
  const Expr zeros = apply("ConstantOfShape", {shape}, {{"value", Tensor::vector<double>({0.0})}});
  const Expr values = distance ? found.distances : cast(greater_equal(found.indices, found.indices.scalar(0)), DType::float64);
  Expr out = apply("ScatterElements", {zeros, found.indices, values}, {{"axis", std::int64_t{1}}});
  out.builder().set_type(out.id(), Type::tensor(DType::float64, {{-1, "N"}, {fitted, {}}}));
  return out;
}

Result radius_transformer(Context& context, const Object& self, Method, const Table& x) {
  const Within near = within_radius(context, self, x.matrix());
  if (!self["mode"].is_text("distance")) return cast(near.inside, DType::float64);
  return where(near.inside, near.distances, near.distances.scalar(0));
}

/// Up to 1.5 always the nearest centroid; since 1.6 only when the priors are equal.
bool equal_priors(Context& context, const Object& self) {
  if (context.version(self) < Version{1, 6} || !self.set("class_prior_")) return true;
  const std::vector<double> priors = self["class_prior_"].list();
  const double even = 1 / static_cast<double>(priors.size());
  return std::ranges::all_of(priors, [&](double p) { return std::abs(p - even) <= 1e-8 + 1e-5 * even; });  // numpy.isclose
}

bool centroid_has(Context& context, const Object& self, Method method) {
  return method == Method::predict || (context.version(self) >= Version{1, 6} && self["metric"].is_text("euclidean"));
}

Expr centroid_scores(Context& context, const Object& self, const Metric& metric, const Table& x) {
  std::vector<double> scale = self["within_class_std_dev_"].list(), prior = self["class_prior_"].list();
  for (double& s : scale) s = s == 0 ? 1 : s;
  for (double& p : prior) p = 2.0 * std::log(p);
  const Expr rows = x.matrix();
  const Expr distances = pairwise_distance(metric, rows / rows.row(scale), context.constant(self["centroids_"].doubles()) / rows.row(scale));
  return -(distances * distances) + rows.row(prior);
}

Result nearest_centroid(Context& context, const Object& self, Method method, const Table& x) {
  if (!self["metric"].is_text()) unsupported(self, "its metric is a function, which decant does not run");
  const Metric metric(self, self["metric"].text(), Object());
  const Tensor classes = classes_of(self);
  if (method == Method::predict && equal_priors(context, self)) {
    return labels(context, classes, argmin(pairwise_distance(metric, x.matrix(), context.constant(self["centroids_"].doubles())), 1));
  }
  const Expr scores = centroid_scores(context, self, metric, x);
  switch (method) {
    case Method::predict: return labels(context, classes, argmax(scores, 1));
    case Method::decision_function: return difference_of_two(scores);
    case Method::predict_log_proba: return log_softmax_of(scores);
    default: return exp(log_softmax_of(scores));
  }
}

/// kneighbors(X): distances and indices.
Result k_neighbors(Context& context, const Object& self, Method, const Table& x) {
  const Neighbors found = nearest(context, self, x.matrix(), self["n_neighbors"].integer());
  return std::vector<Expr>{found.distances, found.indices};
}

}  // namespace

DECANT_AT_START std::span<const Estimator> neighbors_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"KNeighborsClassifier", {Method::predict, Method::predict_proba}, k_classifier},
      {"KNeighborsRegressor", kRegressor, k_regressor},
      {"RadiusNeighborsClassifier", {Method::predict, Method::predict_proba}, radius_classifier, radius_has},
      {"RadiusNeighborsRegressor", kRegressor, radius_regressor},
      {"NearestNeighbors", {Method::kneighbors}, k_neighbors},
      {"KNeighborsTransformer", kTransformer, k_transformer},
      {"RadiusNeighborsTransformer", kTransformer, radius_transformer},
      {"NearestCentroid", kScoringClassifier, nearest_centroid, centroid_has},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
