// SPDX-License-Identifier: Apache-2.0
// For kernels that are written for float and double only: 16-bit numbers go in as float32 and come out rounded once.
#pragma once

#include "base/checked.h"
#include "ops/kernel.h"

namespace decant {

using RealTypes = Types<float, double>;

/// float16 and bfloat16 as float32; anything else as it is.
Tensor widened(const Tensor& t);
/// float32 as `dtype` (float16 or bfloat16); anything else as it is.
Tensor narrowed(const Tensor& t, DType dtype);
/// Any number (small types included) as float32 or as T of RealTypes.
Tensor as_real(const AttributeView& node, const Tensor& t, DType dtype);

/// Runs `kernel`, which knows float32 and float64, on 16-bit inputs as well. Where the first input is 16 bits wide, the results before
/// `keep` that are float32 take its element type.
void run_widened(KernelContext& c, void (*kernel)(KernelContext&), std::size_t keep);
template <auto Kernel, std::size_t Keep = 64>
void in_float(KernelContext& c) {
  run_widened(c, Kernel, Keep);
}

/// An index of a container.
inline std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace decant
