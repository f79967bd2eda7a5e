// SPDX-License-Identifier: Apache-2.0
// ShortestVia: the least way from each row to each target through any of the points between: min over m of a[n, m] + b[m, k].
#include <cmath>
#include <limits>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void run(KernelContext& c) {
  want(c, 0, DType::float64);
  want(c, 1, DType::float64);
  const Tensor &a = c.input(0), &b = c.input(1);
  if (a.rank() != 2 || b.rank() != 2 || a.dim(1) != b.dim(0)) c.fail(Code::mismatch, format("ways {} and {} do not fit", text_of(a.shape()), text_of(b.shape())));
  const auto rows = static_cast<std::size_t>(a.dim(0)), between = static_cast<std::size_t>(a.dim(1)), targets = static_cast<std::size_t>(b.dim(1));
  const double *to = a.data<double>().data(), *from = b.data<double>().data();
  double* out = c.output(0, DType::float64, {a.dim(0), b.dim(1)}).mutable_data<double>().data();
  for (std::size_t r = 0; r < rows; ++r) {
    double* line = out + r * targets;
    std::fill_n(line, targets, std::numeric_limits<double>::infinity());
    for (std::size_t m = 0; m < between; ++m) {
      const double way = to[r * between + m];
      if (std::isinf(way)) continue;
      for (std::size_t k = 0; k < targets; ++k) line[k] = std::min(line[k], way + from[m * targets + k]);
    }
  }
}

void infer(InferContext& c) {
  const Type &a = c.input(0), &b = c.input(1);
  c.outputs[0] = Type::tensor(DType::float64, {a.has_rank ? a.shape.at(0) : any_dim(), b.has_rank ? b.shape.back() : any_dim()});
}

std::vector<ValueId> lower(Builder& b, const Node&, const std::vector<ValueId>& inputs) {
  return {reduce_min(unsqueeze(Expr(b, inputs.at(0)), 2) + unsqueeze(Expr(b, inputs.at(1)), 0), 1).id()};
}

constexpr Op kOps[] = {
    {"decant", "ShortestVia", "min over m of a[n, m] + b[m, k] for a [N, M] and b [M, K]; ways that are infinite are none.", infer, run, nullptr, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> shortest_ops() { return kOps; }

}  // namespace decant
