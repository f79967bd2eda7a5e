// SPDX-License-Identifier: Apache-2.0
// What follows a convolution or a product for each element goes into it: a residual that is added, then an activation.
#include "exec/network/draft.h"
#include "ops/activation.h"

namespace decant {
namespace {

bool fusible(const Node* node) {
  if (node == nullptr || node->outputs.size() != 1) return false;
  const bool linear = node->domain == "decant" && node->op == "FusedLinear", conv = (node->domain == "decant" && node->op == "FusedConv") || (node->domain.empty() && node->op == "Conv");
  return (linear || conv) && !node->attributes.contains("activation");
}

bool fusible(const Activation& f) { return f.act != Act::erf && f.act != Act::exp && f.act != Act::sqrt && f.act != Act::abs && f.act != Act::neg; }

Node fused(const Node& from, std::vector<ValueId> outputs) {
  Node out = from;
  if (out.op == "Conv") out.domain = "decant", out.op = "FusedConv";
  out.outputs = std::move(outputs);
  return out;
}

}  // namespace

void fuse_epilogue(Draft& draft) {
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.outputs.size() != 1 || node.inputs.empty() || node.inputs[0] == kNoValue || draft.graph.value(node.outputs[0]).type.dtype != DType::float32) continue;
    const auto shape = draft.shape(node.outputs[0]);
    if (!shape) continue;
    if (node.domain.empty() && node.op == "Add") {
      // Of two that could take the other in, the later: the other's result is there already.
      for (const std::size_t i : {1, 0}) {
        const Node* from = uses.maker(node.inputs[i]);
        const ValueId other = node.inputs[1 - i];
        if (!fusible(from) || from->inputs.size() > 3 || !uses.once(node.inputs[i]) || other == node.inputs[i] || draft.constant(other) != nullptr) continue;
        if (draft.shape(other) != shape || draft.shape(node.inputs[i]) != shape || draft.graph.value(other).type.dtype != DType::float32) continue;
        Node out = fused(*from, node.outputs);
        out.inputs.resize(3, kNoValue);
        out.inputs.push_back(other);
        node = std::move(out);
        break;
      }
      continue;
    }
    std::optional<Activation> f;
    if (node.domain == "decant" && node.op == "SiLU") {
      f = Activation{Act::silu};
    } else {
      const auto constant = [&](std::size_t i) { return i < node.inputs.size() && node.inputs[i] != kNoValue ? draft.constant(node.inputs[i]) : nullptr; };
      f = activation_of_op(AttributeView(node), constant(1), constant(2));
    }
    const Node* from = uses.maker(node.inputs[0]);
    if (!f || !fusible(*f) || !fusible(from) || !uses.once(node.inputs[0])) continue;
    Node out = fused(*from, node.outputs);
    out.attributes["activation"] = std::string(name_of(f->act));
    out.attributes["activation_a"] = static_cast<double>(f->a);
    out.attributes["activation_b"] = static_cast<double>(f->b);
    node = std::move(out);
  }
  sweep(draft);
}

}  // namespace decant
