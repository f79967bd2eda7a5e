// SPDX-License-Identifier: Apache-2.0
// pandas objects as pickles hold them, as far as they keep numbers by label: Series and DataFrame of plain columns (pandas 1.0 to 2.x).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frameworks/python/object.h"

namespace decant::python {

/// A Series (one column without a name) or DataFrame of numbers.
struct LabelledNumbers {
  Object labels;  // the array of the index
  std::size_t rows = 0;
  std::vector<std::string> names;              // of the columns; numbers as their text
  std::vector<std::vector<double>> columns;
  /// The column of that name. Throws corrupt where there is none.
  const std::vector<double>& column(std::string_view name, const Object& where) const;
};

/// The labels that a pandas Index holds; any other object is its own labels.
Object labels_of(const Object& object);

/// Nothing where `object` is neither; throws unsupported where it holds something else than plain numbers.
std::optional<LabelledNumbers> as_labelled(const Object& object);

}  // namespace decant::python
