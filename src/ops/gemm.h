// SPDX-License-Identifier: Apache-2.0
// The product of two matrices, for reference kernels: it walks the right one by rows, four rows of the left at a time, so that the inner
// loop is over neighbouring elements of the result and each sum is still formed in the order of the shared dimension.
#pragma once

#include <algorithm>
#include <cstdint>

namespace decant {

/// out[m,n] += a[m,k] * b[k,n], all dense.
template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b, T* out) {
  constexpr std::int64_t kRows = 4, kColumns = 256, kDepth = 256;
  for (std::int64_t j0 = 0; j0 < n; j0 += kColumns) {
    const std::int64_t width = std::min(kColumns, n - j0);
    for (std::int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const std::int64_t p1 = std::min(k, p0 + kDepth);
      std::int64_t i = 0;
      for (; i + kRows <= m; i += kRows) {
        T *__restrict o0 = out + i * n + j0, *__restrict o1 = o0 + n, *__restrict o2 = o1 + n, *__restrict o3 = o2 + n;
        for (std::int64_t p = p0; p < p1; ++p) {
          const T x0 = a[i * k + p], x1 = a[(i + 1) * k + p], x2 = a[(i + 2) * k + p], x3 = a[(i + 3) * k + p];
          const T* __restrict row = b + p * n + j0;
          for (std::int64_t j = 0; j < width; ++j) {
            o0[j] = static_cast<T>(o0[j] + x0 * row[j]);
            o1[j] = static_cast<T>(o1[j] + x1 * row[j]);
            o2[j] = static_cast<T>(o2[j] + x2 * row[j]);
            o3[j] = static_cast<T>(o3[j] + x3 * row[j]);
          }
        }
      }
      for (; i < m; ++i) {
        T* __restrict o = out + i * n + j0;
        for (std::int64_t p = p0; p < p1; ++p) {
          const T x = a[i * k + p];
          const T* __restrict row = b + p * n + j0;
          for (std::int64_t j = 0; j < width; ++j) o[j] = static_cast<T>(o[j] + x * row[j]);
        }
      }
    }
  }
}

/// out[j * out_stride + i] = in[i * in_stride + j] for a matrix of rows and columns: turned, block by block, so that both sides stay in the
/// first-level cache.
template <class T>
void transpose(std::int64_t rows, std::int64_t columns, const T* in, std::int64_t in_stride, T* out, std::int64_t out_stride) {
  constexpr std::int64_t kBlock = 16;
  for (std::int64_t i0 = 0; i0 < rows; i0 += kBlock) {
    for (std::int64_t j0 = 0; j0 < columns; j0 += kBlock) {
      for (std::int64_t j = j0; j < std::min(columns, j0 + kBlock); ++j) {
        for (std::int64_t i = i0; i < std::min(rows, i0 + kBlock); ++i) out[j * out_stride + i] = in[i * in_stride + j];
      }
    }
  }
}
/// The same of a dense matrix into a dense one.
template <class T>
void transpose(std::int64_t rows, std::int64_t columns, const T* in, T* out) {
  transpose<T>(rows, columns, in, columns, out, rows);
}

}  // namespace decant
