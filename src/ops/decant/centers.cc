// SPDX-License-Identifier: Apache-2.0
// decant.NearestCenter: the nearest centre as K-means decides it (sklearn/cluster/_k_means_lloyd.pyx): |c|^2 - 2xc, without |x|^2.
#include "ops/decant/centers.h"

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {

Centers centers_of(const AttributeView& c) {
  const Tensor& t = c.tensor("centers");
  if (t.dtype() != DType::float64 || t.rank() != 2 || t.size() == 0) c.fail(Code::corrupt, format("centres {}{}", name_of(t.dtype()), text_of(t.shape())));
  Centers out;
  out.count = static_cast<std::size_t>(t.dim(0));
  out.width = static_cast<std::size_t>(t.dim(1));
  out.norms.assign(out.count, 0.0);
  out.by_feature.assign(t.size(), 0.0);
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double v = t.data<double>()[i];
    out.norms[i / out.width] += v * v;
    out.by_feature[i % out.width * out.count + i / out.width] = -2 * v;  // a power of two: no digit of the products changes
  }
  return out;
}

void check_centers(const KernelContext& c, const Centers& centers) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || static_cast<std::size_t>(x.dim(1)) != centers.width) c.fail(Code::mismatch, format("rows of shape {}, centres of {} features", text_of(x.shape()), centers.width));
}

namespace {

State prepare(const PrepareContext& c) { return std::make_shared<Centers>(centers_of(c)); }

void run(KernelContext& c) {
  const auto& centers = c.state<Centers>();
  check_centers(c, centers);
  const std::span<std::int64_t> out = c.output(0, DType::int64, {c.input(0).dim(0)}).mutable_data<std::int64_t>();
  const double* x = c.input(0).data<double>().data();
  for (std::size_t r = 0; r < out.size(); ++r, x += centers.width) {
    double best = 0;
    out[r] = 0;
    for (std::size_t k = 0; k < centers.count; ++k) {
      double d = 0;
      for (std::size_t f = 0; f < centers.width; ++f) d += x[f] * centers.by_feature[f * centers.count + k];
      d += centers.norms[k];
      if (k == 0 || d < best) {
        best = d;
        out[r] = static_cast<std::int64_t>(k);
      }
      if (d != d) {  // the first NaN, as numpy.argmin has it
        out[r] = static_cast<std::int64_t>(k);
        break;
      }
    }
  }
}

void infer(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = Type::tensor(DType::int64, {x.has_rank && !x.shape.empty() ? x.shape[0] : any_dim()});
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const Centers centers = centers_of(AttributeView(node));
  const Expr x(b, inputs.at(0));
  const Tensor by_feature = Tensor::of<double>({static_cast<std::int64_t>(centers.width), static_cast<std::int64_t>(centers.count)}, centers.by_feature);
  return {argmin(matmul(x, x.constant(by_feature)) + x.row(centers.norms), 1).id()};
}

constexpr Op kOps[] = {
    {"decant", "NearestCenter", "X float64 [N, F] to int64 [N]: the first of the `centers` [K, F] whose |c|^2 - 2xc is least.", infer, run, prepare, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> centers_ops() { return kOps; }

}  // namespace decant
