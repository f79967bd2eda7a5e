// SPDX-License-Identifier: Apache-2.0
// Elements moved between positions and channels (ai.onnx): DepthToSpace, SpaceToDepth, CenterCropPad, Col2Im, ReverseSequence, TensorScatter.
#include <algorithm>

#include "ops/bounded.h"
#include "ops/widen.h"
#include "ops/window.h"

namespace decant {
namespace {

std::int64_t blocks_of(const AttributeView& c) {
  const std::int64_t b = c.integer("blocksize");
  if (b < 1 || b > (1 << 20)) c.fail(Code::corrupt, format("blocksize {}", b));
  return b;
}

// Between [N, b * b * C, H, W] and [N, C, H * b, W * b].
template <bool ToSpace>
void depth_space(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::int64_t b = blocks_of(c);
  if (x.rank() != 4) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  if (ToSpace ? x.dim(1) % (b * b) != 0 : x.dim(2) % b != 0 || x.dim(3) % b != 0) c.fail(Code::mismatch, format("an input of shape {} in blocks of {}", text_of(x.shape()), b));
  const bool channels_first = c.text("mode", "DCR") == "CRD";
  const std::int64_t n = x.dim(0), depth = ToSpace ? x.dim(1) / (b * b) : x.dim(1), h = ToSpace ? x.dim(2) : x.dim(2) / b, w = ToSpace ? x.dim(3) : x.dim(3) / b;
  Tensor& out = c.output(0, x.dtype(), ToSpace ? Shape{n, depth, h * b, w * b} : Shape{n, depth * b * b, h, w});
  dispatch_move(c, x.dtype(), [&]<class T>() {
    const T* from = raw<T>(x);
    T* to = raw<T>(out);
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t ch = 0; ch < depth; ++ch) {
        for (std::int64_t by = 0; by < b; ++by) {
          for (std::int64_t bx = 0; bx < b; ++bx) {
            const std::int64_t block = by * b + bx, deep = ((i * depth * b * b + (channels_first ? ch * b * b + block : block * depth + ch)) * h) * w;
            for (std::int64_t y = 0; y < h; ++y) {
              for (std::int64_t v = 0; v < w; ++v) {
                const std::int64_t wide = ((i * depth + ch) * h * b + y * b + by) * w * b + v * b + bx, narrow = deep + y * w + v;
                if constexpr (ToSpace) to[wide] = from[narrow];
                else to[narrow] = from[wide];
              }
            }
          }
        }
      }
    }
  });
}
template <bool ToSpace>
void infer_depth_space(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = ranked(x.dtype, 4);
  const std::int64_t b = blocks_of(c);
  if (!x.has_rank || x.shape.size() != 4) return;
  c.outputs[0].shape[0] = x.shape[0];
  for (std::size_t d = 1; d < 4; ++d) {
    if (!x.shape[d].known() || x.shape[d].value > (1 << 30)) continue;
    const std::int64_t v = x.shape[d].value;
    c.outputs[0].shape[d] = dim((d == 1) == ToSpace ? v / (d == 1 ? b * b : b) : v * (d == 1 ? b * b : b));
  }
}

// --- CenterCropPad (18) ---------------------------------------------------------------------------------------------------------------------

void center_crop_pad(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::vector<std::int64_t> wanted = integers_of(c, c.input(1));
  std::vector<std::int64_t> axes = c.integers("axes");
  if (!c.has("axes")) {
    for (std::size_t d = 0; d < x.rank(); ++d) axes.push_back(static_cast<std::int64_t>(d));
  }
  axes_of(c, axes, x.rank());
  if (wanted.size() != axes.size()) c.fail(Code::mismatch, format("{} sizes for {} axes", wanted.size(), axes.size()));
  Shape shape = x.shape(), box = x.shape(), from_at(x.rank(), 0), to_at(x.rank(), 0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::size_t d = axis_of(c, axes[k], x.rank());
    if (wanted[k] < 0) c.fail(Code::mismatch, format("a size of {}", wanted[k]));
    shape[d] = wanted[k];
    const std::int64_t more = wanted[k] - x.dim(d);
    box[d] = std::min(wanted[k], x.dim(d));
    (more < 0 ? from_at : to_at)[d] = more < 0 ? -more / 2 : more / 2;
  }
  Tensor& out = output_by_value(c, 0, x.dtype(), shape);
  const std::vector<std::int64_t> from_steps = strides_of(x.shape()), to_steps = strides_of(shape);
  dispatch_move(c, x.dtype(), [&]<class T>() {
    T* to = raw<T>(out);
    if constexpr (!std::is_same_v<T, std::string>) std::fill_n(to, out.size(), T{});
    if (count_of(box) == 0) return;
    Shape at(x.rank(), 0);
    do {
      std::int64_t f = 0, t = 0;
      for (std::size_t d = 0; d < at.size(); ++d) f += (at[d] + from_at[d]) * from_steps[d], t += (at[d] + to_at[d]) * to_steps[d];
      to[t] = raw<T>(x)[f];
    } while (next_index(at, box));
  });
}
void infer_center_crop_pad(InferContext& c) {
  c.outputs[0] = c.input(0).has_rank ? ranked(c.input(0).dtype, c.input(0).shape.size()) : unknown_shape(c.input(0).dtype);
}

// --- Col2Im (18): columns added up where they came from ----------------------------------------------------------------------------------------

void col2im(KernelContext& c) {
  const Tensor& x = c.input(0);
  const Shape image = integers_of(c, c.input(1)), block = integers_of(c, c.input(2));
  if (x.rank() != 3 || image.empty() || image.size() != block.size()) c.fail(Code::mismatch, format("blocks {} of an image {} in columns {}", text_of(block), text_of(image), text_of(x.shape())));
  for (std::size_t d = 0; d < image.size(); ++d) {
    if (image[d] < 1 || image[d] > (std::int64_t{1} << 31)) c.fail(Code::mismatch, format("an image of shape {}", text_of(image)));
  }
  const Window w = window_of(c, image, block);
  const std::uint64_t taps = count_of(w.kernel);
  if (taps == 0 || static_cast<std::uint64_t>(x.dim(1)) % taps != 0 || static_cast<std::uint64_t>(x.dim(2)) != count_of(w.out)) {
    c.fail(Code::mismatch, format("columns {} for blocks {} of an image {}", text_of(x.shape()), text_of(block), text_of(image)));
  }
  const std::int64_t channels = x.dim(1) / static_cast<std::int64_t>(taps);
  Shape shape{x.dim(0), channels};
  shape.insert(shape.end(), image.begin(), image.end());
  const std::vector<std::int64_t> steps = strides_of(image);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    Tensor& out = output_by_value(c, 0, x.dtype(), shape);
    std::ranges::fill(out.mutable_data<T>(), T{});
    const T* from = x.data<T>().data();
    if (x.size() == 0) return;
    for (std::int64_t p = 0; p < x.dim(0) * channels; ++p) {
      T* plane = out.mutable_data<T>().data() + p * static_cast<std::int64_t>(count_of(image));
      Shape k(w.rank(), 0);
      do {
        Shape at(w.rank(), 0);
        do {
          std::int64_t place = 0;
          bool inside = true;
          for (std::size_t d = 0; d < w.rank(); ++d) {
            const std::int64_t v = at[d] * w.strides[d] - w.begin[d] + k[d] * w.dilations[d];
            inside = inside && v >= 0 && v < image[d];
            place += v * steps[d];
          }
          if (inside) plane[place] += *from;
          ++from;
        } while (next_index(at, w.out));
      } while (next_index(k, w.kernel));
    }
  });
}
void infer_col2im(InferContext& c) {
  const auto image = constant_integers(c, 1);
  c.outputs[0] = image ? ranked(c.input(0).dtype, image->size() + 2) : unknown_shape(c.input(0).dtype);
}

// --- ReverseSequence (10) ---------------------------------------------------------------------------------------------------------------------

void reverse_sequence(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t batch = axis_of(c, c.integer("batch_axis", 1), x.rank()), time = axis_of(c, c.integer("time_axis", 0), x.rank());
  if (batch == time) c.fail(Code::corrupt, "batch_axis and time_axis are the same");
  const std::vector<std::int64_t> lengths = integers_of(c, c.input(1));
  if (lengths.size() != z(x.dim(batch))) c.fail(Code::mismatch, format("{} lengths for a batch of {}", lengths.size(), x.dim(batch)));
  for (const std::int64_t n : lengths) {
    if (n < 0 || n > x.dim(time)) c.fail(Code::mismatch, format("a sequence of {} in {} steps", n, x.dim(time)));
  }
  Tensor& out = c.output(0, x.dtype(), x.shape());
  if (x.size() == 0) return;
  const std::vector<std::int64_t> steps = strides_of(x.shape());
  const std::size_t last = std::max(batch, time);
  const std::int64_t run = steps[last];
  dispatch_move(c, x.dtype(), [&]<class T>() {
    const Shape box(x.shape().begin(), x.shape().begin() + static_cast<std::ptrdiff_t>(last) + 1);
    Shape at(box.size(), 0);
    std::int64_t from = 0;
    do {
      const std::int64_t n = lengths[z(at[batch])], t = at[time], to = from + (t < n ? (n - 1 - 2 * t) * steps[time] : 0);
      std::copy_n(raw<T>(x) + from, run, raw<T>(out) + to);
      from += run;
    } while (next_index(at, box));
  });
}

// --- TensorScatter (24): new rows written into a cache -----------------------------------------------------------------------------------------

void tensor_scatter(KernelContext& c) {
  const Tensor &past = c.input(0), &update = c.input(1);
  want_same(c, 0, 1);
  const std::size_t axis = axis_of(c, c.integer("axis", -2), past.rank());
  if (axis == 0) c.fail(Code::corrupt, "axis 0 is the batch");
  bool fits = update.rank() == past.rank();
  for (std::size_t d = 0; fits && d < past.rank(); ++d) fits = d == axis ? update.dim(d) <= past.dim(d) : update.dim(d) == past.dim(d);
  if (!fits) c.fail(Code::mismatch, format("an update {} of {}", text_of(update.shape()), text_of(past.shape())));
  const std::string_view mode = c.text("mode", "linear");
  const bool circular = mode == "circular";
  if (!circular && mode != "linear") c.fail(Code::corrupt, format("mode \"{}\"", printable(mode, 40)));
  std::vector<std::int64_t> starts(z(past.dim(0)), 0);
  if (c.has_input(2)) {
    starts = integers_of(c, c.input(2));
    if (starts.size() != z(past.dim(0))) c.fail(Code::mismatch, format("{} write_indices for a batch of {}", starts.size(), past.dim(0)));
  }
  const std::int64_t rows = update.dim(axis), most = past.dim(axis);
  for (const std::int64_t s : starts) {
    if (s < 0 || (!circular && s > most - rows)) c.fail(Code::mismatch, format("{} rows from {} on of {}", rows, s, most));
  }
  Tensor& out = c.output(0, past.dtype(), past.shape());
  const Around a = around(past.shape(), axis);
  if (past.size() == 0) return;
  const std::int64_t each = a.outer / past.dim(0);
  dispatch_move(c, past.dtype(), [&]<class T>() {
    std::copy_n(raw<T>(past), past.size(), raw<T>(out));
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t at = (starts[z(o / each)] % most + r) % most;
        std::copy_n(raw<T>(update) + (o * rows + r) * a.inner, a.inner, raw<T>(out) + (o * a.length + at) * a.inner);
      }
    }
  });
}

constexpr Op kOps[] = {
    {"", "DepthToSpace", "Channels moved into blocks of space, mode DCR or CRD (DepthToSpace-13).", infer_depth_space<true>, depth_space<true>},
    {"", "SpaceToDepth", "Blocks of space moved into channels, mode DCR or CRD (SpaceToDepth-28).", infer_depth_space<false>, depth_space<false>},
    {"", "CenterCropPad", "Cut or padded around the middle to a given size (CenterCropPad-18).", infer_center_crop_pad, center_crop_pad},
    {"", "Col2Im", "Columns of blocks added up into images (Col2Im-18).", infer_col2im, in_float<col2im>},
    {"", "ReverseSequence", "The first steps of each sequence in reverse (ReverseSequence-10).", infer_same, reverse_sequence},
    {"", "TensorScatter", "Rows written into a cache at given places (TensorScatter-24).", infer_same, tensor_scatter},
};

}  // namespace

DECANT_AT_START std::span<const Op> space_ops() { return kOps; }

}  // namespace decant
