// SPDX-License-Identifier: Apache-2.0
// How the loops are nested: blocks of rows (kBlockRows) and of the shared dimension (block_depth), so that a packed block of A stays in the
// second-level cache; in a block, panels of B; for a panel, tiles of rows of A, whose sums stay in registers. A is packed too (rows of a matrix
// whose width is a multiple of 1024 would all fall on the same lines of the first-level cache), but for a few rows, which are read where
// they are. The weights of a network are larger than any cache: while tiles go over one panel, the next one is fetched.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/network/gemm.cc"
#include "kernels/network/targets.h"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <utility>

#include "kernels/network/activation-inl.h"
#include "kernels/network/gemm.h"
#include "kernels/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

using Floats = hn::ScalableTag<float>;
using V = hn::Vec<Floats>;

// Rows of a tile: what leaves registers for two of B and one broadcast of A.
constexpr std::size_t kRows = HWY_TARGET == HWY_AVX3 ? 14 : 6;
constexpr std::size_t kBlockRows = 24 * kRows;
// Floats of a packed block, and its longest side: 640 KiB where machines have 1 MiB of second-level cache, as those with AVX-512 do. Measured
// with 197 x 768 x 3072: splitting the depth of 768 costs more (each split reads and writes the result again) than panels that fit into the
// first-level cache gain.
constexpr bool kLargeCache = HWY_TARGET == HWY_AVX3;
constexpr std::size_t kBlockFloats = kLargeCache ? 160 << 10 : 56 << 10;
constexpr std::size_t kMostDepth = kLargeCache ? 768 : 384;
constexpr std::size_t kFewRows = 4;  // read unpacked
constexpr std::size_t kStep = 4;     // how often the loop over the shared dimension is unrolled, and fetches a line
constexpr std::size_t kLine = 64 / sizeof(float);

std::size_t block_depth(std::size_t rows) { return std::clamp<std::size_t>(kBlockFloats / rows, 64, kMostDepth); }

std::size_t panel_width() { return 2 * hn::Lanes(Floats()); }

// to[p * to_stride + r] = a[r * stride + p]: four rows and four columns at a time, turned in registers.
void pack_turned(const float* a, std::size_t stride, std::size_t rows, std::size_t k, float* to, std::size_t to_stride) {
  std::size_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> wide;
  for (; r + 4 <= rows; r += 4) {
    const float *a0 = a + r * stride, *a1 = a0 + stride, *a2 = a1 + stride, *a3 = a2 + stride;
    float* out = to + r;
    std::size_t p = 0;
    for (; p + 4 <= k; p += 4, out += 4 * to_stride) {
      const auto x0 = hn::LoadU(d, a0 + p), x1 = hn::LoadU(d, a1 + p), x2 = hn::LoadU(d, a2 + p), x3 = hn::LoadU(d, a3 + p);
      const auto l01 = hn::BitCast(wide, hn::InterleaveLower(d, x0, x1)), l23 = hn::BitCast(wide, hn::InterleaveLower(d, x2, x3));
      const auto h01 = hn::BitCast(wide, hn::InterleaveUpper(d, x0, x1)), h23 = hn::BitCast(wide, hn::InterleaveUpper(d, x2, x3));
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, l01, l23)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, l01, l23)), d, out + to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, h01, h23)), d, out + 2 * to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, h01, h23)), d, out + 3 * to_stride);
    }
    for (; p < k; ++p, out += to_stride) out[0] = a0[p], out[1] = a1[p], out[2] = a2[p], out[3] = a3[p];
  }
#endif
  for (; r < rows; ++r) {
    const float* from = a + r * stride;
    for (std::size_t p = 0; p < k; ++p) to[p * to_stride + r] = from[p];
  }
}

void pack_panels(const float* b, std::size_t row_stride, std::size_t column_stride, std::size_t k, std::size_t n, float* to) {
  const std::size_t width = panel_width();
  for (std::size_t j0 = 0; j0 < n; j0 += width, to += k * width) {
    const std::size_t count = std::min(width, n - j0);
    const float* from = b + j0 * column_stride;
    if (column_stride == 1) {
      for (std::size_t p = 0; p < k; ++p) {
        std::copy_n(from + p * row_stride, count, to + p * width);
        std::fill(to + p * width + count, to + (p + 1) * width, 0.0f);
      }
    } else if (row_stride == 1) {  // a transposed matrix
      pack_turned(from, column_stride, count, k, to, width);
      for (std::size_t p = 0; p < k && count < width; ++p) std::fill(to + p * width + count, to + (p + 1) * width, 0.0f);
    } else {
      for (std::size_t p = 0; p < k; ++p) {
        for (std::size_t j = 0; j < count; ++j) to[p * width + j] = from[p * row_stride + j * column_stride];
        std::fill(to + p * width + count, to + (p + 1) * width, 0.0f);
      }
    }
  }
}

struct Tile {
  const float* a;
  std::size_t a_stride;  // of rows; packed: not used
  const float* b;        // a panel, at this block
  float* c;
  std::size_t k;
  std::size_t columns;
  bool first, last;  // block of the shared dimension
  std::size_t j, i;  // where in c
  const float* next;  // what is read soon: fetched a line every kStep; null where nothing is
  const Gemm* g;
};

// What follows the product, for R rows and two registers of columns.
template <std::size_t R, Act kAct>
HWY_INLINE void finish(const Tile& t, V (&sum)[R][2]) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Gemm& g = *t.g;
  const V a = hn::Set(d, g.act.a), b = hn::Set(d, g.act.b);
  if (g.scale != 1) {
    const V scale = hn::Set(d, g.scale);
    HWY_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) sum[r][0] = hn::Mul(sum[r][0], scale), sum[r][1] = hn::Mul(sum[r][1], scale);
  }
  if (t.columns == 2 * lanes) {
    if (g.bias != nullptr) {
      const V b0 = hn::LoadU(d, g.bias + t.j), b1 = hn::LoadU(d, g.bias + t.j + lanes);
      HWY_UNROLL(16)
      for (std::size_t r = 0; r < R; ++r) sum[r][0] = hn::Add(sum[r][0], b0), sum[r][1] = hn::Add(sum[r][1], b1);
    }
    if (g.residual != nullptr) {
      const float* from = g.residual + t.i * g.c_stride + t.j;
      HWY_UNROLL(16)
      for (std::size_t r = 0; r < R; ++r, from += g.c_stride) sum[r][0] = hn::Add(sum[r][0], hn::LoadU(d, from)), sum[r][1] = hn::Add(sum[r][1], hn::LoadU(d, from + lanes));
    }
    HWY_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) {
      hn::StoreU(act_of<kAct>(d, sum[r][0], a, b), d, t.c + r * g.c_stride);
      hn::StoreU(act_of<kAct>(d, sum[r][1], a, b), d, t.c + r * g.c_stride + lanes);
    }
    return;
  }
  HWY_ALIGN float line[2 * HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::size_t r = 0; r < R; ++r) {
    hn::Store(sum[r][0], d, line);
    hn::Store(sum[r][1], d, line + lanes);
    const float* residual = g.residual == nullptr ? nullptr : g.residual + (t.i + r) * g.c_stride + t.j;
    for (std::size_t j = 0; j < t.columns; ++j) {
      if (g.bias != nullptr) line[j] += g.bias[t.j + j];
      if (residual != nullptr) line[j] += residual[j];
    }
    hn::Store(act_of<kAct>(d, hn::Load(d, line), a, b), d, line);
    hn::Store(act_of<kAct>(d, hn::Load(d, line + lanes), a, b), d, line + lanes);
    std::copy_n(line, t.columns, t.c + r * g.c_stride);
  }
}

template <std::size_t R, bool kPacked>
HWY_NOINLINE void tile_of(const Tile& t) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d), stride = t.g->c_stride;
  V sum[R][2];
  HWY_UNROLL(16)
  for (std::size_t r = 0; r < R; ++r) sum[r][0] = hn::Zero(d), sum[r][1] = hn::Zero(d);
  const float *a = t.a, *b = t.b, *next = t.next;
  const auto step = [&]() HWY_ATTR {
    const V b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + lanes);
    b += 2 * lanes;
    HWY_UNROLL(16)
    for (std::size_t r = 0; r < R; ++r) {
      const V x = hn::Set(d, kPacked ? a[r] : a[r * t.a_stride]);
      sum[r][0] = hn::MulAdd(x, b0, sum[r][0]);
      sum[r][1] = hn::MulAdd(x, b1, sum[r][1]);
    }
    a += kPacked ? R : 1;
  };
  std::size_t p = 0;
  for (; p + kStep <= t.k; p += kStep) {
    if constexpr (kPacked) {
      __builtin_prefetch(next, 0, 2);  // into the second-level cache
      next += kLine;
    }
    step(), step(), step(), step();
  }
  for (; p < t.k; ++p) step();
  const bool whole = t.columns == 2 * lanes;
  HWY_ALIGN float line[2 * HWY_MAX_BYTES / sizeof(float)] = {};
  if (!t.first) {
    for (std::size_t r = 0; r < R; ++r) {
      const float* before = t.c + r * stride;
      if (!whole) std::copy_n(before, t.columns, line), before = line;
      sum[r][0] = hn::Add(sum[r][0], hn::LoadU(d, before));
      sum[r][1] = hn::Add(sum[r][1], hn::LoadU(d, before + lanes));
    }
  }
  if (!t.last) {
    for (std::size_t r = 0; r < R; ++r) {
      float* to = whole ? t.c + r * stride : line;
      hn::StoreU(sum[r][0], d, to);
      hn::StoreU(sum[r][1], d, to + lanes);
      if (!whole) std::copy_n(line, t.columns, t.c + r * stride);
    }
    return;
  }
  // The frequent ones are compiled into the tile; the others go over its result again while it is in the first-level cache.
  switch (t.g->act.act) {
    case Act::none: return finish<R, Act::none>(t, sum);
    case Act::relu: return finish<R, Act::relu>(t, sum);
    default:
      finish<R, Act::none>(t, sum);
      for (std::size_t r = 0; r < R; ++r) {
        const V x = hn::Set(d, t.g->act.a), y = hn::Set(d, t.g->act.b);
        float* to = t.c + r * stride;
        with_act(t.g->act.act, [&]<Act kAct>() HWY_ATTR { each_register(to, to, t.columns, [&](auto v) HWY_ATTR { return act_of<kAct>(d, v, x, y); }); });
      }
  }
}

using TileFunction = void (*)(const Tile&);
template <bool kPacked, std::size_t... R>
TileFunction tile_function(std::size_t rows, std::index_sequence<R...>) {
  static constexpr TileFunction kAll[] = {tile_of<R + 1, kPacked>...};
  return kAll[rows - 1];
}

// One row: four panels at a time, so that enough additions are under way.
void one_row(const Gemm& g, std::size_t panel_begin, std::size_t panel_end) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d), width = 2 * lanes;
  std::size_t panel = panel_begin;
  for (; panel + 4 <= panel_end; panel += 4) {
    V sum[8];
    HWY_UNROLL(8)
    for (int i = 0; i < 8; ++i) sum[i] = hn::Zero(d);
    const float *b0 = g.b + panel * width * g.k, *b1 = b0 + width * g.k, *b2 = b1 + width * g.k, *b3 = b2 + width * g.k;
    for (std::size_t p = 0; p < g.k; ++p) {
      const V x = hn::Set(d, g.a[p]);
      const std::size_t at = p * width;
      sum[0] = hn::MulAdd(x, hn::LoadU(d, b0 + at), sum[0]);
      sum[1] = hn::MulAdd(x, hn::LoadU(d, b0 + at + lanes), sum[1]);
      sum[2] = hn::MulAdd(x, hn::LoadU(d, b1 + at), sum[2]);
      sum[3] = hn::MulAdd(x, hn::LoadU(d, b1 + at + lanes), sum[3]);
      sum[4] = hn::MulAdd(x, hn::LoadU(d, b2 + at), sum[4]);
      sum[5] = hn::MulAdd(x, hn::LoadU(d, b2 + at + lanes), sum[5]);
      sum[6] = hn::MulAdd(x, hn::LoadU(d, b3 + at), sum[6]);
      sum[7] = hn::MulAdd(x, hn::LoadU(d, b3 + at + lanes), sum[7]);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      V pair[1][2] = {{sum[2 * i], sum[2 * i + 1]}};
      const std::size_t j = (panel + i) * width;
      const Tile t{nullptr, 0, nullptr, g.c + j, 0, std::min(width, g.n - j), true, true, j, 0, nullptr, &g};
      with_act(g.act.act, [&]<Act kAct>() HWY_ATTR { finish<1, kAct>(t, pair); });
    }
  }
  for (; panel < panel_end; ++panel) {
    const std::size_t j = panel * width;
    tile_of<1, false>(Tile{g.a, g.a_stride, g.b + j * g.k, g.c + j, g.k, std::min(width, g.n - j), true, true, j, 0, nullptr, &g});
  }
}

// Rows [i0, i1) and panels [panel_begin, panel_end).
void gemm_part(const Gemm& g, std::size_t i0, std::size_t i1, std::size_t panel_begin, std::size_t panel_end, float* scratch) {
  const std::size_t m = i1 - i0, width = panel_width();
  if (m == 0) return;
  if (g.m == 1) return one_row(g, panel_begin, panel_end);
  if (m > kBlockRows) {
    const std::size_t parts = (m + kBlockRows - 1) / kBlockRows;
    for (std::size_t part = 0; part < parts; ++part) {
      const Share s = share(m, parts, part);
      gemm_part(g, i0 + s.begin, i0 + s.end, panel_begin, panel_end, scratch);
    }
    return;
  }
  if (m <= kFewRows) {
    for (std::size_t panel = panel_begin; panel < panel_end; ++panel) {
      const std::size_t j = panel * width;
      const Tile t{g.a + i0 * g.a_stride, g.a_stride, g.b + j * g.k, g.c + i0 * g.c_stride + j, g.k, std::min(width, g.n - j), true, true, j, i0, nullptr, &g};
      tile_function<false>(m, std::make_index_sequence<kFewRows>())(t);
    }
    return;
  }
  const std::size_t tiles = (m + kRows - 1) / kRows, depth = block_depth(m), blocks = std::max<std::size_t>((g.k + depth - 1) / depth, 1);
  for (std::size_t block = 0; block < blocks; ++block) {
    const Share own = share(g.k, blocks, block);
    const std::size_t k = own.end - own.begin;
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const Share rows = share(m, tiles, tile);
      pack_turned(g.a + (i0 + rows.begin) * g.a_stride + own.begin, g.a_stride, rows.end - rows.begin, k, scratch + rows.begin * k, rows.end - rows.begin);
    }
    for (std::size_t panel = panel_begin; panel < panel_end; ++panel) {
      const std::size_t j = panel * width;
      const float* b = g.b + j * g.k + own.begin * width;
      const float* next = panel + 1 < panel_end ? b + g.k * width : b;
      for (std::size_t tile = 0; tile < tiles; ++tile, next += k / kStep * kLine) {
        const Share rows = share(m, tiles, tile);
        const std::size_t i = i0 + rows.begin;
        const Tile t{scratch + rows.begin * k, 0, b, g.c + i * g.c_stride + j, k, std::min(width, g.n - j), block == 0, block + 1 == blocks, j, i, next, &g};
        tile_function<true>(rows.end - rows.begin, std::make_index_sequence<kRows>())(t);
      }
    }
  }
}

std::size_t tile_rows() { return kRows; }
std::size_t block_floats(std::size_t m, std::size_t k) { return std::min(std::min(m, kBlockRows) * k, kBlockFloats + kBlockRows) + 16; }

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(panel_width);
HWY_EXPORT(pack_panels);
HWY_EXPORT(gemm_part);
HWY_EXPORT(tile_rows);
HWY_EXPORT(block_floats);

namespace {

std::size_t width_of_panel() { return HWY_DYNAMIC_DISPATCH(panel_width)(); }
std::size_t part_scratch(std::size_t m, std::size_t k) { return HWY_DYNAMIC_DISPATCH(block_floats)(m, k); }

}  // namespace

std::size_t PackedMatrix::floats(std::size_t k, std::size_t n) { return (n + width_of_panel() - 1) / width_of_panel() * width_of_panel() * k; }

void pack_matrix(const float* b, std::size_t row_stride, std::size_t column_stride, std::size_t k, std::size_t n, float* to) {
  HWY_DYNAMIC_DISPATCH(pack_panels)(b, row_stride, column_stride, k, n, to);
}

PackedMatrix packed(const float* b, std::size_t row_stride, std::size_t column_stride, std::size_t k, std::size_t n) {
  PackedMatrix out{k, n, {}};
  std::byte* memory = nullptr;
  out.data = Blob::allocate(PackedMatrix::floats(k, n) * sizeof(float), memory);
  pack_matrix(b, row_stride, column_stride, k, n, reinterpret_cast<float*>(memory));
  return out;
}

std::size_t gemm_scratch(std::size_t m, std::size_t, std::size_t k, unsigned threads) { return threads * part_scratch(m, k); }

void gemm(const Gemm& g, float* scratch, unsigned threads) {
  const std::size_t panels = (g.n + width_of_panel() - 1) / width_of_panel(), rows = HWY_DYNAMIC_DISPATCH(tile_rows)();
  // A thread costs some microseconds: it is worth about 100,000 multiplications.
  const std::size_t worth = std::max<std::size_t>(g.m * g.n * g.k / 100'000, 1), most = std::min<std::size_t>(threads, worth);
  if (most <= 1) return HWY_DYNAMIC_DISPATCH(gemm_part)(g, 0, g.m, 0, panels, scratch);
  const std::size_t each = part_scratch(g.m, g.k), tiles = (g.m + rows - 1) / rows;
  if (tiles >= 3 * most) {
    parallel(most, [&](std::size_t part) {
      const Share s = share(tiles, most, part);
      HWY_DYNAMIC_DISPATCH(gemm_part)(g, s.begin * rows, std::min(g.m, s.end * rows), 0, panels, scratch + part * each);
    });
  } else {
    const std::size_t parts = std::min(most, panels);
    parallel(parts, [&](std::size_t part) {
      const Share s = share(panels, parts, part);
      HWY_DYNAMIC_DISPATCH(gemm_part)(g, 0, g.m, s.begin, s.end, scratch + part * each);
    });
  }
}

}  // namespace decant
#endif
