// SPDX-License-Identifier: Apache-2.0
// MatMul, scale, mask, Softmax, MatMul become FusedAttention, which also reads and writes through the transpositions around it.
#include "exec/network/draft.h"
#include "ops/op.h"

namespace decant {
namespace {

// Reads `id`, whose axes are `axes`, from before the transposition that made it, where the kernel can.
void through_transpose(const Draft& draft, const Uses& uses, ValueId& id, std::string& axes, bool last_stays) {
  const Node* transpose = uses.made_by(id, "Transpose");
  if (transpose == nullptr || !draft.is_float(transpose->inputs[0], 4)) return;
  const std::vector<std::int64_t> perm = AttributeView(*transpose).integers("perm");
  if (perm.size() != 4) return;
  std::string before = "    ";
  for (std::size_t i = 0; i < 4; ++i) {
    if (perm[i] < 0 || perm[i] > 3) return;
    before[static_cast<std::size_t>(perm[i])] = axes[i];
  }
  if (last_stays && before[3] != 'd') return;
  id = transpose->inputs[0];
  axes = before;
}

}  // namespace

void fuse_attention(Draft& draft) {
  const Uses first(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.op != "MatMul" || !node.domain.empty() || !draft.is_float(node.inputs[0], 4) || !draft.is_float(node.inputs[1], 4)) continue;
    const Node* softmax = first.made_by(node.inputs[0], "Softmax");
    if (softmax == nullptr || !first.once(node.inputs[0])) continue;
    if (const std::int64_t axis = AttributeView(*softmax).integer("axis", -1); axis != -1 && axis != 3) continue;
    ValueId scores = softmax->inputs[0], mask = kNoValue;
    const Node* product = nullptr;
    double scale = 1;
    const auto scaled_product = [&](ValueId id) {
      const Node* by = first.maker(id);
      if (by == nullptr || !by->domain.empty() || !first.once(id)) return false;
      scale = 1;
      if (by->op == "Mul" || by->op == "Div") {
        const std::size_t side = by->op == "Mul" && draft.scalar(by->inputs[0]) ? 1 : 0;
        const auto factor = draft.scalar(by->inputs[1 - side]);
        if (!factor || *factor == 0 || !first.once(by->inputs[side])) return false;
        scale = by->op == "Mul" ? static_cast<double>(*factor) : 1 / static_cast<double>(*factor);
        by = first.maker(by->inputs[side]);
      }
      product = by != nullptr && by->op == "MatMul" && by->domain.empty() ? by : nullptr;
      return product != nullptr && draft.shape(id) && draft.shape(id) == draft.shape(product->outputs[0]);
    };
    if (!scaled_product(scores)) {
      const Node* add = first.made_by(scores, "Add");
      if (add == nullptr || !first.once(scores)) continue;
      const std::size_t side = scaled_product(add->inputs[0]) ? 0 : 1;
      if (side == 1 && !scaled_product(add->inputs[1])) continue;
      mask = add->inputs[1 - side];
      const auto rank = draft.graph.value(mask).type.rank();
      if (!rank || !draft.is_float(mask, *rank) || draft.shape(scores) != draft.shape(add->inputs[side])) continue;
    }
    ValueId q = product->inputs[0], k = product->inputs[1], v = node.inputs[1];
    if (!draft.is_float(q, 4) || !draft.is_float(k, 4)) continue;
    const Shape qs = *draft.shape(q), ks = *draft.shape(k), vs = *draft.shape(v);
    if (qs[0] != ks[0] || qs[1] != ks[1] || qs[0] != vs[0] || qs[1] != vs[1]) continue;
    std::string lq = "bhtd", lk = "bhdt", lv = "bhtd";
    through_transpose(draft, first, q, lq, true);
    through_transpose(draft, first, k, lk, false);
    through_transpose(draft, first, v, lv, false);
    node = {"decant", "FusedAttention", node.name, {q, k, v}, node.outputs, {{"scale", scale}, {"layout_q", lq}, {"layout_k", lk}, {"layout_v", lv}, {"layout_out", std::string("bhtd")}}, {}};
    if (mask != kNoValue) node.inputs.push_back(mask);
  }
  sweep(draft);
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.op != "Transpose" || !node.domain.empty()) continue;
    const Node* attention = uses.made_by(node.inputs[0], "FusedAttention", "decant");
    const std::vector<std::int64_t> perm = AttributeView(node).integers("perm");
    if (attention == nullptr || !uses.once(node.inputs[0]) || perm.size() != 4 || perm[3] != 3) continue;
    std::string out = "    ";
    bool fits = true;
    for (std::size_t i = 0; i < 4; ++i) {
      fits = fits && perm[i] >= 0 && perm[i] < 4;
      if (fits) out[i] = "bhtd"[perm[i]];
    }
    if (!fits) continue;
    Node fused = *attention;
    fused.attributes["layout_out"] = out;
    fused.outputs = node.outputs;
    node = std::move(fused);
  }
  sweep(draft);
}

}  // namespace decant
