// SPDX-License-Identifier: Apache-2.0
// Partial least squares (sklearn/cross_decomposition/_pls.py, since 0.24; before, attributes had other names and scales).
#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {
namespace {

Expr scaled(Context& context, const Object& self, const Table& x) {
  if (context.version(self) < Version{0, 24}) unsupported(self, "models of scikit-learn before 0.24");
  return (x.matrix() - context.constant(self["_x_mean"].doubles())) / context.constant(self["_x_std"].doubles());
}

Result pls(Context& context, const Object& self, Method method, const Table& x) {
  const Version version = context.version(self);
  const Expr rows = scaled(context, self, x);
  if (method == Method::transform) return matmul(rows, context.constant(self["x_rotations_"].doubles()));
  if (version < Version{1, 1}) return matmul(rows, context.constant(self["coef_"].doubles())) + context.constant(self["_y_mean"].doubles());
  const Tensor coef = self.any({"_coef_", "coef_"}).doubles();  // _coef_ in 1.1 and 1.2: [targets, features], where coef_ was still the other way round
  const Tensor intercept = self["intercept_"].doubles();
  // Since 1.5 the coefficients hold the scale.
  const Expr in = version >= Version{1, 5} ? x.matrix() - context.constant(self["_x_mean"].doubles()) : rows;
  return linear(context, in, coef, intercept, self.boolean("_predict_1d", false));
}

Result pls_svd(Context& context, const Object& self, Method, const Table& x) {
  return matmul(scaled(context, self, x), context.constant(self["x_weights_"].doubles()));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> cross_decomposition_estimators() {
  static constexpr Methods kBoth{Method::predict, Method::transform};
  static constexpr Estimator kEstimators[] = {
      {"PLSRegression", kBoth, pls},
      {"PLSCanonical", kBoth, pls},
      {"CCA", kBoth, pls},
      {"PLSSVD", kTransformer, pls_svd},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
