// SPDX-License-Identifier: Apache-2.0
// The convolution that Conv, QLinearConv and ConvInteger share: windows unrolled into the columns of a matrix, a few thousand at a time, and
// the weights multiplied with it.
#pragma once

#include "base/checked.h"
#include "ops/gemm.h"
#include "ops/window.h"

namespace decant {

struct Convolution {
  Window window;
  std::int64_t batch = 0, channels = 0, filters = 0, groups = 1;
  Shape shape() const {
    Shape out{batch, filters};
    out.insert(out.end(), window.out.begin(), window.out.end());
    return out;
  }
};

/// Checks x [N, C, ...] against w [M, C / group, ...] and the attributes.
Convolution convolution_of(const AttributeView& node, const Shape& x, const Shape& w);
Type convolution_type(InferContext& c, std::size_t x, std::size_t w, DType dtype);

/// Columns [first, first + count) of one image's unrolled matrix [channels * kernel, outputs], for `channels` planes at `x`. What lies in
/// the padding is 0.
template <class T>
void unroll(const Window& w, std::int64_t channels, const T* x, std::int64_t first, std::int64_t count, T* out) {
  const std::size_t rank = w.rank();
  const std::int64_t plane = static_cast<std::int64_t>(count_of(w.in)), last_out = w.out[rank - 1], last_in = w.in[rank - 1], last_step = w.strides[rank - 1];
  Shape k(rank, 0);
  do {
    // The runs of neighbouring outputs are the same for all channels.
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t row = c * static_cast<std::int64_t>(count_of(w.kernel)) + [&] {
        std::int64_t at = 0;
        for (std::size_t d = 0; d < rank; ++d) at = at * w.kernel[d] + k[d];
        return at;
      }();
      T* to = out + row * count;
      for (std::int64_t j = 0; j < count;) {
        std::int64_t rest = first + j;
        const std::int64_t begin = rest % last_out, run = std::min(last_out - begin, count - j);
        rest /= last_out;
        std::int64_t offset = 0, step = last_in;
        bool inside = true;
        for (std::size_t d = rank - 1; d-- > 0;) {
          const std::int64_t at = (rest % w.out[d]) * w.strides[d] - w.begin[d] + k[d] * w.dilations[d];
          rest /= w.out[d];
          inside = inside && at >= 0 && at < w.in[d];
          offset += at * step;
          step *= w.in[d];
        }
        const std::int64_t at = begin * last_step - w.begin[rank - 1] + k[rank - 1] * w.dilations[rank - 1];
        if (!inside) {
          std::fill_n(to + j, run, T{});
        } else {
          const T* from = x + c * plane + offset;
          for (std::int64_t i = 0; i < run; ++i) {
            const std::int64_t p = at + i * last_step;
            to[j + i] = p >= 0 && p < last_in ? from[p] : T{};
          }
        }
        j += run;
      }
    }
  } while (next_index(k, w.kernel));
}

/// out [N, M, ...] = x * w, without bias; T is float, double or std::int32_t (which wraps around).
template <class T>
void convolve(const Convolution& c, const T* x, const T* weights, T* out) {
  const Window& w = c.window;
  const std::int64_t outputs = static_cast<std::int64_t>(count_of(w.out)), plane = static_cast<std::int64_t>(count_of(w.in));
  const std::int64_t in_group = c.channels / c.groups, out_group = c.filters / c.groups, depth = in_group * static_cast<std::int64_t>(count_of(w.kernel));
  if (outputs == 0 || c.batch == 0 || c.filters == 0) return;
  std::fill_n(out, c.batch * c.filters * outputs, T{});
  if (depth == 0) return;
  const bool as_it_is = std::ranges::all_of(w.kernel, [](std::int64_t k) { return k == 1; }) && std::ranges::all_of(w.strides, [](std::int64_t s) { return s == 1; }) && w.in == w.out &&
                        std::ranges::all_of(w.begin, [](std::int64_t p) { return p == 0; });
  const std::int64_t tile = as_it_is ? outputs : std::clamp<std::int64_t>((std::int64_t{1} << 18) / depth / 256 * 256, 256, outputs < 256 ? 256 : outputs);
  std::vector<T> columns(as_it_is ? 0 : static_cast<std::size_t>(depth * std::min(tile, outputs)));
  std::vector<T> part(as_it_is || tile >= outputs ? 0 : static_cast<std::size_t>(out_group * tile));
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t g = 0; g < c.groups; ++g) {
      const T* from = x + (n * c.channels + g * in_group) * plane;
      const T* left = weights + g * out_group * depth;
      T* to = out + (n * c.filters + g * out_group) * outputs;
      if (as_it_is) {
        multiply<T>(out_group, outputs, depth, left, from, to);
        continue;
      }
      for (std::int64_t first = 0; first < outputs; first += tile) {
        const std::int64_t count = std::min(tile, outputs - first);
        unroll<T>(w, in_group, from, first, count, columns.data());
        if (part.empty()) {
          multiply<T>(out_group, count, depth, left, columns.data(), to);
          continue;
        }
        std::fill_n(part.data(), out_group * count, T{});
        multiply<T>(out_group, count, depth, left, columns.data(), part.data());
        for (std::int64_t m = 0; m < out_group; ++m) std::copy_n(part.data() + m * count, count, to + m * outputs + first);
      }
    }
  }
}

}  // namespace decant
