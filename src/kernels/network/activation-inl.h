// SPDX-License-Identifier: Apache-2.0
// The functions of activation.h on registers, for each instruction set: to be included from sources that Highway compiles once for each.
// The rational functions are fits of our own (iterated weighted least squares in x^2, relative error below 7e-8 over the range).
#if defined(DECANT_ACTIVATION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DECANT_ACTIVATION_INL_H
#undef DECANT_ACTIVATION_INL_H
#else
#define DECANT_ACTIVATION_INL_H
#endif

#include <hwy/highway.h>

#include "ops/activation.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// c0 + t * (c1 + t * (…))
template <class D, class V, class... C>
HWY_INLINE V horner(D d, V t, float c0, C... rest) {
  if constexpr (sizeof...(rest) == 0) return hn::Set(d, c0);
  else return hn::MulAdd(t, horner(d, t, rest...), hn::Set(d, c0));
}

template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  const hn::RebindToSigned<D> di;
  // e^x = 2^n * e^r, |r| <= ln(2) / 2; ln 2 in two parts so that r is exact. 2^n as two factors, because n reaches from -150 to 128.
  const V low = hn::Set(d, -104.0f), high = hn::Set(d, 89.0f);
  const V bounded = hn::Min(hn::Max(x, low), high);
  const V n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), bounded);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  // Taylor up to r^7 / 7!: the rest is below 6e-9 of the value.
  const V p = horner(d, r, 1.0f, 1.0f, 0.5f, 1.0f / 6, 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040);
  const auto whole = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(whole), rest = hn::Sub(whole, half);
  const auto power = [&](auto e) HWY_ATTR { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
  const V out = hn::Mul(hn::Mul(p, power(half)), power(rest));
  return hn::IfThenElse(hn::IsNaN(x), x, out);
}

template <class D, class V>
HWY_INLINE V erf_of(D d, V x) {
  const V one = hn::Set(d, 1.0f), c = hn::Min(hn::Max(x, hn::Set(d, -4.0f)), hn::Set(d, 4.0f)), t = hn::Mul(c, c);
  const V p = horner(d, t, 1.1283791065216064f, 0.20712397992610931f, 0.05152471363544464f, 0.0039905160665512085f, 0.00014728499809280038f, -1.9423066532908706e-06f, 1.911092262218972e-08f);
  const V q = horner(d, t, 1.0f, 0.5168901085853577f, 0.11797022074460983f, 0.01495795976370573f, 0.001021098461933434f);
  const V out = hn::Min(hn::Max(hn::Div(hn::Mul(c, p), q), hn::Neg(one)), one);
  return hn::IfThenElse(hn::IsNaN(x), x, out);
}

template <class D, class V>
HWY_INLINE V tanh_of(D d, V x) {
  const V one = hn::Set(d, 1.0f), c = hn::Min(hn::Max(x, hn::Set(d, -9.0f)), hn::Set(d, 9.0f)), t = hn::Mul(c, c);
  const V p = horner(d, t, 1.0f, 0.13084010779857635f, 0.0031039565801620483f, 1.1154312232974917e-05f, -2.0225238372972854e-08f, 5.2779527276447524e-11f, -8.488716863762e-14f);
  const V q = horner(d, t, 1.0f, 0.4641733765602112f, 0.024495180696249008f, 0.0002546145988162607f);
  const V out = hn::Min(hn::Max(hn::Div(hn::Mul(c, p), q), hn::Neg(one)), one);
  return hn::IfThenElse(hn::IsNaN(x), x, out);
}

template <class D, class V>
HWY_INLINE V sigmoid_of(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp_of(d, hn::Neg(x))));
}

// Comparisons with NaN are false: each function is written so that a NaN comes through.
template <Act kAct, class D, class V>
HWY_INLINE V act_of(D d, V x, V a, V b) {
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
  if constexpr (kAct == Act::none) return x;
  if constexpr (kAct == Act::relu) return hn::IfThenElse(hn::Lt(x, zero), zero, x);
  if constexpr (kAct == Act::clip) {
    const V y = hn::IfThenElse(hn::Lt(x, a), a, x);
    return hn::IfThenElse(hn::Gt(y, b), b, y);
  }
  if constexpr (kAct == Act::leaky_relu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(x, a), x);
  if constexpr (kAct == Act::sigmoid) return sigmoid_of(d, x);
  if constexpr (kAct == Act::tanh) return tanh_of(d, x);
  if constexpr (kAct == Act::hard_sigmoid || kAct == Act::hard_swish) {
    const V y = hn::MulAdd(x, a, b);
    const V gate = hn::IfThenElse(hn::Lt(y, zero), zero, hn::IfThenElse(hn::Gt(y, one), one, y));
    return kAct == Act::hard_swish ? hn::Mul(x, gate) : gate;
  }
  if constexpr (kAct == Act::silu) return hn::Mul(x, sigmoid_of(d, x));
  if constexpr (kAct == Act::gelu) return hn::Mul(hn::Mul(x, hn::Set(d, 0.5f)), hn::Add(one, erf_of(d, hn::Mul(x, hn::Set(d, 0.70710678f)))));
  if constexpr (kAct == Act::gelu_tanh) {
    const V cube = hn::Mul(hn::Mul(x, x), x);
    const V inner = hn::Mul(hn::Set(d, 0.79788456f), hn::MulAdd(cube, hn::Set(d, 0.044715f), x));
    return hn::Mul(hn::Mul(x, hn::Set(d, 0.5f)), hn::Add(one, tanh_of(d, inner)));
  }
  if constexpr (kAct == Act::elu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, hn::Sub(exp_of(d, x), one)), x);
  if constexpr (kAct == Act::erf) return erf_of(d, x);
  if constexpr (kAct == Act::exp) return exp_of(d, x);
  if constexpr (kAct == Act::sqrt) return hn::Sqrt(x);
  if constexpr (kAct == Act::abs) return hn::Abs(x);
  if constexpr (kAct == Act::neg) return hn::Neg(x);
}

/// f.template operator()<kAct>() for the function.
template <class F>
HWY_INLINE void with_act(Act act, F&& f) {
  switch (act) {
    case Act::none: return f.template operator()<Act::none>();
    case Act::relu: return f.template operator()<Act::relu>();
    case Act::clip: return f.template operator()<Act::clip>();
    case Act::leaky_relu: return f.template operator()<Act::leaky_relu>();
    case Act::sigmoid: return f.template operator()<Act::sigmoid>();
    case Act::tanh: return f.template operator()<Act::tanh>();
    case Act::hard_sigmoid: return f.template operator()<Act::hard_sigmoid>();
    case Act::hard_swish: return f.template operator()<Act::hard_swish>();
    case Act::silu: return f.template operator()<Act::silu>();
    case Act::gelu: return f.template operator()<Act::gelu>();
    case Act::gelu_tanh: return f.template operator()<Act::gelu_tanh>();
    case Act::elu: return f.template operator()<Act::elu>();
    case Act::erf: return f.template operator()<Act::erf>();
    case Act::exp: return f.template operator()<Act::exp>();
    case Act::sqrt: return f.template operator()<Act::sqrt>();
    case Act::abs: return f.template operator()<Act::abs>();
    case Act::neg: return f.template operator()<Act::neg>();
  }
}

/// f over an array; the rest that fills no register goes through one that is filled up with zeros.
template <class F>
HWY_INLINE void each_register(const float* in, float* out, std::size_t count, F&& f) {
  const hn::ScalableTag<float> d;
  const std::size_t n = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + n <= count; i += n) hn::StoreU(f(hn::LoadU(d, in + i)), d, out + i);
  if (i == count) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::size_t j = i; j < count; ++j) rest[j - i] = in[j];
  hn::Store(f(hn::Load(d, rest)), d, rest);
  for (std::size_t j = i; j < count; ++j) out[j] = rest[j - i];
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
