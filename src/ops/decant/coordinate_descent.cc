// SPDX-License-Identifier: Apache-2.0
// Sparse codes by coordinate descent on a Gram matrix, row by row, from zeros: enet_coordinate_descent_gram of scikit-learn without an L2
// penalty (sklearn/linear_model/_cd_fast.pyx). Where it stops depends on its inner loop, of which there are three (attribute `rules`):
//   0  1.1 to 1.7: all atoms in turn; the duality gap must fall below the tolerance
//   1  1.8: looks at the gap before the first turn, and leaves out atoms that gap safe screening excludes, chosen anew at each look
//   2  1.9: likewise, but what is excluded once stays out
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

struct Settings {
  std::size_t atoms = 0;
  const double* gram = nullptr;  // [atoms, atoms]
  double penalty = 1, tolerance = 1e-4;
  std::int64_t max_iter = 0, rules = 0;
  bool positive = false;
};

class Descent {
 public:
  explicit Descent(const Settings& settings) : s_(settings), products_(settings.atoms), slack_(settings.atoms), is_out_(settings.atoms) {}

  /// `cov`: the products of the row with each atom, `norm`: with itself.
  void run(const double* cov, double norm, double* code) {
    const std::size_t k = s_.atoms;
    cov_ = cov;
    norm_ = norm;
    code_ = code;
    std::fill_n(code, k, 0.0);
    std::ranges::fill(products_, 0.0);
    is_out_.assign(k, false);
    active_.clear();
    for (std::size_t j = 0; j < k; ++j) active_.push_back(j);
    const double enough = s_.tolerance * norm;
    if (s_.rules > 0) {
      const double gap = look();
      if (gap >= 0 && gap <= enough) return;
      screen(gap, true);
    }
    for (std::int64_t turn = 0; turn < s_.max_iter; ++turn) {
      double largest = 0, largest_step = 0;
      for (const std::size_t j : active_) {
        if (gram(j, j) == 0) continue;
        const double before = code[j];
        double rest = 0;
        if (s_.rules == 0) {
          if (before != 0) add(j, -before);
          rest = cov[j] - products_[j];
        } else {
          rest = cov[j] - products_[j] + before * gram(j, j);
        }
        code[j] = s_.positive && rest < 0 ? 0.0 : std::copysign(1.0, rest) * std::max(std::fabs(rest) - s_.penalty, 0.0) / gram(j, j);
        if (s_.rules == 0 ? code[j] != 0 : code[j] != before) add(j, s_.rules == 0 ? code[j] : code[j] - before);
        largest_step = std::max(largest_step, std::fabs(code[j] - before));
        largest = std::max(largest, std::fabs(code[j]));
      }
      const double step = largest == 0 ? 0 : largest_step / largest;
      if (largest != 0 && !(s_.rules == 0 ? step < s_.tolerance : step <= s_.tolerance) && turn != s_.max_iter - 1) continue;
      const double gap = look();
      if (s_.rules == 0 ? gap < enough : gap <= enough) return;
      if (s_.rules > 0) screen(gap, false);
    }
  }

 private:
  double gram(std::size_t i, std::size_t j) const { return s_.gram[i * s_.atoms + j]; }
  void add(std::size_t j, double amount) {
    for (std::size_t i = 0; i < s_.atoms; ++i) products_[i] += amount * gram(j, i);
  }

  /// The duality gap (formulation A).
  double look() {
    double cov_code = 0, squares = 0, size = 0;
    dual_norm_ = s_.positive ? -HUGE_VAL : 0.0;
    for (std::size_t j = 0; j < s_.atoms; ++j) {
      slack_[j] = cov_[j] - products_[j];
      dual_norm_ = std::max(dual_norm_, s_.positive ? slack_[j] : std::fabs(slack_[j]));
      cov_code += code_[j] * cov_[j];
      squares += code_[j] * products_[j];
      size += std::fabs(code_[j]);
    }
    const double rest = norm_ + squares - 2.0 * cov_code, scale = dual_norm_ > s_.penalty ? s_.penalty / dual_norm_ : 1.0;
    return 0.5 * rest * (1 + scale * scale) + s_.penalty * size - scale * (norm_ - cov_code);
  }

  /// Gap safe screening (Ndiaye et al., arXiv 1802.07481, equation 11).
  void screen(double gap, bool first) {
    const double radius = std::sqrt(2 * std::fabs(gap)) / s_.penalty;
    active_.clear();
    for (std::size_t j = 0; j < s_.atoms; ++j) {
      if (gram(j, j) == 0 || (s_.rules == 2 && !first && is_out_[j])) continue;
      const double far = (1 - std::fabs(slack_[j] / std::max(s_.penalty, dual_norm_))) / std::sqrt(gram(j, j));
      if (far <= radius) {
        active_.push_back(j);
        continue;
      }
      if (code_[j] != 0) add(j, -code_[j]);
      code_[j] = 0;
      is_out_[j] = true;
    }
  }

  const Settings& s_;
  const double* cov_ = nullptr;
  double* code_ = nullptr;
  double norm_ = 0, dual_norm_ = 0;
  std::vector<double> products_, slack_;  // gram @ code, and what is left of cov
  std::vector<bool> is_out_;
  std::vector<std::size_t> active_;
};

void infer(InferContext& c) { c.outputs[0] = c.input(0); }

void run(KernelContext& c) {
  for (std::size_t i = 0; i < 3; ++i) want(c, i, DType::float64);
  const Tensor &cov = c.input(0), &gram = c.input(1), &norms = c.input(2);
  if (cov.rank() != 2 || gram.rank() != 2 || gram.dim(0) != gram.dim(1) || gram.dim(0) != cov.dim(1) || norms.rank() != 1 || norms.dim(0) != cov.dim(0)) {
    c.fail(Code::mismatch, format("products {}, Gram matrix {} and norms {} do not fit", text_of(cov.shape()), text_of(gram.shape()), text_of(norms.shape())));
  }
  const std::vector<double> parameters = c.reals("parameters");
  if (parameters.size() != 2) c.fail(Code::corrupt, "parameters are the penalty and the tolerance");
  const Settings s{static_cast<std::size_t>(cov.dim(1)), gram.data<double>().data(), parameters[0], parameters[1], c.integer("max_iter"), c.integer("rules"), c.integer("positive", 0) != 0};
  double* out = c.output(0, DType::float64, cov.shape()).mutable_data<double>().data();
  Descent descent(s);
  for (std::size_t r = 0; r < static_cast<std::size_t>(cov.dim(0)); ++r) descent.run(cov.data<double>().data() + r * s.atoms, norms.data<double>()[r], out + r * s.atoms);
}

constexpr Op kOps[] = {
    {"decant", "CoordinateDescent", "Sparse codes [N, K] from products [N, K] with K atoms, their Gram matrix, and |row|^2 [N]. Attributes: see src/ops/decant/coordinate_descent.cc.", infer, run,
     nullptr, nullptr, "no body in standard operators: written as decant's own operator, which other runtimes do not know"},
};

}  // namespace

DECANT_AT_START std::span<const Op> coordinate_descent_ops() { return kOps; }

}  // namespace decant
