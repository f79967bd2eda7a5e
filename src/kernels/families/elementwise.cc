// SPDX-License-Identifier: Apache-2.0
// Arithmetic and elementary functions in float64: what the formulas of estimators are made of.
#include <algorithm>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::optional<State> all_double(const PrepareContext& c) {
  const bool fits = std::ranges::all_of(c.inputs, [](const Type* t) { return t != nullptr && t->dtype == DType::float64; });
  return fits ? std::optional<State>(nullptr) : std::nullopt;
}

// Short rows are repeated side by side up to this many numbers, so that a row of 30 features is not done by itself.
constexpr std::size_t kTogether = 512;

/// rows x n where one operand has `n` numbers that serve every row.
void repeated(Lane2 op, const double* matrix, const double* row, bool row_first, std::size_t rows, std::size_t n, double* out) {
  const std::size_t some = std::clamp<std::size_t>(kTogether / n, 1, rows);
  std::vector<double> copies(some * n);
  for (std::size_t i = 0; i < some; ++i) std::copy_n(row, n, copies.data() + i * n);
  for (std::size_t r = 0; r < rows; r += some) {
    const std::size_t count = std::min(some, rows - r) * n;
    const double* x = matrix + r * n;
    if (row_first) lanes2(op, copies.data(), true, x, true, out + r * n, count);
    else lanes2(op, x, true, copies.data(), true, out + r * n, count);
  }
}

template <Lane2 kOp>
void binary(KernelContext& c) {
  want(c, 0, DType::float64);
  want(c, 1, DType::float64);
  const Tensor &a = c.input(0), &b = c.input(1);
  const Broadcast<2> loop = broadcast<2>(c, {&a.shape(), &b.shape()});
  const double *x = a.data<double>().data(), *y = b.data<double>().data();
  double* out = c.output(0, DType::float64, loop.shape).mutable_data<double>().data();
  if (loop.loops.size() == 2 && count_of(loop.loops) != 0) {
    const auto rows = static_cast<std::size_t>(loop.loops[0]), n = static_cast<std::size_t>(loop.loops[1]);
    const auto whole = [&](std::size_t k) { return loop.strides[k][0] == loop.loops[1] && loop.strides[k][1] == 1; };
    const auto row = [&](std::size_t k) { return loop.strides[k][0] == 0 && loop.strides[k][1] == 1; };
    if (whole(0) && row(1)) return repeated(kOp, x, y, false, rows, n, out);
    if (row(0) && whole(1)) return repeated(kOp, y, x, true, rows, n, out);
  }
  loop.each_row([&](std::int64_t to, const std::array<std::int64_t, 2>& at, std::int64_t n, const std::array<std::int64_t, 2>& step) {
    if (step[0] <= 1 && step[1] <= 1) return lanes2(kOp, x + at[0], step[0] != 0, y + at[1], step[1] != 0, out + to, static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) lanes2(kOp, x + at[0] + i * step[0], false, y + at[1] + i * step[1], false, out + to + i, 1);
  });
}

template <Lane1 kFunction>
void unary(KernelContext& c) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  lanes1(kFunction, x.data<double>().data(), c.output(0, DType::float64, x.shape()).mutable_data<double>().data(), x.size());
}

constexpr FastKernel kKernels[] = {
    {"", "Add", all_double, binary<Lane2::add>},       {"", "Sub", all_double, binary<Lane2::sub>},   {"", "Mul", all_double, binary<Lane2::mul>},
    {"", "Div", all_double, binary<Lane2::div>},       {"", "Exp", all_double, unary<Lane1::exp>},    {"", "Log", all_double, unary<Lane1::log>},
    {"", "Tanh", all_double, unary<Lane1::tanh>},      {"", "Sin", all_double, unary<Lane1::sin>},    {"", "Cos", all_double, unary<Lane1::cos>},
    {"", "Sigmoid", all_double, unary<Lane1::sigmoid>}, {"", "Sqrt", all_double, unary<Lane1::sqrt>}, {"", "Relu", all_double, unary<Lane1::relu>},
};

}  // namespace

DECANT_AT_START std::span<const FastKernel> elementwise_kernels() { return kKernels; }

}  // namespace decant
