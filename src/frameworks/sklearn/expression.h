// SPDX-License-Identifier: Apache-2.0
// The small Python expressions that sklearn2pmml.preprocessing.ExpressionTransformer keeps as text: X[0] (or X[:, 0], X["name"]), numbers,
// texts, True and False, + - * / // % **, comparisons (also in a row), `in` a list, and, or, not, `a if c else b`, pandas.isnull and
// pandas.notnull, functions of one number of math and numpy. Anything else is refused. Nothing is ever given to a Python.
#pragma once

#include <string_view>

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// The text of a parameter that is one, or a sklearn2pmml.util.Expression without functions of its own.
std::string expression_text(const Object& parameter);

/// The value for each row, [N, 1]: float64, boolean or text.
Expr expression(const Object& self, std::string_view text, const Table& x);

}  // namespace decant::sklearn
