// SPDX-License-Identifier: Apache-2.0
// sklearn2pmml's domains (sklearn2pmml/decoration): what stands for a missing cell, which values are valid, and what replaces the others. A
// value that a domain only refuses (return_invalid) goes through here: the model answers for it as scikit-learn would without the domain.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frameworks/python/pandas.h"
#include "frameworks/sklearn/casts.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// A domain's rules for one column [N, 1] of numbers or texts.
class Rules {
 public:
  Rules(const Object& self, Expr column) : self_(self), column_(column), never_(logical_not(equal(zero(), zero()))) {}

  Expr missing() const {
    if (!self_.set("missing_values")) return is_text() ? Missing(Object{}).in(column_) : is_nan(column_);
    const Object marker = self_["missing_values"];
    Expr out = never_;
    for (const Object& value : marker.is_sequence() ? marker.elements() : std::vector<Object>{marker}) out = logical_or(out, Missing(value).in(column_));
    return out;
  }
  /// What a cell becomes that is to be missing: the replacement, else the marker.
  Expr absent() const {
    if (self_.set("missing_value_replacement")) return value(self_["missing_value_replacement"]);
    const Object marker = self_.set("missing_values") ? self_["missing_values"] : Object{};
    if (!marker.is_none()) return value(marker.is_sequence() ? marker.item(0) : marker);
    return is_text() ? column_.constant(Tensor::scalar(std::string())) : column_.scalar(std::nan(""));
  }
  Expr value(const Object& o) const {
    if (is_text() != o.is_text()) unsupported(self_, "a replacement of another kind than the column");
    return is_text() ? column_.constant(Tensor::scalar(o.text())) : column_.scalar(o.real());
  }
  Expr replaced_invalid(Expr out, Expr invalid) const {
    const std::string treatment = self_.text("invalid_value_treatment", "return_invalid");
    if (treatment == "as_missing") return where(invalid, absent(), out);
    if (treatment == "as_value") return where(invalid, value(self_["invalid_value_replacement"]), out);
    if (treatment != "as_is" && treatment != "return_invalid") unsupported(self_, format("invalid_value_treatment=\"{}\"", printable(treatment)));
    return out;
  }
  Expr never() const { return never_; }

 private:
  bool is_text() const { return column_.dtype() == DType::string; }
  Expr zero() const { return is_text() ? column_.constant(Tensor::scalar(std::string())) : column_.scalar(0); }

  const Object& self_;
  Expr column_, never_;
};

bool changes_values(const Object& self) {
  const std::string invalid = self.text("invalid_value_treatment", "return_invalid");
  return self.set("missing_value_replacement") || invalid == "as_missing" || invalid == "as_value" || self.text("outlier_treatment", "as_is") != "as_is";
}

/// The values that column i of `width` can hold, where the domain keeps them. Early versions call them data_.
Object values_of(const Object& self, std::size_t i, std::size_t width) {
  const Object values = python::labels_of(self.set("data_values_") ? self["data_values_"] : self.set("data_") ? self["data_"] : Object{});
  if (values.is_none() || values.array()) return width == 1 ? values : Object{};
  const std::vector<Object> columns = values.is_sequence() ? values.elements() : std::vector<Object>{};
  return columns.size() == width ? columns[i] : Object{};
}

/// The table after the domain's cast (Domain.transform).
Table cast_table(Context& context, const Object& self, const Table& x) {
  const std::string type = self.set("dtype") ? type_name(self["dtype"]) : std::string();
  if (type.empty()) return x;
  if (type == "category") {
    if (const Object values = values_of(self, 0, 1); x.width() == 1 && !values.is_none()) note_categories(context, x, values);
    return x;
  }
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) parts.emplace_back(converted(self, type, x, i));
  return Table::joined(parts).named(x.names());
}

/// Element i of an attribute that is one number, or one for each column.
double bound(const Object& self, const char* attribute, std::size_t i) {
  const std::vector<double> all = self[attribute].is_number() ? std::vector<double>{self[attribute].real()} : self[attribute].list();
  if (all.empty() || (all.size() > 1 && i >= all.size())) self.fail(Code::corrupt, format("{} of {} columns", attribute, all.size()));
  return all[all.size() == 1 ? 0 : i];
}

Result continuous_domain(Context& context, const Object& self, Method, const Table& given) {
  const Table x = cast_table(context, self, given);
  if (!changes_values(self)) return x;
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Expr v = cast(x.column(i), DType::float64);
    const Rules rules(self, v);
    const Expr missing = rules.missing();
    Expr valid = logical_not(missing);
    if (self.set("data_min_") && self.set("data_max_")) {
      valid = logical_and(valid, logical_and(greater_equal(v, v.scalar(bound(self, "data_min_", i))), less_equal(v, v.scalar(bound(self, "data_max_", i)))));
    }
    Expr out = self.set("missing_value_replacement") ? where(missing, rules.absent(), v) : v;
    if (const std::string outliers = self.text("outlier_treatment", "as_is"); outliers != "as_is") {
      const Expr low = v.scalar(bound(self, "low_value", i)), high = v.scalar(bound(self, "high_value", i));
      const Expr below = logical_and(valid, less(v, low)), above = logical_and(valid, greater(v, high));
      if (outliers == "as_extreme_values") out = where(below, low, where(above, high, out));
      else if (outliers == "as_missing_values") out = where(logical_or(below, above), rules.absent(), out);
      else unsupported(self, format("outlier_treatment=\"{}\"", printable(outliers)));
    }
    parts.emplace_back(rules.replaced_invalid(out, logical_not(logical_or(missing, valid))));
  }
  return Table::joined(parts).named(x.names());
}

Table categorical_column(Context& context, const Object& self, const Table& x, const Object& values) {
  // What came in as pandas' categories goes on as such.
  if (self.set("dtype_") && self["dtype_"].is_instance() && type_name(self["dtype_"]) == "category" && self["dtype_"].set("categories")) note_categories(context, x, self["dtype_"]["categories"]);
  const auto array = values.is_none() ? std::nullopt : values.array();
  const bool texts = array ? array->type.kind == 'U' || (array->type.kind == 'O' && !array->objects.empty() && std::ranges::all_of(array->objects, [](pickle::Ref r) { return r->is_text(); }))
                           : x.is_text(0) || (self.set("missing_value_replacement") && self["missing_value_replacement"].is_text());
  Table out = x;
  if (changes_values(self)) {
    if (!array && self.boolean("with_data", true)) unsupported(self, "replaces values, and keeps no list of the valid ones");
    const Expr v = x.column(0, texts);
    const Rules rules(self, v);
    const Expr missing = rules.missing();
    Expr changed = self.set("missing_value_replacement") ? where(missing, rules.absent(), v) : v;
    if (array) {  // without a list every value is valid
      Expr valid = rules.never();
      if (texts) {
        const Tensor known = values.tensor();
        for (const std::string& text : known.data<std::string>()) valid = logical_or(valid, equal(v, v.constant(Tensor::scalar(text))));
      } else {
        for (const double number : values.list()) valid = logical_or(valid, equal(v, v.scalar(number)));
      }
      changed = rules.replaced_invalid(changed, logical_not(logical_or(missing, valid)));
    }
    out = Table(changed, x.names());
  }
  // The texts that a column can hold are kept for those transformers that take texts apart.
  if (array && texts) {
    const Tensor known = values.tensor();
    std::vector<std::string> all{known.data<std::string>().begin(), known.data<std::string>().end()};
    if (self.set("missing_value_replacement") && self["missing_value_replacement"].is_text()) all.push_back(self["missing_value_replacement"].text());
    if (self.set("invalid_value_replacement") && self["invalid_value_replacement"].is_text()) all.push_back(self["invalid_value_replacement"].text());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    context.known_texts[out.column(0, true).id()] = std::move(all);
  }
  return out;
}

Result categorical_domain(Context& context, const Object& self, Method, const Table& given) {
  const Table x = cast_table(context, self, given);
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) parts.push_back(categorical_column(context, self, x.select({static_cast<std::int64_t>(i)}), values_of(self, i, x.width())));
  return Table::joined(parts);
}

/// A domain of dates: DateDomain and DateTimeDomain cast texts to them.
Result date_domain(Context& context, const Object& self, Method, const Table& x) { return cast_table(context, self, x); }

/// What takes a domain's bounds away again, for the description; the values stay.
Result eraser(Context&, const Object&, Method, const Table& x) { return x; }

Result multi_domain(Context& context, const Object& self, Method, const Table& x) {
  const std::vector<Object> domains = self["domains"].elements();
  if (domains.size() != x.width()) self.fail(Code::corrupt, format("{} domains for {} columns", domains.size(), x.width()));
  std::vector<Table> parts;
  for (std::size_t i = 0; i < domains.size(); ++i) {
    const Table column = x.select({static_cast<std::int64_t>(i)});
    parts.push_back(domains[i].is_none() ? column : context.transform(domains[i], column));
  }
  return Table::joined(parts);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> sklearn2pmml_domains_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"ContinuousDomain", kTransformer, continuous_domain}, {"CategoricalDomain", kTransformer, categorical_domain},
      {"OrdinalDomain", kTransformer, categorical_domain},   {"DateDomain", kTransformer, date_domain},
      {"MultiDomain", kTransformer, multi_domain},           {"DomainEraser", kTransformer, eraser},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
