// SPDX-License-Identifier: Apache-2.0
// BatchNormalization behind a convolution goes into its weights: with s = scale / sqrt(variance + epsilon), filters are multiplied by s and
// the bias becomes (b - mean) * s + B.
#include <cmath>

#include "exec/network/draft.h"
#include "ops/op.h"

namespace decant {

void fold_batch_norm(Draft& draft) {
  const Uses uses(draft);
  for (Node& node : draft.graph.nodes) {
    if (!well_formed(node)) continue;
    if (node.op != "BatchNormalization" || !node.domain.empty() || node.inputs.size() != 5 || node.outputs.size() != 1) continue;
    const Node* conv = uses.made_by(node.inputs[0], "Conv");
    if (conv == nullptr || !uses.once(node.inputs[0])) continue;
    const AttributeView view(node);
    if (view.integer("training_mode", 0) != 0) continue;
    const Tensor* w = draft.constant(conv->inputs[1]);
    const bool biased = conv->inputs.size() > 2 && conv->inputs[2] != kNoValue;
    const Tensor* b = biased ? draft.constant(conv->inputs[2]) : nullptr;
    if (w == nullptr || w->dtype() != DType::float32 || w->rank() < 3 || w->size() == 0 || (biased && b == nullptr)) continue;
    const auto filters = static_cast<std::size_t>(w->dim(0));
    std::span<const float> of[4];
    bool fits = true;
    for (std::size_t i = 0; i < 4; ++i) {
      const Tensor* t = draft.constant(node.inputs[i + 1]);
      fits = fits && t != nullptr && t->dtype() == DType::float32 && t->rank() == 1 && t->size() == filters;
      if (fits) of[i] = t->data<float>();
    }
    if (!fits || (b != nullptr && (b->dtype() != DType::float32 || b->size() != filters))) continue;
    const double epsilon = view.real("epsilon", 1e-5);
    Tensor weights(DType::float32, w->shape()), bias(DType::float32, {w->dim(0)});
    const std::size_t each = w->size() / filters;
    const std::span<const float> from = w->data<float>();
    const std::span<float> to = weights.mutable_data<float>(), shift = bias.mutable_data<float>();
    for (std::size_t f = 0; f < filters; ++f) {
      const double s = static_cast<double>(of[0][f]) / std::sqrt(static_cast<double>(of[3][f]) + epsilon);
      const auto factor = static_cast<float>(s);
      for (std::size_t i = f * each; i < (f + 1) * each; ++i) to[i] = from[i] * factor;
      shift[f] = static_cast<float>(((b == nullptr ? 0.0 : static_cast<double>(b->data<float>()[f])) - static_cast<double>(of[2][f])) * s + static_cast<double>(of[1][f]));
    }
    Node folded = *conv;
    folded.name = node.name;
    folded.outputs = node.outputs;
    folded.inputs = {conv->inputs[0], draft.add_constant(std::move(weights)), draft.add_constant(std::move(bias))};
    node = std::move(folded);
  }
  sweep(draft);
}

}  // namespace decant
