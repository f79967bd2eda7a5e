// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/precision.h"

#include <cmath>
#include <limits>

#include "base/text.h"

namespace decant::sklearn {

std::vector<double> symmetric_pseudo_inverse(std::vector<double> a, std::size_t n) {
  // Jacobi's rotations, which are accurate to the last digits even for small eigenvalues; a few sweeps do.
  std::vector<double> vectors(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, all = 0;
    for (std::size_t i = 0; i < n * n; ++i) (i / n == i % n ? all : off) += a[i] * a[i];
    if (!(off > 1e-40 * all)) break;
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        const double apq = a[p * n + q];
        if (apq == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const double t = std::copysign(1.0, theta) / (std::fabs(theta) + std::hypot(theta, 1.0)), c = 1 / std::hypot(t, 1.0), s = t * c;
        const auto turn = [&](double& x, double& y) {
          const double old = x;
          x = c * old - s * y;
          y = s * old + c * y;
        };
        for (std::size_t k = 0; k < n; ++k) turn(a[k * n + p], a[k * n + q]);
        for (std::size_t k = 0; k < n; ++k) turn(a[p * n + k], a[q * n + k]);
        for (std::size_t k = 0; k < n; ++k) turn(vectors[k * n + p], vectors[k * n + q]);
      }
    }
  }
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(a[i * n + i]));
  const double least = largest * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
  std::vector<double> out(n * n, 0.0);
  for (std::size_t e = 0; e < n; ++e) {
    const double value = a[e * n + e];
    if (!(std::fabs(value) > least)) continue;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += vectors[i * n + e] * vectors[j * n + e] / value;
    }
  }
  return out;
}

Tensor precision_of(const Object& self) {
  if (self.set("precision_")) return self["precision_"].doubles();
  const Tensor covariance = self["covariance_"].doubles();
  if (covariance.rank() != 2 || covariance.dim(0) != covariance.dim(1)) self.fail(Code::corrupt, format("covariance_ of shape {}", text_of(covariance.shape())));
  if (covariance.dim(0) > 1000) unsupported(self, format("store_precision=False with {} features, more than 1000", covariance.dim(0)));
  const auto values = covariance.data<double>();
  return Tensor::of<double>(covariance.shape(), symmetric_pseudo_inverse({values.begin(), values.end()}, static_cast<std::size_t>(covariance.dim(0))));
}

}  // namespace decant::sklearn
