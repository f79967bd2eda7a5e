// SPDX-License-Identifier: Apache-2.0
// Convolutions (ai.onnx): Conv, ConvTranspose, DeformConv, CausalConvWithState.
#include <cmath>

#include "ops/bounded.h"
#include "ops/convolve.h"
#include "ops/widen.h"

namespace decant {

Convolution convolution_of(const AttributeView& node, const Shape& x, const Shape& w) {
  Convolution out;
  const Shape in = spatial(node, x);
  if (w.size() != x.size()) node.fail(Code::mismatch, format("weights {} for an input {}", text_of(w), text_of(x)));
  out.batch = x[0];
  out.channels = x[1];
  out.filters = w[0];
  out.groups = node.integer("group", 1);
  if (out.groups < 1 || out.channels % out.groups != 0 || out.filters % out.groups != 0 || out.channels / out.groups != w[1]) {
    node.fail(Code::mismatch, format("weights {} for an input {} in {} groups", text_of(w), text_of(x), out.groups));
  }
  out.window = window_of(node, in, Shape(w.begin() + 2, w.end()));
  return out;
}

Type convolution_type(InferContext& c, std::size_t x, std::size_t w, DType dtype) {
  Shape kernel = c.integers("kernel_shape");
  Dim filters;
  if (const Type& weights = c.input(w); weights.has_rank && weights.shape.size() >= 3) {
    filters = weights.shape[0];
    if (kernel.empty()) {
      for (std::size_t d = 2; d < weights.shape.size(); ++d) {
        if (weights.shape[d].known()) kernel.push_back(weights.shape[d].value);
      }
      if (kernel.size() + 2 != weights.shape.size()) kernel.clear();
    }
  }
  Type out = c.input(x).has_rank ? windowed_type(c, c.input(x), filters, std::move(kernel), false) : unknown_shape(dtype);
  out.dtype = dtype;
  return out;
}

namespace {

// Adds one number for each channel of [N, M, ...].
template <class T>
void add_bias(const KernelContext& c, std::size_t input, Tensor& out) {
  if (!c.has_input(input)) return;
  want_same(c, 0, input);
  if (c.input(input).rank() != 1 || c.input(input).dim(0) != out.dim(1)) c.fail(Code::mismatch, format("a bias of shape {} for {} channels", text_of(c.input(input).shape()), out.dim(1)));
  const T* bias = c.input(input).data<T>().data();
  const Around a = around(out.shape(), 1);
  T* to = out.mutable_data<T>().data();
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t m = 0; m < a.length; ++m, to += a.inner) {
      for (std::int64_t i = 0; i < a.inner; ++i) to[i] += bias[m];
    }
  }
}

void conv(KernelContext& c) {
  want_same(c, 0, 1);
  const Convolution convolution = convolution_of(c, c.input(0).shape(), c.input(1).shape());
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() {
    Tensor& out = output_by_value(c, 0, c.input(0).dtype(), convolution.shape());
    convolve<T>(convolution, c.input(0).data<T>().data(), c.input(1).data<T>().data(), out.mutable_data<T>().data());
    add_bias<T>(c, 2, out);
  });
}
void infer_conv(InferContext& c) { c.outputs[0] = convolution_type(c, 0, 1, c.input(0).dtype); }

// Each input is spread over the outputs that its window covers: the columns W' * x are added up where they belong.
template <class T>
void conv_transpose_of(KernelContext& c) {
  const Tensor &x = c.input(0), &weights = c.input(1);
  const Shape in = spatial(c, x.shape());
  if (weights.rank() != x.rank()) c.fail(Code::mismatch, format("weights {} for an input {}", text_of(weights.shape()), text_of(x.shape())));
  const std::int64_t groups = c.integer("group", 1), channels = x.dim(1);
  if (groups < 1 || channels % groups != 0 || weights.dim(0) != channels) c.fail(Code::mismatch, format("weights {} for an input {} in {} groups", text_of(weights.shape()), text_of(x.shape()), groups));
  const Window w = transposed_window_of(c, in, Shape(weights.shape().begin() + 2, weights.shape().end()));
  const std::int64_t in_group = channels / groups, out_group = weights.dim(1), filters = out_group * groups;
  Shape shape{x.dim(0), filters};
  shape.insert(shape.end(), w.out.begin(), w.out.end());
  Tensor& out = output_by_value(c, 0, x.dtype(), shape);
  const std::span<T> to = out.mutable_data<T>();
  std::ranges::fill(to, T{});
  const std::int64_t inputs = static_cast<std::int64_t>(count_of(in)), taps = static_cast<std::int64_t>(count_of(w.kernel)), outputs = static_cast<std::int64_t>(count_of(w.out));
  const std::size_t rank = w.rank();
  if (x.size() != 0 && out.size() != 0) {
    std::vector<T> turned(z(out_group * taps * in_group)), columns;
    const std::uint64_t needed = sat_mul(sat_mul(static_cast<std::uint64_t>(out_group * taps), static_cast<std::uint64_t>(inputs)), sizeof(T));
    if (needed > std::max(std::uint64_t{1} << 30, most_by_value(c))) c.fail(Code::limit, format("needs {} for its columns", human_bytes(needed)));
    columns.resize(z(out_group * taps * inputs));
    const std::vector<std::int64_t> out_steps = strides_of(w.out);
    for (std::int64_t n = 0; n < x.dim(0); ++n) {
      for (std::int64_t g = 0; g < groups; ++g) {
        transpose<T>(in_group, out_group * taps, weights.data<T>().data() + g * in_group * out_group * taps, turned.data());
        std::ranges::fill(columns, T{});
        multiply<T>(out_group * taps, inputs, in_group, turned.data(), x.data<T>().data() + (n * channels + g * in_group) * inputs, columns.data());
        const T* from = columns.data();
        for (std::int64_t m = 0; m < out_group; ++m) {
          T* plane = to.data() + (n * filters + g * out_group + m) * outputs;
          Shape k(rank, 0);
          do {
            Shape at(rank, 0);
            do {
              std::int64_t place = 0;
              bool inside = true;
              for (std::size_t d = 0; d < rank; ++d) {
                const std::int64_t p = at[d] * w.strides[d] - w.begin[d] + k[d] * w.dilations[d];
                inside = inside && p >= 0 && p < w.out[d];
                place += p * out_steps[d];
              }
              if (inside) plane[place] += *from;
              ++from;
            } while (next_index(at, in));
          } while (next_index(k, w.kernel));
        }
      }
    }
  }
  add_bias<T>(c, 2, out);
}
void conv_transpose(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { conv_transpose_of<T>(c); });
}
void infer_conv_transpose(InferContext& c) {
  const Type& weights = c.input(1);
  Dim filters;
  Shape kernel = c.integers("kernel_shape");
  if (weights.has_rank && weights.shape.size() >= 3) {
    const std::int64_t groups = c.integer("group", 1);
    if (weights.shape[1].known() && groups > 0 && groups < (1 << 20) && weights.shape[1].value < (1 << 30)) filters = dim(weights.shape[1].value * groups);
    if (kernel.empty() && weights.shape.size() == 4 && weights.shape[2].known() && weights.shape[3].known()) kernel = {weights.shape[2].value, weights.shape[3].value};
  }
  c.outputs[0] = windowed_type(c, c.input(0), filters, std::move(kernel), true);
}

// --- DeformConv (22): each tap of the window is moved by an offset of its own, and weighed by a mask --------------------------------------

template <class T>
T bilinear(const T* plane, std::int64_t height, std::int64_t width, T y, T x) {
  if (!(y > T{-1} && y < static_cast<T>(height) && x > T{-1} && x < static_cast<T>(width))) return T{};
  const auto top = static_cast<std::int64_t>(std::floor(y)), left = static_cast<std::int64_t>(std::floor(x));
  const T down = y - static_cast<T>(top), right = x - static_cast<T>(left);
  const auto at = [&](std::int64_t row, std::int64_t column) { return row >= 0 && row < height && column >= 0 && column < width ? plane[row * width + column] : T{}; };
  return (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) + down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
}

template <class T>
void deform_conv_of(KernelContext& c) {
  const Tensor &x = c.input(0), &weights = c.input(1), &offset = c.input(2);
  if (x.rank() != 4) c.fail(Code::unsupported, "deformable convolution is over two dimensions only");
  const Convolution convolution = convolution_of(c, x.shape(), weights.shape());
  const Window& w = convolution.window;
  const std::int64_t parts = c.integer("offset_group", 1), taps = static_cast<std::int64_t>(count_of(w.kernel)), outputs = static_cast<std::int64_t>(count_of(w.out));
  if (parts < 1 || convolution.channels % parts != 0) c.fail(Code::mismatch, format("{} channels in {} offset groups", convolution.channels, parts));
  if (offset.shape() != Shape{x.dim(0), parts * taps * 2, w.out[0], w.out[1]}) c.fail(Code::mismatch, format("offsets of shape {}", text_of(offset.shape())));
  const bool masked = c.has_input(4);
  if (masked && c.input(4).shape() != Shape{x.dim(0), parts * taps, w.out[0], w.out[1]}) c.fail(Code::mismatch, format("a mask of shape {}", text_of(c.input(4).shape())));
  Tensor& out = output_by_value(c, 0, x.dtype(), convolution.shape());
  std::ranges::fill(out.mutable_data<T>(), T{});
  const std::int64_t height = w.in[0], width = w.in[1], in_group = convolution.channels / convolution.groups, out_group = convolution.filters / convolution.groups;
  const std::uint64_t needed = sat_mul(sat_mul(static_cast<std::uint64_t>(convolution.channels), static_cast<std::uint64_t>(taps * outputs)), sizeof(T));
  if (needed > std::max(std::uint64_t{1} << 30, most_by_value(c))) c.fail(Code::limit, format("needs {} for its columns", human_bytes(needed)));
  std::vector<T> columns(z(convolution.channels * taps * outputs));
  for (std::int64_t n = 0; n < x.dim(0); ++n) {
    const T* offsets = offset.data<T>().data() + n * parts * taps * 2 * outputs;
    const T* mask = masked ? c.input(4).data<T>().data() + n * parts * taps * outputs : nullptr;
    T* to = columns.data();
    for (std::int64_t channel = 0; channel < convolution.channels; ++channel) {
      const std::int64_t part = channel / (convolution.channels / parts);
      const T* plane = x.data<T>().data() + (n * convolution.channels + channel) * height * width;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const T* dy = offsets + (part * taps + tap) * 2 * outputs;
        const T* dx = dy + outputs;
        for (std::int64_t i = 0; i < outputs; ++i) {
          const std::int64_t row = i / w.out[1] * w.strides[0] - w.begin[0] + tap / w.kernel[1] * w.dilations[0];
          const std::int64_t column = i % w.out[1] * w.strides[1] - w.begin[1] + tap % w.kernel[1] * w.dilations[1];
          T value = bilinear<T>(plane, height, width, static_cast<T>(row) + dy[i], static_cast<T>(column) + dx[i]);
          if (mask != nullptr) value *= mask[(part * taps + tap) * outputs + i];
          *to++ = value;
        }
      }
    }
    for (std::int64_t g = 0; g < convolution.groups; ++g) {
      multiply<T>(out_group, outputs, in_group * taps, weights.data<T>().data() + g * out_group * in_group * taps, columns.data() + g * in_group * taps * outputs,
                  out.mutable_data<T>().data() + (n * convolution.filters + g * out_group) * outputs);
    }
  }
  add_bias<T>(c, 3, out);
}
void deform_conv(KernelContext& c) {
  want_same(c, 0, 1);
  want_same(c, 0, 2);
  if (c.has_input(4)) want_same(c, 0, 4);
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { deform_conv_of<T>(c); });
}

// --- CausalConvWithState (27): each channel by itself, over what came before only -----------------------------------------------------------

template <class T>
void causal_conv_of(KernelContext& c) {
  const Tensor &x = c.input(0), &w = c.input(1);
  if (x.rank() != 3 || w.rank() != 3 || w.dim(0) != x.dim(1) || w.dim(1) != 1 || w.dim(2) < 1) c.fail(Code::mismatch, format("weights {} for an input {}", text_of(w.shape()), text_of(x.shape())));
  const std::int64_t batch = x.dim(0), channels = x.dim(1), length = x.dim(2), taps = w.dim(2), before = taps - 1;
  const std::string_view activation = c.text("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish" && !activation.empty()) c.fail(Code::unsupported, format("activation \"{}\"", printable(activation, 40)));
  const bool silu = activation == "silu" || activation == "swish";
  if (c.has_input(2)) {
    want_same(c, 0, 2);
    if (c.input(2).shape() != Shape{channels}) c.fail(Code::mismatch, format("a bias of shape {}", text_of(c.input(2).shape())));
  }
  if (c.has_input(3)) {
    want_same(c, 0, 3);
    if (c.input(3).shape() != Shape{batch, channels, before}) c.fail(Code::mismatch, format("a state of shape {}", text_of(c.input(3).shape())));
  }
  const T* past = c.has_input(3) ? c.input(3).data<T>().data() : nullptr;
  const T* bias = c.has_input(2) ? c.input(2).data<T>().data() : nullptr;
  T* out = c.output(0, x.dtype(), x.shape()).mutable_data<T>().data();
  Tensor state(x.dtype(), {batch, channels, before});
  T* kept = state.mutable_data<T>().data();
  std::vector<T> line(z(before + length));
  for (std::int64_t row = 0; row < batch * channels; ++row) {
    const std::int64_t channel = row % channels;
    if (past != nullptr) std::copy_n(past + row * before, before, line.begin());
    else std::fill_n(line.begin(), before, T{});
    std::copy_n(x.data<T>().data() + row * length, length, line.begin() + before);
    const T* taps_of = w.data<T>().data() + channel * taps;
    for (std::int64_t i = 0; i < length; ++i) {
      T sum = bias != nullptr ? bias[channel] : T{};
      for (std::int64_t k = 0; k < taps; ++k) sum += taps_of[k] * line[z(i + k)];
      out[row * length + i] = silu ? sum / (1 + std::exp(-sum)) : sum;
    }
    std::copy_n(line.end() - before, before, kept + row * before);
  }
  if (c.wants_output(1)) c.set_output(1, std::move(state));
}
void causal_conv(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { causal_conv_of<T>(c); });
}
void infer_causal_conv(InferContext& c) {
  c.outputs[0] = c.input(0);
  if (c.outputs.size() > 1) c.outputs[1] = ranked(c.input(0).dtype, 3);
}

constexpr Op kOps[] = {
    {"", "Conv", "The convolution of [N, C, ...] with M filters [M, C / group, ...] (Conv-22).", infer_conv, in_float<conv>},
    {"", "ConvTranspose", "The transposed convolution with weights [C, M / group, ...] (ConvTranspose-22).", infer_conv_transpose, in_float<conv_transpose>},
    {"", "DeformConv", "A convolution whose taps are moved by offsets and weighed by a mask, in two dimensions (DeformConv-22).", infer_conv, in_float<deform_conv>},
    {"", "CausalConvWithState", "Each channel of [N, C, L] convolved over itself and what came before; keeps the last k - 1 inputs (CausalConvWithState-27).",
     infer_causal_conv, in_float<causal_conv>},
};

}  // namespace

DECANT_AT_START std::span<const Op> conv_ops() { return kOps; }

}  // namespace decant
