// SPDX-License-Identifier: Apache-2.0
// Estimated covariances (sklearn/covariance): how far rows lie from the location, squared.
#include "base/text.h"
#include "frameworks/sklearn/precision.h"

namespace decant::sklearn {
namespace {

Result mahalanobis(Context& context, const Object& self, Method, const Table& x) {
  const Expr off = x.matrix() - context.constant(self["location_"].doubles());
  return reduce_sum(matmul(off, context.constant(precision_of(self))) * off, 1);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> covariance_estimators() {
  static constexpr Methods kDistance{Method::mahalanobis};
  static constexpr Estimator kEstimators[] = {
      {"EmpiricalCovariance", kDistance, mahalanobis}, {"GraphicalLasso", kDistance, mahalanobis}, {"GraphicalLassoCV", kDistance, mahalanobis},
      {"LedoitWolf", kDistance, mahalanobis},          {"MinCovDet", kDistance, mahalanobis},      {"OAS", kDistance, mahalanobis},
      {"ShrunkCovariance", kDistance, mahalanobis},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
