// SPDX-License-Identifier: Apache-2.0
// Naive Bayes (sklearn/naive_bayes.py): each class has a joint log-likelihood, and all methods follow from it.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

constexpr Methods kBayes = kClassifier;
using Likelihood = Expr (*)(Context&, const Object& self, const Table& x);

template <Likelihood likelihood>
Result naive_bayes(Context& context, const Object& self, Method method, const Table& x) {
  const Expr joint = likelihood(context, self, x);
  if (method == Method::predict) return labels(context, classes_of(self), argmax(joint, 1));
  const Expr log_p = joint - log_sum_exp(joint);
  return method == Method::predict_log_proba ? log_p : exp(log_p);
}

/// feature_log_prob_ or the like: one row of features for each class.
Tensor by_class(const Object& self, const Object& value) {
  const Tensor out = value.doubles();
  if (out.rank() != 2 || out.dim(0) != static_cast<std::int64_t>(classes_of(self).size())) {
    self.fail(Code::corrupt, format("parameters of shape {} for {} classes", text_of(out.shape()), classes_of(self).size()));
  }
  return out;
}

std::vector<double> logs(std::vector<double> values) {
  for (double& v : values) v = std::log(v);
  return values;
}

/// Variances are called sigma_ up to 0.24.
Expr gaussian(Context&, const Object& self, const Table& x) {
  const Tensor mean = by_class(self, self["theta_"]), variance = by_class(self, self.any({"var_", "sigma_"}));
  const std::vector<double> prior = logs(self["class_prior_"].list());
  const auto features = static_cast<std::size_t>(mean.dim(1));
  if (variance.shape() != mean.shape() || prior.size() != static_cast<std::size_t>(mean.dim(0))) self.fail(Code::corrupt, "means, variances and priors differ in shape");
  const Expr rows = x.matrix();
  std::vector<Expr> out;
  for (std::size_t c = 0; c < prior.size(); ++c) {
    const auto part = [&](const Tensor& t) {
      const auto all = t.data<double>().subspan(c * features, features);
      return std::vector<double>(all.begin(), all.end());
    };
    double constant = 0;
    for (const double v : part(variance)) constant += std::log(2.0 * std::numbers::pi * v);
    const Expr off = rows - rows.row(part(mean));
    out.push_back(reduce_sum((off * off) / rows.row(part(variance)), 1, true) * -0.5 + -0.5 * constant + prior[c]);
  }
  return concat(out, 1);
}

Expr multinomial(Context& context, const Object& self, const Table& x) {
  return linear(context, x.matrix(), by_class(self, self["feature_log_prob_"]), self["class_log_prior_"].doubles(), false);
}

/// The prior counts only for a single class.
Expr complement(Context& context, const Object& self, const Table& x) {
  const bool single = classes_of(self).size() == 1;
  return linear(context, x.matrix(), by_class(self, self["feature_log_prob_"]), single ? self["class_log_prior_"].doubles() : Tensor{}, false);
}

Expr bernoulli(Context& context, const Object& self, const Table& x) {
  Expr rows = x.matrix();
  if (self.set("binarize")) {
    const double threshold = self["binarize"].real();
    const auto ones = [&](Expr v) { return cast(greater(v, v.scalar(threshold)), DType::float64); };
    const auto sparse = context.sparse_rows.find(rows.id());
    rows = ones(rows);
    // Sparse rows stay so, and their zeros meet no weight: with alpha=0 that may be minus infinity, and 0 times it is no number.
    if (sparse != context.sparse_rows.end()) context.sparse_rows[rows.id()] = {sparse->second.columns, ones(sparse->second.values), sparse->second.width};
  }
  const Tensor yes = by_class(self, self["feature_log_prob_"]);
  std::vector<double> bias = self["class_log_prior_"].list();
  if (bias.size() != static_cast<std::size_t>(yes.dim(0))) self.fail(Code::corrupt, "class_log_prior_ does not fit the classes");
  Tensor weights(DType::float64, yes.shape());
  for (std::size_t i = 0; i < yes.size(); ++i) {
    const double no = std::log(1 - std::exp(yes.number(i)));
    weights.mutable_data<double>()[i] = yes.number(i) - no;
    bias[i / static_cast<std::size_t>(yes.dim(1))] += no;
  }
  return linear(context, rows, weights, Tensor::vector(bias), false);
}

/// feature_log_prob_ is a list: for each feature [classes, categories]. A category that training never saw is an error, as in
/// scikit-learn.
Expr categorical(Context& context, const Object& self, const Table& x) {
  const Expr rows = x.matrix();
  const Expr codes = cast(require(rows, greater_equal(rows, rows.scalar(0)), "CategoricalNB takes no negative values"), DType::int64);
  const std::vector<Object> tables = self["feature_log_prob_"].elements();
  if (static_cast<std::int64_t>(tables.size()) != rows.dim(1)) self.fail(Code::corrupt, format("tables for {} features, where {} come in", tables.size(), rows.dim(1)));
  Expr joint;
  for (std::size_t f = 0; f < tables.size(); ++f) {
    const Expr by_code = transpose(context.constant(by_class(self, tables[f])));
    const Expr part = gather(by_code, squeeze(columns(codes, {static_cast<std::int64_t>(f)}), 1), 0);
    joint = joint ? joint + part : part;
  }
  return joint + context.constant(self["class_log_prior_"].doubles());
}

}  // namespace

DECANT_AT_START std::span<const Estimator> naive_bayes_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"GaussianNB", kBayes, naive_bayes<gaussian>},       {"MultinomialNB", kBayes, naive_bayes<multinomial>},
      {"ComplementNB", kBayes, naive_bayes<complement>},   {"BernoulliNB", kBayes, naive_bayes<bernoulli>},
      {"CategoricalNB", kBayes, naive_bayes<categorical>},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
