// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/format.h"

namespace decant::onnx {

/// Writes ONNX of operator sets ai.onnx 21 and ai.onnx.ml 5. Our own operators are written as their bodies in standard ONNX; what that
/// loses is added to `losses`. Throws unsupported for what ONNX cannot hold. The bytes depend on the model alone.
void write(const Model& model, Sink& sink, std::vector<Loss>& losses);

}  // namespace decant::onnx
