// SPDX-License-Identifier: Apache-2.0
// Pipelines of sklearn2pmml (from 0.19 on) and sklearn_pandas: what holds other estimators, maps data frames, or is one of them
// under another name. The domains and transformers are in files of their own. find_estimator knows these classes by their exact names.
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/casts.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

Result alias(Context& context, const Object& self, Method, const Table& x) {
  return context.transform(self.set("transformer_") ? self["transformer_"] : self["transformer"], x);
}

// --- sklearn_pandas.DataFrameMapper -------------------------------------------------------------------------------------------------------

Result data_frame_mapper(Context& context, const Object& self, Method, const Table& x) {
  std::vector<Table> parts;
  std::vector<bool> taken(x.width(), false);
  const Object features = self.set("built_features") ? self["built_features"] : self["features"];
  for (const Object& feature : features.elements()) {
    const std::vector<Object> part = feature.elements();
    if (part.size() < 2) feature.fail(Code::corrupt, "columns without a transformer");
    std::vector<std::int64_t> which;
    for (const std::string& name : names_in(part[0])) {
      const auto at = std::ranges::find(x.names(), name);
      if (at == x.names().end()) self.fail(Code::corrupt, format("asks for the column \"{}\", which the table does not have", printable(name)));
      which.push_back(at - x.names().begin());
      taken[static_cast<std::size_t>(which.back())] = true;
    }
    Table t = x.select(which);
    if (part[1].is_sequence()) {
      for (const Object& step : part[1].elements()) t = step.is_none() ? t : context.transform(step, t);
    } else if (!part[1].is_none()) {
      t = context.transform(part[1], t);
    }
    parts.push_back(std::move(t));
  }
  if (self.has("default") && self["default"].is_none()) {  // the rest goes through
    std::vector<std::int64_t> rest;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (!taken[i]) rest.push_back(static_cast<std::int64_t>(i));
    }
    // The mapper keeps no names but those that it maps. Where nothing else names its input, which others there are is not in the file.
    if (rest.empty()) unsupported(self, "default=None hands on all other columns, and the file does not say which there are");
    parts.push_back(x.select(rest));
  } else if (self.has("default") && !(self["default"].is_number() && !self["default"].boolean())) {
    unsupported(self, "a transformer for all other columns");
  }
  if (parts.empty()) return x.select({});
  Table out = Table::joined(parts);
  if (self.boolean("df_out", false) && self.set("transformed_names_")) {
    std::vector<std::string> names = names_in(self["transformed_names_"]);
    if (names.size() == out.width()) return out.named(std::move(names));
  }
  return out;
}

/// sklearn_pandas.CategoricalImputer: the most frequent value, or a given one, for what is missing.
Result categorical_imputer(Context&, const Object& self, Method, const Table& x) {
  if (x.width() != 1) unsupported(self, format("takes one column, {} come in", x.width()));
  const Object fill = self["fill_"];
  const Expr column = x.column(0, fill.is_text());
  const Expr value = fill.is_text() ? column.constant(Tensor::scalar(fill.text())) : column.scalar(fill.real());
  return where(Missing(self.has("missing_values") ? self["missing_values"] : Object{}).in(column), value, column);
}

// --- sklearn2pmml's own estimators ---------------------------------------------------------------------------------------------------------

Result series_constructor(Context&, const Object& self, Method, const Table& x) {
  if (x.width() != 1) unsupported(self, format("takes one column, {} come in", x.width()));
  return self.set("name") ? x.named({self["name"].text()}) : x;
}

Result data_frame_constructor(Context&, const Object& self, Method, const Table& x) {
  if (self.set("columns")) {
    std::vector<std::string> names = names_in(self["columns"]);
    if (names.size() == x.width()) return x.named(std::move(names));
  }
  return x;
}

/// SelectorProxy and SelectUnique
Result masked(Context&, const Object& self, Method, const Table& x) {
  return chosen_by(self, "support_mask_", x);
}

/// EstimatorProxy; in early versions the fitted one is estimator_.
Object proxied(const Object& self) { return self.set("estimator_") ? self["estimator_"] : self["estimator"]; }
bool proxy_has(Context& context, const Object& self, Method method) {
  must_be_known(proxied(self));
  return context.has(proxied(self), method);
}
Result proxy(Context& context, const Object& self, Method method, const Table& x) { return context.call(proxied(self), method, x); }

/// A linear model over the leaves that rows end in: GBDTLMRegressor and GBDTLRClassifier (sklearn2pmml/ensemble).
Result over_leaves(Context& context, const Object& self, Method method, const Table& x) {
  const Object gbdt = self["gbdt_"];
  const Expr leaves = context.value(gbdt, Method::apply, x);  // [N, trees], [N, trees, classes] or [N, 1 tree]
  // Of several trees a round only the first is looked at.
  const Expr first = leaves.type().rank() == 3u ? squeeze(slice(leaves, 0, 1, 2), 2) : leaves;
  const Table encoded = context.transform(self["ohe_"], Table(cast(first, DType::float64)));
  return context.call(self.set("lm_") ? self["lm_"] : self["lr_"], method, encoded);
}
bool over_leaves_has(Context& context, const Object& self, Method method) { return context.has(self.set("lm_") ? self["lm_"] : self["lr_"], method); }
void over_leaves_facts(const Object& self, Facts& out) {
  if (!self.set("gbdt_")) return;
  out = facts_through(self["gbdt_"]);
  if (self.set("lr_")) out.classes = classes_of(self["lr_"]);
}

/// Layer `transformer_output_layer` of an MLPRegressor that was fitted on its own input; the fit shortened the network already.
Result mlp_transformer(Context& context, const Object& self, Method, const Table& x) {
  const Expr out = context.predict(self["mlp_"], x);
  return out.type().rank() == 1u ? unsqueeze(out, 1) : out;
}

}  // namespace

DECANT_AT_START std::span<const Estimator> sklearn2pmml_estimators() {
  static constexpr Methods kAll{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform, Method::score_samples};
  static constexpr Methods kClassifies{Method::predict, Method::predict_proba};
  static constexpr Estimator kEstimators[] = {
      {"EstimatorProxy", kAll, proxy, proxy_has},            {"Alias", kTransformer, alias},
      {"MultiAlias", kTransformer, alias},                   {"DataFrameMapper", kTransformer, data_frame_mapper},
      {"DataFrameConstructor", kTransformer, data_frame_constructor}, {"SeriesConstructor", kTransformer, series_constructor}, {"SelectorProxy", kTransformer, masked},
      {"SelectUnique", kTransformer, masked},
      {"GBDTLMRegressor", kRegressor, over_leaves, over_leaves_has, over_leaves_facts},
      {"GBDTLRClassifier", kClassifies, over_leaves, over_leaves_has, over_leaves_facts},
      {"CategoricalImputer", kTransformer, categorical_imputer}, {"MLPTransformer", kTransformer, mlp_transformer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
