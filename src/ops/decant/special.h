// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/expr.h"

namespace decant {

/// The error function of a float64, from operators that every ONNX runtime has in double; to about 1e-15.
Expr erf_in_double(Expr x);

}  // namespace decant
