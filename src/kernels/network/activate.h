// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/activation.h"

namespace decant {

/// out[i] = f(in[i]) in float32; in place where out == in. exp and what is made of it: within 2 units in the last place of float32
/// arithmetic; erf, tanh: within 4e-7.
void activate(const Activation& f, const float* in, float* out, std::size_t count);

}  // namespace decant
