// SPDX-License-Identifier: Apache-2.0
// What the kernels of decant.NearestCenter share.
#pragma once

#include <vector>

#include "ops/op.h"

namespace decant {

struct Centers {
  std::size_t count = 0, width = 0;
  std::vector<double> by_feature;  // -2c, [width, count]
  std::vector<double> norms;       // |c|^2
};

Centers centers_of(const AttributeView& c);
/// The input must be rows of float64 of their width.
void check_centers(const KernelContext& c, const Centers& centers);

}  // namespace decant
