// SPDX-License-Identifier: Apache-2.0
// decant.ImputeNeighbors: absent cells are the mean of the nearest known rows that have the column (sklearn/impute/_knn.py), nearest by
// nan_euclidean_distances: what a pair of rows has in common, scaled up to all columns; NaN where it has nothing. Among equal distances the
// first row counts, where scikit-learn leaves it to numpy.argpartition.
#include "ops/decant/impute.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {

KnownRows known_rows_of(const AttributeView& c) {
  const Tensor &rows = c.tensor("rows"), &absent = c.tensor("rows_absent");
  if (rows.dtype() != DType::float64 || rows.rank() != 2 || rows.size() == 0 || absent.dtype() != DType::boolean || absent.shape() != rows.shape()) {
    c.fail(Code::corrupt, format("rows of shape {} with a mask of shape {}", text_of(rows.shape()), text_of(absent.shape())));
  }
  KnownRows out;
  out.count = static_cast<std::size_t>(rows.dim(0));
  out.width = static_cast<std::size_t>(rows.dim(1));
  const std::int64_t k = c.integer("k");
  if (k < 1) c.fail(Code::corrupt, "no neighbours are asked for");
  out.k = static_cast<std::size_t>(k);
  out.by_distance = c.integer("by_distance", 0) != 0;
  const std::size_t size = rows.size();
  out.values.assign(size, 0.0);
  out.squares.assign(size, 0.0);
  out.absent.assign(size, 0.0);
  out.norms.assign(out.count, 0.0);
  out.donors.resize(out.width);
  out.means.assign(out.width, 0.0);
  for (std::size_t i = 0; i < size; ++i) {
    if (absent.data<bool>()[i]) {
      out.absent[i] = 1;
      continue;
    }
    const double v = rows.data<double>()[i];
    out.values[i] = v;
    out.squares[i] = v * v;
    out.norms[i / out.width] += v * v;
    out.donors[i % out.width].push_back(i / out.width);
    out.means[i % out.width] += v;
  }
  for (std::size_t f = 0; f < out.width; ++f) out.means[f] /= static_cast<double>(std::max<std::size_t>(out.donors[f].size(), 1));
  return out;
}

void fill_row(const KnownRows& known, const double* row, const bool* absent, const RowProducts& p, double* distances, double* out) {
  double norm = 0;
  for (std::size_t f = 0; f < known.width; ++f) norm += absent[f] ? 0 : row[f] * row[f];
  const auto never_below_0 = [](double d) { return d < 0 ? 0 : d; };
  for (std::size_t m = 0; m < known.count; ++m) {
    const double d = never_below_0(p.plain[m] * -2 + norm + known.norms[m]) - p.squares_absent[m] - p.absent_squares[m];
    distances[m] = p.common[m] == 0 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(never_below_0(d) / std::max(p.common[m], 1.0) * static_cast<double>(known.width));
  }
  struct Near {
    double distance;
    std::size_t row;
  };
  std::vector<Near> nearest;
  for (std::size_t f = 0; f < known.width; ++f) {
    const std::vector<std::size_t>& donors = known.donors[f];
    if (!absent[f] || donors.empty()) {
      out[f] = absent[f] || donors.empty() ? 0 : row[f];
      continue;
    }
    const std::size_t k = std::min(known.k, donors.size());
    nearest.clear();
    bool any = false;
    double worst = std::numeric_limits<double>::infinity();
    for (const std::size_t m : donors) {
      const bool unknown = std::isnan(distances[m]);
      any = any || !unknown;
      const double d = unknown ? std::numeric_limits<double>::infinity() : distances[m];
      if (nearest.size() == k) {
        if (!(d < worst)) continue;
        nearest.pop_back();
      }
      const auto at = std::ranges::upper_bound(nearest, d, {}, &Near::distance);
      nearest.insert(at, {d, m});
      worst = nearest.back().distance;
    }
    if (!any) {
      out[f] = known.means[f];
      continue;
    }
    const bool exact = known.by_distance && nearest[0].distance == 0;  // those at no distance count alone
    double sum = 0, weights = 0;
    for (const Near& one : nearest) {
      const double w = !known.by_distance ? 1 : exact ? (one.distance == 0 ? 1 : 0) : 1 / one.distance;  // one at an unknown distance does not count
      sum += known.values[one.row * known.width + f] * w;
      weights += w;
    }
    out[f] = sum / weights;
  }
}

void check_impute(const KernelContext& c, const KnownRows& known) {
  want(c, 0, DType::float64);
  want(c, 1, DType::boolean);
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || static_cast<std::size_t>(x.dim(1)) != known.width || c.input(1).shape() != x.shape()) {
    c.fail(Code::mismatch, format("rows of shape {} with a mask of shape {}, the known ones have {} columns", text_of(x.shape()), text_of(c.input(1).shape()), known.width));
  }
}

bool has_gap(const KnownRows& known, const bool* absent) {
  for (std::size_t f = 0; f < known.width; ++f) {
    if (absent[f] && !known.donors[f].empty()) return true;
  }
  return false;
}

namespace {

State prepare(const PrepareContext& c) { return std::make_shared<KnownRows>(known_rows_of(c)); }

void run(KernelContext& c) {
  const auto& known = c.state<KnownRows>();
  check_impute(c, known);
  const auto rows = static_cast<std::size_t>(c.input(0).dim(0));
  const double* x = c.input(0).data<double>().data();
  const bool* absent = c.input(1).data<bool>().data();
  double* out = c.output(0, DType::float64, c.input(0).shape()).mutable_data<double>().data();
  std::vector<double> sums(4 * known.count), distances(known.count);
  double *plain = sums.data(), *squares_absent = plain + known.count, *absent_squares = squares_absent + known.count, *common = absent_squares + known.count;
  for (std::size_t r = 0; r < rows; ++r, x += known.width, absent += known.width, out += known.width) {
    for (std::size_t m = 0; m < known.count; ++m) {
      const std::size_t at = m * known.width;
      plain[m] = squares_absent[m] = absent_squares[m] = common[m] = 0;
      for (std::size_t f = 0; f < known.width; ++f) {
        const double v = absent[f] ? 0 : x[f], gap = absent[f] ? 1 : 0;
        plain[m] += v * known.values[at + f];
        squares_absent[m] += v * v * known.absent[at + f];
        absent_squares[m] += gap * known.squares[at + f];
        common[m] += (1 - gap) * (1 - known.absent[at + f]);
      }
    }
    fill_row(known, x, absent, {plain, squares_absent, absent_squares, common}, distances.data(), out);
  }
}

Expr distances_of(Expr x, Expr absent, const Tensor& rows, const Tensor& rows_absent) {
  const Expr zero = x.scalar(0), missing_x = cast(absent, DType::float64), missing_y = cast(x.constant(rows_absent), DType::float64);
  const Expr a = where(absent, zero, x), b = where(x.constant(rows_absent), zero, x.constant(rows));
  const auto against = [](Expr l, Expr r) { return matmul(l, transpose(r)); };
  Expr d = against(a, b) * -2.0 + reduce_sum(a * a, 1, true) + unsqueeze(reduce_sum(b * b, 1), 0);
  d = maximum(d, zero) - against(a * a, missing_y) - against(missing_x, b * b);
  const Expr common = against(1.0 - missing_x, 1.0 - missing_y);
  d = where(equal(common, zero), x.scalar(std::numeric_limits<double>::quiet_NaN()), maximum(d, zero));
  return sqrt(d / maximum(common, x.scalar(1)) * static_cast<double>(rows.dim(1)));
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const AttributeView c(node);
  const KnownRows known = known_rows_of(c);
  const Expr x(b, inputs.at(0)), absent(b, inputs.at(1)), distances = distances_of(x, absent, c.tensor("rows"), c.tensor("rows_absent"));
  std::vector<Expr> parts;
  for (std::size_t f = 0; f < known.width; ++f) {
    const std::vector<std::int64_t> donors(known.donors[f].begin(), known.donors[f].end()), here = {static_cast<std::int64_t>(f)};
    const Expr column = columns(x, here);
    if (donors.empty()) {
      parts.push_back(where(is_nan(column), x.scalar(0), x.scalar(0)));
      continue;
    }
    std::vector<double> values;
    for (const std::int64_t m : donors) values.push_back(known.values[static_cast<std::size_t>(m) * known.width + f]);
    const Expr far = columns(distances, donors), unknown = is_nan(far);
    const Expr ranked = where(unknown, far.scalar(std::numeric_limits<double>::infinity()), far);
    const auto k = static_cast<std::int64_t>(std::min(known.k, donors.size()));
    const std::vector<ValueId> nearest = b.node("", "TopK", {ranked.id(), ranked.integers({k}).id()}, {{"axis", std::int64_t{1}}, {"largest", std::int64_t{0}}, {"sorted", std::int64_t{1}}}, 2);
    const Expr distance(b, nearest[0]), value = gather(x.row(values), Expr(b, nearest[1]), 0);
    Expr weight;
    if (known.by_distance) {
      const Expr hit = cast(equal(distance, distance.scalar(0)), DType::float64), hits = reduce_max(hit, 1, true);
      weight = where(greater(hits, hits.scalar(0)), hit, 1.0 / distance);
    } else {
      weight = where(equal(distance, distance), distance.scalar(1), distance.scalar(1));
    }
    const Expr filled = reduce_sum(value * weight, 1, true) / reduce_sum(weight, 1, true);
    const Expr nothing = equal(reduce_min(cast(unknown, DType::int32), 1, true), x.constant(Tensor::scalar<std::int32_t>(1)));
    parts.push_back(where(columns(absent, here), where(nothing, x.scalar(known.means[f]), filled), column));
  }
  return {concat(parts, 1).id()};
}

constexpr Op kOps[] = {
    {"decant", "ImputeNeighbors",
     "X float64 [N, F] and its mask of absent cells: absent cells filled with the mean of the `k` nearest `rows` that have the column (weighted by 1/distance where `by_distance` is 1); 0 in "
     "columns that no row has.",
     infer_same, run, prepare, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> impute_ops() { return kOps; }

}  // namespace decant
