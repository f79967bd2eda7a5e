// SPDX-License-Identifier: Apache-2.0
#include "ops/window.h"

namespace decant {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;  // no product of two overflows

// The attribute as one number for each dimension; `otherwise` where it is left out.
Shape per_dimension(const AttributeView& node, std::string_view name, std::size_t rank, std::int64_t otherwise, std::int64_t least) {
  Shape out = node.integers(name);
  if (out.empty()) out.assign(rank, otherwise);
  if (out.size() != rank) node.fail(Code::mismatch, format("{} numbers in {} for {} dimensions", out.size(), name, rank));
  for (const std::int64_t v : out) {
    if (v < least || v > kMost) node.fail(Code::corrupt, format("{} holds {}", name, v));
  }
  return out;
}

Window start(const AttributeView& node, const Shape& in, Shape kernel) {
  Window w;
  w.in = in;
  const std::size_t rank = in.size();
  const Shape stated = node.integers("kernel_shape");
  if (kernel.empty() && stated.empty()) node.fail(Code::corrupt, "attribute kernel_shape is missing");
  if (!stated.empty() && !kernel.empty() && stated != kernel) node.fail(Code::mismatch, format("kernel_shape {}, the weights have {}", text_of(stated), text_of(kernel)));
  w.kernel = kernel.empty() ? per_dimension(node, "kernel_shape", rank, 1, 1) : std::move(kernel);
  if (w.kernel.size() != rank) node.fail(Code::mismatch, format("a kernel {} for {} dimensions", text_of(w.kernel), rank));
  for (const std::int64_t k : w.kernel) {
    if (k < 1) node.fail(Code::mismatch, format("a kernel of shape {}", text_of(w.kernel)));
  }
  w.strides = per_dimension(node, "strides", rank, 1, 1);
  w.dilations = per_dimension(node, "dilations", rank, 1, 1);
  const Shape pads = per_dimension(node, "pads", 2 * rank, 0, -kMost);
  w.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  w.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  for (std::size_t d = 0; d < rank; ++d) {
    if (in[d] > kMost || (w.kernel[d] - 1) > kMost / w.dilations[d]) node.fail(Code::limit, format("a kernel of {} with dilation {}", w.kernel[d], w.dilations[d]));
  }
  return w;
}

std::string_view auto_pad(const AttributeView& node) {
  const std::string_view mode = node.text("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER" && !mode.empty()) node.fail(Code::corrupt, format("auto_pad \"{}\"", printable(mode, 40)));
  return mode;
}

}  // namespace

Window window_of(const AttributeView& node, const Shape& in, Shape kernel, bool ceil_mode) {
  Window w = start(node, in, std::move(kernel));
  const std::string_view mode = auto_pad(node);
  for (std::size_t d = 0; d < w.rank(); ++d) {
    const std::int64_t extent = (w.kernel[d] - 1) * w.dilations[d] + 1;
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      const std::int64_t out = (in[d] + w.strides[d] - 1) / w.strides[d];
      const std::int64_t pad = std::max<std::int64_t>(0, (out - 1) * w.strides[d] + extent - in[d]);
      w.begin[d] = mode == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      w.end[d] = pad - w.begin[d];
      w.out.push_back(out);
      continue;
    }
    if (mode == "VALID") w.begin[d] = w.end[d] = 0;
    const std::int64_t room = in[d] + w.begin[d] + w.end[d] - extent;
    if (room < 0) {
      // With nothing in it there is nothing to slide over.
      if (in[d] != 0) node.fail(Code::mismatch, format("a window of {} over a dimension of {} with padding {} and {}", extent, in[d], w.begin[d], w.end[d]));
      w.out.push_back(0);
      continue;
    }
    std::int64_t out = room / w.strides[d] + 1;
    if (ceil_mode && room % w.strides[d] != 0) {
      // A window that would begin in the padding behind does not count (MaxPool-22).
      if (out * w.strides[d] < in[d] + w.begin[d]) ++out;
    }
    w.out.push_back(out);
  }
  return w;
}

Window transposed_window_of(const AttributeView& node, const Shape& in, Shape kernel) {
  Window w = start(node, in, std::move(kernel));
  const std::size_t rank = w.rank();
  const Shape extra = per_dimension(node, "output_padding", rank, 0, 0);
  Shape wanted = node.integers("output_shape");
  if (wanted.size() == rank + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);  // ConvTranspose-1 lets N and C stand there as well
  if (!wanted.empty() && wanted.size() != rank) node.fail(Code::mismatch, format("output_shape {} for {} dimensions", text_of(wanted), rank));
  const std::string_view mode = auto_pad(node);
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t extent = (w.kernel[d] - 1) * w.dilations[d] + 1;
    const std::int64_t full = w.strides[d] * (in[d] - 1) + extra[d] + extent;
    const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
    if (mode == "VALID") w.begin[d] = w.end[d] = 0;
    if (!wanted.empty() || same) {
      const std::int64_t out = wanted.empty() ? in[d] * w.strides[d] : wanted[d];
      if (out < 0 || out > kMost) node.fail(Code::corrupt, format("output_shape {}", text_of(wanted)));
      // Padding that is taken away; the odd one goes to the end for SAME_UPPER, else to the beginning. What is wanted beyond, is 0 at the end.
      const std::int64_t pad = std::max<std::int64_t>(0, full - out);
      w.begin[d] = mode == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      w.end[d] = pad - w.begin[d];
      w.out.push_back(out);
    } else {
      const std::int64_t out = full - w.begin[d] - w.end[d];
      if (out < 0) node.fail(Code::mismatch, format("padding {} and {} of a result of {}", w.begin[d], w.end[d], full));
      w.out.push_back(out);
    }
  }
  return w;
}

Shape spatial(const AttributeView& node, const Shape& shape, std::size_t least) {
  if (shape.size() < 2 + least) node.fail(Code::mismatch, format("an input of shape {}", text_of(shape)));
  return {shape.begin() + 2, shape.end()};
}

Type windowed_type(const AttributeView& node, const Type& in, const Dim& channels, Shape kernel, bool transposed, bool ceil_mode) {
  if (!in.has_rank) return unknown_shape(in.dtype);
  if (in.shape.size() < 3) node.fail(Code::mismatch, format("an input {}", in.text()));
  Type out = ranked(in.dtype, in.shape.size());
  out.shape[0] = in.shape[0];
  out.shape[1] = channels;
  Shape dims;
  for (std::size_t d = 2; d < in.shape.size(); ++d) dims.push_back(in.shape[d].known() ? in.shape[d].value : kMost);
  // An unknown dimension stands as one so large that every window fits; its own result stays unknown.
  if (kernel.empty() && node.integers("kernel_shape").empty()) return out;
  const Window w = transposed ? transposed_window_of(node, dims, std::move(kernel)) : window_of(node, dims, std::move(kernel), ceil_mode);
  for (std::size_t d = 0; d < w.out.size(); ++d) {
    if (in.shape[d + 2].known()) out.shape[d + 2] = dim(w.out[d]);
  }
  return out;
}

}  // namespace decant
