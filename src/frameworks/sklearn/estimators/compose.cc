// SPDX-License-Identifier: Apache-2.0
// Estimators that pass columns on to others (sklearn/pipeline.py, sklearn/compose/_column_transformer.py, _target.py).
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

bool passes_through(const Object& step) { return step.is_none() || step.is_text("passthrough"); }

std::vector<Object> steps_of(const Object& pipeline) {
  std::vector<Object> out;
  for (const Object& step : pipeline["steps"].elements()) {
    const std::vector<Object> pair = step.elements();
    if (pair.size() < 2) step.fail(Code::corrupt, "a step without an estimator");
    out.push_back(pair[1]);
  }
  if (out.empty()) pipeline.fail(Code::corrupt, "a pipeline without steps");
  return out;
}

bool pipeline_has(Context& context, const Object& self, Method method) {
  const std::vector<Object> steps = steps_of(self);
  if (passes_through(steps.back())) return method == Method::transform;
  must_be_known(steps.back());
  return context.has(steps.back(), method);
}

Result pipeline(Context& context, const Object& self, Method method, const Table& x) {
  const std::vector<Object> steps = steps_of(self);
  Table t = x;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    if (!passes_through(steps[i])) t = context.transform(steps[i], t);
  }
  if (passes_through(steps.back())) return t;
  return context.call(steps.back(), method, t);
}

/// The weight of a named part in transformer_weights.
std::optional<double> weight_of(const Object& self, const Object& name) {
  if (!self.set("transformer_weights")) return std::nullopt;
  for (const auto& [key, value] : self["transformer_weights"].entries()) {
    if (key.is_text() && name.is_text(key.node().text())) return value.real();
  }
  return std::nullopt;
}

Table weighted(const Table& t, std::optional<double> weight) { return weight ? Table(t.matrix() * *weight) : t; }

/// set_output(transform="pandas") or "polars": else columns are joined as an array, which has no categories of pandas.
bool gives_frames(const Object& self) {
  if (!self.set("_sklearn_output_config")) return false;
  const Object how = self["_sklearn_output_config"];
  return std::ranges::any_of(how.entries(), [](const auto& e) { return e.first.is_text("transform") && !e.second.is_text("default") && !e.second.is_none(); });
}
void forget_categories(Context& context, const Table& x) {
  if (context.categories.empty()) return;
  for (std::size_t i = 0; i < x.width(); ++i) {
    for (const bool text : {true, false}) context.categories.erase(x.column(i, text).id());
  }
}

Result feature_union(Context& context, const Object& self, Method, const Table& x) {
  std::vector<Table> parts;
  for (const Object& item : self["transformer_list"].elements()) {
    const std::vector<Object> pair = item.elements();
    if (pair.size() < 2) item.fail(Code::corrupt, "a part without a transformer");
    if (pair[1].is_none() || pair[1].is_text("drop")) continue;
    const Table out = pair[1].is_text("passthrough") ? x : context.transform(pair[1], x);
    parts.push_back(weighted(out, weight_of(self, pair[0])));
  }
  if (parts.empty()) return x.select({});
  const Table out = Table::joined(parts);
  if (!gives_frames(self)) forget_categories(context, out);
  return out;
}

std::int64_t column_named(const Object& name, const Table& x) {
  const std::string text = name.text();
  const auto at = std::ranges::find(x.names(), text);
  if (at == x.names().end()) name.fail(Code::corrupt, format("asks for the column \"{}\", which the table does not have", printable(text)));
  return at - x.names().begin();
}

/// Positions that a column specification means (sklearn/utils/__init__.py, _get_column_indices).
std::vector<std::int64_t> columns_of(const Object& self, const Object& which, const Table& x) {
  const auto width = static_cast<std::int64_t>(x.width());
  if (which.is_text()) return {column_named(which, x)};
  if (which.is_number() && which.node().kind != pickle::Kind::boolean) return {which.integer()};
  if (which.name() == "slice" && which.args().size() == 3) {
    const Object begin = which.args()[0], end = which.args()[1], step = which.args()[2];
    const auto bound = [&](const Object& o, std::int64_t otherwise, bool inclusive) {
      if (o.is_none()) return otherwise;
      if (o.is_text()) return column_named(o, x) + (inclusive ? 1 : 0);  // a slice of names includes its end
      const std::int64_t i = o.integer();
      return std::clamp<std::int64_t>(i < 0 ? i + width : i, 0, width);
    };
    if (!step.is_none() && step.integer() <= 0) unsupported(self, "columns by a slice that runs backwards");
    std::vector<std::int64_t> out;
    for (std::int64_t i = bound(begin, 0, false); i < bound(end, width, true); i += step.is_none() ? 1 : step.integer()) out.push_back(i);
    return out;
  }
  Object list = which;
  if (list.is_instance() && !list.array() && list.set("data")) list = list["data"];  // the remainder's _RemainderColsList (1.5 to 1.8)
  if (const auto array = list.array(); array && array->type.kind != 'O') {
    if (array->type.kind == 'b') return positions(list);
    if (array->type.kind != 'U') return list.integers();
    std::vector<std::int64_t> out;
    const Tensor names = list.tensor();
    for (const std::string& name : names.data<std::string>()) {
      const auto at = std::ranges::find(x.names(), name);
      if (at == x.names().end()) list.fail(Code::corrupt, format("asks for the column \"{}\", which the table does not have", printable(name)));
      out.push_back(at - x.names().begin());
    }
    return out;
  }
  if (!list.is_sequence()) unsupported(self, format("columns given as a {}", which.full_name()));
  const std::vector<Object> items = list.elements();
  const bool mask = !items.empty() && items[0].node().kind == pickle::Kind::boolean;
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (mask) {
      if (items[i].boolean()) out.push_back(static_cast<std::int64_t>(i));
    } else {
      out.push_back(items[i].is_text() ? column_named(items[i], x) : items[i].integer());
    }
  }
  return out;
}

Result column_transformer(Context& context, const Object& self, Method, const Table& x) {
  std::map<std::string, Object, std::less<>> indices;  // since 1.0: name → positions, everything resolved
  if (self.set("_transformer_to_input_indices")) {
    for (const auto& [name, which] : self["_transformer_to_input_indices"].entries()) indices[name.text()] = which;
  }
  std::vector<Table> parts;
  for (const Object& item : self["transformers_"].elements()) {
    const std::vector<Object> part = item.elements();
    if (part.size() < 3) item.fail(Code::corrupt, "a part without its columns");
    if (part[1].is_text("drop")) continue;
    const auto known = indices.find(part[0].text());
    const std::vector<std::int64_t> which = known != indices.end() ? columns_of(self, known->second, x) : columns_of(self, part[2], x);
    if (which.empty()) continue;
    const Table selected = x.select(which);
    parts.push_back(weighted(part[1].is_text("passthrough") ? selected : context.transform(part[1], selected), weight_of(self, part[0])));
  }
  if (parts.empty()) return x.select({});
  const Table out = Table::joined(parts);
  if (!gives_frames(self)) forget_categories(context, out);
  return out;
}

Result transformed_target(Context& context, const Object& self, Method, const Table& x) {
  Expr y = context.predict(self["regressor_"], x);
  if (y.type().rank() == 1u) y = unsqueeze(y, 1);
  y = inverse_transform(context, self["transformer_"], y);
  return self.integer("_training_dim", 1) == 1 && y.dim(1) == 1 ? squeeze(y, 1) : y;
}

/// What a sampler of imbalanced-learn does outside of fit: nothing (imblearn/pipeline.py).
Result sampler(Context&, const Object&, Method, const Table& x) { return x; }

}  // namespace

DECANT_AT_START std::span<const Estimator> compose_estimators() {
  static constexpr Methods kAll{Method::predict,   Method::predict_proba, Method::predict_log_proba, Method::decision_function,
                                Method::transform, Method::score_samples, Method::kneighbors,  Method::apply};
  static constexpr Estimator kEstimators[] = {
      {"Pipeline", kAll, pipeline, pipeline_has},
      {"FeatureUnion", kTransformer, feature_union},
      {"ColumnTransformer", kTransformer, column_transformer},
      {"Sampler", kTransformer, sampler},
      {"TransformedTargetRegressor", kRegressor, transformed_target},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
