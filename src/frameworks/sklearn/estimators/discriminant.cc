// SPDX-License-Identifier: Apache-2.0
// Linear and quadratic discriminant analysis (sklearn/discriminant_analysis.py).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/linear.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

bool lda_has(Context&, const Object& self, Method method) { return method != Method::transform || !self["solver"].is_text("lsqr"); }

Expr lda_transform(Context& context, const Object& self, const Table& x) {
  Expr rows = x.matrix();
  if (self["solver"].is_text("svd")) rows = rows - context.constant(self["xbar_"].doubles());
  const Tensor scalings = self["scalings_"].doubles();
  if (scalings.rank() != 2) self.fail(Code::corrupt, format("scalings_ has shape {}", text_of(scalings.shape())));
  const std::int64_t width = std::min(scalings.dim(1), self.integer("_max_components", self.integer("n_components", scalings.dim(1))));
  return slice(matmul(rows, context.constant(scalings)), 0, width, 1);
}

/// Several classes: one against the rest up to 0.20, softmax since (public pickles of 0.21.1 with their answers show it).
Expr lda_probability(Context& context, const Object& self, Expr scores) {
  if (scores.type().rank() == 1u) return with_complement(sigmoid(scores));
  if (context.version(self) >= Version{0, 21}) return softmax(scores, 1);
  const Expr p = sigmoid(scores);
  return p / reduce_sum(p, 1, true);
}

Result lda(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::transform) return lda_transform(context, self, x);
  const Expr scores = linear(context, x.matrix(), self["coef_"].doubles(), intercept_of(self), true);
  switch (method) {
    case Method::decision_function: return scores;
    case Method::predict: return labels_by_score(context, classes_of(self), scores);
    case Method::predict_proba: return lda_probability(context, self, scores);
    default: break;
  }
  const Expr p = lda_probability(context, self, scores);
  if (context.version(self) < Version{1, 0}) return log(p);
  return log(where(equal(p, p.scalar(0)), p.scalar(std::numeric_limits<double>::min()), p));
}

/// The log-posteriors [N, K].
Expr qda_scores(Context& context, const Object& self, const Table& x) {
  const Expr rows = x.matrix();
  const std::vector<Object> rotations = self.any({"rotations_", "rotations"}).elements(), scalings = self["scalings_"].elements();
  const Tensor means = self["means_"].doubles();
  const std::vector<double> priors = self["priors_"].list();
  const std::size_t classes = classes_of(self).size();
  if (rotations.size() != classes || scalings.size() != classes || priors.size() != classes || means.rank() != 2 || means.dim(0) != static_cast<std::int64_t>(classes)) {
    self.fail(Code::corrupt, format("parameters do not fit {} classes", classes));
  }
  std::vector<Expr> out;
  for (std::size_t c = 0; c < classes; ++c) {
    const Tensor rotation = rotations[c].doubles();
    const std::vector<double> scale = scalings[c].list();
    if (rotation.rank() != 2 || rotation.dim(1) != static_cast<std::int64_t>(scale.size())) self.fail(Code::corrupt, format("a rotation of shape {} for {} scalings", text_of(rotation.shape()), scale.size()));
    Tensor weights(DType::float64, rotation.shape());
    for (std::size_t i = 0; i < rotation.size(); ++i) weights.mutable_data<double>()[i] = rotation.number(i) * std::pow(scale[i % scale.size()], -0.5);
    double spread = 0;
    for (const double s : scale) spread += std::log(s);
    const auto mean = means.data<double>().subspan(c * static_cast<std::size_t>(means.dim(1)), static_cast<std::size_t>(means.dim(1)));
    const Expr turned = matmul(rows - rows.row({mean.begin(), mean.end()}), context.constant(weights));
    out.push_back((reduce_sum(turned * turned, 1, true) + spread) * -0.5 + std::log(priors[c]));
  }
  return concat(out, 1);
}

Result qda(Context& context, const Object& self, Method method, const Table& x) {
  const Expr scores = qda_scores(context, self, x);
  if (method == Method::decision_function) return difference_of_two(scores);
  if (method == Method::predict) return labels(context, classes_of(self), argmax(scores, 1));
  if (context.version(self) >= Version{1, 6}) return method == Method::predict_log_proba ? log_softmax_of(scores) : exp(log_softmax_of(scores));
  const Expr p = softmax(scores, 1);
  return method == Method::predict_log_proba ? log(p) : p;
}

}  // namespace

DECANT_AT_START std::span<const Estimator> discriminant_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"LinearDiscriminantAnalysis",
       {Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform},
       lda, lda_has},
      {"QuadraticDiscriminantAnalysis", kScoringClassifier, qda},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
