// SPDX-License-Identifier: Apache-2.0
// Rows of which most numbers are zero, as two matrices: which columns (int64 [N, L], ascending in a row) and what is in them
// (float64 [N, L]). Shorter rows end in column 0 with value 0, which adds nothing wherever it goes.
#pragma once

#include <utility>
#include <vector>

#include "ops/op.h"

namespace decant {

class SparseRows {
 public:
  void add(std::int64_t column, double value) { row_.emplace_back(column, value); }
  /// Ends a row: what is in the same column is summed, in the order of adding, or set to 1 where only `presence` counts.
  void end_row(bool presence = false);
  /// Outputs 0 and 1 of the node.
  void write(KernelContext& c) const;

 private:
  std::vector<std::pair<std::int64_t, double>> row_, all_;
  std::vector<std::size_t> ends_;
  std::size_t widest_ = 1;
};

/// The type rule of operators that give such rows for an input of N texts, [N] or [N, 1].
void infer_sparse_rows(InferContext& c);

}  // namespace decant
