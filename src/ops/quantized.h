// SPDX-License-Identifier: Apache-2.0
// What the operators on quantized numbers share, those of ai.onnx and those of com.microsoft.
#pragma once

#include <cmath>
#include <limits>

#include "ops/kernel.h"

namespace decant {

/// Which scale belongs to which element.
struct ScaleMap {
  enum Kind { one, per_axis, blocked } kind = one;
  std::int64_t total = 0, inner = 1, length = 1, block = 1, blocks = 1;

  /// f(element, scale) for all elements in order.
  template <class F>
  void each(F&& f) const {
    for (std::int64_t i = 0; i < total; ++i) {
      std::int64_t k = 0;
      if (kind == per_axis) k = i / inner % length;
      else if (kind == blocked) k = (i / (inner * length) * blocks + i / inner % length / block) * inner + i % inner;
      f(static_cast<std::size_t>(i), static_cast<std::size_t>(k));
    }
  }
};
/// Rules of QuantizeLinear-21: `scale` has one element, or one for each index of `axis`, or one for each block of `block` along it.
ScaleMap scale_map(const AttributeView& node, const Shape& x, const Shape& scale, std::int64_t axis, std::int64_t block);

/// 8-bit (and 16-bit) numbers less their zero point, as int32. A zero point for each index belongs to `axis`.
Tensor shifted(const AttributeView& node, const Tensor& x, const Tensor* zero, std::size_t axis);
/// The product of two such matrices, as int32.
Tensor integer_product(const AttributeView& node, const Tensor& a, const Tensor& b, const Tensor* a_zero, const Tensor* b_zero);

/// The scale and zero point by which all numbers (and 0) fit uint8 (DynamicQuantizeLinear-11).
struct DynamicScale {
  float scale = 1;
  std::uint8_t zero = 0;
  std::uint8_t quantize(float v) const {
    const float q = std::nearbyint(v / scale) + static_cast<float>(zero);
    return std::isnan(q) ? std::uint8_t{0} : static_cast<std::uint8_t>(std::min(std::max(q, 0.0f), 255.0f));
  }
};
DynamicScale dynamic_scale(std::span<const float> x);

/// Output 0: value(i), a multiple of the scale, rounded to even, plus the zero point, kept in the range of the zero point's type.
template <class F>
void requantize(KernelContext& c, const Tensor& zero, const Shape& shape, F&& value) {
  dispatch(c, zero.dtype(), Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ>{}, [&]<class T>() {
    const std::span<T> to = c.output(0, zero.dtype(), shape).template mutable_data<T>();
    const double shift = zero.number(0);
    for (std::size_t i = 0; i < to.size(); ++i) {
      if constexpr (is_real<T>) {
        to[i] = T(value(i) + static_cast<float>(shift));
      } else {
        const double rounded = std::nearbyint(static_cast<double>(value(i))) + shift;
        to[i] = static_cast<T>(std::isnan(rounded) ? 0 : std::min(std::max(rounded, static_cast<double>(std::numeric_limits<T>::lowest())), static_cast<double>(std::numeric_limits<T>::max())));
      }
    }
  });
}

}  // namespace decant
