// SPDX-License-Identifier: Apache-2.0
// Sparse codes by least angle regression, row by row: the end of the path of _lars_path_solver with a Gram matrix
// (sklearn/linear_model/_least_angle.py, 1.9; the stopping rules are those of 0.24 and later).
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

struct Settings {
  std::size_t atoms = 0;
  const double* gram = nullptr;  // [atoms, atoms]
  bool lasso = false;            // coefficients that change their sign leave the active set
  bool positive = false;
  double samples = 1, alpha_min = 0;
  std::int64_t max_iter = 0;
};

/// numpy.min over the positive values, the largest double where there are none (sklearn/utils/arrayfuncs.pyx, min_pos).
struct LeastPositive {
  double value = std::numeric_limits<double>::max();
  void take(double v) {
    if (v > 0 && v < value) value = v;
  }
};

class Path {
 public:
  explicit Path(const Settings& settings) : s_(settings), products_(settings.atoms), coef_(settings.atoms), before_(settings.atoms), is_active_(settings.atoms) {}

  /// `cov` [atoms]: the products of the row with each atom; `code` [atoms] is where the path ends.
  void run(const double* cov, double* code) {
    constexpr double kTolerance = std::numeric_limits<float>::epsilon();
    const std::size_t k = s_.atoms;
    first_ = cov;
    rest_.assign(cov, cov + k);
    std::ranges::fill(coef_, 0);
    std::ranges::fill(before_, 0);
    is_active_.assign(k, false);
    active_.clear();
    factor_.clear();
    sign_.clear();
    double alpha = 0, alpha_before = 0;
    bool drop = false;
    std::int64_t step = 0;
    for (;;) {
      const std::size_t best = most_correlated();
      const double signed_c = best == k ? 0 : rest_[best], c = s_.positive ? signed_c : std::fabs(signed_c);
      alpha = c / s_.samples;
      if (alpha <= s_.alpha_min + kTolerance) {
        if (std::fabs(alpha - s_.alpha_min) > kTolerance && step > 0) {
          const double part = (alpha_before - s_.alpha_min) / (alpha_before - alpha);
          for (std::size_t i = 0; i < k; ++i) coef_[i] = before_[i] + part * (coef_[i] - before_[i]);
        }
        break;
      }
      if (step >= s_.max_iter || active_.size() >= k) break;
      if (!drop && !take(best, s_.positive ? 1.0 : signed_c > 0 ? 1.0 : -1.0)) {
        rest_[best] = 0;  // it depends on the atoms that are taken
        continue;
      }
      if (s_.lasso && step > 0 && alpha_before < alpha) break;  // what is left is rounding
      ++step;
      alpha_before = alpha;
      drop = move(c);
    }
    std::ranges::copy(coef_, code);
  }

 private:
  double gram(std::size_t i, std::size_t j) const { return s_.gram[i * s_.atoms + j]; }

  std::size_t most_correlated() const {
    std::size_t best = s_.atoms;
    for (std::size_t i = 0; i < s_.atoms; ++i) {
      if (is_active_[i]) continue;
      const auto size = [&](std::size_t j) { return s_.positive ? rest_[j] : std::fabs(rest_[j]); };
      if (best == s_.atoms || size(i) > size(best)) best = i;
    }
    return best;
  }

  /// Appends an atom to the active set and to the Cholesky factor of its products; false where it depends on those that are there.
  bool take(std::size_t atom, double sign) {
    std::vector<double> line(active_.size() + 1);
    double square = 0;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      double v = gram(atom, active_[i]);
      for (std::size_t j = 0; j < i; ++j) v -= factor_[i][j] * line[j];
      line[i] = v / factor_[i][i];
      square += line[i] * line[i];
    }
    const double pivot = std::max(std::sqrt(std::fabs(gram(atom, atom) - square)), std::numeric_limits<double>::epsilon());
    if (pivot < 1e-7) return false;
    line.back() = pivot;
    factor_.push_back(std::move(line));
    active_.push_back(atom);
    sign_.push_back(sign);
    is_active_[atom] = true;
    return true;
  }

  /// One step along the direction that has the same angle with every active atom. Whether a coefficient met zero on the way.
  bool move(double c) {
    constexpr double kTiny = std::numeric_limits<float>::min();
    const std::size_t n = active_.size();
    std::vector<double> direction(n);
    for (std::size_t i = 0; i < n; ++i) {
      double v = sign_[i];
      for (std::size_t j = 0; j < i; ++j) v -= factor_[i][j] * direction[j];
      direction[i] = v / factor_[i][i];
    }
    double sum = 0;
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t j = i + 1; j < n; ++j) direction[i] -= factor_[j][i] * direction[j];
      direction[i] /= factor_[i][i];
      sum += direction[i] * sign_[i];
    }
    const double scale = 1 / std::sqrt(sum);
    for (double& v : direction) v *= scale;

    LeastPositive gamma;
    gamma.take(c / scale);
    for (std::size_t a = 0; a < s_.atoms; ++a) {
      if (is_active_[a]) continue;
      double v = 0;
      for (std::size_t i = 0; i < n; ++i) v += gram(active_[i], a) * direction[i];
      products_[a] = std::nearbyint(v * 1e15) / 1e15;  // np.around to the digits of a double: ties stay ties
      gamma.take((c - rest_[a]) / (scale - products_[a] + kTiny));
      if (!s_.positive) gamma.take((c + rest_[a]) / (scale + products_[a] + kTiny));
    }
    LeastPositive zero;
    for (std::size_t i = 0; i < n; ++i) zero.take(-coef_[active_[i]] / (direction[i] + kTiny));
    std::vector<std::size_t> leaving;
    const bool drop = zero.value < gamma.value;
    if (drop) {
      for (std::size_t i = n; i-- > 0;) {
        if (-coef_[active_[i]] / (direction[i] + kTiny) == zero.value) leaving.push_back(i);
      }
      for (const std::size_t i : leaving) sign_[i] = -sign_[i];
      if (s_.lasso) gamma.value = zero.value;
    }
    before_ = coef_;
    std::ranges::fill(coef_, 0);
    for (std::size_t i = 0; i < n; ++i) coef_[active_[i]] = before_[active_[i]] + gamma.value * direction[i];
    for (std::size_t a = 0; a < s_.atoms; ++a) {
      if (!is_active_[a]) rest_[a] -= gamma.value * products_[a];
    }
    if (drop && s_.lasso) leave(leaving);
    return drop;
  }

  /// Takes atoms out of the active set; `places` from the back.
  void leave(const std::vector<std::size_t>& places) {
    const std::vector<std::size_t> old = active_;
    std::vector<double> signs = sign_;
    std::vector<std::size_t> kept = active_;
    for (const std::size_t p : places) {
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(p));
      signs.erase(signs.begin() + static_cast<std::ptrdiff_t>(p));
    }
    active_.clear();
    factor_.clear();
    sign_.clear();
    for (std::size_t i = 0; i < kept.size(); ++i) take(kept[i], signs[i]);
    for (const std::size_t p : places) {
      is_active_[old[p]] = false;
      double v = first_[old[p]];
      for (std::size_t a = 0; a < s_.atoms; ++a) v -= gram(old[p], a) * coef_[a];
      rest_[old[p]] = v;
    }
  }

  const Settings& s_;
  const double* first_ = nullptr;       // the products of the row as they were
  std::vector<double> rest_, products_, coef_, before_, sign_;
  std::vector<std::size_t> active_;
  std::vector<std::vector<double>> factor_;  // lower Cholesky factor of the active atoms' products
  std::vector<bool> is_active_;
};

void infer(InferContext& c) { c.outputs[0] = c.input(0); }

void run(KernelContext& c) {
  want(c, 0, DType::float64);
  want(c, 1, DType::float64);
  const Tensor& cov = c.input(0);
  const Tensor& gram = c.input(1);
  if (cov.rank() != 2 || gram.rank() != 2 || gram.dim(0) != gram.dim(1) || gram.dim(0) != cov.dim(1)) {
    c.fail(Code::mismatch, format("products {} and Gram matrix {} do not fit", text_of(cov.shape()), text_of(gram.shape())));
  }
  Settings s;
  s.atoms = static_cast<std::size_t>(cov.dim(1));
  s.gram = gram.data<double>().data();
  s.lasso = c.text("method") == "lasso";
  s.positive = c.integer("positive", 0) != 0;
  const std::vector<double> parameters = c.reals("parameters");
  if (parameters.size() != 2) c.fail(Code::corrupt, "parameters are samples and alpha_min");
  s.samples = parameters[0];
  s.alpha_min = parameters[1];
  s.max_iter = std::min<std::int64_t>(c.integer("max_iter"), 1'000'000);
  const std::span<const double> from = cov.data<double>();
  const std::span<double> to = c.output(0, DType::float64, cov.shape()).mutable_data<double>();
  Path path(s);
  for (std::size_t r = 0; r < static_cast<std::size_t>(cov.dim(0)); ++r) path.run(from.data() + r * s.atoms, to.data() + r * s.atoms);
}

constexpr Op kOps[] = {
    {"decant", "LeastAngle", "Sparse codes [N, K] for products X @ atoms.T [N, K] and atoms @ atoms.T [K, K]: the end of the path of least angle regression "
     "(`method` lar) or of the lasso (lasso) at alpha_min, after at most `max_iter` steps, `positive` or not; `parameters` samples, alpha_min. No body in "
     "standard operators.", infer, run, nullptr, nullptr, "no body in standard operators: written as decant's own operator, which other runtimes do not know"},
};

}  // namespace

DECANT_AT_START std::span<const Op> least_angle_ops() { return kOps; }

}  // namespace decant
