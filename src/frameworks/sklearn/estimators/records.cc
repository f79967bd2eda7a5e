// SPDX-License-Identifier: Apache-2.0
// Estimators whose rows are no rows of a table but dicts and lists (sklearn/feature_extraction/_dict_vectorizer.py, _hash.py;
// sklearn/preprocessing/_label.py, MultiLabelBinarizer). A row is a text that holds it as JSON.
#include "base/text.h"
#include "frameworks/sklearn/parts.h"
#include "frameworks/sklearn/vocabulary.h"

namespace decant::sklearn {
namespace {

Expr records_of(const Object& self, const Table& x) {
  if (x.is_whole() || x.width() != 1) unsupported(self, format("takes one record a row, {} columns come in", x.width()));
  const Expr out = x.column(0, true);
  if (out.dtype() != DType::string) unsupported(self, "takes records, and the step before it gives numbers");
  return out;
}

SparseTable rows_of(std::string_view op, Expr records, Attributes attributes, std::int64_t width) {
  const auto out = records.builder().node("decant", op, {records.id()}, std::move(attributes), 2);
  return {{records.builder(), out[0]}, {records.builder(), out[1]}, width};
}

Result dict_vectorizer(Context& context, const Object& self, Method, const Table& x) {
  const Tensor names = vocabulary_of(self["vocabulary_"]);
  const auto width = static_cast<std::int64_t>(names.size());
  return dense_rows(context, rows_of("RecordFeatures", records_of(self, x), {{"vocabulary", names}, {"separator", self.text("separator", "=")}}, width));
}

Result feature_hasher(Context& context, const Object& self, Method, const Table& x) {
  const std::int64_t n = self["n_features"].integer();
  SparseTable rows = rows_of("RecordHashes", records_of(self, x),
                             {{"n_features", n}, {"alternate_sign", std::int64_t{self.boolean("alternate_sign", true)}}, {"input_type", self.text("input_type", "dict")}}, n);
  if (self.boolean("non_negative", false)) rows.values = abs(rows.values);  // up to 0.20
  return dense_rows(context, rows);
}

Result multi_label_binarizer(Context& context, const Object& self, Method, const Table& x) {
  const Object classes = self["classes_"];
  std::vector<std::string> names;
  const auto array = classes.array();
  if (array && array->type.kind == 'O') {
    for (const Object& label : classes.elements()) names.push_back(label.is_text() ? "s" + label.text() : label.is_number() ? "n" + format("{}", label.real()) : (unsupported(self, "labels that are neither texts nor numbers"), std::string()));
  } else {
    const Tensor labels = classes_of(self);
    for (std::size_t i = 0; i < labels.size(); ++i) names.push_back(labels.dtype() == DType::string ? "s" + labels.data<std::string>()[i] : "n" + format("{}", labels.number(i)));
  }
  const auto width = static_cast<std::int64_t>(names.size());
  return dense_rows(context, rows_of("RecordLabels", records_of(self, x), {{"vocabulary", Tensor::vector(names)}}, width), DType::int64);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> records_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"DictVectorizer", kTransformer, dict_vectorizer},
      {"FeatureHasher", kTransformer, feature_hasher},
      {"MultiLabelBinarizer", kTransformer, multi_label_binarizer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
