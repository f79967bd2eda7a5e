// SPDX-License-Identifier: Apache-2.0
#include "ops/kernel.h"

#include <algorithm>

namespace decant {

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> out(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    out[i] = step;
    step *= shape[i];
  }
  return out;
}

Shape broadcast_shape(const AttributeView& node, std::span<const Shape* const> shapes) {
  std::size_t rank = 0;
  for (const Shape* s : shapes) rank = std::max(rank, s->size());
  Shape out(rank, 1);
  for (const Shape* s : shapes) {
    for (std::size_t i = 0; i < s->size(); ++i) {
      std::int64_t& to = out[rank - s->size() + i];
      const std::int64_t from = (*s)[i];
      if (from == to || from == 1) continue;
      if (to != 1) {
        std::string text;
        for (const Shape* t : shapes) text += (text.empty() ? "" : " and ") + text_of(*t);
        node.fail(Code::mismatch, format("shapes {} do not fit together", text));
      }
      to = from;
    }
  }
  return out;
}

void merge_loops(const Shape& shape, std::span<const Shape* const> inputs, Shape& loops, std::span<std::vector<std::int64_t>> strides) {
  const std::size_t rank = shape.size();
  std::vector<std::vector<std::int64_t>> full(inputs.size(), std::vector<std::int64_t>(rank, 0));
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Shape& own = *inputs[k];
    const std::vector<std::int64_t> steps = strides_of(own);
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i] != 1) full[k][rank - own.size() + i] = steps[i];
    }
  }
  loops.clear();
  for (auto& s : strides) s.clear();
  for (std::size_t d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    bool merged = !loops.empty();
    for (std::size_t k = 0; k < inputs.size() && merged; ++k) merged = strides[k].back() == full[k][d] * shape[d];
    if (merged) {
      loops.back() *= shape[d];
      for (std::size_t k = 0; k < inputs.size(); ++k) strides[k].back() = full[k][d];
    } else {
      loops.push_back(shape[d]);
      for (std::size_t k = 0; k < inputs.size(); ++k) strides[k].push_back(full[k][d]);
    }
  }
}

std::size_t axis_of(const AttributeView& node, std::int64_t axis, std::size_t rank) {
  const auto r = static_cast<std::int64_t>(rank);
  if (axis < -r || axis >= r) node.fail(Code::corrupt, format("axis {} of a value of rank {}", axis, rank));
  return static_cast<std::size_t>(axis < 0 ? axis + r : axis);
}

std::vector<std::size_t> axes_of(const AttributeView& node, const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<std::size_t> out;
  out.reserve(axes.size());
  for (const std::int64_t a : axes) out.push_back(axis_of(node, a, rank));
  std::ranges::sort(out);
  if (std::ranges::adjacent_find(out) != out.end()) node.fail(Code::corrupt, "the same axis is given twice");
  return out;
}

std::vector<std::int64_t> integers_of(const AttributeView& node, const Tensor& tensor) {
  if (tensor.rank() > 1) node.fail(Code::corrupt, format("a list of integers has shape {}", text_of(tensor.shape())));
  if (tensor.dtype() != DType::int64 && tensor.dtype() != DType::int32) {
    node.fail(Code::corrupt, format("a list of integers is of {}", name_of(tensor.dtype())));
  }
  std::vector<std::int64_t> out(tensor.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = tensor.integer(i);
  return out;
}

Around around(const Shape& shape, std::size_t axis) {
  Around out;
  for (std::size_t i = 0; i < shape.size(); ++i) (i < axis ? out.outer : i == axis ? out.length : out.inner) *= shape[i];
  return out;
}

Tensor constant_value(const AttributeView& c) {
  if (c.has("value")) return c.tensor("value");
  if (c.has("sparse_value")) return c.tensor("sparse_value");  // readers make it dense
  if (c.has("value_float")) return Tensor::scalar<float>(static_cast<float>(c.real("value_float")));
  if (c.has("value_int")) return Tensor::scalar<std::int64_t>(c.integer("value_int"));
  if (c.has("value_string")) return Tensor::scalar<std::string>(std::string(c.text("value_string")));
  if (c.has("value_floats")) {
    const std::vector<double> wide = c.reals("value_floats");
    return Tensor::vector(std::vector<float>(wide.begin(), wide.end()));
  }
  if (c.has("value_ints")) return Tensor::vector(c.integers("value_ints"));
  if (c.has("value_strings")) return Tensor::vector(c.texts("value_strings"));
  c.fail(Code::unsupported, "a constant without a value");
}
void want(const KernelContext& c, std::size_t input, DType dtype) {
  if (c.input(input).dtype() != dtype) {
    c.fail(Code::mismatch, format("input {} is of {}, not {}", input, name_of(c.input(input).dtype()), name_of(dtype)));
  }
}

void want_same(const KernelContext& c, std::size_t a, std::size_t b) {
  if (c.input(a).dtype() != c.input(b).dtype()) {
    c.fail(Code::mismatch, format("inputs {} and {} are of {} and {}", a, b, name_of(c.input(a).dtype()), name_of(c.input(b).dtype())));
  }
}

// --- type rules -----------------------------------------------------------------------------------------------------------------

namespace {

Dim broadcast_dim(const AttributeView& node, const Dim& a, const Dim& b) {
  if (a.known() && b.known()) {
    if (a.value == b.value || b.value == 1) return a;
    if (a.value == 1) return b;
    node.fail(Code::mismatch, format("dimensions {} and {} do not fit together", a.value, b.value));
  }
  if (a.value == 1) return b;
  if (b.value == 1) return a;
  if (a.known()) return a;  // 0 or more than 1: the unknown one is 1 or the same
  if (b.known()) return b;
  return a.name == b.name ? a : Dim{};
}

Type broadcast_all(InferContext& c, DType dtype) {
  std::vector<const Type*> types;
  for (std::size_t i = 0; i < c.input_count(); ++i) {
    if (c.has_input(i)) types.push_back(&c.input(i));
  }
  bool known = false;
  std::vector<Dim> dims = broadcast_dims(c, types, known);
  return {dtype, known, std::move(dims)};
}

}  // namespace

std::vector<Dim> broadcast_dims(const AttributeView& node, const std::vector<const Type*>& types, bool& known) {
  std::size_t rank = 0;
  known = true;
  for (const Type* t : types) {
    known = known && t->has_rank;
    rank = std::max(rank, t->shape.size());
  }
  if (!known) return {};
  std::vector<Dim> out(rank, dim(1));
  for (const Type* t : types) {
    for (std::size_t i = 0; i < t->shape.size(); ++i) {
      Dim& to = out[rank - t->shape.size() + i];
      to = broadcast_dim(node, to, t->shape[i]);
    }
  }
  return out;
}

void infer_same(InferContext& c) { c.outputs[0] = c.input(0); }
void infer_broadcast(InferContext& c) { c.outputs[0] = broadcast_all(c, c.input(0).dtype); }
void infer_compare(InferContext& c) { c.outputs[0] = broadcast_all(c, DType::boolean); }
void infer_same_bool(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::boolean;
}

Type unknown_shape(DType dtype) { return {dtype, false, {}}; }
Type ranked(DType dtype, std::size_t rank) { return {dtype, true, std::vector<Dim>(rank)}; }

std::optional<std::vector<std::int64_t>> constant_integers(const InferContext& c, std::size_t input) {
  const Tensor* t = c.constant(input);
  if (t == nullptr) return std::nullopt;
  return integers_of(c, *t);
}

}  // namespace decant
