// SPDX-License-Identifier: Apache-2.0
// What linear models, regressors and classifiers, share.
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// intercept_, or no tensor where there is none.
inline Tensor intercept_of(const Object& self) { return self.set("intercept_") ? self["intercept_"].doubles() : Tensor{}; }

/// Two columns 1 - p and p from probabilities [N] of the second class.
inline Expr with_complement(Expr p) {
  p = unsqueeze(p, 1);
  return concat({1.0 - p, p}, 1);
}

}  // namespace decant::sklearn
