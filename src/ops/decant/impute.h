// SPDX-License-Identifier: Apache-2.0
// What the kernels of decant.ImputeNeighbors share: all but the products of rows with the rows known.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace decant {

struct KnownRows {
  std::size_t count = 0, width = 0, k = 0;
  bool by_distance = false;
  std::vector<double> values;           // [count, width], 0 where absent
  std::vector<double> squares, absent;  // of the values; 1 where absent
  std::vector<double> norms;            // |value|^2
  std::vector<std::vector<std::size_t>> donors;  // of each column
  std::vector<double> means;                     // of their values; 0 where there is none
};

KnownRows known_rows_of(const AttributeView& c);

/// A row against all known ones: the sums over the features that the distance is made of, each [count].
struct RowProducts {
  const double *plain, *squares_absent, *absent_squares, *common;  // x y, x^2 absent(y), absent(x) y^2, both there
};

/// The row with its absent cells filled (columns without donors: 0), from the products. `distances` is memory for `count` numbers.
void fill_row(const KnownRows&, const double* row, const bool* absent, const RowProducts&, double* distances, double* out);

/// Checks the inputs against the known rows.
void check_impute(const KernelContext& c, const KnownRows& known);
/// Whether a row has a cell to fill.
bool has_gap(const KnownRows& known, const bool* absent);

}  // namespace decant
