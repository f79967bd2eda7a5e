// SPDX-License-Identifier: Apache-2.0
// Gaussian processes (sklearn/gaussian_process/_gpr.py, _gpc.py, kernels.py) and label propagation (sklearn/semi_supervised/), which
// answer by kernels with the rows that they were fitted on. Deviations and covariances (return_std, return_cov) are not given.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/kernels.h"
#include "frameworks/sklearn/linear.h"
#include "frameworks/sklearn/neighbors.h"

namespace decant::sklearn {
namespace {

Expr squared(Expr x, Expr y) { return apply("decant", "PairwiseDistance", {x, y}, {{"metric", std::string("sqeuclidean")}}); }
Expr euclidean(Expr x, Expr y) { return apply("decant", "PairwiseDistance", {x, y}, {{"metric", std::string("euclidean")}}); }

Expr over_length(const Object& kernel, Expr rows) {
  const std::vector<double> length = kernel["length_scale"].list();
  if (length.empty() || (length.size() != 1 && static_cast<std::int64_t>(length.size()) != rows.dim(1))) kernel.fail(Code::corrupt, format("length scales for {} features of {}", length.size(), rows.dim(1)));
  if (const Tensor* known = rows.builder().constant_of(rows.id()); known != nullptr && known->dtype() == DType::float64) {
    // The rows that it was fitted on, divided once, so that distances to them are distances to constant points.
    std::vector<double> values(known->data<double>().begin(), known->data<double>().end());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] /= length[i % length.size()];
    return rows.constant(Tensor::of<double>(known->shape(), values));
  }
  return length.size() == 1 ? rows / length[0] : rows / rows.row(length);
}

Expr matern(const Object& kernel, Expr distance) {
  const double nu = kernel["nu"].real();
  if (nu == 0.5) return exp(-distance);
  if (nu == 1.5) {
    const Expr k = distance * std::sqrt(3.0);
    return (k + 1.0) * exp(-k);
  }
  if (nu == 2.5) {
    const Expr k = distance * std::sqrt(5.0);
    return (k + 1.0 + k * k / 3.0) * exp(-k);
  }
  if (std::isinf(nu)) return exp(distance * distance / -2.0);
  unsupported(kernel, format("nu={}, which needs Bessel functions", nu));
}

/// kernel(x, y) of a kernel object, [N, M].
Expr covariance(const Object& kernel, Expr x, Expr y, int depth = 0) {
  if (depth > 50) kernel.fail(Code::limit, "kernels nested deeper than 50 levels");
  const std::string_view name = kernel.name();
  const auto part = [&](const char* attribute) { return covariance(kernel[attribute], x, y, depth + 1); };
  const auto zeros = [&] { return squared(x, y) * 0; };
  if (name == "Sum") return part("k1") + part("k2");
  if (name == "Product") return part("k1") * part("k2");
  if (name == "Exponentiation") return pow(part("kernel"), kernel["exponent"].real());
  if (name == "ConstantKernel") return zeros() + kernel["constant_value"].real();
  if (name == "WhiteKernel") return zeros();  // noise is of a row with itself only
  if (name == "RBF") return exp(squared(over_length(kernel, x), over_length(kernel, y)) * -0.5);
  if (name == "Matern") return matern(kernel, euclidean(over_length(kernel, x), over_length(kernel, y)));
  if (name == "DotProduct") return matmul(x, transpose(y)) + kernel["sigma_0"].real() * kernel["sigma_0"].real();
  if (name == "RationalQuadratic") {
    const double alpha = kernel["alpha"].real(), length = kernel["length_scale"].real();
    return pow(squared(x, y) / (2 * alpha * length * length) + 1.0, -alpha);
  }
  if (name == "ExpSineSquared") {
    const Expr wave = apply("Sin", {euclidean(x, y) * (std::numbers::pi / kernel["periodicity"].real())}) / kernel["length_scale"].real();
    return exp(wave * wave * -2.0);
  }
  if (name == "PairwiseKernel") {
    if (!kernel["metric"].is_text() || (kernel.set("pairwise_kernels_kwargs") && !kernel["pairwise_kernels_kwargs"].entries().empty())) unsupported(kernel, "its metric is a function or has further arguments");
    KernelParameters parameters;
    parameters.gamma = kernel["gamma"].real();
    return pairwise_kernel(kernel, kernel["metric"].text(), parameters, x, y);
  }
  unsupported(kernel, "decant does not run this kernel");
}

/// kernel.diag(x), [N, 1] or a number for all.
Expr variance(const Object& kernel, Expr x, int depth = 0) {
  if (depth > 50) kernel.fail(Code::limit, "kernels nested deeper than 50 levels");
  const std::string_view name = kernel.name();
  const auto part = [&](const char* attribute) { return variance(kernel[attribute], x, depth + 1); };
  if (name == "Sum") return part("k1") + part("k2");
  if (name == "Product") return part("k1") * part("k2");
  if (name == "Exponentiation") return pow(part("kernel"), kernel["exponent"].real());
  if (name == "ConstantKernel") return x.scalar(kernel["constant_value"].real());
  if (name == "WhiteKernel") return x.scalar(kernel["noise_level"].real());
  if (name == "RBF" || name == "Matern" || name == "RationalQuadratic" || name == "ExpSineSquared") return x.scalar(1);
  if (name == "DotProduct") return reduce_sum(x * x, 1, true) + kernel["sigma_0"].real() * kernel["sigma_0"].real();
  unsupported(kernel, "decant does not give the variance of this kernel");
}

Expr training_rows(Context& context, const Object& self) {
  const Tensor rows = self["X_train_"].doubles();
  if (rows.rank() != 2) self.fail(Code::corrupt, format("X_train_ has shape {}", text_of(rows.shape())));
  return context.constant(rows);
}

/// _y_train_std appears in 0.23; before, only the mean was taken off (y_train_mean in 0.18).
Result regressor(Context& context, const Object& self, Method, const Table& x) {
  const Expr kernel = covariance(self["kernel_"], x.matrix(), training_rows(context, self));
  Expr out = matmul(kernel, context.constant(self["alpha_"].doubles()));
  if (self.set("_y_train_std")) out = out * context.constant(self["_y_train_std"].doubles());
  out = out + context.constant(self.any({"_y_train_mean", "y_train_mean"}).doubles());
  return out.type().rank() == 2u && out.dim(1) == 1 && context.version(self) >= Version{1, 1} ? squeeze(out, 1) : out;
}

/// The inverse of a lower triangular matrix, its columns multiplied by `scale`, transposed: [n, n].
Tensor solver(const Object& self, const Tensor& lower, const std::vector<double>& scale) {
  const std::size_t n = scale.size();
  if (lower.rank() != 2 || lower.size() != n * n) self.fail(Code::corrupt, format("L_ has shape {} for {} rows", text_of(lower.shape()), n));
  if (n > 5000) unsupported(self, "more than 5000 training rows");
  Tensor out(DType::float64, lower.shape());
  const std::span<double> to = out.mutable_data<double>();
  std::ranges::fill(to, 0.0);
  const std::span<const double> l = lower.data<double>();
  for (std::size_t c = 0; c < n; ++c) {  // column c of the inverse, stored as row c
    for (std::size_t r = c; r < n; ++r) {
      double sum = r == c ? scale[c] : 0.0;
      for (std::size_t k = c; k < r; ++k) sum -= l[r * n + k] * to[c * n + k];
      to[c * n + r] = sum / l[r * n + r];
    }
  }
  return out;
}

/// _BinaryGaussianProcessClassifierLaplace.
Result binary_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const Expr rows = x.matrix(), kernel = covariance(self["kernel_"], rows, training_rows(context, self));
  std::vector<double> residual = self["y_train_"].list();
  const std::vector<double> pi = self["pi_"].list();
  if (pi.size() != residual.size()) self.fail(Code::corrupt, "pi_ does not fit y_train_");
  for (std::size_t i = 0; i < pi.size(); ++i) residual[i] -= pi[i];
  const Expr mean = matmul(kernel, context.constant(Tensor::vector(residual)));
  if (method == Method::predict) return labels(context, classes_of(self), cast(greater(mean, mean.scalar(0)), DType::int64));
  const Expr v = matmul(kernel, context.constant(solver(self, self["L_"].doubles(), self["W_sr_"].list())));
  const Expr var = variance(self["kernel_"], rows) - reduce_sum(v * v, 1, true);  // [N, 1]
  // Five error functions in place of the logistic (Williams and Barber).
  const Expr lambda = rows.row({0.41, 0.4, 0.37, 0.44, 0.39}), weight = rows.row({-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654});
  double half = 0;
  for (const double c : {-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654}) half += 0.5 * c;
  const Expr alpha = 1.0 / (var * 2.0), gamma = lambda * unsqueeze(mean, 1);
  const Expr integrals = sqrt(std::numbers::pi / alpha) * apply("Erf", {gamma * sqrt(alpha / (alpha + lambda * lambda))}) / (sqrt(var * 2.0 * std::numbers::pi) * 2.0);
  return with_complement(reduce_sum(weight * integrals, 1) + half);
}

bool classifier_has(Context& context, const Object& self, Method method) { return context.has(self["base_estimator_"], method); }

Result classifier(Context& context, const Object& self, Method method, const Table& x) { return context.call(self["base_estimator_"], method, x); }

/// LabelPropagation and LabelSpreading: labels of the fitted rows, weighted by the kernel or of the nearest.
Result label_propagation(Context& context, const Object& self, Method method, const Table& x) {
  if (!self["kernel"].is_text()) unsupported(self, "its kernel is a function, which decant does not run");
  const std::string kernel = self["kernel"].text();
  const Expr known = context.constant(self["label_distributions_"].doubles());
  Expr weights;
  if (kernel == "knn") {
    const Object fitted = self["nn_fit"];
    weights = reduce_sum(gather(known, nearest(context, fitted, x.matrix(), fitted["n_neighbors"].integer()).indices, 0), 1);
  } else {
    KernelParameters parameters;
    parameters.gamma = self["gamma"].real();
    weights = matmul(pairwise_kernel(self, kernel, parameters, x.matrix(), context.constant(self["X_"].doubles())), known);
  }
  const Expr p = weights / reduce_sum(weights, 1, true);
  return method == Method::predict ? labels(context, classes_of(self), argmax(p, 1)) : p;
}

}  // namespace

DECANT_AT_START std::span<const Estimator> gaussian_process_estimators() {
  static constexpr Methods kProbability{Method::predict, Method::predict_proba};
  static constexpr Estimator kEstimators[] = {
      {"GaussianProcessRegressor", kRegressor, regressor},
      {"GaussianProcessClassifier", kProbability, classifier, classifier_has},
      {"_BinaryGaussianProcessClassifierLaplace", kProbability, binary_classifier},
      {"LabelPropagation", kProbability, label_propagation},
      {"LabelSpreading", kProbability, label_propagation},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
