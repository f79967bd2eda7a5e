// SPDX-License-Identifier: Apache-2.0
// Missing values (sklearn/impute/_base.py; Imputer of preprocessing/imputation.py up to 0.21).
#include <algorithm>
#include <cmath>

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

}  // namespace

std::span<const Estimator> impute_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"SimpleImputer", kTransformer, simple_imputer}, {"Imputer", kTransformer, simple_imputer}, {"MissingIndicator", kTransformer, missing_indicator}};
  return kEstimators;
}

}  // namespace decant::sklearn
