// SPDX-License-Identifier: Apache-2.0
// Generalised linear models (sklearn/linear_model/_glm/glm.py, since 0.23): the inverse of the link, of the linear predictor.
#include "base/text.h"
#include "frameworks/sklearn/linear.h"

namespace decant::sklearn {
namespace {

Expr linear_predictor(Context& context, const Object& self, const Table& x) {
  return linear(context, x.matrix(), self["coef_"].doubles(), intercept_of(self), true);
}

Result log_link(Context& context, const Object& self, Method, const Table& x) { return exp(linear_predictor(context, self, x)); }

/// TweedieRegressor._get_loss: 'auto' is the identity for power <= 0 and the logarithm above.
Result tweedie(Context& context, const Object& self, Method, const Table& x) {
  const std::string link = self.text("link", "auto");
  const Expr eta = linear_predictor(context, self, x);
  if (link == "identity" || (link == "auto" && self.real("power", 0) <= 0)) return eta;
  if (link == "log" || link == "auto") return exp(eta);
  unsupported(self, format("link={} is not known", link));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> glm_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"PoissonRegressor", kRegressor, log_link},
      {"GammaRegressor", kRegressor, log_link},
      {"TweedieRegressor", kRegressor, tweedie},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
