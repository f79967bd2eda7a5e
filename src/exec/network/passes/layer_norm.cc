// SPDX-License-Identifier: Apache-2.0
// (x - mean) / sqrt(mean of squares + epsilon) * gain + shift over the last axis, spelt out as files before opset 17 do, is LayerNormalization.
#include "exec/network/draft.h"
#include "ops/op.h"

namespace decant {
namespace {

// x where `id` is the mean of x over the last axis, which stays as 1.
ValueId mean_of(const Draft& draft, const Uses& uses, ValueId id) {
  const Node* mean = uses.made_by(id, "ReduceMean");
  if (mean == nullptr) return kNoValue;
  const AttributeView view(*mean);
  std::vector<std::int64_t> axes = view.integers("axes");
  if (mean->inputs.size() > 1 && mean->inputs[1] != kNoValue) {
    const Tensor* t = draft.constant(mean->inputs[1]);
    if (t == nullptr || t->size() != 1) return kNoValue;
    axes = {t->integer(0)};
  }
  const auto rank = draft.graph.value(mean->inputs[0]).type.rank();
  if (!rank || axes.size() != 1 || view.integer("keepdims", 1) == 0 || (axes[0] != -1 && axes[0] != static_cast<std::int64_t>(*rank) - 1)) return kNoValue;
  return mean->inputs[0];
}

// The centred value where `id` is its square.
ValueId root_of(const Draft& draft, const Uses& uses, ValueId id) {
  if (const Node* pow = uses.made_by(id, "Pow"); pow != nullptr && draft.scalar(pow->inputs[1]) == 2.0f) return pow->inputs[0];
  if (const Node* mul = uses.made_by(id, "Mul"); mul != nullptr && mul->inputs[0] == mul->inputs[1]) return mul->inputs[0];
  return kNoValue;
}

}  // namespace

void fuse_layer_norm(Draft& draft) {
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    // Add(Mul(Div(c, Sqrt(Add(ReduceMean(c^2), epsilon))), gain), shift), c = Sub(x, ReduceMean(x))
    if (node.op != "Add" || !node.domain.empty() || node.inputs.size() != 2) continue;
    for (const std::size_t i : {0, 1}) {
      const Node* mul = uses.made_by(node.inputs[i], "Mul");
      const Tensor* shift = draft.constant(node.inputs[1 - i]);
      if (mul == nullptr || shift == nullptr || !uses.once(node.inputs[i])) continue;
      bool done = false;
      for (const std::size_t j : {0, 1}) {
        const Node* div = uses.made_by(mul->inputs[j], "Div");
        const Tensor* gain = draft.constant(mul->inputs[1 - j]);
        if (div == nullptr || gain == nullptr || !uses.once(mul->inputs[j])) continue;
        const Node *sub = uses.made_by(div->inputs[0], "Sub"), *root = uses.made_by(div->inputs[1], "Sqrt");
        const Node* add = root == nullptr ? nullptr : uses.made_by(root->inputs[0], "Add");
        if (sub == nullptr || add == nullptr) continue;
        for (const std::size_t k : {0, 1}) {
          const auto epsilon = draft.scalar(add->inputs[k]);
          if (!epsilon || !(*epsilon >= 0)) continue;
          const ValueId square = mean_of(draft, uses, add->inputs[1 - k]), centred = square == kNoValue ? kNoValue : root_of(draft, uses, square);
          const ValueId x = sub->inputs[0];
          const auto shape = draft.shape(x);
          if (centred != div->inputs[0] || mean_of(draft, uses, sub->inputs[1]) != x || !shape || shape->empty() || shape != draft.shape(node.outputs[0])) continue;
          const Shape row{shape->back()};
          if (gain->shape() != row || shift->shape() != row || gain->dtype() != DType::float32 || shift->dtype() != DType::float32) continue;
          node = {"", "LayerNormalization", node.name, {x, mul->inputs[1 - j], node.inputs[1 - i]}, node.outputs, {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<double>(*epsilon)}}, {}};
          done = true;
          break;
        }
        if (done) break;
      }
      if (done) break;
    }
  }
  sweep(draft);
}

}  // namespace decant
