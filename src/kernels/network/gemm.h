// SPDX-License-Identifier: Apache-2.0
// The product of two float32 matrices with what follows it: bias, residual, activation. The right matrix is packed once, in panels as wide
// as two registers; sums are formed in the order of the shared dimension, with fused multiplication where the machine has it.
#pragma once

#include <cstddef>
#include <vector>

#include "io/source.h"
#include "ops/activation.h"

namespace decant {

/// A matrix [k, n] in panels; where element (i, j) is, say the strides.
struct PackedMatrix {
  std::size_t k = 0, n = 0;
  Blob data;  // empty where the memory is the caller's

  /// Floats that pack_matrix writes.
  static std::size_t floats(std::size_t k, std::size_t n);
};
void pack_matrix(const float* b, std::size_t row_stride, std::size_t column_stride, std::size_t k, std::size_t n, float* to);
PackedMatrix packed(const float* b, std::size_t row_stride, std::size_t column_stride, std::size_t k, std::size_t n);

struct Gemm {
  std::size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // [m, k], rows `a_stride` apart
  std::size_t a_stride = 0;
  const float* b = nullptr;  // packed
  float* c = nullptr;        // [m, n], rows `c_stride` apart
  std::size_t c_stride = 0;
  float scale = 1;                  // of the product
  const float* bias = nullptr;      // [n], or none
  const float* residual = nullptr;  // as c, or none; may be c itself
  Activation act;
};

/// Floats that `scratch` must have room for.
std::size_t gemm_scratch(std::size_t m, std::size_t n, std::size_t k, unsigned threads);
/// c = act(scale * a * b + bias + residual)
void gemm(const Gemm& what, float* scratch, unsigned threads);

}  // namespace decant
