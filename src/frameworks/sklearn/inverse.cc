// SPDX-License-Identifier: Apache-2.0
// The way back through a transformer of targets (inverse_transform of sklearn/preprocessing).
#include "frameworks/sklearn/parts.h"
#include "frameworks/sklearn/quantiles.h"

namespace decant::sklearn {

Expr inverse_transform(Context& context, const Object& self, Expr y) {
  const Context::Level level(context, self);
  if (self.is_none() || self.is_text("passthrough")) return y;
  if (find_estimator(self) == nullptr) unsupported(self, "decant does not know the inverse of this class");
  const auto name = self.name();
  if (name == "StandardScaler") {
    if (self.boolean("with_std", true)) y = y * row_of(self, "scale_", y);
    return self.boolean("with_mean", true) ? y + row_of(self, "mean_", y) : y;
  }
  if (name == "MinMaxScaler") return (y - row_of(self, "min_", y)) / row_of(self, "scale_", y);
  if (name == "MaxAbsScaler") return y * row_of(self, "scale_", y);
  if (name == "RobustScaler") {
    if (self.boolean("with_scaling", true)) y = y * row_of(self, "scale_", y);
    return self.boolean("with_centering", true) ? y + row_of(self, "center_", y) : y;
  }
  if (name == "FunctionTransformer") {
    if (!self.set("inverse_func")) return y;
    return numpy_function(self, self["inverse_func"], self.set("inv_kw_args") ? self["inv_kw_args"] : Object{}, y);
  }
  if (name == "PowerTransformer") return power_inverse(context, self, y);
  if (name == "QuantileTransformer") return quantile_inverse(context, self, y);
  if (name == "Pipeline") {
    const std::vector<Object> steps = self["steps"].elements();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) y = inverse_transform(context, step->item(1), y);
    return y;
  }
  unsupported(self, "decant does not know the inverse of this class");
}

}  // namespace decant::sklearn
