// SPDX-License-Identifier: Apache-2.0
// Matrix products in float32: FusedLinear with its packed weights, MatMul of two values, FusedAttention.
#include <algorithm>

#include "kernels/network/compiled.h"
#include "kernels/network/gemm.h"
#include "kernels/network/rows.h"
#include "kernels/parallel.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

CompiledPtr linear(const CompileContext& c) {
  if (!c.all_float()) return nullptr;
  const Operand &a = c.inputs[0], &w = c.inputs[1];
  if (a.shape.empty() || w.shape.size() != 2) return nullptr;
  const bool turned = c.integer("trans_w", 0) != 0;
  const std::size_t k = size(w.shape[turned]), n = size(w.shape[!turned]), row_stride = turned ? 1 : n, column_stride = turned ? k : 1;
  if (size(a.shape.back()) != k || k == 0 || n == 0 || a.count() == 0) return nullptr;
  if (PackedMatrix::floats(k, n) > 2 * k * n + (std::size_t{1} << 22)) return nullptr;  // long and narrow: a panel would be mostly empty
  if (c.has(2) && c.inputs[2].shape != Shape{static_cast<std::int64_t>(n)}) return nullptr;
  if (c.has(3) && c.inputs[3].shape != c.outputs[0].shape) return nullptr;
  Gemm g;
  g.m = a.count() / k;
  g.n = n;
  g.k = k;
  g.a_stride = k;
  g.c_stride = n;
  g.scale = static_cast<float>(c.real("alpha", 1.0));
  g.act = activation_of(c);
  const unsigned threads = c.threads;
  const std::size_t own = gemm_scratch(g.m, n, k, threads);
  if (w.constant == nullptr) {
    auto out = simple(c, [g, row_stride, column_stride, threads, own](const Places& p) {
      Gemm now = g;
      float* scratch = reinterpret_cast<float*>(p.scratch);
      pack_matrix(p.input<float>(1), row_stride, column_stride, g.k, g.n, scratch + own);
      now.a = p.input<float>(0), now.b = scratch + own, now.c = p.output<float>(0), now.bias = p.input<float>(2), now.residual = p.input<float>(3);
      gemm(now, scratch, threads);
    });
    out->scratch = (own + PackedMatrix::floats(k, n)) * sizeof(float);
    return out;
  }
  std::shared_ptr<const void>* kept = c.packs.place(w.constant->blob().bytes.data(), turned ? "gemm turned" : "gemm");
  std::shared_ptr<const void> matrix = kept != nullptr ? *kept : nullptr;
  if (matrix == nullptr) matrix = std::make_shared<PackedMatrix>(packed(w.constant->data<float>().data(), row_stride, column_stride, k, n));
  if (kept != nullptr) *kept = matrix;
  auto out = simple(c, [g, threads, weights = std::static_pointer_cast<const PackedMatrix>(matrix)](const Places& p) {
    Gemm now = g;
    now.a = p.input<float>(0), now.b = reinterpret_cast<const float*>(weights->data.bytes.data()), now.c = p.output<float>(0), now.bias = p.input<float>(2), now.residual = p.input<float>(3);
    gemm(now, reinterpret_cast<float*>(p.scratch), threads);
  });
  out->scratch = own * sizeof(float);
  out->reads[1] = false;
  return out;
}

// Batches of products; both sides are values.
CompiledPtr matmul(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() != 2) return nullptr;
  const Operand &a = c.inputs[0], &b = c.inputs[1];
  if (a.shape.size() < 2 || b.shape.size() < 2 || a.count() == 0 || b.count() == 0) return nullptr;
  Gemm g;
  g.m = size(a.shape[a.shape.size() - 2]);
  g.k = g.a_stride = size(a.shape.back());
  g.n = g.c_stride = size(b.shape.back());
  if (size(b.shape[b.shape.size() - 2]) != g.k || PackedMatrix::floats(g.k, g.n) > 2 * g.k * g.n + (std::size_t{1} << 22)) return nullptr;
  const Shape batch_a(a.shape.begin(), a.shape.end() - 2), batch_b(b.shape.begin(), b.shape.end() - 2);
  const auto loops = broadcast<2>(c, {&batch_a, &batch_b});
  struct One {
    std::size_t a, b;
  };
  std::vector<One> all;
  if (count_of(loops.shape) > (1 << 20)) return nullptr;
  loops.each_row([&](std::int64_t, const auto& at, std::int64_t count, const auto& step) {
    for (std::int64_t i = 0; i < count; ++i) all.push_back({size(at[0] + i * step[0]) * g.m * g.k, size(at[1] + i * step[1]) * g.k * g.n});
  });
  // Whole products are shared out where there are enough of them.
  const std::size_t parts = all.size() >= c.threads ? c.threads : 1;
  const unsigned inside = parts == 1 ? c.threads : 1;
  const std::size_t own = (gemm_scratch(g.m, g.n, g.k, inside) + 15) / 16 * 16, each = own + PackedMatrix::floats(g.k, g.n);
  auto out = simple(c, [g, all = std::move(all), parts, inside, own, each](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(all.size(), parts, part);
      float* scratch = reinterpret_cast<float*>(p.scratch) + part * each;
      Gemm now = g;
      const float* before = nullptr;
      for (std::size_t i = s.begin; i < s.end; ++i) {
        const float* right = p.input<float>(1) + all[i].b;
        if (right != before) pack_matrix(right, g.n, 1, g.k, g.n, scratch + own);
        before = right;
        now.a = p.input<float>(0) + all[i].a, now.b = scratch + own, now.c = p.output<float>(0) + i * g.m * g.n;
        gemm(now, scratch, inside);
      }
    });
  });
  out->scratch = parts * each * sizeof(float);
  return out;
}

// Where the axes b, h, t, d of a value of rank 4 are.
struct Axes {
  std::size_t b, h, t, d;  // lengths
  std::size_t sb, sh, st, sd;  // strides
};
std::optional<Axes> axes_by(std::string_view layout, const Shape& shape) {
  if (layout.size() != 4 || shape.size() != 4) return std::nullopt;
  const std::vector<std::int64_t> strides = strides_of(shape);
  const auto at = [&](char axis) { return layout.find(axis); };
  for (const char axis : {'b', 'h', 't', 'd'}) {
    if (at(axis) == std::string_view::npos) return std::nullopt;
  }
  return Axes{size(shape[at('b')]), size(shape[at('h')]), size(shape[at('t')]), size(shape[at('d')]), size(strides[at('b')]), size(strides[at('h')]), size(strides[at('t')]), size(strides[at('d')])};
}

CompiledPtr attention(const CompileContext& c) {
  if (!c.all_float()) return nullptr;
  const auto q = axes_by(c.text("layout_q", "bhtd"), c.inputs[0].shape), k = axes_by(c.text("layout_k", "bhtd"), c.inputs[1].shape), v = axes_by(c.text("layout_v", "bhtd"), c.inputs[2].shape),
             o = axes_by(c.text("layout_out", "bhtd"), c.outputs[0].shape);
  if (!q || !k || !v || !o || q->sd != 1 || o->sd != 1 || c.inputs[0].count() == 0 || c.inputs[1].count() == 0 || c.inputs[2].count() == 0) return nullptr;
  if (q->b != k->b || q->b != v->b || q->h != k->h || q->h != v->h || k->t != v->t || q->d != k->d || o->b != q->b || o->h != q->h || o->t != q->t || o->d != v->d) return nullptr;
  for (const auto& [rows, columns] : {std::pair{k->d, k->t}, std::pair{v->t, v->d}}) {
    if (PackedMatrix::floats(rows, columns) > 2 * rows * columns + (std::size_t{1} << 22)) return nullptr;
  }
  std::size_t mask_b = 0, mask_h = 0, mask_t = 0;
  if (c.has(3)) {
    Shape m = c.inputs[3].shape;
    if (m.size() > 4) return nullptr;
    m.insert(m.begin(), 4 - m.size(), 1);
    const auto strides = strides_of(m);
    if (size(m[3]) != k->t || (size(m[2]) != q->t && m[2] != 1) || (size(m[1]) != q->h && m[1] != 1) || (size(m[0]) != q->b && m[0] != 1)) return nullptr;
    mask_b = m[0] == 1 ? 0 : size(strides[0]), mask_h = m[1] == 1 ? 0 : size(strides[1]), mask_t = m[2] == 1 ? 0 : size(strides[2]);
  }
  // Scores of so many positions at a time that they stay in the second-level cache.
  const std::size_t block = std::min(q->t, std::max<std::size_t>((std::size_t{1} << 17) / k->t, 28));
  const std::size_t keys = PackedMatrix::floats(k->d, k->t), values = PackedMatrix::floats(v->t, v->d), scores = (block * k->t + 15) / 16 * 16;
  const std::size_t own = std::max(gemm_scratch(block, k->t, q->d, 1), gemm_scratch(block, v->d, v->t, 1)), each = (keys + values + scores + own + 15) / 16 * 16;
  const std::size_t parts = std::min<std::size_t>(c.threads, q->b * q->h);
  auto out = simple(c, [=, q = *q, k = *k, v = *v, o = *o, scale = static_cast<float>(c.real("scale", 1.0))](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      float* packed_keys = reinterpret_cast<float*>(p.scratch) + part * each;
      float *packed_values = packed_keys + keys, *score = packed_values + values, *scratch = score + scores;
      const Share s = share(q.b * q.h, parts, part);
      for (std::size_t i = s.begin; i < s.end; ++i) {
        const std::size_t b = i / q.h, h = i % q.h;
        pack_matrix(p.input<float>(1) + b * k.sb + h * k.sh, k.sd, k.st, k.d, k.t, packed_keys);
        pack_matrix(p.input<float>(2) + b * v.sb + h * v.sh, v.st, v.sd, v.t, v.d, packed_values);
        const float* mask = p.input<float>(3);
        if (mask != nullptr) mask += b * mask_b + h * mask_h;
        for (std::size_t t = 0; t < q.t; t += block) {
          const std::size_t rows = std::min(block, q.t - t);
          Gemm g;
          g.m = rows, g.n = g.c_stride = k.t, g.k = q.d;
          g.a = p.input<float>(0) + b * q.sb + h * q.sh + t * q.st, g.a_stride = q.st, g.b = packed_keys, g.c = score;
          gemm(g, scratch, 1);
          for (std::size_t r = 0; r < rows; ++r) softmax_row(score + r * k.t, scale, mask == nullptr ? nullptr : mask + (t + r) * mask_t, score + r * k.t, k.t);
          g.n = v.d, g.k = v.t, g.a = score, g.a_stride = k.t, g.b = packed_values;
          g.c = p.output<float>(0) + b * o.sb + h * o.sh + t * o.st, g.c_stride = o.st;
          gemm(g, scratch, 1);
        }
      }
    });
  });
  out->scratch = parts * each * sizeof(float);
  return out;
}

constexpr CompileEntry kEntries[] = {{"decant", "FusedLinear", linear}, {"", "MatMul", matmul}, {"decant", "FusedAttention", attention}};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> linear_entries() { return kEntries; }

}  // namespace decant
