// SPDX-License-Identifier: Apache-2.0
// decant.YeoJohnson: scipy.stats.yeojohnson as scikit-learn uses it since 1.9 (sklearn/preprocessing/_data.py): by log1p and expm1. Both signs are
// one formula of the size |x|, with another power: 2 - lambda below zero.
#include <cmath>
#include <limits>

#include "ops/decant/power.h"
#include "ops/kernel.h"

namespace decant {

YeoJohnson yeo_johnson_of(const AttributeView& c) {
  YeoJohnson out;
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  for (const double l : c.reals("lambdas")) {
    out.above.push_back(std::fabs(l) < kEpsilon ? 0 : l);
    out.below.push_back(!(std::fabs(l - 2) > kEpsilon) ? 0 : 2 - l);
  }
  if (out.above.empty()) c.fail(Code::corrupt, "no lambdas");
  return out;
}

const Tensor& yeo_johnson_input(const KernelContext& c, const YeoJohnson& powers) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || static_cast<std::size_t>(x.dim(1)) != powers.above.size()) c.fail(Code::mismatch, format("{} lambdas, the input has shape {}", powers.above.size(), text_of(x.shape())));
  return x;
}

Expr log1p(Expr x) {
  const Expr u = x + 1.0;
  const Expr near = equal(u, x.scalar(1));
  const Expr huge = equal(u, x);  // infinite, or so large that 1 is lost
  const Expr safe = where(logical_or(near, huge), x.scalar(2), u);
  return where(near, x, where(huge, log(u), log(safe) * x / (safe - 1.0)));
}

Expr expm1(Expr x) {
  const Expr u = exp(x);
  const Expr near = equal(u, x.scalar(1)), tiny = equal(u - 1.0, x.scalar(-1)), large = greater(x, x.scalar(40));
  const Expr safe = where(logical_or(logical_or(near, tiny), large), x.scalar(2), u);
  return where(near, x, where(logical_or(tiny, large), u - 1.0, (safe - 1.0) * x / log(safe)));
}

namespace {

State prepare(const PrepareContext& c) { return std::make_shared<YeoJohnson>(yeo_johnson_of(c)); }

void run(KernelContext& c) {
  const auto& powers = c.state<YeoJohnson>();
  const Tensor& x = yeo_johnson_input(c, powers);
  const std::span<const double> in = x.data<double>();
  const std::span<double> out = c.output(0, DType::float64, x.shape()).mutable_data<double>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t column = i % powers.above.size();
    const bool positive = in[i] >= 0;
    const double by = positive ? powers.above[column] : powers.below[column], logarithm = std::log1p(std::fabs(in[i]));
    const double size = by == 0 ? logarithm : std::expm1(by * logarithm) / by;
    out[i] = positive ? size : -size;
  }
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const YeoJohnson powers = yeo_johnson_of(AttributeView(node));
  const Expr x(b, inputs.at(0)), positive = greater_equal(x, x.scalar(0)), logarithm = log1p(abs(x));
  const auto safe = [](std::vector<double> row) {
    for (double& v : row) v = v == 0 ? 1 : v;
    return row;
  };
  const Expr by = where(positive, x.row(safe(powers.above)), x.row(safe(powers.below)));
  Expr out = expm1(by * logarithm) / by;
  const auto zeros = [&](const std::vector<double>& row) {
    Tensor t(DType::boolean, {static_cast<std::int64_t>(row.size())});
    for (std::size_t i = 0; i < row.size(); ++i) t.mutable_data<bool>()[i] = row[i] == 0;
    return x.constant(t);
  };
  const Expr is_zero = logical_or(logical_and(positive, zeros(powers.above)), logical_and(logical_not(positive), zeros(powers.below)));
  out = where(is_zero, logarithm, out);
  return {where(positive, out, -out).id()};
}

constexpr Op kOps[] = {
    {"decant", "YeoJohnson", "X float64 [N, F], each column by its number of `lambdas`: the transformation of Yeo and Johnson, by log1p and expm1.", infer_same, run, prepare, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> power_ops() { return kOps; }

}  // namespace decant
