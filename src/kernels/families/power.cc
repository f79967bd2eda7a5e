// SPDX-License-Identifier: Apache-2.0
// decant.YeoJohnson, a few hundred numbers at a time in the first cache.
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "ops/decant/power.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::size_t kTogether = 512;

struct Powers {
  YeoJohnson powers;
  bool logs = false;  // whether a column has a logarithm
};

std::optional<State> prepare(const PrepareContext& c) {
  if (c.inputs.empty() || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64) return std::nullopt;
  auto out = std::make_shared<Powers>();
  out->powers = yeo_johnson_of(c);
  const auto zero = [](double v) { return v == 0; };
  out->logs = std::ranges::any_of(out->powers.above, zero) || std::ranges::any_of(out->powers.below, zero);
  return out;
}

void run(KernelContext& c) {
  const auto& state = c.state<Powers>();
  const Tensor& x = yeo_johnson_input(c, state.powers);
  const double *in = x.data<double>().data(), *above = state.powers.above.data(), *below = state.powers.below.data();
  const std::size_t count = x.size(), width = state.powers.above.size();
  double* out = c.output(0, DType::float64, x.shape()).mutable_data<double>().data();
  std::array<double, kTogether> logs, by;
  for (std::size_t begin = 0, column = 0; begin < count; begin += kTogether) {
    const std::size_t n = std::min(kTogether, count - begin);
    const double* from = in + begin;
    double* to = out + begin;
    for (std::size_t i = 0; i < n; ++i) {
      by[i] = from[i] >= 0 ? above[column] : below[column];
      column = column + 1 == width ? 0 : column + 1;
    }
    for (std::size_t i = 0; i < n; ++i) logs[i] = std::fabs(from[i]);
    lanes1(Lane1::log1p, logs.data(), logs.data(), n);
    lanes2(Lane2::mul, by.data(), true, logs.data(), true, to, n);
    lanes1(Lane1::expm1, to, to, n);
    lanes2(Lane2::div, to, true, by.data(), true, to, n);
    if (state.logs) {
      for (std::size_t i = 0; i < n; ++i) to[i] = by[i] == 0 ? logs[i] : to[i];
    }
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i] >= 0 ? to[i] : -to[i];
  }
}

constexpr FastKernel kKernels[] = {{"decant", "YeoJohnson", prepare, run}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> power_kernels() { return kKernels; }

}  // namespace decant
