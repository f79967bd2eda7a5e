// SPDX-License-Identifier: Apache-2.0
// sklearn2pmml's models that choose by expressions (sklearn2pmml/ensemble, ruleset, expression, cross_reference): one of several estimators
// for each row, rules, formulas; and columns that are kept aside for later.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "frameworks/sklearn/expression.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// A predicate of each row as truth, [N, 1].
Expr holds(Context& context, const Object& self, const Object& predicate, const Table& x) {
  const std::string text = expression_text(predicate);
  if (text == "True") {  // the last step's, as a rule: a constant for chosen()
    Tensor always(DType::boolean, {1, 1});
    always.mutable_data<bool>()[0] = true;
    return context.constant(always);
  }
  const Expr out = expression(self, text, x);
  if (out.dtype() == DType::boolean) return out;
  if (out.dtype() == DType::string) unsupported(self, "a predicate that gives texts");
  return logical_not(equal(out, out.scalar(0)));
}

/// What a row has that no step is for: NaN, or a missing text. Whole numbers become real ones.
Expr without_answers(Expr value) {
  const bool text = value.dtype() == DType::string;
  const Expr of = text ? value : cast(value, DType::float64), nothing = text ? of.constant(Tensor::scalar(std::string())) : of.scalar(std::nan(""));
  return each_row(of, nothing);
}

/// `value` where `mask` [N, 1] is true, else `otherwise`; without one, nothing.
Expr chosen(Expr mask, Expr value, const std::optional<Expr>& otherwise) {
  if (value.type().rank() == 1u) mask = squeeze(mask, 1);
  if (!otherwise) {
    if (const Tensor* always = mask.builder().constant_of(mask.id()); always != nullptr) return value;
    return where(mask, value.dtype() == DType::string ? value : cast(value, DType::float64), without_answers(value));
  }
  const bool mixed = value.dtype() != otherwise->dtype();
  return where(mask, mixed ? cast(value, otherwise->dtype()) : value, *otherwise);
}

struct Step {
  Object estimator, predicate;
};
std::vector<Step> steps_of(const Object& self) {
  std::vector<Step> out;
  for (const Object& step : self["steps"].elements()) {
    const std::vector<Object> parts = step.elements();
    if (parts.size() == 3) out.push_back({parts[1], parts[2]});       // name, estimator, predicate
    else if (parts.size() == 2) out.push_back({parts[1], parts[0]});  // predicate, estimator: in early versions
    else step.fail(Code::corrupt, format("a step of {} parts", parts.size()));
  }
  if (out.empty()) self.fail(Code::corrupt, "has no steps");
  return out;
}
/// What predicates look at: the table, or what the controller makes of it.
Table looked_at(Context& context, const Object& self, const Table& x) { return self.set("controller") ? context.transform(self["controller"], x) : x; }

bool steps_have(Context& context, const Object& self, Method method) {
  return std::ranges::all_of(steps_of(self), [&](const Step& s) { return context.has(s.estimator, method); });
}
void steps_facts(const Object& self, Facts& out) { out.classes = classes_within(steps_of(self)[0].estimator); }

/// SelectFirstClassifier, SelectFirstRegressor and SelectFirstTransformer: each row by the first step whose predicate holds.
Result select_first(Context& context, const Object& self, Method method, const Table& x) {
  const Table eyes = looked_at(context, self, x);
  std::vector<Step> steps = steps_of(self);
  std::ranges::reverse(steps);
  std::optional<Expr> out;
  for (const Step& step : steps) {
    out = chosen(holds(context, self, step.predicate, eyes), method == Method::transform ? context.transform(step.estimator, x).matrix() : context.value(step.estimator, method, x), out);
  }
  return *out;
}

/// A step of an EstimatorChain that hands its answers on as columns.
bool is_link(const Object& estimator) { return estimator.name() == "Link"; }
bool link_has(Context& context, const Object& self, Method method) { return context.has(self["estimator_"], method); }
Result link(Context& context, const Object& self, Method method, const Table& x) { return context.call(self["estimator_"], method, x); }
Table augmented(Context& context, const Object& link, const Table& x) {
  std::vector<Table> parts{x};
  for (const Object& function : link["augment_funcs"].elements()) {
    const std::optional<Method> method = method_named(function.text());
    if (!method) unsupported(link, format("augment_funcs with {}", printable(function.text())));
    const Expr value = context.value(link["estimator_"], *method, x);
    parts.emplace_back(value.type().rank() == 1u ? unsqueeze(value, 1) : value);
  }
  return Table::joined(parts);
}

/// EstimatorChain: every step answers for the rows that it is for. With multioutput the answers stand side by side, else the last one counts.
Result estimator_chain(Context& context, const Object& self, Method method, const Table& given) {
  const Table eyes = looked_at(context, self, given);
  const bool side_by_side = self.boolean("multioutput", true);
  Table x = given;
  std::vector<Expr> answers;
  std::optional<Expr> last;
  for (const Step& step : steps_of(self)) {
    const Expr mask = holds(context, self, step.predicate, eyes), value = context.value(step.estimator, method, x);
    if (side_by_side) answers.push_back(chosen(mask, value.type().rank() == 1u ? unsqueeze(value, 1) : value, {}));
    else last = chosen(mask, value, last);
    if (is_link(step.estimator)) x = augmented(context, step.estimator, x);
  }
  if (!side_by_side) return *last;
  if (std::ranges::any_of(answers, [&](const Expr& e) { return e.dtype() != answers[0].dtype(); })) {
    for (Expr& answer : answers) {
      if (answer.dtype() == DType::string) unsupported(self, "answers that are texts beside numbers");
      answer = cast(answer, DType::float64);
    }
  }
  return concat(answers, 1);
}
/// RuleSetClassifier: the score of the first rule that holds.
Result rule_set(Context& context, const Object& self, Method, const Table& x) {
  const std::vector<Object> rules = self["rules"].elements();
  if (rules.empty()) self.fail(Code::corrupt, "has no rules");
  std::vector<Expr> masks;
  for (const Object& rule : rules) masks.push_back(holds(context, self, rule.item(0), x));
  // As many rows as a rule that looks at columns has; one that does not stands alone.
  const auto looks = std::ranges::find_if(masks, [](const Expr& mask) { return mask.builder().constant_of(mask.id()) == nullptr; });
  const Expr like = looks == masks.end() ? zero_rows(x) : *looks;
  const Object otherwise = self.set("default_score") ? self["default_score"] : Object{};
  const bool texts = rules[0].item(1).is_text();
  const auto score = [&](const Object& o) {
    if (texts) return like.constant(Tensor::scalar(o.is_none() ? std::string() : o.text()));
    return like.constant(Tensor::scalar(o.is_none() ? std::nan("") : o.real()));
  };
  Expr out = each_row(like, score(otherwise));
  for (std::size_t i = rules.size(); i-- > 0;) out = where(masks[i], score(rules[i].item(1)), out);
  return squeeze(out, 1);
}

Expr number_of(const Object& self, const Object& text, const Table& x) { return cast(expression(self, expression_text(text), x), DType::float64); }

Result expression_regressor(Context&, const Object& self, Method asked, const Table& x) {
  const Expr y = squeeze(number_of(self, self["expr"], x), 1);
  if (asked == Method::decision_function) return y;
  const std::string method = self.text("normalization_method", "none");
  if (method != "none" && method != "exp") unsupported(self, format("normalization_method=\"{}\"", printable(method)));
  return method == "exp" ? exp(y) : y;
}

/// ExpressionClassifier: a formula for each class, or for all but one.
Result expression_classifier(Context& context, const Object& self, Method asked, const Table& x) {
  const Tensor classes = classes_of(self);
  const std::string method = self.text("normalization_method", "none");
  const auto formulas = self["class_exprs"].entries();
  std::vector<Expr> scores;
  std::size_t first = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto is_class = [&](const auto& e) { return classes.dtype() == DType::string ? e.first.is_text(classes.template data<std::string>()[i]) : e.first.is_number() && e.first.real() == classes.number(i); };
    const auto at = std::ranges::find_if(formulas, is_class);
    if (at == formulas.end()) continue;
    if (scores.empty()) first = i;
    scores.push_back(number_of(self, at->second, x));
  }
  const bool two = classes.size() == 2 && (method == "none" || method == "logit"), each = method == "simplemax" || method == "softmax";
  if (scores.size() != (two ? 1 : each ? classes.size() : classes.size() - 1) || (!two && !each && method != "none")) self.fail(Code::corrupt, format("{} formulas for {} classes", scores.size(), classes.size()));
  const Expr y = concat(scores, 1);
  if (asked == Method::decision_function) return scores.size() == 1 ? squeeze(y, 1) : y;
  Expr proba;
  if (two) {
    const Expr p = method == "none" ? clip(y, 0, 1) : sigmoid(y);
    proba = first == 1 ? concat({1.0 - p, p}, 1) : concat({p, 1.0 - p}, 1);
  } else if (method == "softmax") {
    proba = softmax(y, 1);
  } else if (method == "simplemax") {
    const Expr size = reduce_sum(abs(y), 1, true);  // a row of zeros stays one, as sklearn.preprocessing.normalize leaves it
    proba = y / where(equal(size, size.scalar(0)), size.scalar(1), size);
  } else {
    proba = concat({y, 1.0 - reduce_sum(y, 1, true)}, 1);
  }
  return asked == Method::predict ? labels(context, classes, argmax(proba, 1)) : proba;
}

// --- cross_reference ----------------------------------------------------------------------------------------------------------------------

/// Memorizer: keeps its columns in a memory that others share, and gives none.
Result memorizer(Context& context, const Object& self, Method, const Table& x) {
  const std::vector<Object> names = self["names"].elements();
  if (names.size() != x.width()) self.fail(Code::corrupt, format("{} names for {} columns", names.size(), x.width()));
  auto& memory = context.memories[&self["memory"].node()];
  for (std::size_t i = 0; i < names.size(); ++i) memory.insert_or_assign(names[i].text(), x.select({static_cast<std::int64_t>(i)}));
  return x.select({});
}

/// Recaller: columns that a Memorizer kept.
Result recaller(Context& context, const Object& self, Method, const Table&) {
  const auto& memory = context.memories[&self["memory"].node()];
  std::vector<Table> parts;
  for (const Object& name : self["names"].elements()) {
    const auto at = memory.find(name.text());
    if (at == memory.end()) unsupported(self, format("recalls {}, which nothing before it has memorized", printable(name.text())));
    parts.push_back(at->second.named({name.text()}));
  }
  return Table::joined(parts);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> sklearn2pmml_ensemble_estimators() {
  static constexpr Methods kPredicts{Method::predict, Method::predict_proba};
  static constexpr Methods kSelects{Method::predict, Method::predict_proba, Method::apply};
  static constexpr Methods kAnswers{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform, Method::score_samples};
  static constexpr Estimator kEstimators[] = {
      {"SelectFirstClassifier", kSelects, select_first, steps_have, steps_facts},
      {"SelectFirstRegressor", {Method::predict, Method::apply}, select_first, steps_have},
      {"SelectFirstTransformer", kTransformer, select_first, steps_have},
      {"EstimatorChain", kPredicts, estimator_chain, steps_have},
      {"Link", kAnswers, link, link_has},
      {"RuleSetClassifier", {Method::predict}, rule_set},
      {"ExpressionRegressor", {Method::predict, Method::decision_function}, expression_regressor},
      {"ExpressionClassifier", {Method::predict, Method::predict_proba, Method::decision_function}, expression_classifier},
      {"Memorizer", kTransformer, memorizer},
      {"Recaller", kTransformer, recaller},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
