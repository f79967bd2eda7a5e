// SPDX-License-Identifier: Apache-2.0
// Normalizations (ai.onnx): BatchNormalization, InstanceNormalization, LayerNormalization, GroupNormalization, RMSNormalization,
// MeanVarianceNormalization, LRN.
#include <cmath>

#include "ops/widen.h"

namespace decant {
namespace {

// A vector of one number for each channel, checked.
template <class T>
const T* per_channel(const KernelContext& c, std::size_t input, std::int64_t channels) {
  want_same(c, 0, input);
  if (c.input(input).rank() != 1 || c.input(input).dim(0) != channels) {
    c.fail(Code::mismatch, format("input {} of shape {} for {} channels", input, text_of(c.input(input).shape()), channels));
  }
  return c.input(input).data<T>().data();
}

// A value seen as [N, C, rest]; a value of one dimension has one channel.
Around channels_of(const KernelContext& c, const Shape& shape) {
  if (shape.empty()) c.fail(Code::mismatch, "the input is a scalar");
  if (shape.size() == 1) return {shape[0], 1, 1};
  return around(shape, 1);
}

// Scale and shift may be of another element type than the input (BatchNormalization-15); statistics too.
template <class T>
void batch_normalization_of(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Around a = channels_of(c, x.shape());
  const double epsilon = c.real("epsilon", static_cast<double>(1e-5f));
  const bool training = c.integer("training_mode", 0) != 0;
  std::vector<Tensor> wide;
  std::vector<const T*> list;
  for (std::size_t k = 1; k < 5; ++k) {
    if (c.input(k).rank() != 1 || c.input(k).dim(0) != a.length) c.fail(Code::mismatch, format("input {} of shape {} for {} channels", k, text_of(c.input(k).shape()), a.length));
    wide.push_back(as_real(c, c.input(k), dtype_of<T>));
  }
  for (const Tensor& t : wide) list.push_back(t.data<T>().data());
  const T *scale = list[0], *shift = list[1], *mean = list[2], *variance = list[3];
  std::vector<T> own_mean, own_variance;
  const T* from = x.data<T>().data();
  if (training) {
    const T momentum = static_cast<T>(c.real("momentum", static_cast<double>(0.9f)));
    own_mean.assign(z(a.length), T{});
    own_variance.assign(z(a.length), T{});
    const T n = static_cast<T>(a.outer * a.inner);
    Tensor running_mean(dtype_of<T>, {a.length}), running_variance(dtype_of<T>, {a.length});
    for (std::int64_t ch = 0; ch < a.length; ++ch) {
      const auto each = [&](auto&& f) {
        for (std::int64_t o = 0; o < a.outer; ++o) {
          for (std::int64_t i = 0; i < a.inner; ++i) f(from[(o * a.length + ch) * a.inner + i]);
        }
      };
      T sum = 0, squares = 0;
      each([&](T v) { sum += v; });
      const T m = sum / n;
      each([&](T v) { squares += (v - m) * (v - m); });
      own_mean[z(ch)] = m;
      own_variance[z(ch)] = squares / n;
      running_mean.mutable_data<T>()[z(ch)] = mean[ch] * momentum + m * (1 - momentum);
      running_variance.mutable_data<T>()[z(ch)] = variance[ch] * momentum + squares / n * (1 - momentum);
    }
    if (c.wants_output(1)) c.set_output(1, std::move(running_mean));
    if (c.wants_output(2)) c.set_output(2, std::move(running_variance));
    mean = own_mean.data();
    variance = own_variance.data();
  }
  T* to = c.output(0, x.dtype(), x.shape()).mutable_data<T>().data();
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t ch = 0; ch < a.length; ++ch) {
      const T factor = static_cast<T>(scale[ch] / std::sqrt(variance[ch] + static_cast<T>(epsilon))), m = mean[ch], add = shift[ch];
      for (std::int64_t i = 0; i < a.inner; ++i, ++from, ++to) *to = (*from - m) * factor + add;
    }
  }
}
void batch_normalization_real(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { batch_normalization_of<T>(c); });
}
void batch_normalization(KernelContext& c) {
  run_widened(c, batch_normalization_real, 1);
  // Statistics have the element type of the statistics that came in.
  for (std::size_t i = 1; i < 3; ++i) {
    if (c.wants_output(i)) c.set_output(i, narrowed(c.take_output(i), c.input(i + 2).dtype()));
  }
}
void infer_batch_normalization(InferContext& c) {
  c.outputs[0] = c.input(0);
  for (std::size_t i = 1; i < c.outputs.size() && i < 3; ++i) c.outputs[i] = c.input(i + 2);
}

// (x - mean) / sqrt(variance + epsilon) of each run of `n` neighbours.
template <class T>
void standardize(const T* from, T* to, std::int64_t n, T epsilon, T* mean_out = nullptr, T* inverse_out = nullptr) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(from[i]);
  const double mean = n == 0 ? 0 : sum / static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(from[i]) - mean;
    squares += d * d;
  }
  const T m = static_cast<T>(mean), inverse = static_cast<T>(1 / std::sqrt((n == 0 ? 0 : squares / static_cast<double>(n)) + static_cast<double>(epsilon)));
  for (std::int64_t i = 0; i < n; ++i) to[i] = (from[i] - m) * inverse;
  if (mean_out != nullptr) *mean_out = m;
  if (inverse_out != nullptr) *inverse_out = inverse;
}

void instance_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 3) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  const Around a = channels_of(c, x.shape());
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T *scale = per_channel<T>(c, 1, a.length), *shift = per_channel<T>(c, 2, a.length), *from = x.data<T>().data();
    T* to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data();
    const T epsilon = static_cast<T>(c.real("epsilon", static_cast<double>(1e-5f)));
    for (std::int64_t k = 0; k < a.outer * a.length; ++k, from += a.inner, to += a.inner) {
      standardize(from, to, a.inner, epsilon);
      for (std::int64_t i = 0; i < a.inner; ++i) to[i] = to[i] * scale[k % a.length] + shift[k % a.length];
    }
  });
}

// GroupNormalization-21 has a scale for each channel; -18 one for each group: both lengths are taken.
void group_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  const Around a = channels_of(c, x.shape());
  const std::int64_t groups = c.integer("num_groups");
  if (groups < 1 || a.length % groups != 0) c.fail(Code::mismatch, format("{} channels in {} groups", a.length, groups));
  const std::int64_t scales = c.input(1).rank() == 1 && c.input(1).dim(0) == groups ? groups : a.length, members = a.length / groups;
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T *scale = per_channel<T>(c, 1, scales), *shift = per_channel<T>(c, 2, scales), *from = x.data<T>().data();
    T* to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data();
    const T epsilon = static_cast<T>(c.real("epsilon", static_cast<double>(1e-5f)));
    for (std::int64_t k = 0; k < a.outer * groups; ++k) {
      standardize(from, to, members * a.inner, epsilon);
      from += members * a.inner;
      for (std::int64_t m = 0; m < members; ++m, to += a.inner) {
        const std::int64_t which = scales == groups ? k % groups : k % groups * members + m;
        for (std::int64_t i = 0; i < a.inner; ++i) to[i] = to[i] * scale[which] + shift[which];
      }
    }
  });
}

// Scale (and shift) broadcast to the input; the statistics are over the dimensions from `axis` on.
template <class T>
void scaled(KernelContext& c, Tensor& out, std::size_t scale, std::size_t shift) {
  const auto apply = [&](std::size_t input, auto&& f) {
    if (!c.has_input(input)) return;
    const Tensor operand = as_real(c, c.input(input), dtype_of<T>);
    const Broadcast<2> loop = broadcast<2>(c, {&out.shape(), &operand.shape()});
    if (loop.shape != out.shape()) c.fail(Code::mismatch, format("input {} of shape {} for {}", input, text_of(operand.shape()), text_of(out.shape())));
    const T* with = operand.data<T>().data();
    T* to = out.mutable_data<T>().data();
    loop.each_row([&](std::int64_t at, const auto& from, std::int64_t count, const auto& step) {
      for (std::int64_t i = 0; i < count; ++i) f(to[at + i], with[from[1] + i * step[1]]);
    });
  };
  apply(scale, [](T& a, T b) { a *= b; });
  apply(shift, [](T& a, T b) { a += b; });
}

void layer_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis", -1), x.rank());
  Shape kept = x.shape();
  std::int64_t rows = 1, n = 1;
  for (std::size_t d = 0; d < x.rank(); ++d) (d < axis ? rows : n) *= x.dim(d);
  for (std::size_t d = axis; d < x.rank(); ++d) kept[d] = 1;
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    Tensor& out = c.output(0, x.dtype(), x.shape());
    Tensor mean(x.dtype(), kept), inverse(x.dtype(), kept);
    const T epsilon = static_cast<T>(c.real("epsilon", static_cast<double>(1e-5f)));
    for (std::int64_t r = 0; r < rows; ++r) {
      standardize(x.data<T>().data() + r * n, out.mutable_data<T>().data() + r * n, n, epsilon, &mean.mutable_data<T>()[z(r)], &inverse.mutable_data<T>()[z(r)]);
    }
    scaled<T>(c, out, 1, 2);
    // The statistics are of the type stash_type, float32 unless said otherwise.
    const bool stash_double = c.integer("stash_type", 1) == static_cast<std::int64_t>(DType::float64);
    if (c.wants_output(1)) c.set_output(1, as_real(c, mean, stash_double ? DType::float64 : DType::float32));
    if (c.wants_output(2)) c.set_output(2, as_real(c, inverse, stash_double ? DType::float64 : DType::float32));
  });
}
void infer_layer_normalization(InferContext& c) {
  c.outputs[0] = c.input(0);
  for (std::size_t i = 1; i < c.outputs.size(); ++i) {
    c.outputs[i] = c.input(0);
    c.outputs[i].dtype = c.integer("stash_type", 1) == static_cast<std::int64_t>(DType::float64) ? DType::float64 : DType::float32;
    if (!c.input(0).has_rank) continue;
    for (std::size_t d = axis_of(c, c.integer("axis", -1), c.input(0).shape.size()); d < c.outputs[i].shape.size(); ++d) c.outputs[i].shape[d] = dim(1);
  }
}

void rms_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis", -1), x.rank());
  std::int64_t rows = 1, n = 1;
  for (std::size_t d = 0; d < x.rank(); ++d) (d < axis ? rows : n) *= x.dim(d);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    Tensor& out = c.output(0, x.dtype(), x.shape());
    const double epsilon = c.real("epsilon", static_cast<double>(1e-5f));
    const T* from = x.data<T>().data();
    T* to = out.mutable_data<T>().data();
    for (std::int64_t r = 0; r < rows; ++r, from += n, to += n) {
      double squares = 0;
      for (std::int64_t i = 0; i < n; ++i) squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
      const T inverse = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + epsilon));
      for (std::int64_t i = 0; i < n; ++i) to[i] = from[i] * inverse;
    }
    scaled<T>(c, out, 1, 64);
  });
}

// Over the axes (0, 2, 3 unless said otherwise): (x - mean) / sqrt(variance + 1e-9), as the function body of the operator has it (MVN-13).
void mean_variance_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::vector<std::size_t> axes = axes_of(c, c.has("axes") ? c.integers("axes") : std::vector<std::int64_t>{0, 2, 3}, x.rank());
  Shape kept = x.shape();
  for (const std::size_t a : axes) kept[a] = 1;
  const Broadcast<2> loop = broadcast<2>(c, {&x.shape(), &kept});
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T* from = x.data<T>().data();
    T* to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data();
    std::vector<double> sum(count_of(kept), 0), squares(sum);
    const double n = sum.empty() ? 1 : static_cast<double>(x.size()) / static_cast<double>(sum.size());
    const auto walk = [&](auto&& f) {
      loop.each_row([&](std::int64_t at, const auto& start, std::int64_t count, const auto& step) {
        for (std::int64_t i = 0; i < count; ++i) f(at + i, z(start[1] + i * step[1]));
      });
    };
    walk([&](std::int64_t i, std::size_t k) { sum[k] += static_cast<double>(from[i]) / n; });
    walk([&](std::int64_t i, std::size_t k) { squares[k] += (static_cast<double>(from[i]) - sum[k]) * (static_cast<double>(from[i]) - sum[k]) / n; });
    walk([&](std::int64_t i, std::size_t k) { to[i] = static_cast<T>((static_cast<double>(from[i]) - sum[k]) / (std::sqrt(squares[k]) + 1e-9)); });
  });
}

void lrn(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Around a = channels_of(c, x.shape());
  const std::int64_t size = c.integer("size");
  if (size < 1 || size > (std::int64_t{1} << 40)) c.fail(Code::corrupt, format("size {}", size));
  const double alpha = c.real("alpha", static_cast<double>(1e-4f)), beta = c.real("beta", 0.75), bias = c.real("bias", 1.0);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T* from = x.data<T>().data();
    T* to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data();
    const std::int64_t before = (size - 1) / 2, after = size - 1 - before;
    for (std::int64_t o = 0; o < a.outer; ++o, from += a.length * a.inner, to += a.length * a.inner) {
      for (std::int64_t ch = 0; ch < a.length; ++ch) {
        const std::int64_t first = std::max<std::int64_t>(0, ch - before), last = std::min(a.length - 1, ch + after);
        for (std::int64_t i = 0; i < a.inner; ++i) {
          T sum = 0;
          for (std::int64_t k = first; k <= last; ++k) sum += from[k * a.inner + i] * from[k * a.inner + i];
          to[ch * a.inner + i] = from[ch * a.inner + i] / std::pow(static_cast<T>(bias) + static_cast<T>(alpha / static_cast<double>(size)) * sum, static_cast<T>(beta));
        }
      }
    }
  });
}

constexpr Op kOps[] = {
    {"", "BatchNormalization", "(x - mean) / sqrt(variance + epsilon) * scale + B for each channel, with given statistics or, in training, those of the batch.",
     infer_batch_normalization, batch_normalization},
    {"", "InstanceNormalization", "Each channel of each instance by its own statistics, scaled and shifted (InstanceNormalization-22).", infer_same, in_float<instance_normalization>},
    {"", "GroupNormalization", "Groups of channels by their own statistics; scale and bias for each channel, or for each group as in opset 18.", infer_same, in_float<group_normalization>},
    {"", "LayerNormalization", "Over the dimensions from axis on, then scaled and shifted; mean and inverse deviation where asked for (LayerNormalization-17).",
     infer_layer_normalization, in_float<layer_normalization, 1>},
    {"", "RMSNormalization", "x / sqrt(mean(x^2) + epsilon) * scale, over the dimensions from axis on (RMSNormalization-23).", infer_same, in_float<rms_normalization>},
    {"", "MeanVarianceNormalization", "(x - mean) / (deviation + 1e-9) over the axes (MeanVarianceNormalization-13).", infer_same, in_float<mean_variance_normalization>},
    {"", "LRN", "x / (bias + alpha / size * sum of squares over neighbouring channels)^beta (LRN-13).", infer_same, in_float<lrn>},
};

}  // namespace

DECANT_AT_START std::span<const Op> normalize_ops() { return kOps; }

}  // namespace decant
