// SPDX-License-Identifier: Apache-2.0
// CatBoost's estimators (catboost/core.py), alone and in pipelines.
#include "base/text.h"
#include "frameworks/catboost/pickled.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

Expr rows_of(const Object& self, const Table& x) {
  const catboost::Booster& booster = catboost::booster_of(self);
  if (static_cast<std::int64_t>(x.width()) != booster.columns && !x.is_whole()) {
    self.fail(Code::mismatch, format("the model takes {} columns, {} come in", booster.columns, x.width()));
  }
  return !catboost::by_column(booster) ? cast(x.matrix(), DType::float32) : catboost::rows(booster, [&](std::size_t i, catboost::Kind kind) {
    if (kind == catboost::Kind::embedding) unsupported(self, format("takes vectors in column {}: save the model as .cbm, where they are inputs of their own", i));
    return x.column(i, kind == catboost::Kind::text);
  });
}

Expr raw_of(const Object& self, const Table& x) { return catboost::raw_values(catboost::booster_of(self), rows_of(self, x)); }

/// calc_leaf_indexes(); `apply` is what other libraries call it.
Expr leaves(const Object& self, const Table& x) { return catboost::leaves(catboost::booster_of(self), rows_of(self, x)); }

/// As predict() of CatBoostClassifier and CatBoostRegressor transforms it.
Result trained(Context&, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return leaves(self, x);
  const catboost::Answers all = catboost::answers(catboost::booster_of(self), raw_of(self, x));
  if (self.name() == "CatBoostClassifier" && !all.predict_proba) unsupported(self, format("a classifier of the loss {}", printable(catboost::booster_of(self).loss, 40)));
  return method == Method::predict_proba ? all.predict_proba : all.predict;
}

/// predict() of CatBoost and CatBoostRanker gives what the trees add up to.
Result untransformed(Context&, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return leaves(self, x);
  const Expr raw = raw_of(self, x);
  return raw.dim(1) == 1 ? squeeze(raw, 1) : raw;
}

void facts(const Object& self, Facts& out) {
  if (!self.has("__model")) return;
  const catboost::Booster& booster = catboost::booster_of(self);
  out.features = booster.columns;
  out.text = catboost::by_column(booster);
  if (booster.names.size() == static_cast<std::size_t>(booster.columns)) out.names = booster.names;
  if (self.name() == "CatBoostClassifier") out.classes = catboost::classes_of(booster);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> catboost_estimators() {
  static constexpr Methods kProbabilities{Method::predict, Method::predict_proba, Method::apply}, kValues{Method::predict, Method::apply};
  static constexpr Estimator kEstimators[] = {
      {"CatBoost", kValues, untransformed, nullptr, facts},
      {"CatBoostClassifier", kProbabilities, trained, nullptr, facts},
      {"CatBoostRanker", kValues, untransformed, nullptr, facts},
      {"CatBoostRegressor", kValues, trained, nullptr, facts},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
