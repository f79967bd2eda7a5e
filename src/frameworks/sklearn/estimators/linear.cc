// SPDX-License-Identifier: Apache-2.0
// Linear regressors: whatever way they were fitted, they predict x @ coef_ᵀ + intercept_ (LinearModel._decision_function in
// sklearn/linear_model/_base.py, the same in every version since 0.18).
#include "frameworks/sklearn/linear.h"

namespace decant::sklearn {
namespace {

/// coef_ of one dimension gives [N]; of two, also with one row, [N, targets].
Result linear_regressor(Context& context, const Object& self, Method, const Table& x) {
  const Tensor coef = self["coef_"].doubles();
  return linear(context, x.matrix(), coef, intercept_of(self), coef.rank() < 2);
}

/// RANSACRegressor keeps the estimator fitted on the inliers.
Result ransac(Context& context, const Object& self, Method, const Table& x) { return context.predict(self["estimator_"], x); }

}  // namespace

DECANT_AT_START std::span<const Estimator> linear_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"LinearRegression", kRegressor, linear_regressor}, {"Ridge", kRegressor, linear_regressor},
      {"RidgeCV", kRegressor, linear_regressor},          {"Lasso", kRegressor, linear_regressor},
      {"LassoCV", kRegressor, linear_regressor},          {"ElasticNet", kRegressor, linear_regressor},
      {"ElasticNetCV", kRegressor, linear_regressor},     {"MultiTaskLasso", kRegressor, linear_regressor},
      {"MultiTaskLassoCV", kRegressor, linear_regressor}, {"MultiTaskElasticNet", kRegressor, linear_regressor},
      {"MultiTaskElasticNetCV", kRegressor, linear_regressor},
      {"Lars", kRegressor, linear_regressor},             {"LarsCV", kRegressor, linear_regressor},
      {"LassoLars", kRegressor, linear_regressor},        {"LassoLarsCV", kRegressor, linear_regressor},
      {"LassoLarsIC", kRegressor, linear_regressor},      {"OrthogonalMatchingPursuit", kRegressor, linear_regressor},
      {"OrthogonalMatchingPursuitCV", kRegressor, linear_regressor},
      {"BayesianRidge", kRegressor, linear_regressor},    {"ARDRegression", kRegressor, linear_regressor},
      {"HuberRegressor", kRegressor, linear_regressor},   {"TheilSenRegressor", kRegressor, linear_regressor},
      {"QuantileRegressor", kRegressor, linear_regressor}, {"RANSACRegressor", kRegressor, ransac},
      {"SGDRegressor", kRegressor, linear_regressor},     {"PassiveAggressiveRegressor", kRegressor, linear_regressor},
      {"LinearSVR", kRegressor, linear_regressor},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
