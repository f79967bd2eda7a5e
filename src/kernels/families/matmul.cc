// SPDX-License-Identifier: Apache-2.0
// MatMul of a float64 matrix by a constant one, whose columns are laid out eight by eight: sums stay in registers, in the order of the
// shared dimension as in the reference kernel, so that both give the same bits.
#include <algorithm>

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
  const std::size_t rows = static_cast<std::size_t>(a.dim(0)), stride = b.padded();
  const double* x = a.data<double>().data();
  double* out = c.output(0, DType::float64, {a.dim(0), static_cast<std::int64_t>(b.count)}).mutable_data<double>().data();
  const PairFunctions& f = pair_functions();
  if (stride == b.count) return f.sums(PairSum::products, x, rows, b, out);
  const std::size_t some = std::clamp<std::size_t>(4096 / stride / 4 * 4, 4, 64);
  std::vector<double> lines(std::min(rows, some) * stride);
  for (std::size_t begin = 0; begin < rows; begin += some) {
    const std::size_t count = std::min(some, rows - begin);
    f.sums(PairSum::products, x + begin * b.features, count, b, lines.data());
    for (std::size_t r = 0; r < count; ++r) std::copy_n(lines.data() + r * stride, b.count, out + (begin + r) * b.count);
  }
}

constexpr FastKernel kKernels[] = {{"", "MatMul", prepare, run}};

}  // namespace

std::span<const FastKernel> matmul_kernels() { return kKernels; }

}  // namespace decant
