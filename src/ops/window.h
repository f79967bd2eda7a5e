// SPDX-License-Identifier: Apache-2.0
// Windows that slide over the spatial dimensions of a value [N, C, D1, D2, ...]: what convolutions and pools share. Rules of auto_pad, pads,
// strides, dilations, ceil_mode: onnx/docs/Operators.md, Conv-22 and MaxPool-22; output_shape: ConvTranspose-22.
#pragma once

#include "ops/kernel.h"

namespace decant {

struct Window {
  Shape in, kernel, strides, dilations, begin, end, out;  // begin, end: the padding of each dimension
  std::size_t rank() const { return in.size(); }
};

/// The window of a convolution or a pool over `in` (spatial dimensions, all known). `kernel` is what the weights say; the attribute where
/// it is empty.
Window window_of(const AttributeView& node, const Shape& in, Shape kernel, bool ceil_mode = false);
/// The same with as many outputs as a transposed convolution has.
Window transposed_window_of(const AttributeView& node, const Shape& in, Shape kernel);

/// The spatial dimensions of `shape`, which must have at least `least` of them.
Shape spatial(const AttributeView& node, const Shape& shape, std::size_t least = 1);

/// Type of a result [N, channels, ...]: the window's outputs where the input's dimensions are known.
Type windowed_type(const AttributeView& node, const Type& in, const Dim& channels, Shape kernel, bool transposed, bool ceil_mode = false);

/// Goes on to the next index of `shape`, row by row; false after the last.
inline bool next_index(Shape& index, const Shape& shape) {
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (++index[d] < shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

}  // namespace decant
