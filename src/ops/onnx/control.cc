// SPDX-License-Identifier: Apache-2.0
// Operators that hold graphs (ai.onnx): If, Loop, Scan. The graphs are run by the Executor, which knows what they capture.
#include <algorithm>

#include "ops/kernel.h"

namespace decant {
namespace {

bool truth(const KernelContext& c, const Tensor& t) {
  if (t.dtype() != DType::boolean || t.size() != 1) c.fail(Code::mismatch, format("a condition is {}{}", name_of(t.dtype()), text_of(t.shape())));
  return t.data<bool>()[0];
}

// --- If -------------------------------------------------------------------------------------------------------------------------------

void run_if(KernelContext& c) {
  const GraphPtr body = c.graph(truth(c, c.input(0)) ? "then_branch" : "else_branch");
  std::vector<Tensor> results = c.executor().run(*body, {});
  if (results.size() < c.output_count()) c.fail(Code::corrupt, format("a branch gives {} values of {}", results.size(), c.output_count()));
  for (std::size_t i = 0; i < c.output_count(); ++i) c.set_output(i, std::move(results[i]));
}

// What is known whichever way it goes.
Type either(const Type& a, const Type& b) {
  Type out = a;
  if (a.dtype != b.dtype) out.dtype = DType::undefined;
  if (!a.has_rank || !b.has_rank || a.shape.size() != b.shape.size()) return unknown_shape(out.dtype);
  for (std::size_t i = 0; i < out.shape.size(); ++i) {
    if (out.shape[i] != b.shape[i]) out.shape[i] = Dim{};
  }
  return out;
}
const Type& output_type(const InferContext& c, const Graph& body, std::size_t i) {
  if (i >= body.outputs.size()) c.fail(Code::corrupt, format("the graph gives {} values", body.outputs.size()));
  return body.value(body.outputs[i]).type;
}
void infer_if(InferContext& c) {
  const GraphPtr yes = c.graph("then_branch"), no = c.graph("else_branch");
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = either(output_type(c, *yes, i), output_type(c, *no, i));
}

// --- results of each turn, one below the other -------------------------------------------------------------------------------------------

class Stack {
 public:
  void push(Tensor t) { items_.push_back(std::move(t)); }
  // [turns, ...item]; with `axis`, the turns are that dimension of the result.
  Tensor finish(const KernelContext& c, const Type& declared, std::size_t axis = 0, bool reverse = false) {
    if (reverse) std::ranges::reverse(items_);
    Shape item;
    DType dtype = declared.dtype;
    if (!items_.empty()) {
      item = items_[0].shape();
      dtype = items_[0].dtype();
    } else {
      for (const Dim& d : declared.shape) item.push_back(d.known() ? d.value : 0);
    }
    for (const Tensor& t : items_) {
      if (t.shape() != item || t.dtype() != dtype) c.fail(Code::mismatch, "a scan output changes its shape from turn to turn");
    }
    if (axis > item.size()) c.fail(Code::corrupt, format("scan axis {} of rank {}", axis, item.size() + 1));
    Shape shape = item;
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<std::int64_t>(items_.size()));
    Tensor out(dtype == DType::undefined ? DType::float32 : dtype, shape);
    if (out.size() == 0) return out;
    const Around a = around(shape, axis);
    dispatch_move(c, out.dtype(), [&]<class T>() {
      for (std::size_t k = 0; k < items_.size(); ++k) {
        const T* from = raw<T>(items_[k]);
        for (std::int64_t o = 0; o < a.outer; ++o) {
          std::copy_n(from + o * a.inner, a.inner, raw<T>(out) + (o * a.length + static_cast<std::int64_t>(k)) * a.inner);
        }
      }
    });
    return out;
  }

 private:
  std::vector<Tensor> items_;
};

// --- Loop -----------------------------------------------------------------------------------------------------------------------------

// Inputs: trip count (optional), condition (optional), carried values. Body: (turn, condition, carried...) -> (condition, carried..., scanned...).
void run_loop(KernelContext& c) {
  const GraphPtr body = c.graph("body");
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  if (c.has_input(0)) {
    want(c, 0, DType::int64);
    if (c.input(0).size() != 1) c.fail(Code::mismatch, "the trip count is no scalar");
    most = c.input(0).integer(0);
  }
  bool go_on = !c.has_input(1) || truth(c, c.input(1));
  const std::size_t carried = c.input_count() > 2 ? c.input_count() - 2 : 0;
  if (body->inputs.size() != carried + 2 || body->outputs.size() < carried + 1) {
    c.fail(Code::corrupt, format("a body of {} inputs and {} outputs for {} carried values", body->inputs.size(), body->outputs.size(), carried));
  }
  const std::size_t scanned = body->outputs.size() - carried - 1;
  if (c.output_count() > carried + scanned) c.fail(Code::corrupt, format("{} outputs of {}", c.output_count(), carried + scanned));
  std::vector<Tensor> state;
  for (std::size_t i = 0; i < carried; ++i) state.push_back(c.input(i + 2));
  std::vector<Stack> stacks(scanned);
  for (std::int64_t turn = 0; turn < most && go_on; ++turn) {
    c.executor().count_turn();
    std::vector<Tensor> inputs{Tensor::scalar<std::int64_t>(turn), Tensor::scalar<bool>(true)};
    inputs.insert(inputs.end(), std::make_move_iterator(state.begin()), std::make_move_iterator(state.end()));
    std::vector<Tensor> results = c.executor().run(*body, inputs);
    go_on = truth(c, results[0]);
    state.assign(std::make_move_iterator(results.begin() + 1), std::make_move_iterator(results.begin() + 1 + static_cast<std::ptrdiff_t>(carried)));
    for (std::size_t i = 0; i < scanned; ++i) stacks[i].push(std::move(results[1 + carried + i]));
  }
  for (std::size_t i = 0; i < c.output_count(); ++i) {
    c.set_output(i, i < carried ? std::move(state[i]) : stacks[i - carried].finish(c, body->value(body->outputs[i + 1]).type));
  }
}
void infer_loop(InferContext& c) {
  const GraphPtr body = c.graph("body");
  const std::size_t carried = c.input_count() > 2 ? c.input_count() - 2 : 0;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    Type out = output_type(c, *body, i + 1);
    // Shapes of carried values may change from turn to turn: what the body says of its result need not hold for zero turns.
    if (i < carried) out = either(out, c.input(i + 2));
    else if (out.has_rank) out.shape.insert(out.shape.begin(), Dim{});
    c.outputs[i] = std::move(out);
  }
}

// --- Scan -----------------------------------------------------------------------------------------------------------------------------

struct ScanPlan {
  std::size_t scanned = 0, states = 0;
  std::vector<std::int64_t> input_axes, output_axes, input_backwards, output_backwards;
};
ScanPlan scan_plan(const AttributeView& c, std::size_t inputs, const Graph& body) {
  ScanPlan out;
  const std::int64_t n = c.integer("num_scan_inputs");
  if (n < 1 || n > static_cast<std::int64_t>(inputs) || body.inputs.size() != inputs) {
    c.fail(Code::corrupt, format("{} scan inputs of {}, the body takes {}", n, inputs, body.inputs.size()));
  }
  out.scanned = static_cast<std::size_t>(n);
  out.states = inputs - out.scanned;
  if (body.outputs.size() < out.states) c.fail(Code::corrupt, format("the body gives {} values for {} states", body.outputs.size(), out.states));
  const auto list = [&](std::string_view name, std::size_t size) {
    std::vector<std::int64_t> values = c.integers(name);
    if (values.empty()) values.assign(size, 0);
    if (values.size() != size) c.fail(Code::corrupt, format("{} entries in {} for {}", values.size(), name, size));
    return values;
  };
  const std::size_t outputs = body.outputs.size() - out.states;
  out.input_axes = list("scan_input_axes", out.scanned);
  out.input_backwards = list("scan_input_directions", out.scanned);
  out.output_axes = list("scan_output_axes", outputs);
  out.output_backwards = list("scan_output_directions", outputs);
  return out;
}

// Element `i` along `axis`, that dimension dropped.
Tensor pick(const KernelContext& c, const Tensor& t, std::size_t axis, std::int64_t i) {
  Shape shape = t.shape();
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Around a = around(t.shape(), axis);
  const std::size_t item = size_of(t.dtype());
  if (axis == 0 && t.dtype() != DType::string) {  // a view
    const std::size_t bytes = static_cast<std::size_t>(a.inner) * item;
    return {t.dtype(), shape, t.blob().slice(static_cast<std::size_t>(i) * bytes, bytes)};
  }
  Tensor out(t.dtype(), shape);
  dispatch_move(c, t.dtype(), [&]<class T>() {
    for (std::int64_t o = 0; o < a.outer; ++o) std::copy_n(raw<T>(t) + (o * a.length + i) * a.inner, a.inner, raw<T>(out) + o * a.inner);
  });
  return out;
}

void run_scan(KernelContext& c) {
  const GraphPtr body = c.graph("body");
  const ScanPlan plan = scan_plan(c, c.input_count(), *body);
  if (c.output_count() > body->outputs.size()) c.fail(Code::corrupt, format("{} outputs of {}", c.output_count(), body->outputs.size()));
  std::vector<std::size_t> axes;
  std::int64_t turns = -1;
  for (std::size_t i = 0; i < plan.scanned; ++i) {
    const Tensor& t = c.input(plan.states + i);
    axes.push_back(axis_of(c, plan.input_axes[i], t.rank()));
    const std::int64_t length = t.dim(axes.back());
    if (turns >= 0 && length != turns) c.fail(Code::mismatch, format("scan inputs of length {} and {}", turns, length));
    turns = length;
  }
  std::vector<Tensor> state;
  for (std::size_t i = 0; i < plan.states; ++i) state.push_back(c.input(i));
  std::vector<Stack> stacks(body->outputs.size() - plan.states);
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    std::vector<Tensor> inputs(std::make_move_iterator(state.begin()), std::make_move_iterator(state.end()));
    for (std::size_t i = 0; i < plan.scanned; ++i) {
      inputs.push_back(pick(c, c.input(plan.states + i), axes[i], plan.input_backwards[i] != 0 ? turns - 1 - turn : turn));
    }
    std::vector<Tensor> results = c.executor().run(*body, inputs);
    state.assign(std::make_move_iterator(results.begin()), std::make_move_iterator(results.begin() + static_cast<std::ptrdiff_t>(plan.states)));
    for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].push(std::move(results[plan.states + i]));
  }
  for (std::size_t i = 0; i < c.output_count(); ++i) {
    if (i < plan.states) {
      c.set_output(i, std::move(state[i]));
      continue;
    }
    const std::size_t k = i - plan.states;
    const Type& declared = body->value(body->outputs[i]).type;
    const std::int64_t axis = plan.output_axes[k];
    // A negative axis counts from the end of the result, whose rank is one more than the item's.
    const auto rank = static_cast<std::int64_t>(declared.shape.size()) + 1;
    if (axis < 0 && (!declared.has_rank || axis < -rank)) c.fail(Code::corrupt, format("scan output axis {}", axis));
    c.set_output(i, stacks[k].finish(c, declared, static_cast<std::size_t>(axis < 0 ? axis + rank : axis), plan.output_backwards[k] != 0));
  }
}
void infer_scan(InferContext& c) {
  const GraphPtr body = c.graph("body");
  const ScanPlan plan = scan_plan(c, c.input_count(), *body);
  Dim turns;
  for (std::size_t i = 0; i < plan.scanned; ++i) {
    const Type& t = c.input(plan.states + i);
    if (t.has_rank && !turns.known()) turns = t.shape[axis_of(c, plan.input_axes[i], t.shape.size())];
  }
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    Type out = output_type(c, *body, i);
    if (i < plan.states) {
      out = either(out, c.input(i));
    } else if (out.has_rank) {
      const std::size_t axis = axis_of(c, plan.output_axes[i - plan.states], out.shape.size() + 1);
      out.shape.insert(out.shape.begin() + static_cast<std::ptrdiff_t>(axis), turns);
    }
    c.outputs[i] = std::move(out);
  }
}

// --- Scan of operator set 8: each sequence of a batch by itself ---------------------------------------------------------------------------

// Inputs: lengths (optional), states [N, ...], scan inputs [N, T, ...]. Outputs: states [N, ...], scan outputs [N, T, ...].
void run_batch_scan(KernelContext& c) {
  const GraphPtr body = c.graph("body");
  if (c.input_count() < 2) c.fail(Code::corrupt, "no inputs");
  const std::size_t inputs = c.input_count() - 1, scanned = static_cast<std::size_t>(std::clamp<std::int64_t>(c.integer("num_scan_inputs"), 0, static_cast<std::int64_t>(inputs)));
  const std::size_t states = inputs - scanned;
  if (scanned == 0 || body->inputs.size() != inputs || body->outputs.size() < states || c.output_count() > body->outputs.size()) {
    c.fail(Code::corrupt, format("{} scan inputs of {}, a body of {} inputs and {} outputs", scanned, inputs, body->inputs.size(), body->outputs.size()));
  }
  std::vector<std::int64_t> backwards = c.integers("directions");
  backwards.resize(scanned, 0);
  const Tensor& first = c.input(1 + states);
  if (first.rank() < 2) c.fail(Code::mismatch, format("a scan input of shape {}", text_of(first.shape())));
  const std::int64_t batch = first.dim(0), steps = first.dim(1);
  for (std::size_t i = 0; i < inputs; ++i) {
    const Tensor& t = c.input(1 + i);
    if (t.rank() < (i < states ? 1 : 2) || t.dim(0) != batch || (i >= states && t.dim(1) != steps)) c.fail(Code::mismatch, format("an input of shape {} in a batch of {}", text_of(t.shape()), batch));
  }
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(batch), steps);
  if (c.has_input(0)) lengths = integers_of(c, c.input(0));
  if (lengths.size() != static_cast<std::size_t>(batch)) c.fail(Code::mismatch, format("{} lengths for a batch of {}", lengths.size(), batch));
  std::vector<Stack> results(body->outputs.size());
  for (std::int64_t n = 0; n < batch; ++n) {
    const std::int64_t turns = lengths[static_cast<std::size_t>(n)];
    if (turns < 0 || turns > steps) c.fail(Code::mismatch, format("a sequence of {} in {} steps", turns, steps));
    std::vector<Tensor> state, lines;
    for (std::size_t i = 0; i < inputs; ++i) (i < states ? state : lines).push_back(pick(c, c.input(1 + i), 0, n));
    std::vector<Stack> stacks(body->outputs.size() - states);
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      std::vector<Tensor> given = std::move(state);
      for (std::size_t i = 0; i < scanned; ++i) given.push_back(pick(c, lines[i], 0, backwards[i] != 0 ? turns - 1 - turn : turn));
      std::vector<Tensor> out = c.executor().run(*body, given);
      state.assign(std::make_move_iterator(out.begin()), std::make_move_iterator(out.begin() + static_cast<std::ptrdiff_t>(states)));
      for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].push(std::move(out[states + i]));
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (i < states) {
        results[i].push(std::move(state[i]));
        continue;
      }
      Tensor line = stacks[i - states].finish(c, body->value(body->outputs[i]).type);
      if (turns < steps) {  // the rest is 0
        Shape shape = line.shape();
        shape[0] = steps;
        Tensor longer(line.dtype(), shape);
        dispatch_move(c, line.dtype(), [&]<class T>() {
          if constexpr (!std::is_same_v<T, std::string>) std::fill_n(raw<T>(longer), longer.size(), T{});
          std::copy_n(raw<T>(line), line.size(), raw<T>(longer));
        });
        line = std::move(longer);
      }
      results[i].push(std::move(line));
    }
  }
  for (std::size_t i = 0; i < c.output_count(); ++i) {
    Type declared = body->value(body->outputs[i]).type;
    if (i >= states && declared.has_rank) declared.shape.insert(declared.shape.begin(), Dim{steps, {}});
    c.set_output(i, results[i].finish(c, declared));
  }
}
void infer_batch_scan(InferContext& c) {
  const GraphPtr body = c.graph("body");
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = unknown_shape(output_type(c, *body, i).dtype);
}

constexpr Op kOps[] = {
    {"decant", "BatchScan", "Scan of operator set 8: a graph run along each sequence of a batch.", infer_batch_scan, run_batch_scan},
    {"", "If", "The results of one graph or of the other.", infer_if, run_if},
    {"", "Loop", "A graph run again and again, on what it returned the turn before; scan outputs are stacked.", infer_loop, run_loop},
    {"", "Scan", "A graph run on each slice of its scan inputs; scan outputs are stacked.", infer_scan, run_scan},
};

}  // namespace

DECANT_AT_START std::span<const Op> control_ops() { return kOps; }

}  // namespace decant
