// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul by a matrix become FusedLinear, with the bias that is added behind.
#include "exec/network/draft.h"
#include "ops/op.h"

namespace decant {
namespace {

std::optional<Node> from_gemm(Draft& draft, const Node& node) {
  const AttributeView view(node);
  if (!draft.is_float(node.inputs[0], 2) || !draft.is_float(node.inputs[1], 2) || view.integer("transA", 0) != 0) return std::nullopt;
  const Shape shape = *draft.shape(node.outputs[0]);
  Node out{"decant", "FusedLinear", node.name, {node.inputs[0], node.inputs[1]}, node.outputs, {{"trans_w", view.integer("transB", 0)}}, {}};
  if (const double alpha = view.real("alpha", 1.0); alpha != 1.0) out.attributes["alpha"] = alpha;
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue && view.real("beta", 1.0) != 0.0) {
    if (view.real("beta", 1.0) != 1.0 || draft.graph.value(node.inputs[2]).type.dtype != DType::float32) return std::nullopt;
    const auto c = draft.shape(node.inputs[2]);
    if (c == shape) out.inputs = {node.inputs[0], node.inputs[1], kNoValue, node.inputs[2]};
    else if (c == Shape{shape[1]}) out.inputs.push_back(node.inputs[2]);
    else if (c == Shape{1, shape[1]} && draft.constant(node.inputs[2]) != nullptr) out.inputs.push_back(draft.add_constant(draft.constant(node.inputs[2])->reshaped({shape[1]})));
    else return std::nullopt;
  }
  return out;
}

}  // namespace

void fuse_linear(Draft& draft) {
  {
    for (Node& node : draft.graph.nodes) {
      if (!well_formed(node)) continue;
      if (!node.domain.empty() || node.outputs.size() != 1 || !draft.shape(node.outputs[0])) continue;
      if (node.op == "Gemm") {
        if (auto linear = from_gemm(draft, node)) node = std::move(*linear);
      } else if (node.op == "MatMul") {
        const auto rank = draft.graph.value(node.inputs[0]).type.rank();
        if (!rank || *rank < 2 || !draft.is_float(node.inputs[0], *rank) || !draft.is_float(node.inputs[1], 2)) continue;
        node = {"decant", "FusedLinear", node.name, node.inputs, node.outputs, {}, {}};
      }
    }
  }
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.op != "Add" || !node.domain.empty() || node.inputs.size() != 2) continue;
    for (const std::size_t i : {0, 1}) {
      const Node* linear = uses.made_by(node.inputs[i], "FusedLinear", "decant");
      if (linear == nullptr || linear->inputs.size() > 2 || !uses.once(node.inputs[i]) || draft.shape(node.outputs[0]) != draft.shape(node.inputs[i])) continue;
      const ValueId bias = node.inputs[1 - i];
      const auto shape = draft.shape(bias);
      if (!draft.is_float(bias, 1) || shape->at(0) != draft.shape(node.inputs[i])->back()) continue;
      Node fused = *linear;
      fused.inputs.push_back(bias);
      fused.outputs = node.outputs;
      node = std::move(fused);
      break;
    }
  }
  sweep(draft);
}

}  // namespace decant
