// SPDX-License-Identifier: Apache-2.0
// The attributes of decant.TreeEnsemble, read and verified: for its reference kernel and for its fast one.
#pragma once

#include <optional>
#include <vector>

#include "ops/forest.h"

namespace decant {

struct TreeEnsemble {
  enum class Aggregate : std::uint8_t { sum, leaf, each };

  // What does not depend on the element type of the features.
  struct Shared {
    Aggregate aggregate = Aggregate::sum;
    Tensor values;                      // [leaves, K]
    std::int64_t width = 1;             // K
    std::int64_t outputs = 1;
    std::vector<std::int32_t> targets;  // empty: K columns from every tree
    std::optional<Tensor> base;
  };

  DType features = DType::undefined;
  Shared shared;
  Forest<float> narrow;  // one of the two
  Forest<double> wide;
};

/// Throws corrupt, naming the node and what is wrong with it.
TreeEnsemble read_tree_ensemble(const AttributeView& node);

}  // namespace decant
