// SPDX-License-Identifier: Apache-2.0
// Selectors of columns (sklearn/feature_selection): the mask is worked out here, as get_support does it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "frameworks/sklearn/forest.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

using Mask = std::vector<bool>;

Table selected(const Object& self, const Table& x, const Mask& mask) {
  if (mask.size() != x.width()) self.fail(Code::corrupt, format("selects among {} columns, where {} come in", mask.size(), x.width()));
  std::vector<std::int64_t> which;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) which.push_back(static_cast<std::int64_t>(i));
  }
  return x.select(which);
}

std::vector<std::size_t> stable_order(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// numpy.percentile, linear.
double percentile(std::vector<double> values, double percent) {
  std::ranges::sort(values);
  const double at = static_cast<double>(values.size() - 1) * (percent / 100);
  const auto below = static_cast<std::size_t>(at);
  const double t = at - static_cast<double>(below), a = values[below], b = values[std::min(below + 1, values.size() - 1)];
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

// --- univariate selection (_univariate_selection.py) -----------------------------------------------------------------------------

std::vector<double> scores_of(const Object& self) {
  std::vector<double> out = self["scores_"].list();
  for (double& s : out) s = std::isnan(s) ? std::numeric_limits<double>::lowest() : s;
  return out;
}

Mask best_k(const std::vector<double>& scores, const Object& k) {
  Mask out(scores.size(), k.is_text("all"));
  if (k.is_text()) return out;
  const std::vector<std::size_t> order = stable_order(scores);
  const auto n = static_cast<std::size_t>(std::clamp<std::int64_t>(k.integer(), 0, static_cast<std::int64_t>(order.size())));
  for (std::size_t i = order.size() - n; i < order.size(); ++i) out[order[i]] = true;
  return out;
}

Mask best_percentile(const std::vector<double>& scores, double percent) {
  Mask out(scores.size(), percent == 100);
  if (percent == 100 || percent == 0 || scores.empty()) return out;
  const double threshold = percentile(scores, 100 - percent);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) count += out[i] = scores[i] > threshold;
  std::int64_t room = static_cast<std::int64_t>(static_cast<double>(scores.size()) * percent / 100) - count;
  if (room < 0) {  // ties[:room] then counts from the end
    std::int64_t ties = std::ranges::count(scores, threshold);
    room = std::max<std::int64_t>(0, ties + room);
  }
  for (std::size_t i = 0; i < scores.size() && room > 0; ++i) {
    if (scores[i] == threshold) out[i] = true, --room;
  }
  return out;
}

Mask univariate_mask(const Object& self, std::string_view mode, const Object& parameter) {
  if (mode == "k_best") return best_k(scores_of(self), parameter);
  if (mode == "percentile") return best_percentile(scores_of(self), parameter.real());
  const std::vector<double> p = self["pvalues_"].list();
  const double alpha = parameter.real(), n = static_cast<double>(p.size());
  Mask out(p.size());
  double limit = -1;  // false discovery rate: the largest p-value that is selected
  if (mode == "fdr") {
    std::vector<double> sorted = p;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] <= alpha / n * static_cast<double>(i + 1)) limit = std::max(limit, sorted[i]);
    }
  }
  for (std::size_t i = 0; i < p.size(); ++i) out[i] = mode == "fpr" ? p[i] < alpha : mode == "fwe" ? p[i] < alpha / n : limit >= 0 && p[i] <= limit;
  return out;
}

Result univariate(Context&, const Object& self, Method, const Table& x) {
  struct Kind { std::string_view name, mode, parameter; };
  static constexpr Kind kKinds[] = {{"SelectKBest", "k_best", "k"}, {"SelectPercentile", "percentile", "percentile"}, {"SelectFpr", "fpr", "alpha"},
                                    {"SelectFdr", "fdr", "alpha"},  {"SelectFwe", "fwe", "alpha"}};
  if (self.name() == "GenericUnivariateSelect") {
    const std::string mode = self.text("mode", "percentile");
    for (const Kind& k : kKinds) {
      if (k.mode == mode) return selected(self, x, univariate_mask(self, mode, self["param"]));
    }
    unsupported(self, format("mode {}", printable(mode)));
  }
  for (const Kind& k : kKinds) {
    if (k.name == self.name()) return selected(self, x, univariate_mask(self, k.mode, self[k.parameter]));
  }
  unsupported(self, "a selector of another kind");
}

// --- importances (feature_selection/_base.py, tree/_tree.pyx, ensemble) ---------------------------------------------------------

void divide(std::vector<double>& values, double by) {
  for (double& v : values) v /= by;
}

std::vector<double> tree_importances(const Object& self, bool normalised) {
  const TreeView tree(self["tree_"]);
  std::vector<double> out(static_cast<std::size_t>(std::clamp<std::int64_t>(tree.features(), 0, 10'000'000)), 0.0);
  const auto weighted = [&](std::int64_t i) {
    if (i < 0 || static_cast<std::size_t>(i) >= tree.node_count()) tree.object().fail(Code::corrupt, format("child {}", i));
    const auto at = static_cast<std::size_t>(i);
    return tree.number("weighted_n_node_samples", at) * tree.number("impurity", at);
  };
  for (std::size_t i = 0; i < tree.node_count(); ++i) {
    const TreeView::Node node = tree.node(i);
    if (node.left == -1) continue;
    if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= out.size()) tree.object().fail(Code::corrupt, format("feature {}", node.feature));
    out[static_cast<std::size_t>(node.feature)] += weighted(static_cast<std::int64_t>(i)) - weighted(node.left) - weighted(node.right);
  }
  divide(out, tree.number("weighted_n_node_samples", 0));
  if (const double sum = numpy_sum(out); normalised && sum > 0) divide(out, sum);
  return out;
}

std::vector<double> importances(Context& context, const Object& self);

std::vector<double> forest_importances(Context& context, const Object& self) {
  const bool boosting = self.name().starts_with("GradientBoosting");
  const bool old = boosting && context.version(self) < Version{0, 20};  // each tree's were normalised first
  std::vector<double> sum;
  double trees = 0;
  for (const Object& e : self["estimators_"].elements()) {
    const TreeView tree(e["tree_"]);
    if (tree.node_count() <= 1 && !old) continue;
    const std::vector<double> one = tree_importances(e, !boosting || old);
    sum.resize(std::max(sum.size(), one.size()), 0.0);
    for (std::size_t i = 0; i < one.size(); ++i) sum[i] += one[i];
    ++trees;
  }
  if (trees > 0) divide(sum, trees);
  const double total = numpy_sum(sum);
  if (!old && total > 0) divide(sum, total);
  return sum;
}

std::vector<double> importances(Context& context, const Object& self) {
  const Context::Level level(context, self);
  const auto name = self.name();
  if (self.has("tree_")) return tree_importances(self, true);
  if (name.starts_with("RandomForest") || name == "ExtraTreesClassifier" || name == "ExtraTreesRegressor" || name.starts_with("GradientBoosting")) return forest_importances(context, self);
  if (name.starts_with("AdaBoost")) {
    const std::vector<double> weights = self["estimator_weights_"].list();
    const std::vector<Object> members = self["estimators_"].elements();
    std::vector<double> sum;
    for (std::size_t i = 0; i < members.size() && i < weights.size(); ++i) {
      const std::vector<double> one = importances(context, members[i]);
      sum.resize(std::max(sum.size(), one.size()), 0.0);
      for (std::size_t f = 0; f < one.size(); ++f) sum[f] += weights[i] * one[f];
    }
    divide(sum, numpy_sum(weights));
    return sum;
  }
  unsupported(self, "decant does not know how this class rates its columns");
}

/// |importance| of each column; several rows of coefficients by their norm.
std::vector<double> ratings(Context& context, const Object& self, const Object& estimator) {
  const Context::Level level(context, estimator);
  if (estimator.module() == "sklearn2pmml" && estimator.name() == "EstimatorProxy") return ratings(context, self, estimator.any({"estimator_", "estimator"}));
  const std::string getter = self.text("importance_getter", "auto");
  const bool by_coefficients = getter == "coef_" || (getter == "auto" && estimator.has("coef_"));
  if (getter != "auto" && getter != "coef_" && getter != "feature_importances_") unsupported(self, format("importance_getter {}", printable(getter)));
  if (!by_coefficients) {
    std::vector<double> out = importances(context, estimator);
    for (double& v : out) v = std::abs(v);
    return out;
  }
  const Tensor coef = estimator["coef_"].doubles();
  const double order = self.real("norm_order", 1);
  const std::int64_t columns = coef.rank() == 0 ? 1 : coef.shape().back();
  // numpy.linalg.norm of each column: any power, the largest or the least, or how many are not zero.
  const bool least = std::isinf(order) && order < 0, most = std::isinf(order) && order > 0;
  std::vector<double> out(static_cast<std::size_t>(columns), least ? std::numeric_limits<double>::infinity() : 0.0);
  for (std::size_t i = 0; i < coef.size(); ++i) {
    double& to = out[i % out.size()];
    const double v = std::abs(coef.data<double>()[i]);
    if (coef.rank() < 2) to = v;
    else if (order == 1) to += v;
    else if (order == 2) to += v * v;
    else if (most) to = std::max(to, v);
    else if (least) to = std::min(to, v);
    else if (order == 0) to += v != 0 ? 1 : 0;
    else to += std::pow(v, order);
  }
  if (coef.rank() == 2 && order != 0 && order != 1 && !least && !most) {
    for (double& v : out) v = order == 2 ? std::sqrt(v) : std::pow(v, 1 / order);
  }
  return out;
}

double reference(const Object& self, std::string_view name, const std::vector<double>& scores) {
  if (name == "median") return median(scores);
  if (name == "mean") return numpy_sum(scores) / static_cast<double>(scores.size());
  unsupported(self, format("threshold {}", printable(name)));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

double threshold_of(const Object& self, const Object& estimator, const std::vector<double>& scores) {
  const auto near_one = [](const Object& e, std::string_view attribute) {
    if (!e.set(attribute)) return false;
    return std::ranges::all_of(e[attribute].list(), [](double v) { return std::abs(v - 1) <= 1e-8 + 1e-5; });
  };
  if (!self.set("threshold")) {
    const auto name = estimator.name();
    const bool sparse = estimator.text("penalty", "") == "l1" || name.find("Lasso") != name.npos || (name == "ElasticNet" && near_one(estimator, "l1_ratio")) ||
                        (name == "ElasticNetCV" && near_one(estimator, "l1_ratio_")) || (name == "LogisticRegression" && near_one(estimator, "l1_ratio")) ||
                        (name == "LogisticRegressionCV" && near_one(estimator, "l1_ratio_"));
    return sparse ? 1e-5 : reference(self, "mean", scores);
  }
  if (!self["threshold"].is_text()) return self["threshold"].real();
  const std::string text = self["threshold"].text();
  const std::size_t star = text.find('*');
  if (star == std::string::npos) return reference(self, trimmed(text), scores);
  return std::strtod(text.substr(0, star).c_str(), nullptr) * reference(self, trimmed(std::string_view(text).substr(star + 1)), scores);
}

Result select_from_model(Context& context, const Object& self, Method, const Table& x) {
  const Object estimator = self.set("estimator_") ? self["estimator_"] : self["estimator"];
  const std::vector<double> scores = ratings(context, self, estimator);
  const double threshold = threshold_of(self, estimator, scores);
  Mask mask(scores.size(), true);
  const Object most = self.set("max_features_") ? self["max_features_"] : self.set("max_features") ? self["max_features"] : Object{};
  if (most.is_number()) {
    std::vector<double> negated = scores;
    for (double& v : negated) v = -v;
    const std::vector<std::size_t> order = stable_order(negated);
    mask.assign(scores.size(), false);
    for (std::size_t i = 0; i < order.size() && static_cast<std::int64_t>(i) < most.integer(); ++i) mask[order[i]] = true;
  }
  for (std::size_t i = 0; i < scores.size(); ++i) mask[i] = mask[i] && !(scores[i] < threshold);
  return selected(self, x, mask);
}

Result variance_threshold(Context&, const Object& self, Method, const Table& x) {
  Mask mask;
  for (const double v : self["variances_"].list()) mask.push_back(v > self.real("threshold", 0));
  return selected(self, x, mask);
}

// --- stored masks ----------------------------------------------------------------------------------------------------------------

Table supported(const Object& self, const Table& x) {
  Mask mask;
  for (const std::int64_t v : self["support_"].integers()) mask.push_back(v != 0);
  return selected(self, x, mask);
}

Result sequential(Context&, const Object& self, Method, const Table& x) { return supported(self, x); }

bool rfe_has(Context& context, const Object& self, Method method) { return method == Method::transform || context.has(self["estimator_"], method); }
Result rfe(Context& context, const Object& self, Method method, const Table& x) {
  const Table kept = supported(self, x);
  if (method == Method::transform) return kept;
  return context.call(self["estimator_"], method, kept);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> feature_selection_estimators() {
  static constexpr Methods kRfe{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::transform};
  static constexpr Estimator kEstimators[] = {
      {"SelectKBest", kTransformer, univariate}, {"SelectPercentile", kTransformer, univariate}, {"SelectFpr", kTransformer, univariate},
      {"SelectFdr", kTransformer, univariate},   {"SelectFwe", kTransformer, univariate},        {"GenericUnivariateSelect", kTransformer, univariate},
      {"SelectFromModel", kTransformer, select_from_model}, {"VarianceThreshold", kTransformer, variance_threshold},
      {"SequentialFeatureSelector", kTransformer, sequential}, {"RFE", kRfe, rfe, rfe_has}, {"RFECV", kRfe, rfe, rfe_has},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
