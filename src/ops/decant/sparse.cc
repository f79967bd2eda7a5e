// SPDX-License-Identifier: Apache-2.0
// Sparse rows (ops/text/rows.h) as a plain matrix, and times a matrix.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "base/text.h"
#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

struct Rows {
  std::span<const std::int64_t> columns;
  std::span<const double> values;
  std::size_t rows, length;
};

Rows rows_of(const KernelContext& c, std::int64_t width) {
  want(c, 0, DType::int64);
  want(c, 1, DType::float64);
  if (c.input(0).rank() != 2 || c.input(0).shape() != c.input(1).shape()) c.fail(Code::mismatch, format("columns {} and values {}", text_of(c.input(0).shape()), text_of(c.input(1).shape())));
  Rows out{c.input(0).data<std::int64_t>(), c.input(1).data<double>(), static_cast<std::size_t>(c.input(0).dim(0)), static_cast<std::size_t>(c.input(0).dim(1))};
  if (!std::ranges::all_of(out.columns, [&](std::int64_t k) { return k >= 0 && (k < width || width == 0); })) c.fail(Code::mismatch, format("a column outside of {}", width));
  return out;
}

void run_dense(KernelContext& c) {
  const std::int64_t width = c.integer("width");
  const Rows in = rows_of(c, width);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 34;
  if (width < 0 || sat_mul(sat_mul(static_cast<std::uint64_t>(width), in.rows), 8) > kMost) {
    c.fail(Code::limit, format("{} rows of {} columns take more than 16 GiB as a plain matrix; ask for fewer rows at a time", in.rows, width));
  }
  const std::span<double> out = c.output(0, DType::float64, {static_cast<std::int64_t>(in.rows), width}).mutable_data<double>();
  std::ranges::fill(out, 0.0);
  if (width == 0) return;
  for (std::size_t r = 0; r < in.rows; ++r) {
    for (std::size_t k = r * in.length; k < (r + 1) * in.length; ++k) out[r * static_cast<std::size_t>(width) + static_cast<std::size_t>(in.columns[k])] += in.values[k];
  }
}

void infer_dense(InferContext& c) {
  const Dim rows = c.input(0).rank() == 2u ? c.input(0).shape[0] : any_dim();
  c.outputs[0] = Type::tensor(DType::float64, {rows, dim(c.integer("width"))});
}

/// ScatterElements with addition: a row's end may repeat column 0.
std::vector<ValueId> lower_dense(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const Expr columns(b, inputs.at(0)), values(b, inputs.at(1));
  const Expr rows = apply("Shape", {columns}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  const Expr shape = concat({rows, rows.constant(Tensor::vector(std::vector<std::int64_t>{AttributeView(node).integer("width")}))}, 0);
  const Expr zeros = apply("ConstantOfShape", {shape}, {{"value", Tensor::vector(std::vector<double>{0.0})}});
  return {apply("ScatterElements", {zeros, columns, values}, {{"axis", std::int64_t{1}}, {"reduction", std::string("add")}}).id()};
}

void run_times(KernelContext& c) {
  want(c, 2, DType::float64);
  const Tensor& matrix = c.input(2);
  if (matrix.rank() != 2) c.fail(Code::mismatch, format("times a matrix of shape {}", text_of(matrix.shape())));
  const Rows in = rows_of(c, matrix.dim(0));
  const std::size_t width = static_cast<std::size_t>(matrix.dim(1));
  const std::span<const double> weights = matrix.data<double>();
  const std::span<double> out = c.output(0, DType::float64, {static_cast<std::int64_t>(in.rows), matrix.dim(1)}).mutable_data<double>();
  std::ranges::fill(out, 0.0);
  if (weights.empty()) return;
  for (std::size_t r = 0; r < in.rows; ++r) {
    double* to = out.data() + r * width;
    for (std::size_t k = r * in.length; k < (r + 1) * in.length; ++k) {
      const double value = in.values[k];
      if (value == 0) continue;
      const double* from = weights.data() + static_cast<std::size_t>(in.columns[k]) * width;
      for (std::size_t j = 0; j < width; ++j) to[j] += value * from[j];
    }
  }
}

void infer_times(InferContext& c) {
  const Dim rows = c.input(0).rank() == 2u ? c.input(0).shape[0] : any_dim();
  c.outputs[0] = Type::tensor(DType::float64, {rows, c.input(2).rank() == 2u ? c.input(2).shape[1] : any_dim()});
}

std::vector<ValueId> lower_times(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const Tensor* weights = b.constant_of(inputs.at(2));
  if (weights != nullptr && !std::ranges::all_of(weights->data<double>(), [](double w) { return std::isfinite(w); })) {
    // A zero meets no weight: as part of a plain product it would make an infinite one no number.
    const Expr values = unsqueeze(Expr(b, inputs.at(1)), 2);
    const Expr products = values * gather(Expr(b, inputs[2]), Expr(b, inputs[0]), 0);
    return {reduce_sum(where(equal(values, values.scalar(0)), values.scalar(0), products), 1).id()};
  }
  Node dense = node;
  dense.attributes = {{"width", Expr(b, inputs.at(2)).dim(0)}};
  return {matmul(Expr(b, lower_dense(b, dense, inputs)[0]), Expr(b, inputs[2])).id()};
}

constexpr Op kOps[] = {
    {"decant", "SparseToDense", "Sparse rows (columns int64 [N, L], values float64 [N, L]) as float64 [N, width].", infer_dense, run_dense, nullptr, lower_dense},
    {"decant", "SparseMatMul", "Sparse rows (columns, values) times a matrix float64 [width, K].", infer_times, run_times, nullptr, lower_times},
};

}  // namespace

DECANT_AT_START std::span<const Op> sparse_ops() { return kOps; }

}  // namespace decant
