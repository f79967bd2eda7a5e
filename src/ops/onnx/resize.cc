// SPDX-License-Identifier: Apache-2.0
// Resize (ai.onnx 19; Upsample is upgraded to it). Every mode is separable: each axis is a list of weighted neighbours for each output, made
// once and applied to the whole value, one axis after the other.
#include <cmath>
#include <limits>

#include "ops/bounded.h"
#include "ops/widen.h"

namespace decant {
namespace {

// For each output along one axis: `taps` inputs and their weights. `outside`: the extrapolation value is taken instead.
struct Line {
  std::size_t axis = 0;
  std::int64_t length = 0, taps = 0;
  std::vector<std::int64_t> from;
  std::vector<double> weights;
  std::vector<bool> outside;
};

struct Mode {
  enum Kind { nearest, linear, cubic } kind = nearest;
  std::string_view coordinates, rounding;
  double cubic_a = -0.75;
  bool antialias = false, exclude_outside = false;
};

double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double source(const AttributeView& c, const Mode& m, std::int64_t i, std::int64_t in, std::int64_t out, double scale, double roi_begin, double roi_end) {
  const double x = static_cast<double>(i), width = static_cast<double>(in), resized = scale * width;
  if (m.coordinates == "half_pixel") return (x + 0.5) / scale - 0.5;
  if (m.coordinates == "pytorch_half_pixel") return out > 1 ? (x + 0.5) / scale - 0.5 : -0.5;
  if (m.coordinates == "align_corners") return resized == 1 ? 0 : x * (width - 1) / (resized - 1);
  if (m.coordinates == "asymmetric") return x / scale;
  if (m.coordinates == "half_pixel_symmetric") return width / 2 * (1 - static_cast<double>(out) / resized) + (x + 0.5) / scale - 0.5;
  if (m.coordinates == "tf_crop_and_resize") {
    return roi_begin * (width - 1) + (resized == 1 ? (roi_end - roi_begin) * (width - 1) / 2 : x * (roi_end - roi_begin) * (width - 1) / (resized - 1));
  }
  if (m.coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / scale;
  c.fail(Code::unsupported, format("coordinate_transformation_mode \"{}\"", printable(m.coordinates, 40)));
}

double rounded(const AttributeView& c, double x, std::string_view how) {
  if (how == "round_prefer_floor") return std::ceil(x - 0.5);
  if (how == "round_prefer_ceil") return std::floor(x + 0.5);
  if (how == "floor") return std::floor(x);
  if (how == "ceil") return std::ceil(x);
  c.fail(Code::unsupported, format("nearest_mode \"{}\"", printable(how, 40)));
}

Line line_of(const AttributeView& c, const Mode& m, std::size_t axis, std::int64_t in, std::int64_t out, double scale, double roi_begin, double roi_end) {
  Line line;
  line.axis = axis;
  line.length = out;
  const double stretch = m.antialias ? std::min(scale, 1.0) : 1.0;  // a kernel that is as wide as what one output stands for
  const double reach = m.kind == Mode::cubic ? 2 : 1;
  // The neighbours reach / stretch to the left of the source and as many to its right.
  const double first = m.kind == Mode::nearest ? 0 : std::floor(-reach / stretch) + 1;
  if (!(first > -1e6)) c.fail(Code::limit, format("a scale of {}", scale));
  const auto start = static_cast<std::int64_t>(first);
  line.taps = m.kind == Mode::nearest ? 1 : 2 * (1 - start);
  if (sat_mul(static_cast<std::uint64_t>(out), static_cast<std::uint64_t>(line.taps)) > (std::uint64_t{1} << 28)) c.fail(Code::limit, format("{} outputs of {} neighbours each", out, line.taps));
  line.from.reserve(z(out * line.taps));
  line.weights.reserve(z(out * line.taps));
  for (std::int64_t i = 0; i < out; ++i) {
    const double x = source(c, m, i, in, out, scale, roi_begin, roi_end);
    line.outside.push_back(m.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(in - 1)));
    const double near = std::isnan(x) ? 0 : std::clamp(x, -1e15, 1e15);
    if (m.kind == Mode::nearest) {
      line.from.push_back(std::clamp<std::int64_t>(static_cast<std::int64_t>(rounded(c, near, m.rounding)), 0, in - 1));
      line.weights.push_back(1);
      continue;
    }
    const double base = std::floor(near), ratio = near - base;
    double sum = 0;
    for (std::int64_t t = 0; t < line.taps; ++t) {
      const std::int64_t at = static_cast<std::int64_t>(base) + start + t;
      const double distance = (static_cast<double>(start + t) - ratio) * stretch;
      double weight = m.kind == Mode::cubic ? cubic(distance, m.cubic_a) : std::max(0.0, 1 - std::fabs(distance));
      if (m.exclude_outside && (at < 0 || at >= in)) weight = 0;
      line.from.push_back(std::clamp<std::int64_t>(at, 0, in - 1));
      line.weights.push_back(weight);
      sum += weight;
    }
    if ((m.antialias || m.exclude_outside) && sum != 0) {
      for (std::int64_t t = 0; t < line.taps; ++t) line.weights[z(i * line.taps + t)] /= sum;
    }
  }
  return line;
}

template <class T>
void apply(const Line& line, const T* from, const Around& a, double beyond, T* to) {
  for (std::int64_t o = 0; o < a.outer; ++o, from += a.length * a.inner) {
    for (std::int64_t i = 0; i < line.length; ++i, to += a.inner) {
      if (line.outside[z(i)]) {
        std::fill_n(to, a.inner, static_cast<T>(beyond));
        continue;
      }
      const std::int64_t* which = line.from.data() + i * line.taps;
      const double* weights = line.weights.data() + i * line.taps;
      if (line.taps == 1) {
        std::copy_n(from + which[0] * a.inner, a.inner, to);
        continue;
      }
      std::fill_n(to, a.inner, T{});
      for (std::int64_t t = 0; t < line.taps; ++t) {
        const T weight = static_cast<T>(weights[t]);
        if (weight == 0) continue;
        const T* row = from + which[t] * a.inner;
        for (std::int64_t k = 0; k < a.inner; ++k) to[k] += weight * row[k];
      }
    }
  }
}

struct Sizes {
  Shape out;
  std::vector<double> scales;  // of every axis
};

// Resize-19 says sizes; each axis keeps its size unless it is named.
Sizes sizes_of(const AttributeView& c, const Shape& in, const std::vector<std::size_t>& axes, const Tensor* scales, const Tensor* sizes) {
  Sizes out{in, std::vector<double>(in.size(), 1)};
  const std::string_view policy = c.text("keep_aspect_ratio_policy", "stretch");
  if (sizes != nullptr && sizes->size() != 0) {
    const std::vector<std::int64_t> wanted = integers_of(c, *sizes);
    if (wanted.size() != axes.size()) c.fail(Code::mismatch, format("{} sizes for {} axes", wanted.size(), axes.size()));
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      if (wanted[k] < 0) c.fail(Code::mismatch, format("a size of {}", wanted[k]));
      const double scale = in[axes[k]] == 0 ? 1 : static_cast<double>(wanted[k]) / static_cast<double>(in[axes[k]]);
      out.out[axes[k]] = wanted[k];
      out.scales[axes[k]] = scale;
      least = std::min(least, scale), most = std::max(most, scale);
    }
    if (policy == "stretch") return out;
    if (policy != "not_larger" && policy != "not_smaller") c.fail(Code::corrupt, format("keep_aspect_ratio_policy \"{}\"", printable(policy, 40)));
    for (const std::size_t a : axes) {
      out.scales[a] = policy == "not_larger" ? least : most;
      const double size = std::floor(out.scales[a] * static_cast<double>(in[a]) + 0.5);
      if (!(size < 0x1p46)) c.fail(Code::limit, format("a size of {}", size));
      out.out[a] = static_cast<std::int64_t>(size);
    }
    return out;
  }
  if (scales == nullptr || scales->size() != axes.size()) c.fail(Code::mismatch, format("{} scales for {} axes", scales == nullptr ? 0 : scales->size(), axes.size()));
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const double scale = scales->number(k), size = std::floor(scale * static_cast<double>(in[axes[k]]));
    if (!(scale > 0) || !(size < 0x1p46)) c.fail(Code::mismatch, format("a scale of {}", scale));
    out.scales[axes[k]] = scale;
    out.out[axes[k]] = static_cast<std::int64_t>(size);
  }
  return out;
}

std::vector<std::size_t> resized_axes(const AttributeView& c, std::size_t rank) {
  std::vector<std::size_t> out;
  if (c.has("axes")) {
    for (const std::int64_t a : c.integers("axes")) out.push_back(axis_of(c, a, rank));
    axes_of(c, c.integers("axes"), rank);  // none twice
  } else {
    for (std::size_t i = 0; i < rank; ++i) out.push_back(i);
  }
  return out;
}

void resize(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::vector<std::size_t> axes = resized_axes(c, x.rank());
  const Sizes sizes = sizes_of(c, x.shape(), axes, c.has_input(2) ? &c.input(2) : nullptr, c.has_input(3) ? &c.input(3) : nullptr);
  Mode m;
  const std::string_view mode = c.text("mode", "nearest");
  if (mode == "nearest") m.kind = Mode::nearest;
  else if (mode == "linear" || mode == "bilinear" || mode == "trilinear") m.kind = Mode::linear;
  else if (mode == "cubic") m.kind = Mode::cubic;
  else c.fail(Code::unsupported, format("mode \"{}\"", printable(mode, 40)));
  m.coordinates = c.text("coordinate_transformation_mode", "half_pixel");
  m.rounding = c.text("nearest_mode", "round_prefer_floor");
  m.cubic_a = c.real("cubic_coeff_a", -0.75);
  m.antialias = c.integer("antialias", 0) != 0;
  m.exclude_outside = c.integer("exclude_outside", 0) != 0;
  const double beyond = c.real("extrapolation_value", 0);
  const bool crop = m.coordinates == "tf_crop_and_resize";
  if (crop && (!c.has_input(1) || c.input(1).size() != 2 * axes.size())) c.fail(Code::mismatch, "a region is needed for each axis");
  if (count_of(sizes.out) != 0 && x.size() == 0) c.fail(Code::mismatch, format("cannot make {} of an empty value", text_of(sizes.out)));

  std::vector<Line> lines;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::size_t a = axes[k];
    const double begin = crop ? c.input(1).number(k) : 0, end = crop ? c.input(1).number(axes.size() + k) : 1;
    if (sizes.out[a] == x.dim(a) && sizes.scales[a] == 1 && begin == 0 && end == 1) continue;
    if (x.dim(a) == 0) continue;
    lines.push_back(line_of(c, m, a, x.dim(a), sizes.out[a], sizes.scales[a], begin, end));
  }
  // Shrink first: less to compute.
  std::ranges::stable_sort(lines, {}, [&](const Line& l) { return static_cast<double>(l.length) / static_cast<double>(x.dim(l.axis)); });
  if (m.kind == Mode::nearest && !crop) {
    Tensor now = x;
    if (lines.empty()) return c.set_output(0, x);
    for (std::size_t k = 0; k < lines.size(); ++k) {
      Shape shape = now.shape();
      const Around a = around(shape, lines[k].axis);
      shape[lines[k].axis] = lines[k].length;
      Tensor& next = output_by_value(c, 0, x.dtype(), shape);
      dispatch_move(c, x.dtype(), [&]<class T>() {
        const T* from = raw<T>(now);
        T* to = raw<T>(next);
        for (std::int64_t o = 0; o < a.outer; ++o) {
          for (std::int64_t i = 0; i < lines[k].length; ++i, to += a.inner) std::copy_n(from + (o * a.length + lines[k].from[z(i)]) * a.inner, a.inner, to);
        }
      });
      now = next;
    }
    return;
  }
  const DType wide = x.dtype() == DType::float64 ? DType::float64 : DType::float32;
  Tensor now = as_real(c, x, wide);
  for (const Line& line : lines) {
    Shape shape = now.shape();
    const Around a = around(shape, line.axis);
    shape[line.axis] = line.length;
    Tensor& next = output_by_value(c, 0, wide, shape);
    if (wide == DType::float64) apply<double>(line, now.data<double>().data(), a, beyond, next.mutable_data<double>().data());
    else apply<float>(line, now.data<float>().data(), a, beyond, next.mutable_data<float>().data());
    now = next;
  }
  if (x.dtype() == wide || x.dtype() == DType::float16 || x.dtype() == DType::bfloat16) return c.set_output(0, narrowed(now, x.dtype()));
  // Integers: towards zero and within their range, as NumPy casts after clipping.
  dispatch(c, x.dtype(), IntegerTypes{}, [&]<class T>() {
    Tensor out(x.dtype(), now.shape());
    const std::span<T> to = out.mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const double v = static_cast<double>(now.data<float>()[i]);
      to[i] = v <= static_cast<double>(std::numeric_limits<T>::lowest()) ? std::numeric_limits<T>::lowest() : v >= static_cast<double>(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max() : static_cast<T>(v);
    }
    c.set_output(0, std::move(out));
  });
}
void infer_resize(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = x.has_rank ? ranked(x.dtype, x.shape.size()) : unknown_shape(x.dtype);
  if (!x.has_rank) return;
  const std::vector<std::size_t> axes = resized_axes(c, x.shape.size());
  std::vector<bool> named(x.shape.size(), false);
  for (const std::size_t a : axes) named[a] = true;
  Shape in;
  for (std::size_t d = 0; d < named.size(); ++d) {
    if (!named[d]) c.outputs[0].shape[d] = x.shape[d];
    in.push_back(x.shape[d].known() ? x.shape[d].value : 1);
  }
  const bool all = c.has_input(3) ? c.constant(3) != nullptr && c.text("keep_aspect_ratio_policy", "stretch") == "stretch" : c.has_input(2) && c.constant(2) != nullptr;
  if (!all) return;
  const Sizes sizes = sizes_of(c, in, axes, c.has_input(2) ? c.constant(2) : nullptr, c.has_input(3) ? c.constant(3) : nullptr);
  for (const std::size_t a : axes) {
    if (x.shape[a].known() || (c.has_input(3) && c.constant(3)->size() != 0)) c.outputs[0].shape[a] = dim(sizes.out[a]);
    else if (sizes.scales[a] == 1) c.outputs[0].shape[a] = x.shape[a];
  }
}

constexpr Op kOps[] = {
    {"", "Resize", "To other sizes by nearest neighbours, linearly or cubically; with antialiasing, regions and policies of Resize-19.", infer_resize, resize},
};

}  // namespace

DECANT_AT_START std::span<const Op> resize_ops() { return kOps; }

}  // namespace decant
