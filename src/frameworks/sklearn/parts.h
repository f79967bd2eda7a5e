// SPDX-License-Identifier: Apache-2.0
// What several families share besides sklearn.h: checked rows of parameters, NumPy's functions by name, missing values, and the way
// back through a transformer.
#pragma once

#include "frameworks/sklearn/sklearn.h"
#include "ops/decant/power.h"

namespace decant::sklearn {

/// The array `attribute` of `self` as a row of float64, one number for each column of `like`.
Expr row_of(const Object& self, std::string_view attribute, Expr like);

/// `value` where `holds` is true for all elements, else an error with `message`: where scikit-learn refuses its input.
Expr require(Expr value, Expr holds, std::string_view message);

/// scikit-learn's one parameter value that stands for a missing cell: NaN, None (both: a cell without a value), a number or a text.
struct Missing {
  explicit Missing(const Object& value);
  bool is_nan = false;
  bool is_text = false;
  double number = 0;
  std::string text;
  Expr in(Expr column) const;  // where it is, boolean; text columns hold missing cells as ""
};
/// Whether `value` is None, NaN or pandas.NA.
bool is_missing(const Object& value);

/// NumPy's function `function` (a global, or an old ufunc's reconstruction) of x; `arguments` are its keyword arguments, a dict or None.
Expr numpy_function(const Object& self, const Object& function, const Object& arguments, Expr x);

/// The inverse_transform of a fitted transformer, for what TransformedTargetRegressor needs.
Expr inverse_transform(Context& context, const Object& transformer, Expr y);

/// Throws unsupported, naming the class, where decant does not run it: for has() of those that hand everything on.
void must_be_known(const Object& estimator);

/// The number that random_state holds. Throws unsupported where it holds none: `what` is then drawn anew at each call, and a generator is
/// stored where it stands, not where it began.
std::int64_t seed_of(const Object& self, std::string_view what);

/// `value`, a constant of one element, once for each element of `like`.
Expr each_row(Expr like, Expr value);

/// 0.0 for each row, [N, 1]; whatever is in the table.
Expr zero_rows(const Table& x);

/// The classes that a fitted classifier tells apart, also where a property of its class computes them.
Tensor classes_within(const Object& self, int depth = 0);

/// Labels under the first of `attributes` that holds any: an array, or a LabelEncoder.
std::optional<Tensor> stored_classes(const Object& self, std::initializer_list<const char*> attributes);

/// Vectors side by side as a matrix, all in the element type of the first.
Expr beside(std::vector<Expr> vectors);

/// Columns as one matrix: those of numbers or booleans as float64.
Result as_result(std::vector<Expr> parts);

/// Names of columns: a text, a list or array of them, a pandas Index, or a pandas array of texts (ArrowStringArray).
std::vector<std::string> names_in(const Object& names);

/// A mask attribute (boolean array) as the positions where it is true.
std::vector<std::int64_t> positions(const Object& mask);

/// The columns of `x` that the mask `attribute` of `self` is true for. Throws corrupt where it is for another number of columns.
Table chosen_by(const Object& self, std::string_view attribute, const Table& x);

/// What a class that hands its rows to `inner` knows through it: how many columns, their names, the classes.
Facts facts_through(const Object& inner);

}  // namespace decant::sklearn
