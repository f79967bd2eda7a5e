// SPDX-License-Identifier: Apache-2.0
// get_precision of estimated covariances (sklearn/covariance/_empirical_covariance.py).
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// precision_, or, with store_precision=False, scipy.linalg.pinvh of covariance_.
Tensor precision_of(const Object& self);

/// The pseudo-inverse of a symmetric matrix [n, n]: eigenvalues below n * epsilon of the largest count as zero.
std::vector<double> symmetric_pseudo_inverse(std::vector<double> matrix, std::size_t n);

}  // namespace decant::sklearn
