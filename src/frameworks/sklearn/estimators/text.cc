// SPDX-License-Identifier: Apache-2.0
// Vectorizers of text (sklearn/feature_extraction/text.py). Functions of the user's own (analyzer, tokenizer, preprocessor) are code, and
// refused by name; a few of Python's own, such as str.split, are known for what they do.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "frameworks/python/objects.h"
#include "frameworks/sklearn/parts.h"
#include "frameworks/sklearn/vocabulary.h"
#include "ops/text/unicode.h"

namespace decant::sklearn {
namespace {

constexpr std::string_view kEnglish[] = {
#include "frameworks/sklearn/stop_words.inc"
};

std::vector<std::string> stop_words_of(const Object& self) {
  if (!self.set("stop_words")) return {};
  const Object words = self["stop_words"];
  if (words.is_text("english")) return {std::begin(kEnglish), std::end(kEnglish)};
  if (words.is_text()) unsupported(self, format("stop_words={}", printable(words.text())));
  const Object list = words.is_sequence() || words.args().empty() ? words : words.args()[0];  // a frozenset is made from a list
  std::vector<std::string> out;
  for (const Object& word : list.elements()) out.push_back(word.text());
  return out;
}

/// The name of a function; of a method, as in getattr(str, "split"), which is how str.split is pickled, "str.split".
std::string function_name(const Object& function) {
  const std::vector<Object> args = function.args();
  if (function.name() != "getattr" || args.size() != 2 || !args[1].is_text()) return function.full_name();
  const bool python_text = args[0].is_global("builtins", "str") || args[0].is_global("__builtin__", "unicode");
  return format("{}.{}", python_text ? std::string("str") : args[0].full_name(), args[1].text());
}

constexpr std::string_view kUsualPattern = "(?u)\\b\\w\\w+\\b";

/// A pattern for texts between white space without the punctuation at their ends: what sklearn2pmml's Splitter makes of \s+.
std::string trimmed_pattern() {
  std::string marks;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (!is_punctuation(c)) continue;
    char32_t last = c;
    while (is_punctuation(last + 1)) ++last;
    for (const char32_t end : {c, last}) {
      if (end < 0x80) marks += '\\';
      append_utf8(marks, end);
      if (end == c && last != c) marks += '-';
      if (last == c) break;
    }
    c = last;
  }
  return format("[^\\s{0}](?:\\S*[^\\s{0}])?", marks);
}

/// The pattern whose matches are what a function that cuts texts gives: str.split, re.compile(pattern).findall, or sklearn2pmml's Matcher and
/// Splitter (sklearn2pmml/feature_extraction/text). Nothing for another.
std::optional<std::string> pattern_of(const Object& function) {
  if (function_name(function) == "str.split") return "\\S+";
  if (function.module() == "sklearn2pmml.feature_extraction.text") {
    const pickle::Ref state = python::state_of(function.node());
    const auto pattern = state == nullptr ? std::nullopt : python::text_of(state);
    if (pattern && function.name() == "Matcher") return std::string(*pattern);
    if (pattern == "\\s+" && function.name() == "Splitter") return trimmed_pattern();
  }
  const std::vector<Object> args = function.args();
  if (function.name() != "getattr" || args.size() != 2 || !args[1].is_text("findall") || args[0].name() != "_compile" || args[0].module() != "re") return std::nullopt;
  const std::vector<Object> pattern = args[0].args();
  constexpr std::int64_t kUnicode = 32;  // re.UNICODE, which patterns of text always have
  if (pattern.size() != 2 || !pattern[0].is_text() || pattern[1].integer() != kUnicode) return std::nullopt;
  return pattern[0].text();
}

/// What of Python's own functions stands in for a vectorizer's parts; others are refused by name.
void apply_functions(const Object& self, Attributes& out) {
  const auto refuse = [&](const char* part) {
    unsupported(self, format("{} is a function of its own, {}, and decant runs no code out of files", part, printable(function_name(self[part]))));
  };
  const auto function = [&](const char* part) { return self.set(part) && !self[part].is_text(); };
  if (function("analyzer")) {  // it alone decides: nothing else is looked at
    const auto pattern = pattern_of(self["analyzer"]);
    if (!pattern) refuse("analyzer");
    out["analyzer"] = std::string("word");
    out["token_pattern"] = *pattern;
    out["lowercase"] = std::int64_t{0};
    out["strip_accents"] = std::string();
    out["stop_words"] = std::vector<std::string>{};
    out["ngram_range"] = std::vector<std::int64_t>{1, 1};
    return;
  }
  const bool words = self.text("analyzer", "word") == "word";
  if (function("tokenizer") && words) {
    const auto pattern = pattern_of(self["tokenizer"]);
    if (!pattern) refuse("tokenizer");
    out["token_pattern"] = *pattern;
  }
  if (function("preprocessor")) {
    const std::string name = function_name(self["preprocessor"]);
    const std::string& pattern = std::get<std::string>(out["token_pattern"]);
    // White space at the ends is part of no word.
    const bool strips = name == "str.strip" && words && (pattern == kUsualPattern || pattern == "\\S+");
    if (name != "str.lower" && !strips) refuse("preprocessor");
    out["lowercase"] = std::int64_t{name == "str.lower"};
    out["strip_accents"] = std::string();
  }
}

/// How texts are cut into terms: the attributes of TextCounts and TextHashes.
Attributes analysis_of(const Object& self) {
  if (self.set("strip_accents") && !self["strip_accents"].is_text()) unsupported(self, "strip_accents is a function of its own");
  if (const std::string input = self.text("input", "content"); input != "content") unsupported(self, format("input={}: decant takes the texts themselves", printable(input)));
  std::vector<std::int64_t> range{1, 1};
  if (self.set("ngram_range")) range = {self["ngram_range"].item(0).integer(), self["ngram_range"].item(1).integer()};
  const bool named = !self.set("analyzer") || self["analyzer"].is_text();
  Attributes out{{"analyzer", named ? self.text("analyzer", "word") : std::string("word")},
                 {"lowercase", std::int64_t{self.boolean("lowercase", true)}},
                 {"strip_accents", self.text("strip_accents", "")},
                 {"token_pattern", self.text("token_pattern", kUsualPattern)},
                 {"stop_words", stop_words_of(self)},
                 {"ngram_range", range},
                 {"binary", std::int64_t{self.boolean("binary", false)}}};
  apply_functions(self, out);
  return out;
}

Expr texts_of(const Object& self, const Table& x) {
  if (x.is_whole() || x.width() != 1) unsupported(self, format("takes one column of texts, {} come in", x.width()));
  const Expr out = x.column(0, true);
  if (out.dtype() != DType::string) unsupported(self, "takes texts, and the step before it gives numbers");
  return out;
}

Tensor terms_of(const Object& self) {
  if (self.set("vocabulary_")) return vocabulary_of(self["vocabulary_"]);
  if (!self.set("vocabulary")) unsupported(self, "is not fitted: it has no vocabulary_");
  const Object given = self["vocabulary"];  // one that was given is only looked at when it is needed
  if (given.is_dict()) return vocabulary_of(given);
  std::vector<std::string> terms;
  for (const Object& term : given.elements()) terms.push_back(term.text());
  if (given.node().kind == pickle::Kind::set) std::ranges::sort(terms);
  return Tensor::vector(terms);
}

SparseTable counts(Context&, const Object& self, const Table& x) {
  const Expr texts = texts_of(self, x);
  const Tensor terms = terms_of(self);
  Attributes attributes = analysis_of(self);
  attributes.emplace("vocabulary", terms);
  const auto out = texts.builder().node("decant", "TextCounts", {texts.id()}, std::move(attributes), 2);
  return {{texts.builder(), out[0]}, {texts.builder(), out[1]}, static_cast<std::int64_t>(terms.size())};
}

/// The dtype parameter of a vectorizer: float32 and float64 as they are, integers of any width as int64.
DType dtype_of_result(const Object& self, DType otherwise) {
  if (!self.set("dtype")) return otherwise;
  const Object dtype = self["dtype"];
  const auto type = python::as_type(dtype.tree(), dtype.node());
  if (!type) return dtype.name() == "float" ? DType::float64 : otherwise;
  return type->kind != 'f' ? DType::int64 : type->itemsize == 4 ? DType::float32 : DType::float64;
}

Result count_vectorizer(Context& context, const Object& self, Method, const Table& x) {
  return dense_rows(context, counts(context, self, x), dtype_of_result(self, DType::int64));
}

/// sklearn.preprocessing.normalize: a row without anything stays.
Expr normalized(const Object& self, Expr values) {
  const std::string norm = self.text("norm", "");
  if (norm.empty()) return values;
  Expr length;
  if (norm == "l2") length = sqrt(reduce_sum(values * values, 1, true));
  else if (norm == "l1") length = reduce_sum(abs(values), 1, true);
  else unsupported(self, format("norm={}", printable(norm)));
  return values / where(equal(length, length.scalar(0)), length.scalar(1), length);
}

/// idf_: an array since 1.5, before that the diagonal of a sparse matrix.
std::vector<double> idf_of(const Object& self, std::int64_t width) {
  std::vector<double> out(static_cast<std::size_t>(width), 0.0);
  if (!self.set("_idf_diag")) out = self["idf_"].list();
  else {
    const Object diagonal = self["_idf_diag"];
    const auto matrix = python::as_sparse(diagonal.tree(), diagonal.node());
    if (!matrix || matrix->rows != matrix->columns || matrix->rows != width) self.fail(Code::corrupt, format("_idf_diag is not a diagonal of {}", width));
    for (std::int64_t i = 0; i < width; ++i) {
      for (std::int64_t k = matrix->indptr.integer(static_cast<std::size_t>(i)); k < matrix->indptr.integer(static_cast<std::size_t>(i) + 1); ++k) {
        if (matrix->indices.integer(static_cast<std::size_t>(k)) == i) out[static_cast<std::size_t>(i)] += matrix->data.number(static_cast<std::size_t>(k));
      }
    }
  }
  if (out.size() != static_cast<std::size_t>(width)) self.fail(Code::corrupt, format("idf_ of {} terms, where {} come in", out.size(), width));
  return out;
}

/// The values of sparse or plain rows, weighted: `idf_at` picks each value's weight.
template <class IdfAt>
Expr weighted(const Object& self, Expr values, IdfAt idf_at) {
  if (self.boolean("sublinear_tf", false)) {
    const Expr none = equal(values, values.scalar(0));
    values = where(none, values, log(where(none, values.scalar(1), values)) + 1.0);
  }
  if (self.boolean("use_idf", true)) values = values * idf_at();
  return normalized(self, values);
}

Expr weighted_rows(Context& context, const Object& self, SparseTable rows, DType dtype) {
  rows.values = weighted(self, rows.values, [&] { return gather(context.constant(Tensor::vector(idf_of(self, rows.width))), rows.columns, 0); });
  return dense_rows(context, rows, dtype);
}

Result tfidf_transformer(Context& context, const Object& self, Method, const Table& x) {
  const Expr rows = x.matrix();
  if (const auto sparse = context.sparse_rows.find(rows.id()); sparse != context.sparse_rows.end()) return weighted_rows(context, self, sparse->second, DType::float64);
  return weighted(self, rows, [&] { return rows.row(idf_of(self, rows.dim(1))); });
}

Result tfidf_vectorizer(Context& context, const Object& self, Method, const Table& x) {
  return weighted_rows(context, self["_tfidf"], counts(context, self, x), dtype_of_result(self, DType::float64));
}

Result hashing_vectorizer(Context& context, const Object& self, Method, const Table& x) {
  const Expr texts = texts_of(self, x);
  Attributes attributes = analysis_of(self);
  const std::int64_t n = self["n_features"].integer();
  attributes.emplace("n_features", n);
  attributes.emplace("alternate_sign", std::int64_t{self.boolean("alternate_sign", true)});
  const auto out = texts.builder().node("decant", "TextHashes", {texts.id()}, std::move(attributes), 2);
  SparseTable rows{{texts.builder(), out[0]}, {texts.builder(), out[1]}, n};
  if (self.boolean("non_negative", false)) rows.values = abs(rows.values);  // up to 0.20
  rows.values = normalized(self, rows.values);
  return dense_rows(context, rows, dtype_of_result(self, DType::float64));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> text_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"CountVectorizer", kTransformer, count_vectorizer},
      {"HashingVectorizer", kTransformer, hashing_vectorizer},
      {"TfidfTransformer", kTransformer, tfidf_transformer},
      {"TfidfVectorizer", kTransformer, tfidf_vectorizer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
