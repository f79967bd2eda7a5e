// SPDX-License-Identifier: Apache-2.0
// ArgMax and ArgMin along the last dimension of float64 numbers: which class, which cluster.
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::optional<State> prepare(const PrepareContext& c) {
  if (c.inputs.empty() || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64 || c.integer("select_last_index", 0) != 0) return std::nullopt;
  const std::optional<std::size_t> rank = c.inputs[0]->rank();
  if (!rank || *rank == 0 || axis_of(c, c.integer("axis", 0), *rank) != *rank - 1) return std::nullopt;
  return nullptr;
}

template <bool kLargest>
void arg(KernelContext& c) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  if (x.rank() == 0 || axis_of(c, c.integer("axis", 0), x.rank()) != x.rank() - 1) c.fail(Code::mismatch, format("an input of shape {}, where another rank was declared", text_of(x.shape())));
  Shape shape = x.shape();
  const auto n = static_cast<std::size_t>(shape.back());
  shape.back() = 1;
  const std::size_t rows = count_of(shape);
  if (n == 0 && rows != 0) c.fail(Code::mismatch, "nothing along the axis");
  if (c.integer("keepdims", 1) == 0) shape.pop_back();
  lanes_arg(kLargest, x.data<double>().data(), rows, n, c.output(0, DType::int64, shape).mutable_data<std::int64_t>().data());
}

constexpr FastKernel kKernels[] = {{"", "ArgMax", prepare, arg<true>}, {"", "ArgMin", prepare, arg<false>}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> reduce_kernels() { return kKernels; }

}  // namespace decant
