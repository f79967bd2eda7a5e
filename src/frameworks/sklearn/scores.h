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

/// Labels of several outputs as columns of one matrix, in the type of the first; of one output as they are.
inline Expr side_by_side(std::vector<Expr> parts, bool as_matrix) {
  if (!as_matrix) return parts.at(0);
  for (Expr& p : parts) p = unsqueeze(cast(p, parts[0].dtype()), 1);
  return concat(parts, 1);
}

/// Position of element `i` of `label` among the classes, or -1.
inline std::int64_t position_of(const Tensor& classes, const Tensor& label, std::size_t i) {
  const bool text = classes.dtype() == DType::string;
  if (text != (label.dtype() == DType::string)) return -1;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (text ? classes.data<std::string>()[c] == label.data<std::string>()[i] : classes.number(c) == label.number(i)) return static_cast<std::int64_t>(c);
  }
  return -1;
}

/// 1 for inliers, -1 for outliers.
inline Expr inlier_labels(Context& context, Expr inlier) {
  return where(inlier, context.constant(Tensor::scalar<std::int64_t>(1)), context.constant(Tensor::scalar<std::int64_t>(-1)));
}

}  // namespace decant::sklearn
