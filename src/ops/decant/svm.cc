// SPDX-License-Identifier: Apache-2.0
// decant.KernelMatrix and decant.PairwiseCoupling: what a support vector machine needs, by libsvm's formulas
// (sklearn/svm/src/libsvm/svm.cpp, scikit-learn 1.9: Kernel::k_function, powi, multiclass_probability).
#include "ops/decant/svm.h"

#include <cmath>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {

SvmKernel svm_kernel_of(const AttributeView& c) {
  const std::string_view name = c.text("kernel");
  SvmKernel out;
  if (name == "linear") out.kind = SvmKernel::linear;
  else if (name == "poly") out.kind = SvmKernel::poly;
  else if (name == "rbf") out.kind = SvmKernel::rbf;
  else if (name == "sigmoid") out.kind = SvmKernel::sigmoid;
  else c.fail(Code::unsupported, format("kernel {}", name));
  if (out.kind != SvmKernel::linear) out.gamma = c.real("gamma");
  if (out.kind == SvmKernel::poly || out.kind == SvmKernel::sigmoid) out.coef0 = c.real("coef0", 0.0);
  if (out.kind == SvmKernel::poly) out.degree = c.integer("degree", 3);
  if (out.degree < 0 || out.degree > 1000) c.fail(Code::unsupported, format("degree {}", out.degree));
  return out;
}

namespace {

// Repeated squaring, lowest bit first, as libsvm's powi multiplies.
double power(double base, std::int64_t exponent) {
  double out = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) out *= base;
    base *= base;
  }
  return out;
}

std::vector<double> doubles_of(const AttributeView& c, const Tensor& t) {
  if (t.rank() != 2) c.fail(Code::mismatch, format("an input has shape {}, a matrix is needed", text_of(t.shape())));
  if (t.dtype() == DType::float64) return {t.data<double>().begin(), t.data<double>().end()};
  if (t.dtype() == DType::float32) return {t.data<float>().begin(), t.data<float>().end()};
  c.fail(Code::unsupported, format("points of {}", name_of(t.dtype())));
}

// [M, D] as [D, M]: the inner loop then runs over support vectors, and each sum is still in the order of the features.
std::vector<double> turned(const std::vector<double>& rows, std::int64_t count, std::int64_t features) {
  std::vector<double> out(rows.size());
  for (std::int64_t m = 0; m < count; ++m) {
    for (std::int64_t d = 0; d < features; ++d) out[d * count + m] = rows[m * features + d];
  }
  return out;
}

struct Prepared {
  SvmKernel kernel;
  std::optional<std::vector<double>> by_feature;  // where Y is constant
};

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Prepared>();
  out->kernel = svm_kernel_of(c);
  if (c.constants.size() > 1 && c.constants[1] != nullptr) {
    const std::vector<double> rows = doubles_of(c, *c.constants[1]);
    out->by_feature = turned(rows, c.constants[1]->dim(0), c.constants[1]->dim(1));
  }
  return out;
}

void kernel_matrix(KernelContext& c) {
  const auto& p = c.state<Prepared>();
  want_same(c, 0, 1);
  const Tensor &x = c.input(0), &y = c.input(1);
  const std::vector<double> points = doubles_of(c, x);
  std::vector<double> own;
  if (!p.by_feature) {
    const std::vector<double> rows = doubles_of(c, y);
    own = turned(rows, y.dim(0), y.dim(1));
  }
  const double* by_feature = p.by_feature ? p.by_feature->data() : own.data();
  const std::int64_t rows = x.dim(0), features = x.dim(1), count = y.rank() == 2 ? y.dim(0) : 0;
  if (y.rank() != 2 || y.dim(1) != features) c.fail(Code::mismatch, format("points {} and {}", text_of(x.shape()), text_of(y.shape())));
  dispatch(c, x.dtype(), Types<float, double>{}, [&]<class T>() {
    T* out = c.output(0, x.dtype(), {rows, count}).template mutable_data<T>().data();
    std::vector<double> line(static_cast<std::size_t>(count));
    for (std::int64_t r = 0; r < rows; ++r) {
      std::fill(line.begin(), line.end(), 0.0);
      double* l = line.data();
      for (std::int64_t d = 0; d < features; ++d) {
        const double v = points[r * features + d];
        const double* row = by_feature + d * count;
        if (p.kernel.kind == SvmKernel::rbf) {
          for (std::int64_t m = 0; m < count; ++m) l[m] += (v - row[m]) * (v - row[m]);
        } else {
          for (std::int64_t m = 0; m < count; ++m) l[m] += v * row[m];
        }
      }
      for (std::int64_t m = 0; m < count; ++m) {
        double k = l[m];
        switch (p.kernel.kind) {
          case SvmKernel::linear: break;
          case SvmKernel::poly: k = power(p.kernel.gamma * k + p.kernel.coef0, p.kernel.degree); break;
          case SvmKernel::rbf: k = std::exp(-p.kernel.gamma * k); break;
          case SvmKernel::sigmoid: k = std::tanh(p.kernel.gamma * k + p.kernel.coef0); break;
        }
        out[r * count + m] = static_cast<T>(k);
      }
    }
  });
}

void infer_kernel_matrix(InferContext& c) {
  for (const std::size_t i : {0, 1}) {
    if (c.input(i).has_rank && c.input(i).shape.size() != 2) c.fail(Code::mismatch, format("input {} is {}, a matrix is needed", i, c.input(i).text()));
  }
  c.outputs[0] = Type::tensor(c.input(0).dtype, {c.input(0).has_rank ? c.input(0).shape[0] : Dim{}, c.input(1).has_rank ? c.input(1).shape[0] : Dim{}});
}

std::vector<ValueId> lower_kernel_matrix(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const SvmKernel k = svm_kernel_of(AttributeView(node));
  Expr x(b, inputs.at(0)), y(b, inputs.at(1));
  if (k.kind == SvmKernel::rbf) {
    // Squares of differences, not |x|^2 - 2xy + |y|^2: a row at a time, because [N, M, D] would be too big.
    Builder body(b);
    Expr row(body, body.input("row", Type::tensor(x.dtype(), {dim(y.dim(1))})));
    Expr d = Expr(body, body.capture(y.id())) - row;
    body.output(exp(reduce_sum(d * d, 1) * -k.gamma).id(), "kernel_row");
    auto graph = std::make_shared<const Graph>(body.finish("rbf_of_a_row"));
    return b.node("", "Scan", {x.id()}, {{"body", GraphPtr(graph)}, {"num_scan_inputs", std::int64_t{1}}});
  }
  // A single feature needs no product of matrices (and onnxruntime would round gamma to float32 there).
  Expr out = x.dim(1) == 1 ? x * transpose(y) : matmul(x, transpose(y));
  if (k.kind == SvmKernel::sigmoid) out = tanh(out * k.gamma + k.coef0);
  if (k.kind == SvmKernel::poly) out = pow(out * k.gamma + k.coef0, static_cast<double>(k.degree));
  return {out.id()};
}

// --- PairwiseCoupling -------------------------------------------------------------------------------------------------------------------
// The method of Wu, Lin and Weng (2004), second approach: class probabilities p that minimise sum over pairs of (r_ji p_i - r_ij p_j)^2,
// by cyclic steps, ended at an error of 0.005 / K or after max(100, K) rounds. Its end point depends on every step, so all are as libsvm's.

std::int64_t classes_of(const AttributeView& c) {
  const std::int64_t k = c.integer("classes");
  if (k < 2 || k > 10'000) c.fail(Code::corrupt, format("{} classes", k));
  return k;
}

void couple(const double* pairs, std::size_t k, std::vector<double>& r, std::vector<double>& q, std::vector<double>& qp, double* p) {
  const auto at = [k](std::size_t i, std::size_t j) { return i * k + j; };
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = i + 1; j < k; ++j) {
      r[at(i, j)] = *pairs++;
      r[at(j, i)] = 1 - r[at(i, j)];
    }
  }
  for (std::size_t t = 0; t < k; ++t) {
    p[t] = 1.0 / static_cast<double>(k);
    q[at(t, t)] = 0;
    for (std::size_t j = 0; j < k; ++j) {
      if (j == t) continue;
      q[at(t, t)] += r[at(j, t)] * r[at(j, t)];
      q[at(t, j)] = j < t ? q[at(j, t)] : -r[at(j, t)] * r[at(t, j)];
    }
  }
  const double enough = 0.005 / static_cast<double>(k);
  const std::size_t rounds = std::max<std::size_t>(100, k);
  for (std::size_t round = 0; round < rounds; ++round) {
    double pqp = 0;
    for (std::size_t t = 0; t < k; ++t) {
      qp[t] = 0;
      for (std::size_t j = 0; j < k; ++j) qp[t] += q[at(t, j)] * p[j];
      pqp += p[t] * qp[t];
    }
    double worst = 0;
    for (std::size_t t = 0; t < k; ++t) worst = std::max(worst, std::fabs(qp[t] - pqp));
    if (worst < enough) break;
    for (std::size_t t = 0; t < k; ++t) {
      const double step = (-qp[t] + pqp) / q[at(t, t)];
      p[t] += step;
      pqp = (pqp + step * (step * q[at(t, t)] + 2 * qp[t])) / (1 + step) / (1 + step);
      for (std::size_t j = 0; j < k; ++j) {
        qp[j] = (qp[j] + step * q[at(t, j)]) / (1 + step);
        p[j] /= 1 + step;
      }
    }
  }
}

void pairwise_coupling(KernelContext& c) {
  want(c, 0, DType::float64);
  const std::int64_t k = classes_of(c), pairs = k * (k - 1) / 2;
  const Tensor& in = c.input(0);
  if (in.rank() != 2 || in.dim(1) != pairs) c.fail(Code::mismatch, format("pairs of shape {} for {} classes", text_of(in.shape()), k));
  const auto n = static_cast<std::size_t>(k);
  double* out = c.output(0, DType::float64, {in.dim(0), k}).mutable_data<double>().data();
  std::vector<double> r(n * n), q(n * n), qp(n);
  for (std::int64_t i = 0; i < in.dim(0); ++i) couple(in.data<double>().data() + i * pairs, n, r, q, qp, out + i * k);
}

void infer_pairwise_coupling(InferContext& c) {
  const Type& in = c.input(0);
  if (in.has_rank && in.shape.size() != 2) c.fail(Code::mismatch, format("the input is {}, a matrix is needed", in.text()));
  c.outputs[0] = Type::tensor(DType::float64, {in.has_rank ? in.shape[0] : Dim{}, dim(classes_of(c))});
}

// All rows together: a Loop of rounds over p [N, K], in which rows that have come to their end keep their values.
std::vector<ValueId> lower_pairwise_coupling(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const std::int64_t k = classes_of(AttributeView(node));
  if (k > 64) AttributeView(node).fail(Code::unsupported, format("{} classes are too many to be written out step by step", k));
  Expr pairs(b, inputs.at(0));
  std::vector<std::vector<Expr>> r(static_cast<std::size_t>(k), std::vector<Expr>(static_cast<std::size_t>(k)));
  std::int64_t next = 0;
  for (std::size_t i = 0; i < r.size(); ++i) {
    for (std::size_t j = i + 1; j < r.size(); ++j) {
      r[i][j] = columns(pairs, {next++});  // [N, 1]
      r[j][i] = 1.0 - r[i][j];
    }
  }
  // Row t of Q, [N, K].
  std::vector<std::vector<Expr>> cell = r;
  std::vector<Expr> q;
  for (std::size_t t = 0; t < r.size(); ++t) {
    Expr diagonal;
    for (std::size_t j = 0; j < r.size(); ++j) {
      if (j == t) continue;
      const Expr square = r[j][t] * r[j][t];
      diagonal = diagonal ? diagonal + square : square;
      cell[t][j] = j < t ? cell[j][t] : -r[j][t] * r[t][j];
    }
    cell[t][t] = diagonal;
  }
  for (const auto& row : cell) q.push_back(concat(row, 1));
  const Expr start = concat(std::vector<Expr>(r.size(), r[0][1] * 0.0 + 1.0 / static_cast<double>(k)), 1);

  Builder body(b);
  const Type scalar_int = Type::tensor(DType::int64, {}), scalar_bool = Type::tensor(DType::boolean, {});
  body.input("round", scalar_int);
  body.input("go_on", scalar_bool);
  Expr before(body, body.input("p_in", Type::tensor(DType::float64, {any_dim(), dim(k)})));
  std::vector<Expr> inner;
  for (const Expr& row : q) inner.emplace_back(body, body.capture(row.id()));
  std::vector<Expr> products;
  for (const Expr& row : inner) products.push_back(reduce_sum(row * before, 1, true));
  Expr qp = concat(products, 1), p = before;
  Expr pqp = reduce_sum(p * qp, 1, true);
  const Expr open = logical_not(less(reduce_max(abs(qp - pqp), 1, true), pqp.scalar(0.005 / static_cast<double>(k))));  // [N, 1]
  for (std::int64_t t = 0; t < k; ++t) {
    const Expr row = inner[static_cast<std::size_t>(t)], own = columns(row, {t}), qpt = columns(qp, {t});
    const Expr step = (pqp - qpt) / own, grow = step + 1.0;
    std::vector<double> unit(static_cast<std::size_t>(k), 0.0);
    unit[static_cast<std::size_t>(t)] = 1.0;
    p = (p + step * step.row(unit)) / grow;
    pqp = (pqp + step * (step * own + qpt * 2.0)) / grow / grow;
    qp = (qp + step * row) / grow;
  }
  // No rows: the largest of nothing is below 1, and the loop ends.
  const Expr still_open = apply("ReduceMax", {cast(open, DType::int64)}, {{"keepdims", std::int64_t{0}}});
  body.output(greater_equal(still_open, still_open.scalar(1)).id(), "any_open");
  body.output(where(open, p, before).id(), "p_out");
  auto graph = std::make_shared<const Graph>(body.finish("coupling_round"));
  const ValueId most = b.constant(Tensor::scalar<std::int64_t>(std::max<std::int64_t>(100, k)));
  return b.node("", "Loop", {most, b.constant(Tensor::scalar<bool>(true)), start.id()}, {{"body", GraphPtr(graph)}});
}

constexpr Op kOps[] = {
    {"decant", "KernelMatrix", "X [N, D], Y [M, D] to K [N, M]; kernel linear, poly, rbf, sigmoid with gamma, coef0, degree, as libsvm computes them.",
     infer_kernel_matrix, kernel_matrix, prepare, lower_kernel_matrix},
    {"decant", "PairwiseCoupling", "Probabilities [N, K] of `classes` K from those of pairs [N, K(K-1)/2] (0 against 1, 0 against 2, …), libsvm's multiclass_probability.",
     infer_pairwise_coupling, pairwise_coupling, nullptr, lower_pairwise_coupling},
};

}  // namespace

DECANT_AT_START std::span<const Op> svm_ops() { return kOps; }

}  // namespace decant
