// SPDX-License-Identifier: Apache-2.0
// Activations that files spell out: x * Sigmoid(x) is SiLU, x * HardSigmoid(x) with 1/6 and 1/2 is HardSwish, and 0.5 * x * (1 + Erf(x / sqrt 2))
// is Gelu, whichever way its factors are grouped.
#include <cmath>

#include "exec/network/draft.h"
#include "ops/op.h"

namespace decant {
namespace {

bool near(std::optional<float> a, double b) { return a && std::abs(static_cast<double>(*a) - b) < 1e-4; }

// x where node is x * constant or x / constant with that factor.
ValueId scaled(const Draft& draft, const Node* node, double factor) {
  if (node == nullptr || !node->domain.empty() || node->inputs.size() != 2) return kNoValue;
  if (node->op == "Mul") {
    for (const std::size_t i : {0, 1}) {
      if (near(draft.scalar(node->inputs[i]), factor)) return node->inputs[1 - i];
    }
  }
  return node->op == "Div" && near(draft.scalar(node->inputs[1]), 1 / factor) ? node->inputs[0] : kNoValue;
}

// x where `id` is 1 + Erf(x / sqrt 2).
ValueId erf_gate(const Draft& draft, const Uses& uses, ValueId id) {
  const Node* add = uses.made_by(id, "Add");
  if (add == nullptr || !uses.once(id)) return kNoValue;
  for (const std::size_t i : {0, 1}) {
    const Node* erf = uses.made_by(add->inputs[i], "Erf");
    if (erf == nullptr || !uses.once(add->inputs[i]) || !near(draft.scalar(add->inputs[1 - i]), 1)) continue;
    return scaled(draft, uses.maker(erf->inputs[0]), std::sqrt(0.5));
  }
  return kNoValue;
}

// x where node is 0.5 * x * (1 + Erf(x / sqrt 2)).
ValueId gelu(const Draft& draft, const Uses& uses, const Node& node) {
  const auto pair = [&](const Node* mul) {  // x of x * gate(x)
    if (mul == nullptr) return kNoValue;
    for (const std::size_t i : {0, 1}) {
      if (const ValueId x = erf_gate(draft, uses, mul->inputs[i]); x != kNoValue && x == mul->inputs[1 - i]) return x;
    }
    return kNoValue;
  };
  for (const std::size_t i : {0, 1}) {
    if (near(draft.scalar(node.inputs[i]), 0.5) && uses.once(node.inputs[1 - i])) {
      if (const ValueId x = pair(uses.made_by(node.inputs[1 - i], "Mul")); x != kNoValue) return x;
    }
    // (0.5 * x) * gate or x * (0.5 * gate)
    if (!uses.once(node.inputs[i])) continue;
    const Node* half = uses.made_by(node.inputs[i], "Mul");
    const ValueId inside = scaled(draft, half, 0.5);
    if (inside == kNoValue) continue;
    if (const ValueId x = erf_gate(draft, uses, node.inputs[1 - i]); x != kNoValue && x == inside) return x;
    if (const ValueId x = erf_gate(draft, uses, inside); x != kNoValue && x == node.inputs[1 - i]) return x;
  }
  return kNoValue;
}

}  // namespace

void fuse_gates(Draft& draft) {
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.op != "Mul" || !node.domain.empty() || node.inputs.size() != 2 || draft.graph.value(node.outputs[0]).type.dtype != DType::float32) continue;
    for (const std::size_t i : {0, 1}) {
      const Node* gate = uses.maker(node.inputs[i]);
      const ValueId x = node.inputs[1 - i];
      if (gate == nullptr || !gate->domain.empty() || gate->inputs.size() != 1 || gate->inputs[0] != x || !uses.once(node.inputs[i])) continue;
      const AttributeView view(*gate);
      if (gate->op == "Sigmoid") {
        node = {"decant", "SiLU", node.name, {x}, node.outputs, {}, {}};
        break;
      }
      if (gate->op == "HardSigmoid" && std::abs(view.real("alpha", 0.2) - 1.0 / 6) < 1e-6 && std::abs(view.real("beta", 0.5) - 0.5) < 1e-6) {
        node = {"", "HardSwish", node.name, {x}, node.outputs, {}, {}};
        break;
      }
    }
    if (node.op != "Mul") continue;
    // A constant of higher rank than x would give the result more dimensions.
    if (const ValueId x = gelu(draft, uses, node); x != kNoValue && draft.shape(x) && draft.shape(x) == draft.shape(node.outputs[0])) node = {"", "Gelu", node.name, {x}, node.outputs, {}, {}};
  }
  sweep(draft);
}

}  // namespace decant
