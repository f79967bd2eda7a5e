// SPDX-License-Identifier: Apache-2.0
// InterpretML's glass boxes (interpret/glassbox, interpret-core from 0.3 on): explainable boosting machines, which add up tables, and
// scikit-learn's linear models and trees in a wrapper.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// What a category stands for where its column holds numbers: truth values are 1 and 0.
std::optional<double> number_of(std::string_view category) {
  if (category == "True") return 1;
  if (category == "False") return 0;
  double out = 0;
  const auto [end, error] = std::from_chars(category.data(), category.data() + category.size(), out);
  return error == std::errc{} && end == category.data() + category.size() ? std::optional(out) : std::nullopt;
}

/// Where each row of a feature lies in the tables, int64 [N, 1]: 0 is missing, `unknown` (the last place) what was not in training.
/// interpret/glassbox/_ebm/_bin.py, eval_terms; a cut belongs to the bin above it (Discretize).
Expr continuous_bin(const Table& x, std::size_t column, const Object& cuts) {
  const Expr value = cast(x.column(column), DType::float64);
  const Tensor edges = cuts.doubles();
  const Expr one = value.constant(Tensor::scalar(std::int64_t{1}));
  const Expr bin = edges.size() == 0 ? one : apply("decant", "SearchSorted", {value}, {{"edges", edges}, {"side", "right"}}) + one;
  return where(is_nan(value), bin.constant(Tensor::scalar(std::int64_t{0})), bin);
}

Expr category_bin(const Object& self, const Table& x, std::size_t column, const Object& categories, std::int64_t unknown) {
  std::vector<std::string> keys;
  std::vector<std::int64_t> bins;
  bool numbers = true;
  for (const auto& [key, bin] : categories.entries()) {
    keys.push_back(key.text());
    bins.push_back(bin.integer());
    if (bins.back() < 1 || bins.back() >= unknown) self.fail(Code::corrupt, format("category {} in bin {}", printable(keys.back()), bins.back()));
    numbers = numbers && number_of(keys.back());
  }
  if (keys.empty()) self.fail(Code::corrupt, "a feature without categories");
  if (!numbers) {
    const Expr text = x.column(column, true);
    if (text.dtype() != DType::string) unsupported(self, "categories of texts in a column of numbers");
    const Expr bin = apply("ai.onnx.ml", "LabelEncoder", {text}, {{"keys_strings", keys}, {"values_int64s", bins}, {"default_int64", unknown}});
    return where(Missing(Object{}).in(text), bin.constant(Tensor::scalar(std::int64_t{0})), bin);
  }
  const Expr value = cast(x.column(column), DType::float64);
  Expr out = where(is_nan(value), value.constant(Tensor::scalar(std::int64_t{0})), value.constant(Tensor::scalar(unknown)));
  for (std::size_t i = 0; i < keys.size(); ++i) out = where(equal(value, value.scalar(*number_of(keys[i]))), out.constant(Tensor::scalar(bins[i])), out);
  return out;
}

/// The sum of all terms: [N], or [N, classes].
Expr scores(Context& context, const Object& self, const Table& x) {
  if (!self.set("term_features_") || !self.set("term_scores_") || !self.set("bins_")) unsupported(self, "of a version before interpret 0.3");
  const std::vector<Object> bins = self["bins_"].elements(), types = self["feature_types_in_"].elements();
  const std::vector<Object> features = self["term_features_"].elements(), tables = self["term_scores_"].elements();
  if (bins.size() != x.width() || types.size() != bins.size()) self.fail(Code::corrupt, format("bins of {} columns, where {} come in", bins.size(), x.width()));
  if (features.size() != tables.size()) self.fail(Code::corrupt, format("{} terms with {} tables", features.size(), tables.size()));
  const Tensor intercept = self["intercept_"].is_number() ? Tensor::vector(std::vector<double>{self["intercept_"].real()}) : self["intercept_"].doubles();
  const bool several = intercept.size() > 1;
  const auto start = [&](Expr like) { return several ? like + context.constant(intercept.reshaped({1, static_cast<std::int64_t>(intercept.size())})) : like + intercept.number(0); };
  std::optional<Expr> out;
  for (std::size_t t = 0; t < features.size(); ++t) {
    const std::vector<std::int64_t> which = features[t].integers();
    const Tensor table = tables[t].doubles();
    if (which.empty() || table.rank() != which.size() + (several ? 1 : 0) || (several && table.dim(which.size()) != static_cast<std::int64_t>(intercept.size()))) {
      self.fail(Code::corrupt, format("term {} of {} features has a table of shape {}", t, which.size(), text_of(table.shape())));
    }
    std::optional<Expr> place;
    for (std::size_t d = 0; d < which.size(); ++d) {
      if (which[d] < 0 || static_cast<std::size_t>(which[d]) >= bins.size()) self.fail(Code::corrupt, format("term {} asks for feature {}", t, which[d]));
      const auto column = static_cast<std::size_t>(which[d]);
      // Terms of several features have coarser bins, where a feature has such.
      const std::vector<Object> levels = bins[column].elements();
      if (levels.empty()) self.fail(Code::corrupt, format("feature {} has no bins", column));
      const Object level = levels[std::min(levels.size(), which.size()) - 1];
      const std::int64_t size = table.dim(d);
      const bool continuous = types[column].is_text("continuous");
      if (size < 2 || (continuous && level.doubles().size() + 3 > static_cast<std::size_t>(size))) self.fail(Code::corrupt, format("term {} has {} places for feature {}", t, size, column));
      const Expr bin = continuous ? continuous_bin(x, column, level) : category_bin(self, x, column, level, size - 1);
      place = place ? *place * bin.constant(Tensor::scalar(size)) + bin : bin;
    }
    const auto cells = std::accumulate(table.shape().begin(), table.shape().begin() + static_cast<std::ptrdiff_t>(which.size()), std::int64_t{1}, std::multiplies<>());
    const Tensor flat = several ? table.reshaped({cells, static_cast<std::int64_t>(intercept.size())}) : table.reshaped({cells});
    const Expr term = gather(context.constant(flat), squeeze(*place, 1), 0);
    out = out ? *out + term : start(term);
  }
  if (out) return *out;
  return start(several ? zero_rows(x) : squeeze(zero_rows(x), 1));
}

Expr odds(Expr score) {  // interpret/utils/_link.py, inv_link
  const Expr e = exp(score);
  return where(equal(e, e.scalar(HUGE_VAL)), e.scalar(1), e / (e + 1.0));
}

Result boosted_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Expr score = scores(context, self, x);
  if (method == Method::decision_function) return score;
  if (method == Method::predict) return labels_by_score(context, classes_of(self), score);
  const std::string link = self.text("link_", score.type().rank() == 1u ? "logit" : "mlogit");
  if (link == "mlogit") return softmax(score, 1);
  if (link != "logit" && link != "vlogit") unsupported(self, format("link_=\"{}\"", printable(link)));
  const Expr p = odds(score);
  return score.type().rank() == 1u ? concat({unsqueeze(1.0 - p, 1), unsqueeze(p, 1)}, 1) : p;
}

Result boosted_regressor(Context& context, const Object& self, Method, const Table& x) {
  const std::string link = self.text("link_", "identity");
  if (link != "identity" && link != "log") unsupported(self, format("link_=\"{}\"", printable(link)));
  const Expr score = scores(context, self, x);
  return link == "log" ? exp(score) : score;
}

void boosted_facts(const Object& self, Facts& out) {
  if (!self.set("bins_")) return;
  out.features = static_cast<std::int64_t>(self["bins_"].elements().size());
  if (self.set("feature_types_in_")) out.text = std::ranges::any_of(self["feature_types_in_"].elements(), [](const Object& type) { return !type.is_text("continuous"); });
}

/// LinearRegression, LogisticRegression, ClassificationTree and RegressionTree.
Result wrapped(Context& context, const Object& self, Method method, const Table& x) { return context.call(self["sk_model_"], method, x); }

}  // namespace

DECANT_AT_START std::span<const Estimator> interpret_estimators() {
  static constexpr Methods kProbabilities{Method::predict, Method::predict_proba};
  static constexpr Estimator kEstimators[] = {
      {"ExplainableBoostingClassifier", {Method::predict, Method::predict_proba, Method::decision_function}, boosted_classifier, nullptr, boosted_facts},
      {"ExplainableBoostingRegressor", kRegressor, boosted_regressor, nullptr, boosted_facts},
      {"GlassBoxLinearRegression", kRegressor, wrapped},
      {"GlassBoxLogisticRegression", kProbabilities, wrapped},
      {"ClassificationTree", kProbabilities, wrapped},
      {"RegressionTree", kRegressor, wrapped},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
