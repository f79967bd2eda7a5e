// SPDX-License-Identifier: Apache-2.0
// Probabilities out of log-likelihoods [N, K], as several families make them.
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// scipy.special.logsumexp over the classes, kept as a column: log(Σ exp(a - max)) + max.
inline Expr log_sum_exp(Expr scores) {
  const Expr top = reduce_max(scores, 1, true);
  return log(reduce_sum(exp(scores - top), 1, true)) + top;
}

/// DiscriminantAnalysisPredictionMixin.predict_log_proba (sklearn/discriminant_analysis.py, since 1.6).
inline Expr log_softmax_of(Expr scores) {
  const Expr likelihood = scores - reduce_max(scores, 1, true);
  return likelihood - log(reduce_sum(exp(likelihood), 1, true));
}

/// Scores [N, K] of two classes as their difference [N], others as they are.
inline Expr difference_of_two(Expr scores) {
  if (scores.dim(1) != 2) return scores;
  return squeeze(slice(scores, 1, 2, 1) - slice(scores, 0, 1, 1), 1);
}

/// 1 for inliers, -1 for outliers.
inline Expr inlier_labels(Context& context, Expr inlier) {
  return where(inlier, context.constant(Tensor::scalar<std::int64_t>(1)), context.constant(Tensor::scalar<std::int64_t>(-1)));
}

}  // namespace decant::sklearn
