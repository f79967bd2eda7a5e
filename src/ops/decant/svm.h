// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "ops/op.h"

namespace decant {

/// The attributes of decant.KernelMatrix.
struct SvmKernel {
  enum Kind : std::uint8_t { linear, poly, rbf, sigmoid };
  Kind kind = rbf;
  double gamma = 0, coef0 = 0;
  std::int64_t degree = 3;
};

/// Throws unsupported or corrupt.
SvmKernel svm_kernel_of(const AttributeView& node);

}  // namespace decant
