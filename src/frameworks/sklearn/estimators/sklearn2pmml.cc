// SPDX-License-Identifier: Apache-2.0
// What sklearn2pmml (from 0.19 on), sklearn_pandas and interpret put into scikit-learn pipelines: domains, mappers of data frames, and
// transformers of texts and dates. find_estimator knows these classes by their exact names. A domain's checks that values are valid are
// not made; it changes nothing unless it replaces values, which is refused.
#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "frameworks/sklearn/expression.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

// --- domains (sklearn2pmml/decoration) ------------------------------------------------------------------------------------------------

void check_domain(const Object& self) {
  for (const char* attribute : {"missing_value_replacement", "invalid_value_replacement"}) {
    if (self.set(attribute)) unsupported(self, format("{}", attribute));
  }
  const auto plain = [&](std::string_view attribute, std::initializer_list<std::string_view> fine) {
    const std::string value = self.text(attribute, *fine.begin());
    if (std::ranges::find(fine, value) == fine.end()) unsupported(self, format("{}=\"{}\"", attribute, printable(value)));
  };
  plain("missing_value_treatment", {"as_is", "return_invalid"});
  plain("invalid_value_treatment", {"return_invalid", "as_is"});
  plain("outlier_treatment", {"as_is"});
}

Result continuous_domain(Context&, const Object& self, Method, const Table& x) {
  check_domain(self);
  return x;
}

/// The texts that a column can hold are kept for those transformers that take texts apart.
Result categorical_domain(Context& context, const Object& self, Method, const Table& x) {
  check_domain(self);
  const Object values = self.set("data_values_") ? self["data_values_"] : self.set("data_") ? self["data_"] : Object{};
  if (x.width() != 1 || !values.array()) return x;
  const auto array = values.array();
  const bool texts = array->type.kind == 'U' || (array->type.kind == 'O' && std::ranges::all_of(array->objects, [](pickle::Ref r) { return r->is_text(); }));
  if (!texts) return x;
  const Tensor known = values.tensor();
  context.known_texts[x.column(0, true).id()] = {known.data<std::string>().begin(), known.data<std::string>().end()};
  return x;
}

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
    if (names.size() == out.width()) out.set_names(std::move(names));
  }
  return out;
}

// --- transformers (sklearn2pmml/preprocessing) -----------------------------------------------------------------------------------------

/// The name of a type: builtins.str, numpy.float64, numpy.dtype("f8"), "datetime64[D]", or dill's _load_type("str").
std::string type_name(const Object& type) {
  if (type.is_none()) return {};
  if (type.is_text()) return type.text();
  if (type.name() == "_load_type" && type.args().size() == 1) return type_name(type.args()[0]);
  if (const auto known = python::as_type(type.tree(), type.node())) {
    return known->kind == 'f' ? "float" : known->kind == 'i' || known->kind == 'u' ? "int" : known->kind == 'b' ? "bool" : known->kind == 'U' || known->kind == 'O' ? "str" : known->text();
  }
  return std::string(type.name());
}

Expr as_text(const Object& self, const Table& x, std::size_t column) {
  const Expr out = x.column(column, true);
  if (out.dtype() == DType::string) return out;
  if (out.dtype() == DType::boolean) unsupported(self, "truth values as texts");
  return cast(out, DType::string);  // a whole number without a point
}

Expr converted(const Object& self, const std::string& type, const Table& x, std::size_t column) {
  if (type == "str" || type == "unicode") return as_text(self, x, column);
  if (type == "datetime64[D]") return apply("decant", "DaysOfDate", {as_text(self, x, column)});
  const Expr number = x.column(column);
  if (type.starts_with("int")) return cast(number, DType::int64);
  if (type.starts_with("float")) return cast(number, DType::float64);
  if (type.starts_with("bool")) return cast(cast(number, DType::float64), DType::boolean);
  unsupported(self, format("a cast to {}", printable(type)));
}

Result cast_transformer(Context&, const Object& self, Method, const Table& x) {
  const std::string type = type_name(self.set("dtype_") ? self["dtype_"] : self["dtype"]);
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) parts.emplace_back(converted(self, type, x, i));
  return Table::joined(parts);
}

Result expression_transformer(Context&, const Object& self, Method, const Table& x) {
  const Object text = self.set("expr") ? self["expr"] : self["expr_"];
  if (self.set("map_missing_to") || self.set("default_value")) unsupported(self, "expressions with a value for missing or invalid ones");
  const Expr out = expression(self, text.text(), x);
  const std::string type = self.set("dtype") ? type_name(self["dtype"]) : std::string();
  return type.empty() || type == "str" ? Result(out) : Result(converted(self, type, Table(out), 0));
}

Result days_since_year(Context&, const Object& self, Method, const Table& x) {
  const auto year = static_cast<int>(std::clamp<std::int64_t>(self["year"].integer(), 0, 9999));
  const auto begin = std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / 1).time_since_epoch().count();
  return x.matrix() - static_cast<double>(begin);
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

/// LookupTransformer and MultiLookupTransformer: one value, or a tuple of them, to a text or a number.
Result lookup(Context&, const Object& self, Method, const Table& x) {
  const auto mapping = self["mapping"].entries();
  const Object otherwise = self.set("default_value") ? self["default_value"] : Object{};
  if (mapping.empty()) self.fail(Code::corrupt, "an empty lookup");
  const bool texts = std::ranges::any_of(mapping, [](const auto& m) { return m.second.is_text(); }) || otherwise.is_text();
  if (otherwise.is_none() && !texts) unsupported(self, "a lookup without a default value");
  const Expr like = zero_rows(x);
  const auto value = [&](const Object& o) { return texts ? like.constant(Tensor::scalar(o.text())) : like.constant(Tensor::scalar(o.real())); };
  Expr out = where(equal(like, like), value(otherwise.is_none() ? mapping[0].second : otherwise), value(otherwise.is_none() ? mapping[0].second : otherwise));
  Expr found;
  for (const auto& [key, to] : mapping) {
    const std::vector<Object> keys = key.is_sequence() ? key.elements() : std::vector<Object>{key};
    if (keys.size() != x.width()) self.fail(Code::corrupt, format("a key of {} values for {} columns", keys.size(), x.width()));
    Expr hit;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const bool text = keys[i].is_text();
      const Expr column = x.column(i, text);
      if (text && column.dtype() != DType::string) unsupported(self, "texts looked up in a column of numbers");
      const Expr same = equal(text ? column : cast(column, DType::float64), text ? like.constant(Tensor::scalar(keys[i].text())) : like.scalar(keys[i].real()));
      hit = hit ? logical_and(hit, same) : same;
    }
    out = where(hit, value(to), out);
    found = found ? logical_or(found, hit) : hit;
  }
  if (otherwise.is_none()) out = require(out, found, "a value that the lookup does not know");
  return out;
}

/// `f` of each text that a domain says the column can hold, looked up; ONNX has no operators that take texts apart.
template <class F>
Result text_function(Context& context, const Object& self, const Table& x, F f) {
  std::vector<Table> parts;
  for (std::size_t i = 0; i < x.width(); ++i) {
    const Expr column = x.column(i, true);
    const auto known = context.known_texts.find(column.id());
    if (known == context.known_texts.end() || known->second.empty()) unsupported(self, "texts without a CategoricalDomain before it that lists them");
    Tensor from(DType::string, {1, static_cast<std::int64_t>(known->second.size())});
    std::ranges::copy(known->second, from.mutable_data<std::string>().begin());
    using To = decltype(f(known->second[0]));
    Tensor to(dtype_of<To>, {static_cast<std::int64_t>(known->second.size())});
    std::vector<std::string> results;
    for (std::size_t k = 0; k < known->second.size(); ++k) {
      to.template mutable_data<To>()[k] = f(known->second[k]);
      if constexpr (std::is_same_v<To, std::string>) results.push_back(to.template data<To>()[k]);
    }
    const Expr hits = equal(column, column.constant(from));
    const Expr code = unsqueeze(argmax(cast(hits, DType::int32), 1), 1);
    const Expr out = gather(column.constant(to), require(code, cast(reduce_max(cast(hits, DType::int32), 1, true), DType::boolean), "a text that the domain does not list"), 0);
    if (!results.empty()) context.known_texts[out.id()] = std::move(results);
    parts.emplace_back(out);
  }
  return Table::joined(parts);
}

Result substring(Context& context, const Object& self, Method, const Table& x) {
  const std::int64_t begin = self["begin"].integer(), end = self["end"].integer();
  if (begin < 0 || end < begin) unsupported(self, "positions from the end");
  return text_function(context, self, x, [&](const std::string& text) {
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) unsupported(self, "texts beyond ASCII");
    const auto from = static_cast<std::size_t>(begin);
    return from >= text.size() ? std::string() : text.substr(from, static_cast<std::size_t>(end - begin));
  });
}

/// The regular expressions that are a row of letters, dots and sets, perhaps with ^ before and $ after: no repetition, so the work is bounded.
class Pattern {
 public:
  Pattern(const Object& self, std::string_view text) {
    const auto refuse = [&] { unsupported(self, format("the regular expression \"{}\"", printable(text, 100))); };
    std::size_t i = 0;
    if (text.starts_with('^')) starts_ = true, ++i;
    for (; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '$' && i + 1 == text.size()) {
        ends_ = true;
      } else if (c == '[') {
        Atom atom;
        const std::size_t close = text.find(']', i + 1);
        if (close == text.npos || close == i + 1 || text[i + 1] == '^') refuse();
        for (std::size_t k = i + 1; k < close; ++k) {
          if (text[k] == '-' || text[k] == '\\' || text[k] == '[') refuse();
          atom.any_of += text[k];
        }
        atoms_.push_back(std::move(atom));
        i = close;
      } else if (std::string_view("\\*+?{}()|^$].").find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80) {
        refuse();
      } else {
        atoms_.push_back({std::string(1, c)});
      }
    }
    if (atoms_.empty()) refuse();
  }
  std::size_t size() const { return atoms_.size(); }
  bool matches_at(std::string_view text, std::size_t at) const {
    if ((starts_ && at != 0) || at + atoms_.size() > text.size() || (ends_ && at + atoms_.size() != text.size())) return false;
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
      if (atoms_[k].any_of.find(text[at + k]) == std::string::npos) return false;
    }
    return true;
  }

 private:
  struct Atom { std::string any_of; };
  std::vector<Atom> atoms_;
  bool starts_ = false, ends_ = false;
};

Result replace(Context& context, const Object& self, Method, const Table& x) {
  const Pattern pattern(self, self["pattern"].text());
  const std::string by = self["replacement"].text();
  if (by.find_first_of("\\$") != std::string::npos) unsupported(self, "a replacement that refers to groups");
  return text_function(context, self, x, [&](const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      if (pattern.matches_at(text, i)) out += by, i += pattern.size();
      else out += text[i++];
    }
    return out;
  });
}

Result matches(Context& context, const Object& self, Method, const Table& x) {
  const Pattern pattern(self, self["pattern"].text());
  return text_function(context, self, x, [&](const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (pattern.matches_at(text, i)) return true;
    }
    return false;
  });
}

Result power_function(Context&, const Object& self, Method, const Table& x) { return pow(x.matrix(), self["power"].real()); }

Result aggregate(Context&, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  const std::string function = self.text("function", "");
  if (function == "mean" || function == "avg") return reduce_mean(x, 1, true);
  if (function == "sum") return reduce_sum(x, 1, true);
  if (function == "min") return reduce_min(x, 1, true);
  if (function == "max") return reduce_max(x, 1, true);
  unsupported(self, format("the function {}", printable(function)));
}

Result data_frame_constructor(Context&, const Object& self, Method, const Table& x) {
  Table out = x;
  if (self.set("columns")) {
    std::vector<std::string> names = names_in(self["columns"]);
    if (names.size() == out.width()) out.set_names(std::move(names));
  }
  return out;
}

/// SelectorProxy and SelectUnique
Result masked(Context&, const Object& self, Method, const Table& x) {
  const auto size = self["support_mask_"].integers().size();
  if (size != x.width()) self.fail(Code::corrupt, format("selects among {} columns, where {} come in", size, x.width()));
  return x.select(positions(self["support_mask_"]));
}

/// EstimatorProxy; in early versions the fitted one is estimator_.
Object proxied(const Object& self) { return self.set("estimator_") ? self["estimator_"] : self["estimator"]; }
bool proxy_has(Context& context, const Object& self, Method method) {
  must_be_known(proxied(self));
  return context.has(proxied(self), method);
}
Result proxy(Context& context, const Object& self, Method method, const Table& x) { return context.call(proxied(self), method, x); }

// --- interpret.glassbox.LinearRegression -------------------------------------------------------------------------------------------------

Result glass_box_linear(Context& context, const Object& self, Method method, const Table& x) { return context.call(self["sk_model_"], method, x); }

}  // namespace

std::span<const Estimator> sklearn2pmml_estimators() {
  static constexpr Methods kAll{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform, Method::score_samples};
  static constexpr Estimator kEstimators[] = {
      {"EstimatorProxy", kAll, proxy, proxy_has},
      {"ContinuousDomain", kTransformer, continuous_domain}, {"CategoricalDomain", kTransformer, categorical_domain},
      {"MultiDomain", kTransformer, multi_domain},           {"Alias", kTransformer, alias},
      {"MultiAlias", kTransformer, alias},                   {"DataFrameMapper", kTransformer, data_frame_mapper},
      {"CastTransformer", kTransformer, cast_transformer},   {"ExpressionTransformer", kTransformer, expression_transformer},
      {"DaysSinceYearTransformer", kTransformer, days_since_year}, {"ConcatTransformer", kTransformer, concat_transformer},
      {"LookupTransformer", kTransformer, lookup},           {"MultiLookupTransformer", kTransformer, lookup},
      {"SubstringTransformer", kTransformer, substring},     {"ReplaceTransformer", kTransformer, replace},
      {"MatchesTransformer", kTransformer, matches},         {"PowerFunctionTransformer", kTransformer, power_function},
      {"Aggregator", kTransformer, aggregate},               {"AggregateTransformer", kTransformer, aggregate},
      {"DataFrameConstructor", kTransformer, data_frame_constructor}, {"SelectorProxy", kTransformer, masked},
      {"SelectUnique", kTransformer, masked},                {"GlassBoxLinearRegression", kRegressor, glass_box_linear},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
