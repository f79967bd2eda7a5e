// SPDX-License-Identifier: Apache-2.0
#include "ops/text/rows.h"

#include <algorithm>

#include "ops/kernel.h"

namespace decant {

void SparseRows::end_row(bool presence) {
  std::ranges::stable_sort(row_, {}, &std::pair<std::int64_t, double>::first);
  const std::size_t begin = all_.size();
  for (const auto& [column, value] : row_) {
    if (all_.size() > begin && all_.back().first == column) all_.back().second += value;
    else all_.emplace_back(column, value);
  }
  for (std::size_t i = begin; presence && i < all_.size(); ++i) all_[i].second = 1;
  ends_.push_back(all_.size());
  widest_ = std::max(widest_, all_.size() - begin);
  row_.clear();
}

void SparseRows::write(KernelContext& c) const {
  const Shape shape{static_cast<std::int64_t>(ends_.size()), static_cast<std::int64_t>(widest_)};
  const std::span<std::int64_t> columns = c.output(0, DType::int64, shape).mutable_data<std::int64_t>();
  std::ranges::fill(columns, 0);
  std::span<double> values;
  if (c.wants_output(1)) {
    values = c.output(1, DType::float64, shape).mutable_data<double>();
    std::ranges::fill(values, 0.0);
  }
  for (std::size_t r = 0, at = 0; r < ends_.size(); ++r) {
    for (std::size_t k = r * widest_; at < ends_[r]; ++at, ++k) {
      columns[k] = all_[at].first;
      if (!values.empty()) values[k] = all_[at].second;
    }
  }
}

void infer_sparse_rows(InferContext& c) {
  const Dim rows = c.input(0).rank().value_or(0) > 0 ? c.input(0).shape[0] : any_dim();
  c.outputs[0] = Type::tensor(DType::int64, {rows, any_dim()});
  if (c.outputs.size() > 1) c.outputs[1] = Type::tensor(DType::float64, {rows, any_dim()});
}

}  // namespace decant
