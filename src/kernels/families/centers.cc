// SPDX-License-Identifier: Apache-2.0
// decant.NearestCenter: products of a few rows at a time, which never leave the first cache.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/pairs.h"
#include "ops/decant/centers.h"
#include "ops/kernel.h"

namespace decant {
namespace {

struct Tiled {
  Centers centers;
  TargetTiles tiles;
  std::size_t rows = 0;       // together
  std::vector<double> norms;  // of all of them, one row after the other; infinite where there is no centre
};

std::optional<State> prepare(const PrepareContext& c) {
  if (c.inputs.empty() || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64) return std::nullopt;
  auto out = std::make_shared<Tiled>();
  out->centers = centers_of(c);
  out->tiles = TargetTiles(out->centers.by_feature.data(), out->centers.count, out->centers.width);
  const std::size_t stride = out->tiles.padded();
  out->rows = std::clamp<std::size_t>(1024 / stride / 8 * 8, 8, 64);
  out->norms.assign(out->rows * stride, std::numeric_limits<double>::infinity());
  for (std::size_t r = 0; r < out->rows; ++r) std::ranges::copy(out->centers.norms, out->norms.begin() + static_cast<std::ptrdiff_t>(r * stride));
  return out;
}

void run(KernelContext& c) {
  const auto& known = c.state<Tiled>();
  check_centers(c, known.centers);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0)), stride = known.tiles.padded();
  const double* x = c.input(0).data<double>().data();
  std::int64_t* out = c.output(0, DType::int64, {c.input(0).dim(0)}).mutable_data<std::int64_t>().data();
  std::vector<double> lines(known.rows * stride);
  for (std::size_t begin = 0; begin < rows; begin += known.rows) {
    const std::size_t some = std::min(known.rows, rows - begin);
    pair_functions().sums(PairSum::products, x + begin * known.centers.width, some, known.tiles, lines.data(), stride);
    lanes2(Lane2::add, lines.data(), true, known.norms.data(), true, lines.data(), some * stride);
    lanes_arg(false, lines.data(), some, stride, out + begin);
    for (std::size_t r = 0; r < some; ++r) {  // infinity times the zeros that fill up the tiles is a NaN
      if (out[begin + r] >= static_cast<std::int64_t>(known.centers.count)) lanes_arg(false, lines.data() + r * stride, 1, known.centers.count, out + begin + r);
    }
  }
}

constexpr FastKernel kKernels[] = {{"decant", "NearestCenter", prepare, run}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> centers_kernels() { return kKernels; }

}  // namespace decant
