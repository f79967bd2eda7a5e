// SPDX-License-Identifier: Apache-2.0
// Encoders of categories (sklearn/preprocessing/_encoders.py, _label.py, _target_encoder.py; preprocessing/data.py and label.py up to 0.21).
#include <algorithm>
#include <limits>
#include <set>

#include "base/text.h"
#include "frameworks/sklearn/categories.h"

namespace decant::sklearn {
namespace {

/// The dtype parameter; float64 where absent.
DType dtype_parameter(const Object& self) {
  if (!self.set("dtype")) return DType::float64;
  const Object dtype = self["dtype"];
  const auto type = python::as_type(dtype.tree(), dtype.node());
  if (!type) return dtype.name() == "int" ? DType::int64 : DType::float64;
  for (const DType d : {DType::float32, DType::float64, DType::int8, DType::int16, DType::int32, DType::int64, DType::uint8, DType::uint16, DType::uint32, DType::uint64, DType::boolean}) {
    const char kind = d == DType::boolean ? 'b' : is_float(d) ? 'f' : name_of(d).starts_with('u') ? 'u' : 'i';
    if (kind == type->kind && size_of(d) == type->itemsize) return d;
  }
  unsupported(self, format("dtype {}", type->text()));
}

std::vector<Object> categories_list(const Object& self, const Table& x) {
  const std::vector<Object> out = self["categories_"].elements();
  if (out.size() != x.width()) self.fail(Code::corrupt, format("categories_ of {} columns, where {} come in", out.size(), x.width()));
  return out;
}

/// How the categories of column i are grouped: category → group, groups counted; the group of infrequent ones is the last.
struct Grouping {
  std::vector<std::int64_t> group;
  std::int64_t groups = 0;
  bool infrequent = false;
};

Grouping grouping_of(const Object& self, std::size_t i, std::size_t categories) {
  Grouping out;
  if (self.boolean("_infrequent_enabled", false)) {
    const std::vector<Object> mappings = self["_default_to_infrequent_mappings"].elements();
    if (i < mappings.size() && !mappings[i].is_none()) {
      out.group = mappings[i].integers();
      out.infrequent = true;
      out.groups = out.group.empty() ? 0 : *std::ranges::max_element(out.group) + 1;
      // OrdinalEncoder leaves a missing category, always the last, out of the mapping.
      if (out.group.size() > categories) self.fail(Code::corrupt, format("{} mapped categories of {}", out.group.size(), categories));
      for (const std::int64_t g : out.group) {
        if (g < 0) self.fail(Code::corrupt, "a negative group of categories");
      }
      return out;
    }
  }
  for (std::size_t k = 0; k < categories; ++k) out.group.push_back(static_cast<std::int64_t>(k));
  out.groups = static_cast<std::int64_t>(categories);
  return out;
}

/// OneHotEncoder up to 0.19, and its legacy mode of 0.20 and 0.21: integers below n_values_, of which the active ones stay.
Result old_one_hot(Context&, const Object& self, const Table& t) {
  if (t.width() == 0) self.fail(Code::corrupt, "a table without columns");
  const Expr x = t.matrix();
  const std::vector<std::int64_t> n_values = self.any({"n_values_", "_n_values_"}).integers();
  const Object selected = self.any({"categorical_features", "_categorical_features"});
  std::vector<std::int64_t> chosen, rest;
  const bool all = selected.is_none() || selected.is_text("all");
  if (all) {
    for (std::size_t i = 0; i < t.width(); ++i) chosen.push_back(static_cast<std::int64_t>(i));
  } else {
    const auto array = selected.array();
    chosen = array && array->type.kind == 'b' ? positions(selected) : selected.integers();
    std::ranges::sort(chosen);  // taken by a mask, hence in the order of the table
    for (std::size_t i = 0; i < t.width(); ++i) {
      if (std::ranges::find(chosen, static_cast<std::int64_t>(i)) == chosen.end()) rest.push_back(static_cast<std::int64_t>(i));
    }
  }
  if (chosen.size() != n_values.size()) self.fail(Code::corrupt, format("n_values_ of {} columns, where {} come in", n_values.size(), chosen.size()));
  std::vector<std::int64_t> active;
  const Object given = self.any({"n_values", "_n_values"});
  const bool automatic = given.is_none() || given.is_text("auto");
  if (automatic) active = self.any({"active_features_", "_active_features_"}).integers();
  const bool strict = self.text("handle_unknown", "error") == "error";

  const std::set<std::int64_t> is_active(active.begin(), active.end());
  std::vector<Expr> parts;
  std::int64_t at = 0;
  for (std::size_t j = 0; j < chosen.size(); ++j) {
    if (n_values[j] < 0 || n_values[j] > 10'000'000 - at) self.fail(Code::limit, format("n_values_ {}", n_values[j]));
    std::vector<double> values;
    for (std::int64_t v = 0; v < n_values[j]; ++v, ++at) {
      if (!automatic || is_active.contains(at)) values.push_back(static_cast<double>(v));
    }
    // check_array casts to integers: towards zero.
    Expr column = cast(cast(columns(x, {chosen[j]}), DType::int64), DType::float64);
    if (strict) column = require(column, less(column, column.scalar(static_cast<double>(n_values[j]))), "unknown categorical feature present during transform");
    if (!values.empty()) parts.push_back(cast(equal(column, reshape(column.row(values), {1, -1})), DType::float64));
  }
  if (!rest.empty()) parts.push_back(columns(x, rest));
  return as_result(std::move(parts));
}

/// Whether categories that were never seen count as infrequent: "warn" (since 1.6) does so only since 1.8.
bool joins_infrequent(Context& context, const Object& self, const std::string& unknown) {
  return unknown == "infrequent_if_exist" || (unknown == "warn" && context.version(self) >= Version{1, 8});
}

Result one_hot(Context& context, const Object& self, Method, const Table& x) {
  if (!self.has("categories_") || self.boolean("_legacy_mode", false)) return old_one_hot(context, self, x);
  const std::vector<Object> lists = categories_list(self, x);
  const std::string unknown = self.text("handle_unknown", "error");
  // Up to 1.1 drop_idx_ is already that of the groups; where there are no groups, both are the same.
  const Object drop = self.set("_drop_idx_after_grouping") ? self["_drop_idx_after_grouping"] : self.set("drop_idx_") ? self["drop_idx_"] : Object{};
  std::vector<std::int64_t> dropped(lists.size(), -1);
  if (!drop.is_none()) {
    const auto array = drop.array();
    if (array && array->type.kind != 'O') dropped = drop.integers();
    else {
      const std::vector<Object> items = drop.elements();
      for (std::size_t i = 0; i < items.size() && i < dropped.size(); ++i) dropped[i] = items[i].is_none() ? -1 : items[i].integer();
    }
    if (dropped.size() != lists.size()) self.fail(Code::corrupt, "drop_idx_ has another length than categories_");
  }
  // Columns that only have to be compared go into one step, as long as nothing else comes between them.
  std::vector<Expr> parts, compared;
  const auto flush = [&] {
    if (!compared.empty()) parts.push_back(apply("decant", "Indicators", compared));
    compared.clear();
  };
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const Categories categories(lists[i]);
    const Grouping groups = grouping_of(self, i, categories.size());
    std::vector<std::int64_t> single, rare;  // categories with a column of their own, and infrequent ones
    for (std::size_t k = 0; k < groups.group.size(); ++k) {
      const std::int64_t g = groups.group[k];
      if (groups.infrequent && g == groups.groups - 1) rare.push_back(static_cast<std::int64_t>(k));
      else if (g != dropped[i]) single.push_back(static_cast<std::int64_t>(k));
    }
    const bool infrequent = groups.infrequent && dropped[i] != groups.groups - 1;
    const std::string strange = format("a category in column {} that OneHotEncoder does not know", x.names().empty() ? format("{}", i) : printable(x.names()[i], 60));
    if (!single.empty() && !infrequent) {
      if (const auto plain = categories.plain(x, i, single)) {
        Expr column = plain->first;
        if (unknown == "error") column = require(column, categories.find(x, i).known, strange);
        compared.push_back(column);
        compared.push_back(column.constant(plain->second));
        continue;
      }
    }
    Expr hits = categories.hits(x, i);
    const Expr known = known_of(hits);
    if (unknown == "error") hits = require(hits, known, strange);
    if (!single.empty() || infrequent) flush();
    if (!single.empty()) parts.push_back(cast(single.size() == categories.size() ? hits : columns(hits, single), DType::float64));
    if (infrequent) {
      Expr column = known_of(columns(hits, rare));
      if (joins_infrequent(context, self, unknown)) column = logical_or(column, logical_not(known));
      parts.push_back(cast(column, DType::float64));
    }
  }
  flush();
  if (parts.empty()) return columns(x.matrix(), {});
  return cast(concat(parts, 1), dtype_parameter(self));
}

/// values[code], a constant number for each category.
Expr looked_up(Expr codes, const std::vector<double>& values) {
  return gather(codes.constant(Tensor::vector(values)), codes, 0);
}

Result ordinal(Context&, const Object& self, Method, const Table& x) {
  const std::vector<Object> lists = categories_list(self, x);
  const bool strict = self.text("handle_unknown", "error") == "error";
  std::map<std::int64_t, std::int64_t> missing;  // column → category that is a missing value (since 1.0)
  if (self.set("_missing_indices")) {
    for (const auto& [column, index] : self["_missing_indices"].entries()) missing[column.integer()] = index.integer();
  }
  const double encoded = self.set("encoded_missing_value") ? self["encoded_missing_value"].real() : std::numeric_limits<double>::quiet_NaN();
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const Categories categories(lists[i]);
    const Grouping groups = grouping_of(self, i, categories.size());
    std::vector<double> values;
    for (const std::int64_t g : groups.group) values.push_back(static_cast<double>(g));
    values.resize(categories.size(), static_cast<double>(categories.size()) - 1);
    if (const auto at = missing.find(static_cast<std::int64_t>(i)); at != missing.end()) {
      if (at->second < 0 || static_cast<std::size_t>(at->second) >= values.size()) self.fail(Code::corrupt, "_missing_indices beyond the categories");
      values[static_cast<std::size_t>(at->second)] = encoded;
    }
    if (values.empty()) self.fail(Code::corrupt, "a column without categories");
    const auto [found, known] = categories.find(x, i);
    Expr code = looked_up(found, values);
    if (strict) code = require(code, known, format("a category in column {} that OrdinalEncoder does not know", i));
    else code = where(known, code, code.scalar(self["unknown_value"].real()));
    parts.push_back(code);
  }
  return cast(concat(parts, 1), dtype_parameter(self));
}

Result target_encoder(Context&, const Object& self, Method, const Table& x) {
  const std::vector<Object> lists = categories_list(self, x);
  const std::vector<Object> encodings = self["encodings_"].elements();
  const std::vector<double> means = self["target_mean_"].list();
  const std::size_t per_column = self.text("target_type_", "") == "multiclass" ? classes_of(self).size() : 1;
  if (encodings.size() != lists.size() * per_column || means.size() != per_column) self.fail(Code::corrupt, "encodings_ do not fit categories_");
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const Categories categories(lists[i]);
    const auto [code, known] = categories.find(x, i);
    for (std::size_t k = 0; k < per_column; ++k) {
      const std::vector<double> values = encodings[i * per_column + k].list();
      if (values.size() != categories.size()) self.fail(Code::corrupt, "encodings_ do not fit categories_");
      const Expr value = looked_up(code, values);
      parts.push_back(where(known, value, value.scalar(means[k])));
    }
  }
  return concat(parts, 1);
}

Result label_encoder(Context&, const Object& self, Method, const Table& x) {
  const Categories classes(self["classes_"]);
  const auto [code, known] = classes.find(x, 0);
  return squeeze(require(code, known, "a label that LabelEncoder does not know"), 1);
}

Result label_binarizer(Context&, const Object& self, Method, const Table& x) {
  const std::string kind = self.text("y_type_", "multiclass");
  if (kind.starts_with("multilabel")) unsupported(self, "labels that are already binary");
  const Categories classes(self["classes_"]);
  const std::int64_t negative = self.integer("neg_label", 0), positive = self.integer("pos_label", 1);
  Expr hits = classes.hits(x, 0);
  const auto number = [&](std::int64_t v) { return hits.constant(Tensor::scalar(v)); };
  if (classes.size() == 1) return where(logical_and(hits, logical_not(hits)), number(positive), number(negative));
  if (classes.size() == 2) hits = columns(hits, {1});
  return where(hits, number(positive), number(negative));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> encoders_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"OneHotEncoder", kTransformer, one_hot},       {"OrdinalEncoder", kTransformer, ordinal},   {"TargetEncoder", kTransformer, target_encoder},
      {"LabelEncoder", kTransformer, label_encoder},  {"LabelBinarizer", kTransformer, label_binarizer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
