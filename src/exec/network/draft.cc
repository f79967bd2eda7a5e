// SPDX-License-Identifier: Apache-2.0
#include "exec/network/draft.h"

#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "ops/interpret.h"
#include "ops/op.h"

namespace decant {
namespace {

std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

bool holds_graph(const Node& node) {
  return std::ranges::any_of(node.attributes, [](const auto& entry) { return std::holds_alternative<GraphPtr>(entry.second); });
}
bool is_random(std::string_view op) { return op.starts_with("Random") || op == "Bernoulli" || op == "Multinomial"; }

std::optional<std::uint64_t> bytes_of(const Type& t) {
  if (!t.has_rank || t.dtype == DType::undefined) return std::nullopt;
  std::uint64_t out = size_of(t.dtype);
  for (const Dim& d : t.shape) {
    if (!d.known()) return std::nullopt;
    out = sat_mul(out, static_cast<std::uint64_t>(d.value));
  }
  return out;
}

// Computes a node whose inputs are constants, unless the result would be much larger than they are. What fails is left to fail, with its
// message, when the model runs.
std::vector<Tensor> computed(const Node& node, const Op& op, const std::vector<const Tensor*>& inputs, const std::vector<const Type*>& types, const std::vector<Type>& results) {
  if (op.run == nullptr || node.inputs.empty() || holds_graph(node) || is_random(node.op)) return {};
  std::uint64_t given = std::uint64_t{1} << 20;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    if (inputs[i] == nullptr) return {};
    given = sat_add(given, inputs[i]->blob().size());
  }
  for (const Type& t : results) {
    const auto bytes = bytes_of(t);
    if (bytes && *bytes > given) return {};
    if (!bytes && given > (std::uint64_t{2} << 20)) return {};
  }
  try {
    const State state = op.prepare != nullptr ? op.prepare(PrepareContext(node, types, inputs)) : nullptr;
    std::vector<Tensor> out(node.outputs.size());
    KernelContext context(node, inputs, out, state.get(), nullptr);
    op.run(context);
    if (std::ranges::any_of(out, [&](const Tensor& t) { return !t.defined() || t.dtype() == DType::string; })) return {};
    return out;
  } catch (const Error&) {
    return {};
  }
}

// Shape and Size look at no element: their input need not be constant.
std::optional<Tensor> of_type(const Node& node, const Type* input) {
  if (!node.domain.empty() || input == nullptr || !bytes_of(*input)) return std::nullopt;
  Shape shape;
  for (const Dim& d : input->shape) shape.push_back(d.value);
  if (node.op == "Size") return Tensor::scalar<std::int64_t>(static_cast<std::int64_t>(count_of(shape)));
  if (node.op != "Shape") return std::nullopt;
  const AttributeView view(node);
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank); };
  const std::int64_t begin = bound(view.integer("start", 0)), end = bound(view.integer("end", rank));
  return Tensor::vector(begin < end ? std::vector<std::int64_t>(shape.begin() + begin, shape.begin() + end) : std::vector<std::int64_t>{});
}

}  // namespace

const Tensor* Draft::constant(ValueId id) const {
  const auto found = graph.constants.find(id);
  return found == graph.constants.end() ? nullptr : &found->second;
}

std::optional<Shape> Draft::shape(ValueId id) const {
  const Type& t = graph.value(id).type;
  if (!bytes_of(t)) return std::nullopt;
  Shape out;
  for (const Dim& d : t.shape) out.push_back(d.value);
  return out;
}

bool Draft::is_float(ValueId id, std::size_t rank) const {
  return id != kNoValue && graph.value(id).type.dtype == DType::float32 && graph.value(id).type.rank() == rank && shape(id).has_value();
}

bool Draft::is_output(ValueId id) const { return std::ranges::find(graph.outputs, id) != graph.outputs.end(); }

ValueId Draft::add_constant(Tensor tensor) {
  const auto id = static_cast<ValueId>(graph.values.size());
  graph.values.push_back({format("folded_{}", id), Type::of(tensor)});
  graph.constants.emplace(id, std::move(tensor));
  return id;
}

std::optional<float> Draft::scalar(ValueId id) const {
  const Tensor* t = id == kNoValue ? nullptr : constant(id);
  return t != nullptr && t->dtype() == DType::float32 && t->size() == 1 ? std::optional(t->data<float>()[0]) : std::nullopt;
}

void sweep(Draft& draft) {
  Graph& g = draft.graph;
  std::vector<bool> needed(g.values.size(), false);
  for (const ValueId id : g.outputs) needed[at(id)] = true;
  std::vector<Node> kept;
  for (auto node = g.nodes.rbegin(); node != g.nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs, [&](ValueId id) { return id != kNoValue && needed[at(id)]; })) continue;
    for (const auto* list : {&node->inputs, &node->captures}) {
      for (const ValueId id : *list) {
        if (id != kNoValue) needed[at(id)] = true;
      }
    }
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  g.nodes = std::move(kept);
  std::erase_if(g.constants, [&](const auto& entry) { return !needed[at(entry.first)]; });
}

Draft make_draft(const Graph& graph, std::span<const ValueId> outputs, std::span<const Type> inputs) {
  Draft draft;
  Graph& g = draft.graph;
  g.name = graph.name;
  g.values = graph.values;
  g.inputs = graph.inputs;
  g.outputs.assign(outputs.begin(), outputs.end());
  g.constants = graph.constants;
  g.nodes = graph.nodes;
  sweep(draft);
  for (std::size_t i = 0; i < inputs.size(); ++i) g.values[at(g.inputs[i])].type = inputs[i];
  std::vector<ValueId> instead(g.values.size());
  for (std::size_t i = 0; i < instead.size(); ++i) instead[i] = static_cast<ValueId>(i);
  std::vector<Node> kept;
  for (Node& node : g.nodes) {
    for (auto* list : {&node.inputs, &node.captures}) {
      for (ValueId& id : *list) id = id == kNoValue ? id : instead[at(id)];
    }
    std::vector<const Type*> types;
    std::vector<const Tensor*> constants;
    for (const ValueId id : node.inputs) {
      types.push_back(id == kNoValue ? nullptr : &g.value(id).type);
      constants.push_back(id == kNoValue ? nullptr : draft.constant(id));
    }
    std::vector<Type> results(node.outputs.size());
    const Op* op = find_op(node.domain, node.op);
    if (op != nullptr && op->infer != nullptr) {
      try {
        InferContext context(node, types, constants);
        op->infer(context);
        results = std::move(context.outputs);
      } catch (const Error&) {  // the operator itself says it better, when it runs
        results.assign(node.outputs.size(), Type());
      }
    }
    std::vector<Tensor> values;
    if (auto known = of_type(node, types.empty() ? nullptr : types[0]); known && node.outputs.size() == 1) values.push_back(std::move(*known));
    else if (op != nullptr) values = computed(node, *op, constants, types, results);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      g.values[at(node.outputs[i])].type = i < values.size() ? Type::of(values[i]) : std::move(results[i]);
      if (i < values.size()) g.constants.insert_or_assign(node.outputs[i], std::move(values[i]));
    }
    if (!values.empty()) continue;
    if (node.domain.empty() && node.op == "Identity" && node.inputs.size() == 1 && !draft.is_output(node.outputs[0])) {
      instead[at(node.outputs[0])] = node.inputs[0];
      continue;
    }
    kept.push_back(std::move(node));
  }
  g.nodes = std::move(kept);
  sweep(draft);
  return draft;
}

bool well_formed(const Node& node) {
  static constexpr std::string_view kTwo[] = {"Add", "Sub", "Mul", "Div", "Pow", "MatMul", "Gemm", "Conv", "FusedConv", "FusedLinear"};
  const std::size_t least = std::ranges::find(kTwo, node.op) != std::end(kTwo) ? 2 : 1;
  return node.inputs.size() >= least && !node.outputs.empty() && node.outputs[0] != kNoValue && std::none_of(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(least), [](ValueId id) { return id == kNoValue; });
}

Uses::Uses(const Draft& draft) : draft_(draft), maker_(draft.graph.values.size(), -1), count_(draft.graph.values.size(), 0) {
  for (std::size_t i = 0; i < draft.graph.nodes.size(); ++i) {
    const Node& node = draft.graph.nodes[i];
    for (const auto* list : {&node.inputs, &node.captures}) {
      for (const ValueId id : *list) {
        if (id != kNoValue) ++count_[at(id)];
      }
    }
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) maker_[at(id)] = static_cast<std::int32_t>(i);
    }
  }
  for (const ValueId id : draft.graph.outputs) count_[at(id)] += 2;  // an output is never inside of a fused node
}

const Node* Uses::maker(ValueId id) const {
  if (id == kNoValue || at(id) >= maker_.size() || maker_[at(id)] < 0) return nullptr;
  const Node& node = draft_.graph.nodes[static_cast<std::size_t>(maker_[at(id)])];
  return well_formed(node) ? &node : nullptr;
}

const Node* Uses::made_by(ValueId id, std::string_view op, std::string_view domain) const {
  const Node* node = maker(id);
  return node != nullptr && node->op == op && node->domain == domain ? node : nullptr;
}

std::span<const Pass> passes() {
  static constexpr Pass kPasses[] = {{"batch normalization", fold_batch_norm}, {"gates", fuse_gates},         {"layer normalization", fuse_layer_norm},
                                     {"linear", fuse_linear},                   {"attention", fuse_attention}, {"epilogue", fuse_epilogue}};
  return kPasses;
}

}  // namespace decant
