// SPDX-License-Identifier: Apache-2.0
// Sequences and optionals (ai.onnx): a sequence is a Tensor that holds tensors, an optional is its value or Tensor::nothing() (ir/tensor.h).
#include <algorithm>

#include "ops/kernel.h"

namespace decant {
namespace {

Type sequence_type(DType element) {
  Type out;
  out.dtype = DType::sequence;
  out.element = element;
  return out;
}
Type unknown() { return {}; }

std::vector<Tensor> copied(const Tensor& sequence) { return {sequence.items().begin(), sequence.items().end()}; }

std::int64_t one_integer(const KernelContext& c, std::size_t input) {
  if (c.input(input).size() != 1) c.fail(Code::mismatch, format("input {} of shape {} is no scalar", input, text_of(c.input(input).shape())));
  const Tensor& t = c.input(input);
  if (!is_integer(t.dtype())) c.fail(Code::mismatch, format("input {} is of {}", input, name_of(t.dtype())));
  return t.integer(0);
}
// A position among n items, counted from the end where negative; n itself where `end` allows it.
std::size_t position(const KernelContext& c, std::size_t input, std::size_t n, bool end) {
  const std::int64_t given = one_integer(c, input), size = static_cast<std::int64_t>(n), at = given < 0 ? given + size : given;
  if (at < 0 || at > size || (at == size && !end)) c.fail(Code::mismatch, format("position {} in a sequence of {}", given, n));
  return static_cast<std::size_t>(at);
}

void sequence_empty(KernelContext& c) { c.set_output(0, Tensor::sequence({})); }
void infer_sequence_empty(InferContext& c) {
  const std::int64_t dtype = c.integer("dtype", 1);
  c.outputs[0] = sequence_type(dtype > 0 && dtype <= static_cast<std::int64_t>(kLastElementType) ? static_cast<DType>(dtype) : DType::undefined);
}
void sequence_construct(KernelContext& c) {
  std::vector<Tensor> items;
  for (std::size_t i = 0; i < c.input_count(); ++i) {
    items.push_back(c.input(i));
    want_same(c, 0, i);
  }
  c.set_output(0, Tensor::sequence(std::move(items)));
}
void infer_sequence_construct(InferContext& c) { c.outputs[0] = sequence_type(c.input(0).dtype); }

void sequence_at(KernelContext& c) {
  const std::span<const Tensor> items = c.input(0).items();
  c.set_output(0, items[position(c, 1, items.size(), false)]);
}
void infer_sequence_at(InferContext& c) { c.outputs[0] = unknown_shape(c.input(0).element); }

void sequence_insert(KernelContext& c) {
  std::vector<Tensor> items = copied(c.input(0));
  if (!items.empty() && items[0].dtype() != c.input(1).dtype()) c.fail(Code::mismatch, format("a tensor of {} into a sequence of {}", name_of(c.input(1).dtype()), name_of(items[0].dtype())));
  const std::size_t at = c.has_input(2) ? position(c, 2, items.size(), true) : items.size();
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(at), c.input(1));
  c.set_output(0, Tensor::sequence(std::move(items)));
}
void infer_sequence_insert(InferContext& c) { c.outputs[0] = sequence_type(c.input(0).element != DType::undefined ? c.input(0).element : c.input(1).dtype); }

void sequence_erase(KernelContext& c) {
  std::vector<Tensor> items = copied(c.input(0));
  if (items.empty()) c.fail(Code::mismatch, "an empty sequence");
  const std::size_t at = c.has_input(1) ? position(c, 1, items.size(), false) : items.size() - 1;
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  c.set_output(0, Tensor::sequence(std::move(items)));
}
void infer_sequence_same(InferContext& c) { c.outputs[0] = sequence_type(c.input(0).element); }

void sequence_length(KernelContext& c) { c.set_output(0, Tensor::scalar<std::int64_t>(static_cast<std::int64_t>(c.input(0).items().size()))); }
void infer_sequence_length(InferContext& c) { c.outputs[0] = Type::tensor(DType::int64, {}); }

// `length` rows of `axis` from `begin` on.
Tensor part(const KernelContext& c, const Tensor& t, std::size_t axis, std::int64_t begin, std::int64_t length, bool keep) {
  const Around a = around(t.shape(), axis);
  Shape shape = t.shape();
  shape[axis] = length;
  Tensor out(t.dtype(), shape);
  dispatch_move(c, t.dtype(), [&]<class T>() {
    for (std::int64_t o = 0; o < a.outer; ++o) std::copy_n(raw<T>(t) + (o * a.length + begin) * a.inner, length * a.inner, raw<T>(out) + o * length * a.inner);
  });
  if (keep) return out;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return out.reshaped(shape);
}
void split_to_sequence(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), x.rank());
  const std::int64_t n = x.dim(axis);
  const bool keep = c.has_input(1) || c.integer("keepdims", 1) != 0;
  std::vector<std::int64_t> lengths;
  if (c.has_input(1) && c.input(1).rank() == 1) {
    lengths = integers_of(c, c.input(1));
  } else {
    const std::int64_t each = c.has_input(1) ? one_integer(c, 1) : 1;
    if (each < 1) c.fail(Code::mismatch, format("parts of {}", each));
    for (std::int64_t at = 0; at < n; at += std::min(each, n - at)) lengths.push_back(std::min(each, n - at));
  }
  std::int64_t sum = 0;
  for (const std::int64_t v : lengths) {
    if (v < 0 || v > n - sum) c.fail(Code::mismatch, format("parts {} of a dimension of {}", text_of(lengths), n));
    sum += v;
  }
  if (sum != n) c.fail(Code::mismatch, format("parts {} of a dimension of {}", text_of(lengths), n));
  std::vector<Tensor> items;
  sum = 0;
  for (const std::int64_t v : lengths) {
    items.push_back(part(c, x, axis, sum, v, keep));
    sum += v;
  }
  c.set_output(0, Tensor::sequence(std::move(items)));
}

void concat_from_sequence(KernelContext& c) {
  const std::span<const Tensor> items = c.input(0).items();
  if (items.empty()) c.fail(Code::mismatch, "an empty sequence");
  const bool stack = c.integer("new_axis", 0) != 0;
  const std::size_t axis = axis_of(c, c.integer("axis"), items[0].rank() + (stack ? 1 : 0));
  std::vector<Tensor> parts;
  for (const Tensor& t : items) {
    Shape shape = t.shape();
    if (stack) shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(std::min(axis, shape.size())), 1);
    parts.push_back(t.reshaped(shape));
  }
  Node node{"", "Concat", c.node().name, {}, {0}, {{"axis", static_cast<std::int64_t>(axis)}}, {}};
  std::vector<const Tensor*> inputs;
  for (const Tensor& t : parts) inputs.push_back(&t);
  std::vector<Tensor> out(1);
  KernelContext inner(node, inputs, out, nullptr, nullptr);
  find_op("", "Concat")->run(inner);
  c.set_output(0, std::move(out[0]));
}
void infer_concat_from_sequence(InferContext& c) { c.outputs[0] = unknown_shape(c.input(0).element); }

void sequence_map(KernelContext& c) {
  const GraphPtr body = c.graph("body");
  if (body->inputs.size() != c.input_count() || body->outputs.size() < c.output_count()) c.fail(Code::corrupt, format("a body of {} inputs and {} outputs", body->inputs.size(), body->outputs.size()));
  const std::size_t n = c.input(0).items().size();
  std::vector<std::vector<Tensor>> results(c.output_count());
  for (std::size_t i = 0; i < n; ++i) {
    c.executor().count_turn();
    std::vector<Tensor> inputs;
    for (std::size_t k = 0; k < c.input_count(); ++k) {
      const Tensor& t = c.input(k);
      if (t.dtype() == DType::sequence && t.items().size() != n) c.fail(Code::mismatch, format("sequences of {} and {} items", n, t.items().size()));
      inputs.push_back(t.dtype() == DType::sequence ? t.items()[i] : t);
    }
    std::vector<Tensor> out = c.executor().run(*body, inputs);
    for (std::size_t k = 0; k < results.size(); ++k) results[k].push_back(std::move(out[k]));
  }
  for (std::size_t k = 0; k < results.size(); ++k) c.set_output(k, Tensor::sequence(std::move(results[k])));
}
void infer_sequence_map(InferContext& c) {
  const GraphPtr body = c.graph("body");
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = sequence_type(i < body->outputs.size() ? body->value(body->outputs[i]).type.dtype : DType::undefined);
}

// --- optionals --------------------------------------------------------------------------------------------------------------------------------

void optional(KernelContext& c) { c.set_output(0, c.has_input(0) ? c.input(0) : Tensor::nothing()); }
void infer_optional(InferContext& c) { c.outputs[0] = unknown(); }

void optional_has_element(KernelContext& c) { c.set_output(0, Tensor::scalar<bool>(c.has_input(0) && c.input(0).dtype() != DType::nothing)); }
void infer_optional_has_element(InferContext& c) { c.outputs[0] = Type::tensor(DType::boolean, {}); }

void optional_get_element(KernelContext& c) {
  if (c.input(0).dtype() == DType::nothing) c.fail(Code::mismatch, "the optional is empty");
  c.set_output(0, c.input(0));
}

constexpr Op kOps[] = {
    {"", "SequenceEmpty", "A sequence of nothing.", infer_sequence_empty, sequence_empty},
    {"", "SequenceConstruct", "A sequence of the inputs.", infer_sequence_construct, sequence_construct},
    {"", "SequenceAt", "The tensor at a position; negative counts from the end.", infer_sequence_at, sequence_at},
    {"", "SequenceInsert", "The sequence with one more tensor, at the end or at a position.", infer_sequence_insert, sequence_insert},
    {"", "SequenceErase", "The sequence without its last tensor, or the one at a position.", infer_sequence_same, sequence_erase},
    {"", "SequenceLength", "How many tensors a sequence holds.", infer_sequence_length, sequence_length},
    {"", "SplitToSequence", "A tensor cut along an axis into a sequence (SplitToSequence-24).", infer_sequence_construct, split_to_sequence},
    {"", "ConcatFromSequence", "The tensors of a sequence joined along an axis, an old or a new one.", infer_concat_from_sequence, concat_from_sequence},
    {"", "SequenceMap", "A graph run on each item of sequences (SequenceMap-17).", infer_sequence_map, sequence_map},
    {"", "Optional", "The input as an optional; an empty one without it.", infer_optional, optional},
    {"", "OptionalHasElement", "Whether an optional has a value.", infer_optional_has_element, optional_has_element},
    {"", "OptionalGetElement", "The value of an optional.", infer_same, optional_get_element},
};

}  // namespace

DECANT_AT_START std::span<const Op> sequence_ops() { return kOps; }

}  // namespace decant
