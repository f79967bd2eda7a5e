// SPDX-License-Identifier: Apache-2.0
// Linear classifiers (LinearClassifierMixin in sklearn/linear_model/_base.py) and what each makes of the scores.
#include "base/text.h"
#include "frameworks/sklearn/linear.h"

namespace decant::sklearn {
namespace {

constexpr Methods kScorer{Method::predict, Method::decision_function};

/// Ridge classifiers keep their classes in a LabelBinarizer (classes_ is a property up to 1.0).
Tensor classes_of_linear(const Object& self) {
  return classes_of(self.set("classes_") || !self.set("_label_binarizer") ? self : self["_label_binarizer"]);
}

/// [N] for two classes, else [N, K].
Expr decision(Context& context, const Object& self, const Table& x) {
  return linear(context, x.matrix(), self["coef_"].doubles(), intercept_of(self), true);
}

Result linear_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Expr scores = decision(context, self, x);
  if (method == Method::decision_function) return scores;
  return labels_by_score(context, classes_of_linear(self), scores);
}

/// For several labels at once (y_type_ "multilabel-indicator"), each score decides by its sign (_RidgeClassifierMixin.predict in
/// sklearn/linear_model/_ridge.py, since 1.1).
Result ridge_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const bool several = self.set("_label_binarizer") && self["_label_binarizer"].text("y_type_", "").starts_with("multilabel");
  if (method == Method::decision_function || !several) return linear_classifier(context, self, method, x);
  const Expr scores = decision(context, self, x);
  return cast(greater(scores, scores.scalar(0)), DType::int64);
}

/// LinearClassifierMixin._predict_proba_lr: one model against the rest each. Since 1.9, rows whose probabilities are all 0 become
/// uniform; before, they are 0 / 0.
Expr one_against_rest(Context& context, const Object& self, Expr scores) {
  const Expr p = sigmoid(scores);
  if (p.type().rank() == 1u) return with_complement(p);
  const Expr sum = reduce_sum(p, 1, true);
  if (context.version(self) < Version{1, 9}) return p / sum;
  const Expr none = equal(sum, sum.scalar(0));
  return where(none, p.scalar(1.0 / static_cast<double>(p.dim(1))), p / sum);
}

/// What multi_class meant to predict_proba (sklearn/linear_model/_logistic.py of each version).
bool is_one_against_rest(Context& context, const Object& self, std::size_t classes, bool one_score) {
  const Version version = context.version(self);
  if (version >= Version{1, 8}) return classes <= 2;  // multi_class is gone
  const std::string multi = self.text("multi_class", "ovr"), solver = self.text("solver", "liblinear");
  if (multi == "ovr" || multi == "warn") return true;
  if (version < Version{0, 20}) return one_score;
  if (multi == "multinomial") return false;
  if (multi != "auto" && multi != "deprecated") unsupported(self, format("multi_class={} is not known", multi));
  // newton-cholesky fitted one model per class in 1.2 to 1.5.
  return classes <= 2 || solver == "liblinear" || (solver == "newton-cholesky" && version < Version{1, 6});
}

Result logistic(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict || method == Method::decision_function) return linear_classifier(context, self, method, x);
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  const Expr scores = decision(context, self, x);
  const bool one_score = scores.type().rank() == 1u;
  if (is_one_against_rest(context, self, classes_of_linear(self).size(), one_score)) return one_against_rest(context, self, scores);
  if (!one_score) return softmax(scores, 1);
  const Expr score = unsqueeze(scores, 1);  // multinomial with two classes: the two scores differ in sign only
  return softmax(concat({-score, score}, 1), 1);
}

bool is_log_loss(const Object& self) { return self["loss"].is_text("log_loss") || self["loss"].is_text("log"); }  // "log" up to 1.2

bool sgd_has(Context&, const Object& self, Method method) {
  if (method == Method::predict || method == Method::decision_function) return true;
  return is_log_loss(self) || self["loss"].is_text("modified_huber");
}

Result sgd_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict || method == Method::decision_function) return linear_classifier(context, self, method, x);
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  const Expr scores = decision(context, self, x);
  if (is_log_loss(self)) return one_against_rest(context, self, scores);
  // modified_huber (SGDClassifier.predict_proba in sklearn/linear_model/_stochastic_gradient.py)
  const Expr p = (clip(scores, -1, 1) + 1.0) / 2.0;
  if (p.type().rank() == 1u) return with_complement(p);
  const Expr sum = reduce_sum(p, 1, true);
  return where(equal(sum, sum.scalar(0)), p.scalar(1.0 / static_cast<double>(p.dim(1))), p / sum);
}

/// SGDOneClassSVM (_stochastic_gradient.py, since 1.0). Inliers 1, outliers -1.
Result sgd_one_class(Context& context, const Object& self, Method method, const Table& x) {
  const Expr raw = linear(context, x.matrix(), self["coef_"].doubles(), Tensor{}, true);
  const Expr offset = context.constant(self["offset_"].doubles());
  const Expr decided = raw - offset;
  if (method == Method::decision_function) return decided;
  if (method == Method::score_samples) return decided + offset;
  return where(greater_equal(decided, decided.scalar(0)), context.constant(Tensor::scalar<std::int32_t>(1)), context.constant(Tensor::scalar<std::int32_t>(-1)));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> linear_classifiers_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"LogisticRegression", kScoringClassifier, logistic},
      {"LogisticRegressionCV", kScoringClassifier, logistic},
      {"RidgeClassifier", kScorer, ridge_classifier},
      {"RidgeClassifierCV", kScorer, ridge_classifier},
      {"SGDClassifier", kScoringClassifier, sgd_classifier, sgd_has},
      {"SGDOneClassSVM", {Method::predict, Method::decision_function, Method::score_samples}, sgd_one_class},
      {"Perceptron", kScorer, linear_classifier},
      {"PassiveAggressiveClassifier", kScorer, linear_classifier},
      {"LinearSVC", kScorer, linear_classifier},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
