// SPDX-License-Identifier: Apache-2.0
// LightGBM's scikit-learn interface (python-package/lightgbm/sklearn.py): a Booster inside an estimator.
#include "base/text.h"
#include "frameworks/lightgbm/pickled.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

const lightgbm::Booster& booster_in(const Object& self) { return lightgbm::booster_of(self["_Booster"]); }

Expr rows_of(const Object& self, const Table& x) {
  const lightgbm::Booster& booster = booster_in(self);
  if (static_cast<std::int64_t>(x.width()) != booster.num_feature && !x.is_whole()) {
    self.fail(Code::mismatch, format("the model takes {} columns, {} come in", booster.num_feature, x.width()));
  }
  return booster.pandas_categorical.empty() ? x.matrix() : lightgbm::coded_rows(booster, [&](std::size_t i, bool text) { return x.column(i, text); });
}

Expr predicted(const Object& self, const Table& x) { return lightgbm::transformed(booster_in(self), lightgbm::raw_score(booster_in(self), rows_of(self, x))); }

/// predict(X, pred_leaf=True); `apply` is what other libraries call it.
Expr leaves(const Object& self, const Table& x) { return lightgbm::leaves(booster_in(self), rows_of(self, x)); }

Result regressor(Context&, const Object& self, Method method, const Table& x) { return method == Method::apply ? leaves(self, x) : predicted(self, x); }

std::optional<Tensor> kept_classes(const Object& self) { return stored_classes(self, {"_classes", "classes_", "_le"}); }

Result classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return leaves(self, x);
  // An objective of the user's own: its scores are all that there is.
  const bool own = booster_in(self).objective.empty() || booster_in(self).objective == "custom";
  if (method == Method::predict_proba) {
    const Expr p = predicted(self, x);
    if (own || p.type().rank() == 2u) return p;
    const Expr positive = unsqueeze(p, 1);
    return concat({1.0 - positive, positive}, 1);
  }
  const Expr p = context.value(self, Method::predict_proba, x);
  if (own) return p;
  const auto classes = kept_classes(self);
  if (!classes) unsupported(self, "cannot tell its classes");
  return labels(context, *classes, argmax(p, 1));
}

void facts(const Object& self, Facts& out) {
  if (!self.set("_Booster")) return;
  const lightgbm::Booster& booster = booster_in(self);
  out.features = booster.num_feature;
  out.names = booster.feature_names;
  if (!booster.pandas_categorical.empty()) {
    for (const CategoryList& known : booster.categories()) out.text = out.text || known.is_text();
  }
  if (!self.name().ends_with("Classifier")) return;
  if (const auto classes = kept_classes(self)) out.classes = *classes;
}

}  // namespace

DECANT_AT_START std::span<const Estimator> lightgbm_estimators() {
  static constexpr Methods kProbabilities{Method::predict, Method::predict_proba, Method::apply}, kValues{Method::predict, Method::apply};
  static constexpr Estimator kEstimators[] = {
      {"LGBMClassifier", kProbabilities, classifier, nullptr, facts},
      {"LGBMModel", kValues, regressor, nullptr, facts},
      {"LGBMRanker", kValues, regressor, nullptr, facts},
      {"LGBMRegressor", kValues, regressor, nullptr, facts},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
