// SPDX-License-Identifier: Apache-2.0
// Kernel ridge regression (sklearn/kernel_ridge.py).
#include "frameworks/sklearn/kernels.h"

namespace decant::sklearn {
namespace {

Result kernel_ridge(Context& context, const Object& self, Method, const Table& x) {
  if (!self["kernel"].is_text()) unsupported(self, "its kernel is a function, which decant does not run");
  const Expr kernel = pairwise_kernel(self, self["kernel"].text(), KernelParameters::of(self), x.matrix(), context.constant(self["X_fit_"].doubles()));
  const Tensor coef = self["dual_coef_"].doubles();
  return matmul(kernel, context.constant(coef));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> kernel_ridge_estimators() {
  static constexpr Estimator kEstimators[] = {{"KernelRidge", kRegressor, kernel_ridge}};
  return kEstimators;
}

}  // namespace decant::sklearn
