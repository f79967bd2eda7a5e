// SPDX-License-Identifier: Apache-2.0
// Operators on float64 that onnxruntime (1.31, CPU) has in float32 only, said with those that it has in float64. Attributes, which ONNX
// keeps in float32, become constants of float64 on the way, so that nothing is lost there either.
#pragma once

#include "formats/format.h"
#include "ops/builder.h"

namespace decant::onnx {

/// The outputs of `node` written that way; nothing where the node can stay as it is. What cannot be said in float64 is computed in
/// float32, and is a loss.
std::optional<std::vector<ValueId>> portable(Builder& b, const Node& node, const std::vector<ValueId>& inputs, std::vector<Loss>& losses);

/// Factors of matrix products made so that no optimizer turns them into float32 attributes.
void keep_factors_exact(Graph& graph);

}  // namespace decant::onnx
