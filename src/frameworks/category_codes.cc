// SPDX-License-Identifier: Apache-2.0
#include "frameworks/category_codes.h"

#include <cmath>

namespace decant {

Expr category_codes(Expr column, const CategoryList& known, std::string_view refusal) {
  Expr list = known.is_text() ? column.constant(Tensor::vector(known.texts)) : column.constant(Tensor::vector(known.numbers));
  if (!known.is_text()) column = cast(column, DType::float64);
  const Expr hits = cast(equal(column, unsqueeze(list, 0)), DType::int32);
  const Expr found = cast(reduce_max(hits, 1, true), DType::boolean);
  const Expr missing = known.is_text() ? equal(column, column.constant(Tensor::scalar<std::string>(""))) : is_nan(column);
  Expr code = cast(unsqueeze(argmax(hits, 1), 1), DType::float64);
  if (!refusal.empty()) code = apply("decant", "Require", {code, logical_or(found, missing)}, {{"message", std::string(refusal)}});
  return where(found, code, code.scalar(std::nan("")));
}

}  // namespace decant
