// SPDX-License-Identifier: Apache-2.0
// sklearn2pmml's transformers (sklearn2pmml/preprocessing): casts, expressions, look-ups, texts and dates.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "frameworks/sklearn/casts.h"
#include "frameworks/sklearn/expression.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// CastTransformer and MultiCastTransformer: one type, or one for each column.
Result cast_transformer(Context& context, const Object& self, Method, const Table& x) {
  const bool each = self.set("dtypes");
  const Object types = each ? (self.set("dtypes_") ? self["dtypes_"] : self["dtypes"]) : self.set("dtype_") ? self["dtype_"] : self["dtype"];
  if (each && types.elements().size() != x.width()) self.fail(Code::corrupt, format("{} types for {} columns", types.elements().size(), x.width()));
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Object type = each ? types.item(i) : types;
    const std::string name = type_name(type);
    parts.push_back(name == "category" ? x.select({static_cast<std::int64_t>(i)}) : Table(converted(self, name, x, i)));
    if (type.is_instance() && type.set("categories")) note_categories(context, parts.back(), type["categories"]);
  }
  return Table::joined(parts);
}

Result expression_transformer(Context&, const Object& self, Method, const Table& x) {
  const Object text = self.set("expr") ? self["expr"] : self["expr_"];
  Expr out = expression(self, expression_text(text), x);
  const auto value = [&](const char* attribute) {
    const Object o = self[attribute];
    if (o.is_text() != (out.dtype() == DType::string)) unsupported(self, format("{} of another kind than the expression", attribute));
    return o.is_text() ? out.constant(Tensor::scalar(o.text())) : cast(out.constant(Tensor::scalar(o.real())), out.dtype());
  };
  if (self.set("default_value")) out = where(Missing(Object{}).in(out), value("default_value"), out);
  if (self.set("map_missing_to")) {
    for (std::size_t i = 0; i < x.width(); ++i) out = where(Missing(Object{}).in(x.column(i, x.is_text(i))), value("map_missing_to"), out);
  }
  const std::string type = self.set("dtype") ? type_name(self["dtype"]) : std::string();
  return type.empty() || type == "str" ? Result(out) : Result(converted(self, type, Table(out), 0));
}

Result identity(Context&, const Object&, Method, const Table& x) { return x; }

/// pandas.cut with given edges: the number of the bin, or its label; nothing outside of them.
Result cut(Context&, const Object& self, Method, const Table& t) {
  if (t.width() != 1) unsupported(self, format("takes one column, {} come in", t.width()));
  const std::vector<double> edges = self["bins"].is_number() ? std::vector<double>{} : self["bins"].list();
  if (edges.size() < 2 || !std::ranges::is_sorted(edges)) unsupported(self, "bins that are no rising row of edges");
  const bool right = self.boolean("right", true), lowest = self.boolean("include_lowest", true);
  const std::size_t bins = edges.size() - 1;
  const Object given = self.has("labels") ? self["labels"] : Object{};
  if (given.is_none()) unsupported(self, "labels=None: intervals of pandas as values");
  const bool numbered = given.is_number();  // False: the number of the bin
  if (!numbered && given.elements().size() != bins) self.fail(Code::corrupt, format("{} labels for {} bins", given.elements().size(), bins));
  const bool texts = !numbered && given.item(0).is_text();
  const Expr x = cast(t.column(0), DType::float64);
  const auto label = [&](std::size_t i) {
    if (texts) return x.constant(Tensor::scalar(given.item(i).text()));
    return x.scalar(numbered ? static_cast<double>(i) : given.item(i).real());
  };
  Expr out = texts ? each_row(x, x.constant(Tensor::scalar(std::string()))) : x * x.scalar(std::nan(""));
  for (std::size_t i = 0; i < bins; ++i) {
    const Expr low = x.scalar(edges[i]), high = x.scalar(edges[i + 1]);
    const Expr above = right && !(lowest && i == 0) ? greater(x, low) : greater_equal(x, low);
    out = where(logical_and(above, right ? less_equal(x, high) : less(x, high)), label(i), out);
  }
  return out;
}

/// A column's place in classes_: one column for each class, or its number. A missing or unknown value has none.
Expr class_hits(const Object& self, const Table& x) {
  if (x.width() != 1) unsupported(self, format("takes one column, {} come in", x.width()));
  const Tensor classes = classes_of(self);
  const bool texts = classes.dtype() == DType::string;
  const Expr column = texts ? x.column(0, true) : cast(x.column(0), DType::float64);
  if (texts && column.dtype() != DType::string) unsupported(self, "texts looked up in a column of numbers");
  if (texts) return equal(column, column.constant(classes.reshaped({1, static_cast<std::int64_t>(classes.size())})));
  return equal(column, column.constant(Tensor::vector(self["classes_"].list())));
}

Result label_binarizer(Context&, const Object& self, Method, const Table& x) { return cast(class_hits(self, x), DType::float64); }

Result label_encoder(Context&, const Object& self, Method, const Table& x) {
  const Expr hits = cast(class_hits(self, x), DType::int32);
  const Expr code = cast(unsqueeze(argmax(hits, 1), 1), DType::float64);
  const double otherwise = self.set("missing_values") ? self["missing_values"].real() : std::nan("");
  return where(cast(reduce_max(hits, 1, true), DType::boolean), code, code.scalar(otherwise));
}

/// sklearn2pmml.util.Slicer: columns start, start + step, … before stop, as Python counts them.
Result slicer(Context&, const Object& self, Method, const Table& x) {
  const auto width = static_cast<std::int64_t>(x.width());
  const auto end = [&](const char* attribute, std::int64_t otherwise) {
    if (!self.set(attribute)) return otherwise;
    const std::int64_t at = self[attribute].integer();
    return std::clamp<std::int64_t>(at < 0 ? at + width : at, 0, width);
  };
  const std::int64_t step = self.integer("step", 1);
  if (step < 1) self.fail(Code::corrupt, format("step {}", step));
  std::vector<std::int64_t> which;
  for (std::int64_t i = end("start", 0); i < end("stop", width); i += std::min(step, width)) which.push_back(i);
  return x.select(which);
}

/// DaysSinceYearTransformer and SecondsSinceYearTransformer
Result since_year(Context&, const Object& self, Method, const Table& x) {
  const auto year = static_cast<int>(std::clamp<std::int64_t>(self["year"].integer(), 0, 9999));
  const auto begin = std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / 1).time_since_epoch().count();
  const Expr since = x.matrix() - static_cast<double>(begin) * 86'400.0;  // dates are seconds (casts.cc)
  return self.name() == "DaysSinceYearTransformer" ? floor(since / 86'400.0) : since;
}

Result since_midnight(Context&, const Object&, Method, const Table& x) {
  const Expr seconds = x.matrix();
  return seconds - floor(seconds / 86'400.0) * 86'400.0;
}

Result concat_transformer(Context&, const Object& self, Method, const Table& x) {
  const std::string separator = self.text("separator", "");
  Expr out;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Expr next = as_text(self, x, i);
    if (!out) {
      out = next;
      continue;
    }
    if (!separator.empty()) out = apply("StringConcat", {out, out.constant(Tensor::scalar(separator))});
    out = apply("StringConcat", {out, next});
  }
  return out;
}

/// LookupTransformer, FilterLookupTransformer and MultiLookupTransformer: one value, or a tuple of them, to a text or a number.
Result lookup(Context&, const Object& self, Method, const Table& x) {
  const auto mapping = self["mapping"].entries();
  const bool keeps = self.name() == "FilterLookupTransformer";  // what it does not list
  const Object otherwise = self.set("default_value") ? self["default_value"] : Object{};
  if (mapping.empty()) self.fail(Code::corrupt, "an empty lookup");
  const bool texts = std::ranges::any_of(mapping, [](const auto& m) { return m.second.is_text(); }) || otherwise.is_text();
  if (keeps && x.width() != 1) unsupported(self, format("takes one column, {} come in", x.width()));
  const Expr like = zero_rows(x);
  const Expr nothing = texts ? like.constant(Tensor::scalar(std::string())) : like.scalar(std::nan(""));
  const auto value = [&](const Object& o) { return o.is_none() ? nothing : texts ? like.constant(Tensor::scalar(o.text())) : like.constant(Tensor::scalar(o.real())); };
  Expr out = keeps ? (texts ? x.column(0, true) : cast(x.column(0), DType::float64)) : each_row(like, value(otherwise));
  if (texts && out.dtype() != DType::string) unsupported(self, "texts looked up in a column of numbers");
  std::vector<bool> as_text(x.width(), false);
  for (const auto& [key, to] : mapping) {
    const std::vector<Object> keys = key.is_sequence() ? key.elements() : std::vector<Object>{key};
    if (keys.size() != x.width()) self.fail(Code::corrupt, format("a key of {} values for {} columns", keys.size(), x.width()));
    Expr hit;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const bool text = as_text[i] = keys[i].is_text();
      const Expr column = x.column(i, text);
      if (text && column.dtype() != DType::string) unsupported(self, "texts looked up in a column of numbers");
      const Expr same = equal(text ? column : cast(column, DType::float64), text ? like.constant(Tensor::scalar(keys[i].text())) : like.scalar(keys[i].real()));
      hit = hit ? logical_and(hit, same) : same;
    }
    out = where(hit, value(to), out);
  }
  // A missing cell stays missing, whatever the default.
  for (std::size_t i = 0; i < x.width() && !keeps; ++i) out = where(Missing(Object{}).in(as_text[i] ? x.column(i, true) : cast(x.column(i), DType::float64)), nothing, out);
  return out;
}

/// Each column's texts by TextEdit (ops/decant/text_edit.cc).
Table edited(Context& context, const Object& self, const Table& x, const Attributes& attributes) {
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Expr column = as_text(self, x, i);
    const auto known = context.known_texts.find(column.id());
    if (known == context.known_texts.end() || known->second.empty()) {
      parts.emplace_back(apply("decant", "TextEdit", {column}, attributes));
      continue;
    }
    // What a domain lists is what can come: other runtimes, which do not know the operator, can look that up.
    Attributes all = attributes;
    all["known"] = known->second;
    const Expr out = apply("decant", "TextEdit", {column}, all);
    const Expr results = apply("decant", "TextEdit", {column.constant(Tensor::of<std::string>({static_cast<std::int64_t>(known->second.size())}, known->second))}, std::move(all));
    if (const Tensor* texts = context.builder.constant_of(results.id()); texts != nullptr && texts->dtype() == DType::string) {
      context.known_texts[out.id()] = {texts->data<std::string>().begin(), texts->data<std::string>().end()};
    }
    parts.emplace_back(out);
  }
  return Table::joined(parts);
}
Table replaced(Context& context, const Object& self, const Table& x, const std::string& pattern, const std::string& by) {
  if (by.find_first_of("\\$") != std::string::npos) unsupported(self, "a replacement that refers to groups");
  return edited(context, self, x, {{"edit", "replace"}, {"pattern", pattern}, {"replacement", by}});
}

Result substring(Context& context, const Object& self, Method, const Table& x) {
  return edited(context, self, x, {{"edit", "slice"}, {"begin", self["begin"].integer()}, {"end", self["end"].integer()}});
}
Result replace(Context& context, const Object& self, Method, const Table& x) { return replaced(context, self, x, self["pattern"].text(), self["replacement"].text()); }
Result matches(Context& context, const Object& self, Method, const Table& x) { return edited(context, self, x, {{"edit", "contains"}, {"pattern", self["pattern"].text()}}); }
Result string_length(Context& context, const Object& self, Method, const Table& x) { return edited(context, self, x, {{"edit", "length"}}); }

Result string_normalizer(Context& context, const Object& self, Method, const Table& x) {
  const std::string function = self.text("function", "");
  Table out = x;
  if (function.starts_with("lower")) out = edited(context, self, out, {{"edit", "lower"}});
  else if (function.starts_with("upper")) out = edited(context, self, out, {{"edit", "upper"}});
  else if (!function.empty()) unsupported(self, format("function=\"{}\"", printable(function)));
  return self.boolean("trim_blanks", true) ? edited(context, self, out, {{"edit", "strip"}}) : out;
}

/// How many words a text has: each becomes "1", what lies between them nothing, and the ones are counted.
Result word_count(Context& context, const Object& self, Method, const Table& x) {
  const Table ones = replaced(context, self, x, "(" + self.text("word_pattern", "\\w+") + ")", "1");
  return edited(context, self, replaced(context, self, ones, "(" + self.text("non_word_pattern", "\\W+") + ")", ""), {{"edit", "length"}});
}

Result power_function(Context&, const Object& self, Method, const Table& x) { return pow(x.matrix(), self["power"].real()); }

/// LagTransformer and RollingAggregateTransformer: what stands in the rows before, of all rows or of those with the same block_indicators.
Result rows_before(Context& context, const Object& self, Method, const Table& x) {
  context.row_wise = false;
  const std::int64_t n = self["n"].integer();
  if (n < 1 || n > 10'000) unsupported(self, format("n={}", n));
  std::vector<bool> is_key(x.width(), false);
  if (self.set("block_indicators")) {
    const std::vector<Object> indicators = self["block_indicators"].elements();
    if (indicators.size() != 1) unsupported(self, "other than one block_indicators");
    const auto at = indicators[0].is_text() ? std::ranges::find(x.names(), indicators[0].text()) - x.names().begin() : indicators[0].integer();
    if (at < 0 || static_cast<std::size_t>(at) >= x.width()) self.fail(Code::corrupt, "block_indicators that name no column");
    is_key[static_cast<std::size_t>(at)] = true;
  }
  std::optional<Expr> key;
  std::vector<std::int64_t> others;
  for (std::size_t i = 0; i < x.width(); ++i) {
    if (!is_key[i]) others.push_back(static_cast<std::int64_t>(i));
    else if (!x.is_open(i)) key = x.column(i, x.is_text(i));  // of either kind: asking does not settle which
  }
  if (others.empty()) self.fail(Code::corrupt, "has no columns beside block_indicators");
  const Expr rows = apply("decant", "RowsBefore", {key ? *key : zero_rows(x.select(others))}, {{"n", n}});  // [N, n], the nearest first, -1 where there is none
  const bool lags = self.name() == "LagTransformer";
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    if (is_key[i]) {
      parts.push_back(x.select({static_cast<std::int64_t>(i)}));
      continue;
    }
    const bool text = x.is_text(i) && lags;
    const Expr column = squeeze(text ? x.column(i, true) : cast(x.column(i), DType::float64), 1);
    const Expr nothing = text ? column.constant(Tensor::scalar(std::string())) : column.scalar(std::nan(""));
    const Expr at = lags ? slice(rows, n - 1, n, 1) : rows, none = less(at, at.scalar(0));
    const Expr values = gather(column, where(none, at.scalar(0), at), 0);
    if (lags) {
      parts.emplace_back(where(none, nothing, values));
      continue;
    }
    const std::string function = self.text("function", "");
    const auto over = [&](double absent) { return where(none, values.scalar(absent), values); };
    const Expr sum = reduce_sum(over(0), 1, true), count = reduce_sum(cast(logical_not(none), DType::float64), 1, true);
    Expr out;
    if (function == "mean" || function == "avg") out = sum / count;
    else if (function == "sum") out = sum;
    else if (function == "min") out = reduce_min(over(std::numeric_limits<double>::infinity()), 1, true);
    else if (function == "max") out = reduce_max(over(-std::numeric_limits<double>::infinity()), 1, true);
    else if (function.starts_with("prod")) out = apply("ReduceProd", {over(1), rows.integers({1})}, {{"keepdims", std::int64_t{1}}});
    else unsupported(self, format("the function {}", printable(function)));
    parts.emplace_back(where(equal(count, count.scalar(0)), nothing, out));
  }
  return Table::joined(parts);
}

Result aggregate(Context&, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  const std::string function = self.text("function", "");
  if (function == "mean" || function == "avg") return reduce_mean(x, 1, true);
  if (function == "sum") return reduce_sum(x, 1, true);
  if (function == "min") return reduce_min(x, 1, true);
  if (function == "max") return reduce_max(x, 1, true);
  unsupported(self, format("the function {}", printable(function)));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> sklearn2pmml_preprocessing_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"CastTransformer", kTransformer, cast_transformer},           {"MultiCastTransformer", kTransformer, cast_transformer},
      {"ExpressionTransformer", kTransformer, expression_transformer}, {"IdentityTransformer", kTransformer, identity},
      {"DaysSinceYearTransformer", kTransformer, since_year},   {"ConcatTransformer", kTransformer, concat_transformer},
      {"LookupTransformer", kTransformer, lookup},                   {"MultiLookupTransformer", kTransformer, lookup},
      {"SubstringTransformer", kTransformer, substring},             {"ReplaceTransformer", kTransformer, replace},
      {"MatchesTransformer", kTransformer, matches},                 {"PowerFunctionTransformer", kTransformer, power_function},
      {"Aggregator", kTransformer, aggregate},                       {"AggregateTransformer", kTransformer, aggregate},
      {"CutTransformer", kTransformer, cut},                         {"PMMLLabelBinarizer", kTransformer, label_binarizer},
      {"PMMLLabelEncoder", kTransformer, label_encoder},             {"Slicer", kTransformer, slicer},
      {"FilterLookupTransformer", kTransformer, lookup},             {"LagTransformer", kTransformer, rows_before},
      {"RollingAggregateTransformer", kTransformer, rows_before},    {"SecondsSinceYearTransformer", kTransformer, since_year},
      {"SecondsSinceMidnightTransformer", kTransformer, since_midnight}, {"StringLengthTransformer", kTransformer, string_length},
      {"WordCountTransformer", kTransformer, word_count},            {"StringNormalizer", kTransformer, string_normalizer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
