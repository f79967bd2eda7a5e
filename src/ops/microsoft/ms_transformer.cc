// SPDX-License-Identifier: Apache-2.0
// Attention as onnxruntime's optimizer writes it (com.microsoft 1; docs/ContribOperators.md 1.31): Attention, QAttention,
// MultiHeadAttention, GroupQueryAttention, RotaryEmbedding.
#include <cmath>
#include <limits>

#include "ops/attend.h"
#include "ops/gemm.h"
#include "ops/quantized.h"

namespace decant {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

// A mask of keys in one of the forms that the operators take: the keys' number [N]; the ends and the starts [2 N]; which keys are there
// [N, Lk]; for each query [N, Lq, Lk]; or a large square [N, 1, M, M] of which a part is used. What it hides gets `filter` added.
class KeyMask {
 public:
  KeyMask(const KernelContext& c, const Tensor& mask, const Heads& h, double filter) : mask_(mask), h_(h), filter_(filter) {
    if (!is_integer(mask.dtype()) && mask.dtype() != DType::boolean) c.fail(Code::mismatch, format("a mask of {}", name_of(mask.dtype())));
    const Shape& s = mask.shape();
    if (s == Shape{h.batch}) kind_ = lengths;
    else if (s == Shape{2 * h.batch}) kind_ = ends_and_starts;
    else if (s == Shape{h.batch, h.kv_length}) kind_ = keys;
    else if (s == Shape{h.batch, h.q_length, h.kv_length}) kind_ = queries;
    else if (s.size() == 4 && s[0] == h.batch && s[1] == 1 && s[2] == s[3] && s[2] >= h.kv_length) kind_ = square;
    else c.fail(Code::unsupported, format("a mask of shape {} for {} sequences of {} queries and {} keys", text_of(s), h.batch, h.q_length, h.kv_length));
  }
  void add(std::int64_t b, std::int64_t i, std::span<double> row) const {
    for (std::int64_t j = 0; j < h_.kv_length; ++j) {
      bool seen = true;
      switch (kind_) {
        case lengths: seen = j < at(b); break;
        case ends_and_starts: seen = j < at(b) && j >= at(h_.batch + b); break;
        case keys: seen = at(b * h_.kv_length + j) > 0; break;
        case queries: seen = at((b * h_.q_length + i) * h_.kv_length + j) > 0; break;
        case square: {
          const std::int64_t m = mask_.dim(3);
          seen = at((b * m + h_.kv_length - h_.q_length + i) * m + j) > 0;
          break;
        }
      }
      if (!seen) row[z(j)] += filter_;
    }
  }

 private:
  std::int64_t at(std::int64_t i) const { return mask_.integer(z(i)); }
  enum { lengths, ends_and_starts, keys, queries, square } kind_ = lengths;
  const Tensor& mask_;
  Heads h_;
  double filter_;
};

struct Projected {
  Tensor q, k, v;  // [B, L, H * D]
};
// One matrix [B, L, a + b + c] cut into three.
Projected cut(const AttributeView& c, const Tensor& all, const std::vector<std::int64_t>& sizes) {
  Projected out;
  Tensor* parts[] = {&out.q, &out.k, &out.v};
  const std::int64_t width = all.dim(2), rows = all.dim(0) * all.dim(1);
  std::int64_t begin = 0;
  dispatch(c, all.dtype(), RealTypes{}, [&]<class T>() {
    for (std::size_t p = 0; p < 3; ++p) {
      *parts[p] = Tensor(all.dtype(), {all.dim(0), all.dim(1), sizes[p]});
      T* to = parts[p]->mutable_data<T>().data();
      for (std::int64_t r = 0; r < rows; ++r) std::copy_n(all.data<T>().data() + r * width + begin, sizes[p], to + r * sizes[p]);
      begin += sizes[p];
    }
  });
  return out;
}

// Heads that are ready, under a mask of keys, a bias of the scores and the order of the positions, each where it is given: [B, L, H * D].
Tensor attend_masked(const KernelContext& c, const Tensor& q, const Tensor& k, const Tensor& v, std::size_t mask_at, std::size_t bias_at) {
  const Heads h{q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3), v.dim(3)};
  std::optional<KeyMask> mask;
  if (c.has_input(mask_at)) mask.emplace(c, c.input(mask_at), h, c.real("mask_filter_value", -10000));
  std::optional<Mask> extra;
  if (c.has_input(bias_at)) extra.emplace(c, c.input(bias_at), h);
  const bool causal = c.integer("unidirectional", 0) != 0;
  AttendOptions o;
  o.scale = c.real("scale", 0);
  return joined_heads(attend(c, q, k, v, o, [&](std::int64_t b, std::int64_t head, std::int64_t i, std::span<double> row) {
    if (mask) mask->add(b, i, row);
    if (extra) extra->add(b, head, i, row);
    for (std::int64_t j = h.kv_length - h.q_length + i + 1; causal && j < h.kv_length; ++j) row[z(j)] = kHidden;
  }, nullptr));
}

// The second half of Attention and QAttention, which differ in how they project. Inputs: `mask`, `past`, `extra` are their places.
void attend_projected(KernelContext& c, const Projected& p, std::size_t mask_at, std::size_t past_at, std::size_t bias_at) {
  const std::int64_t heads = c.integer("num_heads");
  if (c.integer("do_rotary", 0) != 0) c.fail(Code::unsupported, "do_rotary");
  const Tensor q = split_heads(c, p.q, heads);
  Tensor k = split_heads(c, p.k, heads), v = split_heads(c, p.v, heads);
  if (c.has_input(past_at)) {
    const Tensor& past = c.input(past_at);  // [2, B, H, P, D]
    if (past.rank() != 5 || past.dim(0) != 2 || past.dtype() != k.dtype()) c.fail(Code::mismatch, format("a past of shape {}", text_of(past.shape())));
    const Shape one(past.shape().begin() + 1, past.shape().end());
    const std::size_t bytes = past.blob().size() / 2;
    k = joined_lengths(c, Tensor(past.dtype(), one, past.blob().slice(0, bytes)), k);
    v = joined_lengths(c, Tensor(past.dtype(), one, past.blob().slice(bytes, bytes)), v);
  }
  c.set_output(0, attend_masked(c, q, k, v, mask_at, bias_at));
  if (!c.wants_output(1)) return;
  if (k.shape() != v.shape()) c.fail(Code::mismatch, "keys and values of different sizes cannot be kept in one tensor");
  Shape shape{2};
  shape.insert(shape.end(), k.shape().begin(), k.shape().end());
  Tensor present(k.dtype(), shape);
  auto* to = const_cast<std::byte*>(present.blob().bytes.data());
  std::copy_n(k.blob().bytes.data(), k.blob().size(), to);
  std::copy_n(v.blob().bytes.data(), v.blob().size(), to + k.blob().size());
  c.set_output(1, std::move(present));
}

// Inputs: x [B, L, I], weights [I, q + k + v], bias, mask, past, bias of the scores.
void attention(KernelContext& c) {
  const Tensor &x = c.input(0), &w = c.input(1);
  want_same(c, 0, 1);
  if (x.rank() != 3 || w.rank() != 2 || w.dim(0) != x.dim(2)) c.fail(Code::mismatch, format("weights {} for {}", text_of(w.shape()), text_of(x.shape())));
  std::vector<std::int64_t> sizes = c.integers("qkv_hidden_sizes");
  const std::int64_t width = w.dim(1);
  if (sizes.empty()) sizes.assign(3, width / 3);
  if (sizes.size() != 3 || sizes[0] < 0 || sizes[1] < 0 || sizes[2] < 0 || sizes[0] > width || sizes[1] > width - sizes[0] || sizes[2] != width - sizes[0] - sizes[1]) c.fail(Code::mismatch, format("sizes {} of {}", text_of(sizes), width));
  Tensor all(x.dtype(), {x.dim(0), x.dim(1), width});
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<T> to = all.mutable_data<T>();
    std::ranges::fill(to, T{});
    if (c.has_input(2)) {
      want_same(c, 0, 2);
      if (c.input(2).shape() != Shape{width}) c.fail(Code::mismatch, format("a bias {}", text_of(c.input(2).shape())));
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = c.input(2).data<T>()[i % z(width)];
    }
    multiply<T>(x.dim(0) * x.dim(1), width, x.dim(2), x.data<T>().data(), w.data<T>().data(), to.data());
  });
  attend_projected(c, cut(c, all, sizes), 3, 4, 5);
}
// Inputs: x, weights (both of 8 bits), bias, the scales of both, mask, the zero points of both, past.
void qattention(KernelContext& c) {
  const Tensor product = integer_product(c, c.input(0), c.input(1), c.has_input(6) ? &c.input(6) : nullptr, c.has_input(7) ? &c.input(7) : nullptr);
  want(c, 2, DType::float32);
  want(c, 3, DType::float32);
  want(c, 4, DType::float32);
  if (product.rank() != 3) c.fail(Code::mismatch, format("an input {}", text_of(c.input(0).shape())));
  const std::int64_t width = product.dim(2);
  const Tensor& w_scale = c.input(4);
  if (c.input(2).shape() != Shape{width} || c.input(3).size() != 1 || (w_scale.size() != 1 && static_cast<std::int64_t>(w_scale.size()) != width) || width % 3 != 0) c.fail(Code::mismatch, format("scales {} for {} columns", text_of(w_scale.shape()), width));
  Tensor all(DType::float32, product.shape());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t j = i % z(width);
    all.mutable_data<float>()[i] = static_cast<float>(product.data<std::int32_t>()[i]) * (c.input(3).data<float>()[0] * w_scale.data<float>()[w_scale.size() == 1 ? 0 : j]) + c.input(2).data<float>()[j];
  }
  attend_projected(c, cut(c, all, {width / 3, width / 3, width / 3}), 5, 8, 64);
}
void infer_attention(InferContext& c) {
  const DType dtype = c.input(2).dtype != DType::undefined && is_float(c.input(2).dtype) ? c.input(2).dtype : c.input(0).dtype;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = ranked(dtype, i == 0 ? 3 : 5);
  if (c.input(0).has_rank && c.input(0).shape.size() == 3) c.outputs[0].shape[0] = c.input(0).shape[0], c.outputs[0].shape[1] = c.input(0).shape[1];
}

// [B, L, H, n, D] as n values [B, L, H * D].
std::vector<Tensor> packed(const AttributeView& c, const Tensor& t, std::int64_t n) {
  std::vector<Tensor> out;
  const std::int64_t heads = t.dim(2), size = t.dim(4), rows = t.dim(0) * t.dim(1) * heads;
  dispatch(c, t.dtype(), RealTypes{}, [&]<class T>() {
    for (std::int64_t p = 0; p < n; ++p) {
      Tensor part(t.dtype(), {t.dim(0), t.dim(1), heads * size});
      for (std::int64_t r = 0; r < rows; ++r) std::copy_n(t.data<T>().data() + (r * n + p) * size, size, part.mutable_data<T>().data() + r * size);
      out.push_back(std::move(part));
    }
  });
  return out;
}

// Inputs: query, key, value, bias, mask of keys, bias of the scores, past keys, past values.
void multi_head_attention(KernelContext& c) {
  const std::int64_t heads = c.integer("num_heads");
  Projected p;
  p.q = c.input(0);
  if (p.q.rank() == 5 && p.q.dim(3) == 3) {
    const std::vector<Tensor> parts = packed(c, p.q, 3);
    p = {parts[0], parts[1], parts[2]};
  } else if (c.input(1).rank() == 5 && c.input(1).dim(3) == 2) {
    const std::vector<Tensor> parts = packed(c, c.input(1), 2);
    p.k = parts[0], p.v = parts[1];
  } else {
    p.k = c.input(1), p.v = c.input(2);
  }
  if (c.has_input(3)) {  // of queries, keys and values, one after the other; what comes as heads already has had its own
    std::size_t begin = 0;
    for (Tensor* t : {&p.q, &p.k, &p.v}) {
      const std::size_t width = t->rank() == 3 ? z(t->dim(2)) : t->rank() == 4 ? z(t->dim(1) * t->dim(3)) : 0;
      const std::size_t at = begin;
      begin += width;
      if (t->rank() != 3) continue;
      if (c.input(3).rank() != 1 || c.input(3).size() < begin || c.input(3).dtype() != t->dtype()) c.fail(Code::mismatch, format("a bias {}{}", name_of(c.input(3).dtype()), text_of(c.input(3).shape())));
      dispatch(c, t->dtype(), RealTypes{}, [&]<class T>() {
        Tensor sum(t->dtype(), t->shape());
        for (std::size_t i = 0; i < sum.size(); ++i) sum.mutable_data<T>()[i] = t->data<T>()[i] + c.input(3).data<T>()[at + i % width];
        *t = std::move(sum);
      });
    }
  }
  const Tensor q = split_heads(c, p.q, heads);
  Tensor k = split_heads(c, p.k, heads), v = split_heads(c, p.v, heads);
  if (c.has_input(6) != c.has_input(7)) c.fail(Code::mismatch, "past_key and past_value go together");
  if (c.has_input(6) && p.k.rank() == 3) k = joined_lengths(c, c.input(6), k), v = joined_lengths(c, c.input(7), v);
  c.set_output(0, attend_masked(c, q, k, v, 4, 5));
  if (c.wants_output(1)) c.set_output(1, k);
  if (c.wants_output(2)) c.set_output(2, v);
}
void infer_multi_head(InferContext& c) {
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = ranked(c.input(0).dtype, i == 0 ? 3 : 4);
  if (c.input(0).has_rank && c.input(0).shape.size() == 3) c.outputs[0].shape[0] = c.input(0).shape[0], c.outputs[0].shape[1] = c.input(0).shape[1];
}

// Inputs: x [B, L, H * D] or [B, H, L, D], positions ([B, L], or one for the first), caches of cosines and sines. The standard operator
// has them in another order.
Tensor rotated(const KernelContext& c, const Tensor& x, const Tensor& positions, const Tensor& cosines, const Tensor& sines, std::int64_t heads, bool interleaved) {
  const bool flat = x.rank() == 3;
  if (!flat && x.rank() != 4) c.fail(Code::mismatch, format("an input {}", text_of(x.shape())));
  const std::int64_t batch = x.dim(0), length = x.dim(flat ? 1 : 2);
  Tensor rows = positions;
  if (positions.size() == 1 && positions.dtype() == DType::int64) {
    rows = Tensor(DType::int64, {batch, length});
    const std::int64_t start = positions.data<std::int64_t>()[0];
    for (std::size_t i = 0; i < rows.size(); ++i) rows.mutable_data<std::int64_t>()[i] = start + static_cast<std::int64_t>(i) % length;
  }
  std::int64_t turned = c.integer("rotary_embedding_dim", 0);
  if (cosines.rank() != 2) c.fail(Code::mismatch, format("a cache {}", text_of(cosines.shape())));
  if (heads == 0 && flat) {  // as many as the caches turn as a whole
    const std::int64_t size = 2 * cosines.dim(1);
    if (size == 0 || x.dim(2) % size != 0) c.fail(Code::mismatch, format("a cache {} for {}", text_of(cosines.shape()), text_of(x.shape())));
    heads = x.dim(2) / size;
  }
  if (turned == 0) turned = 2 * cosines.dim(1);
  const Node node{"", "RotaryEmbedding", c.node().name, {0, 0, 0, 0}, {0}, {{"num_heads", heads}, {"interleaved", std::int64_t{interleaved}}, {"rotary_embedding_dim", turned}}, {}};
  const Tensor* inputs[] = {&x, &cosines, &sines, &rows};
  std::vector<Tensor> out(1);
  KernelContext inner(node, inputs, out, nullptr, nullptr);
  find_op("", "RotaryEmbedding")->run(inner);
  return out[0];
}
void rotary_embedding(KernelContext& c) {
  if (c.integer("is_packed_batching", 0) != 0 || c.real("scale", 1) != 1) c.fail(Code::unsupported, "packed batches or a scale");
  c.set_output(0, rotated(c, c.input(0), c.input(1), c.input(2), c.input(3), c.integer("num_heads", 0), c.integer("interleaved", 0) != 0));
}

// Keys or values as they are afterwards, [B, H, all, D]: of each sequence the first `before` rows of the past, then the new ones, then 0.
Tensor behind(const KernelContext& c, std::size_t past_at, const Tensor& now, const std::vector<std::int64_t>& before, std::int64_t all) {
  const Tensor* past = c.has_input(past_at) && c.input(past_at).rank() == 4 && c.input(past_at).dim(2) > 0 ? &c.input(past_at) : nullptr;
  const std::int64_t heads = now.dim(1), length = now.dim(2), size = now.dim(3);
  if (past != nullptr && (past->dtype() != now.dtype() || past->dim(0) != now.dim(0) || past->dim(1) != heads || past->dim(3) != size)) {
    c.fail(Code::mismatch, format("a past {}{} for {}{}", name_of(past->dtype()), text_of(past->shape()), name_of(now.dtype()), text_of(now.shape())));
  }
  Tensor out(now.dtype(), {now.dim(0), heads, all, size});
  const std::size_t row = z(size) * size_of(now.dtype());
  auto* to = const_cast<std::byte*>(out.blob().bytes.data());
  std::fill_n(to, out.blob().size(), std::byte{0});
  for (std::size_t n = 0; n < z(now.dim(0) * heads); ++n, to += z(all) * row) {
    const std::size_t first = z(before[n / z(heads)]);
    if (first > 0) {
      if (past == nullptr || past->dim(2) < static_cast<std::int64_t>(first)) c.fail(Code::mismatch, format("{} keys are past, and input {} does not hold them", first, past_at));
      std::copy_n(past->blob().bytes.data() + n * z(past->dim(2)) * row, first * row, to);
    }
    std::copy_n(now.blob().bytes.data() + n * z(length) * row, z(length) * row, to + first * row);
  }
  return out;
}

// Inputs: query (or all three packed), key, value, past keys and values [B, Hkv, P, D], the last place of each sequence (int32), the length
// of the longest (int32), caches of cosines and sines, positions (which follow from the lengths), a bias of the scores. What is past may
// differ from sequence to sequence; a buffer as long as the whole holds it at its beginning.
void group_query_attention(KernelContext& c) {
  const std::int64_t heads = c.integer("num_heads"), kv_heads = c.integer("kv_num_heads"), window = c.integer("local_window_size", -1);
  if (heads < 1 || kv_heads < 1 || c.input(0).rank() != 3) c.fail(Code::mismatch, format("{} and {} heads of {}", heads, kv_heads, text_of(c.input(0).shape())));
  for (std::size_t i = 9; i < c.input_count(); ++i) {
    if (c.has_input(i) && i != 10) c.fail(Code::unsupported, format("input {}", i));
  }
  for (const std::string_view name : {"smooth_softmax", "sliding_window_cache", "qk_output"}) {
    if (c.integer(name, 0) > 0) c.fail(Code::unsupported, std::string(name));
  }
  Projected p;
  if (!c.has_input(1)) {
    const std::int64_t all = heads + 2 * kv_heads;
    if (c.input(0).dim(2) % all != 0) c.fail(Code::mismatch, format("{} heads of {}", all, text_of(c.input(0).shape())));
    const std::int64_t size = c.input(0).dim(2) / all;
    p = cut(c, c.input(0), {heads * size, kv_heads * size, kv_heads * size});
  } else {
    p = {c.input(0), c.input(1), c.input(2)};
  }
  const std::int64_t batch = p.q.dim(0), length = p.q.dim(1);
  for (const Tensor* t : {&p.k, &p.v}) {
    if (t->rank() != 3 || t->dim(0) != batch || t->dim(1) != length || t->dtype() != p.q.dtype()) c.fail(Code::mismatch, format("queries {} with keys or values {}", text_of(p.q.shape()), text_of(t->shape())));
  }
  const std::vector<std::int64_t> last = integers_of(c, c.input(5).rank() > 1 ? c.input(5).reshaped({static_cast<std::int64_t>(c.input(5).size())}) : c.input(5));
  if (last.size() != z(batch)) c.fail(Code::mismatch, format("{} lengths for a batch of {}", last.size(), batch));
  if (c.input(6).size() != 1) c.fail(Code::mismatch, format("a total length of shape {}", text_of(c.input(6).shape())));
  const std::int64_t past = c.has_input(3) && c.input(3).rank() == 4 ? c.input(3).dim(2) : 0, total = c.input(6).integer(0);
  if (total < length || total > past + length) c.fail(Code::mismatch, format("a total length of {} with {} past and {} new", total, past, length));
  std::vector<std::int64_t> before(z(batch), 0);
  for (std::size_t b = 0; b < last.size() && total != length; ++b) {  // otherwise a first run, of sequences that may be padded at their end
    before[b] = last[b] + 1 - length;
    if (before[b] < 0 || before[b] > total - length) c.fail(Code::mismatch, format("{} keys are past of a total of {} with {} new ones", before[b], total, length));
  }
  Tensor q = p.q, k = p.k;
  if (c.integer("do_rotary", 0) != 0) {
    Tensor places(DType::int64, {batch, length});
    for (std::int64_t i = 0; i < batch * length; ++i) places.mutable_data<std::int64_t>()[z(i)] = before[z(i / length)] + i % length;
    const bool interleaved = c.integer("rotary_interleaved", 0) != 0;
    q = rotated(c, q, places, c.input(7), c.input(8), heads, interleaved);
    k = rotated(c, k, places, c.input(7), c.input(8), kv_heads, interleaved);
  }
  q = split_heads(c, q, heads);
  const std::int64_t all = std::max(total, past);
  k = behind(c, 3, split_heads(c, k, kv_heads), before, all);
  const Tensor v = behind(c, 4, split_heads(c, p.v, kv_heads), before, all);
  const Heads h{batch, heads, kv_heads, length, all, q.dim(3), v.dim(3)};
  std::optional<Mask> extra;
  if (c.has_input(10)) extra.emplace(c, c.input(10), h);
  AttendOptions o;
  o.scale = c.real("scale", 0);
  o.softcap = c.real("softcap", 0);
  const bool causal = c.integer("causal", 1) != 0;
  const Tensor out = attend(c, q, k, v, o, [&](std::int64_t b, std::int64_t head, std::int64_t i, std::span<double> row) {
    if (extra) extra->add(b, head, i, row);
    const std::int64_t at = before[z(b)] + i, end = causal ? at + 1 : before[z(b)] + length;
    for (std::int64_t j = 0; j < all; ++j) {
      if (j >= end || (window > 0 && at - j >= window)) row[z(j)] = kHidden;
    }
  }, nullptr);
  c.set_output(0, joined_heads(out));
  if (c.wants_output(1)) c.set_output(1, k);
  if (c.wants_output(2)) c.set_output(2, v);
}

constexpr std::string_view kMs = "com.microsoft";
constexpr Op kOps[] = {
    {kMs, "Attention", "Self-attention with its projection: masks, a past, a bias of the scores.", infer_attention, in_float<attention>},
    {kMs, "QAttention", "The same with a quantized projection.", infer_attention, qattention},
    {kMs, "MultiHeadAttention", "Attention of queries, keys and values that are projected already, also packed.", infer_multi_head, in_float<multi_head_attention>},
    {kMs, "GroupQueryAttention", "Causal attention of groups of heads with a past and turned positions.", infer_multi_head, in_float<group_query_attention>},
    {kMs, "RotaryEmbedding", "RotaryEmbedding-23 with its inputs in another order.", infer_same, in_float<rotary_embedding>},
};

}  // namespace

DECANT_AT_START std::span<const Op> ms_transformer_ops() { return kOps; }

}  // namespace decant
