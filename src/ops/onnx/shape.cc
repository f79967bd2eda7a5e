// SPDX-License-Identifier: Apache-2.0
// Operators that change or report the shape and leave the elements where they are (ai.onnx), and those that make tensors from nothing.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/bounded.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void identity(KernelContext& c) { c.set_output(0, c.input(0)); }

// --- Reshape ----------------------------------------------------------------------------------------------------------------------

void reshape(KernelContext& c) {
  const Tensor& in = c.input(0);
  Shape shape = integers_of(c, c.input(1));
  const bool zero_is_zero = c.integer("allowzero", 0) != 0;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !zero_is_zero) {
      if (i >= in.rank()) c.fail(Code::mismatch, format("shape {} copies a dimension that {} has not", text_of(shape), text_of(in.shape())));
      shape[i] = in.dim(i);
    } else if (shape[i] == -1) {
      if (open) c.fail(Code::corrupt, "two dimensions are -1");
      open = i;
    } else if (shape[i] < 0) {
      c.fail(Code::corrupt, format("dimension {}", shape[i]));
    }
  }
  if (open) {
    shape[*open] = 1;
    const std::uint64_t rest = count_of(shape);
    if (rest == 0 || in.size() % rest != 0) c.fail(Code::mismatch, format("cannot reshape {} to {}", text_of(in.shape()), text_of(integers_of(c, c.input(1)))));
    shape[*open] = static_cast<std::int64_t>(in.size() / rest);
  }
  if (count_of(shape) != in.size()) c.fail(Code::mismatch, format("cannot reshape {} to {}", text_of(in.shape()), text_of(shape)));
  c.set_output(0, in.reshaped(std::move(shape)));
}

void infer_reshape(InferContext& c) {
  const Type& in = c.input(0);
  const auto wanted = constant_integers(c, 1);
  if (!wanted) {
    const Type& shape = c.input(1);
    const bool known = shape.has_rank && shape.shape.size() == 1 && shape.shape[0].known() && shape.shape[0].value < 64;
    c.outputs[0] = known ? ranked(in.dtype, static_cast<std::size_t>(shape.shape[0].value)) : unknown_shape(in.dtype);
    return;
  }
  const bool zero_is_zero = c.integer("allowzero", 0) != 0;
  std::vector<Dim> dims;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < wanted->size(); ++i) {
    const std::int64_t d = (*wanted)[i];
    if (d == 0 && !zero_is_zero) {
      if (in.has_rank && i >= in.shape.size()) c.fail(Code::corrupt, "a dimension is copied that the input has not");
      dims.push_back(in.has_rank ? in.shape[i] : Dim{});
    } else if (d == -1) {
      if (open) c.fail(Code::corrupt, "two dimensions are -1");
      open = i;
      dims.emplace_back();
    } else if (d < 0) {
      c.fail(Code::corrupt, format("dimension {}", d));
    } else {
      dims.push_back(dim(d));
    }
  }
  if (open && in.has_rank) {
    // Unknown dimensions that stand on both sides cancel out: [N, 4] as [-1, 2, 2] leaves N.
    std::vector<Dim> left = in.shape, right;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (i == *open) continue;
      const auto same = dims[i].known() ? left.end() : std::ranges::find(left, dims[i]);
      if (!dims[i].known() && !dims[i].name.empty() && same != left.end()) left.erase(same);
      else right.push_back(dims[i]);
    }
    std::uint64_t a = 1, b = 1;
    std::vector<Dim> unknown;
    for (const Dim& d : left) d.known() ? void(a = sat_mul(a, static_cast<std::uint64_t>(d.value))) : unknown.push_back(d);
    bool right_known = true;
    for (const Dim& d : right) d.known() ? void(b = sat_mul(b, static_cast<std::uint64_t>(d.value))) : void(right_known = false);
    if (right_known && b != 0) {
      if (unknown.empty() && a % b == 0) dims[*open] = dim(static_cast<std::int64_t>(a / b));
      else if (unknown.size() == 1 && a == b) dims[*open] = unknown[0];
    }
  }
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

void flatten(KernelContext& c) {
  const Tensor& in = c.input(0);
  std::int64_t axis = c.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(in.rank());
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) c.fail(Code::corrupt, format("axis {} of a value of rank {}", axis, rank));
  const Shape &s = in.shape(), head(s.begin(), s.begin() + axis), tail(s.begin() + axis, s.end());
  c.set_output(0, in.reshaped({static_cast<std::int64_t>(count_of(head)), static_cast<std::int64_t>(count_of(tail))}));
}
void infer_flatten(InferContext& c) {
  const Type& in = c.input(0);
  Type out = ranked(in.dtype, 2);
  if (in.has_rank) {
    const auto rank = static_cast<std::int64_t>(in.shape.size());
    std::int64_t axis = c.integer("axis", 1);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) c.fail(Code::corrupt, format("axis {} of a value of rank {}", axis, rank));
    const auto product = [&](std::size_t from, std::size_t to) {
      std::uint64_t known = 1;
      Dim open = dim(1);
      std::size_t unknown = 0;
      for (std::size_t i = from; i < to; ++i) {
        if (in.shape[i].known()) known = sat_mul(known, static_cast<std::uint64_t>(in.shape[i].value));
        else ++unknown, open = in.shape[i];
      }
      if (unknown == 0) return known < (std::uint64_t{1} << 62) ? dim(static_cast<std::int64_t>(known)) : Dim{};
      return unknown == 1 && known == 1 ? open : Dim{};
    };
    const auto at = static_cast<std::size_t>(axis);
    out.shape = {product(0, at), product(at, in.shape.size())};
  }
  c.outputs[0] = std::move(out);
}

// --- Squeeze, Unsqueeze -------------------------------------------------------------------------------------------------------------

void squeeze(KernelContext& c) {
  const Tensor& in = c.input(0);
  std::vector<std::size_t> axes;
  if (c.has_input(1)) {
    axes = axes_of(c, integers_of(c, c.input(1)), in.rank());
    for (const std::size_t a : axes) {
      if (in.dim(a) != 1) c.fail(Code::mismatch, format("dimension {} of {} is not 1", a, text_of(in.shape())));
    }
  } else {
    for (std::size_t i = 0; i < in.rank(); ++i) {
      if (in.dim(i) == 1) axes.push_back(i);
    }
  }
  Shape out;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (std::ranges::find(axes, i) == axes.end()) out.push_back(in.dim(i));
  }
  c.set_output(0, in.reshaped(std::move(out)));
}
void infer_squeeze(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = unknown_shape(in.dtype);
  if (!in.has_rank) return;
  std::vector<std::size_t> axes;
  if (c.has_input(1)) {
    const auto given = constant_integers(c, 1);
    if (!given) return;
    axes = axes_of(c, *given, in.shape.size());
  } else {
    for (std::size_t i = 0; i < in.shape.size(); ++i) {
      if (!in.shape[i].known()) return;
      if (in.shape[i].value == 1) axes.push_back(i);
    }
  }
  std::vector<Dim> dims;
  for (std::size_t i = 0; i < in.shape.size(); ++i) {
    if (std::ranges::find(axes, i) == axes.end()) dims.push_back(in.shape[i]);
  }
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

void unsqueeze(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::vector<std::int64_t> given = integers_of(c, c.input(1));
  const std::vector<std::size_t> axes = axes_of(c, given, in.rank() + given.size());
  Shape out = in.shape();
  for (const std::size_t a : axes) out.insert(out.begin() + static_cast<std::ptrdiff_t>(a), 1);
  c.set_output(0, in.reshaped(std::move(out)));
}
void infer_unsqueeze(InferContext& c) {
  const Type& in = c.input(0);
  const auto given = constant_integers(c, 1);
  if (!in.has_rank || !given) {
    c.outputs[0] = unknown_shape(in.dtype);
    return;
  }
  std::vector<Dim> dims = in.shape;
  for (const std::size_t a : axes_of(c, *given, in.shape.size() + given->size())) dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(a), dim(1));
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

// --- Shape, Size --------------------------------------------------------------------------------------------------------------------

// start and end are clamped to [0, rank] (Shape-15).
std::pair<std::size_t, std::size_t> part(const AttributeView& c, std::size_t rank) {
  const auto r = static_cast<std::int64_t>(rank);
  const auto clamp = [&](std::int64_t at) { return std::clamp(at < 0 ? at + r : at, std::int64_t{0}, r); };
  const std::int64_t begin = clamp(c.integer("start", 0)), end = clamp(c.integer("end", r));
  return {static_cast<std::size_t>(begin), static_cast<std::size_t>(std::max(begin, end))};
}
void shape(KernelContext& c) {
  const Shape& s = c.input(0).shape();
  const auto [begin, end] = part(c, s.size());
  const std::span<std::int64_t> out = c.output(0, DType::int64, {static_cast<std::int64_t>(end - begin)}).mutable_data<std::int64_t>();
  std::copy(s.begin() + static_cast<std::ptrdiff_t>(begin), s.begin() + static_cast<std::ptrdiff_t>(end), out.begin());
}
void infer_shape(InferContext& c) {
  const Type& in = c.input(0);
  if (!in.has_rank) {
    c.outputs[0] = ranked(DType::int64, 1);
    return;
  }
  const auto [begin, end] = part(c, in.shape.size());
  c.outputs[0] = Type::tensor(DType::int64, {dim(static_cast<std::int64_t>(end - begin))});
}
void size(KernelContext& c) { c.output(0, DType::int64, {}).mutable_data<std::int64_t>()[0] = static_cast<std::int64_t>(c.input(0).size()); }
void infer_size(InferContext& c) { c.outputs[0] = Type::tensor(DType::int64, {}); }

// --- Constant, ConstantOfShape, Range -----------------------------------------------------------------------------------------------

void constant(KernelContext& c) { c.set_output(0, constant_value(c)); }
void infer_constant(InferContext& c) { c.outputs[0] = Type::of(constant_value(c)); }

void constant_of_shape(KernelContext& c) {
  const Shape shape = integers_of(c, c.input(0));
  for (const std::int64_t d : shape) {
    if (d < 0) c.fail(Code::mismatch, format("dimension {}", d));
  }
  const Tensor value = c.has("value") ? c.tensor("value") : Tensor::scalar<float>(0.0f);
  if (value.size() != 1) c.fail(Code::corrupt, "value is no single element");
  Tensor& out = output_by_value(c, 0, value.dtype(), shape);
  dispatch_move(c, value.dtype(), [&]<class T>() { std::fill_n(raw<T>(out), out.size(), *raw<T>(value)); });
}
void infer_constant_of_shape(InferContext& c) {
  const DType dtype = c.has("value") ? c.tensor("value").dtype() : DType::float32;
  const auto shape = constant_integers(c, 0);
  c.outputs[0] = unknown_shape(dtype);
  if (shape) {
    std::vector<Dim> dims;
    for (const std::int64_t d : *shape) dims.push_back(dim(std::max<std::int64_t>(d, -1)));
    c.outputs[0] = Type::tensor(dtype, std::move(dims));
  } else if (const Type& in = c.input(0); in.has_rank && in.shape.size() == 1 && in.shape[0].known() && in.shape[0].value < 64) {
    c.outputs[0] = ranked(dtype, static_cast<std::size_t>(in.shape[0].value));
  }
}

// start, start + delta, …: max(ceil((limit - start) / delta), 0) elements (Range-11).
void range(KernelContext& c) {
  want_same(c, 0, 1);
  want_same(c, 0, 2);
  for (std::size_t i = 0; i < 3; ++i) {
    if (c.input(i).size() != 1) c.fail(Code::mismatch, format("input {} is no scalar", i));
  }
  dispatch(c, c.input(0).dtype(), Types<float, double, Half, BFloat16, std::int64_t, std::int32_t, std::int16_t>{}, [&]<class T>() {
    const T start = c.input(0).data<T>()[0], limit = c.input(1).data<T>()[0], delta = c.input(2).data<T>()[0];
    if (delta == T(0)) c.fail(Code::mismatch, "delta is 0");
    const long double exact = std::ceil((static_cast<long double>(limit) - static_cast<long double>(start)) / static_cast<long double>(delta));
    if (!(exact < 0x1p40L)) c.fail(Code::limit, "more than 2^40 elements");
    const std::int64_t n = exact > 0 ? static_cast<std::int64_t>(exact) : 0;
    const std::span<T> out = output_by_value(c, 0, dtype_of<T>, {n}).template mutable_data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      if constexpr (std::is_integral_v<T>) out[i] = static_cast<T>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
      else out[i] = static_cast<T>(static_cast<Wide<T>>(start) + static_cast<Wide<T>>(i) * static_cast<Wide<T>>(delta));
    }
  });
}
void infer_range(InferContext& c) {
  c.outputs[0] = ranked(c.input(0).dtype, 1);
  const Tensor *start = c.constant(0), *limit = c.constant(1), *delta = c.constant(2);
  if (start == nullptr || limit == nullptr || delta == nullptr) return;
  if (start->dtype() != DType::int64 || limit->dtype() != DType::int64 || delta->dtype() != DType::int64) return;
  if (start->size() != 1 || limit->size() != 1 || delta->size() != 1 || delta->integer(0) == 0) return;
  const double n = std::ceil((limit->number(0) - start->number(0)) / delta->number(0));
  if (n < 1e12) c.outputs[0].shape[0] = dim(n > 0 ? static_cast<std::int64_t>(n) : 0);
}

// --- EyeLike ------------------------------------------------------------------------------------------------------------------------

void eye_like(KernelContext& c) {
  const Tensor& in = c.input(0);
  if (in.rank() != 2) c.fail(Code::mismatch, "the input is no matrix");
  const std::int64_t k = c.integer("k", 0);
  const auto dtype = static_cast<DType>(c.integer("dtype", static_cast<std::int64_t>(in.dtype())));
  dispatch(c, dtype, Join<NumberTypes, BoolTypes>{}, [&]<class T>() {
    const std::span<T> out = c.output(0, dtype, in.shape()).template mutable_data<T>();
    for (std::int64_t i = 0; i < in.dim(0); ++i) {
      for (std::int64_t j = 0; j < in.dim(1); ++j) out[static_cast<std::size_t>(i * in.dim(1) + j)] = T(j - i == k ? 1 : 0);
    }
  });
}
void infer_eye_like(InferContext& c) {
  c.outputs[0] = c.input(0);
  if (c.has("dtype")) c.outputs[0].dtype = static_cast<DType>(std::clamp<std::int64_t>(c.integer("dtype"), 0, 16));
}

constexpr Op kOps[] = {
    {"", "Identity", "The input.", infer_same, identity},
    {"", "Reshape", "The elements under another shape: 0 copies a dimension (unless allowzero), -1 takes what is left.", infer_reshape, reshape},
    {"", "Flatten", "A matrix: the dimensions before `axis`, and those from it on.", infer_flatten, flatten},
    {"", "Squeeze", "Drops dimensions of 1.", infer_squeeze, squeeze},
    {"", "Unsqueeze", "Adds dimensions of 1.", infer_unsqueeze, unsqueeze},
    {"", "Shape", "The shape as int64, from `start` to `end`.", infer_shape, shape},
    {"", "Size", "The number of elements.", infer_size, size},
    {"", "Constant", "The tensor that an attribute holds.", infer_constant, constant},
    {"", "ConstantOfShape", "`value` in every element of a tensor of the given shape.", infer_constant_of_shape, constant_of_shape},
    {"", "Range", "start, start + delta, … below limit.", infer_range, range},
    {"", "EyeLike", "Ones on the k-th diagonal of a matrix shaped like the input.", infer_eye_like, eye_like},
};

}  // namespace

DECANT_AT_START std::span<const Op> shape_ops() { return kOps; }

}  // namespace decant
