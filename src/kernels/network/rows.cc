// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/network/rows.cc"
#include "kernels/network/targets.h"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/network/activation-inl.h"
#include "kernels/network/rows.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;
using V = hn::Vec<Floats>;

template <class F>
HWY_INLINE void binary_loop(const float* a, std::size_t a_step, const float* b, std::size_t b_step, float* out, std::size_t count, F&& f) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  std::size_t i = 0;
  if (a_step == 1 && b_step == 1) {
    for (; i + n <= count; i += n) hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  } else if (a_step == 1) {
    const V y = hn::Set(d, *b);
    for (; i + n <= count; i += n) hn::StoreU(f(hn::LoadU(d, a + i), y), d, out + i);
  } else {
    const V x = hn::Set(d, *a);
    for (; i + n <= count; i += n) hn::StoreU(f(x, b_step == 1 ? hn::LoadU(d, b + i) : hn::Set(d, *b)), d, out + i);
  }
  for (; i < count; ++i) out[i] = hn::GetLane(f(hn::Set(d, a[i * a_step]), hn::Set(d, b[i * b_step])));
}

void binary_rows(Binary op, const float* a, std::size_t a_step, const float* b, std::size_t b_step, float* out, std::size_t count) {
  switch (op) {
    case Binary::add: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::Add(x, y); });
    case Binary::sub: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::Sub(x, y); });
    case Binary::mul: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::Mul(x, y); });
    case Binary::div: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::Div(x, y); });
    // A NaN on either side is the answer, as in NumPy.
    case Binary::max: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Gt(x, y)), x, y); });
    case Binary::min: return binary_loop(a, a_step, b, b_step, out, count, [](V x, V y) HWY_ATTR { return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Lt(x, y)), x, y); });
  }
}

void softmax_of(const float* x, float scale, const float* mask, float* out, std::size_t count) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  const V s = hn::Set(d, scale);
  V most = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + n <= count; i += n) {
    V v = hn::Mul(hn::LoadU(d, x + i), s);
    if (mask != nullptr) v = hn::Add(v, hn::LoadU(d, mask + i));
    hn::StoreU(v, d, out + i);
    most = hn::Max(most, v);
  }
  // What fills no register goes through one whose other lanes are -infinity, of which e^x is 0.
  const std::size_t rest = i;
  HWY_ALIGN float line[HWY_MAX_BYTES / sizeof(float)];
  if (rest < count) {
    hn::Store(hn::Set(d, -std::numeric_limits<float>::infinity()), d, line);
    for (; i < count; ++i) line[i - rest] = x[i] * scale + (mask != nullptr ? mask[i] : 0.0f);
    most = hn::Max(most, hn::Load(d, line));
  }
  const float top = hn::GetLane(hn::MaxOfLanes(d, most));
  const V shift = hn::Set(d, top);
  V total = hn::Zero(d);
  for (i = 0; i + n <= count; i += n) {
    const V e = exp_of(d, hn::Sub(hn::LoadU(d, out + i), shift));
    hn::StoreU(e, d, out + i);
    total = hn::Add(total, e);
  }
  if (rest < count) {
    const V e = exp_of(d, hn::Sub(hn::Load(d, line), shift));
    hn::Store(e, d, line);
    total = hn::Add(total, e);
  }
  const float by = 1.0f / hn::GetLane(hn::SumOfLanes(d, total));
  const V factor = hn::Set(d, by);
  for (i = 0; i + n <= count; i += n) hn::StoreU(hn::Mul(hn::LoadU(d, out + i), factor), d, out + i);
  for (; i < count; ++i) out[i] = line[i - rest] * by;
}

// Sums in several registers, so that large values do not swallow small ones.
Moments moments_of(const float* x, std::size_t count) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  V s0 = hn::Zero(d), s1 = s0;
  std::size_t i = 0;
  for (; i + 2 * n <= count; i += 2 * n) {
    s0 = hn::Add(s0, hn::LoadU(d, x + i));
    s1 = hn::Add(s1, hn::LoadU(d, x + i + n));
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
  for (; i < count; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(count);
  const V m = hn::Set(d, mean);
  s0 = s1 = hn::Zero(d);
  for (i = 0; i + 2 * n <= count; i += 2 * n) {
    const V u = hn::Sub(hn::LoadU(d, x + i), m), v = hn::Sub(hn::LoadU(d, x + i + n), m);
    s0 = hn::MulAdd(u, u, s0);
    s1 = hn::MulAdd(v, v, s1);
  }
  float squares = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
  for (; i < count; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, squares / static_cast<float>(count)};
}

void scale_of(const float* x, float mean, float factor, float shift, float* out, std::size_t count) {
  const Floats d;
  const V m = hn::Set(d, mean), f = hn::Set(d, factor), s = hn::Set(d, shift);
  each_register(x, out, count, [&](V v) HWY_ATTR { return hn::MulAdd(hn::Sub(v, m), f, s); });
}

void norm_of(const float* x, float epsilon, const float* gain, const float* shift, float* out, std::size_t count) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  const Moments moments = moments_of(x, count);
  const float mean = moments.mean;
  const V m = hn::Set(d, mean);
  std::size_t i = 0;
  const float by = 1.0f / std::sqrt(moments.variance + epsilon);
  const V factor = hn::Set(d, by);
  for (i = 0; i + n <= count; i += n) {
    V v = hn::Mul(hn::Sub(hn::LoadU(d, x + i), m), factor);
    if (gain != nullptr) v = hn::Mul(v, hn::LoadU(d, gain + i));
    if (shift != nullptr) v = hn::Add(v, hn::LoadU(d, shift + i));
    hn::StoreU(v, d, out + i);
  }
  for (; i < count; ++i) out[i] = (x[i] - mean) * by * (gain != nullptr ? gain[i] : 1.0f) + (shift != nullptr ? shift[i] : 0.0f);
}

double sum_of(const float* x, std::size_t count) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  V s0 = hn::Zero(d), s1 = s0;
  std::size_t i = 0;
  for (; i + 2 * n <= count; i += 2 * n) {
    s0 = hn::Add(s0, hn::LoadU(d, x + i));
    s1 = hn::Add(s1, hn::LoadU(d, x + i + n));
  }
  double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1))));
  for (; i < count; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

void lstm_of(const float* gates, const float* p, float* cell, float* out, std::size_t hidden) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  const auto step = [&](V i, V o, V f, V c, V before, V pi, V po, V pf, V& now) HWY_ATTR {
    now = hn::MulAdd(sigmoid_of(d, hn::MulAdd(pf, before, f)), before, hn::Mul(sigmoid_of(d, hn::MulAdd(pi, before, i)), tanh_of(d, c)));
    return hn::Mul(sigmoid_of(d, hn::MulAdd(po, now, o)), tanh_of(d, now));
  };
  const V zero = hn::Zero(d);
  std::size_t j = 0;
  for (; j + n <= hidden; j += n) {
    V now;
    const auto at = [&](std::size_t gate) HWY_ATTR { return hn::LoadU(d, gates + gate * hidden + j); };
    const auto peep = [&](std::size_t gate) HWY_ATTR { return p == nullptr ? zero : hn::LoadU(d, p + gate * hidden + j); };
    const V h = step(at(0), at(1), at(2), at(3), hn::LoadU(d, cell + j), peep(0), peep(1), peep(2), now);
    hn::StoreU(now, d, cell + j);
    hn::StoreU(h, d, out + j);
  }
  for (; j < hidden; ++j) {
    V now;
    const auto at = [&](std::size_t gate) HWY_ATTR { return hn::Set(d, gates[gate * hidden + j]); };
    const auto peep = [&](std::size_t gate) HWY_ATTR { return p == nullptr ? zero : hn::Set(d, p[gate * hidden + j]); };
    out[j] = hn::GetLane(step(at(0), at(1), at(2), at(3), hn::Set(d, cell[j]), peep(0), peep(1), peep(2), now));
    cell[j] = hn::GetLane(now);
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(binary_rows);
HWY_EXPORT(softmax_of);
HWY_EXPORT(moments_of);
HWY_EXPORT(scale_of);
HWY_EXPORT(norm_of);
HWY_EXPORT(sum_of);
HWY_EXPORT(lstm_of);

void binary_row(Binary op, const float* a, std::size_t a_step, const float* b, std::size_t b_step, float* out, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(binary_rows)(op, a, a_step, b, b_step, out, count);
}
void softmax_row(const float* x, float scale, const float* mask, float* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(softmax_of)(x, scale, mask, out, count); }
void norm_row(const float* x, float epsilon, const float* gain, const float* shift, float* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(norm_of)(x, epsilon, gain, shift, out, count); }
Moments moments_row(const float* x, std::size_t count) { return HWY_DYNAMIC_DISPATCH(moments_of)(x, count); }
void scale_row(const float* x, float mean, float factor, float shift, float* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(scale_of)(x, mean, factor, shift, out, count); }
double sum_row(const float* x, std::size_t count) { return HWY_DYNAMIC_DISPATCH(sum_of)(x, count); }
void lstm_row(const float* gates, const float* peepholes, float* cell, float* out, std::size_t hidden) { HWY_DYNAMIC_DISPATCH(lstm_of)(gates, peepholes, cell, out, hidden); }

}  // namespace decant
#endif
