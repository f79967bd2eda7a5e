// SPDX-License-Identifier: Apache-2.0
// A column of categories as the codes that a boosting library trained on: the place of each value in a stored list.
#pragma once

#include <string>
#include <vector>

#include "ops/expr.h"

namespace decant {

/// The categories of one column, in the order of their codes: texts or numbers. None: the column is no category, or holds codes already.
struct CategoryList {
  std::vector<std::string> texts;
  std::vector<double> numbers;
  bool empty() const { return texts.empty() && numbers.empty(); }
  bool is_text() const { return !texts.empty(); }
};

/// The code of each row of `column` [N, 1] (string for texts, else a number) as float64; NaN for a missing cell ("" or NaN). A value that is
/// in no list is NaN too, or an error with `refusal` where that is not empty.
Expr category_codes(Expr column, const CategoryList& known, std::string_view refusal);

}  // namespace decant
