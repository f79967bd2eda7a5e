// SPDX-License-Identifier: Apache-2.0
// sklearn2pmml's transformers (sklearn2pmml/preprocessing): casts, expressions, look-ups, texts and dates.
#include <algorithm>
#include <chrono>
#include <cmath>

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
  Expr out = texts ? where(equal(x, x), x.constant(Tensor::scalar(std::string())), x.constant(Tensor::scalar(std::string()))) : x * x.scalar(std::nan(""));
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

/// How many words a text has. Words are what `word_pattern` finds; what lies between them is thrown away (non_word_pattern).
Result word_count(Context&, const Object& self, Method, const Table& x) {
  if (x.width() != 1) unsupported(self, format("takes one column of texts, {} come in", x.width()));
  const std::string words = self.text("word_pattern", "\\w+"), others = self.text("non_word_pattern", "\\W+");
  if (words != "\\w+" || others != "\\W+") unsupported(self, format("words \"{}\" between \"{}\"", printable(words), printable(others)));
  const Expr texts = as_text(self, x, 0);
  const auto out = texts.builder().node("decant", "TextHashes", {texts.id()}, {{"analyzer", std::string("word")}, {"token_pattern", words}, {"n_features", std::int64_t{1}}, {"alternate_sign", std::int64_t{0}},
                                        {"lowercase", std::int64_t{0}}, {"strip_accents", std::string()}, {"stop_words", std::vector<std::string>{}}, {"ngram_range", std::vector<std::int64_t>{1, 1}}}, 2);
  return reduce_sum(Expr(texts.builder(), out[1]), 1, true);
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

Result string_normalizer(Context& context, const Object& self, Method, const Table& x) {
  const std::string function = self.text("function", "");
  const bool lower = function.starts_with("lower"), upper = function.starts_with("upper"), trim = self.boolean("trim_blanks", true);
  if (!lower && !upper && !function.empty()) unsupported(self, format("function=\"{}\"", printable(function)));
  return text_function(context, self, x, [&](const std::string& text) {
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) unsupported(self, "texts beyond ASCII");
    const std::size_t first = trim ? text.find_first_not_of(" \t\n\r\v\f") : 0;
    std::string out = first == text.npos ? std::string() : text.substr(first, trim ? text.find_last_not_of(" \t\n\r\v\f") + 1 - first : text.npos);
    for (char& c : out) c = lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return out;
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

}  // namespace

std::span<const Estimator> sklearn2pmml_preprocessing_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"CastTransformer", kTransformer, cast_transformer},           {"MultiCastTransformer", kTransformer, cast_transformer},
      {"ExpressionTransformer", kTransformer, expression_transformer}, {"IdentityTransformer", kTransformer, identity},
      {"DaysSinceYearTransformer", kTransformer, days_since_year},   {"ConcatTransformer", kTransformer, concat_transformer},
      {"LookupTransformer", kTransformer, lookup},                   {"MultiLookupTransformer", kTransformer, lookup},
      {"SubstringTransformer", kTransformer, substring},             {"ReplaceTransformer", kTransformer, replace},
      {"MatchesTransformer", kTransformer, matches},                 {"PowerFunctionTransformer", kTransformer, power_function},
      {"Aggregator", kTransformer, aggregate},                       {"AggregateTransformer", kTransformer, aggregate},
      {"CutTransformer", kTransformer, cut},                         {"PMMLLabelBinarizer", kTransformer, label_binarizer},
      {"PMMLLabelEncoder", kTransformer, label_encoder},             {"Slicer", kTransformer, slicer},
      {"WordCountTransformer", kTransformer, word_count},            {"StringNormalizer", kTransformer, string_normalizer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
