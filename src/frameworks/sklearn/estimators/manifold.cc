// SPDX-License-Identifier: Apache-2.0
// Manifolds that place new rows by their neighbours (sklearn/manifold/_isomap.py, _locally_linear.py).
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/neighbors.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

/// The shortest ways to all fitted rows through the neighbours, and kernel PCA of them.
Result isomap(Context& context, const Object& self, Method, const Table& x) {
  const Object fitted = self["nbrs_"];
  if (!self.set("n_neighbors")) {  // all within the radius (since 1.1)
    const Within near = within_radius(context, fitted, x.matrix());
    const Expr none = near.distances.scalar(std::numeric_limits<double>::infinity()), ways = context.constant(self["dist_matrix_"].doubles());
    Expr shortest = apply("decant", "ShortestVia", {where(near.inside, near.distances, none), ways});
    shortest = require(shortest, less(shortest, none), "a row has no neighbours within the radius");
    return Table(context.value(self["kernel_pca_"], Method::transform, Table(shortest * shortest * -0.5)));
  }
  const Neighbors found = nearest(context, fitted, x.matrix(), fitted["n_neighbors"].integer());
  const Expr ways = gather(context.constant(self["dist_matrix_"].doubles()), found.indices, 0) + unsqueeze(found.distances, 2);
  const Expr shortest = reduce_min(ways, 1);
  return Table(context.value(self["kernel_pca_"], Method::transform, Table(shortest * shortest * -0.5)));
}

/// Solves A w = 1 for the symmetric matrix A of each row (a[i][j] [N, 1], i >= j) by its Cholesky factors.
std::vector<Expr> solve_ones(std::vector<std::vector<Expr>> a) {
  const std::size_t n = a.size();
  std::vector<Expr> w(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] = a[i][j] - a[i][k] * a[j][k];
      a[i][j] = i == j ? sqrt(a[i][j]) : a[i][j] / a[j][j];
    }
    Expr right = a[j][j] * 0 + 1.0;
    for (std::size_t k = 0; k < j; ++k) right = right - a[j][k] * w[k];
    w[j] = right / a[j][j];
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t k = j + 1; k < n; ++k) w[j] = w[j] - a[k][j] * w[k];
    w[j] = w[j] / a[j][j];
  }
  return w;
}

/// barycenter_weights: a row as the best sum of its neighbours, and the same sum of their places.
Result locally_linear(Context& context, const Object& self, Method, const Table& x) {
  const std::int64_t k = self["n_neighbors"].integer();
  if (k > 24) unsupported(self, format("n_neighbors={}, more than 24", k));
  const Object fitted = self["nbrs_"];
  const Expr rows = x.matrix();
  const Neighbors found = nearest(context, fitted, rows, k);
  const Expr off = gather(context.constant(fitted_rows(fitted)), found.indices, 0) - unsqueeze(rows, 1);  // [N, k, D]
  const Expr products = reshape(matmul(off, apply("Transpose", {off}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}})), {0, k * k});
  std::vector<std::vector<Expr>> gram(static_cast<std::size_t>(k), std::vector<Expr>(static_cast<std::size_t>(k)));
  Expr trace;
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) gram[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = columns(products, {i * k + j});
    const Expr diagonal = gram[static_cast<std::size_t>(i)][static_cast<std::size_t>(i)];
    trace = trace ? trace + diagonal : diagonal;
  }
  const double reg = self["reg"].real();
  const Expr ridge = where(greater(trace, trace.scalar(0)), trace * reg, trace.scalar(reg));
  for (std::size_t i = 0; i < gram.size(); ++i) gram[i][i] = gram[i][i] + ridge;
  const Expr weights = concat(solve_ones(gram), 1);
  const Expr places = gather(context.constant(self["embedding_"].doubles()), found.indices, 0);  // [N, k, components]
  return reduce_sum(places * unsqueeze(weights / reduce_sum(weights, 1, true), 2), 1);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> manifold_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"Isomap", kTransformer, isomap},
      {"LocallyLinearEmbedding", kTransformer, locally_linear},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
