// SPDX-License-Identifier: Apache-2.0
// Fixed maps into another space: kernel approximations (sklearn/kernel_approximation.py), random projections (random_projection.py),
// neighbourhood components (neighbors/_nca.py) and the hidden units of a restricted Boltzmann machine (neural_network/_rbm.py).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/kernels.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

Expr cosine(Expr x) { return apply("Cos", {x}); }
Expr sine(Expr x) { return apply("Sin", {x}); }

Result on_components(Context& context, const Object& self, Method, const Table& x) {
  return linear(context, x.matrix(), self["components_"].doubles(), Tensor{}, false);
}

Result boltzmann(Context& context, const Object& self, Method, const Table& x) {
  return sigmoid(linear(context, x.matrix(), self["components_"].doubles(), self["intercept_hidden_"].doubles(), false));
}

Result nystroem(Context& context, const Object& self, Method, const Table& x) {
  if (!self["kernel"].is_text()) unsupported(self, "its kernel is a function, which decant does not run");
  const Expr kernel = pairwise_kernel(self, self["kernel"].text(), KernelParameters::of(self), x.matrix(), context.constant(self["components_"].doubles()));
  return linear(context, kernel, self["normalization_"].doubles(), Tensor{}, false);
}

Result rbf_sampler(Context& context, const Object& self, Method, const Table& x) {
  const Expr angle = matmul(x.matrix(), context.constant(self["random_weights_"].doubles())) + context.constant(self["random_offset_"].doubles());
  return cosine(angle) * std::sqrt(2.0 / self["n_components"].real());
}

Result skewed_chi2(Context& context, const Object& self, Method, const Table& x) {
  const double skew = self["skewedness"].real();
  const Expr rows = x.matrix();
  const Expr in = require(rows, greater(rows, rows.scalar(-skew)), "X may not contain entries smaller than -skewedness");
  const Expr angle = matmul(log(in + skew), context.constant(self["random_weights_"].doubles())) + context.constant(self["random_offset_"].doubles());
  return cosine(angle) * (std::sqrt(2.0) / std::sqrt(self["n_components"].real()));
}

/// The interval follows from the number of steps unless it is given (sample_interval_ up to 1.2).
Result additive_chi2(Context&, const Object& self, Method, const Table& x) {
  const std::int64_t steps = self["sample_steps"].integer();
  double interval = steps == 1 ? 0.8 : steps == 2 ? 0.5 : 0.4;
  if (self.set("sample_interval_")) interval = self["sample_interval_"].real();
  else if (self.set("sample_interval")) interval = self["sample_interval"].real();
  else if (steps < 1 || steps > 3) self.fail(Code::corrupt, format("sample_steps={} without an interval", steps));
  if (steps > 1000) unsupported(self, format("sample_steps={}", steps));
  const Expr rows = x.matrix(), none = rows.scalar(0);
  const Expr in = require(rows, greater_equal(rows, none), "AdditiveChi2Sampler takes no negative values");
  const Expr empty = equal(in, none);
  std::vector<Expr> out{sqrt(in * interval)};
  const Expr angle = log(where(empty, rows.scalar(1), in)) * interval;
  for (std::int64_t j = 1; j < steps; ++j) {
    const Expr factor = sqrt(in * 2.0 * interval / std::cosh(std::numbers::pi * static_cast<double>(j) * interval));
    out.push_back(factor * cosine(angle * static_cast<double>(j)));
    out.push_back(factor * sine(angle * static_cast<double>(j)));
  }
  return concat(out, 1);
}

/// The product of count sketches in the frequency domain; the Fourier transforms as matrices.
Result count_sketch(Context& context, const Object& self, Method, const Table& x) {
  const Tensor hash = self["indexHash_"].tensor(), sign = self["bitHash_"].doubles();
  const std::int64_t n = self["n_components"].integer();
  if (hash.rank() != 2 || sign.shape() != hash.shape() || n < 1 || n > 5000) unsupported(self, format("n_components={} with hashes of shape {}", n, text_of(hash.shape())));
  const double gamma = self["gamma"].real(), coef0 = self["coef0"].real();
  Expr rows = x.matrix() * std::sqrt(gamma);
  if (coef0 != 0) {
    const Expr one = slice(rows, 0, 1, 1);
    rows = concat({rows, each_row(one, one.scalar(std::sqrt(coef0)))}, 1);
  }
  const auto features = static_cast<std::size_t>(hash.dim(1)), width = static_cast<std::size_t>(n);
  Tensor real(DType::float64, {n, n}), imaginary(DType::float64, {n, n});
  for (std::size_t i = 0; i < width * width; ++i) {
    const double angle = -2 * std::numbers::pi * static_cast<double>((i / width) * (i % width) % width) / static_cast<double>(n);
    real.mutable_data<double>()[i] = std::cos(angle);
    imaginary.mutable_data<double>()[i] = std::sin(angle);
  }
  const Expr cos_matrix = context.constant(real), sin_matrix = context.constant(imaginary);
  Expr re, im;
  for (std::int64_t d = 0; d < hash.dim(0); ++d) {
    Tensor sketch(DType::float64, {hash.dim(1), n});
    std::ranges::fill(sketch.mutable_data<double>(), 0.0);
    for (std::size_t f = 0; f < features; ++f) {
      const std::size_t at = static_cast<std::size_t>(d) * features + f;
      const std::int64_t column = hash.integer(at);
      if (column < 0 || column >= n) self.fail(Code::corrupt, format("hash {} of {} components", column, n));
      sketch.mutable_data<double>()[f * width + static_cast<std::size_t>(column)] += sign.number(at);
    }
    const Expr counts = matmul(rows, context.constant(sketch));
    const Expr r = matmul(counts, cos_matrix), i = matmul(counts, sin_matrix);
    const Expr before = re;
    re = re ? re * r - im * i : r;
    im = im ? before * i + im * r : i;
  }
  return (matmul(re, cos_matrix) + matmul(im, sin_matrix)) / static_cast<double>(n);  // the inverse turns the other way round
}

}  // namespace

DECANT_AT_START std::span<const Estimator> projections_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"GaussianRandomProjection", kTransformer, on_components},
      {"SparseRandomProjection", kTransformer, on_components},
      {"NeighborhoodComponentsAnalysis", kTransformer, on_components},
      {"BernoulliRBM", kTransformer, boltzmann},
      {"Nystroem", kTransformer, nystroem},
      {"RBFSampler", kTransformer, rbf_sampler},
      {"SkewedChi2Sampler", kTransformer, skewed_chi2},
      {"AdditiveChi2Sampler", kTransformer, additive_chi2},
      {"PolynomialCountSketch", kTransformer, count_sketch},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
