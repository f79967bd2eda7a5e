// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/categories.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/text.h"

namespace decant::sklearn {

Categories::Categories(const Object& list) {
  const auto array = list.array();
  if ((array && array->type.kind == 'O') || !array) {
    std::vector<Object> missing;
    for (const Object& item : list.elements()) {
      const bool gap = is_missing(item);
      if (gap) missing.push_back(item);
      text_ = text_ || item.is_text() || (!gap && !item.is_number());
      ++size_;
    }
    // A table's cell is missing or not: None and NaN cannot be told apart in one.
    if (missing.size() > 1) list.fail(Code::unsupported, "categories with several kinds of missing values");
    for (const Object& item : list.elements()) {
      if (text_) {
        texts_.push_back(is_missing(item) ? std::string() : item.is_number() ? list.fail(Code::unsupported, "categories that mix texts and numbers"), std::string() : item.text());
      } else {
        if (is_missing(item)) nan_.push_back(numbers_.size());
        numbers_.push_back(is_missing(item) ? std::numeric_limits<double>::quiet_NaN() : item.real());
      }
    }
    return;
  }
  const Tensor values = list.tensor();
  size_ = values.size();
  text_ = values.dtype() == DType::string;
  if (text_) texts_.assign(values.data<std::string>().begin(), values.data<std::string>().end());
  for (std::size_t i = 0; !text_ && i < size_; ++i) {
    numbers_.push_back(values.number(i));
    if (std::isnan(numbers_.back())) nan_.push_back(i);
  }
}

Expr Categories::hits(const Table& x, std::size_t i) const {
  const Expr column = x.column(i, text_);
  if (text_) {
    if (column.dtype() != DType::string) throw Error(Code::unsupported, format("column {} holds numbers, where an encoder knows texts", i));
    Tensor known(DType::string, {1, static_cast<std::int64_t>(size_)});
    std::ranges::copy(texts_, known.mutable_data<std::string>().begin());
    return equal(column, column.constant(known));
  }
  const Expr number = cast(column, DType::float64);
  Tensor known(DType::float64, {1, static_cast<std::int64_t>(size_)});
  std::ranges::copy(numbers_, known.mutable_data<double>().begin());
  Expr out = equal(number, number.constant(known));  // a NaN equals nothing
  if (nan_.empty()) return out;
  Tensor gaps(DType::boolean, {1, static_cast<std::int64_t>(size_)});
  std::ranges::fill(gaps.mutable_data<bool>(), false);
  for (const std::size_t at : nan_) gaps.mutable_data<bool>()[at] = true;
  return logical_or(out, logical_and(is_nan(number), number.constant(gaps)));
}

std::optional<std::pair<Expr, Tensor>> Categories::plain(const Table& x, std::size_t i, const std::vector<std::int64_t>& which) const {
  if (!nan_.empty()) return std::nullopt;
  const Expr column = x.column(i, text_);
  if (text_ && column.dtype() != DType::string) throw Error(Code::unsupported, format("column {} holds numbers, where an encoder knows texts", i));
  Tensor known(text_ ? DType::string : DType::float64, {1, static_cast<std::int64_t>(which.size())});
  for (std::size_t k = 0; k < which.size(); ++k) {
    const auto at = static_cast<std::size_t>(which[k]);
    if (text_) known.mutable_data<std::string>()[k] = texts_.at(at);
    else known.mutable_data<double>()[k] = numbers_.at(at);
  }
  return std::pair(text_ ? column : cast(column, DType::float64), known);
}

Categories::Found Categories::find(const Table& x, std::size_t i) const {
  const std::set<std::string_view> different(texts_.begin(), texts_.end());
  if (!text_ || texts_.empty() || different.size() != texts_.size()) {
    const Expr found = hits(x, i);
    return {code_of(found), known_of(found)};
  }
  // Texts are looked up instead of compared with each.
  const Expr column = x.column(i, true);
  if (column.dtype() != DType::string) throw Error(Code::unsupported, format("column {} holds numbers, where an encoder knows texts", i));
  std::vector<std::int64_t> places(texts_.size());
  std::iota(places.begin(), places.end(), 0);
  const Expr code = apply("ai.onnx.ml", "LabelEncoder", {column}, {{"keys_strings", texts_}, {"values_int64s", places}, {"default_int64", std::int64_t{-1}}});
  return {code, greater_equal(code, code.scalar(0))};
}

Expr code_of(Expr hits) { return unsqueeze(argmax(cast(hits, DType::int32), 1), 1); }
Expr known_of(Expr hits) { return cast(reduce_max(cast(hits, DType::int32), 1, true), DType::boolean); }

}  // namespace decant::sklearn
