// SPDX-License-Identifier: Apache-2.0
// What classifiers made of pairs of classes share.
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// Scores [N, classes] from the decisions of pairs [N, pairs] (0 against 1, 0 against 2, …): votes, ties told apart by confidence.
/// `second_won` tells whether the second class of the pair won, `confidence` is the larger the surer it did.
Expr votes_with_confidence(Context& context, Version version, Expr second_won, Expr confidence, std::int64_t classes);

}  // namespace decant::sklearn
