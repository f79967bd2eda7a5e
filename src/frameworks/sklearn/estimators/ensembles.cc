// SPDX-License-Identifier: Apache-2.0
// Votes, stacks, bags and AdaBoost (sklearn/ensemble/_voting.py, _stacking.py, _bagging.py, _weight_boosting.py).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/text.h"
#include "frameworks/sklearn/forest.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

std::vector<Object> members_of(const Object& self) {
  const std::vector<Object> out = self["estimators_"].elements();
  if (out.empty()) self.fail(Code::corrupt, "an ensemble without members");
  return out;
}

/// sum() of Python: from left to right.
Expr total(const std::vector<Expr>& parts) {
  return std::accumulate(parts.begin() + 1, parts.end(), parts.at(0), [](Expr a, Expr b) { return a + b; });
}

/// Rows of 0 and 1 [N, classes] for class numbers [N].
Expr one_hot(Expr numbers, std::int64_t classes) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(classes));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return cast(equal(unsqueeze(cast(numbers, DType::int64), 1), reshape(numbers.integers(all), {1, -1})), DType::float64);
}

// --- voting ---------------------------------------------------------------------------------------------------------------------------

/// Weights of the members that were not dropped; empty where all count alike.
std::vector<double> weights_of(const Object& self) {
  if (!self.set("weights")) return {};
  const std::vector<double> all = self["weights"].list();
  const std::vector<Object> named = self["estimators"].elements();
  std::vector<double> out;
  for (std::size_t i = 0; i < named.size() && i < all.size(); ++i) {
    const Object member = named[i].item(1);
    if (!member.is_none() && !member.is_text("drop")) out.push_back(all[i]);
  }
  if (out.size() != members_of(self).size()) self.fail(Code::corrupt, "weights do not fit the estimators");
  return out;
}

/// numpy.average over the members.
Expr average(const std::vector<Expr>& parts, const std::vector<double>& weights) {
  if (weights.empty()) return total(parts) / static_cast<double>(parts.size());
  std::vector<Expr> weighted;
  for (std::size_t i = 0; i < parts.size(); ++i) weighted.push_back(parts[i] * weights[i]);
  return total(weighted) / numpy_sum(weights);
}

bool voting_has(Context&, const Object& self, Method method) { return method != Method::predict_proba || self.text("voting", "hard") == "soft"; }

Result voting_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const std::vector<Object> members = members_of(self);
  const bool soft = self.text("voting", "hard") == "soft";
  const Tensor classes = classes_of(self);
  std::vector<Expr> parts;
  for (const Object& m : members) parts.push_back(soft ? context.value(m, Method::predict_proba, x) : cast(context.predict(m, x), DType::int64));
  if (method == Method::transform) {
    if (!soft) return beside(parts);
    if (self.boolean("flatten_transform", context.version(self) >= Version{0, 21})) return concat(parts, 1);
    for (Expr& p : parts) p = unsqueeze(p, 0);
    return concat(parts, 0);
  }
  const std::vector<double> weights = weights_of(self);
  if (soft) {
    const Expr mean = average(parts, weights);
    return method == Method::predict_proba ? mean : labels(context, classes, argmax(mean, 1));
  }
  std::vector<Expr> votes;  // members predict class numbers
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Expr vote = one_hot(parts[i], static_cast<std::int64_t>(classes.size()));
    votes.push_back(weights.empty() ? vote : vote * weights[i]);
  }
  return labels(context, classes, argmax(total(votes), 1));
}

Result voting_regressor(Context& context, const Object& self, Method method, const Table& x) {
  std::vector<Expr> parts;
  for (const Object& m : members_of(self)) parts.push_back(context.predict(m, x));
  return method == Method::transform ? beside(parts) : average(parts, weights_of(self));
}

// --- stacking ---------------------------------------------------------------------------------------------------------------------------

Table stacked(Context& context, const Object& self, const Table& x) {
  const std::vector<Object> members = members_of(self), methods = self["stack_method_"].elements();
  const std::size_t classes = self.set("classes_") ? self["classes_"].array() ? self["classes_"].tensor().size() : self["classes_"].elements().size() : 0;
  std::vector<Table> parts;
  std::size_t next = 0;
  for (const Object& m : members) {
    if (m.is_none() || m.is_text("drop")) continue;
    while (next < methods.size() && methods[next].is_none()) ++next;
    if (next >= methods.size()) self.fail(Code::corrupt, "fewer stack methods than estimators");
    const std::string named = methods[next++].text();
    const std::optional<Method> known = method_named(named);
    if (!known) self.fail(Code::unsupported, format("stack method {}", printable(named)));
    const Method method = *known;
    const Result& result = context.call(m, method, x);
    for (const Expr& value : result.values) {
      Expr v = cast(value, DType::float64);
      if (v.type().rank() == 1u) v = unsqueeze(v, 1);
      else if (result.is_list || (method == Method::predict_proba && classes == 2)) v = slice(v, 1, v.dim(1), 1);  // the first says nothing more
      parts.emplace_back(v);
    }
  }
  if (self.boolean("passthrough", false)) parts.push_back(x);
  return Table::joined(parts);
}

bool stacking_has(Context& context, const Object& self, Method method) { return method == Method::transform || context.has(self["final_estimator_"], method); }

Result stacking_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Table meta = stacked(context, self, x);
  if (method == Method::transform) return meta;
  const Result& result = context.call(self["final_estimator_"], method, meta);
  const Object encoder = self.any({"_label_encoder", "_le"});
  if (!encoder.is_sequence()) return method == Method::predict ? labels(context, classes_of(encoder), cast(result.values.at(0), DType::int64)) : result;
  const std::vector<Object> encoders = encoder.elements();  // several outputs
  std::vector<Expr> out;
  if (method == Method::predict) {
    for (std::size_t k = 0; k < encoders.size(); ++k) {
      const Expr column = squeeze(columns(result.values.at(0), {static_cast<std::int64_t>(k)}), 1);
      out.push_back(labels(context, classes_of(encoders[k]), cast(column, DType::int64)));
    }
    return beside(out);
  }
  if (method != Method::predict_proba || !result.is_list) return result;
  for (const Expr& p : result.values) out.push_back(squeeze(columns(p, {0}), 1));
  return beside(out);
}

Result stacking_regressor(Context& context, const Object& self, Method method, const Table& x) {
  const Table meta = stacked(context, self, x);
  if (method == Method::transform) return meta;
  return context.call(self["final_estimator_"], method, meta);
}

// --- bagging ------------------------------------------------------------------------------------------------------------------------------

struct Bag {
  std::vector<Object> members;
  std::vector<Table> tables;  // the columns that each sees
};

Bag bag_of(const Object& self, const Table& x) {
  Bag out{members_of(self), {}};
  const std::vector<Object> features = self["estimators_features_"].elements();
  if (features.size() != out.members.size()) self.fail(Code::corrupt, "estimators_features_ do not fit estimators_");
  for (const Object& which : features) {
    const std::vector<std::int64_t> picked = which.integers();
    bool all = picked.size() == x.width();
    for (std::size_t i = 0; all && i < picked.size(); ++i) all = picked[i] == static_cast<std::int64_t>(i);
    out.tables.push_back(all ? x : x.select(picked));
  }
  return out;
}

/// Columns of a member's classes [N, k] at their places among all classes [N, classes]; `otherwise` where it has none.
Expr placed(const Object& member, Expr p, std::int64_t classes, double otherwise) {
  if (p.dim(1) == classes) return p;
  const std::vector<std::int64_t> at = member["classes_"].integers();
  std::vector<std::int64_t> from(static_cast<std::size_t>(classes), p.dim(1));
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] < 0 || at[i] >= classes) member.fail(Code::corrupt, "classes_ of a member beyond those of the ensemble");
    from[static_cast<std::size_t>(at[i])] = static_cast<std::int64_t>(i);
  }
  const Expr first = slice(p, 0, 1, 1);
  const Expr blank = each_row(first, p.scalar(otherwise));
  return columns(concat({p, blank}, 1), from);
}

bool bagging_has(Context& context, const Object& self, Method method) {
  return method != Method::decision_function || context.has(members_of(self)[0], method);
}

/// numpy.logaddexp
Expr log_add_exp(Expr a, Expr b) {
  const Expr sum = maximum(a, b) + log1p(exp(-abs(a - b)));
  return where(equal(a, b), a + std::numbers::ln2, sum);
}

Result bagging_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict) return labels(context, classes_of(self), argmax(context.value(self, Method::predict_proba, x), 1));
  const Bag bag = bag_of(self, x);
  const auto classes = static_cast<std::int64_t>(classes_of(self).size());
  const auto n = static_cast<double>(bag.members.size());
  if (method == Method::predict_log_proba && !context.has(bag.members[0], method)) return log(context.value(self, Method::predict_proba, x));
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < bag.members.size(); ++i) {
    const Object& m = bag.members[i];
    if (method == Method::predict_proba && !context.has(m, method)) {
      parts.push_back(one_hot(context.predict(m, bag.tables[i]), classes));  // a vote
    } else {
      const Expr value = context.value(m, method, bag.tables[i]);
      const double otherwise = method == Method::predict_log_proba ? -std::numeric_limits<double>::infinity() : 0;
      parts.push_back(method == Method::decision_function ? value : placed(m, value, classes, otherwise));
    }
  }
  if (method != Method::predict_log_proba) return total(parts) / n;
  Expr out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) out = log_add_exp(out, parts[i]);
  return out - std::log(n);
}

Result bagging_regressor(Context& context, const Object& self, Method, const Table& x) {
  const Bag bag = bag_of(self, x);
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < bag.members.size(); ++i) parts.push_back(context.predict(bag.members[i], bag.tables[i]));
  return total(parts) / static_cast<double>(parts.size());
}

// --- AdaBoost -----------------------------------------------------------------------------------------------------------------------------

bool is_real_boosting(Context& context, const Object& self) {  // SAMME.R, the default up to 1.5
  const std::string algorithm = self.text("algorithm", "SAMME");
  if (algorithm != "SAMME" && algorithm != "SAMME.R" && algorithm != "deprecated") unsupported(self, format("algorithm {}", printable(algorithm)));
  return algorithm == "SAMME.R" && context.version(self) < Version{1, 6};
}

/// _samme_proba
Expr samme_score(Expr p, double classes) {
  const Expr logs = log(maximum(p, p.scalar(std::numeric_limits<double>::epsilon())));
  return (logs - reduce_sum(logs, 1, true) * (1.0 / classes)) * (classes - 1);
}

/// Sum of the members' scores by their weights [N, K], not yet divided by the sum of weights.
Expr boosted(Context& context, const Object& self, const Table& x, const Tensor& classes, const std::vector<double>& weights) {
  const std::vector<Object> members = members_of(self);
  const auto k = static_cast<double>(classes.size());
  if (weights.size() < members.size()) self.fail(Code::corrupt, "estimator_weights_ do not fit estimators_");
  const bool real = is_real_boosting(context, self);
  // Since 1.3 a member also votes against the classes that it does not predict.
  const double against = context.version(self) < Version{1, 3} ? 0 : -1 / (k - 1);
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (real) {
      parts.push_back(samme_score(context.value(members[i], Method::predict_proba, x), k));
      continue;
    }
    const Expr predicted = unsqueeze(context.predict(members[i], x), 1);
    const Expr known = context.constant(classes.reshaped({1, static_cast<std::int64_t>(classes.size())}));
    const Expr hit = equal(cast(predicted, known.dtype()), known);
    const Expr like = context.constant(Tensor::scalar(weights[i]));
    parts.push_back(where(hit, like, context.constant(Tensor::scalar(against * weights[i]))));
  }
  return total(parts);
}

Result ada_boost_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor classes = classes_of(self);
  const auto k = static_cast<double>(classes.size());
  if (classes.size() == 1) {
    const Expr zeros = zero_rows(x);
    if (method == Method::predict) return labels(context, classes, cast(squeeze(zeros, 1), DType::int64));
    return method == Method::predict_proba ? zeros + 1.0 : zeros;
  }
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  const std::vector<double> weights = self["estimator_weights_"].list();
  if (method == Method::predict_proba) {
    if (context.version(self) >= Version{0, 22}) {
      const Expr decision = context.value(self, Method::decision_function, x);
      return softmax(classes.size() == 2 ? beside({-decision, decision}) / 2.0 : decision / (k - 1), 1);
    }
    Expr sum;  // up to 0.21 from the members' probabilities
    if (is_real_boosting(context, self)) {
      sum = boosted(context, self, x, classes, weights);
    } else {
      std::vector<Expr> parts;
      const std::vector<Object> members = members_of(self);
      for (std::size_t i = 0; i < members.size() && i < weights.size(); ++i) parts.push_back(context.value(members[i], Method::predict_proba, x) * weights[i]);
      sum = total(parts);
    }
    const Expr p = exp(sum / numpy_sum(weights) * (1.0 / (k - 1))), norm = reduce_sum(p, 1, true);
    return p / where(equal(norm, norm.scalar(0)), norm.scalar(1), norm);
  }
  if (method == Method::predict) return labels_by_score(context, classes, context.value(self, Method::decision_function, x));
  const Expr score = boosted(context, self, x, classes, weights) / numpy_sum(weights);
  if (classes.size() != 2) return score;
  return squeeze(columns(score, {1}) - columns(score, {0}), 1);
}

/// The weighted median of the members' predictions.
Result ada_boost_regressor(Context& context, const Object& self, Method, const Table& x) {
  const std::vector<Object> members = members_of(self);
  std::vector<double> weights = self["estimator_weights_"].list();
  if (weights.size() < members.size()) self.fail(Code::corrupt, "estimator_weights_ do not fit estimators_");
  weights.resize(members.size());
  std::vector<Expr> parts;
  for (const Object& m : members) parts.push_back(context.predict(m, x));
  const Expr all = beside(parts);
  const auto n = static_cast<std::int64_t>(members.size());
  const std::vector<ValueId> sorted =
      context.builder.node("", "TopK", {all.id(), all.integers({n}).id()}, {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}, {"sorted", std::int64_t{1}}}, 2);
  const Expr values(context.builder, sorted[0]), order(context.builder, sorted[1]);
  const Expr cumulated = apply("CumSum", {gather(all.row(weights), order, 0), context.constant(Tensor::scalar(std::int64_t{1}))});
  const Expr above = greater_equal(cumulated, slice(cumulated, n - 1, n, 1) * 0.5);
  const Expr at = unsqueeze(argmax(cast(above, DType::int32), 1), 1);
  return squeeze(apply("GatherElements", {values, at}, {{"axis", std::int64_t{1}}}), 1);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> ensembles_estimators() {
  static constexpr Methods kVoting{Method::predict, Method::predict_proba, Method::transform};
  static constexpr Methods kVotingRegressor{Method::predict, Method::transform};
  static constexpr Methods kStacking{Method::predict, Method::predict_proba, Method::decision_function, Method::transform};
  static constexpr Estimator kEstimators[] = {
      {"VotingClassifier", kVoting, voting_classifier, voting_has},
      {"VotingRegressor", kVotingRegressor, voting_regressor},
      {"StackingClassifier", kStacking, stacking_classifier, stacking_has},
      {"StackingRegressor", kVotingRegressor, stacking_regressor},
      {"BaggingClassifier", kScoringClassifier, bagging_classifier, bagging_has},
      {"BaggingRegressor", kRegressor, bagging_regressor},
      {"AdaBoostClassifier", kScoringClassifier, ada_boost_classifier},
      {"AdaBoostRegressor", kRegressor, ada_boost_regressor},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
