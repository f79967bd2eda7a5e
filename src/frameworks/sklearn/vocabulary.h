// SPDX-License-Identifier: Apache-2.0
// Dictionaries of terms or feature names, and the sparse rows that vectorizers make.
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// A dict of texts and positions 0 … n-1 (vocabulary_) as texts in order.
Tensor vocabulary_of(const Object& dict);

/// What a vectorizer gives: the rows as a plain matrix of `dtype`, remembered as sparse (Context::sparse_rows) for linear().
Expr dense_rows(Context& context, const SparseTable& rows, DType dtype = DType::float64);

}  // namespace decant::sklearn
