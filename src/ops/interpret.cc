// SPDX-License-Identifier: Apache-2.0
#include "ops/interpret.h"

#include <algorithm>

#include "base/text.h"

namespace decant {

void Turns::take() {
  if (left_.fetch_sub(1) == 0) throw Error(Code::limit, "the loops of this model turn too often");
}

Kernel reference_kernel(const PrepareContext& context) {
  const Node& node = context.node();
  const Op* op = find_op(node.domain, node.op);
  if (op == nullptr || op->run == nullptr) context.fail(Code::unsupported, "decant does not know this operator");
  return {op->run, op->prepare != nullptr ? op->prepare(context) : nullptr};
}

struct Bodies::Body {
  GraphPtr graph;
  GraphRunner runner;
  std::size_t first = 0;  // of its captures among the node's
};

Bodies::Bodies(const Node& node, const ChooseKernel& choose) {
  std::size_t first = 0;
  for (const auto& [name, value] : node.attributes) {
    const GraphPtr* graph = std::get_if<GraphPtr>(&value);
    if (graph == nullptr) continue;
    graphs_.push_back(std::make_shared<const Body>(Body{*graph, GraphRunner(**graph, choose), first}));
    first += (*graph)->captures.size();
  }
}

std::vector<Tensor> Bodies::run(const Graph& body, std::span<const Tensor> inputs, std::span<const Tensor> captured, Turns& turns) const {
  const auto at = std::ranges::find_if(graphs_, [&](const auto& b) { return b->graph.get() == &body; });
  if (at == graphs_.end()) throw std::logic_error("a graph that the node does not hold");
  return (*at)->runner.run(inputs, captured.subspan((*at)->first, body.captures.size()), turns);
}

GraphRunner::GraphRunner(const Graph& graph, const ChooseKernel& choose) : graph_(graph) {
  std::vector<bool> needed(graph.values.size(), false), used(graph.values.size(), false);
  for (const ValueId id : graph.outputs) needed[static_cast<std::size_t>(id)] = used[static_cast<std::size_t>(id)] = true;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs, [&](ValueId id) { return id != kNoValue && needed[static_cast<std::size_t>(id)]; })) continue;
    std::vector<const Type*> types;
    std::vector<const Tensor*> constants;
    Step step{&*node, {}, {}, {}};
    const auto last_use = [&](ValueId id) {
      if (id == kNoValue || used[static_cast<std::size_t>(id)] || graph.constants.contains(id)) return;
      used[static_cast<std::size_t>(id)] = true;
      step.forget.push_back(id);
    };
    for (const ValueId id : node->inputs) {
      types.push_back(id == kNoValue ? nullptr : &graph.value(id).type);
      const auto constant = graph.constants.find(id);
      constants.push_back(constant == graph.constants.end() ? nullptr : &constant->second);
    }
    for (const auto* list : {&node->inputs, &node->captures}) {
      for (const ValueId id : *list) {
        if (id != kNoValue) needed[static_cast<std::size_t>(id)] = true;
        last_use(id);
      }
    }
    for (const ValueId id : node->outputs) last_use(id);
    step.kernel = choose(PrepareContext(*node, types, constants));
    step.bodies = Bodies(*node, choose);
    steps_.push_back(std::move(step));
  }
  std::ranges::reverse(steps_);
}

std::vector<Tensor> GraphRunner::run(std::span<const Tensor> inputs, std::span<const Tensor> captures, Turns& turns) const {
  if (inputs.size() != graph_.inputs.size()) {
    throw Error(Code::mismatch, format("graph {} takes {} inputs, given {}", printable(graph_.name), graph_.inputs.size(), inputs.size()));
  }
  if (captures.size() != graph_.captures.size()) throw std::logic_error("captured values are missing");
  std::vector<Tensor> values(graph_.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(graph_.inputs[i])] = inputs[i];
  for (std::size_t i = 0; i < captures.size(); ++i) values[static_cast<std::size_t>(graph_.captures[i])] = captures[i];
  const auto value = [&](ValueId id) -> const Tensor* {
    if (id == kNoValue) return nullptr;
    if (const auto constant = graph_.constants.find(id); constant != graph_.constants.end()) return &constant->second;
    return &values[static_cast<std::size_t>(id)];
  };
  std::vector<const Tensor*> in;
  std::vector<Tensor> out;
  for (const Step& step : steps_) {
    in.clear();
    for (const ValueId id : step.node->inputs) in.push_back(value(id));
    out.assign(step.node->outputs.size(), Tensor());
    std::vector<Tensor> captured;
    for (const ValueId id : step.node->captures) captured.push_back(*value(id));
    NodeExecutor executor(step.bodies, std::move(captured), turns);
    KernelContext context(*step.node, in, out, step.kernel.state.get(), &executor);
    step.kernel.run(context);
    // A loop that doubles its state at every turn must end before the memory does.
    const std::uint64_t most = std::max(std::uint64_t{1} << 30, turns.memory());
    for (const Tensor& t : out) {
      if (t.total_bytes() > most) AttributeView(*step.node).fail(Code::limit, format("a value of {} inside a loop or a branch; raise --max-memory if you trust this file", human_bytes(t.total_bytes())));
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (step.node->outputs[i] == kNoValue) continue;
      if (!out[i].defined()) context.fail(Code::unsupported, format("output {} is not there in this case", i));
      values[static_cast<std::size_t>(step.node->outputs[i])] = std::move(out[i]);
    }
    for (const ValueId id : step.forget) values[static_cast<std::size_t>(id)] = Tensor();
  }
  std::vector<Tensor> result;
  result.reserve(graph_.outputs.size());
  for (const ValueId id : graph_.outputs) result.push_back(*value(id));
  return result;
}

}  // namespace decant
