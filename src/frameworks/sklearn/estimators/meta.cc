// SPDX-License-Identifier: Apache-2.0
// Estimators that ask one or several others: searches, one against the rest, several outputs, chains, thresholds
// (sklearn/model_selection, multiclass.py, multioutput.py, frozen, semi_supervised/_self_training.py).
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

constexpr Methods kAll{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform, Method::score_samples};

std::vector<Object> members_of(const Object& self) {
  const std::vector<Object> out = self["estimators_"].elements();
  if (out.empty()) self.fail(Code::corrupt, "no estimators");
  return out;
}

// --- those that hand everything on --------------------------------------------------------------------------------------------------

Object inner_of(const Object& self) {
  for (const char* attribute : {"best_estimator_", "estimator_", "base_estimator_", "estimator"}) {
    if (self.set(attribute)) return self[attribute];
  }
  unsupported(self, "holds no fitted estimator");
}

bool inner_has(Context& context, const Object& self, Method method) {
  must_be_known(inner_of(self));
  return context.has(inner_of(self), method);
}
Result inner(Context& context, const Object& self, Method method, const Table& x) { return context.call(inner_of(self), method, x); }

/// A search that was not refitted has nothing to answer with.
bool search_has(Context& context, const Object& self, Method method) {
  if (!self.set("best_estimator_")) unsupported(self, "was fitted with refit=False, so it has no best_estimator_ to predict with");
  return inner_has(context, self, method);
}

// --- multiclass.py --------------------------------------------------------------------------------------------------------------------

/// The score of the second of two classes [N], and from where on it is chosen.
struct Binary {
  Expr score;
  double threshold;
};
Binary binary(Context& context, const Object& estimator, const Table& x) {
  if (context.has(estimator, Method::decision_function)) {
    const Expr score = context.value(estimator, Method::decision_function, x);
    return {score.type().rank() == 2u ? squeeze(score, 1) : score, 0};
  }
  if (context.has(estimator, Method::predict_proba)) return {squeeze(columns(context.value(estimator, Method::predict_proba, x), {1}), 1), 0.5};
  return {cast(context.predict(estimator, x), DType::float64), 0.5};
}

/// What stands in for a classifier where all its targets were equal.
Result constant_predictor(Context&, const Object& self, Method method, const Table& x) {
  const double y = self["y_"].real();
  const Expr rows = zero_rows(x) + y;
  if (method == Method::predict_proba) return concat({1.0 - rows, rows}, 1);
  const Expr out = squeeze(rows, 1);
  return method == Method::predict ? cast(out, DType::int64) : out;
}

bool members_have(Context& context, const Object& self, Method method) {
  if (method == Method::predict) return true;
  return std::ranges::all_of(members_of(self), [&](const Object& e) { return context.has(e, method); });
}

Result one_vs_rest(Context& context, const Object& self, Method method, const Table& x) {
  const std::vector<Object> members = members_of(self);
  const Object binarizer = self["label_binarizer_"];
  const std::string kind = binarizer.text("y_type_", "multiclass");
  const bool multilabel = kind.starts_with("multilabel");
  const Tensor classes = classes_of(binarizer);
  if (method == Method::predict_proba) {
    std::vector<Expr> parts;
    for (const Object& e : members) parts.push_back(columns(context.value(e, method, x), {1}));
    Expr y = concat(parts, 1);
    if (members.size() == 1) y = concat({1.0 - y, y}, 1);
    if (multilabel) return y;
    const Expr sums = reduce_sum(y, 1, true);
    // Since 1.2 rows of zeros stay zeros, before they were 0/0.
    return context.version(self) < Version{1, 2} ? y / sums : y / where(equal(sums, sums.scalar(0)), sums.scalar(1), sums);
  }
  std::vector<Expr> scores;
  double threshold = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (method == Method::decision_function) {
      const Expr score = context.value(members[i], method, x);
      scores.push_back(score.type().rank() == 2u ? squeeze(score, 1) : score);
      continue;
    }
    const Binary b = binary(context, members[i], x);
    if (i == 0) threshold = b.threshold;
    scores.push_back(b.score);
  }
  if (method == Method::decision_function) return members.size() == 1 ? scores[0] : beside(scores);
  if (kind == "multiclass") {
    if (context.version(self) >= Version{1, 8}) return labels(context, classes, argmax(beside(scores), 1));
    std::ranges::reverse(scores);  // up to 1.7 the last of equal scores wins
    const Expr from_end = argmax(beside(scores), 1);
    return labels(context, classes, from_end.scalar(static_cast<double>(scores.size() - 1)) - from_end);
  }
  const Expr chosen = cast(greater(beside(scores), scores[0].scalar(threshold)), DType::int64);
  return multilabel ? chosen : labels(context, classes, squeeze(chosen, 1));
}

Result one_vs_one(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor classes = classes_of(self);
  const auto k = static_cast<std::int64_t>(classes.size());
  const std::vector<Object> members = members_of(self);
  if (self.set("pairwise_indices_")) unsupported(self, "estimators of precomputed kernels");
  if (static_cast<std::int64_t>(members.size()) != k * (k - 1) / 2) self.fail(Code::corrupt, format("{} estimators for {} classes", members.size(), k));
  if (method == Method::predict) {
    const Expr y = context.value(self, Method::decision_function, x);
    if (k > 2) return labels(context, classes, argmax(y, 1));
    return labels(context, classes, cast(greater(y, y.scalar(binary(context, members[0], x).threshold)), DType::int64));
  }
  std::vector<Expr> votes(static_cast<std::size_t>(k)), sums(static_cast<std::size_t>(k));  // _ovr_decision_function
  const auto add = [](Expr& to, Expr what) { to = to ? to + what : what; };
  std::size_t at = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    for (std::size_t j = i + 1; j < classes.size(); ++j, ++at) {
      const Expr score = binary(context, members[at], x).score;
      const Expr second = cast(context.predict(members[at], x), DType::float64);
      add(sums[i], -score);
      add(sums[j], score);
      add(votes[i], 1.0 - second);
      add(votes[j], second);
    }
  }
  const Expr sum = beside(sums), out = beside(votes) + sum / ((abs(sum) + 1.0) * 3.0);
  return k == 2 ? squeeze(columns(out, {1}), 1) : out;
}

/// The nearest row of the code book; |y|² is the same for all rows, so it is left out.
Result output_code(Context& context, const Object& self, Method, const Table& x) {
  const Tensor book = self["code_book_"].doubles(), classes = classes_of(self);
  std::vector<Expr> scores;
  for (const Object& e : members_of(self)) scores.push_back(binary(context, e, x).score);
  if (book.rank() != 2 || book.dim(0) != static_cast<std::int64_t>(classes.size()) || book.dim(1) != static_cast<std::int64_t>(scores.size())) {
    self.fail(Code::corrupt, format("code_book_ of shape {}", text_of(book.shape())));
  }
  const Expr codes = context.constant(book);
  const Expr distance = reduce_sum(codes * codes, 1) - matmul(beside(scores), transpose(codes)) * 2.0;
  return labels(context, classes, argmin(distance, 1));
}

// --- multioutput.py -----------------------------------------------------------------------------------------------------------------------

Result multi_output(Context& context, const Object& self, Method method, const Table& x) {
  std::vector<Expr> parts;
  for (const Object& e : members_of(self)) parts.push_back(context.value(e, method, x));
  if (method == Method::predict_proba) return Result(std::move(parts));
  return beside(parts);
}

/// One number for each row: a score, or the probability of the second class.
Expr response(Context& context, const Object& estimator, Method method, const Table& x) {
  Expr out = cast(context.value(estimator, method, x), DType::float64);
  if (method == Method::predict_proba) out = columns(out, {1});
  return out.type().rank() == 1u ? out : squeeze(out, 1);
}

bool classifier_chain_has(Context& context, const Object& self, Method method) {
  if (method == Method::predict_log_proba) return context.version(self) >= Version{1, 4} && members_have(context, self, Method::predict_proba);
  return members_have(context, self, method);
}

Result chain(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  const std::vector<Object> members = members_of(self);
  const std::vector<std::int64_t> order = self["order_"].integers();
  const Method fed = method_named(self.text("chain_method_", "predict")).value_or(Method::predict);  // what the next estimator sees of the one before
  std::vector<Expr> out(members.size());
  if (order.size() != members.size()) self.fail(Code::corrupt, "order_ does not fit estimators_");
  std::vector<Table> seen{x};
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Table table = i == 0 ? x : Table::joined(seen);
    if (order[i] < 0 || static_cast<std::size_t>(order[i]) >= out.size() || out[static_cast<std::size_t>(order[i])]) self.fail(Code::corrupt, "order_ is no permutation");
    out[static_cast<std::size_t>(order[i])] = response(context, members[i], method, table);
    if (i + 1 < members.size()) seen.emplace_back(unsqueeze(response(context, members[i], fed, table), 1));
  }
  return beside(out);
}

// --- thresholds (model_selection/_classification_threshold.py) -----------------------------------------------------------------------------

std::size_t position_of(const Object& self, const Tensor& classes, const Object& label) {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes.dtype() == DType::string ? label.is_text(classes.data<std::string>()[i]) || (label.is_instance() && label.text() == classes.data<std::string>()[i])
                                         : label.is_number() && label.real() == classes.number(i)) {
      return i;
    }
  }
  self.fail(Code::corrupt, "pos_label is none of the classes");
}

Result threshold_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Object estimator = inner_of(self);
  if (method != Method::predict) return context.call(estimator, method, x);
  const Tensor classes = classes_within(estimator);
  if (classes.size() != 2) unsupported(self, "other than two classes");
  const std::string asked = self.text("response_method", "auto");
  const bool by_proba = asked == "predict_proba" || (asked == "auto" && context.has(estimator, Method::predict_proba));
  const bool tuned = self.has("best_threshold_");
  Object positive = self.set("pos_label") ? self["pos_label"] : Object{};
  bool one = false;  // pos_label=1, the default of some metrics
  if (tuned && self.set("_curve_scorer")) {
    const Object scorer = self["_curve_scorer"];
    for (const auto& [key, value] : scorer.set("_kwargs") ? scorer["_kwargs"].attributes() : std::vector<std::pair<std::string_view, Object>>{}) {
      if (key == "pos_label") positive = value;
    }
    static constexpr std::string_view kByOne[] = {"f1_score", "fbeta_score", "precision_score", "recall_score", "jaccard_score", "average_precision_score"};
    one = positive.is_none() && scorer.set("_score_func") && std::ranges::find(kByOne, scorer["_score_func"].name()) != std::end(kByOne);
  }
  double threshold = by_proba ? 0.5 : 0;
  if (tuned) threshold = self["best_threshold_"].real();
  else if (self.set("threshold") && !self["threshold"].is_text()) threshold = self["threshold"].real();

  const bool named = one || !positive.is_none();
  std::size_t at = 1;
  if (!positive.is_none()) at = position_of(self, classes, positive);
  else if (one && classes.dtype() != DType::string) at = classes.number(0) == 1 ? 0 : 1;
  Expr score;
  if (by_proba) score = squeeze(columns(context.value(estimator, Method::predict_proba, x), {static_cast<std::int64_t>(at)}), 1);
  else score = context.value(estimator, Method::decision_function, x);
  if (!by_proba && at == 0) score = -score;
  const Expr chosen = greater_equal(score, score.scalar(threshold));
  const std::int64_t yes = named ? static_cast<std::int64_t>(at) : 1;
  return labels(context, classes, where(chosen, context.constant(Tensor::scalar(yes)), context.constant(Tensor::scalar(1 - yes))));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> meta_estimators() {
  static constexpr Methods kPredictOrProba{Method::predict, Method::predict_proba};
  static constexpr Methods kScored{Method::predict, Method::predict_proba, Method::decision_function};
  static constexpr Methods kDecides{Method::predict, Method::decision_function};
  static constexpr Estimator kEstimators[] = {
      {"GridSearchCV", kAll, inner, search_has},
      {"RandomizedSearchCV", kAll, inner, search_has},
      {"HalvingGridSearchCV", kAll, inner, search_has},
      {"HalvingRandomSearchCV", kAll, inner, search_has},
      {"FrozenEstimator", kAll, inner, inner_has},
      {"SelfTrainingClassifier", kScoringClassifier, inner, inner_has},
      {"FixedThresholdClassifier", kScoringClassifier, threshold_classifier, inner_has},
      {"TunedThresholdClassifierCV", kScoringClassifier, threshold_classifier, inner_has},
      {"OneVsRestClassifier", kScored, one_vs_rest, members_have},
      {"_ConstantPredictor", kScored, constant_predictor},
      {"OneVsOneClassifier", kDecides, one_vs_one},
      {"OutputCodeClassifier", kRegressor, output_code},
      {"MultiOutputClassifier", kPredictOrProba, multi_output, members_have},
      {"MultiOutputRegressor", kRegressor, multi_output},
      {"ClassifierChain", kScoringClassifier, chain, classifier_chain_has},
      {"RegressorChain", kRegressor, chain},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
