// SPDX-License-Identifier: Apache-2.0
// What the reference kernels of distances share with the fast ones.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace decant {

enum class Metric : std::uint8_t {
  euclidean, sqeuclidean, manhattan, chebyshev, minkowski, cosine, hamming, canberra, braycurtis,
  jaccard, dice, rogerstanimoto, russellrao, sokalmichener, sokalsneath, nan_euclidean
};

struct Measure {
  Metric metric = Metric::euclidean;
  double p = 2;
  bool expanded = false;
};

/// The attributes metric, p and expanded. Throws unsupported or corrupt.
Measure measure_of(const AttributeView& node);

struct Near {
  double distance;
  std::int64_t index;
};

/// Takes the item into the heap of the k nearest, as scikit-learn does, where it is nearer than the farthest of them.
void keep_nearest(std::vector<Near>& heap, Near item);
/// In scikit-learn's order, which is not a stable one.
void sort_nearest(Near* items, std::int64_t count);

}  // namespace decant
