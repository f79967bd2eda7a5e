// SPDX-License-Identifier: Apache-2.0
// XGBoost's scikit-learn interface (python-package/xgboost/sklearn.py): a Booster inside an estimator.
#include <cmath>

#include "base/text.h"
#include "frameworks/sklearn/casts.h"
#include "frameworks/sklearn/parts.h"
#include "frameworks/xgboost/pickled.h"

namespace decant::sklearn {
namespace {

Expr rows_of(Context& context, const Object& self, const xgboost::Booster& booster, const Table& x) {
  if (static_cast<std::int64_t>(x.width()) != booster.num_feature && !x.is_whole()) {
    self.fail(Code::mismatch, format("the model takes {} columns, {} come in", booster.num_feature, x.width()));
  }
  // Columns of pandas' categories come as their codes; a model that keeps lists of its own (since 3.1) looks its columns up itself.
  const auto column = [&](std::size_t i, bool text) {
    const auto codes = text ? std::nullopt : category_codes_of(context, x, i);
    return codes ? *codes : x.column(i, text);
  };
  Expr out;
  if (xgboost::has_categories(booster) || (!x.is_whole() && !context.categories.empty())) out = xgboost::coded_rows(booster, column);
  else out = cast(x.matrix(), DType::float32);
  // What stands for a missing cell beside NaN, compared in float32 (data::IsValidFunctor).
  const double missing = self.has("missing") && self["missing"].is_number() ? self["missing"].real() : std::nan("");
  if (std::isnan(missing)) return out;
  return where(equal(out, out.constant(Tensor::scalar(static_cast<float>(missing)))), out.scalar(std::nan("")), out);
}

constexpr xgboost::Version kInPlace{1, 4};  // the wrapper predicts without a DMatrix since

/// _get_iteration_range
std::optional<std::int64_t> rounds_of(const Object& self, const xgboost::Booster& booster) {
  if (booster.version.major >= 1) return booster.best_rounds();
  const std::int64_t limit = self.integer("best_ntree_limit", 0);  // counts trees of each output, as the stored trees do not tell how many make a round
  return limit > 0 ? std::optional(limit) : std::nullopt;
}

Expr predicted(Context& context, const Object& self, const Table& x) {
  const xgboost::Booster& booster = xgboost::booster_of(self["_Booster"]);
  return xgboost::transformed(booster, xgboost::margin(booster, rows_of(context, self, booster, x), rounds_of(self, booster), booster.version >= kInPlace));
}

/// XGBModel.apply, which looked at all trees before 1.4.
Expr leaves(Context& context, const Object& self, const Table& x) {
  const xgboost::Booster& booster = xgboost::booster_of(self["_Booster"]);
  return xgboost::leaves(booster, rows_of(context, self, booster, x), booster.version >= kInPlace ? rounds_of(self, booster) : std::nullopt);
}

Result regressor(Context& context, const Object& self, Method method, const Table& x) {
  return method == Method::apply ? leaves(context, self, x) : predicted(context, self, x);
}

std::int64_t class_count(const Object& self) {
  if (self.set("n_classes_")) return self.integer("n_classes_", 2);
  return std::max<std::int64_t>(xgboost::booster_of(self["_Booster"]).num_class, 2);
}

/// Labels, where versions before 1.6 kept them; else the classes are their own numbers.
std::optional<Tensor> kept_classes(const Object& self) { return stored_classes(self, {"_le", "classes_"}); }

Result classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return leaves(context, self, x);
  const bool plain = xgboost::booster_of(self["_Booster"]).objective == "multi:softmax";  // classes already
  if (method == Method::predict_proba) {
    const Expr p = predicted(context, self, x);
    if (p.type().rank() == 2u || plain) return p;
    const Expr positive = unsqueeze(p, 1);
    return concat({1.0 - positive, positive}, 1);
  }
  const Expr p = context.value(self, Method::predict_proba, x);
  Expr which;
  if (plain) which = cast(p, DType::int64);
  else if (class_count(self) != 2 && xgboost::booster_of(self["_Booster"]).num_class > 1) which = argmax(p, 1);
  else if (xgboost::booster_of(self["_Booster"]).outputs() > 1) return cast(greater(p, p.scalar(0.5)), DType::int64);  // several labels
  else which = cast(greater(squeeze(columns(p, {1}), 1), p.scalar(0.5)), DType::int64);
  const auto classes = kept_classes(self);
  return classes ? labels(context, *classes, which) : which;
}

void facts(const Object& self, Facts& out) {
  if (!self.set("_Booster")) return;
  const xgboost::Booster& booster = xgboost::booster_of(self["_Booster"]);
  out.features = booster.num_feature;
  out.names = booster.feature_names;
  out.text = xgboost::has_text_categories(booster);
  if (!self.name().ends_with("Classifier") || (booster.outputs() > 1 && booster.num_class <= 1)) return;
  if (const auto stored = kept_classes(self)) {
    out.classes = *stored;
  } else if (const std::int64_t count = class_count(self); count > 0 && count < 1'000'000) {
    out.classes = Tensor(DType::int64, {count});
    for (std::int64_t k = 0; k < count; ++k) out.classes.mutable_data<std::int64_t>()[static_cast<std::size_t>(k)] = k;
  }
}

}  // namespace

DECANT_AT_START std::span<const Estimator> xgboost_estimators() {
  static constexpr Methods kProbabilities{Method::predict, Method::predict_proba, Method::apply}, kValues{Method::predict, Method::apply};
  static constexpr Estimator kEstimators[] = {
      {"XGBClassifier", kProbabilities, classifier, nullptr, facts}, {"XGBRFClassifier", kProbabilities, classifier, nullptr, facts},
      {"XGBModel", kValues, regressor, nullptr, facts},           {"XGBRFRegressor", kValues, regressor, nullptr, facts},
      {"XGBRanker", kValues, regressor, nullptr, facts},          {"XGBRegressor", kValues, regressor, nullptr, facts},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
