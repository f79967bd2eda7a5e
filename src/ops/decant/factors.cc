// SPDX-License-Identifier: Apache-2.0
// Transformations that iterate until little changes: non-negative factors (sklearn/decomposition/_nmf.py, _cdnmf_fast.pyx) and the
// topics of latent Dirichlet allocation (_lda.py, _online_lda_fast.pyx). No bodies in ONNX: a Loop would need the same stopping rules.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "ops/decant/legacy_random.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr double kEpsilon = 1.1920928955078125e-07;  // np.finfo(np.float32).eps, in _nmf.py
constexpr std::int64_t kMostTurns = 1'000'000;

/// A matrix on its way: row-major.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<double> v;
  Matrix(std::size_t r, std::size_t c, double value = 0) : rows(r), columns(c), v(r * c, value) {}
  double* row(std::size_t i) { return v.data() + i * columns; }
  const double* row(std::size_t i) const { return v.data() + i * columns; }
};

/// a @ bᵀ for rows of the same length. Each sum runs along the length; those of one row of `a` run side by side.
Matrix times_transposed(const double* a, std::size_t rows, const double* b, std::size_t columns, std::size_t length) {
  Matrix out(rows, columns), turned(length, columns);
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t k = 0; k < length; ++k) turned.row(k)[j] = b[j * length + k];
  }
  for (std::size_t i = 0; i < rows; ++i) {
    double* sums = out.row(i);
    for (std::size_t k = 0; k < length; ++k) {
      const double x = a[i * length + k];
      for (std::size_t j = 0; j < columns; ++j) sums[j] += x * turned.row(k)[j];
    }
  }
  return out;
}

/// a @ b.
Matrix times(const Matrix& a, const double* b, std::size_t columns) {
  Matrix out(a.rows, columns);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < a.columns; ++k) {
      const double x = a.row(i)[k];
      for (std::size_t j = 0; j < columns; ++j) out.row(i)[j] += x * b[k * columns + j];
    }
  }
  return out;
}

struct Problem {
  const double *x, *h;
  std::size_t rows, features, components;
  std::int64_t max_iter;
  double tol, l1, l2, beta, gamma;

  double mean() const {
    double sum = 0;
    for (std::size_t i = 0; i < rows * features; ++i) sum += x[i];
    return sum / static_cast<double>(rows * features);
  }
};

/// solver='cd': one coordinate after the other, over all rows; in a new order at each turn where `random` draws it.
Matrix coordinate_descent(const Problem& p, std::optional<LegacyRandom> random) {
  Matrix w(p.rows, p.components);
  Matrix hht = times_transposed(p.h, p.components, p.h, p.components, p.features);
  Matrix xht = times_transposed(p.x, p.rows, p.h, p.components, p.features);
  for (std::size_t t = 0; t < p.components; ++t) hht.row(t)[t] += p.l2;
  for (double& v : xht.v) v -= p.l1;
  double first = 0;
  std::vector<std::size_t> order(p.components);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::int64_t turn = 0; turn < p.max_iter; ++turn) {
    double violation = 0;
    if (random) order = random->permutation(p.components);
    for (const std::size_t t : order) {
      const double curvature = hht.row(t)[t];
      for (std::size_t i = 0; i < p.rows; ++i) {
        double gradient = -xht.row(i)[t];
        for (std::size_t r = 0; r < p.components; ++r) gradient += hht.row(t)[r] * w.row(i)[r];
        violation += std::fabs(w.row(i)[t] == 0 ? std::min(0.0, gradient) : gradient);
        if (curvature != 0) w.row(i)[t] = std::max(w.row(i)[t] - gradient / curvature, 0.0);
      }
    }
    if (turn == 0) first = violation;
    if (first == 0 || violation / first <= p.tol) break;
  }
  return w;
}

/// The divergence of x and w @ h, square_root=True (_beta_divergence of dense arrays).
double divergence(const Problem& p, const Matrix& w) {
  const Matrix wh = times(w, p.h, p.features);
  double sum = 0;
  const std::size_t n = p.rows * p.features;
  if (p.beta == 2) {
    for (std::size_t i = 0; i < n; ++i) sum += (p.x[i] - wh.v[i]) * (p.x[i] - wh.v[i]);
    return std::sqrt(sum);
  }
  double total = 0, whole = 0;
  for (std::size_t i = 0; i < n; ++i) {
    whole += p.beta == 1 ? wh.v[i] : p.beta == 0 ? 0 : std::pow(wh.v[i], p.beta);
    if (p.x[i] <= kEpsilon) continue;
    const double estimate = std::max(wh.v[i], kEpsilon), ratio = p.x[i] / estimate;
    if (p.beta == 1) sum += p.x[i] * std::log(ratio) - p.x[i];
    else if (p.beta == 0) sum += ratio - std::log(ratio);
    else total += std::pow(p.x[i], p.beta) - p.beta * p.x[i] * std::pow(estimate, p.beta - 1);
  }
  if (p.beta == 1) sum += whole;
  else if (p.beta == 0) sum -= static_cast<double>(n);
  else sum = (total + whole * (p.beta - 1)) / (p.beta * (p.beta - 1));
  return std::sqrt(2 * std::max(sum, 0.0));
}

/// _multiplicative_update_w with h as it is.
class Multiplicative {
 public:
  explicit Multiplicative(const Problem& p) : p_(p), sums_(p.components, 0.0), hht_(0, 0), xht_(0, 0) {
    if (p.beta == 2) {
      hht_ = times_transposed(p.h, p.components, p.h, p.components, p.features);
      xht_ = times_transposed(p.x, p.rows, p.h, p.components, p.features);
    }
    for (std::size_t k = 0; k < p.components; ++k) {
      for (std::size_t f = 0; f < p.features; ++f) sums_[k] += p.h[k * p.features + f];
    }
  }

  /// `kept`: NMF keeps the sums of h from turn to turn and, for beta 1, adds l1 to them in place, every turn anew.
  void update(Matrix& w, bool kept) {
    Matrix numerator(0, 0), denominator(p_.rows, p_.components);
    if (p_.beta == 2) {
      numerator = xht_;
      denominator = times(w, hht_.v.data(), p_.components);
    } else {
      Matrix wh = times(w, p_.h, p_.features), scaled(p_.rows, p_.features);
      for (std::size_t i = 0; i < wh.v.size(); ++i) {
        const double safe = p_.beta < 2 ? std::max(wh.v[i], kEpsilon) : wh.v[i];
        scaled.v[i] = p_.x[i] * (p_.beta == 1 ? 1 / safe : p_.beta == 0 ? 1 / safe / safe : std::pow(safe, p_.beta - 2));
        if (p_.beta == 1) scaled.v[i] = p_.x[i] / safe;
        else wh.v[i] = std::pow(p_.beta < 1 ? std::max(wh.v[i], kEpsilon) : wh.v[i], p_.beta - 1);
      }
      numerator = times_transposed(scaled.v.data(), p_.rows, p_.h, p_.components, p_.features);
      if (p_.beta == 1) {
        if (kept && p_.l1 > 0) {
          for (double& sum : sums_) sum += p_.l1;
        }
        for (std::size_t i = 0; i < p_.rows; ++i) std::copy(sums_.begin(), sums_.end(), denominator.row(i));
      } else {
        denominator = times_transposed(wh.v.data(), p_.rows, p_.h, p_.components, p_.features);
      }
    }
    const double l1 = kept && p_.beta == 1 ? 0.0 : std::max(p_.l1, 0.0);
    for (std::size_t i = 0; i < w.v.size(); ++i) {
      double below = denominator.v[i] + l1;
      if (p_.l2 > 0) below += p_.l2 * w.v[i];
      const double by = numerator.v[i] / (below == 0 ? kEpsilon : below);
      w.v[i] *= p_.gamma == 1 ? by : std::pow(by, p_.gamma);
    }
  }

 private:
  const Problem& p_;
  std::vector<double> sums_;
  Matrix hht_, xht_;
};

/// solver='mu'.
Matrix multiplicative(const Problem& p) {
  Matrix w(p.rows, p.components, std::sqrt(p.mean() / static_cast<double>(p.components)));
  Multiplicative step(p);
  const double first = divergence(p, w);
  double before = first;
  for (std::int64_t turn = 1; turn <= p.max_iter; ++turn) {
    step.update(w, true);
    for (double& v : w.v) {
      if (p.beta < 1 && v < std::numeric_limits<double>::epsilon()) v = 0;
    }
    if (p.tol <= 0 || turn % 10 != 0) continue;
    const double error = divergence(p, w);
    if ((before - error) / first < p.tol) break;
    before = error;
  }
  return w;
}

/// MiniBatchNMF._solve_W.
Matrix mini_batch(const Problem& p) {
  Matrix w(p.rows, p.components, std::sqrt(p.mean() / static_cast<double>(p.components)));
  Multiplicative step(p);
  for (std::int64_t turn = 0; turn < p.max_iter; ++turn) {
    const Matrix old = w;
    step.update(w, false);
    double moved = 0, length = 0;
    for (std::size_t i = 0; i < w.v.size(); ++i) {
      moved += (w.v[i] - old.v[i]) * (w.v[i] - old.v[i]);
      length += w.v[i] * w.v[i];
    }
    if (p.tol > 0 && std::sqrt(moved) / std::sqrt(length) <= p.tol) break;
  }
  return w;
}

/// Both inputs as matrices of float64 with the same number of columns.
void check_inputs(const KernelContext& c) {
  want(c, 0, DType::float64);
  want(c, 1, DType::float64);
  if (c.input(0).rank() != 2 || c.input(1).rank() != 2 || c.input(0).dim(1) != c.input(1).dim(1) || c.input(1).dim(0) < 1) {
    c.fail(Code::mismatch, format("rows {} and components {}", text_of(c.input(0).shape()), text_of(c.input(1).shape())));
  }
}

void run_factors(KernelContext& c) {
  check_inputs(c);
  const Tensor &x = c.input(0), &h = c.input(1), &numbers = c.tensor("parameters");
  if (numbers.dtype() != DType::float64 || numbers.size() != 5) c.fail(Code::corrupt, "parameters are tol, l1, l2, beta, gamma");
  const auto n = numbers.data<double>();
  const Problem p{x.data<double>().data(), h.data<double>().data(), static_cast<std::size_t>(x.dim(0)), static_cast<std::size_t>(x.dim(1)),
                  static_cast<std::size_t>(h.dim(0)), std::clamp<std::int64_t>(c.integer("max_iter"), 0, kMostTurns), n[0], n[1], n[2], n[3], n[4]};
  const std::string_view solver = c.text("solver");
  if (solver != "mini_batch" && std::ranges::any_of(x.data<double>(), [](double v) { return v < 0; })) c.fail(Code::mismatch, "negative values, where NMF takes none");
  const Matrix w = p.rows == 0 ? Matrix(0, p.components) : solver == "cd" ? coordinate_descent(p, c.has("seed") ? std::optional<LegacyRandom>(c.integer("seed")) : std::nullopt) : solver == "mu" ? multiplicative(p)
                   : solver == "mini_batch" ? mini_batch(p) : (c.fail(Code::corrupt, format("solver {}", printable(solver))), Matrix(0, 0));
  std::ranges::copy(w.v, c.output(0, DType::float64, {x.dim(0), h.dim(0)}).mutable_data<double>().begin());
}

/// The digamma function as scikit-learn approximates it (J. Bernardo, Algorithm AS 103, 1976).
double psi(double x) {
  if (x <= 1e-6) return -0.577215664901532860606512090082402431 - 1.0 / x;
  double out = 0;
  for (; x < 6; x += 1) out -= 1.0 / x;
  double r = 1.0 / x;
  out += std::log(x) - 0.5 * r;
  r *= r;
  return out - r * ((1.0 / 12.0) - r * ((1.0 / 120.0) - r * (1.0 / 252.0)));
}

void run_topics(KernelContext& c) {
  check_inputs(c);
  const Tensor &x = c.input(0), &words = c.input(1), &numbers = c.tensor("parameters");
  if (numbers.dtype() != DType::float64 || numbers.size() != 2) c.fail(Code::corrupt, "parameters are doc_topic_prior, mean_change_tol");
  const double prior = numbers.data<double>()[0], tolerance = numbers.data<double>()[1];
  const std::int64_t turns = std::clamp<std::int64_t>(c.integer("max_iter"), 0, kMostTurns);
  const auto rows = static_cast<std::size_t>(x.dim(0)), features = static_cast<std::size_t>(x.dim(1)), topics = static_cast<std::size_t>(words.dim(0));
  const std::span<double> out = c.output(0, DType::float64, {x.dim(0), words.dim(0)}).mutable_data<double>();
  std::vector<std::size_t> ids;
  std::vector<double> gamma(topics), last(topics), share(topics), norm;
  for (std::size_t i = 0; i < rows; ++i) {
    const double* row = x.data<double>().data() + i * features;
    ids.clear();
    for (std::size_t f = 0; f < features; ++f) {
      if (row[f] < 0) c.fail(Code::mismatch, "negative values, where LatentDirichletAllocation takes none");
      if (row[f] != 0) ids.push_back(f);
    }
    std::ranges::fill(gamma, 1.0);
    std::ranges::fill(share, std::exp(psi(1.0) - psi(static_cast<double>(topics))));
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      last = gamma;
      norm.assign(ids.size(), 0.0);
      for (std::size_t k = 0; k < topics; ++k) {
        const double* word = words.data<double>().data() + k * features;
        for (std::size_t f = 0; f < ids.size(); ++f) norm[f] += share[k] * word[ids[f]];
      }
      for (std::size_t f = 0; f < ids.size(); ++f) norm[f] = row[ids[f]] / (norm[f] + std::numeric_limits<double>::epsilon());
      double total = 0;
      for (std::size_t k = 0; k < topics; ++k) {
        const double* word = words.data<double>().data() + k * features;
        double sum = 0;
        for (std::size_t f = 0; f < ids.size(); ++f) sum += norm[f] * word[ids[f]];
        gamma[k] = share[k] * sum + prior;
        total += gamma[k];
      }
      const double psi_total = psi(total);
      double change = 0;
      for (std::size_t k = 0; k < topics; ++k) {
        share[k] = std::exp(psi(gamma[k]) - psi_total);
        change += std::fabs(last[k] - gamma[k]);
      }
      if (change / static_cast<double>(topics) < tolerance) break;
    }
    double sum = 0;
    for (const double g : gamma) sum += g;
    for (std::size_t k = 0; k < topics; ++k) out[i * topics + k] = gamma[k] / sum;
  }
}

void infer(InferContext& c) {
  const auto dim_of = [&](std::size_t i) { return c.input(i).rank() == 2u ? c.input(i).shape[0] : any_dim(); };
  c.outputs[0] = Type::tensor(DType::float64, {dim_of(0), dim_of(1)});
}

constexpr std::string_view kNoBody = "no body in standard operators: written as decant's own operator, which other runtimes do not know";
constexpr Op kOps[] = {
    {"decant", "NonNegativeFactors", "W of X ~ W @ H for X [N, D] and H [K, D], none negative: `solver` cd, mu or mini_batch, at most `max_iter` turns, `parameters` "
     "tol, l1, l2, beta, gamma; `seed`: the components in a drawn order. All rows stop together, so an answer depends on the other rows.", infer, run_factors, nullptr, nullptr, kNoBody},
    {"decant", "TopicShares", "Shares [N, K] of topics in rows of counts [N, D], for exp(E[log topics' words]) [K, D]; `parameters` doc_topic_prior, mean_change_tol.",
     infer, run_topics, nullptr, nullptr, kNoBody},
};

}  // namespace

DECANT_AT_START std::span<const Op> factors_ops() { return kOps; }

}  // namespace decant
