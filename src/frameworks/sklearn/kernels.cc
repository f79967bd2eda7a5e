// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/kernels.h"

#include "base/text.h"

namespace decant::sklearn {

KernelParameters KernelParameters::of(const Object& self) {
  KernelParameters out;
  if (self.set("gamma")) out.gamma = self["gamma"].real();
  out.degree = self.real("degree", 3);
  out.coef0 = self.real("coef0", 1);
  return out;
}

Expr pairwise_kernel(const Object& self, const std::string& name, const KernelParameters& parameters, Expr x, Expr y) {
  if (name == "precomputed") return x;
  const double gamma = parameters.gamma.value_or(1.0 / static_cast<double>(y.dim(1)));
  const auto distance = [&](const char* metric) { return apply("decant", "PairwiseDistance", {x, y}, {{"metric", std::string(metric)}}); };
  if (name == "linear") return matmul(x, transpose(y));
  if (name == "poly" || name == "polynomial") return pow(matmul(x, transpose(y)) * gamma + parameters.coef0, parameters.degree);
  if (name == "sigmoid") return tanh(matmul(x, transpose(y)) * gamma + parameters.coef0);
  if (name == "rbf") return exp(distance("sqeuclidean") * -gamma);
  if (name == "laplacian") return exp(distance("manhattan") * -gamma);
  if (name == "cosine") return 1.0 - distance("cosine");
  if (name == "chi2" || name == "additive_chi2") {  // -Σ (x - y)² / (x + y), terms 0 / 0 left out
    const Expr left = unsqueeze(x, 1), right = unsqueeze(y, 0);  // [N, 1, D], [1, M, D]
    const Expr sum = left + right, off = left - right, none = x.scalar(0);
    const Expr k = -reduce_sum(where(equal(sum, none), none, off * off / sum), 2);
    return name == "chi2" ? exp(k * parameters.gamma.value_or(1.0)) : k;
  }
  unsupported(self, format("kernel={}", name));
}

}  // namespace decant::sklearn
