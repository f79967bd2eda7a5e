// SPDX-License-Identifier: Apache-2.0
// Attention-25, RotaryEmbedding-23, LinearAttention-27 (ai.onnx), FlexAttention-1 (ai.onnx.preview).
#include <cmath>
#include <limits>

#include "ops/attend.h"
#include "ops/gemm.h"

namespace decant {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

void attention(KernelContext& c) {
  const bool flat = c.input(0).rank() == 3;
  const Tensor q = split_heads(c, c.input(0), c.integer("q_num_heads", 0));
  Tensor k = split_heads(c, c.input(1), c.integer("kv_num_heads", 0)), v = split_heads(c, c.input(2), c.integer("kv_num_heads", 0));
  const std::int64_t past = c.has_input(4) ? (c.input(4).rank() == 4 ? c.input(4).dim(2) : 0) : 0;
  if (c.has_input(4) != c.has_input(5)) c.fail(Code::mismatch, "past_key and past_value go together");
  if (c.has_input(4)) k = joined_lengths(c, c.input(4), k), v = joined_lengths(c, c.input(5), v);
  if (q.rank() != 4 || k.rank() != 4) c.fail(Code::mismatch, format("queries {}", text_of(q.shape())));
  const Heads h{q.dim(0), q.dim(1), k.dim(1), q.dim(2), k.dim(2), q.dim(3), v.dim(3)};
  std::optional<Mask> mask;
  if (c.has_input(3)) mask.emplace(c, c.input(3), h);
  std::vector<std::int64_t> valid;  // keys of each batch that are there at all
  if (c.has_input(6)) {
    valid = integers_of(c, c.input(6));
    if (valid.size() != z(h.batch)) c.fail(Code::mismatch, format("{} lengths for a batch of {}", valid.size(), h.batch));
  }
  const bool causal = c.integer("is_causal", 0) != 0;
  const std::int64_t left = c.integer("left_window_size", -1), right = c.integer("right_window_size", -1);
  AttendOptions o;
  o.scale = c.real("scale", 0);
  o.softcap = c.real("softcap", 0);
  const bool keep = c.wants_output(3);
  o.keep = keep ? static_cast<int>(c.integer("qk_matmul_output_mode", 0)) : -1;
  const auto bias = [&](std::int64_t b, std::int64_t head, std::int64_t i, std::span<double> row) {
    if (mask) mask->add(b, head, i, row);
    // The query's own position among the keys.
    const std::int64_t at = i + (c.has_input(4) ? past : !valid.empty() ? valid[z(b)] - h.q_length : 0);
    for (std::int64_t j = 0; j < h.kv_length; ++j) {
      const bool hidden = (causal && j > at) || (left >= 0 && at - j > left) || (right >= 0 && j - at > right) || (!valid.empty() && j >= valid[z(b)]);
      if (hidden) row[z(j)] = kHidden;
    }
  };
  Tensor kept;
  const Tensor out = attend(c, q, k, v, o, bias, keep ? &kept : nullptr);
  c.set_output(0, flat ? joined_heads(out) : out);
  if (c.wants_output(1)) c.set_output(1, k);
  if (c.wants_output(2)) c.set_output(2, v);
  if (keep) c.set_output(3, std::move(kept));
}
void infer_attention(InferContext& c) {
  const Type& q = c.input(0);
  c.outputs[0] = q.has_rank ? ranked(q.dtype, q.shape.size()) : unknown_shape(q.dtype);
  if (q.has_rank && q.shape.size() >= 3) {
    c.outputs[0].shape[0] = q.shape[0];
    c.outputs[0].shape[q.shape.size() - 2] = q.shape[q.shape.size() - 2];
    if (q.shape.size() == 4) c.outputs[0].shape[1] = q.shape[1];
  }
  for (std::size_t i = 1; i < c.outputs.size(); ++i) c.outputs[i] = ranked(i == 3 ? q.dtype : c.input(i).dtype, 4);
}

// --- RotaryEmbedding --------------------------------------------------------------------------------------------------------------------------

void rotary_embedding(KernelContext& c) {
  const Tensor &x = c.input(0), &cosines = c.input(1), &sines = c.input(2);
  want_same(c, 0, 1);
  want_same(c, 0, 2);
  const std::int64_t heads = c.integer("num_heads", 0);
  const bool flat = x.rank() == 3, interleaved = c.integer("interleaved", 0) != 0;
  if ((!flat && x.rank() != 4) || (flat && (heads < 1 || x.dim(2) % heads != 0))) c.fail(Code::mismatch, format("{} heads of an input {}", heads, text_of(x.shape())));
  const std::int64_t batch = x.dim(0), length = x.dim(flat ? 1 : 2), h = flat ? heads : x.dim(1), size = flat ? x.dim(2) / heads : x.dim(3);
  std::int64_t turned = c.integer("rotary_embedding_dim", 0);
  if (turned == 0) turned = size;
  if (turned < 0 || turned > size || turned % 2 != 0) c.fail(Code::mismatch, format("{} of {} turned", turned, size));
  const std::int64_t half = turned / 2;
  if (cosines.shape() != sines.shape() || cosines.rank() == 0 || cosines.shape().back() != half) c.fail(Code::mismatch, format("caches {} and {} for {}", text_of(cosines.shape()), text_of(sines.shape()), half));
  std::vector<std::int64_t> rows(z(batch * length));  // of the caches
  const std::int64_t most = static_cast<std::int64_t>(cosines.size()) / std::max<std::int64_t>(half, 1);
  if (c.has_input(3)) {
    want(c, 3, DType::int64);
    if (cosines.rank() != 2 || c.input(3).shape() != Shape{batch, length}) c.fail(Code::mismatch, format("positions {} for {}", text_of(c.input(3).shape()), text_of(x.shape())));
    std::ranges::copy(c.input(3).data<std::int64_t>(), rows.begin());
  } else {
    if (cosines.shape() != Shape{batch, length, half}) c.fail(Code::mismatch, format("caches {} for {}", text_of(cosines.shape()), text_of(x.shape())));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  }
  for (const std::int64_t r : rows) {
    if (r < 0 || r >= most) c.fail(Code::mismatch, format("position {} of {}", r, most));
  }
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    T* to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data();
    const T* from = x.data<T>().data();
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t t = 0; t < length; ++t) {
        const T *cosine = cosines.data<T>().data() + rows[z(b * length + t)] * half, *sine = sines.data<T>().data() + rows[z(b * length + t)] * half;
        for (std::int64_t k = 0; k < h; ++k) {
          const std::int64_t at = (flat ? (b * length + t) * h + k : (b * h + k) * length + t) * size;
          std::copy_n(from + at, size, to + at);
          for (std::int64_t i = 0; i < half; ++i) {
            const std::int64_t p = at + (interleaved ? 2 * i : i), q = at + (interleaved ? 2 * i + 1 : half + i);
            to[p] = cosine[i] * from[p] - sine[i] * from[q];
            to[q] = sine[i] * from[p] + cosine[i] * from[q];
          }
        }
      }
    }
  });
}

// --- LinearAttention ----------------------------------------------------------------------------------------------------------------------------

void linear_attention(KernelContext& c) {
  const Tensor &query = c.input(0), &key = c.input(1), &value = c.input(2);
  const std::int64_t q_heads = c.integer("q_num_heads"), heads = c.integer("kv_num_heads");
  const std::string_view rule = c.text("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") c.fail(Code::corrupt, format("update_rule \"{}\"", printable(rule, 40)));
  if (gated != c.has_input(4) || delta != c.has_input(5)) c.fail(Code::mismatch, format("decay and beta do not go with update_rule {}", rule));
  if (query.rank() != 3 || key.rank() != 3 || value.rank() != 3 || q_heads < 1 || heads < 1 || q_heads % heads != 0 || query.dim(2) % q_heads != 0 || value.dim(2) % heads != 0) {
    c.fail(Code::mismatch, format("{} and {} heads of {}, {}, {}", q_heads, heads, text_of(query.shape()), text_of(key.shape()), text_of(value.shape())));
  }
  const std::int64_t batch = query.dim(0), steps = query.dim(1), size = query.dim(2) / q_heads, v_size = value.dim(2) / heads, group = q_heads / heads;
  if (key.shape() != Shape{batch, steps, heads * size} || value.dim(0) != batch || value.dim(1) != steps) c.fail(Code::mismatch, format("keys {} for queries {}", text_of(key.shape()), text_of(query.shape())));
  for (std::size_t i = 1; i < 6; ++i) {
    if (c.has_input(i)) want_same(c, 0, i);
  }
  std::int64_t decays = 0, betas = 0;
  if (gated) {
    decays = c.input(4).rank() == 3 ? c.input(4).dim(2) : 0;
    if (c.input(4).shape() != Shape{batch, steps, decays} || (decays != heads && decays != heads * size)) c.fail(Code::mismatch, format("decays {}", text_of(c.input(4).shape())));
  }
  if (delta) {
    betas = c.input(5).rank() == 3 ? c.input(5).dim(2) : 0;
    if (c.input(5).shape() != Shape{batch, steps, betas} || (betas != heads && betas != 1)) c.fail(Code::mismatch, format("rates {}", text_of(c.input(5).shape())));
  }
  const Shape state_shape{batch, heads, size, v_size};
  if (c.has_input(3) && c.input(3).shape() != state_shape) c.fail(Code::mismatch, format("a state {}, not {}", text_of(c.input(3).shape()), text_of(state_shape)));
  const double stated = c.real("scale", 0), scale = stated != 0 ? stated : 1 / std::sqrt(static_cast<double>(size));
  dispatch(c, query.dtype(), RealTypes{}, [&]<class T>() {
    Tensor kept(query.dtype(), state_shape);
    const std::span<T> state = kept.mutable_data<T>();
    if (c.has_input(3)) std::ranges::copy(c.input(3).data<T>(), state.begin());
    else std::ranges::fill(state, T{});
    T* out = c.output(0, query.dtype(), {batch, steps, q_heads * v_size}).template mutable_data<T>().data();
    std::vector<T> update(z(v_size));
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t t = 0; t < steps; ++t) {
        const std::int64_t row = b * steps + t;
        for (std::int64_t h = 0; h < heads; ++h) {
          T* s = state.data() + (b * heads + h) * size * v_size;
          const T *k = key.data<T>().data() + (row * heads + h) * size, *v = value.data<T>().data() + (row * heads + h) * v_size;
          if (gated) {
            const T* g = c.input(4).data<T>().data() + row * decays;
            for (std::int64_t d = 0; d < size; ++d) {
              const T factor = std::exp(decays == heads ? g[h] : g[h * size + d]);
              for (std::int64_t m = 0; m < v_size; ++m) s[d * v_size + m] *= factor;
            }
          }
          std::copy_n(v, v_size, update.begin());
          if (delta) {
            const T* rates = c.input(5).data<T>().data() + row * betas;
            for (std::int64_t d = 0; d < size; ++d) {
              for (std::int64_t m = 0; m < v_size; ++m) update[z(m)] -= s[d * v_size + m] * k[d];
            }
            for (T& u : update) u *= rates[betas == 1 ? 0 : h];
          }
          for (std::int64_t d = 0; d < size; ++d) {
            for (std::int64_t m = 0; m < v_size; ++m) s[d * v_size + m] += k[d] * update[z(m)];
          }
          for (std::int64_t g = h * group; g < (h + 1) * group; ++g) {
            T* to = out + (row * q_heads + g) * v_size;
            const T* q = query.data<T>().data() + (row * q_heads + g) * size;
            std::fill_n(to, v_size, T{});
            for (std::int64_t d = 0; d < size; ++d) {
              for (std::int64_t m = 0; m < v_size; ++m) to[m] += q[d] * s[d * v_size + m];
            }
            for (std::int64_t m = 0; m < v_size; ++m) to[m] *= static_cast<T>(scale);
          }
        }
      }
    }
    if (c.wants_output(1)) c.set_output(1, std::move(kept));
  });
}
void infer_linear_attention(InferContext& c) {
  c.outputs[0] = ranked(c.input(0).dtype, 3);
  if (c.input(0).has_rank && c.input(0).shape.size() == 3) c.outputs[0].shape[0] = c.input(0).shape[0], c.outputs[0].shape[1] = c.input(0).shape[1];
  if (c.outputs.size() > 1) c.outputs[1] = ranked(c.has_input(3) ? c.input(3).dtype : c.input(0).dtype, 4);
}

// --- FlexAttention: graphs change the scores and the probabilities -----------------------------------------------------------------------------------

void flex_attention(KernelContext& c) {
  const DType dtype = c.input(0).dtype();
  const std::int64_t precision = c.integer("softmax_precision", 0);
  const DType wide = precision == static_cast<std::int64_t>(DType::float64) || dtype == DType::float64 ? DType::float64 : DType::float32;
  const Tensor q = as_real(c, c.input(0), wide), k = as_real(c, c.input(1), wide), v = as_real(c, c.input(2), wide);
  AttendOptions o;
  o.scale = c.real("scale", 0);
  o.keep = c.has("score_mod") ? 0 : 3;
  Tensor scores;
  Tensor out = attend(c, q, k, v, o, {}, &scores);
  if (c.has("score_mod") || c.has("prob_mod")) {
    // The graphs see numbers of the type that the softmax is computed in.
    const auto modified = [&](std::string_view name, const Tensor& t) {
      if (!c.has(name)) return t;
      const GraphPtr body = c.graph(name);
      if (body->inputs.size() != 1) c.fail(Code::corrupt, format("{} takes {} inputs", name, body->inputs.size()));
      const DType wanted = body->value(body->inputs[0]).type.dtype;
      const Tensor given = wanted == DType::float16 || wanted == DType::bfloat16 ? narrowed(as_real(c, t, DType::float32), wanted) : t;
      const std::vector<Tensor> result = c.executor().run(*body, std::span(&given, 1));
      if (result.empty() || result[0].shape() != t.shape()) c.fail(Code::mismatch, format("{} changes the shape of what it is given", name));
      return as_real(c, result[0], wide);
    };
    Tensor probabilities = scores;
    const std::int64_t columns = scores.dim(3);
    if (c.has("score_mod")) {
      const Tensor changed = modified("score_mod", scores);
      probabilities = Tensor(wide, scores.shape());
      dispatch(c, wide, RealTypes{}, [&]<class T>() {
        const T* from = changed.data<T>().data();
        T* to = probabilities.mutable_data<T>().data();
        for (std::size_t at = 0; columns > 0 && at < changed.size(); at += z(columns), from += columns, to += columns) {
          const T most = *std::max_element(from, from + columns);
          T sum = 0;
          for (std::int64_t j = 0; j < columns; ++j) sum += to[j] = std::exp(from[j] - most);
          for (std::int64_t j = 0; j < columns; ++j) to[j] /= sum;
        }
      });
    }
    probabilities = modified("prob_mod", probabilities);
    dispatch(c, wide, RealTypes{}, [&]<class T>() {
      out = Tensor(wide, {q.dim(0), q.dim(1), q.dim(2), v.dim(3)});
      const std::span<T> to = out.mutable_data<T>();
      std::ranges::fill(to, T{});
      const std::int64_t group = q.dim(1) / k.dim(1);
      for (std::int64_t at = 0; at < q.dim(0) * q.dim(1); ++at) {
        const std::int64_t kv = at / q.dim(1) * k.dim(1) + at % q.dim(1) / group;
        multiply<T>(q.dim(2), v.dim(3), columns, probabilities.data<T>().data() + at * q.dim(2) * columns, v.data<T>().data() + kv * columns * v.dim(3), to.data() + at * q.dim(2) * v.dim(3));
      }
    });
  }
  c.set_output(0, dtype == wide ? std::move(out) : dtype == DType::float32 ? as_real(c, out, DType::float32) : narrowed(as_real(c, out, DType::float32), dtype));
}
void infer_flex_attention(InferContext& c) { c.outputs[0] = ranked(c.input(0).dtype, 4); }

constexpr Op kOps[] = {
    {"", "Attention", "softmax(scale * Q K' + bias) V with masks, windows, caches and groups of heads (Attention-25).", infer_attention, in_float<attention>},
    {"", "RotaryEmbedding", "Pairs of numbers turned by angles of their position (RotaryEmbedding-23).", infer_same, in_float<rotary_embedding>},
    {"", "LinearAttention", "Attention as a recurrence over a state, plain, gated, with delta rule (LinearAttention-27).", infer_linear_attention, in_float<linear_attention>},
    {"ai.onnx.preview", "FlexAttention", "Attention whose scores and probabilities graphs may change (FlexAttention-1).", infer_flex_attention, flex_attention},
};

}  // namespace

DECANT_AT_START std::span<const Op> attention_ops() { return kOps; }

}  // namespace decant
