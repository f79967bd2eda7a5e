// SPDX-License-Identifier: Apache-2.0
// What the kernels of decant.YeoJohnson share, and the functions that its body is made of.
#pragma once

#include <vector>

#include "ops/expr.h"

namespace decant {

/// The power of each column above zero and below it; 0 stands for the logarithm.
struct YeoJohnson {
  std::vector<double> above, below;
};

YeoJohnson yeo_johnson_of(const AttributeView& c);
/// The input, of the right type and width.
const Tensor& yeo_johnson_input(const KernelContext& c, const YeoJohnson& powers);

/// log(1 + x) and exp(x) - 1 as exact as log and exp are (Kahan).
Expr log1p(Expr x);
Expr expm1(Expr x);

}  // namespace decant
