// SPDX-License-Identifier: Apache-2.0
// An LSTM whose weights may be anything that multiplies: LSTM of ai.onnx and DynamicQuantizeLSTM of com.microsoft share the rest.
#pragma once

#include <functional>

#include "ops/kernel.h"

namespace decant {

/// What the weights of one kind (of the inputs, of the state) do in direction `d`: out[rows, 4 * hidden] = x[rows, …] times them.
template <class T>
using GateProduct = std::function<void(std::int64_t d, std::int64_t rows, const T* x, T* out)>;

/// LSTM-22 in float32 for inputs X, …, P at its places 0 to 7, of which 1 and 2, the weights, are only known to `inputs` and `state`.
void run_lstm(KernelContext& c, std::int64_t hidden, const GateProduct<float>& inputs, const GateProduct<float>& state);

}  // namespace decant
