// SPDX-License-Identifier: Apache-2.0
// The attributes of decant.TreeEnsemble, read and verified: for its reference kernel and for its fast one.
#pragma once

#include <optional>
#include <vector>

#include "ops/forest.h"

namespace decant {

struct TreeEnsemble {
  enum class Aggregate : std::uint8_t { sum, leaf, each };

  // Leaves that are linear in the features: constants[leaf] + Σ coefficients[i] * x[features[i]] over offsets[leaf] <= i < offsets[leaf + 1],
  // in this order; values[leaf] where one of these features is NaN.
  struct Linear {
    std::vector<double> constants, coefficients;
    std::vector<std::int32_t> offsets, features;
    std::int32_t feature_count = 0;
    double at(std::size_t leaf, double value, const double* x) const {
      double out = constants[leaf];
      for (auto i = static_cast<std::size_t>(offsets[leaf]); i < static_cast<std::size_t>(offsets[leaf + 1]); ++i) {
        const double v = x[features[i]];
        if (v != v) return value;
        out += coefficients[i] * v;
      }
      return out;
    }
  };

  // What does not depend on the element type of the features.
  struct Shared {
    Aggregate aggregate = Aggregate::sum;
    Tensor values;                      // [leaves, K]
    std::int64_t width = 1;             // K
    std::int64_t outputs = 1;
    std::vector<std::int32_t> targets;  // empty: K columns from every tree
    std::vector<std::int64_t> leaf_ids;  // of aggregate "leaf": what row i of `values` is called; empty: by its node
    std::optional<Tensor> base;
    std::optional<Linear> linear;       // then K is 1, everything is double, and aggregate is sum
  };

  DType features = DType::undefined;
  Shared shared;
  Forest<float> narrow;  // one of the two
  Forest<double> wide;
};

/// Throws corrupt, naming the node and what is wrong with it.
TreeEnsemble read_tree_ensemble(const AttributeView& node);

}  // namespace decant
