// SPDX-License-Identifier: Apache-2.0
// decant.SplineBasis: B-splines by the recursion of Cox and de Boor, of which only the degree + 1 functions that are not zero are computed
// (scipy.interpolate.BSpline; sklearn/preprocessing/_polynomial.py). Its body in ONNX computes them all: what it adds are zeros.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::int64_t kMostDegree = 20;

struct Splines {
  std::size_t columns = 0, knots = 0, functions = 0, outputs = 0, degree = 0;
  Tensor t, c;
  bool plain = false;  // the coefficients of every column choose functions: the first `outputs` of them, one each
};

Splines splines_of(const AttributeView& a) {
  Splines out;
  out.t = a.tensor("knots");
  out.c = a.tensor("coefficients");
  const std::int64_t degree = a.integer("degree");
  const bool fits = out.t.dtype() == DType::float64 && out.c.dtype() == DType::float64 && out.t.rank() == 2 && out.c.rank() == 3 && out.t.dim(0) > 0 && degree >= 0 && degree <= kMostDegree &&
                    out.t.dim(1) - degree - 1 > degree && out.c.dim(0) == out.t.dim(0) && out.c.dim(1) == out.t.dim(1) - degree - 1;
  if (!fits) a.fail(Code::corrupt, format("splines of degree {} on knots of shape {} with coefficients of shape {}", degree, text_of(out.t.shape()), text_of(out.c.shape())));
  out.columns = static_cast<std::size_t>(out.t.dim(0));
  out.knots = static_cast<std::size_t>(out.t.dim(1));
  out.functions = static_cast<std::size_t>(out.c.dim(1));
  out.outputs = static_cast<std::size_t>(out.c.dim(2));
  out.degree = static_cast<std::size_t>(degree);
  out.plain = out.outputs <= out.functions;
  const std::span<const double> c = out.c.data<double>();
  for (std::size_t i = 0; out.plain && i < c.size(); ++i) out.plain = c[i] == (i / out.outputs % out.functions == i % out.outputs ? 1.0 : 0.0);
  return out;
}

State prepare(const PrepareContext& a) { return std::make_shared<Splines>(splines_of(a)); }

using Basis = std::array<double, kMostDegree + 2>;

/// The functions first … first + degree at x, which lies in (or is computed by the polynomials of) the interval that begins at knot
/// first + degree. A width of zero divides nothing but zeros. kDegree: where it is known beforehand, else negative.
template <std::int64_t kDegree>
void basis_at(double x, const double* t, std::size_t first, std::size_t any_degree, Basis& basis) {
  const std::size_t degree = kDegree >= 0 ? static_cast<std::size_t>(kDegree) : any_degree;
  basis[degree] = 1;
  basis[degree + 1] = 0;  // what lies beyond the last
#pragma GCC unroll 4
  for (std::size_t d = 1; d <= degree; ++d) {
    // At degree d those that are not zero are the last d + 1.
    const std::size_t begin = degree - d;
    basis[begin] = 0;
#pragma GCC unroll 5
    for (std::size_t i = begin; i <= degree; ++i) {
      const double* k = t + first + i;
      const double left = k[d] - k[0], right = k[d + 1] - k[1];
      const double rising = i == begin ? 0 : (x - k[0]) / (left == 0 ? 1 : left) * basis[i], falling = i == degree ? 0 : (k[d + 1] - x) / (right == 0 ? 1 : right) * basis[i + 1];
      basis[i] = rising + falling;
    }
  }
}

template <std::int64_t kDegree>
void fill(const Splines& s, const double* in, std::size_t rows, double* out) {
  Basis basis{};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t column = 0; column < s.columns; ++column, ++in, out += s.outputs) {
      const double v = *in, *t = s.t.data<double>().data() + column * s.knots, *weights = s.c.data<double>().data() + column * s.functions * s.outputs;
      if (s.degree > 0 && !std::isfinite(v)) {  // infinity times zero, everywhere
        std::fill_n(out, s.outputs, std::numeric_limits<double>::quiet_NaN());
        continue;
      }
      std::size_t first = 0;  // of the inner knots, those at or below v
      for (std::size_t k = s.degree + 1; k < s.functions; ++k) first += static_cast<std::size_t>(t[k] <= v);
      if (std::isnan(v)) first = s.functions - s.degree - 1;
      basis_at<kDegree>(v, t, first, s.degree, basis);
      for (std::size_t o = 0; o < s.outputs; ++o) out[o] = 0;
      if (s.plain) {
        for (std::size_t k = 0; k <= s.degree && first + k < s.outputs; ++k) out[first + k] += basis[k];
      } else {
        for (std::size_t k = 0; k <= s.degree; ++k) {
          for (std::size_t o = 0; o < s.outputs; ++o) out[o] += basis[k] * weights[(first + k) * s.outputs + o];
        }
      }
    }
  }
}

void run(KernelContext& c) {
  const auto& s = c.state<Splines>();
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || x.dim(1) != s.t.dim(0)) c.fail(Code::mismatch, format("splines of {} columns, the input has shape {}", s.columns, text_of(x.shape())));
  double* out = c.output(0, DType::float64, {x.dim(0), static_cast<std::int64_t>(s.columns * s.outputs)}).mutable_data<double>().data();
  const auto how = s.degree == 3 ? fill<3> : s.degree == 2 ? fill<2> : fill<-1>;
  how(s, x.data<double>().data(), static_cast<std::size_t>(x.dim(0)), out);
}

void infer(InferContext& c) {
  const Type& x = c.input(0);
  const Splines s = splines_of(c);  // with at least one function, columns x outputs is at most the number of coefficients
  c.outputs[0] = Type::tensor(DType::float64, {x.has_rank && !x.shape.empty() ? x.shape[0] : any_dim(), dim(static_cast<std::int64_t>(s.columns * s.outputs))});
}

/// All functions of one column, [N, functions].
Expr all_functions(Expr x, const std::vector<double>& knots, std::size_t degree) {
  const auto part = [&](std::size_t begin, std::size_t count) { return x.row({knots.begin() + static_cast<std::ptrdiff_t>(begin), knots.begin() + static_cast<std::ptrdiff_t>(begin + count)}); };
  const std::vector<double> inner(knots.begin() + static_cast<std::ptrdiff_t>(degree) + 1, knots.end() - static_cast<std::ptrdiff_t>(degree) - 1);  // the intervals begin at knots degree …
  Expr interval = inner.empty() ? cast(less(abs(x), x.scalar(-1)), DType::int64) : apply("decant", "SearchSorted", {x}, {{"edges", Tensor::vector(inner)}, {"side", std::string("right")}});
  interval = interval + static_cast<double>(degree);
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i + 1 < knots.size(); ++i) numbers.push_back(static_cast<std::int64_t>(i));
  Expr basis = cast(equal(interval, reshape(x.integers(numbers), {1, -1})), DType::float64);
  for (std::size_t d = 1; d <= degree; ++d) {
    const std::size_t n = knots.size() - 1 - d;
    const auto width = [&](std::size_t at) {
      std::vector<double> out;
      for (std::size_t i = 0; i < n; ++i) {
        const double w = knots[i + at + d] - knots[i + at];
        out.push_back(w == 0 ? 1 : w);
      }
      return x.row(out);
    };
    const Expr rising = (x - part(0, n)) / width(0), falling = (part(d + 1, n) - x) / width(1);
    basis = rising * slice(basis, 0, static_cast<std::int64_t>(n), 1) + falling * slice(basis, 1, static_cast<std::int64_t>(n) + 1, 1);
  }
  return basis;
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const Splines s = splines_of(AttributeView(node));
  const Expr x(b, inputs.at(0));
  std::vector<Expr> parts;
  for (std::size_t f = 0; f < s.columns; ++f) {
    const std::span<const double> t = s.t.data<double>().subspan(f * s.knots, s.knots), c = s.c.data<double>().subspan(f * s.functions * s.outputs, s.functions * s.outputs);
    const Expr v = s.columns == 1 ? x : columns(x, {static_cast<std::int64_t>(f)});
    const Tensor weights = Tensor::of<double>({static_cast<std::int64_t>(s.functions), static_cast<std::int64_t>(s.outputs)}, c);
    parts.push_back(matmul(all_functions(v, {t.begin(), t.end()}, s.degree), v.constant(weights)));
  }
  return {(parts.size() == 1 ? parts[0] : concat(parts, 1)).id()};
}

constexpr Op kOps[] = {
    {"decant", "SplineBasis",
     "X float64 [N, F] to [N, F x O]: the B-splines of `degree` on `knots` [F, K] times `coefficients` [F, K - degree - 1, O], float64; outside the base interval the first "
     "and the last polynomials go on.",
     infer, run, prepare, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> spline_ops() { return kOps; }

}  // namespace decant
