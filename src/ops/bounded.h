// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/op.h"

namespace decant {

inline constexpr std::uint64_t kMostByValue = std::uint64_t{256} << 20;

/// What values (and not the shapes of the inputs) may ask for here: 256 MiB, or what the user allows where that is more, and sixteen times
/// the inputs.
std::uint64_t most_by_value(const KernelContext& c);

/// Memory for output `i` of a shape that values ask for: such a shape may be anything, so more than most_by_value is refused with limit.
Tensor& output_by_value(KernelContext& c, std::size_t i, DType dtype, Shape shape);

}  // namespace decant
