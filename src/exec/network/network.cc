// SPDX-License-Identifier: Apache-2.0
#include "exec/network/network.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/checked.h"
#include "base/text.h"
#include "exec/network/arena.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "ops/bounded.h"

namespace decant {
namespace {

std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }
constexpr std::int32_t kNone = -1;

// Operators that give the same elements another shape.
bool renames(const Node& node) {
  return node.domain.empty() && (node.op == "Reshape" || node.op == "Flatten" || node.op == "Squeeze" || node.op == "Unsqueeze" || node.op == "Identity");
}

}  // namespace

struct Network::Slot {
  DType dtype = DType::undefined;
  Shape shape;
  LayoutPtr layout;
  std::size_t bytes = 0, offset = 0;
  std::uint32_t reads = 0;  // still to come, while the plan is made
  std::vector<std::pair<LayoutPtr, std::int32_t>> copies;  // the same value in other layouts
};

struct Network::Step {
  std::string name, op;
  // compiled: an operator with its places
  CompiledPtr compiled;
  std::vector<std::int32_t> in, out;         // slots
  std::vector<const Tensor*> constants;      // instead of a slot
  // generic: a node with its kernel
  const Node* node = nullptr;
  Kernel kernel;
  std::shared_ptr<const Bodies> bodies;
  bool escapes = false;            // an output without a slot, which could be a view of an input
  std::vector<ValueId> forget;     // values without a slot that nobody reads afterwards
};

struct Network::Context {
  Blob arena;
  std::byte* base = nullptr;
  std::vector<std::unique_ptr<Bound>> bound;  // of each step; null where generic
  std::vector<Tensor> views;                  // of each value with a slot that a generic kernel sees; made when it is first seen
  std::vector<Tensor> dynamic;                // of each value without a slot
  std::vector<const Tensor*> in;
  std::vector<Tensor> out;
};

// --- making the plan ------------------------------------------------------------------------------------------------------------

class Network::Compiler {
 public:
  Compiler(Network& network, PackCache& packs) : net_(network), graph_(network.draft_.graph), packs_(packs) {}
  void run();

 private:
  std::int32_t make_slot(DType dtype, Shape shape, LayoutPtr layout);
  std::int32_t slot_for(ValueId id);
  bool plannable(ValueId id) const;
  bool try_compile(const Node& node);
  void generic(const Node& node);
  std::int32_t in_layout(std::int32_t slot, const LayoutPtr& layout, const Shape& shape, const std::string& name);
  std::int32_t copied(std::int32_t slot, const LayoutPtr& layout, const Shape& shape, const std::string& name);
  std::int32_t constant_slot(const Tensor& tensor, const LayoutPtr& layout, const std::string& name);
  void read_done(const std::vector<ValueId>& inputs);
  // As ops/bounded.h: what is larger and out of proportion is left to its kernel, which says so.
  std::uint64_t large() const { return std::max(kMostByValue, net_.memory_); }
  void place();

  Network& net_;
  const Graph& graph_;
  PackCache& packs_;
  std::vector<std::uint32_t> reads_;      // of each class of values that may share memory: reads still to come
  std::vector<std::size_t> class_of_;
  std::vector<std::pair<std::size_t, std::size_t>> life_;  // of each slot: first and last step
};

std::int32_t Network::Compiler::make_slot(DType dtype, Shape shape, LayoutPtr layout) {
  Slot slot;
  slot.dtype = dtype;
  slot.bytes = bytes_of(layout, dtype, shape);
  slot.shape = std::move(shape);
  slot.layout = std::move(layout);
  net_.slots_.push_back(std::move(slot));
  return static_cast<std::int32_t>(net_.slots_.size() - 1);
}

bool Network::Compiler::plannable(ValueId id) const {
  const Type& type = graph_.value(id).type;
  const auto shape = net_.draft_.shape(id);
  return shape && is_tensor(type.dtype) && type.dtype != DType::string && type.dtype != DType::undefined && size_of(type.dtype) > 0;
}

// Copies a slot's value into a new slot of that layout. In row-major order it may have had another shape, before a Reshape.
std::int32_t Network::Compiler::copied(std::int32_t slot, const LayoutPtr& layout, const Shape& shape, const std::string& name) {
  Slot from = net_.slots_[static_cast<std::size_t>(slot)];
  if (from.layout == nullptr) from.shape = shape;
  static const Node kReorder{"decant", "Reorder", "", {0}, {1}, {}, {}};
  const CompileContext context(kReorder, {{from.dtype, from.shape, from.layout}}, {{from.dtype, from.shape, layout}}, net_.threads_, packs_);
  Step step;
  step.compiled = compile_reorder(context, layout);
  step.name = name;
  step.op = "(reorder)";
  const std::int32_t to = make_slot(from.dtype, from.shape, layout);
  step.in = {slot};
  step.constants = {nullptr};
  step.out = {to};
  net_.steps_.push_back(std::move(step));
  return to;
}

std::int32_t Network::Compiler::in_layout(std::int32_t slot, const LayoutPtr& layout, const Shape& shape, const std::string& name) {
  if (same_layout(net_.slots_[static_cast<std::size_t>(slot)].layout, layout)) return slot;
  for (const auto& copy : net_.slots_[static_cast<std::size_t>(slot)].copies) {
    if (same_layout(copy.first, layout)) return copy.second;
  }
  const std::int32_t to = copied(slot, layout, shape, name);
  net_.slots_[static_cast<std::size_t>(slot)].copies.emplace_back(layout, to);
  return to;
}

// A constant as a value: copied once in each run. Rare: a constant as a residual, or in a layout.
std::int32_t Network::Compiler::constant_slot(const Tensor& tensor, const LayoutPtr& layout, const std::string& name) {
  static const Node kReorder{"decant", "Reorder", "", {0}, {1}, {}, {}};
  const CompileContext context(kReorder, {{tensor.dtype(), tensor.shape(), nullptr}}, {{tensor.dtype(), tensor.shape(), layout}}, net_.threads_, packs_);
  Step step;
  step.compiled = compile_reorder(context, layout);
  step.name = name;
  step.op = "(reorder)";
  const std::int32_t to = make_slot(tensor.dtype(), tensor.shape(), layout);
  step.in = {kNone};
  step.constants = {&tensor};
  step.out = {to};
  net_.steps_.push_back(std::move(step));
  return to;
}

bool Network::Compiler::try_compile(const Node& node) {
  std::vector<Operand> inputs, outputs;
  std::uint64_t given = large();
  for (const ValueId id : node.inputs) {
    Operand o;
    if (id != kNoValue) {
      o.dtype = graph_.value(id).type.dtype;
      o.constant = net_.draft_.constant(id);
      if (o.constant != nullptr) {
        o.shape = o.constant->shape();
        if (o.dtype == DType::string || !is_tensor(o.dtype)) return false;
      } else {
        const std::int32_t slot = net_.slot_of_[at(id)];
        if (slot == kNone) return false;
        o.shape = *net_.draft_.shape(id);
        // Under another shape than the slot's a layout means nothing.
        if (net_.slots_[static_cast<std::size_t>(slot)].layout != nullptr) o.layout = net_.slots_[static_cast<std::size_t>(slot)].layout;
        const auto same = std::ranges::count_if(node.inputs, [&](ValueId other) { return other != kNoValue && class_of_[at(other)] == class_of_[at(id)]; });
        o.dies = same == 1 && reads_[class_of_[at(id)]] == 1;
      }
      given = sat_add(given, sat_mul(16, sat_mul(count_of(o.shape), size_of(o.dtype))));
    }
    inputs.push_back(std::move(o));
  }
  for (const ValueId id : node.outputs) {
    Operand o;
    if (id != kNoValue) {
      if (!plannable(id)) return false;
      o.dtype = graph_.value(id).type.dtype;
      o.shape = *net_.draft_.shape(id);
      if (sat_mul(count_of(o.shape), size_of(o.dtype)) > given) return false;
    }
    outputs.push_back(std::move(o));
  }
  if (!node.captures.empty() || outputs.empty()) return false;

  // The same memory under another shape.
  if (renames(node) && outputs.size() == 1 && inputs[0].present() && inputs[0].constant == nullptr && outputs[0].dtype == inputs[0].dtype && outputs[0].count() == inputs[0].count()) {
    const std::int32_t from = in_layout(net_.slot_of_[at(node.inputs[0])], nullptr, inputs[0].shape, node.name);
    net_.slot_of_[at(node.outputs[0])] = from;
    return true;
  }

  const CompileContext context(node, inputs, outputs, net_.threads_, packs_);
  Step step;
  try {
    step.compiled = compile(context);
  } catch (const Error&) {  // a node that cannot be: its kernel says so when it runs
  }
  if (step.compiled == nullptr) return false;
  const Compiled& made = *step.compiled;
  step.name = node.name;
  step.op = node.op;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    std::int32_t slot = kNone;
    const Tensor* constant = nullptr;
    if (inputs[i].present() && (made.reads[i] || made.overwrites == static_cast<int>(i))) {
      const bool overwritten = made.overwrites == static_cast<int>(i);
      if (inputs[i].constant != nullptr) {
        constant = inputs[i].constant;
        if (overwritten || made.wants[i] != nullptr) slot = constant_slot(*constant, made.wants[i], node.name), constant = nullptr;
      } else {
        const std::int32_t own = net_.slot_of_[at(node.inputs[i])];
        slot = in_layout(own, made.wants[i], inputs[i].shape, node.name);
        // What is overwritten must be nobody else's: a copy for another layout may have been made for somebody else as well.
        if (overwritten && !inputs[i].dies) slot = copied(slot, made.wants[i], inputs[i].shape, node.name);
      }
    }
    step.in.push_back(slot);
    step.constants.push_back(constant);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!outputs[i].present()) {
      step.out.push_back(kNone);
      continue;
    }
    std::int32_t slot = kNone;
    const std::size_t bytes = bytes_of(made.gives[i], outputs[i].dtype, outputs[i].shape);
    if (i == 0 && made.overwrites >= 0) {
      slot = step.in[static_cast<std::size_t>(made.overwrites)];
    } else if (i == 0 && made.may_overwrite && inputs[0].dies && step.in[0] != kNone && net_.slots_[static_cast<std::size_t>(step.in[0])].bytes == bytes) {
      slot = step.in[0];
    } else {
      slot = make_slot(outputs[i].dtype, outputs[i].shape, made.gives[i]);
    }
    if (i == 0 && (made.overwrites >= 0 || slot == step.in[0])) {
      // The memory has a new value: copies of the old one are no copies of it.
      net_.slots_[static_cast<std::size_t>(slot)].copies.clear();
      net_.slots_[static_cast<std::size_t>(slot)].layout = made.gives[0];
    }
    step.out.push_back(slot);
    net_.slot_of_[at(node.outputs[i])] = slot;
  }
  net_.steps_.push_back(std::move(step));
  return true;
}

void Network::Compiler::generic(const Node& node) {
  Step step;
  step.node = &node;
  step.name = node.name;
  step.op = node.op;
  std::vector<const Type*> types;
  std::vector<const Tensor*> constants;
  std::uint64_t given = large();
  for (const ValueId id : node.inputs) {
    types.push_back(id == kNoValue ? nullptr : &graph_.value(id).type);
    constants.push_back(id == kNoValue ? nullptr : net_.draft_.constant(id));
    if (id != kNoValue && constants.back() != nullptr) given = sat_add(given, sat_mul(16, constants.back()->blob().size()));
  }
  for (const auto* list : {&node.inputs, &node.captures}) {
    for (const ValueId id : *list) {
      std::int32_t slot = id == kNoValue || net_.draft_.constant(id) != nullptr ? kNone : net_.slot_of_[at(id)];
      if (slot != kNone) {
        given = sat_add(given, sat_mul(16, net_.slots_[static_cast<std::size_t>(slot)].bytes));
        slot = in_layout(slot, nullptr, *net_.draft_.shape(id), node.name);
      }
      step.in.push_back(slot);
    }
  }
  step.bodies = std::make_shared<const Bodies>(node, best_kernel);
  step.kernel = best_kernel(PrepareContext(node, types, constants));
  for (const ValueId id : node.outputs) {
    std::int32_t slot = kNone;
    if (id != kNoValue && plannable(id)) {
      const Type& type = graph_.value(id).type;
      Shape shape = *net_.draft_.shape(id);
      if (sat_mul(count_of(shape), size_of(type.dtype)) <= given) slot = make_slot(type.dtype, std::move(shape), nullptr);
    }
    step.out.push_back(slot);
    if (id != kNoValue) net_.slot_of_[at(id)] = slot;
    step.escapes = step.escapes || slot == kNone;
  }
  net_.steps_.push_back(std::move(step));
}

void Network::Compiler::read_done(const std::vector<ValueId>& inputs) {
  for (const ValueId id : inputs) {
    if (id != kNoValue) --reads_[class_of_[at(id)]];
  }
}

// Places for all slots by their lives, and the scratch memory that all steps share.
void Network::Compiler::place() {
  const std::size_t steps = net_.steps_.size();
  constexpr std::size_t kNever = ~std::size_t{0};
  life_.assign(net_.slots_.size(), {kNever, 0});
  const auto lives = [&](std::int32_t slot, std::size_t step) {
    if (slot == kNone) return;
    auto& life = life_[static_cast<std::size_t>(slot)];
    if (life.first == kNever) life.first = step;
    life.second = std::max(life.second, step);
  };
  for (const ValueId id : graph_.inputs) lives(net_.slot_of_[at(id)], 0);
  std::size_t scratch = 0;
  for (std::size_t s = 0; s < steps; ++s) {
    for (const std::int32_t slot : net_.steps_[s].in) lives(slot, s);
    for (const std::int32_t slot : net_.steps_[s].out) lives(slot, s);
    if (net_.steps_[s].compiled != nullptr) scratch = std::max(scratch, net_.steps_[s].compiled->scratch);
  }
  for (const std::int32_t slot : net_.output_slot_) lives(slot, steps);
  std::vector<std::vector<std::size_t>> begin(steps + 1), end(steps + 1);
  // Out of proportion to what the network is and gets: then values are better made one by one.
  std::uint64_t total = scratch, most = std::max(std::uint64_t{1} << 30, net_.memory_);
  for (const auto& entry : graph_.constants) most = sat_add(most, sat_mul(64, entry.second.blob().size()));
  for (const ValueId id : graph_.inputs) most = sat_add(most, net_.slot_of_[at(id)] == kNone ? 0 : sat_mul(1024, net_.slots_[static_cast<std::size_t>(net_.slot_of_[at(id)])].bytes));
  for (std::size_t i = 0; i < life_.size(); ++i) {
    if (life_[i].first == kNever) continue;
    begin[life_[i].first].push_back(i);
    end[life_[i].second].push_back(i);
  }
  Arena arena;
  for (std::size_t s = 0; s <= steps; ++s) {
    for (const std::size_t i : begin[s]) net_.slots_[i].offset = arena.take(net_.slots_[i].bytes);
    for (const std::size_t i : end[s]) arena.give_back(net_.slots_[i].offset, net_.slots_[i].bytes);
    if (arena.size() > most) break;
  }
  total = sat_add(total, arena.size());
  net_.fits_ = total <= most;
  net_.scratch_at_ = arena.size();
  net_.arena_bytes_ = static_cast<std::size_t>(total) + 64;
}

void Network::Compiler::run() {
  const std::size_t count = graph_.values.size();
  net_.slot_of_.assign(count, kNone);
  class_of_.resize(count);
  for (std::size_t i = 0; i < count; ++i) class_of_[i] = i;
  for (const Node& node : graph_.nodes) {
    if (renames(node) && !node.inputs.empty() && node.inputs[0] != kNoValue && node.outputs[0] != kNoValue) class_of_[at(node.outputs[0])] = class_of_[at(node.inputs[0])];
  }
  reads_.assign(count, 0);
  for (const Node& node : graph_.nodes) {
    for (const auto* list : {&node.inputs, &node.captures}) {
      for (const ValueId id : *list) {
        if (id != kNoValue) ++reads_[class_of_[at(id)]];
      }
    }
  }
  for (const ValueId id : graph_.outputs) reads_[class_of_[at(id)]] += 2;
  for (const ValueId id : graph_.inputs) {
    if (plannable(id)) net_.slot_of_[at(id)] = make_slot(graph_.value(id).type.dtype, *net_.draft_.shape(id), nullptr);
  }
  for (const Node& node : graph_.nodes) {
    if (!try_compile(node)) generic(node);
    read_done(node.inputs);
    read_done(node.captures);
  }
  for (const ValueId id : graph_.outputs) {
    std::int32_t slot = net_.draft_.constant(id) != nullptr ? kNone : net_.slot_of_[at(id)];
    if (slot != kNone) slot = in_layout(slot, nullptr, *net_.draft_.shape(id), graph_.value(id).name);
    net_.output_slot_.push_back(slot);
  }
  place();
  std::vector<bool> seen(count, false);
  for (const ValueId id : graph_.outputs) seen[at(id)] = true;
  for (auto step = net_.steps_.rbegin(); step != net_.steps_.rend(); ++step) {
    if (step->node == nullptr) continue;
    for (const auto* list : {&step->node->inputs, &step->node->captures, &step->node->outputs}) {
      for (const ValueId id : *list) {
        if (id == kNoValue || seen[at(id)] || net_.slot_of_[at(id)] != kNone || net_.draft_.constant(id) != nullptr) continue;
        seen[at(id)] = true;
        step->forget.push_back(id);
      }
    }
  }
}

Network::Network(Draft draft, unsigned threads, PackCache& packs, std::uint64_t memory) : draft_(std::move(draft)), threads_(std::max(threads, 1u)), memory_(memory) {
  set_operator_threads(threads_);
  Compiler(*this, packs).run();
}
Network::~Network() = default;

// --- running --------------------------------------------------------------------------------------------------------------------

std::unique_ptr<Network::Context> Network::make_context() const {
  auto context = std::make_unique<Context>();
  context->arena = Blob::allocate(arena_bytes_, context->base);
  context->views.resize(draft_.graph.values.size());
  context->dynamic.resize(draft_.graph.values.size());
  for (const Step& step : steps_) {
    if (step.compiled == nullptr) {
      context->bound.push_back(nullptr);
      continue;
    }
    Places places;
    for (std::size_t i = 0; i < step.in.size(); ++i) {
      if (step.constants[i] != nullptr) places.in.push_back(step.constants[i]->blob().bytes.data());
      else places.in.push_back(step.in[i] == kNone ? nullptr : context->base + slots_[static_cast<std::size_t>(step.in[i])].offset);
    }
    for (const std::int32_t slot : step.out) places.out.push_back(slot == kNone ? nullptr : context->base + slots_[static_cast<std::size_t>(slot)].offset);
    places.scratch = context->base + scratch_at_;
    context->bound.push_back(step.compiled->bind(places));
  }
  return context;
}

const Tensor* Network::value_of(Context& context, ValueId id) const {
  if (id == kNoValue) return nullptr;
  if (const Tensor* constant = draft_.constant(id)) return constant;
  return &context.dynamic[at(id)];
}

const Tensor& Network::view_of(Context& context, ValueId id, std::int32_t slot) const {
  Tensor& view = context.views[at(id)];
  const Slot& s = slots_[static_cast<std::size_t>(slot)];
  if (!view.defined()) view = Tensor(s.dtype, *draft_.shape(id), context.arena.slice(s.offset, s.bytes));
  return view;
}

void Network::run_generic(const Step& step, Context& context, Turns& turns) const {
  const Node& node = *step.node;
  std::vector<Tensor> copies;
  copies.reserve(step.in.size());
  const auto value = [&](ValueId id, std::int32_t slot) -> const Tensor* {
    if (slot == kNone) return value_of(context, id);
    const Tensor& view = view_of(context, id, slot);
    if (!step.escapes) return &view;
    // An output may be a view of an input, and the arena is written again.
    copies.emplace_back(view.dtype(), view.shape(), Blob::copy_of(view.blob().bytes));
    return &copies.back();
  };
  context.in.clear();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) context.in.push_back(value(node.inputs[i], step.in[i]));
  std::vector<Tensor> captured;
  for (std::size_t i = 0; i < node.captures.size(); ++i) captured.push_back(*value(node.captures[i], step.in[node.inputs.size() + i]));
  context.out.assign(node.outputs.size(), Tensor());
  NodeExecutor executor(*step.bodies, std::move(captured), turns);
  KernelContext kernel(node, context.in, context.out, step.kernel.state.get(), &executor);
  step.kernel.run(kernel);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Tensor& out = context.out[i];
    if (!out.defined()) kernel.fail(Code::unsupported, format("output {} is not there in this case", i));
    if (step.out[i] == kNone) {
      context.dynamic[at(node.outputs[i])] = std::move(out);
      continue;
    }
    const Tensor& place = view_of(context, node.outputs[i], step.out[i]);
    if (out.dtype() != place.dtype() || out.shape() != place.shape()) {
      kernel.fail(Code::mismatch, format("output {} is {} of {}, and its type rule says {} of {}", i, name_of(out.dtype()), text_of(out.shape()), name_of(place.dtype()), text_of(place.shape())));
    }
    std::memmove(const_cast<std::byte*>(place.blob().bytes.data()), out.blob().bytes.data(), out.blob().size());
  }
  for (const ValueId id : step.forget) context.dynamic[at(id)] = Tensor();
}

void Network::reserve() const {
  std::unique_ptr<Context> context = make_context();
  const std::lock_guard lock(mutex_);
  spare_.push_back(std::move(context));
}

void Network::run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs, std::vector<StepTime>* times) const {
  std::unique_ptr<Context> context;
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      context = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (context == nullptr) context = make_context();
  set_operator_threads(threads_);
  const Graph& graph = draft_.graph;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::int32_t slot = slot_of_[at(graph.inputs[i])];
    if (slot == kNone) context->dynamic[at(graph.inputs[i])] = inputs[i];
    else std::memcpy(context->base + slots_[static_cast<std::size_t>(slot)].offset, inputs[i].blob().bytes.data(), inputs[i].blob().size());
  }
  Turns turns = Turns::with_memory(memory_);
  if (times != nullptr && times->size() != steps_.size()) {
    times->clear();
    for (const Step& step : steps_) times->push_back({step.name, step.op, 0});
  }
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const auto begin = times != nullptr ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    if (context->bound[s] != nullptr) context->bound[s]->run();
    else run_generic(steps_[s], *context, turns);
    if (times != nullptr) (*times)[s].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  outputs.resize(graph.outputs.size());
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const std::int32_t slot = output_slot_[i];
    if (slot == kNone) {
      outputs[i] = *value_of(*context, graph.outputs[i]);
      continue;
    }
    const Slot& from = slots_[static_cast<std::size_t>(slot)];
    const auto same_shape = [&] {
      const std::vector<Dim>& want = graph.value(graph.outputs[i]).type.shape;
      return std::ranges::equal(outputs[i].shape(), want, [](std::int64_t a, const Dim& b) { return a == b.value; });
    };
    if (outputs[i].dtype() != from.dtype || !same_shape()) outputs[i] = Tensor(from.dtype, *draft_.shape(graph.outputs[i]));
    std::memcpy(const_cast<std::byte*>(outputs[i].blob().bytes.data()), context->base + from.offset, from.bytes);
  }
  const std::lock_guard lock(mutex_);
  spare_.push_back(std::move(context));
}

std::string Network::describe() const {
  std::string out;
  for (const Step& step : steps_) out += format("{} {}{}\n", step.op, printable(step.name), step.compiled == nullptr ? " (reference)" : "");
  return out;
}

bool is_network(const Graph& graph) {
  static constexpr std::string_view kHeavy[] = {"Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "MaxPool", "AveragePool", "LayerNormalization", "Attention"};
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return node.domain.empty() && std::ranges::find(kHeavy, node.op) != std::end(kHeavy) && !node.outputs.empty() && node.outputs[0] != kNoValue && graph.value(node.outputs[0]).type.dtype == DType::float32;
  });
}

}  // namespace decant
