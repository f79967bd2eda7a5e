// SPDX-License-Identifier: Apache-2.0
// Values between the elements of an image (ai.onnx): GridSample, AffineGrid, RoiAlign.
#include <cmath>

#include "ops/bounded.h"
#include "ops/widen.h"
#include "ops/window.h"

namespace decant {
namespace {

// --- GridSample (22) ------------------------------------------------------------------------------------------------------------------------

enum class Padding { zeros, border, reflection };

double reflected(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return low;
  if (x >= low && x <= high) return x;
  const double away = x < low ? low - x : x - high, turns = std::floor(away / range), rest = away - turns * range;
  return (std::fmod(turns, 2.0) == 0) == (x < low) ? low + rest : high - rest;
}

struct Sampler {
  Shape in;  // spatial
  bool corners = false;
  Padding padding = Padding::zeros;

  // The element at `i` of dimension `d` that stands for position `i` outside as well; -1: zero.
  std::int64_t place(std::int64_t i, std::size_t d) const {
    if (i >= 0 && i < in[d]) return i;
    if (padding == Padding::zeros) return -1;
    if (padding == Padding::border) return i < 0 ? 0 : in[d] - 1;
    const double low = corners ? 0.0 : -0.5, high = static_cast<double>(in[d]) - (corners ? 1.0 : 0.5);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(reflected(static_cast<double>(i), low, high)), 0, in[d] - 1);
  }
};

template <class T>
struct Tap {
  std::int64_t at;  // -1: zero
  T weight;
};

void grid_sample(KernelContext& c) {
  const Tensor &x = c.input(0), &grid = c.input(1);
  Sampler s;
  s.in = spatial(c, x.shape());
  const std::size_t rank = s.in.size();
  if (grid.rank() != x.rank() || grid.shape().back() != static_cast<std::int64_t>(rank) || grid.dim(0) != x.dim(0)) {
    c.fail(Code::mismatch, format("a grid {} for an input {}", text_of(grid.shape()), text_of(x.shape())));
  }
  for (const std::int64_t d : s.in) {
    if (d == 0) c.fail(Code::mismatch, "an empty image");
  }
  s.corners = c.integer("align_corners", 0) != 0;
  const std::string_view mode = c.text("mode", "linear"), padding = c.text("padding_mode", "zeros");
  if (padding == "border") s.padding = Padding::border;
  else if (padding == "reflection") s.padding = Padding::reflection;
  else if (padding != "zeros") c.fail(Code::unsupported, format("padding_mode \"{}\"", printable(padding, 40)));
  const bool nearest = mode == "nearest", cubic = mode == "cubic" || mode == "bicubic";
  if (!nearest && !cubic && mode != "linear" && mode != "bilinear") c.fail(Code::unsupported, format("mode \"{}\"", printable(mode, 40)));
  Shape shape{x.dim(0), x.dim(1)};
  shape.insert(shape.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  const std::int64_t plane = static_cast<std::int64_t>(count_of(s.in)), channels = x.dim(1);
  const auto points = static_cast<std::int64_t>(count_of(Shape(grid.shape().begin() + 1, grid.shape().end() - 1)));
  const std::vector<std::int64_t> steps = strides_of(s.in);
  const Tensor wide_grid = as_real(c, grid, DType::float64);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    T* to = output_by_value(c, 0, x.dtype(), shape).template mutable_data<T>().data();
    std::vector<std::vector<Tap<T>>> taps(rank);
    std::vector<Tap<T>> all;
    for (std::int64_t n = 0; n < x.dim(0); ++n) {
      for (std::int64_t p = 0; p < points; ++p) {
        const double* at = wide_grid.data<double>().data() + (n * points + p) * static_cast<std::int64_t>(rank);
        for (std::size_t d = 0; d < rank; ++d) {
          const double length = static_cast<double>(s.in[d]), g = at[rank - 1 - d];  // x, y, z: the last dimension comes first
          double v = s.corners ? (g + 1) / 2 * (length - 1) : ((g + 1) * length - 1) / 2;
          v = static_cast<double>(static_cast<float>(v));
          if (!std::isfinite(v) || std::fabs(v) > 1e9) v = -100;  // far outside, wherever that is (PyTorch, GridSampler.h)
          const double low = s.corners ? 0.0 : -0.5, high = length - (s.corners ? 1.0 : 0.5);
          if (nearest) v = std::nearbyint(v);
          if ((v < low || v > high) && s.padding != Padding::zeros) {
            v = s.padding == Padding::border ? std::clamp(v, 0.0, length - 1) : reflected(v, low, high);
          }
          auto& own = taps[d];
          own.clear();
          const auto base = static_cast<std::int64_t>(std::floor(v));
          const auto r = static_cast<T>(v - std::floor(v));
          if (nearest) {
            own.push_back({s.place(static_cast<std::int64_t>(v), d), T{1}});
          } else if (!cubic) {
            own = {{s.place(base, d), 1 - r}, {s.place(base + 1, d), r}};
          } else {
            constexpr T a = T(-0.75);
            const auto near = [](T q) { return ((a + 2) * q - (a + 3)) * q * q + 1; };
            const auto far = [](T q) { return ((a * q - 5 * a) * q + 8 * a) * q - 4 * a; };
            own = {{s.place(base - 1, d), far(r + 1)}, {s.place(base, d), near(r)}, {s.place(base + 1, d), near(1 - r)}, {s.place(base + 2, d), far(2 - r)}};
          }
        }
        all.assign(1, {0, T{1}});
        for (std::size_t d = 0; d < rank; ++d) {
          std::vector<Tap<T>> next;
          for (const Tap<T>& t : all) {
            for (const Tap<T>& own : taps[d]) {
              if (own.at >= 0) next.push_back({t.at + own.at * steps[d], t.weight * own.weight});
            }
          }
          all = std::move(next);
        }
        for (std::int64_t ch = 0; ch < channels; ++ch) {
          const T* from = x.data<T>().data() + (n * channels + ch) * plane;
          T sum = 0;
          for (const Tap<T>& t : all) sum += t.weight * from[t.at];
          to[(n * channels + ch) * points + p] = sum;
        }
      }
    }
  });
}
void infer_grid_sample(InferContext& c) {
  const Type &x = c.input(0), &grid = c.input(1);
  c.outputs[0] = unknown_shape(x.dtype);
  if (!x.has_rank || !grid.has_rank || x.shape.size() < 3 || grid.shape.size() != x.shape.size()) return;
  c.outputs[0] = ranked(x.dtype, x.shape.size());
  c.outputs[0].shape[0] = x.shape[0], c.outputs[0].shape[1] = x.shape[1];
  for (std::size_t d = 2; d < x.shape.size(); ++d) c.outputs[0].shape[d] = grid.shape[d - 1];
}

// --- AffineGrid (20) ------------------------------------------------------------------------------------------------------------------------

void affine_grid(KernelContext& c) {
  const Tensor& theta = c.input(0);
  const Shape size = integers_of(c, c.input(1));
  const bool corners = c.integer("align_corners", 0) != 0;
  if (size.size() != 4 && size.size() != 5) c.fail(Code::mismatch, format("a size of {} dimensions", size.size()));
  const auto rank = static_cast<std::int64_t>(size.size()) - 2;
  if (theta.shape() != Shape{size[0], rank, rank + 1}) c.fail(Code::mismatch, format("matrices {} for a size {}", text_of(theta.shape()), text_of(size)));
  for (const std::int64_t d : size) {
    if (d < 0) c.fail(Code::mismatch, format("a size {}", text_of(size)));
  }
  Shape shape{size[0]}, index(z(rank), 0);
  shape.insert(shape.end(), size.begin() + 2, size.end());
  const Shape box(size.begin() + 2, size.end());
  shape.push_back(rank);
  dispatch(c, theta.dtype(), RealTypes{}, [&]<class T>() {
    Tensor& out = output_by_value(c, 0, theta.dtype(), shape);
    T* to = out.mutable_data<T>().data();
    if (out.size() == 0) return;
    for (std::int64_t n = 0; n < size[0]; ++n) {
      const T* m = theta.data<T>().data() + n * rank * (rank + 1);
      do {
        T at[3];  // x, y, z
        for (std::int64_t k = 0; k < rank; ++k) {
          const T i = static_cast<T>(index[z(rank - 1 - k)]), length = static_cast<T>(box[z(rank - 1 - k)]);
          at[k] = corners ? (length > 1 ? 2 * i / (length - 1) - 1 : T{0}) : (2 * i + 1) / length - 1;
        }
        for (std::int64_t row = 0; row < rank; ++row) {
          T sum = m[row * (rank + 1) + rank];
          for (std::int64_t k = 0; k < rank; ++k) sum += m[row * (rank + 1) + k] * at[k];
          *to++ = sum;
        }
      } while (next_index(index, box));
    }
  });
}
void infer_affine_grid(InferContext& c) {
  c.outputs[0] = unknown_shape(c.input(0).dtype);
  if (const auto size = constant_integers(c, 1); size && size->size() > 2) {
    c.outputs[0] = ranked(c.input(0).dtype, size->size());
    c.outputs[0].shape[0] = dim(std::max<std::int64_t>((*size)[0], -1));
    for (std::size_t d = 2; d < size->size(); ++d) c.outputs[0].shape[d - 1] = dim(std::max<std::int64_t>((*size)[d], -1));
    c.outputs[0].shape.back() = dim(static_cast<std::int64_t>(size->size()) - 2);
  }
}

// --- RoiAlign (22), as in Mask R-CNN: the mean (or the largest) of points between the elements --------------------------------------------------

void roi_align(KernelContext& c) {
  const Tensor &x = c.input(0), &rois = c.input(1), &images = c.input(2);
  want_same(c, 0, 1);
  want(c, 2, DType::int64);
  if (x.rank() != 4 || rois.rank() != 2 || rois.dim(1) != 4 || images.shape() != Shape{rois.dim(0)}) {
    c.fail(Code::mismatch, format("regions {} in images {} of {}", text_of(rois.shape()), text_of(images.shape()), text_of(x.shape())));
  }
  const std::int64_t rows = c.integer("output_height", 1), columns = c.integer("output_width", 1), channels = x.dim(1), height = x.dim(2), width = x.dim(3);
  const std::int64_t sampling = c.integer("sampling_ratio", 0);
  if (rows < 1 || columns < 1 || sampling < 0 || sampling > 4096) c.fail(Code::corrupt, format("{} x {} bins of {} samples", rows, columns, sampling));
  if (height == 0 || width == 0) c.fail(Code::mismatch, "an empty image");
  const bool mean = c.text("mode", "avg") == "avg";
  const bool half_pixel = c.text("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    T* to = output_by_value(c, 0, x.dtype(), {rois.dim(0), channels, rows, columns}).template mutable_data<T>().data();
    const T scale = static_cast<T>(c.real("spatial_scale", 1.0)), shift = half_pixel ? T(0.5) : T{0};
    struct Point {
      std::int64_t at[4];
      T weight[4];
    };
    for (std::int64_t r = 0; r < rois.dim(0); ++r) {
      const T* roi = rois.data<T>().data() + r * 4;
      const std::int64_t image = images.data<std::int64_t>()[z(r)];
      if (image < 0 || image >= x.dim(0)) c.fail(Code::mismatch, format("a region of image {} of {}", image, x.dim(0)));
      const T left = roi[0] * scale - shift, top = roi[1] * scale - shift;
      T w = roi[2] * scale - shift - left, h = roi[3] * scale - shift - top;
      if (!half_pixel) w = std::max(w, T{1}), h = std::max(h, T{1});
      if (!(std::fabs(w) < T(1e6)) || !(std::fabs(h) < T(1e6)) || !(std::fabs(left) < T(1e6)) || !(std::fabs(top) < T(1e6))) c.fail(Code::mismatch, "a region that ends nowhere");
      const T bin_h = h / static_cast<T>(rows), bin_w = w / static_cast<T>(columns);
      const std::int64_t ny = sampling > 0 ? sampling : std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(bin_h))), nx = sampling > 0 ? sampling : std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(bin_w)));
      if (ny * nx > (1 << 24)) c.fail(Code::limit, format("{} samples a bin", ny * nx));
      std::vector<Point> points(z(ny * nx));
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          for (std::int64_t iy = 0; iy < ny; ++iy) {
            for (std::int64_t ix = 0; ix < nx; ++ix) {
              Point& p = points[z(iy * nx + ix)];
              T py = top + static_cast<T>(i) * bin_h + (static_cast<T>(iy) + T(0.5)) * bin_h / static_cast<T>(ny);
              T px = left + static_cast<T>(j) * bin_w + (static_cast<T>(ix) + T(0.5)) * bin_w / static_cast<T>(nx);
              if (py < -1 || py > static_cast<T>(height) || px < -1 || px > static_cast<T>(width)) {
                p = {};
                continue;
              }
              py = std::max(py, T{0}), px = std::max(px, T{0});
              auto y0 = static_cast<std::int64_t>(py), x0 = static_cast<std::int64_t>(px);
              const std::int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
              if (y0 >= height - 1) y0 = height - 1, py = static_cast<T>(y0);
              if (x0 >= width - 1) x0 = width - 1, px = static_cast<T>(x0);
              const T ly = py - static_cast<T>(y0), lx = px - static_cast<T>(x0);
              p = {{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1}, {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
            }
          }
          for (std::int64_t ch = 0; ch < channels; ++ch) {
            const T* plane = x.data<T>().data() + (image * channels + ch) * height * width;
            T value = 0;
            bool first = true;
            for (const Point& p : points) {
              const T q[4] = {p.weight[0] * plane[p.at[0]], p.weight[1] * plane[p.at[1]], p.weight[2] * plane[p.at[2]], p.weight[3] * plane[p.at[3]]};
              if (mean) {
                value += q[0] + q[1] + q[2] + q[3];
              } else {
                const T most = std::max(std::max(q[0], q[1]), std::max(q[2], q[3]));
                value = first ? most : std::max(value, most);
                first = false;
              }
            }
            if (mean) value /= static_cast<T>(std::max<std::size_t>(points.size(), 1));
            to[((r * channels + ch) * rows + i) * columns + j] = value;
          }
        }
      }
    }
  });
}
void infer_roi_align(InferContext& c) {
  const Type &x = c.input(0), &rois = c.input(1);
  c.outputs[0] = ranked(x.dtype, 4);
  if (rois.has_rank && !rois.shape.empty()) c.outputs[0].shape[0] = rois.shape[0];
  if (x.has_rank && x.shape.size() == 4) c.outputs[0].shape[1] = x.shape[1];
  c.outputs[0].shape[2] = dim(std::max<std::int64_t>(c.integer("output_height", 1), 0));
  c.outputs[0].shape[3] = dim(std::max<std::int64_t>(c.integer("output_width", 1), 0));
}

constexpr Op kOps[] = {
    {"", "GridSample", "The input at positions that a grid gives in [-1, 1], nearest, linear or cubic (GridSample-22).", infer_grid_sample, in_float<grid_sample>},
    {"", "AffineGrid", "The grid of positions that affine matrices move a regular one to (AffineGrid-20).", infer_affine_grid, in_float<affine_grid>},
    {"", "RoiAlign", "Bins of regions, averaged over points between the elements (RoiAlign-22).", infer_roi_align, in_float<roi_align>},
};

}  // namespace

DECANT_AT_START std::span<const Op> sample_ops() { return kOps; }

}  // namespace decant
