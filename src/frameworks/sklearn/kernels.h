// SPDX-License-Identifier: Apache-2.0
// Kernels that scikit-learn names (pairwise_kernels in sklearn/metrics/pairwise.py).
#pragma once

#include <optional>
#include <string>

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

struct KernelParameters {
  std::optional<double> gamma;  // absent: 1 / features (chi2: 1)
  double degree = 3, coef0 = 1;
  /// Attributes gamma, degree and coef0 of an estimator.
  static KernelParameters of(const Object& self);
};

/// The kernel `name` of rows x [N, D] with y [M, D], [N, M]; "precomputed" is x itself. `self` is named in errors.
Expr pairwise_kernel(const Object& self, const std::string& name, const KernelParameters& parameters, Expr x, Expr y);

}  // namespace decant::sklearn
