// SPDX-License-Identifier: Apache-2.0
// MatMul of a float64 matrix by a constant one, whose columns are laid out eight by eight: sums stay in registers, in the order of the
// shared dimension as in the reference kernel, so that both give the same bits.
#include "kernels/kernels.h"
#include "kernels/pairs.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::optional<State> prepare(const PrepareContext& c) {
  if (c.inputs.size() != 2 || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64 || c.inputs[0]->rank() != std::size_t{2}) return std::nullopt;
  const Tensor* b = c.constants.at(1);
  if (b == nullptr || b->dtype() != DType::float64 || b->rank() != 2 || b->size() == 0) return std::nullopt;
  return std::make_shared<TargetTiles>(b->data<double>().data(), static_cast<std::size_t>(b->dim(1)), static_cast<std::size_t>(b->dim(0)));
}

void run(KernelContext& c) {
  const auto& b = c.state<TargetTiles>();
  want(c, 0, DType::float64);
  const Tensor& a = c.input(0);
  if (a.rank() != 2 || static_cast<std::size_t>(a.dim(1)) != b.features) c.fail(Code::mismatch, format("cannot multiply {} by {}", text_of(a.shape()), text_of(c.input(1).shape())));
  double* out = c.output(0, DType::float64, {a.dim(0), static_cast<std::int64_t>(b.count)}).mutable_data<double>().data();
  pair_functions().sums(PairSum::products, a.data<double>().data(), static_cast<std::size_t>(a.dim(0)), b, out, b.count);
}

constexpr FastKernel kKernels[] = {{"", "MatMul", prepare, run}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> matmul_kernels() { return kKernels; }

}  // namespace decant
