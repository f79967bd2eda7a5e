// SPDX-License-Identifier: Apache-2.0
// decant.ImputeNeighbors: the products of rows with gaps, several rows at a time; rows without gaps are copied.
#include <algorithm>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/pairs.h"
#include "ops/decant/impute.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::size_t kRows = 32;  // measured together

struct Known {
  KnownRows rows;
  TargetTiles values, squares, absent, present;
};

TargetTiles tiles_of(const KnownRows& known, const std::vector<double>& rows) {
  std::vector<double> by_feature(rows.size());
  for (std::size_t m = 0; m < known.count; ++m) {
    for (std::size_t f = 0; f < known.width; ++f) by_feature[f * known.count + m] = rows[m * known.width + f];
  }
  return {by_feature.data(), known.count, known.width};
}

std::optional<State> prepare(const PrepareContext& c) {
  auto out = std::make_shared<Known>();
  out->rows = known_rows_of(c);
  out->values = tiles_of(out->rows, out->rows.values);
  out->squares = tiles_of(out->rows, out->rows.squares);
  out->absent = tiles_of(out->rows, out->rows.absent);
  std::vector<double> present = out->rows.absent;
  for (double& v : present) v = 1 - v;
  out->present = tiles_of(out->rows, present);
  return out;
}

void run(KernelContext& c) {
  const auto& known = c.state<Known>();
  const KnownRows& k = known.rows;
  check_impute(c, k);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0));
  const std::size_t width = k.width, stride = known.values.padded();
  const double* x = c.input(0).data<double>().data();
  const bool* absent = c.input(1).data<bool>().data();
  double* out = c.output(0, DType::float64, c.input(0).shape()).mutable_data<double>().data();
  std::vector<std::size_t> gaps;  // rows that have some
  for (std::size_t r = 0; r < rows; ++r) {
    if (has_gap(k, absent + r * width)) {
      gaps.push_back(r);
      continue;
    }
    for (std::size_t f = 0; f < width; ++f) out[r * width + f] = k.donors[f].empty() ? 0 : x[r * width + f];
  }
  std::vector<double> values(kRows * width), squares(kRows * width), there(kRows * width), not_there(kRows * width), distances(k.count);
  std::vector<double> plain(kRows * stride), squares_absent(kRows * stride), absent_squares(kRows * stride), common(kRows * stride);
  const PairFunctions& f = pair_functions();
  for (std::size_t begin = 0; begin < gaps.size(); begin += kRows) {
    const std::size_t some = std::min(kRows, gaps.size() - begin);
    for (std::size_t r = 0; r < some; ++r) {
      for (std::size_t d = 0; d < width; ++d) {
        const std::size_t from = gaps[begin + r] * width + d, to = r * width + d;
        values[to] = absent[from] ? 0 : x[from];
        squares[to] = values[to] * values[to];
        there[to] = absent[from] ? 0 : 1;
        not_there[to] = 1 - there[to];
      }
    }
    f.sums(PairSum::products, values.data(), some, known.values, plain.data(), stride);
    f.sums(PairSum::products, squares.data(), some, known.absent, squares_absent.data(), stride);
    f.sums(PairSum::products, not_there.data(), some, known.squares, absent_squares.data(), stride);
    f.sums(PairSum::products, there.data(), some, known.present, common.data(), stride);
    for (std::size_t r = 0; r < some; ++r) {
      const std::size_t at = gaps[begin + r] * width, line = r * stride;
      fill_row(k, x + at, absent + at, {plain.data() + line, squares_absent.data() + line, absent_squares.data() + line, common.data() + line}, distances.data(), out + at);
    }
  }
}

constexpr FastKernel kKernels[] = {{"decant", "ImputeNeighbors", prepare, run}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> impute_kernels() { return kKernels; }

}  // namespace decant
