// SPDX-License-Identifier: Apache-2.0
// Decompositions that answer by a matrix product (sklearn/decomposition/).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/kernels.h"

namespace decant::sklearn {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// The inverse of a small matrix, by elimination with the largest pivot; adds the logarithm of |determinant| to `log_determinant`.
Matrix inverse(const Object& self, Matrix a, double& log_determinant) {
  const std::size_t n = a.size();
  for (std::size_t i = 0; i < n; ++i) {
    a[i].resize(2 * n, 0.0);
    a[i][n + i] = 1;
  }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r) if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    if (!(std::abs(a[pivot][c]) > 0)) self.fail(Code::corrupt, "its components give a singular matrix");
    std::swap(a[c], a[pivot]);
    const double by = a[c][c];
    log_determinant += std::log(std::abs(by));
    for (double& v : a[c]) v /= by;
    for (std::size_t r = 0; r < n; ++r) {
      const double times = a[r][c];
      if (r == c || times == 0) continue;
      for (std::size_t k = 0; k < 2 * n; ++k) a[r][k] -= times * a[c][k];
    }
  }
  for (auto& row : a) row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(n));
  return a;
}

Tensor components_of(const Object& self) {
  const Tensor out = self["components_"].doubles();
  if (out.rank() != 2) self.fail(Code::corrupt, format("components_ has shape {}", text_of(out.shape())));
  return out;
}

/// What a row x is multiplied with, x @ project @ turn, to regress it on components C [K, D]: project = (C / scale)ᵀ [D, K] and
/// turn = (I * ridge + (C / scale) Cᵀ)⁻¹ [K, K]. `scale` may be empty.
struct Regression {
  Tensor project, turn;
  double log_determinant = 0;  // of the matrix that is inverted
};
Regression regression_on(const Object& self, const Tensor& c, const std::vector<double>& scale, double ridge) {
  const auto k = static_cast<std::size_t>(c.dim(0)), d = static_cast<std::size_t>(c.dim(1));
  if (k > 2000) unsupported(self, "more than 2000 components");
  Regression out{Tensor(DType::float64, {c.dim(1), c.dim(0)}), Tensor(DType::float64, {c.dim(0), c.dim(0)})};
  const std::span<double> project = out.project.mutable_data<double>();
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t f = 0; f < d; ++f) project[f * k + i] = scale.empty() ? c.number(i * d + f) : c.number(i * d + f) / scale[f];
  }
  Matrix gram(k, std::vector<double>(k, 0.0));
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t f = 0; f < d; ++f) gram[i][j] += project[f * k + i] * c.number(j * d + f);
    }
    gram[i][i] += ridge;
  }
  gram = inverse(self, gram, out.log_determinant);
  for (std::size_t i = 0; i < k; ++i) std::ranges::copy(gram[i], out.turn.mutable_data<double>().begin() + static_cast<std::ptrdiff_t>(i * k));
  return out;
}

Expr centered(Context& context, const Object& self, Expr rows) { return self.set("mean_") ? rows - context.constant(self["mean_"].doubles()) : rows; }

/// -½ (squares + D log 2π + log |covariance|), [N] from [N, 1].
Expr log_likelihood(Expr squares, std::int64_t features, double log_determinant) {
  return squeeze((squares + (static_cast<double>(features) * std::log(2 * std::numbers::pi) + log_determinant)) * -0.5, 1);
}

/// PCA.score_samples. The covariance is diagonal along the components (explained_variance_, at least the noise) and noise_variance_ in
/// all other directions, so its inverse need not be written out. With whitening, get_covariance and get_precision multiply the variance
/// beyond the noise by the variance once more.
Expr pca_scores(Context& context, const Object& self, const Table& x) {
  const Tensor components = components_of(self);
  const Expr rows = centered(context, self, x.matrix());
  const double noise = self["noise_variance_"].real();
  std::vector<double> variance = self["explained_variance_"].list();
  double log_determinant = noise > 0 ? static_cast<double>(components.dim(1) - components.dim(0)) * std::log(noise) : 0.0;
  const bool whiten = self.boolean("whiten", false);
  for (double& v : variance) {
    v = (whiten ? v : 1.0) * std::max(v - noise, 0.0) + noise;
    log_determinant += std::log(v);
  }
  const Expr along = linear(context, rows, components, Tensor{}, false);
  const Expr squares = along * along;
  Expr sum = reduce_sum(squares / rows.row(variance), 1, true);
  if (noise > 0) sum = sum + (reduce_sum(rows * rows, 1, true) - reduce_sum(squares, 1, true)) / noise;
  return log_likelihood(sum, components.dim(1), log_determinant);
}

/// _BasePCA.transform. Since 1.5 the mean is taken off after the projection, and deviations for whitening are at least epsilon.
Result pca(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::score_samples) return pca_scores(context, self, x);
  const Tensor components = components_of(self);
  const bool after = context.version(self) >= Version{1, 5};
  Expr out = linear(context, after ? x.matrix() : centered(context, self, x.matrix()), components, Tensor{}, false);
  if (after && self.set("mean_")) {
    const Tensor mean = self["mean_"].doubles();
    out = out - linear(context, context.constant(mean.reshaped({1, static_cast<std::int64_t>(mean.size())})), components, Tensor{}, false);
  }
  if (!self.boolean("whiten", false)) return out;
  std::vector<double> scale = self["explained_variance_"].list();
  for (double& s : scale) s = after ? std::max(std::sqrt(s), std::numeric_limits<double>::epsilon()) : std::sqrt(s);
  return out / out.row(scale);
}

Result truncated_svd(Context& context, const Object& self, Method, const Table& x) {
  return linear(context, x.matrix(), components_of(self), Tensor{}, false);
}

Result factor_analysis(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor components = components_of(self);
  const std::vector<double> noise = self["noise_variance_"].list();
  if (static_cast<std::int64_t>(noise.size()) != components.dim(1)) self.fail(Code::corrupt, "noise_variance_ does not fit components_");
  const Regression r = regression_on(self, components, noise, 1.0);
  const Expr rows = centered(context, self, x.matrix());
  const Expr projected = matmul(rows, context.constant(r.project)), latent = matmul(projected, context.constant(r.turn));
  if (method == Method::transform) return latent;
  double log_determinant = r.log_determinant;  // of the covariance, by the matrix determinant lemma
  for (const double v : noise) log_determinant += std::log(v);
  return log_likelihood(reduce_sum(rows * rows / rows.row(noise), 1, true) - reduce_sum(projected * latent, 1, true), components.dim(1), log_determinant);
}

/// whiten is False, True (up to 1.2) or a name; only False leaves the mean.
Result fast_ica(Context& context, const Object& self, Method, const Table& x) {
  const bool whiten = self["whiten"].is_text() || self.boolean("whiten", false);
  return linear(context, whiten ? centered(context, self, x.matrix()) : x.matrix(), components_of(self), Tensor{}, false);
}

/// Ridge regression of each row on the components (since 0.22; before, an option normalised them).
Result sparse_pca(Context& context, const Object& self, Method, const Table& x) {
  if (context.version(self) < Version{0, 22}) unsupported(self, "models of scikit-learn before 0.22");
  const Regression r = regression_on(self, components_of(self), {}, self["ridge_alpha"].real());
  return matmul(matmul(centered(context, self, x.matrix()), context.constant(r.project)), context.constant(r.turn));
}

/// Eigenvalues and eigenvectors are called lambdas_ and alphas_ up to 0.24.
Result kernel_pca(Context& context, const Object& self, Method, const Table& x) {
  if (!self["kernel"].is_text()) unsupported(self, "its kernel is a function, which decant does not run");
  KernelParameters parameters = KernelParameters::of(self);
  if (self.set("gamma_")) parameters.gamma = self["gamma_"].real();
  const Expr fitted = context.constant(self["X_fit_"].doubles());
  const Expr kernel = pairwise_kernel(self, self["kernel"].text(), parameters, x.matrix(), fitted);
  const Object centerer = self["_centerer"];
  const Tensor rows = centerer["K_fit_rows_"].doubles();
  const Expr means = reduce_sum(kernel, 1, true) / static_cast<double>(rows.size());
  const Expr centred = kernel - context.constant(rows) - means + centerer["K_fit_all_"].real();
  const std::vector<double> values = self.any({"eigenvalues_", "lambdas_"}).list();
  const Tensor vectors = self.any({"eigenvectors_", "alphas_"}).doubles();
  if (vectors.rank() != 2 || vectors.dim(1) != static_cast<std::int64_t>(values.size())) self.fail(Code::corrupt, "eigenvectors do not fit eigenvalues");
  Tensor scaled(DType::float64, vectors.shape());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const double value = values[i % values.size()];
    scaled.mutable_data<double>()[i] = value == 0 ? 0 : vectors.number(i) / std::sqrt(value);
  }
  return matmul(centred, context.constant(scaled));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> decomposition_estimators() {
  static constexpr Methods kScored{Method::transform, Method::score_samples};
  static constexpr Estimator kEstimators[] = {
      {"PCA", kScored, pca},
      {"IncrementalPCA", kTransformer, pca},
      {"TruncatedSVD", kTransformer, truncated_svd},
      {"FactorAnalysis", kScored, factor_analysis},
      {"FastICA", kTransformer, fast_ica},
      {"SparsePCA", kTransformer, sparse_pca},
      {"MiniBatchSparsePCA", kTransformer, sparse_pca},
      {"KernelPCA", kTransformer, kernel_pca},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
