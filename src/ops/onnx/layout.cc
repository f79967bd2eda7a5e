// SPDX-License-Identifier: Apache-2.0
// Operators that move whole elements and never look at them (ai.onnx): Transpose, Expand, Tile, Concat, Split, Slice, Pad, Trilu.
#include <algorithm>

#include "base/checked.h"
#include "ops/bounded.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// Copies a box of `in`, walked with any strides (in elements), to the dense `out` of shape `shape`.
template <class T>
void gather_box(const T* in, const Shape& shape, const std::vector<std::int64_t>& strides, T* out) {
  if (count_of(shape) == 0) return;
  const std::size_t rank = shape.size();
  if (rank == 0) {
    out[0] = in[0];
    return;
  }
  std::vector<std::int64_t> index(rank, 0);
  const std::int64_t n = shape[rank - 1], step = strides[rank - 1];
  std::int64_t at = 0;
  for (;; out += n) {
    if (step == 1) std::copy_n(in + at, n, out);
    else for (std::int64_t i = 0; i < n; ++i) out[i] = in[at + i * step];
    std::size_t d = rank - 1;
    for (;;) {
      if (d == 0) return;
      --d;
      at += strides[d];
      if (++index[d] < shape[d]) break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

// --- Transpose ------------------------------------------------------------------------------------------------------------------------

std::vector<std::size_t> permutation(const AttributeView& c, std::size_t rank) {
  std::vector<std::size_t> out(rank);
  if (!c.has("perm")) {
    for (std::size_t i = 0; i < rank; ++i) out[i] = rank - 1 - i;
    return out;
  }
  const std::vector<std::int64_t> given = c.integers("perm");
  if (given.size() != rank || axes_of(c, given, rank).size() != rank) c.fail(Code::corrupt, format("perm {} for rank {}", text_of(given), rank));
  for (std::size_t i = 0; i < rank; ++i) out[i] = axis_of(c, given[i], rank);
  return out;
}
void transpose(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::vector<std::size_t> perm = permutation(c, in.rank());
  const std::vector<std::int64_t> from = strides_of(in.shape());
  Shape shape(in.rank());
  std::vector<std::int64_t> strides(in.rank());
  for (std::size_t i = 0; i < perm.size(); ++i) shape[i] = in.dim(perm[i]), strides[i] = from[perm[i]];
  Tensor& out = c.output(0, in.dtype(), shape);
  dispatch_move(c, in.dtype(), [&]<class T>() { gather_box(raw<T>(in), shape, strides, raw<T>(out)); });
}
void infer_transpose(InferContext& c) {
  const Type& in = c.input(0);
  if (!in.has_rank) {
    c.outputs[0] = c.has("perm") ? ranked(in.dtype, c.integers("perm").size()) : unknown_shape(in.dtype);
    return;
  }
  std::vector<Dim> dims;
  for (const std::size_t a : permutation(c, in.shape.size())) dims.push_back(in.shape[a]);
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

// --- Expand, Tile ---------------------------------------------------------------------------------------------------------------------

void expand(KernelContext& c) {
  const Tensor& in = c.input(0);
  const Shape wanted = integers_of(c, c.input(1));
  for (const std::int64_t d : wanted) {
    if (d < 0) c.fail(Code::mismatch, format("dimension {}", d));
  }
  const Broadcast<2> loop = broadcast<2>(c, {&in.shape(), &wanted});
  std::vector<std::int64_t> strides(loop.shape.size(), 0), own = strides_of(in.shape());
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (in.dim(i) != 1) strides[loop.shape.size() - own.size() + i] = own[i];
  }
  Tensor& out = output_by_value(c, 0, in.dtype(), loop.shape);
  dispatch_move(c, in.dtype(), [&]<class T>() { gather_box(raw<T>(in), loop.shape, strides, raw<T>(out)); });
}
void infer_expand(InferContext& c) {
  const Type& in = c.input(0);
  const auto wanted = constant_integers(c, 1);
  c.outputs[0] = unknown_shape(in.dtype);
  if (wanted && in.has_rank) {
    Type shape = ranked(in.dtype, wanted->size());
    for (std::size_t i = 0; i < wanted->size(); ++i) shape.shape[i] = dim(std::max<std::int64_t>((*wanted)[i], -1));
    bool known = false;
    c.outputs[0].shape = broadcast_dims(c, {&in, &shape}, known);
    c.outputs[0].has_rank = true;
  } else if (const Type& s = c.input(1); in.has_rank && s.has_rank && s.shape.size() == 1 && s.shape[0].known() && s.shape[0].value < 64) {
    c.outputs[0] = ranked(in.dtype, std::max(in.shape.size(), static_cast<std::size_t>(s.shape[0].value)));
  }
}

void tile(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::vector<std::int64_t> repeats = integers_of(c, c.input(1));
  if (repeats.size() != in.rank()) c.fail(Code::mismatch, format("{} repeats for rank {}", repeats.size(), in.rank()));
  Shape shape = in.shape();
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) c.fail(Code::mismatch, format("repeated {} times", repeats[i]));
    const std::uint64_t d = sat_mul(static_cast<std::uint64_t>(shape[i]), static_cast<std::uint64_t>(repeats[i]));
    if (d > (std::uint64_t{1} << 46)) c.fail(Code::limit, format("repeated {} times", repeats[i]));
    shape[i] = static_cast<std::int64_t>(d);
  }
  Tensor& out = output_by_value(c, 0, in.dtype(), shape);
  // Each dimension as two: [repeats, size], the first with stride 0.
  Shape box;
  std::vector<std::int64_t> strides;
  const std::vector<std::int64_t> own = strides_of(in.shape());
  for (std::size_t i = 0; i < own.size(); ++i) {
    box.insert(box.end(), {repeats[i], in.dim(i)});
    strides.insert(strides.end(), {0, own[i]});
  }
  dispatch_move(c, in.dtype(), [&]<class T>() { gather_box(raw<T>(in), box, strides, raw<T>(out)); });
}
void infer_tile(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = in.has_rank ? ranked(in.dtype, in.shape.size()) : unknown_shape(in.dtype);
  const auto repeats = constant_integers(c, 1);
  if (!repeats || !in.has_rank) return;
  if (repeats->size() != in.shape.size()) c.fail(Code::corrupt, format("{} repeats for rank {}", repeats->size(), in.shape.size()));
  for (std::size_t i = 0; i < repeats->size(); ++i) {
    const std::int64_t r = (*repeats)[i];
    if (r == 1) c.outputs[0].shape[i] = in.shape[i];
    else if (in.shape[i].known() && r >= 0 && r < (1 << 20) && in.shape[i].value < (std::int64_t{1} << 40)) c.outputs[0].shape[i] = dim(in.shape[i].value * r);
  }
}

// --- Concat, Split ----------------------------------------------------------------------------------------------------------------------

void concat(KernelContext& c) {
  const Tensor& first = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis"), first.rank());
  Shape shape = first.shape();
  shape[axis] = 0;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    want_same(c, 0, k);
    const Shape& s = c.input(k).shape();
    bool fits = s.size() == shape.size();
    for (std::size_t i = 0; i < s.size() && fits; ++i) fits = i == axis || s[i] == shape[i];
    if (!fits) c.fail(Code::mismatch, format("shapes {} and {} do not join along axis {}", text_of(first.shape()), text_of(s), axis));
    shape[axis] += s[axis];
  }
  Tensor& out = c.output(0, first.dtype(), shape);
  const Around whole = around(shape, axis);
  dispatch_move(c, first.dtype(), [&]<class T>() {
    std::int64_t done = 0;
    for (std::size_t k = 0; k < c.input_count(); ++k) {
      const Tensor& part = c.input(k);
      const std::int64_t run = part.dim(axis) * whole.inner;
      const T* from = raw<T>(part);
      T* to = raw<T>(out) + done;
      const std::int64_t stride = whole.length * whole.inner;
      if (run == 1) {  // single columns side by side: a call for each number would be most of the time
        for (std::int64_t o = 0; o < whole.outer; ++o) to[o * stride] = from[o];
      } else {
        for (std::int64_t o = 0; o < whole.outer && run > 0; ++o) std::copy_n(from + o * run, run, to + o * stride);
      }
      done += run;
    }
  });
}
void infer_concat(InferContext& c) {
  const DType dtype = c.input(0).dtype;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    if (!c.input(k).has_rank) {
      c.outputs[0] = unknown_shape(dtype);
      return;
    }
  }
  std::vector<Dim> dims = c.input(0).shape;
  const std::size_t axis = axis_of(c, c.integer("axis"), dims.size());
  std::int64_t length = 0;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    const std::vector<Dim>& s = c.input(k).shape;
    if (s.size() != dims.size()) c.fail(Code::mismatch, "inputs of different rank");
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (i == axis) continue;
      if (!dims[i].known()) dims[i] = s[i].known() || dims[i].name.empty() ? s[i] : dims[i];
      else if (s[i].known() && s[i].value != dims[i].value) c.fail(Code::mismatch, format("dimensions {} and {} do not join", dims[i].value, s[i].value));
    }
    length = length < 0 || !s[axis].known() ? -1 : length + s[axis].value;
  }
  dims[axis] = dim(length);
  c.outputs[0] = Type::tensor(dtype, std::move(dims));
}

// Parts as given, or `count` equal ones of which the last may be smaller (Split-18).
std::vector<std::int64_t> parts_of(const AttributeView& c, std::int64_t length, const std::optional<std::vector<std::int64_t>>& given, std::size_t outputs) {
  std::vector<std::int64_t> parts;
  if (given) {
    parts = *given;
    std::int64_t sum = 0;
    for (const std::int64_t p : parts) {
      if (p < 0 || p > length - sum) c.fail(Code::mismatch, format("parts {} of {}", text_of(parts), length));
      sum += p;
    }
    if (sum != length || parts.size() != outputs) c.fail(Code::mismatch, format("parts {} of {} for {} outputs", text_of(parts), length, outputs));
    return parts;
  }
  const std::int64_t count = c.integer("num_outputs", static_cast<std::int64_t>(outputs));
  if (count != static_cast<std::int64_t>(outputs) || count == 0) c.fail(Code::corrupt, format("num_outputs {} with {} outputs", count, outputs));
  const std::int64_t each = length / count + (length % count != 0);
  for (std::int64_t at = 0, i = 0; i < count; ++i) {
    parts.push_back(std::min(each, length - at));
    at += parts.back();
  }
  return parts;
}
void split(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.rank());
  const auto given = c.has_input(1) ? std::optional(integers_of(c, c.input(1))) : std::nullopt;
  const std::vector<std::int64_t> parts = parts_of(c, in.dim(axis), given, c.output_count());
  const Around whole = around(in.shape(), axis);
  std::int64_t done = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    Shape shape = in.shape();
    shape[axis] = parts[k];
    Tensor& out = c.output(k, in.dtype(), shape);
    const std::int64_t run = parts[k] * whole.inner;
    dispatch_move(c, in.dtype(), [&]<class T>() {
      for (std::int64_t o = 0; o < whole.outer && run > 0; ++o) std::copy_n(raw<T>(in) + o * whole.length * whole.inner + done, run, raw<T>(out) + o * run);
    });
    done += run;
  }
}
void infer_split(InferContext& c) {
  const Type& in = c.input(0);
  std::fill(c.outputs.begin(), c.outputs.end(), in.has_rank ? ranked(in.dtype, in.shape.size()) : unknown_shape(in.dtype));
  if (!in.has_rank) return;
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.shape.size());
  const auto given = c.has_input(1) ? constant_integers(c, 1) : std::nullopt;
  std::vector<std::int64_t> parts(c.outputs.size(), -1);
  if (in.shape[axis].known() && (given || !c.has_input(1))) parts = parts_of(c, in.shape[axis].value, given, c.outputs.size());
  for (std::size_t k = 0; k < c.outputs.size(); ++k) {
    c.outputs[k].shape = in.shape;
    c.outputs[k].shape[axis] = dim(parts[k]);
  }
}

// --- Slice ------------------------------------------------------------------------------------------------------------------------------

struct Cut {
  std::int64_t begin = 0, step = 1, count = 0;
};
// One axis of Slice-13: negative positions count from the end, then both are clamped as Python's slices are.
Cut cut_of(const AttributeView& c, std::int64_t length, std::int64_t begin, std::int64_t end, std::int64_t step) {
  if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) c.fail(Code::corrupt, format("a step of {}", step));
  if (begin < 0) begin = begin < -length ? -1 : begin + length;
  if (end < 0) end = end < -length ? -1 : end + length;
  Cut out{0, step, 0};
  if (step > 0) {
    out.begin = std::clamp<std::int64_t>(begin, 0, length);
    const std::int64_t stop = std::clamp<std::int64_t>(end, 0, length);
    out.count = stop > out.begin ? (stop - out.begin - 1) / step + 1 : 0;
  } else {
    out.begin = std::clamp<std::int64_t>(begin, -1, length - 1);
    const std::int64_t stop = std::clamp<std::int64_t>(end, -1, length - 1);
    out.count = out.begin > stop ? (out.begin - stop - 1) / -step + 1 : 0;
  }
  return out;
}

void slice(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::vector<std::int64_t> begin = integers_of(c, c.input(1)), end = integers_of(c, c.input(2));
  std::vector<std::int64_t> axes, steps(begin.size(), 1);
  if (c.has_input(3)) axes = integers_of(c, c.input(3));
  else for (std::size_t i = 0; i < begin.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (c.has_input(4)) steps = integers_of(c, c.input(4));
  if (end.size() != begin.size() || axes.size() != begin.size() || steps.size() != begin.size()) c.fail(Code::corrupt, "lists of different length");
  axes_of(c, axes, in.rank());
  Shape shape = in.shape();
  std::vector<std::int64_t> strides = strides_of(shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t a = axis_of(c, axes[i], in.rank());
    const Cut cut = cut_of(c, in.dim(a), begin[i], end[i], steps[i]);
    shape[a] = cut.count;
    if (cut.count > 0) offset += cut.begin * strides[a];
    strides[a] = cut.count > 1 ? strides[a] * cut.step : 0;
  }
  // Whole rows from the front: a view, nothing is copied.
  if (in.dtype() != DType::string && in.rank() > 0 && std::equal(shape.begin() + 1, shape.end(), in.shape().begin() + 1) && strides[0] >= 0 &&
      (shape[0] <= 1 || strides == strides_of(shape))) {
    const std::size_t item = size_of(in.dtype());
    const std::uint64_t length = count_of(shape);
    return c.set_output(0, Tensor(in.dtype(), shape, in.blob().slice(length == 0 ? 0 : static_cast<std::size_t>(offset) * item, length * item)));
  }
  Tensor& out = c.output(0, in.dtype(), shape);
  dispatch_move(c, in.dtype(), [&]<class T>() { gather_box(raw<T>(in) + offset, shape, strides, raw<T>(out)); });
}
void infer_slice(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = in.has_rank ? ranked(in.dtype, in.shape.size()) : unknown_shape(in.dtype);
  if (!in.has_rank) return;
  std::optional<std::vector<std::int64_t>> axes;
  const auto begin = constant_integers(c, 1), end = constant_integers(c, 2);
  if (c.has_input(3)) {
    axes = constant_integers(c, 3);
  } else if (begin) {
    axes.emplace();
    for (std::size_t i = 0; i < begin->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (!axes) return;
  c.outputs[0].shape = in.shape;
  const auto steps = c.has_input(4) ? constant_integers(c, 4) : std::optional(std::vector<std::int64_t>(axes->size(), 1));
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const std::size_t a = axis_of(c, (*axes)[i], in.shape.size());
    Dim& d = c.outputs[0].shape[a];
    if (!begin || !end || !steps || begin->size() != axes->size() || end->size() != axes->size() || steps->size() != axes->size() || !d.known()) {
      // [0:huge] leaves an unknown dimension as it is.
      const bool all = begin && end && steps && i < begin->size() && i < end->size() && i < steps->size() && (*begin)[i] == 0 &&
                       (*end)[i] >= 0x7FFFFFFF && (*steps)[i] == 1;
      if (!all) d = Dim{};
      continue;
    }
    d = dim(cut_of(c, d.value, (*begin)[i], (*end)[i], (*steps)[i]).count);
  }
}

// --- Pad --------------------------------------------------------------------------------------------------------------------------------

// Modes constant, reflect, edge, wrap (Pad-19); a negative amount cuts.
void pad(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::size_t rank = in.rank();
  const std::vector<std::int64_t> given = integers_of(c, c.input(1));
  const std::string_view mode = c.text("mode", "constant");
  std::vector<std::size_t> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = i;
  if (c.has_input(3)) {
    const std::vector<std::int64_t> list = integers_of(c, c.input(3));
    axes_of(c, list, rank);
    axes.clear();
    for (const std::int64_t a : list) axes.push_back(axis_of(c, a, rank));
  }
  if (given.size() != 2 * axes.size()) c.fail(Code::mismatch, format("{} amounts for {} axes", given.size(), axes.size()));
  std::vector<std::int64_t> before(rank, 0);
  Shape shape = in.shape();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t head = given[i], tail = given[axes.size() + i];
    if (std::max(std::abs(head / 2), std::abs(tail / 2)) > (std::int64_t{1} << 40)) c.fail(Code::limit, "pads by more than 2^40");
    before[axes[i]] = head;
    shape[axes[i]] += head + tail;
    if (shape[axes[i]] < 0) c.fail(Code::mismatch, "cuts more than there is");
  }
  // For each dimension: where each position of the result comes from, -1: from the fill value.
  const bool fill = mode == "constant";
  if (!fill && mode != "reflect" && mode != "edge" && mode != "wrap") c.fail(Code::unsupported, format("mode {}", mode));
  if (count_of(shape) > (std::uint64_t{1} << 40)) c.fail(Code::limit, format("a result of shape {}", text_of(shape)));
  Tensor& out = output_by_value(c, 0, in.dtype(), shape);
  if (out.size() == 0) return;
  std::vector<std::vector<std::int64_t>> source(rank);
  const std::vector<std::int64_t> strides = strides_of(in.shape());
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t n = in.dim(d);
    if (n == 0 && !fill) c.fail(Code::mismatch, "nothing to pad with");
    for (std::int64_t i = 0; i < shape[d]; ++i) {
      std::int64_t at = i - before[d];
      if (at < 0 || at >= n) {
        if (fill) {
          at = -1;
        } else if (mode == "edge") {
          at = at < 0 ? 0 : n - 1;
        } else if (mode == "wrap") {
          at = (at % n + n) % n;
        } else {
          const std::int64_t period = std::max<std::int64_t>(2 * (n - 1), 1);
          at = (at % period + period) % period;
          if (at >= n) at = period - at;
        }
      }
      source[d].push_back(at < 0 ? -1 : at * strides[d]);
    }
  }
  dispatch_move(c, in.dtype(), [&]<class T>() {
    T value{};
    if (fill && c.has_input(2)) {
      want_same(c, 0, 2);
      if (c.input(2).size() != 1) c.fail(Code::mismatch, "the fill value is no scalar");
      value = *raw<T>(c.input(2));
    }
    const T* from = raw<T>(in);
    T* to = raw<T>(out);
    std::vector<std::int64_t> index(rank, 0);
    for (std::size_t o = 0; o < out.size(); ++o) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < rank && at >= 0; ++d) {
        const std::int64_t s = source[d][static_cast<std::size_t>(index[d])];
        at = s < 0 ? -1 : at + s;
      }
      to[o] = at < 0 ? value : from[at];
      for (std::size_t d = rank; d-- > 0;) {
        if (++index[d] < shape[d]) break;
        index[d] = 0;
      }
    }
  });
}
void infer_pad(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = in.has_rank ? ranked(in.dtype, in.shape.size()) : unknown_shape(in.dtype);
  const auto given = constant_integers(c, 1);
  const auto listed = c.has_input(3) ? constant_integers(c, 3) : std::optional(std::vector<std::int64_t>{});
  if (!in.has_rank || !given || !listed) return;
  std::vector<std::size_t> axes;
  if (c.has_input(3)) for (const std::int64_t a : *listed) axes.push_back(axis_of(c, a, in.shape.size()));
  else for (std::size_t i = 0; i < in.shape.size(); ++i) axes.push_back(i);
  if (given->size() != 2 * axes.size()) c.fail(Code::corrupt, format("{} amounts for {} axes", given->size(), axes.size()));
  c.outputs[0].shape = in.shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t head = (*given)[i], tail = (*given)[axes.size() + i];
    Dim& d = c.outputs[0].shape[axes[i]];
    if (head == 0 && tail == 0) continue;
    const bool sane = std::abs(head / 2) < (std::int64_t{1} << 40) && std::abs(tail / 2) < (std::int64_t{1} << 40);
    d = d.known() && sane ? dim(std::max<std::int64_t>(d.value + head + tail, -1)) : Dim{};
  }
}

// --- Trilu ------------------------------------------------------------------------------------------------------------------------------

void trilu(KernelContext& c) {
  const Tensor& in = c.input(0);
  if (in.rank() < 2) c.fail(Code::mismatch, "the input is no matrix");
  const bool upper = c.integer("upper", 1) != 0;
  std::int64_t k = 0;
  if (c.has_input(1)) {
    want(c, 1, DType::int64);
    if (c.input(1).size() != 1) c.fail(Code::mismatch, "k is no scalar");
    k = c.input(1).integer(0);
  }
  const std::int64_t rows = in.dim(in.rank() - 2), columns = in.dim(in.rank() - 1);
  k = std::clamp(k, -rows - 1, columns + 1);
  Tensor& out = c.output(0, in.dtype(), in.shape());
  dispatch_move(c, in.dtype(), [&]<class T>() {
    const T* from = raw<T>(in);
    T* to = raw<T>(out);
    for (std::size_t o = 0; o < in.size(); ++o) {
      const std::int64_t j = static_cast<std::int64_t>(o) % columns, i = static_cast<std::int64_t>(o) / columns % rows;
      to[o] = (upper ? j - i >= k : j - i <= k) ? from[o] : T{};
    }
  });
}

constexpr Op kOps[] = {
    {"", "Transpose", "Dimensions in the order `perm`, reversed where absent.", infer_transpose, transpose},
    {"", "Expand", "Broadcast to (at least) the given shape.", infer_expand, expand},
    {"", "Tile", "Repeated along each dimension.", infer_tile, tile},
    {"", "Concat", "The inputs one after the other along `axis`.", infer_concat, concat},
    {"", "Split", "Parts along `axis`, of the given sizes or equal.", infer_split, split},
    {"", "Slice", "From starts to ends, along axes, by steps (Slice-13).", infer_slice, slice},
    {"", "Pad", "Elements added before and after each dimension: constant, reflect, edge, wrap.", infer_pad, pad},
    {"", "Trilu", "The upper or lower triangle from the k-th diagonal; zeros elsewhere.", infer_same, trilu},
};

}  // namespace

DECANT_AT_START std::span<const Op> layout_ops() { return kOps; }

}  // namespace decant
