// SPDX-License-Identifier: Apache-2.0
// Classes of other packages that hold a fitted scikit-learn estimator and hand rows on to it: FLAML's learners (flaml/automl/model.py), TPOT's
// StackingEstimator (tpot/builtins), scikit-lego's EstimatorTransformer and OrdinalClassifier (sklego/meta), Boruta's BorutaPy (boruta_py.py).
// find_estimator knows them by their exact names; what hands rows on as they are (mlxtend's DenseTransformer) is IdentityTransformer there.
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/casts.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

bool learner_has(Context& context, const Object& self, Method method) {
  must_be_known(self["_model"]);
  return context.has(self["_model"], method);
}
Result learner(Context& context, const Object& self, Method method, const Table& x) {
  if (self.set("normalizer")) return context.call(self["_model"], method, context.transform(self["normalizer"], x));
  if (self.name() == "LGBMEstimator" || self.name() == "CatBoostEstimator") return context.call(self["_model"], method, x);
  // SKLearnEstimator._preprocess: pandas' categories become their codes.
  std::vector<Table> columns;
  bool any = false;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const auto codes = category_codes_of(context, x, i);
    columns.push_back(codes ? Table(*codes) : x.select({static_cast<std::int64_t>(i)}));
    any = any || codes;
  }
  return context.call(self["_model"], method, any ? Table::joined(columns) : x);
}
void learner_facts(const Object& self, Facts& out) {
  if (!self.set("_model")) return;
  out = facts_through(self["_model"]);
  if (self["_model"].set("classes_")) out.classes = classes_of(self["_model"]);
}

/// The estimator's label, its probabilities where it has such, and the columns that came in. The label comes as a number.
Result stacking(Context& context, const Object& self, Method, const Table& x) {
  const Object estimator = self["estimator"];
  const Expr label = context.predict(estimator, x);
  if (label.dtype() == DType::string) unsupported(self, "labels that are texts, side by side with numbers");
  std::vector<Table> parts{Table(cast(unsqueeze(label, 1), DType::float64))};
  if (context.has(estimator, Method::predict_proba)) parts.emplace_back(cast(context.value(estimator, Method::predict_proba, x), DType::float64));
  parts.push_back(x);
  return Table::joined(parts);
}

Result by_function(Context& context, const Object& self, Method, const Table& x) {
  const std::string function = self.text("predict_func", "predict");
  const std::optional<Method> asked = method_named(function);
  if (!asked) unsupported(self, format("predict_func=\"{}\"", printable(function)));
  const Expr out = context.value(self["estimator_"], *asked, x);
  return out.type().rank() == 1u ? unsqueeze(out, 1) : out;
}

/// One estimator for each class but the last, of whether a row is at most it: its probability less that of the class before.
Result ordinal(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor classes = classes_of(self);
  std::vector<Object> estimators;
  if (self["estimators_"].is_dict()) for (const auto& [label, estimator] : self["estimators_"].entries()) estimators.push_back(estimator);
  else estimators = self["estimators_"].elements();
  std::vector<Expr> at_most;
  for (const Object& estimator : estimators) at_most.push_back(columns(context.value(estimator, Method::predict_proba, x), {1}));
  if (at_most.empty() || at_most.size() + 1 != classes.size()) self.fail(Code::corrupt, format("{} estimators for {} classes", at_most.size(), classes.size()));
  std::vector<Expr> parts{at_most[0]};
  for (std::size_t i = 1; i < at_most.size(); ++i) parts.push_back(at_most[i] - at_most[i - 1]);
  parts.push_back(1.0 - at_most.back());
  const Expr p = concat(parts, 1);
  return method == Method::predict ? labels(context, classes, argmax(p, 1)) : p;
}

Result boruta(Context&, const Object& self, Method, const Table& x) {
  return chosen_by(self, "support_", x);
}

void boruta_facts(const Object& self, Facts& out) {  // its n_features_ counts those that it selects
  if (self.set("support_")) out.features = static_cast<std::int64_t>(self["support_"].integers().size());
}

}  // namespace

DECANT_AT_START std::span<const Estimator> wrappers_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"FlamlLearner", {Method::predict, Method::predict_proba}, learner, learner_has, learner_facts},
      {"StackingEstimator", kTransformer, stacking},
      {"EstimatorTransformer", kTransformer, by_function},
      {"OrdinalClassifier", {Method::predict, Method::predict_proba}, ordinal},
      {"BorutaPy", kTransformer, boruta, nullptr, boruta_facts},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
