// SPDX-License-Identifier: Apache-2.0
// category_encoders (category_encoders/{ordinal,one_hot,basen,binary,count,target_encoder,leave_one_out,…}.py, 2.2 to 2.11): each encodes
// some columns and passes the others on. What a column's categories become is in pandas tables.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/text.h"
#include "frameworks/python/pandas.h"
#include "frameworks/sklearn/categories.h"

namespace decant::sklearn {
namespace {

using python::LabelledNumbers;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kUnknown = -1, kMissing = -2;  // codes that its OrdinalEncoder gives

LabelledNumbers table_of(const Object& object) {
  auto out = python::as_labelled(object);
  if (!out) object.fail(Code::unsupported, format("a mapping that is a {}, not a table of pandas", printable(object.full_name())));
  return std::move(*out);
}

/// What a fitted column becomes: one value, or several, for each category, for a missing cell that is no category, and for the rest.
struct Column {
  Object labels;
  std::vector<std::vector<double>> values;  // one list for each column that comes out
  std::vector<double> missing, unknown;     // likewise, one number
  bool refuse_unknown = false, refuse_missing = false;
  std::vector<std::string> names = {};  // of the columns that come out, where they are not the column's own
};

std::size_t position_of(const Object& self, const Object& column, const Table& x) {
  if (column.is_number()) {
    const std::int64_t i = column.integer();
    if (i >= 0 && static_cast<std::size_t>(i) < x.width()) return static_cast<std::size_t>(i);
  } else if (column.is_text()) {
    for (std::size_t i = 0; i < x.names().size(); ++i) {
      if (x.names()[i] == column.text()) return i;
    }
  }
  self.fail(Code::corrupt, format("encodes a column {} that the table does not have", column.is_text() ? printable(column.text(), 60) : "that is no text"));
}

Table encoded(const Object& self, const Table& x, const std::map<std::size_t, Column>& columns) {
  // Columns that were all one value in fit are dropped by name; drop_cols up to 2.5.
  std::vector<std::string> dropped;
  if (self.boolean("drop_invariant", false)) dropped = names_in(self.any({"invariant_cols", "drop_cols"}));
  const auto keeps = [&](const std::string& name) { return std::ranges::find(dropped, name) == dropped.end(); };
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const auto at = columns.find(i);
    if (at == columns.end()) {
      if (x.names().empty() || keeps(x.names()[i])) parts.push_back(x.select({static_cast<std::int64_t>(i)}));
      continue;
    }
    const Column& c = at->second;
    if (!dropped.empty() && x.names().empty()) unsupported(self, "drop_invariant=True has dropped columns, and the table has no names");
    const Categories categories(c.labels);
    const auto [code, found] = categories.find(x, i);
    Expr known = found;
    const Expr cell = x.column(i, categories.is_text());
    const Expr empty = cell.dtype() == DType::string ? equal(cell, cell.constant(Tensor::scalar(std::string()))) : is_nan(cast(cell, DType::float64));
    const std::string name = x.names().empty() ? format("{}", i) : printable(x.names()[i], 60);
    if (c.refuse_unknown) known = require(known, logical_or(known, empty), format("a category in column {} that {} does not know", name, self.name()));
    if (c.refuse_missing) known = require(known, logical_not(empty), format("a missing value in column {}, which {} refuses", name, self.name()));
    for (std::size_t k = 0; k < c.values.size(); ++k) {
      if (c.values[k].size() != categories.size()) self.fail(Code::corrupt, format("{} values for {} categories", c.values[k].size(), categories.size()));
      if (!dropped.empty() && !keeps(c.names.empty() ? x.names()[i] : c.names.at(k))) continue;
      const Expr value = gather(code.constant(Tensor::vector(c.values[k])), code, 0);
      parts.emplace_back(where(known, value, where(empty, value.scalar(c.missing[k]), value.scalar(c.unknown[k]))));
    }
  }
  return Table::joined(parts);
}

/// What a dict by column has for `column`, a text or a number.
Object entry_for(const Object& dict, const Object& column) {
  for (const auto& [key, value] : dict.entries()) {
    if (column.is_text() ? key.is_text(column.node().text()) : key.is_number() && key.real() == column.real()) return value;
  }
  dict.fail(Code::corrupt, "has no entry for a column that is encoded");
}

struct Codes {
  Object labels;
  std::vector<double> of;  // by category
};

/// The codes of an OrdinalEncoder: column → codes.
std::vector<std::pair<Object, Codes>> codes_of(const Object& ordinal) {
  std::vector<std::pair<Object, Codes>> out;
  for (const Object& one : ordinal["mapping"].elements()) {
    LabelledNumbers table = table_of(one["mapping"]);
    out.push_back({one["col"], {table.labels, std::move(table.columns.at(0))}});
  }
  return out;
}

/// What `labels` (numbers) give for `code`; NaN where there is none.
double at_code(const std::vector<double>& codes, const std::vector<double>& values, double code) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == code) return values[i];
  }
  return kNaN;
}

Result ordinal(Context&, const Object& self, Method, const Table& x) {
  const Object unknown = self["handle_unknown"], missing = self["handle_missing"];
  std::map<std::size_t, Column> columns;
  for (const auto& [name, codes] : codes_of(self)) {
    Column c{codes.labels, {codes.of}, {kNaN}, {kNaN}, unknown.is_text("error"), missing.is_text("error")};
    if (unknown.is_text("value")) c.unknown[0] = kUnknown;
    else if (unknown.is_number()) c.unknown[0] = unknown.real();
    else if (!unknown.is_text()) unsupported(self, "handle_unknown is a function of its own");
    c.missing[0] = c.unknown[0];
    for (double& v : c.values[0]) {
      if (v == kMissing && missing.is_text("return_nan")) v = kNaN;
      else if (v == kMissing && missing.is_number()) v = missing.real();
    }
    columns.emplace(position_of(self, name, x), std::move(c));
  }
  return encoded(self, x, columns);
}

/// Codes, and a number for each code: TargetEncoder and its like.
Result by_code(Context&, const Object& self, Method, const Table& x) {
  const Object mapping = self["mapping"];
  std::map<std::size_t, Column> columns;
  for (const auto& [name, codes] : codes_of(self["ordinal_encoder"])) {
    const LabelledNumbers table = table_of(entry_for(mapping, name));
    const std::vector<double> known = table.labels.list();
    Column c{codes.labels, {{}}, {}, {}, self["handle_unknown"].is_text("error"), self["handle_missing"].is_text("error")};
    for (const double code : codes.of) c.values[0].push_back(at_code(known, table.columns.at(0), code));
    c.unknown = {at_code(known, table.columns[0], kUnknown)};
    c.missing = {at_code(known, table.columns[0], kMissing)};
    columns.emplace(position_of(self, name, x), std::move(c));
  }
  return encoded(self, x, columns);
}

/// Codes, and a row of a table for each code: OneHotEncoder, BaseNEncoder and BinaryEncoder.
Result rows_by_code(Context& context, const Object& self, Method, const Table& x) {
  if (self.set("base_n_encoder")) return context.transform(self["base_n_encoder"], x);  // BinaryEncoder up to 2.2
  const std::vector<std::pair<Object, Codes>> all = codes_of(self["ordinal_encoder"]);
  const std::vector<Object> mappings = self["mapping"].elements();
  if (mappings.size() != all.size()) self.fail(Code::corrupt, format("{} mappings of {} columns", mappings.size(), all.size()));
  std::map<std::size_t, Column> columns;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [name, codes] = all[i];
    const LabelledNumbers table = table_of(mappings[i]["mapping"]);
    const std::vector<double> known = table.labels.list();
    Column c{codes.labels, {}, {}, {}, self["handle_unknown"].is_text("error"), self["handle_missing"].is_text("error")};
    for (const std::vector<double>& column : table.columns) {
      c.values.emplace_back();
      for (const double code : codes.of) c.values.back().push_back(at_code(known, column, code));
      c.unknown.push_back(at_code(known, column, kUnknown));
      c.missing.push_back(at_code(known, column, kMissing));
    }
    c.names = table.names;
    columns.emplace(position_of(self, name, x), std::move(c));
  }
  return encoded(self, x, columns);
}

/// The rows in which rare categories have the name that they are counted together under (min_group_size).
Table lumped(const Object& self, const Table& x) {
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) parts.push_back(x.select({static_cast<std::int64_t>(i)}));
  for (const auto& [column, names] : self["_min_group_categories"].entries()) {
    const std::size_t i = position_of(self, column, x);
    Expr cell = x.column(i, true);
    if (cell.dtype() != DType::string) unsupported(self, "min_group_size over numbers");
    const Expr given = cell;
    for (const auto& [from, to] : names.entries()) {
      const std::string key = is_missing(from) ? std::string() : from.text();
      cell = where(equal(given, given.constant(Tensor::scalar(key))), given.constant(Tensor::scalar(to.text())), cell);
    }
    parts[i] = Table(cell);
  }
  return Table::joined(parts).named(x.names());
}

Result counts(Context&, const Object& self, Method, const Table& given) {
  const Table x = self["_min_group_categories"].entries().empty() ? given : lumped(self, given);
  const auto rule = [&](const char* attribute, const Object& column) {
    const Object rules = self[attribute];
    return rules.is_dict() ? entry_for(rules, column) : rules;
  };
  std::map<std::size_t, Column> columns;
  for (const auto& [name, series] : self["mapping"].entries()) {
    const LabelledNumbers table = table_of(series);
    const Object unknown = rule("_handle_unknown", name), missing = rule("_handle_missing", name);
    const bool zero = unknown.is_text("value") && !missing.is_text("return_nan");
    const double otherwise = unknown.is_number() ? unknown.real() : zero ? 0 : kNaN;
    Column c{table.labels, {table.columns.at(0)}, {otherwise}, {otherwise}, unknown.is_text("error"), unknown.is_text("error")};
    for (double& v : c.values[0]) {
      if (std::isnan(v) && !std::isnan(otherwise)) v = otherwise;
    }
    columns.emplace(position_of(self, name, x), std::move(c));
  }
  return encoded(self, x, columns);
}

/// Sums and counts of the target: LeaveOneOutEncoder, and CatBoostEncoder with its weight `a` of the mean.
Result means(Context&, const Object& self, Method, const Table& x) {
  const double mean = self["_mean"].real(), weight = self.name() == "CatBoostEncoder" ? self.real("a", 1.0) : 0.0;
  // Up to 2.3 the mean came in unweighted (cat_boost.py); 2.4 weights it by `a`, and its files look the same (both have drop_cols).
  if (weight != 0 && weight != 1 && self.has("drop_cols")) unsupported(self, format("a={} of a version up to 2.4: the file does not tell whether the mean is weighted by it (2.4) or not (2.3)", weight));
  const Object unknown = self["handle_unknown"], missing = self["handle_missing"];
  std::map<std::size_t, Column> columns;
  for (const auto& [name, frame] : self["mapping"].entries()) {
    const LabelledNumbers table = table_of(frame);
    const std::vector<double>&sum = table.column("sum", self), &count = table.column("count", self);
    Column c{table.labels, {{}}, {mean}, {mean}, unknown.is_text("error"), missing.is_text("error")};
    for (std::size_t i = 0; i < table.rows; ++i) c.values[0].push_back(count[i] > 1 ? (sum[i] + mean * weight) / (count[i] + weight) : mean);
    if (unknown.is_text("return_nan")) c.unknown[0] = kNaN;
    if (missing.is_text("return_nan")) c.missing[0] = kNaN;
    const std::vector<Object> labels = table.labels.array()->type.kind == 'O' ? table.labels.elements() : std::vector<Object>{};
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (is_missing(labels[i]) && missing.is_text("return_nan")) c.values[0][i] = kNaN;
    }
    columns.emplace(position_of(self, name, x), std::move(c));
  }
  return encoded(self, x, columns);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> category_encoders_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"category_encoders.BaseNEncoder", kTransformer, rows_by_code},   {"category_encoders.BinaryEncoder", kTransformer, rows_by_code},
      {"category_encoders.CatBoostEncoder", kTransformer, means},       {"category_encoders.CountEncoder", kTransformer, counts},
      {"category_encoders.JamesSteinEncoder", kTransformer, by_code},   {"category_encoders.LeaveOneOutEncoder", kTransformer, means},
      {"category_encoders.MEstimateEncoder", kTransformer, by_code},    {"category_encoders.OneHotEncoder", kTransformer, rows_by_code},
      {"category_encoders.OrdinalEncoder", kTransformer, ordinal},      {"category_encoders.QuantileEncoder", kTransformer, by_code},
      {"category_encoders.TargetEncoder", kTransformer, by_code},       {"category_encoders.WOEEncoder", kTransformer, by_code},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
