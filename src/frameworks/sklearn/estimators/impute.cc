// SPDX-License-Identifier: Apache-2.0
// Missing values (sklearn/impute/_base.py, _knn.py, _iterative.py; Imputer of preprocessing/imputation.py up to 0.21).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// Whether a table has a column of texts that the missing value or the filling could mean.
bool any_text(const Table& x) {
  for (std::size_t i = 0; i < x.width(); ++i) {
    if (x.is_text(i)) return true;
  }
  return false;
}

Missing missing_of(const Object& self) { return Missing(self.has("missing_values") ? self["missing_values"] : Object{}); }

/// The mask of missing cells, boolean [N, width].
Expr mask_of(const Object& self, const Table& x) {
  const Missing missing = missing_of(self);
  if (!missing.is_text && !any_text(x)) return missing.in(x.matrix());
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < x.width(); ++i) parts.push_back(missing.in(x.column(i, missing.is_text || x.is_text(i))));
  return concat(parts, 1);
}

/// The columns of a MissingIndicator, of the mask of missing cells.
Expr indicated(const Object& self, Expr mask, bool strict) {
  if (self.text("features", "missing-only") != "missing-only") return mask;
  const std::vector<std::int64_t> features = self["features_"].integers();
  if (strict && self.boolean("error_on_new", true)) {
    std::vector<std::int64_t> others;
    for (std::int64_t i = 0; i < mask.dim(1); ++i) {
      if (std::ranges::find(features, i) == features.end()) others.push_back(i);
    }
    if (!others.empty()) mask = require(mask, logical_not(columns(mask, others)), "a missing value in a column that had none when MissingIndicator was fitted");
  }
  return columns(mask, features);
}

Result missing_indicator(Context&, const Object& self, Method, const Table& x) { return indicated(self, mask_of(self, x), true); }

/// Text columns, one by one: what is missing becomes the statistic's text.
Table fill_columns(const Object& self, const Missing& missing, const std::vector<Object>& statistics, const Table& x) {
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Object& statistic = statistics[i];
    if (is_missing(statistic)) continue;  // a column without any value
    const bool text = statistic.is_text() || (!statistic.is_number() && !statistic.is_none());
    const Expr column = x.column(i, text);
    if (text && column.dtype() != DType::string) self.fail(Code::unsupported, format("column {} holds numbers, where the imputer fills texts", i));
    const Expr filled = text ? column.constant(Tensor::scalar(statistic.text())) : column.scalar(statistic.real());
    std::vector<std::string> name;
    if (!x.names().empty()) name.push_back(x.names()[i]);
    parts.emplace_back(where(missing.in(column), filled, column), name);
  }
  return Table::joined(parts);
}

Result simple_imputer(Context& context, const Object& self, Method, const Table& x) {
  if (self.integer("axis", 0) != 0) unsupported(self, "imputation along rows (axis=1)");
  const Missing missing = missing_of(self);
  const Object list = self["statistics_"];
  const auto array = list.array();
  std::vector<Table> parts;
  if (array && (array->type.kind == 'O' || array->type.kind == 'U')) {
    std::vector<Object> statistics = array->type.kind == 'O' ? list.elements() : std::vector<Object>{};
    const bool texts = array->type.kind == 'U' || std::ranges::any_of(statistics, [](const Object& o) { return o.is_text(); });
    if (array->type.kind == 'U') unsupported(self, "statistics_ as fixed-width texts");
    if (statistics.size() != x.width()) self.fail(Code::corrupt, format("statistics_ of {} columns, where {} come in", statistics.size(), x.width()));
    if (texts) parts.push_back(fill_columns(self, missing, statistics, x));
  }
  if (parts.empty()) {
    const std::vector<double> statistics = list.list();
    if (statistics.size() != x.width()) self.fail(Code::corrupt, format("statistics_ of {} columns, where {} come in", statistics.size(), x.width()));
    // A column without any value is left out, unless the fill is a constant (up to 1.7) or keep_empty_features says so (since 1.2).
    const bool keep = self.boolean("keep_empty_features", false) || (context.version(self) < Version{1, 8} && self.text("strategy", "mean") == "constant");
    std::vector<std::int64_t> valid;
    std::vector<double> fill;
    for (std::size_t i = 0; i < statistics.size(); ++i) {
      if (!keep && std::isnan(statistics[i])) continue;
      valid.push_back(static_cast<std::int64_t>(i));
      fill.push_back(statistics[i]);
    }
    const Table kept = valid.size() == x.width() ? x : x.select(valid);
    const Expr cells = kept.matrix();
    parts.emplace_back(where(missing.in(cells), cells.row(fill), cells), kept.names());
  }
  if (self.boolean("add_indicator", false) && self.set("indicator_")) {
    const Expr mask = indicated(self["indicator_"], mask_of(self, x), false);
    if (mask.dim(1) != 0) parts.emplace_back(cast(mask, DType::float64));
  }
  return Table::joined(parts);
}

// --- KNNImputer ------------------------------------------------------------------------------------------------------------------------

Result knn_imputer(Context&, const Object& self, Method, const Table& t) {
  if (self.text("metric", "nan_euclidean") != "nan_euclidean") unsupported(self, "a metric of one's own");
  const bool by_distance = self.set("weights") && self["weights"].is_text("distance");
  if (!by_distance && self.set("weights") && !self["weights"].is_text("uniform")) unsupported(self, "weights by a function");
  const Expr x = t.matrix(), absent = mask_of(self, t);
  const Tensor rows = self["_fit_X"].doubles(), rows_absent = self["_mask_fit_X"].tensor();
  if (rows.rank() != 2 || rows.dim(1) != x.dim(1) || rows_absent.shape() != rows.shape() || rows_absent.dtype() != DType::boolean) {
    self.fail(Code::corrupt, format("_fit_X of shape {}, its mask {}, where {} columns come in", text_of(rows.shape()), text_of(rows_absent.shape()), x.dim(1)));
  }
  const std::int64_t k = self.integer("n_neighbors", 5);
  if (k < 1) self.fail(Code::corrupt, "no neighbours are asked for");
  Expr filled = apply("decant", "ImputeNeighbors", {x, absent}, {{"rows", rows}, {"rows_absent", rows_absent}, {"k", k}, {"by_distance", std::int64_t{by_distance}}});
  const auto n = static_cast<std::size_t>(rows.dim(0)), width = static_cast<std::size_t>(rows.dim(1));
  std::vector<std::int64_t> seen;  // columns that a row of the training has; the others are zeros, or left out
  for (std::size_t f = 0; f < width; ++f) {
    bool any = self.boolean("keep_empty_features", false);
    for (std::size_t r = 0; r < n && !any; ++r) any = !rows_absent.data<bool>()[r * width + f];
    if (any) seen.push_back(static_cast<std::int64_t>(f));
  }
  if (seen.size() != width) filled = columns(filled, seen);
  std::vector<Expr> parts = {filled};
  if (self.boolean("add_indicator", false) && self.set("indicator_")) {
    const Expr mask = indicated(self["indicator_"], absent, false);
    if (mask.dim(1) != 0) parts.push_back(mask);
  }
  return as_result(std::move(parts));
}

// --- IterativeImputer ---------------------------------------------------------------------------------------------------------------------

/// Each step predicts one column's missing cells from other columns, filled so far.
Result iterative_imputer(Context& context, const Object& self, Method, const Table& t) {
  if (self.boolean("sample_posterior", false)) unsupported(self, "imputation by chance (sample_posterior=True)");
  const Expr x = t.matrix(), complete = mask_of(self, t);
  const Object initial = self["initial_imputer_"];
  const bool keep = self.boolean("keep_empty_features", false);
  std::vector<bool> empty;  // columns without any value in training
  if (self.set("_is_empty_feature")) {
    for (const std::int64_t e : self["_is_empty_feature"].integers()) empty.push_back(e != 0);
  } else {
    for (const double v : initial["statistics_"].list()) empty.push_back(std::isnan(v));
  }
  if (static_cast<std::int64_t>(empty.size()) != x.dim(1)) self.fail(Code::corrupt, format("tells of {} columns, where {} come in", empty.size(), x.dim(1)));
  std::vector<std::int64_t> valid;
  for (std::size_t i = 0; i < empty.size(); ++i) {
    if (keep || !empty[i]) valid.push_back(static_cast<std::int64_t>(i));
  }
  const Expr filled = context.value(initial, Method::transform, t);
  if (filled.dim(1) != static_cast<std::int64_t>(valid.size())) self.fail(Code::corrupt, "the initial imputer gives another number of columns");
  std::vector<Expr> columns_now, missing;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    columns_now.push_back(columns(filled, {static_cast<std::int64_t>(i)}));
    missing.push_back(columns(complete, {valid[i]}));
  }
  const std::vector<double> low = self["_min_value"].list(), high = self["_max_value"].list();
  const std::vector<Object> steps = self.integer("n_iter_", 0) == 0 ? std::vector<Object>{} : self["imputation_sequence_"].elements();
  for (const Object& step : steps) {
    const std::vector<Object> parts = step.is_sequence() ? step.elements() : step.args();  // _ImputerTriplet
    if (parts.size() != 3) step.fail(Code::corrupt, "a step of imputation without column, neighbours and estimator");
    const std::int64_t at = parts[0].integer();
    const auto f = static_cast<std::size_t>(at);
    if (at < 0 || f >= columns_now.size() || f >= low.size() || f >= high.size()) step.fail(Code::corrupt, format("column {}", at));
    if (keep && empty[static_cast<std::size_t>(valid[f])]) continue;
    std::vector<Table> neighbours;
    for (const std::int64_t n : parts[1].integers()) {
      if (n < 0 || static_cast<std::size_t>(n) >= columns_now.size()) step.fail(Code::corrupt, format("neighbour {}", n));
      neighbours.emplace_back(columns_now[static_cast<std::size_t>(n)]);
    }
    Expr guess = cast(context.predict(parts[2], Table(Table::joined(neighbours).matrix())), DType::float64);
    if (guess.type().rank() == 1u) guess = unsqueeze(guess, 1);
    columns_now[f] = where(missing[f], clip(guess, low[f], high[f]), columns_now[f]);
  }
  if (self.boolean("add_indicator", false) && self.set("indicator_")) {
    const Expr mask = indicated(self["indicator_"], complete, false);
    if (mask.dim(1) != 0) columns_now.push_back(mask);
  }
  return as_result(std::move(columns_now));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> impute_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"SimpleImputer", kTransformer, simple_imputer}, {"Imputer", kTransformer, simple_imputer}, {"KNNImputer", kTransformer, knn_imputer},
      {"IterativeImputer", kTransformer, iterative_imputer}, {"MissingIndicator", kTransformer, missing_indicator}};
  return kEstimators;
}

}  // namespace decant::sklearn
