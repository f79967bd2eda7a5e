// SPDX-License-Identifier: Apache-2.0
// Pools (ai.onnx): MaxPool, AveragePool, LpPool, the global ones, MaxUnpool, MaxRoiPool.
#include <cmath>
#include <limits>

#include "ops/bounded.h"
#include "ops/widen.h"
#include "ops/window.h"

namespace decant {
namespace {

// The inputs that one window covers, as offsets from the start of a plane; walked for each output of a plane.
class Taps {
 public:
  explicit Taps(const Window& w) : w_(w), steps_(strides_of(w.in)) {
    Shape k(w.rank(), 0);
    do {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < w.rank(); ++d) at += k[d] * w.dilations[d] * steps_[d];
      offsets_.push_back(at);
      taps_.push_back(k);
    } while (next_index(k, w.kernel));
  }
  // f(offset in the plane) for each tap that is inside; returns how many taps lie inside the padded input.
  template <class F>
  std::int64_t each(const Shape& out, F&& f) const {
    std::int64_t start = 0;
    bool whole = true;
    for (std::size_t d = 0; d < w_.rank(); ++d) {
      const std::int64_t first = out[d] * w_.strides[d] - w_.begin[d];
      whole = whole && first >= 0 && first + (w_.kernel[d] - 1) * w_.dilations[d] < w_.in[d];
      start += first * steps_[d];
    }
    if (whole) {
      for (const std::int64_t at : offsets_) f(start + at);
      return static_cast<std::int64_t>(offsets_.size());
    }
    std::int64_t padded = 0;
    for (std::size_t t = 0; t < taps_.size(); ++t) {
      bool inside = true, within = true;
      for (std::size_t d = 0; d < w_.rank(); ++d) {
        const std::int64_t p = out[d] * w_.strides[d] - w_.begin[d] + taps_[t][d] * w_.dilations[d];
        inside = inside && p >= 0 && p < w_.in[d];
        within = within && p < w_.in[d] + w_.end[d];
      }
      padded += within;
      if (inside) f(start + offsets_[t]);
    }
    return padded;
  }

 private:
  const Window& w_;
  std::vector<std::int64_t> steps_, offsets_;
  std::vector<Shape> taps_;
};

Shape pooled_shape(const Tensor& x, const Window& w) {
  Shape out{x.dim(0), x.dim(1)};
  out.insert(out.end(), w.out.begin(), w.out.end());
  return out;
}
Window pool_window(const KernelContext& c) {
  Window w = window_of(c, spatial(c, c.input(0).shape()), {}, c.integer("ceil_mode", 0) != 0);
  if (count_of(w.kernel) > (std::uint64_t{1} << 24)) c.fail(Code::limit, format("a window of shape {}", text_of(w.kernel)));
  return w;
}

// per_output(plane, index of the plane, index of the output, taps, output's coordinates)
template <class T, class F>
void each_output(const Tensor& x, const Window& w, F&& per_output) {
  const std::int64_t plane = static_cast<std::int64_t>(count_of(w.in)), outputs = static_cast<std::int64_t>(count_of(w.out)), planes = x.dim(0) * x.dim(1);
  if (outputs == 0) return;
  const Taps taps(w);
  const T* from = x.data<T>().data();
  for (std::int64_t p = 0; p < planes; ++p) {
    Shape at(w.rank(), 0);
    std::int64_t i = p * outputs;
    do per_output(from + p * plane, p, i++, taps, at);
    while (next_index(at, w.out));
  }
}

void max_pool(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Window w = pool_window(c);
  const Shape shape = pooled_shape(x, w);
  const bool columns_first = c.integer("storage_order", 0) != 0, indices = c.wants_output(1);
  const std::int64_t plane = static_cast<std::int64_t>(count_of(w.in));
  dispatch(c, x.dtype(), Join<RealTypes, Types<std::int8_t, std::uint8_t>>{}, [&]<class T>() {
    T* out = output_by_value(c, 0, x.dtype(), shape).template mutable_data<T>().data();
    std::int64_t* places = indices ? output_by_value(c, 1, DType::int64, shape).mutable_data<std::int64_t>().data() : nullptr;
    each_output<T>(x, w, [&](const T* from, std::int64_t p, std::int64_t i, const Taps& taps, const Shape& at) {
      std::int64_t place = -1;
      T most = std::numeric_limits<T>::lowest();
      taps.each(at, [&](std::int64_t k) {
        if (place < 0 || from[k] > most) most = from[k], place = k;
      });
      out[i] = most;
      if (places == nullptr) return;
      if (columns_first && place >= 0) {  // counted with the first spatial dimension running fastest
        std::int64_t turned = 0, rest = place, step = plane;
        for (std::size_t d = w.rank(); d-- > 0;) {
          step /= w.in[d];
          turned += rest % w.in[d] * step;
          rest /= w.in[d];
        }
        place = turned;
      }
      places[i] = p * plane + place;
    });
  });
}
template <bool Indices>
void infer_pool(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = windowed_type(c, x, x.has_rank && x.shape.size() > 1 ? x.shape[1] : any_dim(), {}, false, c.integer("ceil_mode", 0) != 0);
  if (Indices && c.outputs.size() > 1) {
    c.outputs[1] = c.outputs[0];
    c.outputs[1].dtype = DType::int64;
  }
}

void average_pool(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Window w = pool_window(c);
  const bool count_padding = c.integer("count_include_pad", 0) != 0;
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    T* out = output_by_value(c, 0, x.dtype(), pooled_shape(x, w)).template mutable_data<T>().data();
    each_output<T>(x, w, [&](const T* from, std::int64_t, std::int64_t i, const Taps& taps, const Shape& at) {
      T sum = 0;
      std::int64_t inside = 0;
      const std::int64_t padded = taps.each(at, [&](std::int64_t k) { sum += from[k], ++inside; });
      out[i] = sum / static_cast<T>(count_padding ? padded : inside);
    });
  });
}

void lp_pool(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Window w = pool_window(c);
  const std::int64_t p = c.integer("p", 2);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    T* out = output_by_value(c, 0, x.dtype(), pooled_shape(x, w)).template mutable_data<T>().data();
    each_output<T>(x, w, [&](const T* from, std::int64_t, std::int64_t i, const Taps& taps, const Shape& at) {
      T sum = 0;
      taps.each(at, [&](std::int64_t k) { sum += p == 2 ? from[k] * from[k] : std::pow(std::fabs(from[k]), static_cast<T>(p)); });
      out[i] = p == 2 ? std::sqrt(sum) : std::pow(sum, T{1} / static_cast<T>(p));
    });
  });
}

enum class Whole { max, average, lp };
template <Whole kind>
void global_pool(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Shape in = spatial(c, x.shape());
  Shape shape(x.rank(), 1);
  shape[0] = x.dim(0), shape[1] = x.dim(1);
  const std::int64_t n = static_cast<std::int64_t>(count_of(in)), p = c.integer("p", 2);
  if (n == 0 && kind == Whole::max) c.fail(Code::mismatch, "the largest of nothing");
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<T> out = c.output(0, x.dtype(), shape).template mutable_data<T>();
    const T* from = x.data<T>().data();
    for (T& to : out) {
      T value = kind == Whole::max ? from[0] : T{0};
      for (std::int64_t i = 0; i < n; ++i) {
        if constexpr (kind == Whole::max) value = std::max(value, from[i]);
        else if constexpr (kind == Whole::average) value += from[i];
        else value += p == 2 ? from[i] * from[i] : std::pow(std::fabs(from[i]), static_cast<T>(p));
      }
      if constexpr (kind == Whole::average) value /= static_cast<T>(n);
      if constexpr (kind == Whole::lp) value = p == 2 ? std::sqrt(value) : std::pow(value, T{1} / static_cast<T>(p));
      to = value;
      from += n;
    }
  });
}
void infer_global(InferContext& c) {
  c.outputs[0] = c.input(0);
  for (std::size_t d = 2; d < c.outputs[0].shape.size(); ++d) c.outputs[0].shape[d] = dim(1);
}

// --- MaxUnpool (22): each value where its index says, 0 elsewhere ---------------------------------------------------------------------------

void max_unpool(KernelContext& c) {
  const Tensor &x = c.input(0), &indices = c.input(1);
  want(c, 1, DType::int64);
  if (indices.shape() != x.shape()) c.fail(Code::mismatch, format("indices of shape {} for {}", text_of(indices.shape()), text_of(x.shape())));
  const Shape in = spatial(c, x.shape());
  // The size that the pool would have come from: the other way round it is that of a transposed convolution.
  const Window w = transposed_window_of(c, in, {});
  Shape shape = pooled_shape(x, w);
  const Shape counted = shape;  // the indices count in the smallest size that fits
  if (c.has_input(2)) {
    shape = integers_of(c, c.input(2));
    if (shape.size() != x.rank()) c.fail(Code::mismatch, format("output_shape {} for rank {}", text_of(shape), x.rank()));
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] < (d < 2 ? x.dim(d) : 0)) c.fail(Code::mismatch, format("output_shape {}", text_of(shape)));
    }
  }
  Tensor& out = output_by_value(c, 0, x.dtype(), shape);
  const std::vector<std::int64_t> from_steps = strides_of(counted), to_steps = strides_of(shape);
  const auto count = static_cast<std::int64_t>(count_of(counted));
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<T> to = out.mutable_data<T>();
    std::ranges::fill(to, T{});
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::int64_t rest = indices.data<std::int64_t>()[i], at = 0;
      if (rest < 0 || rest >= count) c.fail(Code::mismatch, format("index {} of {}", rest, count));
      bool inside = true;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        const std::int64_t p = rest / from_steps[d];
        rest %= from_steps[d];
        inside = inside && p < shape[d];
        at += p * to_steps[d];
      }
      if (!inside) c.fail(Code::mismatch, format("an index outside of {}", text_of(shape)));
      to[z(at)] = x.data<T>()[i];
    }
  });
}
void infer_unpool(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = c.has_input(2) ? (x.has_rank ? ranked(x.dtype, x.shape.size()) : unknown_shape(x.dtype))
                                : windowed_type(c, x, x.has_rank && x.shape.size() > 1 ? x.shape[1] : any_dim(), {}, true);
}

// --- MaxRoiPool (22), as in Fast R-CNN: regions [batch index, x1, y1, x2, y2], both ends included ------------------------------------------

void max_roi_pool(KernelContext& c) {
  const Tensor &x = c.input(0), &rois = c.input(1);
  want_same(c, 0, 1);
  const Shape bins = c.integers("pooled_shape");
  if (x.rank() != 4 || rois.rank() != 2 || rois.dim(1) != 5) c.fail(Code::mismatch, format("regions {} of {}", text_of(rois.shape()), text_of(x.shape())));
  if (bins.size() != 2 || bins[0] < 1 || bins[1] < 1) c.fail(Code::corrupt, format("pooled_shape {}", text_of(bins)));
  const std::int64_t channels = x.dim(1), height = x.dim(2), width = x.dim(3);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T scale = static_cast<T>(c.real("spatial_scale", 1.0));
    T* to = output_by_value(c, 0, x.dtype(), {rois.dim(0), channels, bins[0], bins[1]}).template mutable_data<T>().data();
    for (std::int64_t r = 0; r < rois.dim(0); ++r) {
      const T* roi = rois.data<T>().data() + r * 5;
      const std::int64_t image = roi[0] >= 0 && roi[0] < T(1e9) ? static_cast<std::int64_t>(roi[0]) : -1;
      if (image < 0 || image >= x.dim(0)) c.fail(Code::mismatch, format("a region of image {} of {}", static_cast<double>(roi[0]), x.dim(0)));
      for (int k = 1; k < 5; ++k) {
        if (!(std::fabs(roi[k]) < T(1e9))) c.fail(Code::mismatch, "a region that ends nowhere");
      }
      const std::int64_t x1 = std::llround(roi[1] * scale), y1 = std::llround(roi[2] * scale), x2 = std::llround(roi[3] * scale), y2 = std::llround(roi[4] * scale);
      const T bin_height = static_cast<T>(std::max<std::int64_t>(y2 - y1 + 1, 1)) / static_cast<T>(bins[0]), bin_width = static_cast<T>(std::max<std::int64_t>(x2 - x1 + 1, 1)) / static_cast<T>(bins[1]);
      for (std::int64_t ch = 0; ch < channels; ++ch) {
        const T* plane = x.data<T>().data() + (image * channels + ch) * height * width;
        for (std::int64_t i = 0; i < bins[0]; ++i) {
          for (std::int64_t j = 0; j < bins[1]; ++j) {
            const auto clip = [](T v, std::int64_t start, std::int64_t most) { return std::clamp<std::int64_t>(static_cast<std::int64_t>(v) + start, 0, most); };
            const std::int64_t top = clip(std::floor(static_cast<T>(i) * bin_height), y1, height), bottom = clip(std::ceil(static_cast<T>(i + 1) * bin_height), y1, height);
            const std::int64_t left = clip(std::floor(static_cast<T>(j) * bin_width), x1, width), right = clip(std::ceil(static_cast<T>(j + 1) * bin_width), x1, width);
            T most = bottom > top && right > left ? std::numeric_limits<T>::lowest() : T{0};
            for (std::int64_t h = top; h < bottom; ++h) {
              for (std::int64_t v = left; v < right; ++v) most = std::max(most, plane[h * width + v]);
            }
            *to++ = most;
          }
        }
      }
    }
  });
}
void infer_roi_pool(InferContext& c) {
  const Shape bins = c.integers("pooled_shape");
  c.outputs[0] = ranked(c.input(0).dtype, 4);
  if (c.input(1).has_rank && c.input(1).shape.size() == 2) c.outputs[0].shape[0] = c.input(1).shape[0];
  if (c.input(0).has_rank && c.input(0).shape.size() == 4) c.outputs[0].shape[1] = c.input(0).shape[1];
  if (bins.size() == 2) c.outputs[0].shape[2] = dim(std::max<std::int64_t>(bins[0], 0)), c.outputs[0].shape[3] = dim(std::max<std::int64_t>(bins[1], 0));
}

constexpr Op kOps[] = {
    {"", "MaxPool", "The largest value of each window; where asked for, its index as well (MaxPool-22).", infer_pool<true>, in_float<max_pool>},
    {"", "AveragePool", "The mean of each window, with or without the padding (AveragePool-22).", infer_pool<false>, in_float<average_pool>},
    {"", "LpPool", "The p-norm of each window (LpPool-22).", infer_pool<false>, in_float<lp_pool>},
    {"", "GlobalMaxPool", "The largest value of each channel.", infer_global, in_float<global_pool<Whole::max>>},
    {"", "GlobalAveragePool", "The mean of each channel.", infer_global, in_float<global_pool<Whole::average>>},
    {"", "GlobalLpPool", "The p-norm of each channel.", infer_global, in_float<global_pool<Whole::lp>>},
    {"", "MaxUnpool", "Each value at its index, 0 elsewhere (MaxUnpool-22).", infer_unpool, in_float<max_unpool>},
    {"", "MaxRoiPool", "The largest values of bins of regions (MaxRoiPool-22).", infer_roi_pool, in_float<max_roi_pool>},
};

}  // namespace

DECANT_AT_START std::span<const Op> pool_ops() { return kOps; }

}  // namespace decant
