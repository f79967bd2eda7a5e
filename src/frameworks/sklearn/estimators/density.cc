// SPDX-License-Identifier: Apache-2.0
// Densities and outliers: kernel densities (sklearn/neighbors/_kde.py, kernels in _binary_tree.pxi.tp), the local outlier factor
// (_lof.py) and the elliptic envelope (sklearn/covariance/_elliptic_envelope.py).
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/neighbors.h"
#include "frameworks/sklearn/precision.h"
#include "frameworks/sklearn/scores.h"

namespace decant::sklearn {
namespace {

constexpr double kPi = std::numbers::pi;

double log_ball_volume(double n) { return 0.5 * n * std::log(kPi) - std::lgamma(0.5 * n + 1); }
double log_sphere_area(double n) { return std::log(2 * kPi) + log_ball_volume(n - 1); }

/// _log_kernel_norm.
double log_norm(const Object& self, const std::string& kernel, double h, double d) {
  double factor = 0;
  if (kernel == "gaussian") factor = 0.5 * d * std::log(2 * kPi);
  else if (kernel == "tophat") factor = log_ball_volume(d);
  else if (kernel == "epanechnikov") factor = log_ball_volume(d) + std::log(2.0 / (d + 2.0));
  else if (kernel == "exponential") factor = log_sphere_area(d - 1) + std::lgamma(d);
  else if (kernel == "linear") factor = log_ball_volume(d) - std::log(d + 1.0);
  else if (kernel == "cosine") {
    double term = 2.0 / kPi;
    for (double k = 1; k < d + 1; k += 2) {
      factor += term;
      term *= -(d - k) * (d - k - 1) * (2.0 / kPi) * (2.0 / kPi);
    }
    factor = std::log(factor) + log_sphere_area(d - 1);
  } else unsupported(self, format("kernel={} is not known", kernel));
  return -factor - d * std::log(h);
}

/// The logarithm of the kernel at distances r = d / h; -infinity outside the kernels of bounded support.
Expr log_kernel(const std::string& kernel, Expr r) {
  if (kernel == "gaussian") return r * r * -0.5;
  if (kernel == "exponential") return -r;
  const Expr inside = kernel == "tophat" ? r * 0 : kernel == "epanechnikov" ? log(1.0 - r * r) : kernel == "linear" ? log(1.0 - r) : log(apply("Cos", {r * (0.5 * kPi)}));
  return where(less(r, r.scalar(1)), inside, r.scalar(-std::numeric_limits<double>::infinity()));
}

/// With atol = rtol = 0, the default, scikit-learn sums every term; otherwise it may stop where bounds say that the sum is that near. Here
/// every term is summed always, which is within any tolerance.
Result kernel_density(Context& context, const Object& self, Method, const Table& x) {
  const std::vector<Object> state = tree_state(self["tree_"]);
  const Metric metric(self, self["metric"].text(), self.set("metric_params") ? self["metric_params"] : Object());
  const Tensor points = state[0].doubles();
  if (points.rank() != 2) self.fail(Code::corrupt, format("points of shape {}", text_of(points.shape())));
  const std::string kernel = self["kernel"].text();
  const double h = self.any({"bandwidth_", "bandwidth"}).real();
  const Expr rows = x.matrix();
  Expr terms = log_kernel(kernel, pairwise_distance(metric, rows, context.constant(points)) / h);
  double total = static_cast<double>(points.dim(0));
  if (state.size() > 12 && !state[12].is_none()) {  // weights, since 0.20
    std::vector<double> weights = state[12].list();
    total = 0;
    for (double& w : weights) total += w, w = std::log(w);
    terms = terms + terms.row(weights);
  }
  const Expr top = reduce_max(terms, 1, true);
  const Expr finite = maximum(top, top.scalar(std::numeric_limits<double>::lowest()));  // a row without density: log(0)
  const Expr sum = log(reduce_sum(exp(terms - finite), 1)) + squeeze(finite, 1);
  return sum + (log_norm(self, kernel, h, static_cast<double>(points.dim(1))) - std::log(total));
}

bool lof_has(Context&, const Object& self, Method) { return self.boolean("novelty", false); }

Result local_outlier_factor(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::score_samples) {
    const std::int64_t k = self["n_neighbors_"].integer();
    const Neighbors found = nearest(context, self, x.matrix(), k);
    const Tensor fitted = self["_distances_fit_X_"].doubles();
    if (fitted.rank() != 2 || fitted.dim(1) < k) self.fail(Code::corrupt, format("_distances_fit_X_ has shape {}", text_of(fitted.shape())));
    const Expr reach = gather(squeeze(columns(context.constant(fitted), {k - 1}), 1), found.indices, 0);
    const Expr density = 1.0 / (reduce_mean(maximum(found.distances, reach), 1) + 1e-10);
    return -reduce_mean(gather(context.constant(self["_lrd"].doubles()), found.indices, 0) / unsqueeze(density, 1), 1);
  }
  const Expr decided = context.value(self, Method::score_samples, x) - self["offset_"].real();
  if (method == Method::decision_function) return decided;
  return inlier_labels(context, logical_not(less(decided, decided.scalar(0))));
}

Result elliptic_envelope(Context& context, const Object& self, Method method, const Table& x) {
  if (!self.set("offset_")) unsupported(self, "models of scikit-learn before 0.20");
  const Expr off = x.matrix() - context.constant(self["location_"].doubles());
  const Expr score = -reduce_sum(matmul(off, context.constant(precision_of(self))) * off, 1);
  if (method == Method::score_samples) return score;
  const Expr decided = score - self["offset_"].real();
  if (method == Method::decision_function) return decided;
  return inlier_labels(context, greater_equal(decided, decided.scalar(0)));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> density_estimators() {
  static constexpr Methods kOutliers{Method::predict, Method::decision_function, Method::score_samples};
  static constexpr Estimator kEstimators[] = {
      {"KernelDensity", {Method::score_samples}, kernel_density},
      {"LocalOutlierFactor", kOutliers, local_outlier_factor, lof_has},
      {"EllipticEnvelope", kOutliers, elliptic_envelope},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
