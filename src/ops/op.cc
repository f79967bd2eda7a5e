// SPDX-License-Identifier: Apache-2.0
#include "ops/op.h"

#include <algorithm>

#include "base/text.h"

namespace decant {

#define DECANT_ENTRY(family) std::span<const Op> family##_ops();
#include "op_families.inc"
#undef DECANT_ENTRY

namespace {

std::string describe(const Node& node) { return format("{}{}{}", node.domain, node.domain.empty() ? "" : ".", node.op); }

auto key_of(const Op& op) { return std::pair(op.domain, op.name); }

template <class T>
const T& get(const AttributeView& view, const Attribute* attribute, std::string_view name, const char* kind) {
  if (attribute == nullptr) view.fail(Code::corrupt, format("attribute {} is missing", name));
  const T* value = std::get_if<T>(attribute);
  if (value == nullptr) view.fail(Code::corrupt, format("attribute {} is not {}", name, kind));
  return *value;
}

}  // namespace

const Attribute* AttributeView::find(std::string_view name) const {
  const auto at = node_->attributes.find(name);
  return at == node_->attributes.end() ? nullptr : &at->second;
}

void AttributeView::fail(Code code, std::string_view text) const {
  Where where;
  where.item = format("node {} ({})", node_->name.empty() ? "?" : printable(node_->name, 80), printable(describe(*node_), 80));
  throw Error(code, where, text);
}

std::int64_t AttributeView::integer(std::string_view name) const { return get<std::int64_t>(*this, find(name), name, "an integer"); }
double AttributeView::real(std::string_view name) const { return get<double>(*this, find(name), name, "a number"); }
std::string_view AttributeView::text(std::string_view name) const { return get<std::string>(*this, find(name), name, "a string"); }
const Tensor& AttributeView::tensor(std::string_view name) const { return get<Tensor>(*this, find(name), name, "a tensor"); }
GraphPtr AttributeView::graph(std::string_view name) const { return get<GraphPtr>(*this, find(name), name, "a graph"); }

std::vector<std::int64_t> AttributeView::integers(std::string_view name) const {
  return has(name) ? get<std::vector<std::int64_t>>(*this, find(name), name, "a list of integers") : std::vector<std::int64_t>{};
}
std::vector<double> AttributeView::reals(std::string_view name) const {
  return has(name) ? get<std::vector<double>>(*this, find(name), name, "a list of numbers") : std::vector<double>{};
}
std::vector<std::string> AttributeView::texts(std::string_view name) const {
  return has(name) ? get<std::vector<std::string>>(*this, find(name), name, "a list of strings") : std::vector<std::string>{};
}

const Type& InferContext::input(std::size_t i) const {
  if (!has_input(i)) fail(Code::corrupt, format("input {} is missing", i));
  return *inputs_[i];
}

const Tensor& KernelContext::input(std::size_t i) const {
  if (!has_input(i)) fail(Code::corrupt, format("input {} is missing", i));
  return *inputs_[i];
}

Tensor& KernelContext::output(std::size_t i, DType dtype, Shape shape) {
  if (i < places_.size() && places_[i].dtype() == dtype && places_[i].shape() == shape) outputs_[i] = places_[i];
  else outputs_[i] = Tensor(dtype, std::move(shape));
  return outputs_[i];
}

DECANT_AT_START std::span<const Op> all_ops() {
  static const std::vector<Op> ops = [] {
    std::vector<Op> out;
    const auto append = [&](std::span<const Op> family) { out.insert(out.end(), family.begin(), family.end()); };
#define DECANT_ENTRY(family) append(family##_ops());
#include "op_families.inc"
#undef DECANT_ENTRY
    std::ranges::sort(out, {}, key_of);
    return out;
  }();
  return ops;
}

const Op* find_op(std::string_view domain, std::string_view name) {
  const std::span<const Op> ops = all_ops();
  const auto at = std::ranges::lower_bound(ops, std::pair(domain, name), {}, key_of);
  return at != ops.end() && at->domain == domain && at->name == name ? &*at : nullptr;
}

}  // namespace decant
