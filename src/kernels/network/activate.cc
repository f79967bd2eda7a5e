// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/network/activate.cc"
#include "kernels/network/targets.h"
#include <hwy/foreach_target.h>

#include "kernels/network/activate.h"
#include "kernels/network/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

void activate_array(const Activation& f, const float* in, float* out, std::size_t count) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, f.a), b = hn::Set(d, f.b);
  with_act(f.act, [&]<Act kAct>() HWY_ATTR { each_register(in, out, count, [&](auto x) HWY_ATTR { return act_of<kAct>(d, x, a, b); }); });
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(activate_array);

void activate(const Activation& f, const float* in, float* out, std::size_t count) { HWY_DYNAMIC_DISPATCH(activate_array)(f, in, out, count); }

}  // namespace decant
#endif
