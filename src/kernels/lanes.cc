// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lanes.cc"
#include "kernels/network/targets.h"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

#include <cmath>

#include "kernels/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class F, class G>
HWY_INLINE void each_pair(const double* a, bool a_steps, const double* b, bool b_steps, double* out, std::size_t count, F wide, G one) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (a_steps && b_steps) {
    for (; i + lanes <= count; i += lanes) hn::StoreU(wide(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  } else if (a_steps) {
    const auto same = hn::Set(d, *b);
    for (; i + lanes <= count; i += lanes) hn::StoreU(wide(hn::LoadU(d, a + i), same), d, out + i);
  } else if (b_steps) {
    const auto same = hn::Set(d, *a);
    for (; i + lanes <= count; i += lanes) hn::StoreU(wide(same, hn::LoadU(d, b + i)), d, out + i);
  }
  for (; i < count; ++i) out[i] = one(a[a_steps ? i : 0], b[b_steps ? i : 0]);
}

void pairs(Lane2 op, const double* a, bool a_steps, const double* b, bool b_steps, double* out, std::size_t count) {
  const auto run = [&](auto wide, auto one) HWY_ATTR { each_pair(a, a_steps, b, b_steps, out, count, wide, one); };
  switch (op) {
    case Lane2::add: return run([](auto x, auto y) HWY_ATTR { return hn::Add(x, y); }, [](double x, double y) { return x + y; });
    case Lane2::sub: return run([](auto x, auto y) HWY_ATTR { return hn::Sub(x, y); }, [](double x, double y) { return x - y; });
    case Lane2::mul: return run([](auto x, auto y) HWY_ATTR { return hn::Mul(x, y); }, [](double x, double y) { return x * y; });
    case Lane2::div: return run([](auto x, auto y) HWY_ATTR { return hn::Div(x, y); }, [](double x, double y) { return x / y; });
  }
}

/// Numbers in [low, high], which 1 is in, by `wide`, all others by `one`: what becomes of a number does not depend on those beside it.
template <class F, class G>
HWY_INLINE void each_number(const double* in, double* out, std::size_t count, double low, double high, F wide, G one) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto least = hn::Set(d, low), most = hn::Set(d, high);
  HWY_ALIGN double from[hn::MaxLanes(hn::ScalableTag<double>())], to[hn::MaxLanes(hn::ScalableTag<double>())];
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, in + i);
    const auto inside = hn::And(hn::Ge(x, least), hn::Le(x, most));
    if (HWY_LIKELY(hn::AllTrue(d, inside))) {
      hn::StoreU(wide(d, x), d, out + i);
    } else {
      hn::Store(x, d, from);
      hn::StoreU(wide(d, hn::IfThenElse(inside, x, hn::Set(d, 1.0))), d, out + i);
      for (std::size_t l = 0; l < lanes; ++l) {
        if (!(from[l] >= low && from[l] <= high)) out[i + l] = one(from[l]);
      }
    }
  }
  if (i == count) return;
  for (std::size_t l = 0; l < lanes; ++l) {
    const bool is_inside = i + l < count && in[i + l] >= low && in[i + l] <= high;
    from[l] = is_inside ? in[i + l] : 1.0;
  }
  hn::Store(wide(d, hn::Load(d, from)), d, to);
  for (std::size_t l = 0; i + l < count; ++l) out[i + l] = in[i + l] >= low && in[i + l] <= high ? to[l] : one(in[i + l]);
}

void numbers(Lane1 f, const double* in, double* out, std::size_t count) {
  constexpr double kAny = HUGE_VAL;
  const auto run = [&](double low, double high, auto wide, auto one) HWY_ATTR { each_number(in, out, count, low, high, wide, one); };
  switch (f) {
    case Lane1::exp: return run(-700, 700, [](auto d, auto x) HWY_ATTR { return hn::Exp(d, x); }, [](double x) { return std::exp(x); });
    case Lane1::log: return run(0x1p-1000, 0x1p1000, [](auto d, auto x) HWY_ATTR { return hn::Log(d, x); }, [](double x) { return std::log(x); });
    case Lane1::log1p: return run(0, 0x1p1000, [](auto d, auto x) HWY_ATTR { return hn::Log1p(d, x); }, [](double x) { return std::log1p(x); });
    case Lane1::expm1: return run(-700, 700, [](auto d, auto x) HWY_ATTR { return hn::Expm1(d, x); }, [](double x) { return std::expm1(x); });
    case Lane1::tanh: return run(-300, 300, [](auto d, auto x) HWY_ATTR { return hn::Tanh(d, x); }, [](double x) { return std::tanh(x); });
    case Lane1::sin: return run(-30'000, 30'000, [](auto d, auto x) HWY_ATTR { return hn::Sin(d, x); }, [](double x) { return std::sin(x); });
    case Lane1::cos: return run(-30'000, 30'000, [](auto d, auto x) HWY_ATTR { return hn::Cos(d, x); }, [](double x) { return std::cos(x); });
    case Lane1::sqrt: return run(-kAny, kAny, [](auto, auto x) HWY_ATTR { return hn::Sqrt(x); }, [](double x) { return std::sqrt(x); });
    case Lane1::relu:  // NaN stays NaN
      return run(-kAny, kAny, [](auto d, auto x) HWY_ATTR { return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x); }, [](double x) { return x < 0 ? 0 : x; });
    case Lane1::sigmoid:  // e^-|x| never overflows, and both forms are accurate for their sign
      return run(-700, 700,
                 [](auto d, auto x) HWY_ATTR {
                   const auto one = hn::Set(d, 1.0), e = hn::Exp(d, hn::Neg(hn::Abs(x)));
                   return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
                 },
                 [](double x) {
                   const double e = std::exp(-std::fabs(x));
                   return x < 0 ? e / (1 + e) : 1 / (1 + e);
                 });
  }
}

/// Rows one by one: the best of each lane and where it was, then the best of the lanes.
template <bool kLargest>
HWY_INLINE void arg_rows(const double* in, std::size_t rows, std::size_t n, std::int64_t* out) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto first = hn::Iota(d, 0), worst = hn::Set(d, kLargest ? -HUGE_VAL : HUGE_VAL), beyond = hn::Set(d, 0x1p60);
  const std::size_t whole = n / lanes * lanes;
  const auto rest = hn::FirstN(d, n - whole);
  const auto better = [](auto a, auto b) HWY_ATTR { return kLargest ? hn::Gt(a, b) : hn::Lt(a, b); };
  for (std::size_t r = 0; r < rows; ++r) {
    const double* x = in + r * n;
    auto best = worst, at = beyond, index = first;  // an infinity on the worst side is found where nothing is better
    auto strange = hn::Lt(worst, worst);
    const auto look = [&](auto v, auto there) HWY_ATTR {
      const auto take = hn::And(there, hn::Or(better(v, best), hn::And(hn::Eq(at, beyond), hn::Eq(v, best))));
      strange = hn::Or(strange, hn::And(there, hn::IsNaN(v)));
      best = hn::IfThenElse(take, v, best);
      at = hn::IfThenElse(take, index, at);
      index = hn::Add(index, hn::Set(d, static_cast<double>(lanes)));
    };
    for (std::size_t k = 0; k < whole; k += lanes) look(hn::LoadU(d, x + k), hn::Eq(worst, worst));
    if (whole < n) look(hn::MaskedLoad(rest, d, x + whole), rest);
    if (HWY_UNLIKELY(!hn::AllFalse(d, strange))) {
      std::size_t k = 0;
      while (!std::isnan(x[k])) ++k;
      out[r] = static_cast<std::int64_t>(k);
      continue;
    }
    const auto all = hn::And(hn::Eq(best, kLargest ? hn::MaxOfLanes(d, best) : hn::MinOfLanes(d, best)), hn::Lt(at, beyond));
    out[r] = static_cast<std::int64_t>(hn::GetLane(hn::MinOfLanes(d, hn::IfThenElse(all, at, beyond))));
  }
}

void args(bool largest, const double* in, std::size_t rows, std::size_t n, std::int64_t* out) {
  if (largest) arg_rows<true>(in, rows, n, out);
  else arg_rows<false>(in, rows, n, out);
}

void expanded(const double* products, const double* norms, double norm, double* out, std::size_t count) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto same = hn::Set(d, norm), twice = hn::Set(d, -2.0);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::Add(hn::Add(same, hn::Mul(twice, hn::LoadU(d, products + i))), hn::LoadU(d, norms + i));
    hn::StoreU(hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), v), d, out + i);
  }
  for (; i < count; ++i) {
    const double v = norm + -2 * products[i] + norms[i];
    out[i] = v > 0 ? v : 0;
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(pairs);
HWY_EXPORT(numbers);
HWY_EXPORT(args);
HWY_EXPORT(expanded);

void lanes2(Lane2 op, const double* a, bool a_steps, const double* b, bool b_steps, double* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(pairs)(op, a, a_steps, b, b_steps, out, count);
}
void lanes1(Lane1 f, const double* in, double* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(numbers)(f, in, out, count); }
void lanes_expanded(const double* products, const double* norms, double norm, double* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(expanded)(products, norms, norm, out, count); }
void lanes_arg(bool largest, const double* in, std::size_t rows, std::size_t n, std::int64_t* out) { HWY_DYNAMIC_DISPATCH(args)(largest, in, rows, n, out); }

}  // namespace decant
#endif
