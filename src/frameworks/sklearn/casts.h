// SPDX-License-Identifier: Apache-2.0
// What a cast to a type of Python, NumPy or pandas makes of a column: the `dtype` of sklearn2pmml's domains and transformers.
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// The name of a type: builtins.str, numpy.float64, numpy.dtype("f8"), "datetime64[D]", pandas' CategoricalDtype ("category"), or dill's
/// _load_type("str"); "" for None.
std::string type_name(const Object& type);

/// A column as texts; a whole number without a point.
Expr as_text(const Object& self, const Table& x, std::size_t column);

/// Column `column` [N, 1] as `type` (as type_name gives it; "category" is no conversion: the values stay, see note_categories). Throws
/// unsupported for one that decant does not know.
Expr converted(const Object& self, const std::string& type, const Table& x, std::size_t column);

/// The codes of column `column` where it is one of pandas' categories (see note_categories), float64 [N, 1]; nothing where it is not.
std::optional<Expr> category_codes_of(const Context& context, const Table& x, std::size_t column);

/// Notes that column [N, 1] of `x` holds nothing but `values`, an array in the order of pandas' codes: boosters take the codes.
void note_categories(Context& context, const Table& x, const Object& values);

}  // namespace decant::sklearn
