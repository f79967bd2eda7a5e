// SPDX-License-Identifier: Apache-2.0
// decant.Interpolate and decant.SearchSorted of float64: several rows of a column are searched side by side, without branches that a
// processor would have to guess; slopes are computed once. The answers have the bits of the reference kernels.
#include <array>
#include <cmath>
#include <vector>

#include "kernels/kernels.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::size_t kTogether = 8;
using Values = std::array<double, kTogether>;
using Places = std::array<std::size_t, kTogether>;

/// How many of the sorted knots are below each value (with kEqual: or equal to it); none for NaN.
template <bool kEqual>
Places below(const double* knots, std::size_t n, const Values& values) {
  const auto passes = [](double knot, double v) { return static_cast<std::size_t>(kEqual ? knot <= v : knot < v); };
  Places at{};
  for (std::size_t left = n; left > 1;) {
    const std::size_t half = left / 2;
    for (std::size_t l = 0; l < kTogether; ++l) at[l] += half * passes(knots[at[l] + half - 1], values[l]);
    left -= half;
  }
  for (std::size_t l = 0; l < kTogether; ++l) at[l] += passes(knots[at[l]], values[l]);
  return at;
}

/// f(values, column) for eight elements of a column after the other; what it returns goes to `out`.
template <class To, class F>
void by_column(const double* in, To* out, std::size_t count, std::size_t columns, F&& f) {
  const std::size_t rows = count / columns;
  for (std::size_t column = 0; column < columns; ++column) {
    for (std::size_t r = 0; r < rows; r += kTogether) {
      Values values{};
      const std::size_t some = std::min(kTogether, rows - r);
      for (std::size_t l = 0; l < some; ++l) values[l] = in[(r + l) * columns + column];
      const std::array<To, kTogether> found = f(values, column);
      for (std::size_t l = 0; l < some; ++l) out[(r + l) * columns + column] = found[l];
    }
  }
}

bool usable(const PrepareContext& c, std::string_view name) {
  if (c.inputs.empty() || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::float64) return false;
  const Tensor& t = c.tensor(name);
  return t.dtype() == DType::float64 && t.rank() >= 1 && t.rank() <= 2 && t.size() != 0;
}

/// How many columns have knots of their own.
std::size_t columns_of(const KernelContext& c, const Tensor& knots) {
  want(c, 0, DType::float64);
  if (knots.rank() == 1) return 1;
  const Shape& shape = c.input(0).shape();
  if (shape.empty() || shape.back() != knots.dim(0)) c.fail(Code::mismatch, format("knots for {} columns, the input has shape {}", knots.dim(0), text_of(shape)));
  return static_cast<std::size_t>(knots.dim(0));
}

struct Lines {
  Tensor x, y;
  std::vector<double> slopes;  // from each knot to the next
};

std::optional<State> prepare_interpolate(const PrepareContext& c) {
  if (!usable(c, "x") || !usable(c, "y") || c.tensor("x").shape() != c.tensor("y").shape()) return std::nullopt;
  auto out = std::make_shared<Lines>();
  out->x = c.tensor("x");
  out->y = c.tensor("y");
  const std::span<const double> x = out->x.data<double>(), y = out->y.data<double>();
  out->slopes.assign(x.size(), 0.0);
  const auto n = static_cast<std::size_t>(out->x.shape().back());
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    if ((i + 1) % n != 0) out->slopes[i] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  }
  return out;
}

void interpolate(KernelContext& c) {
  const auto& lines = c.state<Lines>();
  const std::size_t columns = columns_of(c, lines.x), n = static_cast<std::size_t>(lines.x.shape().back());
  const Tensor& given = c.input(0);
  double* out = c.output(0, DType::float64, given.shape()).mutable_data<double>().data();
  by_column(given.data<double>().data(), out, given.size(), columns, [&](const Values& values, std::size_t column) {
    const double *x = lines.x.data<double>().data() + column * n, *y = lines.y.data<double>().data() + column * n, *slopes = lines.slopes.data() + column * n;
    const Places above = below<true>(x, n, values);
    Values found;
    for (std::size_t l = 0; l < kTogether; ++l) {
      const double v = values[l];
      const std::size_t j = above[l] == 0 ? 0 : above[l] - 1;
      const bool at_knot = above[l] == 0 || j == n - 1 || x[j] == v;
      found[l] = at_knot ? y[j] : slopes[j] * (v - x[j]) + y[j];
      if (std::isnan(found[l]) && !at_knot && !std::isnan(v)) {  // infinite knots: from the other side
        found[l] = slopes[j] * (v - x[j + 1]) + y[j + 1];
        if (std::isnan(found[l]) && y[j] == y[j + 1]) found[l] = y[j];
      }
      if (std::isnan(v)) found[l] = v;
    }
    return found;
  });
}

struct Edges {
  Tensor edges;
  bool right = false;
};

std::optional<State> prepare_search(const PrepareContext& c) {
  const std::string_view side = c.text("side", "left");
  if (!usable(c, "edges") || (side != "left" && side != "right")) return std::nullopt;
  return std::make_shared<Edges>(Edges{c.tensor("edges"), side == "right"});
}

void search(KernelContext& c) {
  const auto& known = c.state<Edges>();
  const std::size_t columns = columns_of(c, known.edges), n = static_cast<std::size_t>(known.edges.shape().back());
  const Tensor& given = c.input(0);
  std::int64_t* out = c.output(0, DType::int64, given.shape()).mutable_data<std::int64_t>().data();
  by_column(given.data<double>().data(), out, given.size(), columns, [&](const Values& values, std::size_t column) {
    const double* edges = known.edges.data<double>().data() + column * n;
    const Places at = known.right ? below<true>(edges, n, values) : below<false>(edges, n, values);
    std::array<std::int64_t, kTogether> found;
    for (std::size_t l = 0; l < kTogether; ++l) found[l] = static_cast<std::int64_t>(std::isnan(values[l]) ? n : at[l]);  // NaN sorts last
    return found;
  });
}

constexpr FastKernel kKernels[] = {{"decant", "Interpolate", prepare_interpolate, interpolate}, {"decant", "SearchSorted", prepare_search, search}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> knots_kernels() { return kKernels; }

}  // namespace decant
