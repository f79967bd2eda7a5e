// SPDX-License-Identifier: Apache-2.0
// decant.NormalCdf and decant.NormalQuantile (scipy.special.ndtr, ndtri: the Cephes approximations that SciPy 1.17 uses, xsf/cephes),
// decant.Interpolate (numpy.interp) and decant.SearchSorted (numpy.searchsorted) on constant knots.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "ops/decant/special.h"
#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// Coefficients of the Cephes Mathematical Library (S. L. Moshier), highest power first.
using Poly = std::span<const double>;
constexpr double kErfcNear[] = {2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0, 4.86371970985681366614e1, 1.96520832956077098242e2,
                                5.26445194995477358631e2,   9.34528527171957607540e2,  1.02755188689515710272e3, 5.57535335369399327526e2};
constexpr double kErfcNearDown[] = {1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
                                    1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3, 5.57535340817727675546e2};
constexpr double kErfcFar[] = {5.64189583547755073984e-1, 1.27536670759978104416e0, 5.01905042251180477414e0,
                               6.16021097993053585195e0,  7.40974269950448939160e0, 2.97886665372100240670e0};
constexpr double kErfcFarDown[] = {1.0, 2.26052863220117276590e0, 9.39603524938001434673e0, 1.20489539808096656605e1,
                                   1.70814450747565897222e1, 9.60896809063285878198e0, 3.36907645100081516050e0};
constexpr double kErf[] = {9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3, 5.55923013010394962768e4};
constexpr double kErfDown[] = {1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4, 4.92673942608635921086e4};

constexpr double kMiddle[] = {-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1, -1.23916583867381258016e0};
constexpr double kMiddleDown[] = {1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
                                  2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1, -1.18331621121330003142e0};
constexpr double kTail[] = {4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1, 1.46849561928858024014e1,
                            2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2, -8.57456785154685413611e-4};
constexpr double kTailDown[] = {1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
                                2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2, -9.33259480895457427372e-4};
constexpr double kFarTail[] = {3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0, 1.33303460815807542389e0, 2.01485389549179081538e-1,
                               1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6, 6.23974539184983293730e-9};
constexpr double kFarTailDown[] = {1.0, 6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0, 2.16236993594496635890e-1,
                                   1.34204006088543189037e-2, 3.28014464682127739104e-4, 2.89247864745380683936e-6, 6.79019408009981274425e-9};
constexpr double kExpMinus2 = 0.13533528323661269189;  // exp(-2), where the middle ends
constexpr double kRoot2Pi = 2.50662827463100050242;
constexpr double kMaxLog = 7.09782712893383996732e2;  // exp(-x^2) is 0 beyond

// Horner's rule. In Cephes the leading 1 of a denominator is not multiplied; 1 * x is exact, so it may be here.
template <class V>
V polynomial(V x, Poly c) {
  V out = x * c[0] + c[1];
  for (std::size_t i = 2; i < c.size(); ++i) out = out * x + c[i];
  return out;
}

double cdf(double a) {
  if (std::isnan(a)) return a;
  const double x = a * (std::numbers::sqrt2 / 2), z = std::fabs(x);
  if (z < 1) {
    const double t = x * x;
    return 0.5 + 0.5 * (x * polynomial(t, kErf) / polynomial(t, kErfDown));
  }
  const double t = -z * z;
  double tail = 0;
  if (t >= -kMaxLog) tail = z < 8 ? std::exp(t) * polynomial(z, kErfcNear) / polynomial(z, kErfcNearDown) : std::exp(t) * polynomial(z, kErfcFar) / polynomial(z, kErfcFarDown);
  const double y = 0.5 * tail;
  return x > 0 ? 1 - y : y;
}

double quantile(double p) {
  if (p == 0) return -std::numeric_limits<double>::infinity();
  if (p == 1) return std::numeric_limits<double>::infinity();
  if (!(p > 0 && p < 1)) return std::numeric_limits<double>::quiet_NaN();
  const bool upper = p > 1.0 - kExpMinus2;
  double y = upper ? 1 - p : p;
  if (y > kExpMinus2) {
    y -= 0.5;
    const double t = y * y;
    return (y + y * (t * polynomial(t, kMiddle) / polynomial(t, kMiddleDown))) * kRoot2Pi;
  }
  const double x = std::sqrt(-2 * std::log(y)), x0 = x - std::log(x) / x, z = 1 / x;
  const double x1 = x < 8 ? z * polynomial(z, kTail) / polynomial(z, kTailDown) : z * polynomial(z, kFarTail) / polynomial(z, kFarTailDown);
  return upper ? x0 - x1 : -(x0 - x1);
}

template <double (*F)(double)>
void map(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), Types<float, double>{}, [&]<class T>() {
    const std::span<const T> in = c.input(0).data<T>();
    const std::span<T> out = c.output(0, dtype_of<T>, c.input(0).shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<T>(F(static_cast<double>(in[i])));
  });
}

// erf inside [-1, 1] and erfc(|x|) outside it. Each is computed for all, so its argument is kept where it is meant to be.
Expr erf_middle(Expr x) {
  const Expr t = x * x;
  return x * polynomial(t, kErf) / polynomial(t, kErfDown);
}
Expr erfc_tail(Expr z) {
  const Expr near = clip(z, 1, 8), far = clip(z, 8, 26.6);
  const Expr near_tail = exp(-(near * near)) * polynomial(near, kErfcNear) / polynomial(near, kErfcNearDown);
  const Expr far_tail = exp(-(far * far)) * polynomial(far, kErfcFar) / polynomial(far, kErfcFarDown);
  return where(less(z, z.scalar(8)), near_tail, where(greater(z * z, z.scalar(kMaxLog)), z.scalar(0), far_tail));
}

std::vector<ValueId> lower_cdf(Builder& b, const Node&, const std::vector<ValueId>& inputs) {
  const Expr given(b, inputs.at(0)), a = cast(given, DType::float64);
  const Expr x = a * (std::numbers::sqrt2 / 2), z = abs(x);
  const Expr tail = erfc_tail(z) * 0.5, outer = where(greater(x, x.scalar(0)), 1.0 - tail, tail);
  const Expr out = where(is_nan(a), a, where(less(z, z.scalar(1)), erf_middle(x) * 0.5 + 0.5, outer));
  return {cast(out, given.dtype()).id()};
}

std::vector<ValueId> lower_quantile(Builder& b, const Node&, const std::vector<ValueId>& inputs) {
  const Expr given(b, inputs.at(0)), p = cast(given, DType::float64);
  const Expr upper = greater(p, p.scalar(1.0 - kExpMinus2)), y = where(upper, 1.0 - p, p);
  const Expr centred = clip(y, kExpMinus2, 1.0 - kExpMinus2) - 0.5, t = centred * centred;
  const Expr middle = (centred + centred * (t * polynomial(t, kMiddle) / polynomial(t, kMiddleDown))) * kRoot2Pi;
  // 5e-324 is the smallest number above 0; at 0 and below the answer comes from the last line.
  const Expr small = clip(y, 5e-324, kExpMinus2), x = sqrt(log(small) * -2.0), x0 = x - log(x) / x, z = 1.0 / x;
  const Expr near = z * polynomial(z, kTail) / polynomial(z, kTailDown), far = z * polynomial(z, kFarTail) / polynomial(z, kFarTailDown);
  const Expr tail = x0 - where(less(x, x.scalar(8)), near, far);
  Expr out = where(greater(y, y.scalar(kExpMinus2)), middle, where(upper, tail, -tail));
  constexpr double kInf = std::numeric_limits<double>::infinity();
  out = where(equal(p, p.scalar(0)), p.scalar(-kInf), where(equal(p, p.scalar(1)), p.scalar(kInf), out));
  const Expr inside = logical_and(greater_equal(p, p.scalar(0)), less_equal(p, p.scalar(1)));
  out = where(inside, out, p.scalar(std::numeric_limits<double>::quiet_NaN()));
  return {cast(out, given.dtype()).id()};
}

// --- knots ------------------------------------------------------------------------------------------------------------------------------

// A list of knots for every element ([K]), or one for each column ([F, K]).
const Tensor& knots_of(const AttributeView& c, std::string_view name) {
  const Tensor& t = c.tensor(name);
  if (t.dtype() != DType::float64 || t.rank() < 1 || t.rank() > 2 || t.size() == 0) {
    c.fail(Code::corrupt, format("{} is {}{}, not float64 of rank 1 or 2", name, name_of(t.dtype()), text_of(t.shape())));
  }
  return t;
}

// f(value, row of knots) for each element of X.
template <class Out, class F>
void each_element(KernelContext& c, const Tensor& knots, F&& f) {
  const Tensor& x = c.input(0);
  const bool by_column = knots.rank() == 2;
  if (by_column && (x.rank() == 0 || x.shape().back() != knots.dim(0))) c.fail(Code::mismatch, format("knots for {} columns, the input has shape {}", knots.dim(0), text_of(x.shape())));
  const std::size_t columns = by_column ? static_cast<std::size_t>(knots.dim(0)) : 1;
  dispatch(c, x.dtype(), Types<float, double>{}, [&]<class T>() {
    using To = std::conditional_t<std::is_same_v<Out, void>, T, std::int64_t>;
    const std::span<const T> in = x.data<T>();
    const std::span<To> out = c.output(0, dtype_of<To>, x.shape()).template mutable_data<To>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<To>(f(static_cast<double>(in[i]), i % columns));
  });
}

void interpolate(KernelContext& c) {
  const Tensor &xs = knots_of(c, "x"), &ys = knots_of(c, "y");
  if (xs.shape() != ys.shape()) c.fail(Code::corrupt, format("knots {} and {}", text_of(xs.shape()), text_of(ys.shape())));
  const auto n = static_cast<std::size_t>(xs.shape().back());
  each_element<void>(c, xs, [&](double v, std::size_t column) {
    const double *x = xs.data<double>().data() + column * n, *y = ys.data<double>().data() + column * n;
    if (std::isnan(v)) return v;
    const auto above = static_cast<std::size_t>(std::upper_bound(x, x + n, v) - x);  // x[above - 1] <= v < x[above]
    if (above == 0) return y[0];
    const std::size_t j = above - 1;
    if (j == n - 1) return y[n - 1];
    if (x[j] == v) return y[j];
    const double slope = (y[j + 1] - y[j]) / (x[j + 1] - x[j]);
    double out = slope * (v - x[j]) + y[j];
    if (std::isnan(out)) {  // infinite knots: from the other side
      out = slope * (v - x[j + 1]) + y[j + 1];
      if (std::isnan(out) && y[j] == y[j + 1]) out = y[j];
    }
    return out;
  });
}

bool is_right(const AttributeView& c) {
  const std::string_view side = c.text("side", "left");
  if (side != "left" && side != "right") c.fail(Code::corrupt, format("side {}", side));
  return side == "right";
}

void search_sorted(KernelContext& c) {
  const Tensor& edges = knots_of(c, "edges");
  const bool right = is_right(c);
  const auto n = static_cast<std::size_t>(edges.shape().back());
  each_element<std::int64_t>(c, edges, [&](double v, std::size_t column) {
    const double* e = edges.data<double>().data() + column * n;
    if (std::isnan(v)) return static_cast<std::int64_t>(n);  // NaN sorts last
    return static_cast<std::int64_t>((right ? std::upper_bound(e, e + n, v) : std::lower_bound(e, e + n, v)) - e);
  });
}

void infer_search_sorted(InferContext& c) {
  infer_same(c);
  c.outputs[0].dtype = DType::int64;
}

// Binary search by arithmetic: how many of the K sorted knots are below (or at) each element. Steps of 2^b, 2^(b-1), …, 1 are taken where the
// knot at the end of the step passes. The knots are followed by NaN, which never passes. Each column's knots stand in one flat list.
struct Search {
  Expr flat;      // all knots, each row padded
  Expr base;      // where an element's row of knots begins
  Expr position;  // int64, as the input
};
Search search(Expr x, const Tensor& knots, bool with_equal) {
  const auto n = static_cast<std::size_t>(knots.shape().back());
  std::size_t step = 1;
  while (step <= n) step *= 2;
  const std::size_t wide = 2 * step, rows = knots.size() / n;
  std::vector<double> flat(rows * wide, std::numeric_limits<double>::quiet_NaN());
  std::vector<std::int64_t> bases(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    bases[r] = static_cast<std::int64_t>(r * wide);
    std::copy_n(knots.data<double>().begin() + static_cast<std::ptrdiff_t>(r * n), n, flat.begin() + static_cast<std::ptrdiff_t>(r * wide));
  }
  Search out;
  out.flat = x.constant(Tensor::vector(flat));
  out.base = knots.rank() == 2 ? x.constant(Tensor::vector(bases)) : x.constant(Tensor::scalar<std::int64_t>(0));
  // Zeros in the shape of x: not x * 0, which is NaN for an infinity.
  out.position = cast(less(abs(x), x.scalar(-1)), DType::int64);
  for (; step > 0; step /= 2) {
    const Expr knot = gather(out.flat, out.position + out.base + static_cast<double>(step - 1), 0);
    const Expr passes = with_equal ? less_equal(knot, x) : less(knot, x);
    out.position = out.position + cast(passes, DType::int64) * static_cast<double>(step);
  }
  return out;
}

std::vector<ValueId> lower_search_sorted(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const AttributeView c(node);
  const Tensor& edges = knots_of(c, "edges");
  const Expr x = cast(Expr(b, inputs.at(0)), DType::float64);
  const Expr position = search(x, edges, is_right(c)).position;
  return {where(is_nan(x), position.scalar(static_cast<double>(edges.shape().back())), position).id()};
}

std::vector<ValueId> lower_interpolate(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const AttributeView c(node);
  const Tensor &xs = knots_of(c, "x"), &ys = knots_of(c, "y");
  const Expr given(b, inputs.at(0)), v = cast(given, DType::float64);
  const auto n = static_cast<std::size_t>(xs.shape().back());
  const Search s = search(v, xs, true);
  const Expr flat_y = search(v, ys, true).flat;
  const double last = static_cast<double>(n - 1);
  const Expr lowest = s.position.scalar(0), highest = s.position.scalar(last);
  const Expr j = maximum(s.position - 1.0, lowest), next = minimum(j + 1.0, highest);
  const Expr x0 = gather(s.flat, j + s.base, 0), x1 = gather(s.flat, next + s.base, 0), y0 = gather(flat_y, j + s.base, 0), y1 = gather(flat_y, next + s.base, 0);
  const Expr slope = (y1 - y0) / (x1 - x0);
  Expr out = slope * (v - x0) + y0;
  const Expr other = slope * (v - x1) + y1;
  out = where(is_nan(out), where(is_nan(other), y0, other), out);
  const Expr at_knot = logical_or(equal(s.position, lowest), logical_or(greater(s.position, highest), equal(x0, v)));
  out = where(is_nan(v), v, where(at_knot, y0, out));
  return {cast(out, given.dtype()).id()};
}

constexpr Op kOps[] = {
    {"decant", "NormalCdf", "The normal distribution function, element by element (scipy.special.ndtr).", infer_same, map<cdf>, nullptr, lower_cdf},
    {"decant", "NormalQuantile", "Its inverse (scipy.special.ndtri): infinite at 0 and 1, NaN outside.", infer_same, map<quantile>, nullptr, lower_quantile},
    {"decant", "Interpolate", "numpy.interp through the knots of attributes x and y, float64 [K] or, for each column of the last dimension, [F, K].", infer_same, interpolate,
     nullptr, lower_interpolate},
    {"decant", "SearchSorted", "numpy.searchsorted in the sorted attribute edges, float64 [K] or [F, K], side left or right; int64.", infer_search_sorted, search_sorted,
     nullptr, lower_search_sorted},
};

}  // namespace

DECANT_AT_START std::span<const Op> special_ops() { return kOps; }

Expr erf_in_double(Expr x) {
  const Expr z = abs(x), outer = apply("Sign", {x}) * (1.0 - erfc_tail(z));
  return where(is_nan(x), x, where(less(z, z.scalar(1)), erf_middle(x), outer));
}

}  // namespace decant
