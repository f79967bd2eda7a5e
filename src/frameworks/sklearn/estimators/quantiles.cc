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
  if (stable) return apply("decant", "YeoJohnson", {x}, {{"lambdas", lambdas}});
  // Both signs are one formula of the size, with another power: 2 - lambda below zero.
  const Expr positive = greater_equal(x, x.scalar(0)), size = abs(x);
  const Expr by = where(positive, lambda_row(x, lambdas, is_zero, same), lambda_row(x, lambdas, is_two, to_two));
  const bool logs = std::ranges::any_of(lambdas, [](double l) { return is_zero(l) || is_two(l); });
  const Expr logarithm = logs ? log1p(size) : Expr{};
  Expr out = (pow(size + 1.0, by) - 1.0) / by;
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

/// Whether an encoder of bins knows the numbers from 0 on in each column, keeps them all, and has the default type.
bool counts_up(const Object& encoder, std::size_t width, std::int64_t bins) {
  if (!encoder.is_a("OneHotEncoder") || encoder.boolean("_legacy_mode", false) || encoder.set("drop_idx_") || encoder.boolean("_infrequent_enabled", false) || !encoder.set("dtype")) return false;
  const auto type = python::as_type(encoder.tree(), encoder["dtype"].node());
  if (!type || type->kind != 'f' || type->itemsize != 8) return false;
  const std::vector<Object> lists = encoder["categories_"].elements();
  return lists.size() == width && std::ranges::all_of(lists, [&](const Object& list) {
           const std::vector<double> values = list.list();
           for (std::size_t k = 0; k < values.size(); ++k) {
             if (values[k] != static_cast<double>(k)) return false;
           }
           return static_cast<std::int64_t>(values.size()) == bins;
         });
}

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
  std::vector<std::vector<double>> inner;
  for (const Object& list : edges) {
    const std::vector<double> all = list.list();
    if (all.size() < 2) self.fail(Code::corrupt, "bins without edges");
    inner.emplace_back(all.begin() + 1, all.end() - 1);
  }
  const bool ordinal = self.text("encode", "onehot") == "ordinal";
  const auto search = [](Expr v, Tensor at) { return apply("decant", "SearchSorted", {v}, {{"edges", std::move(at)}, {"side", std::string("right")}}); };
  if (!inner.empty() && !inner[0].empty() && std::ranges::all_of(inner, [&](const auto& e) { return e.size() == inner[0].size(); })) {  // all columns at once
    const Expr codes = search(x, rows_of(inner));
    const auto bins = static_cast<std::int64_t>(inner[0].size()) + 1;
    if (ordinal) return cast(codes, DType::float64);
    if (const Object encoder = self["_encoder"]; !self.set("dtype") && counts_up(encoder, inner.size(), bins)) {
      Tensor known(DType::int64, {static_cast<std::int64_t>(inner.size()), bins});
      for (std::size_t i = 0; i < known.size(); ++i) known.mutable_data<std::int64_t>()[i] = static_cast<std::int64_t>(i) % bins;
      return apply("decant", "Indicators", {codes, codes.constant(known)});  // no code can be one that the encoder does not know
    }
    return context.value(self["_encoder"], Method::transform, Table(cast(codes, DType::float64)));
  }
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    const Expr column = columns(x, {static_cast<std::int64_t>(i)});
    if (inner[i].empty()) parts.push_back(cast(less(column, column.scalar(-std::numeric_limits<double>::infinity())), DType::float64));
    else parts.push_back(cast(search(column, Tensor::vector(inner[i])), DType::float64));
  }
  const Expr codes = concat(parts, 1);
  if (ordinal) return codes;
  return context.value(self["_encoder"], Method::transform, Table(codes));
}

// --- SplineTransformer ---------------------------------------------------------------------------------------------------------------

/// The basis functions of a row of splines at v [N, columns], times their coefficients.
struct SplineRow {
  std::vector<double> knots, coefficients;  // one column after the other
  std::int64_t columns = 0, degree = 0, outputs = 0;

  void add(const std::vector<double>& t, std::span<const double> c) {
    knots.insert(knots.end(), t.begin(), t.end());
    coefficients.insert(coefficients.end(), c.begin(), c.end());
    ++columns;
  }
  Expr at(Expr v) const {
    const auto width = static_cast<std::int64_t>(knots.size()) / columns;
    return apply("decant", "SplineBasis", {v}, {{"knots", Tensor::of<double>({columns, width}, knots)}, {"coefficients", Tensor::of<double>({columns, width - degree - 1, outputs}, coefficients)}, {"degree", degree}});
  }
};

/// Every basis function at one number, or its derivative.
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

struct Spline {
  std::vector<double> t;
  std::vector<double> c;  // [functions, outputs]
  std::int64_t degree = 0, functions = 0, outputs = 0;
  double low() const { return t[static_cast<std::size_t>(degree)]; }
  double high() const { return t[static_cast<std::size_t>(functions)]; }
  bool like(const Spline& o) const { return t.size() == o.t.size() && degree == o.degree && outputs == o.outputs; }
};

Spline spline_of(const Object& o) {
  Spline out;
  out.t = o.any({"t", "_t"}).list();
  const Tensor coefficients = o.any({"c", "_c"}).doubles();
  out.degree = o["k"].integer();
  out.functions = static_cast<std::int64_t>(out.t.size()) - out.degree - 1;
  if (out.degree < 0 || out.degree > 20 || out.functions <= out.degree || coefficients.rank() != 2 || coefficients.dim(0) < out.functions || coefficients.dim(1) < 1) {
    o.fail(Code::corrupt, format("a spline of degree {} on {} knots", out.degree, out.t.size()));
  }
  out.outputs = coefficients.dim(1);
  const std::span<const double> c = coefficients.data<double>().first(static_cast<std::size_t>(out.functions * out.outputs));
  out.c.assign(c.begin(), c.end());
  return out;
}

/// Where the splines are asked: `v` with a low and a high end for each column, as `mode` treats what lies outside.
Expr inside(const Object& self, Expr v, const std::string& mode, const std::vector<double>& low, const std::vector<double>& high) {
  const Expr l = v.row(low), h = v.row(high);
  if (mode == "periodic") {  // numpy's remainder: its sign is the divisor's
    std::vector<double> spans;
    for (std::size_t i = 0; i < low.size(); ++i) spans.push_back(high[i] - low[i]);
    const Expr span = v.row(spans), rest = apply("Mod", {v - l, span}, {{"fmod", std::int64_t{1}}});
    return where(less(rest, rest.scalar(0)), rest + span, rest) + l;
  }
  if (mode == "constant" || mode == "linear") return where(less(v, l), l, where(greater(v, h), h, v));  // NaN stays NaN
  if (mode == "error") return require(v, logical_and(greater_equal(v, l), less_equal(v, h)), "X contains values beyond the limits of the knots");
  if (mode != "continue") unsupported(self, format("extrapolation {}", printable(mode)));
  return v;
}

Result splines(Context&, const Object& self, Method, const Table& table) {
  const Expr x = table.matrix();
  const std::vector<Object> list = self["bsplines_"].elements();
  if (static_cast<std::int64_t>(list.size()) != x.dim(1) || list.empty()) self.fail(Code::corrupt, format("splines of {} columns, where {} come in", list.size(), x.dim(1)));
  const std::string mode = self.text("extrapolation", "constant");
  const bool gaps = self.text("handle_missing", "error") == "zeros", bias = self.boolean("include_bias", true);
  std::vector<Spline> all;
  for (const Object& o : list) all.push_back(spline_of(o));
  // Columns that are alike, and where each answer comes from one value alone, are done in one step.
  const bool together = !gaps && mode != "linear" && (mode != "constant" || all[0].degree > 0) && std::ranges::all_of(all, [&](const Spline& s) { return s.like(all[0]); });
  std::vector<Expr> parts;
  for (std::size_t f = 0; f < all.size(); f += together ? all.size() : 1) {
    const std::size_t end = together ? all.size() : f + 1;
    const Spline& s = all[f];
    SplineRow row;
    row.degree = s.degree;
    row.outputs = bias ? s.outputs : s.outputs - 1;
    std::vector<double> lows, highs;
    for (std::size_t i = f; i < end; ++i) {
      std::vector<double> c;
      for (std::size_t k = 0; k < all[i].c.size(); ++k) {
        if (bias || static_cast<std::int64_t>(k) % s.outputs != s.outputs - 1) c.push_back(all[i].c[k]);
      }
      row.add(all[i].t, c);
      lows.push_back(all[i].low());
      highs.push_back(all[i].high());
    }
    const Expr given = together ? x : columns(x, {static_cast<std::int64_t>(f)});
    Expr v = given;
    if (gaps) v = where(is_nan(v), v.row(lows), v);
    Expr out = row.at(inside(self, v, mode, lows, highs));
    if (mode == "constant" && s.degree == 0) {
      out = where(logical_or(less(given, given.row(lows)), greater(given, given.row(highs))), out.scalar(0), out);
    } else if (mode == "linear") {  // the first and last few go on along their tangents
      const std::int64_t ends = s.degree <= 1 ? s.degree + 1 : s.degree;
      const auto tangent = [&](double at, std::size_t in, std::int64_t begin) {
        std::vector<double> value = spline_at(at, in, s.t, s.degree, false), slope = spline_at(at, in, s.t, s.degree, true);
        for (std::int64_t j = 0; j < s.outputs; ++j) {
          if (j < begin || j >= begin + ends) value.at(static_cast<std::size_t>(j)) = slope.at(static_cast<std::size_t>(j)) = 0;
        }
        value.resize(static_cast<std::size_t>(row.outputs));
        slope.resize(static_cast<std::size_t>(row.outputs));
        return out.row(value) + (given - at) * out.row(slope);
      };
      out = where(less(given, given.scalar(s.low())), tangent(s.low(), static_cast<std::size_t>(s.degree), 0), out);
      out = where(greater(given, given.scalar(s.high())), tangent(s.high(), static_cast<std::size_t>(s.functions - 1), s.outputs - ends), out);
    }
    if (gaps) out = where(is_nan(given), out.scalar(0), out);
    parts.push_back(out);
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

DECANT_AT_START std::span<const Estimator> quantiles_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"PowerTransformer", kTransformer, power_transformer}, {"QuantileTransformer", kTransformer, quantile_transformer},
      {"KBinsDiscretizer", kTransformer, bins},              {"SplineTransformer", kTransformer, splines},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
