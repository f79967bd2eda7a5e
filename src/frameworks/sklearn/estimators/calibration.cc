// SPDX-License-Identifier: Apache-2.0
// Calibrated classifiers and isotonic regression (sklearn/calibration.py, isotonic.py).
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// y of a fitted IsotonicRegression at x [N].
Expr isotonic(const Object& self, Expr x) {
  // X_thresholds_ since 0.24, _necessary_X_ before (0.18 on).
  const std::vector<double> knots = self.any({"X_thresholds_", "_necessary_X_"}).list(), values = self.any({"y_thresholds_", "_necessary_y_"}).list();
  if (knots.size() != values.size() || knots.empty()) self.fail(Code::corrupt, "thresholds of different lengths");
  const Tensor as_given = self.any({"X_thresholds_", "_necessary_X_"}).tensor();
  const bool single = as_given.dtype() == DType::float32;
  if (single) x = cast(cast(x, DType::float32), DType::float64);
  const std::string outside = self.text("out_of_bounds", "nan");
  const double low = self.real("X_min_", knots.front()), high = self.real("X_max_", knots.back());
  if (outside == "clip") x = clip(x, low, high);
  Expr out = knots.size() == 1 ? where(is_nan(x), x.scalar(values[0]), x.scalar(values[0]))
                               : apply("decant", "Interpolate", {x}, {{"x", Tensor::vector(knots)}, {"y", Tensor::vector(values)}});
  if (knots.size() > 1) {
    const Expr beyond = logical_or(less(x, x.scalar(knots.front())), greater(x, x.scalar(knots.back())));
    if (outside == "raise") out = require(out, logical_not(beyond), "a value in x is outside of the interpolation range");
    else if (outside != "clip") out = where(beyond, x.scalar(std::numeric_limits<double>::quiet_NaN()), out);
  }
  return single ? cast(out, DType::float32) : out;
}

Result isotonic_regression(Context&, const Object& self, Method, const Table& x) { return isotonic(self, squeeze(x.matrix(), 1)); }

Expr calibrated(const Object& calibrator, Expr score) {
  if (calibrator.name() == "_SigmoidCalibration") return sigmoid(-(score * calibrator["a_"].real() + calibrator["b_"].real()));
  if (calibrator.name() == "IsotonicRegression") return cast(isotonic(calibrator, score), DType::float64);
  unsupported(calibrator, "a calibrator of another kind");
}

/// Where the classes of `part` are among `all`.
std::vector<std::int64_t> positions_in(const Object& self, const Tensor& all, const Tensor& part) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    std::size_t at = 0;
    while (at < all.size() && !(all.dtype() == DType::string && part.dtype() == DType::string ? all.data<std::string>()[at] == part.data<std::string>()[i]
                                : all.dtype() != DType::string && part.dtype() != DType::string && all.number(at) == part.number(i))) {
      ++at;
    }
    if (at == all.size()) self.fail(Code::corrupt, "calibrates a class that is none of classes_");
    out.push_back(static_cast<std::int64_t>(at));
  }
  return out;
}

/// softmax(beta * logits), logits as _convert_to_logits finds them.
Expr by_temperature(const Object& calibrator, Expr scores, bool probabilities, bool two) {
  const double beta = calibrator["beta_"].real();
  if (two && probabilities) scores = concat({1.0 - scores, scores}, 1);
  Expr logits = scores;
  if (scores.dim(1) == 1) logits = concat({-scores, scores}, 1);
  else if (probabilities) logits = log(scores + std::numeric_limits<double>::epsilon());
  return softmax(logits * beta, 1);
}

/// One of calibrated_classifiers_.
Expr one_calibrated(Context& context, const Object& self, const Table& x) {
  const Object estimator = self.any({"estimator", "base_estimator"});
  const std::vector<Object> calibrators = self.any({"calibrators", "calibrators_"}).elements();
  const Object listed = self.any({"classes", "classes_"});
  const Tensor classes = listed.is_none() ? self["classes_"].tensor() : listed.tensor();
  const auto k = static_cast<std::int64_t>(classes.size());
  if (calibrators.empty()) self.fail(Code::corrupt, "no calibrators");
  const bool scored = context.has(estimator, Method::decision_function);
  Expr scores = context.value(estimator, scored ? Method::decision_function : Method::predict_proba, x);
  if (scores.type().rank() == 1u) scores = unsqueeze(scores, 1);
  else if (!scored && k == 2) scores = columns(scores, {1});
  Expr p;
  if (self.text("method", "sigmoid") == "temperature") {
    p = by_temperature(calibrators[0], scores, !scored, k == 2);
  } else {
    const std::vector<std::int64_t> at = positions_in(self, classes, classes_within(estimator));
    const Expr zero = zero_rows(x);
    std::vector<Expr> parts(classes.size(), zero);
    for (std::size_t i = 0; i < calibrators.size() && i < at.size() && static_cast<std::int64_t>(i) < scores.dim(1); ++i) {
      const auto to = static_cast<std::size_t>(k == 2 ? at[i] + 1 : at[i]);
      if (to >= parts.size()) self.fail(Code::corrupt, "calibrates a class that is none of classes_");
      parts[to] = unsqueeze(calibrated(calibrators[i], squeeze(columns(scores, {static_cast<std::int64_t>(i)}), 1)), 1);
    }
    if (k == 2) {
      p = concat({1.0 - parts[1], parts[1]}, 1);
    } else {
      p = concat(parts, 1);
      const Expr sum = reduce_sum(p, 1, true), none = equal(sum, sum.scalar(0));
      p = where(none, p.scalar(1.0 / static_cast<double>(k)), p / where(none, sum.scalar(1), sum));
    }
  }
  return where(logical_and(greater(p, p.scalar(1)), less_equal(p, p.scalar(1.0 + 1e-5))), p.scalar(1), p);
}

Result calibrated_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict) return labels(context, classes_of(self), argmax(context.value(self, Method::predict_proba, x), 1));
  const std::vector<Object> parts = self["calibrated_classifiers_"].elements();
  if (parts.empty()) self.fail(Code::corrupt, "no calibrated classifiers");
  Expr sum;
  for (const Object& part : parts) {
    const Expr p = one_calibrated(context, part, x);
    sum = sum ? sum + p : p;
  }
  return sum / static_cast<double>(parts.size());
}

}  // namespace

DECANT_AT_START std::span<const Estimator> calibration_estimators() {
  static constexpr Methods kClassifies{Method::predict, Method::predict_proba};
  static constexpr Methods kBends{Method::predict, Method::transform};
  static constexpr Estimator kEstimators[] = {
      {"CalibratedClassifierCV", kClassifies, calibrated_classifier},
      {"IsotonicRegression", kBends, isotonic_regression},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
