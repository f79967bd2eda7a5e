// SPDX-License-Identifier: Apache-2.0
// Estimators that do not look at the features (sklearn/dummy.py). Strategies that draw at random cannot give the same answers.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

/// [N] zeros, int64: one for each row of x, whatever its columns hold.
Expr zero_per_row(const Table& x) {
  const Expr column = x.width() == 0 ? x.matrix() : x.column(0, x.is_text(0));
  const Expr rows = slice(apply("Shape", {column}), 0, 1, 0);
  Expr out = apply("ConstantOfShape", {rows}, {{"value", Tensor::vector<std::int64_t>({0})}});
  out.builder().set_type(out.id(), Type::tensor(DType::int64, {{-1, "N"}}));
  return out;
}

std::string strategy_of(const Object& self) { return self.has("_strategy") ? self["_strategy"].text() : self["strategy"].text(); }

bool classifier_has(Context&, const Object& self, Method method) { return method != Method::predict || strategy_of(self) != "uniform"; }

Result dummy_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const std::string strategy = strategy_of(self);
  if (strategy == "stratified") unsupported(self, "strategy=stratified draws its answers at random");
  const bool several = self.integer("n_outputs_", 1) > 1;
  const auto parts = [&](const Object& o) { return several ? o.elements() : std::vector<Object>{o}; };
  const std::vector<Object> classes = parts(self["classes_"]), priors = parts(self["class_prior_"]);
  if (strategy == "constant") {  // an array [outputs, 1] since 0.20
    const Tensor given = self["constant"].tensor();
    if (given.size() != classes.size()) self.fail(Code::corrupt, format("{} constants for {} outputs", given.size(), classes.size()));
  }
  const Expr zeros = zero_per_row(x);
  std::vector<Expr> out;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    const Tensor labels_in_order = classes[k].tensor();
    std::vector<double> p = priors.at(k).list();
    if (p.empty() || p.size() != labels_in_order.size()) self.fail(Code::corrupt, "class_prior_ does not fit classes_");
    auto chosen = static_cast<std::int64_t>(std::ranges::max_element(p) - p.begin());
    if (strategy == "constant") chosen = position_of(labels_in_order, self["constant"].tensor(), k);
    if (chosen < 0) self.fail(Code::corrupt, "the constant is not among the classes");
    if (method == Method::predict) {
      out.push_back(gather(gather(context.constant(labels_in_order), zeros.integers({chosen}), 0), zeros, 0));
      continue;
    }
    if (strategy == "most_frequent" || strategy == "constant") {
      std::ranges::fill(p, 0.0);
      p[static_cast<std::size_t>(chosen)] = 1;
    } else if (strategy == "uniform") {
      std::ranges::fill(p, 1 / static_cast<double>(p.size()));
    } else if (strategy != "prior") {
      unsupported(self, format("strategy={} is not known", strategy));
    }
    if (method == Method::predict_log_proba) for (double& v : p) v = std::log(v);
    const Tensor row = Tensor::vector(p);
    out.push_back(gather(context.constant(row.reshaped({1, static_cast<std::int64_t>(p.size())})), zeros, 0));
  }
  if (method == Method::predict) return side_by_side(out, several);
  if (!several) return out[0];
  return Result(std::move(out));
}

Result dummy_regressor(Context& context, const Object& self, Method, const Table& x) {
  const Tensor constant = self["constant_"].doubles();
  const auto outputs = static_cast<std::int64_t>(constant.size());
  const bool vector = outputs == 1 && !self.boolean("output_2d_", false);  // output_2d_ up to 0.21
  return gather(context.constant(vector ? constant.reshaped({1}) : constant.reshaped({1, outputs})), zero_per_row(x), 0);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> dummy_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"DummyClassifier", kClassifier, dummy_classifier, classifier_has},
      {"DummyRegressor", kRegressor, dummy_regressor},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
