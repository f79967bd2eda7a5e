// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/format.h"

namespace decant::onnx {

/// Writes ONNX of operator sets ai.onnx 21 and ai.onnx.ml 5. Our own operators are written as their bodies in standard ONNX; what that
/// loses is added to `losses`. Throws unsupported for what ONNX cannot hold. Where the file would have 2 GiB or more, which no protocol buffer can,
/// tensors go into a second file, `<name>.data` beside it. The bytes depend on the model alone, and in that case on the file's name.
void write(const Model& model, Sink& sink, std::vector<Loss>& losses);
/// The same with another bound than 2 GiB.
void write(const Model& model, Sink& sink, std::vector<Loss>& losses, std::uint64_t most);

}  // namespace decant::onnx
