// SPDX-License-Identifier: Apache-2.0
// Gaussian mixtures (sklearn/mixture/_base.py, _gaussian_mixture.py, _bayesian_mixture.py).
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/text.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

/// The derivative of log Γ for x > 0 (for others NaN, which fitted parameters are not): the asymptotic series after recurrence to x >= 10.
double digamma(double x) {
  if (!(x > 0)) return std::nan("");
  double out = 0;
  for (; x < 10; ++x) out -= 1 / x;
  const double y = 1 / (x * x);
  const double series = y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
  return out + std::log(x) - 0.5 / x - series;
}

struct Mixture {
  std::string kind;
  Tensor means, cholesky;  // precisions_cholesky_
  std::size_t components = 0, features = 0;
  double cell(std::size_t i) const { return cholesky.number(i); }
};

Mixture mixture_of(const Object& self) {
  Mixture out{self["covariance_type"].text(), self["means_"].doubles(), self["precisions_cholesky_"].doubles()};
  if (out.means.rank() != 2) self.fail(Code::corrupt, format("means_ has shape {}", text_of(out.means.shape())));
  const std::int64_t k = out.means.dim(0), d = out.means.dim(1);
  out.components = static_cast<std::size_t>(k);
  out.features = static_cast<std::size_t>(d);
  const Shape wanted = out.kind == "full" ? Shape{k, d, d} : out.kind == "tied" ? Shape{d, d} : out.kind == "diag" ? Shape{k, d} : Shape{k};
  if (out.kind != "full" && out.kind != "tied" && out.kind != "diag" && out.kind != "spherical") unsupported(self, format("covariance_type={} is not known", out.kind));
  if (out.cholesky.shape() != wanted) self.fail(Code::corrupt, format("precisions_cholesky_ has shape {}", text_of(out.cholesky.shape())));
  return out;
}

/// _compute_log_det_cholesky, for each component.
std::vector<double> log_determinants(const Mixture& m) {
  std::vector<double> out(m.components, 0.0);
  const std::size_t d = m.features;
  for (std::size_t k = 0; k < m.components; ++k) {
    for (std::size_t f = 0; f < d; ++f) {
      out[k] += std::log(m.kind == "full" ? m.cell((k * d + f) * d + f) : m.kind == "tied" ? m.cell(f * d + f) : m.kind == "diag" ? m.cell(k * d + f) : m.cell(k));
    }
  }
  return out;
}

/// Squared distances [N, K] from the means, in units of the covariances.
Expr squared_distances(Context& context, const Mixture& m, Expr rows) {
  const std::size_t d = m.features;
  std::vector<Expr> out;
  if (m.kind == "full" || m.kind == "tied") {
    for (std::size_t k = 0; k < m.components; ++k) {
      const auto all = m.cholesky.data<double>().subspan(m.kind == "full" ? k * d * d : 0, d * d);
      const Tensor factor = Tensor::of<double>({static_cast<std::int64_t>(d), static_cast<std::int64_t>(d)}, all);
      std::vector<double> center(d, 0.0);
      for (std::size_t j = 0; j < d; ++j) {
        for (std::size_t i = 0; i < d; ++i) center[j] += m.means.number(k * d + i) * factor.number(i * d + j);
      }
      const Expr y = matmul(rows, context.constant(factor)) - rows.row(center);
      out.push_back(reduce_sum(y * y, 1, true));
    }
    return concat(out, 1);
  }
  Tensor precision(DType::float64, m.means.shape()), weighted(DType::float64, m.means.shape());
  std::vector<double> constant(m.components, 0.0);
  for (std::size_t i = 0; i < m.means.size(); ++i) {
    const double c = m.kind == "diag" ? m.cell(i) : m.cell(i / d), mean = m.means.number(i);
    precision.mutable_data<double>()[i] = c * c;
    weighted.mutable_data<double>()[i] = mean * (c * c);
    constant[i / d] += mean * mean * (c * c);
  }
  return linear(context, rows, weighted, Tensor{}, false) * -2.0 + rows.row(constant) + linear(context, rows * rows, precision, Tensor{}, false);
}

/// What a Bayesian mixture adds to each component's log-likelihood (_estimate_log_prob), and its log-weights.
void add_bayesian_terms(const Object& self, const Mixture& m, std::vector<double>& bias) {
  const auto d = static_cast<double>(m.features);
  std::vector<double> freedom = self["degrees_of_freedom_"].list();
  if (freedom.size() == 1) freedom.resize(m.components, freedom[0]);  // one number where the covariance is tied
  const std::vector<double> precision = self["mean_precision_"].list();
  const bool process = self["weight_concentration_prior_type"].is_text("dirichlet_process");
  std::vector<double> a, b;
  if (process) {
    const std::vector<Object> pair = self["weight_concentration_"].is_sequence() ? self["weight_concentration_"].elements() : std::vector<Object>{};
    if (pair.size() != 2) self.fail(Code::corrupt, "weight_concentration_ is not a pair");
    a = pair[0].list(), b = pair[1].list();
  } else {
    a = self["weight_concentration_"].list();
  }
  if (freedom.size() != m.components || precision.size() != m.components || a.size() != m.components || (process && b.size() != m.components)) {
    self.fail(Code::corrupt, format("parameters do not fit {} components", m.components));
  }
  double before = 0;
  const double total = digamma(std::accumulate(a.begin(), a.end(), 0.0));
  for (std::size_t k = 0; k < m.components; ++k) {
    double log_lambda = d * std::log(2.0);
    for (std::size_t f = 0; f < m.features; ++f) log_lambda += digamma(0.5 * (freedom[k] - static_cast<double>(f)));
    bias[k] += -0.5 * d * std::log(freedom[k]) + 0.5 * (log_lambda - d / precision[k]);
    if (process) {
      const double sum = digamma(a[k] + b[k]);
      bias[k] += digamma(a[k]) - sum + before;
      before += digamma(b[k]) - sum;
    } else {
      bias[k] += digamma(a[k]) - total;
    }
  }
}

Result mixture(Context& context, const Object& self, Method method, const Table& x) {
  const Mixture m = mixture_of(self);
  std::vector<double> bias = log_determinants(m);
  if (self.name() == "BayesianGaussianMixture") {
    add_bayesian_terms(self, m, bias);
  } else {
    const std::vector<double> weights = self["weights_"].list();
    if (weights.size() != bias.size()) self.fail(Code::corrupt, format("{} weights for {} components", weights.size(), bias.size()));
    for (std::size_t k = 0; k < bias.size(); ++k) bias[k] += std::log(weights[k]);
  }
  const Expr rows = x.matrix();
  const double constant = static_cast<double>(m.features) * std::log(2 * std::numbers::pi);
  const Expr scores = (squared_distances(context, m, rows) + constant) * -0.5 + rows.row(bias);
  if (method == Method::predict) return argmax(scores, 1);
  const Expr norm = log_sum_exp(scores);
  return method == Method::score_samples ? squeeze(norm, 1) : exp(scores - norm);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> mixture_estimators() {
  static constexpr Methods kMixture{Method::predict, Method::predict_proba, Method::score_samples};
  static constexpr Estimator kEstimators[] = {
      {"GaussianMixture", kMixture, mixture},
      {"BayesianGaussianMixture", kMixture, mixture},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
