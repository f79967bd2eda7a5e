// SPDX-License-Identifier: Apache-2.0
// Rows as sparse sums of dictionary atoms (sklearn/decomposition/_dict_learning.py; orthogonal matching pursuit as _gram_omp of
// sklearn/linear_model/_omp.py, lars and coordinate descent as our own operators).
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {
namespace {

/// Orthogonal matching pursuit on cov = x @ atomsᵀ [N, K]: each step takes the atom that fits the rest best, and solves for all taken
/// by the growing Cholesky factor of their products. A row stops where the next atom is taken already, fits nothing, or depends on
/// the others.
Expr matching_pursuit(Context& context, const Tensor& gram, Expr cov, std::int64_t steps) {
  constexpr double kSmallest = std::numeric_limits<double>::epsilon();
  const Expr products = context.constant(gram);
  std::vector<double> all(static_cast<std::size_t>(gram.dim(0)));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<double>(i);
  const auto at = [](Expr hot, Expr values) { return reduce_sum(hot * values, 1, true); };  // the value of the chosen atom, [N, 1]
  const Expr zero = cov.scalar(0), one = cov.scalar(1);
  Expr rest = cov, code, taken, open;
  std::vector<Expr> hot, right;
  std::vector<std::vector<Expr>> lower;
  for (std::int64_t step = 0; step < steps; ++step) {
    const Expr chosen = argmax(abs(rest), 1);
    const Expr is_chosen = equal(unsqueeze(chosen, 1), chosen.row(all)), next = cast(is_chosen, DType::float64);
    const Expr row = gather(products, chosen, 0), fit = at(next, rest);
    Expr goes_on = logical_not(less(fit * fit, fit.scalar(kSmallest)));
    std::vector<Expr> factors;
    Expr pivot = at(next, row);
    for (std::size_t j = 0; j < hot.size(); ++j) {
      Expr v = at(hot[j], row);
      for (std::size_t k = 0; k < j; ++k) v = v - factors[k] * lower[j][k];
      factors.push_back(v / lower[j][j]);
      pivot = pivot - factors[j] * factors[j];
    }
    if (taken) goes_on = logical_and(logical_and(goes_on, greater(pivot, pivot.scalar(kSmallest))), logical_not(greater(at(next, taken), zero)));
    open = open ? logical_and(open, goes_on) : goes_on;
    factors.push_back(sqrt(where(open, pivot, one)));
    lower.push_back(factors);
    hot.push_back(next);
    right.push_back(at(next, cov));
    taken = taken ? taken + next : next;

    std::vector<Expr> w(hot.size());
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] = right[i];
      for (std::size_t k = 0; k < i; ++k) w[i] = w[i] - lower[i][k] * w[k];
      w[i] = w[i] / lower[i][i];
    }
    for (std::size_t i = w.size(); i-- > 0;) {
      for (std::size_t k = i + 1; k < w.size(); ++k) w[i] = w[i] - lower[k][i] * w[k];
      w[i] = w[i] / lower[i][i];
    }
    Expr solved;
    for (std::size_t i = 0; i < w.size(); ++i) solved = solved ? solved + w[i] * hot[i] : w[i] * hot[i];
    code = code ? where(open, solved, code) : where(open, solved, zero);
    rest = cov - matmul(code, products);
  }
  return code;
}

Expr encoded(Context& context, const Object& self, Expr rows, const Tensor& atoms) {
  const std::string algorithm = self["transform_algorithm"].text();
  const Expr cov = linear(context, rows, atoms, Tensor{}, false);
  const std::int64_t count = atoms.dim(0), features = atoms.dim(1);
  if (algorithm == "threshold") {
    double alpha = 1.0;
    if (self.set("transform_alpha")) alpha = self["transform_alpha"].real();
    else if (context.version(self) < Version{1, 1}) unsupported(self, "threshold without transform_alpha before scikit-learn 1.1");
    else if (self.set("alpha")) alpha = self["alpha"].real();
    const Expr code = apply("Sign", {cov}) * maximum(abs(cov) - alpha, cov.scalar(0));
    return self.boolean("positive_code", false) ? maximum(code, code.scalar(0)) : code;
  }
  const auto k = static_cast<std::size_t>(count), d = static_cast<std::size_t>(features);
  Tensor gram(DType::float64, {count, count});
  for (std::size_t i = 0; i < k * k; ++i) {
    double sum = 0;
    for (std::size_t f = 0; f < d; ++f) sum += atoms.number(i / k * d + f) * atoms.number(i % k * d + f);
    gram.mutable_data<double>()[i] = sum;
  }
  const std::int64_t steps = self.integer("transform_n_nonzero_coefs", std::min(std::max(features / 10, std::int64_t{1}), count));
  if (algorithm == "lars" || algorithm == "lasso_lars") {
    const bool lasso = algorithm == "lasso_lars";
    double alpha = 1.0;
    if (self.set("transform_alpha")) alpha = self["transform_alpha"].real();
    else if (self.set("alpha") && !(context.version(self) < Version{1, 1})) alpha = self["alpha"].real();
    return apply("decant", "LeastAngle", {cov, context.constant(gram)},
                 {{"method", std::string(lasso ? "lasso" : "lar")},
                  {"positive", std::int64_t{lasso && self.boolean("positive_code", false)}},
                  {"max_iter", lasso ? self.integer("transform_max_iter", 1000) : steps},
                  {"parameters", std::vector<double>{static_cast<double>(features), lasso ? alpha / static_cast<double>(features) : 0.0}}});
  }
  if (algorithm == "lasso_cd") {
    const Version version = context.version(self);
    double alpha = 1.0;
    if (self.set("transform_alpha")) alpha = self["transform_alpha"].real();
    else if (self.set("alpha") && !(version < Version{1, 1})) alpha = self["alpha"].real();
    if (!(alpha > 0)) unsupported(self, format("transform_alpha={} with lasso_cd", alpha));
    const bool screens = !(version < Version{1, 8});
    return apply("decant", "CoordinateDescent", {cov, context.constant(gram), reduce_sum(rows * rows, 1)},
                 {{"positive", std::int64_t{self.boolean("positive_code", false)}},
                  {"rules", std::int64_t{!screens ? 0 : version < Version{1, 9} ? 1 : 2}},
                  {"max_iter", self.integer("transform_max_iter", 1000)},
                  {"parameters", std::vector<double>{alpha, screens ? 1e-8 : 1e-4}}});
  }
  if (algorithm != "omp") unsupported(self, format("transform_algorithm={}", algorithm));
  if (steps < 1 || steps > std::min(count, std::int64_t{32})) unsupported(self, format("transform_n_nonzero_coefs={} of {} atoms; at most 32 are run", steps, count));
  return matching_pursuit(context, gram, cov, steps);
}

Result sparse_coding(Context& context, const Object& self, Method, const Table& x) {
  const Tensor atoms = self.any({"components_", "dictionary"}).doubles();  // SparseCoder is given its dictionary
  if (atoms.rank() != 2 || atoms.size() == 0) self.fail(Code::corrupt, format("a dictionary of shape {}", text_of(atoms.shape())));
  const Expr code = encoded(context, self, x.matrix(), atoms);
  if (!self.boolean("split_sign", false)) return code;
  return concat({maximum(code, code.scalar(0)), -minimum(code, code.scalar(0))}, 1);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> sparse_coding_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"DictionaryLearning", kTransformer, sparse_coding},
      {"MiniBatchDictionaryLearning", kTransformer, sparse_coding},
      {"SparseCoder", kTransformer, sparse_coding},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
