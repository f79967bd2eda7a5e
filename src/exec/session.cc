// SPDX-License-Identifier: Apache-2.0
#include "exec/session.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "base/text.h"
#include "exec/network/networks.h"
#include "kernels/kernels.h"
#include "ops/interpret.h"

namespace decant {
namespace {

/// One node, ready to run.
struct Step {
  const Node* node = nullptr;
  void (*run)(KernelContext&) = nullptr;
  State state;
  const Bodies* bodies = nullptr;  // of If, Loop and Scan
  std::vector<ValueId> forget;  // values that nothing needs after this step
};

/// A node made ready once, shared by all plans.
struct Ready {
  Kernel kernel;
  Bodies bodies;
};

}  // namespace

struct Session::Plan {
  std::vector<ValueId> outputs;
  std::vector<Step> steps;
  std::size_t block_rows = 4096;
  std::uint64_t memory = 0;  // SessionOptions::memory
};

struct Session::Cache {
  std::mutex mutex;
  std::map<std::vector<std::string>, std::shared_ptr<const Plan>> plans;
  std::map<const Node*, Ready> prepared;  // shared by plans
  std::unique_ptr<Networks> networks;     // where the model is one
};

Session::Session(std::shared_ptr<const Model> model, SessionOptions options)
    : model_(std::move(model)), options_(options), cache_(std::make_unique<Cache>()) {
  if (!options_.reference_kernels && !model_->signature.row_wise && is_network(model_->graph)) cache_->networks = std::make_unique<Networks>(model_->graph, options_.threads, options_.memory);
}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

std::vector<ValueId> Session::outputs_named(std::span<const std::string> wanted) const {
  const Graph& graph = model_->graph;
  if (wanted.empty()) return graph.outputs;
  std::vector<ValueId> out;
  for (const std::string& name : wanted) {
    const auto at = std::ranges::find(model_->signature.outputs, name, &Output::name);
    if (at == model_->signature.outputs.end()) {
      std::string list;
      for (const Output& o : model_->signature.outputs) list += (list.empty() ? "" : ", ") + o.name;
      throw Error(Code::usage, format("the model has no output {}; it has {}", printable(name), list));
    }
    out.push_back(graph.outputs[static_cast<std::size_t>(at - model_->signature.outputs.begin())]);
  }
  return out;
}

std::shared_ptr<const Session::Plan> Session::plan_for(std::span<const std::string> wanted) const {
  const std::lock_guard lock(cache_->mutex);
  const std::vector<std::string> key(wanted.begin(), wanted.end());
  if (const auto at = cache_->plans.find(key); at != cache_->plans.end()) return at->second;

  const Graph& graph = model_->graph;
  auto plan = std::make_shared<Plan>();
  plan->outputs = outputs_named(wanted);
  plan->memory = options_.memory;

  // From the wanted outputs back to what they need.
  std::vector<bool> needed(graph.values.size(), false);
  for (const ValueId id : plan->outputs) needed[static_cast<std::size_t>(id)] = true;
  std::vector<const Node*> order;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool used = std::ranges::any_of(node->outputs, [&](ValueId id) { return id != kNoValue && needed[static_cast<std::size_t>(id)]; });
    if (!used) continue;
    order.push_back(&*node);
    for (const auto* list : {&node->inputs, &node->captures}) {
      for (const ValueId id : *list) {
        if (id != kNoValue) needed[static_cast<std::size_t>(id)] = true;
      }
    }
  }
  std::vector<bool> alive = needed;  // from the back: the first step seen that uses a value is the last that runs
  for (const ValueId id : plan->outputs) alive[static_cast<std::size_t>(id)] = false;
  for (const ValueId id : graph.inputs) alive[static_cast<std::size_t>(id)] = false;
  std::uint64_t widest = 1;
  for (const Node* node : order) {
    Step step{node, nullptr, nullptr, nullptr, {}};
    for (const auto* list : {&node->inputs, &node->captures, &node->outputs}) {
      for (const ValueId id : *list) {
        if (id == kNoValue || !alive[static_cast<std::size_t>(id)] || graph.constants.contains(id)) continue;
        alive[static_cast<std::size_t>(id)] = false;
        step.forget.push_back(id);
      }
    }
    Ready& ready = cache_->prepared[node];
    if (ready.kernel.run == nullptr) {
      std::vector<const Type*> types;
      std::vector<const Tensor*> constants;
      for (const ValueId id : node->inputs) {
        types.push_back(id == kNoValue ? nullptr : &graph.value(id).type);
        const auto constant = graph.constants.find(id);
        constants.push_back(constant == graph.constants.end() ? nullptr : &constant->second);
      }
      const ChooseKernel choose = options_.reference_kernels ? reference_kernel : best_kernel;
      ready.bodies = Bodies(*node, choose);
      ready.kernel = choose(PrepareContext(*node, types, constants));
    }
    step.run = ready.kernel.run;
    step.state = ready.kernel.state;
    step.bodies = &ready.bodies;
    plan->steps.push_back(std::move(step));
    for (const ValueId id : node->outputs) {
      if (id == kNoValue) continue;
      std::uint64_t width = 1;
      for (std::size_t i = 1; i < graph.value(id).type.shape.size(); ++i) width *= static_cast<std::uint64_t>(std::clamp<std::int64_t>(graph.value(id).type.shape[i].value, 1, 1 << 20));
      widest = std::max(widest, width);
    }
  }
  std::ranges::reverse(plan->steps);
  // A block's widest value should stay in the second-level cache and below what malloc hands back to the system, 256 KB; trees like blocks
  // of a few thousand rows. Where rows are very wide (text as a plain matrix), memory decides: 64 MB a value.
  const bool trees = std::ranges::any_of(order, [](const Node* node) { return node->op.starts_with("TreeEnsemble"); });
  const std::size_t least = std::clamp<std::size_t>((std::size_t{1} << 23) / widest, 1, trees ? 64 : 16);
  plan->block_rows = options_.block_rows != 0 ? options_.block_rows : std::clamp<std::size_t>((std::size_t{1} << (trees ? 20 : 16)) / widest, least, 4096);
  cache_->plans.emplace(key, plan);
  return plan;
}

namespace {

/// `places`: where the answers lie at the end, if that is known; what a kernel does not write there must be copied.
template <class Plan>
std::vector<Tensor> run_plan(const Graph& graph, const Plan& plan, std::span<const Tensor> inputs, std::vector<StepTime>* times = nullptr, std::span<const Tensor> places = {}) {
  if (times != nullptr && times->size() != plan.steps.size()) {
    times->clear();
    for (const auto& step : plan.steps) times->push_back({step.node->name, step.node->op, 0});
  }
  std::size_t at_step = 0;
  Turns turns = Turns::with_memory(plan.memory);
  std::vector<Tensor> values(graph.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(graph.inputs[i])] = inputs[i];
  const auto value = [&](ValueId id) -> const Tensor* {
    if (id == kNoValue) return nullptr;
    if (const Tensor& t = values[static_cast<std::size_t>(id)]; t.defined()) return &t;
    const auto constant = graph.constants.find(id);
    return constant == graph.constants.end() ? nullptr : &constant->second;
  };
  std::vector<const Tensor*> in;
  std::vector<Tensor> out, places_here;
  for (const auto& step : plan.steps) {
    in.clear();
    for (const ValueId id : step.node->inputs) in.push_back(value(id));
    out.assign(step.node->outputs.size(), Tensor());
    std::vector<Tensor> captured;
    for (const ValueId id : step.node->captures) captured.push_back(*value(id));
    NodeExecutor executor(*step.bodies, std::move(captured), turns);
    places_here.clear();
    for (std::size_t p = 0; p < places.size(); ++p) {
      const auto at = std::ranges::find(step.node->outputs, plan.outputs[p]);
      if (at == step.node->outputs.end()) continue;
      places_here.resize(out.size());
      places_here[static_cast<std::size_t>(at - step.node->outputs.begin())] = places[p];
    }
    KernelContext context(*step.node, in, out, step.state.get(), &executor, places_here);
    const auto begin = times != nullptr ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    step.run(context);
    if (times != nullptr) (*times)[at_step++].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (step.node->outputs[i] == kNoValue) continue;
      if (!out[i].defined()) context.fail(Code::unsupported, format("output {} is not there in this case", i));
      values[static_cast<std::size_t>(step.node->outputs[i])] = std::move(out[i]);
    }
    for (const ValueId id : step.forget) values[static_cast<std::size_t>(id)] = Tensor();
  }
  std::vector<Tensor> result;
  for (const ValueId id : plan.outputs) result.push_back(*value(id));
  return result;
}

/// Rows [begin, end) of `t` as a view.
Tensor rows_of(const Tensor& t, std::size_t begin, std::size_t end) {
  const auto rows = static_cast<std::size_t>(t.dim(0));
  const std::size_t row_bytes = rows == 0 ? 0 : t.blob().size() / rows;
  Shape shape = t.shape();
  shape[0] = static_cast<std::int64_t>(end - begin);
  return {t.dtype(), shape, t.blob().slice(begin * row_bytes, (end - begin) * row_bytes)};
}

void copy_rows(const Tensor& from, Tensor& to, std::size_t at) {
  if (from.dtype() == DType::string) {
    const std::size_t width = from.dim(0) == 0 ? 0 : from.size() / static_cast<std::size_t>(from.dim(0));
    std::ranges::copy(from.data<std::string>(), to.mutable_data<std::string>().begin() + static_cast<std::ptrdiff_t>(at * width));
  } else if (from.dim(0) > 0) {
    const std::size_t row_bytes = from.blob().size() / static_cast<std::size_t>(from.dim(0));
    std::byte* place = const_cast<std::byte*>(to.blob().bytes.data()) + at * row_bytes;
    if (place != from.blob().bytes.data()) std::memcpy(place, from.blob().bytes.data(), from.blob().size());  // else the kernel has written there
  }
}

}  // namespace

std::span<const Tensor> Session::checked(std::span<const Tensor> inputs, std::vector<Tensor>& storage) const {
  const Signature& signature = model_->signature;
  if (inputs.size() != signature.inputs.size()) {
    throw Error(Code::mismatch, format("the model takes {} inputs, given {}", signature.inputs.size(), inputs.size()));
  }
  bool as_declared = true;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = signature.inputs[i];
    as_declared = as_declared && (input.type.dtype == DType::undefined || input.type.dtype == inputs[i].dtype());
    const Shape& shape = inputs[i].shape();
    bool fits = !input.type.has_rank || shape.size() == input.type.shape.size();
    for (std::size_t d = 0; fits && input.type.has_rank && d < shape.size(); ++d) {
      fits = !input.type.shape[d].known() || input.type.shape[d].value == shape[d];
    }
    if (!fits) throw Error(Code::mismatch, format("input {} is {}, given a shape of {}", printable(input.name), input.type.text(), text_of(shape)));
  }
  if (as_declared) return inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) storage.push_back(converted(inputs[i], signature.inputs[i].type.dtype, signature.inputs[i].name));
  return storage;
}

bool Session::make_ready(std::span<const Shape> shapes, std::span<const std::string> wanted) const {
  const std::vector<Input>& inputs = model_->signature.inputs;
  if (!shapes.empty() && shapes.size() != inputs.size()) throw Error(Code::mismatch, format("the model takes {} inputs, given shapes of {}", inputs.size(), shapes.size()));
  if (cache_->networks == nullptr) {
    plan_for(wanted);
    return true;
  }
  std::vector<std::pair<DType, Shape>> known;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Type& type = inputs[i].type;
    if (!is_tensor(type.dtype) || type.dtype == DType::string || type.dtype == DType::undefined) return false;
    Shape shape = shapes.empty() ? Shape() : shapes[i];
    if (shapes.empty()) {
      if (!type.has_rank) return false;
      for (const Dim& d : type.shape) {
        if (!d.known()) return false;
        shape.push_back(d.value);
      }
    }
    if (std::ranges::any_of(shape, [](std::int64_t d) { return d < 0; })) throw Error(Code::mismatch, format("input {} of shape {}", printable(inputs[i].name), text_of(shape)));
    known.emplace_back(type.dtype, std::move(shape));
  }
  const auto network = cache_->networks->plan(outputs_named(wanted), std::span<const std::pair<DType, Shape>>(known));
  if (network == nullptr) plan_for(wanted);  // out of proportion: values are made one by one
  else network->reserve();
  return true;
}

bool Session::run_network(std::span<const Tensor> given, std::vector<Tensor>& outputs, std::span<const std::string> wanted, std::vector<StepTime>* times) const {
  const auto plannable = [](const Tensor& t) { return is_tensor(t.dtype()) && t.dtype() != DType::string; };
  if (cache_->networks == nullptr || !std::ranges::all_of(given, plannable)) return false;
  const auto network = wanted.empty() ? cache_->networks->plan(model_->graph.outputs, given) : cache_->networks->plan(outputs_named(wanted), given);
  if (network == nullptr) return false;
  network->run(given, outputs, times);
  return true;
}

void Session::run_into(std::span<const Tensor> inputs, std::vector<Tensor>& outputs, std::span<const std::string> wanted, std::vector<StepTime>* times) const {
  std::vector<Tensor> storage;
  const std::span<const Tensor> given = checked(inputs, storage);
  if (run_network(given, outputs, wanted, times)) return;
  const auto plan = plan_for(wanted);
  if (times != nullptr) outputs = run_plan(model_->graph, *plan, given, times);
  else outputs = run_rows(given, *plan, std::move(outputs), {});
}

std::vector<Tensor> Session::run(std::span<const Tensor> inputs, std::span<const std::string> wanted,
                                 const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  std::vector<Tensor> storage;
  const std::span<const Tensor> given = checked(inputs, storage);
  if (std::vector<Tensor> answers; run_network(given, answers, wanted, nullptr)) return answers;
  return run_rows(given, *plan_for(wanted), {}, progress);
}

std::vector<Tensor> Session::run_rows(std::span<const Tensor> given, const Plan& plan, std::vector<Tensor> before, const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  const Signature& signature = model_->signature;
  const std::size_t rows = given.empty() || given[0].rank() == 0 ? 0 : static_cast<std::size_t>(given[0].dim(0));
  for (const Tensor& t : given) {
    if (signature.row_wise && (t.rank() == 0 || static_cast<std::size_t>(t.dim(0)) != rows)) throw Error(Code::mismatch, "inputs differ in their number of rows");
  }
  if (!signature.row_wise || rows <= plan.block_rows) return run_plan(model_->graph, plan, given);

  const std::size_t blocks = (rows + plan.block_rows - 1) / plan.block_rows;
  std::vector<Tensor> result;
  std::mutex result_mutex;
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::uint64_t done = 0;
  const auto work = [&] {
    try {
      for (std::size_t block; (block = next.fetch_add(1)) < blocks;) {
        const std::size_t begin = block * plan.block_rows, end = std::min(rows, begin + plan.block_rows);
        std::vector<Tensor> part;
        for (const Tensor& t : given) part.push_back(rows_of(t, begin, end));
        std::vector<Tensor> places;
        {
          const std::lock_guard lock(result_mutex);
          for (const Tensor& t : result) places.push_back(t.dtype() == DType::string ? Tensor() : rows_of(t, begin, end));
        }
        const std::vector<Tensor> answers = run_plan(model_->graph, plan, part, nullptr, places);
        const std::lock_guard lock(result_mutex);
        if (result.empty()) {
          for (std::size_t i = 0; i < answers.size(); ++i) {
            const Tensor& t = answers[i];
            Shape shape = t.shape();
            if (shape.empty() || shape[0] != static_cast<std::int64_t>(end - begin)) throw std::logic_error("a row-wise model gave an answer without rows");
            shape[0] = static_cast<std::int64_t>(rows);
            const bool again = i < before.size() && before[i].dtype() == t.dtype() && before[i].shape() == shape && before[i].blob().owner.use_count() == 1;
            if (again) result.push_back(std::move(before[i]));
            else result.emplace_back(t.dtype(), shape);
          }
        }
        for (std::size_t i = 0; i < answers.size(); ++i) copy_rows(answers[i], result[i], begin);
        done += end - begin;
        if (progress) progress(done, rows);
      }
    } catch (...) {  // handed on to the caller's thread, where it is thrown again
      const std::lock_guard lock(result_mutex);
      if (!failure) failure = std::current_exception();
      next = blocks;
    }
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < std::min<std::size_t>(options_.threads, blocks); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  if (failure) std::rethrow_exception(failure);
  return result;
}

Tensor converted(const Tensor& value, DType dtype, std::string_view what) {
  if (value.dtype() == dtype || dtype == DType::undefined) return value;
  const auto fail = [&](std::string_view why) -> Error {
    return Error(Code::mismatch, format("input {} is of {}, given {}: {}", printable(what), name_of(dtype), name_of(value.dtype()), why));
  };
  Tensor out(dtype, value.shape());
  if (dtype == DType::string) throw fail("numbers where text is expected");
  const auto fill = [&]<class T>(std::span<T> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (value.dtype() == DType::string) {
        const std::string& text = value.data<std::string>()[i];
        double number = std::nan("");
        if (!text.empty() && text != "N/A" && text != "NaN" && text != "nan") {
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
          if (error != std::errc() || end != text.data() + text.size()) throw fail(format("\"{}\" is no number", printable(text, 40)));
        }
        to[i] = static_cast<T>(number);
      } else if constexpr (std::is_floating_point_v<T>) {
        to[i] = static_cast<T>(value.number(i));
      } else {
        if (is_float(value.dtype()) && value.number(i) != std::trunc(value.number(i))) throw fail("numbers with a fraction");
        to[i] = static_cast<T>(value.integer(i));
      }
    }
  };
  switch (dtype) {
    case DType::float32: fill(out.mutable_data<float>()); break;
    case DType::float64: fill(out.mutable_data<double>()); break;
    case DType::int8: fill(out.mutable_data<std::int8_t>()); break;
    case DType::int16: fill(out.mutable_data<std::int16_t>()); break;
    case DType::int32: fill(out.mutable_data<std::int32_t>()); break;
    case DType::int64: fill(out.mutable_data<std::int64_t>()); break;
    case DType::uint8: fill(out.mutable_data<std::uint8_t>()); break;
    case DType::uint16: fill(out.mutable_data<std::uint16_t>()); break;
    case DType::uint32: fill(out.mutable_data<std::uint32_t>()); break;
    case DType::uint64: fill(out.mutable_data<std::uint64_t>()); break;
    case DType::boolean: fill(out.mutable_data<bool>()); break;
    default: throw fail("no conversion");
  }
  return out;
}

}  // namespace decant
