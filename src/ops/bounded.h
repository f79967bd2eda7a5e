// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/op.h"

namespace decant {

/// Memory for output `i` of a shape that values (and not the shapes of the inputs) ask for: such a shape may be anything, so more than
/// 256 MiB and sixteen times the inputs is refused with limit.
Tensor& output_by_value(KernelContext& c, std::size_t i, DType dtype, Shape shape);

}  // namespace decant
