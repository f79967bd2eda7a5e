// SPDX-License-Identifier: Apache-2.0
// A column compared with the categories that an encoder knows: numbers, texts, truth values, None and NaN among them.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {

class Categories {
 public:
  /// One entry of categories_, or classes_: an array or a list.
  explicit Categories(const Object& list);
  std::size_t size() const { return size_; }
  bool is_text() const { return text_; }

  /// Which category each row is: boolean [N, size]. A row that is none of them has no true element.
  Expr hits(const Table& x, std::size_t column) const;
  /// The values to look for where hits() is only `which` of its columns and a comparison is all it takes: the column, and the known values
  /// [1, which]. Nothing where a missing value is among the categories.
  std::optional<std::pair<Expr, Tensor>> plain(const Table& x, std::size_t column, const std::vector<std::int64_t>& which) const;
  /// The same as numbers.
  struct Found {
    Expr code;   // int64 [N, 1]: the first that it is; any where it is none
    Expr known;  // boolean [N, 1]
  };
  Found find(const Table& x, std::size_t column) const;

 private:
  std::size_t size_ = 0;
  bool text_ = false;
  std::vector<double> numbers_;
  std::vector<std::string> texts_;  // "" where the category is a missing value
  std::vector<std::size_t> nan_;    // positions of missing values among numbers
};

/// The first true column of hits, int64 [N, 1]; 0 where there is none.
Expr code_of(Expr hits);
/// Whether there is one, boolean [N, 1].
Expr known_of(Expr hits);

}  // namespace decant::sklearn
