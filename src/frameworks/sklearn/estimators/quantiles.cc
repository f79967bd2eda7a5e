// SPDX-License-Identifier: Apache-2.0
// Transformers that bend columns: powers, quantiles, bins and splines (sklearn/preprocessing/_data.py, _discretization.py, _polynomial.py).
#include "frameworks/sklearn/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// --- PowerTransformer ----------------------------------------------------------------------------------------------------------

/// A row of numbers made from the lambdas, `f` where `special` does not hold, 1 where it does.
template <class Special, class F>
Expr lambda_row(Expr like, const std::vector<double>& lambdas, Special special, F f) {
  std::vector<double> out;
  for (const double l : lambdas) out.push_back(special(l) ? 1 : f(l));
  return like.row(out);
}
template <class Special>
Expr special_row(Expr like, const std::vector<double>& lambdas, Special special) {
  Tensor out(DType::boolean, {static_cast<std::int64_t>(lambdas.size())});
  for (std::size_t i = 0; i < lambdas.size(); ++i) out.mutable_data<bool>()[i] = special(lambdas[i]);
  return like.constant(out);
}

bool is_zero(double l) { return std::abs(l) < kEpsilon; }
bool is_two(double l) { return !(std::abs(l - 2) > kEpsilon); }
double same(double l) { return l; }
double to_two(double l) { return 2 - l; }

/// scipy.special.boxcox
Expr box_cox(Expr x, const std::vector<double>& lambdas) {
  const auto zero = [](double l) { return std::abs(l) < 1e-19; };
  const Expr l = lambda_row(x, lambdas, zero, same), logs = log(x);
  return where(special_row(x, lambdas, zero), logs, expm1(l * logs) / l);
}

/// By log1p and expm1 since 1.9 (scipy.stats.yeojohnson), by powers before.
Expr yeo_johnson(Expr x, const std::vector<double>& lambdas, bool stable) {
  // Both signs are one formula of the size, with another power: 2 - lambda below zero.
  const Expr positive = greater_equal(x, x.scalar(0)), size = abs(x);
  const Expr by = where(positive, lambda_row(x, lambdas, is_zero, same), lambda_row(x, lambdas, is_two, to_two));
  const bool logs = std::ranges::any_of(lambdas, [](double l) { return is_zero(l) || is_two(l); });
  const Expr logarithm = stable || logs ? log1p(size) : Expr{};
  Expr out = stable ? expm1(by * logarithm) / by : (pow(size + 1.0, by) - 1.0) / by;
  if (logs) {
    const Expr special = logical_or(logical_and(positive, special_row(x, lambdas, is_zero)), logical_and(logical_not(positive), special_row(x, lambdas, is_two)));
    out = where(special, logarithm, out);
  }
  return where(positive, out, -out);
}

std::vector<double> lambdas_of(const Object& self, Expr x) {
  const std::vector<double> out = self["lambdas_"].list();
  if (static_cast<std::int64_t>(out.size()) != x.dim(1)) self.fail(Code::corrupt, format("lambdas_ of {} columns, where {} come in", out.size(), x.dim(1)));
  return out;
}

Result power_transformer(Context& context, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  const std::vector<double> lambdas = lambdas_of(self, x);
  const std::string method = self.text("method", "yeo-johnson");
  if (method == "box-cox") {
    x = require(x, logical_or(is_nan(x), greater(x, x.scalar(0))), "the Box-Cox transformation is for positive numbers only");
    x = box_cox(x, lambdas);
  } else if (method == "yeo-johnson") {
    x = yeo_johnson(x, lambdas, context.version(self) >= Version{1, 9});
  } else {
    unsupported(self, format("method {}", printable(method)));
  }
  if (self.boolean("standardize", true)) return context.value(self["_scaler"], Method::transform, Table(x));
  return x;
}

// --- QuantileTransformer --------------------------------------------------------------------------------------------------------

constexpr double kBounds = 1e-7;  // BOUNDS_THRESHOLD

Tensor rows_of(const std::vector<std::vector<double>>& rows) {
  Tensor out(DType::float64, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())});
  auto to = out.mutable_data<double>().begin();
  for (const auto& row : rows) to = std::ranges::copy(row, to).out;
  return out;
}

struct Quantiles {
  std::vector<std::vector<double>> columns, references;  // one row for each column of the table
  std::vector<double> first, last;
};

Quantiles quantiles_of(const Object& self, Expr x) {
  const Tensor table = self["quantiles_"].doubles();
  const std::vector<double> references = self["references_"].list();
  if (table.rank() != 2 || table.dim(1) != x.dim(1) || table.dim(0) != static_cast<std::int64_t>(references.size()) || references.empty()) {
    self.fail(Code::corrupt, format("quantiles_ of shape {} for {} columns", text_of(table.shape()), x.dim(1)));
  }
  Quantiles out;
  const auto width = static_cast<std::size_t>(table.dim(1));
  for (std::size_t f = 0; f < width; ++f) {
    std::vector<double> column;
    for (std::size_t i = 0; i < references.size(); ++i) column.push_back(table.data<double>()[i * width + f]);
    out.first.push_back(column.front());
    out.last.push_back(column.back());
    out.columns.push_back(std::move(column));
    out.references.push_back(references);
  }
  return out;
}

std::vector<std::vector<double>> mirrored(std::vector<std::vector<double>> rows) {
  for (auto& row : rows) {
    std::ranges::reverse(row);
    for (double& v : row) v = -v;
  }
  return rows;
}

Expr interpolate(Expr x, const std::vector<std::vector<double>>& knots, const std::vector<std::vector<double>>& values) {
  return apply("decant", "Interpolate", {x}, {{"x", rows_of(knots)}, {"y", rows_of(values)}});
}

bool to_normal(const Object& self) {
  const std::string distribution = self.text("output_distribution", "uniform");
  if (distribution != "uniform" && distribution != "normal") unsupported(self, format("output_distribution {}", printable(distribution)));
  return distribution == "normal";
}

Result quantile_transformer(Context&, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  const Quantiles q = quantiles_of(self, x);
  const bool normal = to_normal(self);
  const Expr low = normal ? less(x - kBounds, x.row(q.first)) : equal(x, x.row(q.first));
  const Expr high = normal ? greater(x + kBounds, x.row(q.last)) : equal(x, x.row(q.last));
  // Interpolated from both sides, and the mean: repeated quantiles then count in full.
  Expr y = (interpolate(x, q.columns, q.references) - interpolate(-x, mirrored(q.columns), mirrored(q.references))) * 0.5;
  y = where(low, x.scalar(0), where(high, x.scalar(1), y));
  if (!normal) return y;
  const auto quantile = [](Expr p) { return apply("decant", "NormalQuantile", {p}); };
  return minimum(maximum(quantile(y), quantile(x.scalar(kBounds - kEpsilon))), quantile(x.scalar(1 - (kBounds - kEpsilon))));
}

// --- KBinsDiscretizer --------------------------------------------------------------------------------------------------------------

Result bins(Context& context, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  if (self.set("dtype")) {  // computed in single precision where asked for
    const auto type = python::as_type(self.tree(), self["dtype"].node());
    if (type && type->itemsize == 4) x = cast(cast(x, DType::float32), DType::float64);
  }
  const std::vector<Object> edges = self["bin_edges_"].elements();
  if (static_cast<std::int64_t>(edges.size()) != x.dim(1)) self.fail(Code::corrupt, format("bin_edges_ of {} columns, where {} come in", edges.size(), x.dim(1)));
  const bool old = context.version(self) < Version{1, 1};  // numbers just below an edge counted as above it
  if (old) x = x + (abs(x) * 1e-5 + 1e-8);
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    std::vector<double> inner = edges[i].list();
    if (inner.size() < 2) self.fail(Code::corrupt, "bins without edges");
    inner = {inner.begin() + 1, inner.end() - 1};
    const Expr column = columns(x, {static_cast<std::int64_t>(i)});
    if (inner.empty()) {
      parts.push_back(cast(less(column, column.scalar(-std::numeric_limits<double>::infinity())), DType::float64));
      continue;
    }
    parts.push_back(cast(apply("decant", "SearchSorted", {column}, {{"edges", Tensor::vector(inner)}, {"side", std::string("right")}}), DType::float64));
  }
  const Expr codes = concat(parts, 1);
  if (self.text("encode", "onehot") == "ordinal") return codes;
  return context.value(self["_encoder"], Method::transform, Table(codes));
}

// --- SplineTransformer ---------------------------------------------------------------------------------------------------------------

/// The basis functions of degree `degree` on `knots`, for x in interval `interval` [N, 1] (its polynomial goes on outside): [N, knots - degree - 1].
Expr spline_basis(Expr x, Expr interval, const std::vector<double>& knots, std::int64_t degree) {
  const auto part = [&](std::size_t begin, std::size_t count) { return x.row({knots.begin() + static_cast<std::ptrdiff_t>(begin), knots.begin() + static_cast<std::ptrdiff_t>(begin + count)}); };
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i + 1 < knots.size(); ++i) numbers.push_back(static_cast<std::int64_t>(i));
  Expr basis = cast(equal(interval, reshape(x.integers(numbers), {1, -1})), DType::float64);
  for (std::int64_t d = 1; d <= degree; ++d) {  // Cox and de Boor
    const std::size_t n = knots.size() - 1 - static_cast<std::size_t>(d);
    const auto width = [&](std::size_t at) {
      std::vector<double> out;
      for (std::size_t i = 0; i < n; ++i) {
        const double w = knots[i + at + static_cast<std::size_t>(d)] - knots[i + at];
        out.push_back(w == 0 ? 1 : w);
      }
      return x.row(out);
    };
    const Expr rising = (x - part(0, n)) / width(0), falling = (part(static_cast<std::size_t>(d) + 1, n) - x) / width(1);
    basis = rising * slice(basis, 0, static_cast<std::int64_t>(n), 1) + falling * slice(basis, 1, static_cast<std::int64_t>(n) + 1, 1);
  }
  return basis;
}

/// The same for one number, or the derivative.
std::vector<double> spline_at(double x, std::size_t interval, const std::vector<double>& t, std::int64_t degree, bool derivative) {
  std::vector<double> basis(t.size() - 1, 0.0);
  basis.at(interval) = 1;
  for (std::int64_t d = 1; d <= degree; ++d) {
    const auto step = static_cast<std::size_t>(d);
    const bool last = derivative && d == degree;
    for (std::size_t i = 0; i + step + 1 < t.size(); ++i) {
      const double left = t[i + step] - t[i], right = t[i + step + 1] - t[i + 1];
      const double a = left == 0 ? 0 : basis[i] / left, b = right == 0 ? 0 : basis[i + 1] / right;
      basis[i] = last ? static_cast<double>(degree) * (a - b) : (x - t[i]) * a + (t[i + step + 1] - x) * b;
    }
    basis.pop_back();
  }
  if (derivative && degree == 0) std::ranges::fill(basis, 0.0);
  return basis;
}

Result splines(Context&, const Object& self, Method, const Table& table) {
  const Expr x = table.matrix();
  const std::vector<Object> list = self["bsplines_"].elements();
  if (static_cast<std::int64_t>(list.size()) != x.dim(1)) self.fail(Code::corrupt, format("splines of {} columns, where {} come in", list.size(), x.dim(1)));
  const std::string mode = self.text("extrapolation", "constant");
  const bool gaps = self.text("handle_missing", "error") == "zeros";
  std::vector<Expr> parts;
  for (std::size_t f = 0; f < list.size(); ++f) {
    const std::vector<double> t = list[f].any({"t", "_t"}).list();
    const Tensor coefficients = list[f].any({"c", "_c"}).doubles();
    const std::int64_t degree = list[f]["k"].integer();
    const auto n = static_cast<std::int64_t>(t.size()) - degree - 1;
    if (degree < 0 || degree > 20 || n <= degree || coefficients.rank() != 2 || coefficients.dim(0) < n) list[f].fail(Code::corrupt, format("a spline of degree {} on {} knots", degree, t.size()));
    const std::int64_t outputs = coefficients.dim(1);
    Tensor used(DType::float64, {n, outputs});
    std::ranges::copy(coefficients.data<double>().first(used.size()), used.mutable_data<double>().begin());
    const double low = t[static_cast<std::size_t>(degree)], high = t[static_cast<std::size_t>(n)];

    Expr v = columns(x, {static_cast<std::int64_t>(f)});
    const Expr given = v;
    if (gaps) v = where(is_nan(v), v.scalar(low), v);
    if (mode == "periodic") {  // numpy's remainder: its sign is the divisor's
      const Expr rest = apply("Mod", {v - low, v.scalar(high - low)}, {{"fmod", std::int64_t{1}}});
      v = where(less(rest, rest.scalar(0)), rest + (high - low), rest) + low;
    } else if (mode == "constant" || mode == "linear") {
      v = clip(v, low, high);
    } else if (mode == "error") {
      v = require(v, logical_and(greater_equal(v, v.scalar(low)), less_equal(v, v.scalar(high))), "X contains values beyond the limits of the knots");
    } else if (mode != "continue") {
      unsupported(self, format("extrapolation {}", printable(mode)));
    }
    const std::vector<double> inner(t.begin() + degree + 1, t.begin() + n);  // the intervals begin at knots degree … n-1
    Expr interval = inner.empty() ? cast(v * 0.0, DType::int64) : apply("decant", "SearchSorted", {v}, {{"edges", Tensor::vector(inner)}, {"side", std::string("right")}});
    interval = interval + static_cast<double>(degree);
    Expr out = matmul(spline_basis(v, interval, t, degree), v.constant(used));
    if (mode == "constant" && degree == 0) {
      out = where(logical_or(less(given, given.scalar(low)), greater(given, given.scalar(high))), out.scalar(0), out);
    } else if (mode == "linear") {  // the first and last few go on along their tangents
      const std::int64_t ends = degree <= 1 ? degree + 1 : degree;
      const auto tangent = [&](double at, std::size_t in, std::int64_t begin) {
        std::vector<double> value = spline_at(at, in, t, degree, false), slope = spline_at(at, in, t, degree, true);
        for (std::int64_t j = 0; j < outputs; ++j) {
          if (j < begin || j >= begin + ends) value.at(static_cast<std::size_t>(j)) = slope.at(static_cast<std::size_t>(j)) = 0;
        }
        return out.row(value) + (given - at) * out.row(slope);
      };
      out = where(less(given, given.scalar(low)), tangent(low, static_cast<std::size_t>(degree), 0), out);
      out = where(greater(given, given.scalar(high)), tangent(high, static_cast<std::size_t>(n - 1), outputs - ends), out);
    }
    if (gaps) out = where(is_nan(given), out.scalar(0), out);
    parts.push_back(self.boolean("include_bias", true) ? out : slice(out, 0, outputs - 1, 1));
  }
  return concat(parts, 1);
}

}  // namespace

Expr power_inverse(Context& context, const Object& self, Expr y) {
  const std::vector<double> lambdas = lambdas_of(self, y);
  if (self.boolean("standardize", true)) y = inverse_transform(context, self["_scaler"], y);
  if (self.text("method", "yeo-johnson") == "box-cox") {  // scipy.special.inv_boxcox
    const auto zero = [](double l) { return l == 0; };
    const Expr l = lambda_row(y, lambdas, zero, same);
    return where(special_row(y, lambdas, zero), exp(y), exp(log1p(l * y) / l));
  }
  const Expr positive = greater_equal(y, y.scalar(0));
  const Expr up = where(positive, y, y.scalar(0)), down = where(positive, y.scalar(0), y);
  const Expr l = lambda_row(y, lambdas, is_zero, same), m = lambda_row(y, lambdas, is_two, to_two);
  const Expr above = where(special_row(y, lambdas, is_zero), exp(up) - 1.0, pow(up * l + 1.0, 1.0 / l) - 1.0);
  const Expr below = where(special_row(y, lambdas, is_two), 1.0 - exp(-down), 1.0 - pow(-m * down + 1.0, 1.0 / m));
  return where(positive, above, below);
}

Expr quantile_inverse(Context&, const Object& self, Expr y) {
  const Quantiles q = quantiles_of(self, y);
  const bool normal = to_normal(self);
  if (normal) y = apply("decant", "NormalCdf", {y});
  const Expr low = normal ? less(y - kBounds, y.scalar(0)) : equal(y, y.scalar(0));
  const Expr high = normal ? greater(y + kBounds, y.scalar(1)) : equal(y, y.scalar(1));
  return where(low, y.row(q.first), where(high, y.row(q.last), interpolate(y, q.references, q.columns)));
}

std::span<const Estimator> quantiles_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"PowerTransformer", kTransformer, power_transformer}, {"QuantileTransformer", kTransformer, quantile_transformer},
      {"KBinsDiscretizer", kTransformer, bins},              {"SplineTransformer", kTransformer, splines},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
