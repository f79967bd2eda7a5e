// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/vocabulary.h"

#include "base/text.h"

namespace decant::sklearn {

Tensor vocabulary_of(const Object& dict) {
  const auto entries = dict.entries();
  Tensor out(DType::string, {static_cast<std::int64_t>(entries.size())});
  std::vector<bool> taken(entries.size(), false);
  for (const auto& [term, position] : entries) {
    const std::int64_t at = position.integer();
    if (at < 0 || static_cast<std::size_t>(at) >= taken.size() || taken[static_cast<std::size_t>(at)]) dict.fail(Code::corrupt, format("a vocabulary of {} terms in which position {} is wrong", entries.size(), at));
    taken[static_cast<std::size_t>(at)] = true;
    out.mutable_data<std::string>()[static_cast<std::size_t>(at)] = term.text();
  }
  return out;
}

Expr dense_rows(Context& context, const SparseTable& rows, DType dtype) {
  const Expr out = cast(apply("decant", "SparseToDense", {rows.columns, rows.values}, {{"width", rows.width}}), dtype);
  context.sparse_rows.emplace(out.id(), rows);
  context.sparse_rows.emplace(cast(out, DType::float64).id(), rows);  // as the next estimator takes it
  return out;
}

}  // namespace decant::sklearn
