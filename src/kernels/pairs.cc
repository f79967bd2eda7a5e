// SPDX-License-Identifier: Apache-2.0
#include "kernels/pairs.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>

namespace decant {

TargetTiles::TargetTiles(const double* by_feature, std::size_t targets, std::size_t width) : count(targets), features(width), data(padded() * width, 0.0) {
  for (std::size_t d = 0; d < features; ++d) {
    for (std::size_t m = 0; m < count; ++m) data[(m / kWidth * features + d) * kWidth + m % kWidth] = by_feature[d * count + m];
  }
}

NearTiles::NearTiles(const double* rows, std::size_t targets, std::size_t width) : count(targets), features(width), data(padded() * width, 0.0F), norms(padded(), std::numeric_limits<float>::infinity()) {
  for (std::size_t m = 0; m < count; ++m) {
    double norm = 0;
    for (std::size_t d = 0; d < features; ++d) {
      const double v = rows[m * features + d];
      norm += v * v;
      data[(m / kWidth * features + d) * kWidth + m % kWidth] = static_cast<float>(v);
    }
    norms[m] = static_cast<float>(norm);
    if (!(norm <= largest) && largest == largest) largest = norm;  // and once it is a NaN, it stays one
  }
}

namespace {

// A register of each instruction set: the functions below are inlined into one caller for each. (Wider ones than the machine has would be
// correct too, but GCC 12 keeps them in memory. AVX-512 gave nothing over AVX2 on Zen 4, whose units are 256 bits wide.)
using Two = double __attribute__((vector_size(16)));
using Four = double __attribute__((vector_size(32)));
using FloatFour = float __attribute__((vector_size(16)));
using FloatEight = float __attribute__((vector_size(32)));
template <class V>
struct Ints;
template <>
struct Ints<Two> {
  using type = std::int64_t __attribute__((vector_size(16)));
};
template <>
struct Ints<Four> {
  using type = std::int64_t __attribute__((vector_size(32)));
};
#define DECANT_INLINE [[gnu::always_inline]] inline

template <class V, class T>
DECANT_INLINE void load(V& to, const T* from) {
  std::memcpy(&to, from, sizeof(V));
}
template <class V, class T>
DECANT_INLINE void store(T* to, const V& value) {
  std::memcpy(to, &value, sizeof(V));
}

DECANT_INLINE void turn(Two (&v)[2]) {
  const Two a = v[0], b = v[1];
  v[0] = __builtin_shufflevector(a, b, 0, 2);
  v[1] = __builtin_shufflevector(a, b, 1, 3);
}
DECANT_INLINE void turn(Four (&v)[4]) {
  const Four a = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6), b = __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
  const Four c = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6), d = __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);
  v[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  v[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  v[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  v[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/// kRows rows against eight targets, of whose sums the first `fits` are kept.
template <class V, PairSum kSum, std::size_t kRows>
DECANT_INLINE void tile(const double* x, std::size_t features, const double* targets, double* out, std::size_t stride, std::size_t fits) {
  constexpr std::size_t kLanes = sizeof(V) / sizeof(double), kParts = TargetTiles::kWidth / kLanes;
  V sum[kRows][kParts] = {};
  for (std::size_t d = 0; d < features; ++d) {
    V y[kParts];
#pragma GCC unroll 4
    for (std::size_t p = 0; p < kParts; ++p) load(y[p], targets + d * TargetTiles::kWidth + p * kLanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const double v = x[r * features + d];
#pragma GCC unroll 4
      for (std::size_t p = 0; p < kParts; ++p) {
        if constexpr (kSum == PairSum::products) {
          sum[r][p] += v * y[p];
        } else {
          const V difference = v - y[p];
          if constexpr (kSum == PairSum::squares) sum[r][p] += difference * difference;
          else sum[r][p] += reinterpret_cast<V>(reinterpret_cast<typename Ints<V>::type>(difference) & INT64_MAX);
        }
      }
    }
  }
  if (fits == TargetTiles::kWidth) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (std::size_t p = 0; p < kParts; ++p) store(out + r * stride + p * kLanes, sum[r][p]);
    }
  } else {
    double line[TargetTiles::kWidth];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (std::size_t p = 0; p < kParts; ++p) store(line + p * kLanes, sum[r][p]);
      for (std::size_t l = 0; l < fits; ++l) out[r * stride + l] = line[l];
    }
  }
}

/// Rows [0, rows) against one tile: as many rows at once as there are registers for, then half as many, down to one.
template <class V, PairSum kSum, std::size_t kRows>
DECANT_INLINE void down_tile(const double* x, std::size_t rows, std::size_t features, const double* targets, double* out, std::size_t stride, std::size_t fits) {
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows) tile<V, kSum, kRows>(x + r * features, features, targets, out + r * stride, stride, fits);
  if constexpr (kRows > 1) {
    if (r < rows) down_tile<V, kSum, kRows / 2>(x + r * features, rows - r, features, targets, out + r * stride, stride, fits);
  }
}

/// The product of a matrix with few columns: rows side by side in a register, which takes a turn of each square of numbers.
template <class V, std::size_t kColumns>
DECANT_INLINE void few_columns(const double* x, std::size_t rows, const TargetTiles& y, double* out, std::size_t stride) {
  constexpr std::size_t kLanes = sizeof(V) / sizeof(double), kGroups = kColumns == 1 ? 4 : kColumns == 2 ? 2 : 1;
  const std::size_t features = y.features;
  const double* w = y.data.data();
  std::size_t r = 0;
  for (; r + kGroups * kLanes <= rows; r += kGroups * kLanes) {
    const double* from = x + r * features;
    V sum[kColumns][kGroups] = {};
    std::size_t d = 0;
    for (; d + kLanes <= features; d += kLanes) {
#pragma GCC unroll 4
      for (std::size_t g = 0; g < kGroups; ++g) {
        V square[kLanes];
#pragma GCC unroll 4
        for (std::size_t l = 0; l < kLanes; ++l) load(square[l], from + (g * kLanes + l) * features + d);
        turn(square);
#pragma GCC unroll 4
        for (std::size_t l = 0; l < kLanes; ++l) {
#pragma GCC unroll 4
          for (std::size_t k = 0; k < kColumns; ++k) sum[k][g] += square[l] * w[(d + l) * TargetTiles::kWidth + k];
        }
      }
    }
    for (; d < features; ++d) {
#pragma GCC unroll 4
      for (std::size_t g = 0; g < kGroups; ++g) {
        V column;
#pragma GCC unroll 4
        for (std::size_t l = 0; l < kLanes; ++l) column[l] = from[(g * kLanes + l) * features + d];
#pragma GCC unroll 4
        for (std::size_t k = 0; k < kColumns; ++k) sum[k][g] += column * w[d * TargetTiles::kWidth + k];
      }
    }
#pragma GCC unroll 4
    for (std::size_t g = 0; g < kGroups; ++g) {
#pragma GCC unroll 4
      for (std::size_t l = 0; l < kLanes; ++l) {
#pragma GCC unroll 4
        for (std::size_t k = 0; k < kColumns; ++k) out[(r + g * kLanes + l) * stride + k] = sum[k][g][l];
      }
    }
  }
  down_tile<V, PairSum::products, kLanes>(x + r * features, rows - r, features, w, out + r * stride, stride, std::min(stride, TargetTiles::kWidth));
}

template <class V, PairSum kSum>
DECANT_INLINE void all_tiles(const double* x, std::size_t rows, const TargetTiles& y, double* out, std::size_t stride) {
  // Some rows, which stay in the first cache, against one tile after the other.
  const std::size_t features = y.features, tiles = y.padded() / TargetTiles::kWidth, some = std::clamp<std::size_t>(2048 / std::max<std::size_t>(features, 1) / 8 * 8, 16, 128);
  for (std::size_t r = 0; r < rows; r += some) {
    for (std::size_t t = 0; t < tiles; ++t) {
      const std::size_t m = t * TargetTiles::kWidth;
      down_tile<V, kSum, sizeof(V) / sizeof(double)>(x + r * features, std::min(some, rows - r), features, y.data.data() + m * features, out + r * stride + m, stride,
                                                    std::min(stride - m, TargetTiles::kWidth));
    }
  }
}

template <class V>
DECANT_INLINE void sums_of(PairSum sum, const double* x, std::size_t rows, const TargetTiles& y, double* out, std::size_t stride) {
  switch (sum) {
    case PairSum::squares: return all_tiles<V, PairSum::squares>(x, rows, y, out, stride);
    case PairSum::products:
      if constexpr (sizeof(V) <= sizeof(Four)) {
        if (y.count == 1 && stride == 1) return few_columns<V, 1>(x, rows, y, out, stride);
        if (y.count == 2 && stride == 2) return few_columns<V, 2>(x, rows, y, out, stride);
        if (y.count == 3 && stride == 3) return few_columns<V, 3>(x, rows, y, out, stride);
      }
      return all_tiles<V, PairSum::products>(x, rows, y, out, stride);
    case PairSum::absolutes: return all_tiles<V, PairSum::absolutes>(x, rows, y, out, stride);
  }
}

// exp(x) = 2^k exp(r) with x = k ln 2 + r, |r| <= ln 2 / 2, and the Taylor polynomial of degree 13, whose remainder is below 5e-18. ln 2 is
// split so that k times its upper part is exact. Where 2^k would leave the normal numbers, or x is not a number, the C library does it.
template <class V>
DECANT_INLINE void exponentials_of(double factor, double* values, std::size_t count) {
  constexpr double kLog2e = 1.4426950408889634, kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;
  constexpr double kMagic = 0x1.8p52;  // added and taken away, it rounds to a whole number
  constexpr double kTaylor[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  constexpr std::size_t kLanes = sizeof(V) / sizeof(double);
  using I = typename Ints<V>::type;
  for (std::size_t i = 0; i < count; i += kLanes) {
    V x;
    load(x, values + i);
    x *= factor;
    const I inside = (x > -708.0) & (x < 709.0);
    const V shifted = x * kLog2e + kMagic;
    const V k = shifted - kMagic;
    const V r = (x - k * kLn2High) - k * kLn2Low;
    V p = r * kTaylor[0] + kTaylor[1];
    for (std::size_t n = 2; n < std::size(kTaylor); ++n) p = p * r + kTaylor[n];
    // The low bits of `shifted` are k.
    const V power = reinterpret_cast<V>((reinterpret_cast<I>(shifted) + 1023) << 52);
    std::int64_t all = -1;
#pragma GCC unroll 8
    for (std::size_t l = 0; l < kLanes; ++l) all &= inside[l];
    if (all != 0) {
      store(values + i, p * power);
    } else {
      for (std::size_t l = 0; l < kLanes; ++l) values[i + l] = inside[l] != 0 ? p[l] * power[l] : std::exp(x[l]);
    }
  }
}

template <class V, std::size_t kRows>
DECANT_INLINE void near_rows(const float* x, const NearTiles& y, float* out) {
  constexpr std::size_t kLanes = sizeof(V) / sizeof(float), kParts = NearTiles::kWidth / kLanes;
  const std::size_t stride = y.padded();
  for (std::size_t m = 0; m < stride; m += NearTiles::kWidth) {
    const float* t = y.data.data() + m * y.features;
    V sum[kRows][kParts] = {};
    for (std::size_t d = 0; d < y.features; ++d, t += NearTiles::kWidth) {
      V target[kParts];
#pragma GCC unroll 4
      for (std::size_t p = 0; p < kParts; ++p) load(target[p], t + p * kLanes);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRows; ++r) {
        const float v = x[r * y.features + d];
#pragma GCC unroll 4
        for (std::size_t p = 0; p < kParts; ++p) sum[r][p] += v * target[p];
      }
    }
#pragma GCC unroll 4
    for (std::size_t p = 0; p < kParts; ++p) {
      V norm;
      load(norm, y.norms.data() + m + p * kLanes);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRows; ++r) {
        const V near = norm - 2.0F * sum[r][p];
        store(out + r * stride + m + p * kLanes, near);
      }
    }
  }
}

template <class V>
DECANT_INLINE void near_of(const float* x, std::size_t rows, const NearTiles& y, float* out) {
  constexpr std::size_t kRows = sizeof(V) / 8;
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows) near_rows<V, kRows>(x + r * y.features, y, out + r * y.padded());
  for (; r < rows; ++r) near_rows<V, 1>(x + r * y.features, y, out + r * y.padded());
}

void near_plain(const float* x, std::size_t rows, const NearTiles& y, float* out) { near_of<FloatFour>(x, rows, y, out); }
void sums_plain(PairSum sum, const double* x, std::size_t rows, const TargetTiles& y, double* out, std::size_t stride) { sums_of<Two>(sum, x, rows, y, out, stride); }
void exponentials_plain(double factor, double* values, std::size_t count) { exponentials_of<Two>(factor, values, count); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) void near_avx2(const float* x, std::size_t rows, const NearTiles& y, float* out) { near_of<FloatEight>(x, rows, y, out); }
__attribute__((target("avx2"))) void sums_avx2(PairSum sum, const double* x, std::size_t rows, const TargetTiles& y, double* out, std::size_t stride) { sums_of<Four>(sum, x, rows, y, out, stride); }
__attribute__((target("avx2"))) void exponentials_avx2(double factor, double* values, std::size_t count) { exponentials_of<Four>(factor, values, count); }
#endif

}  // namespace

std::span<const PairFunctions> all_pair_functions() {
  static const std::vector<PairFunctions> functions = [] {
    std::vector<PairFunctions> out{{"plain", sums_plain, exponentials_plain, near_plain}};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) out.push_back({"avx2", sums_avx2, exponentials_avx2, near_avx2});
#endif
    return out;
  }();
  return functions;
}

}  // namespace decant
