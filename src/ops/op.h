// SPDX-License-Identifier: Apache-2.0
// What an operator is: its name, its type rule, its reference kernel and, for our own domain, its body in standard ONNX.
// One operator family is one file: ops/onnx/ (ai.onnx), ops/onnx_ml/ (ai.onnx.ml), ops/decant/ (ours). The file <family>.cc defines
// `std::span<const Op> <family>_ops()`; the list of families is made by CMake. Reference kernels are plain and right; fast ones are in kernels/.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/startup.h"
#include "ir/model.h"

namespace decant {

/// Typed access to a node's attributes. A wrong kind or a missing required attribute throws corrupt, naming node and attribute.
class AttributeView {
 public:
  explicit AttributeView(const Node& node) : node_(&node) {}
  const Node& node() const { return *node_; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const { return has(name) ? integer(name) : otherwise; }
  double real(std::string_view name) const;
  double real(std::string_view name, double otherwise) const { return has(name) ? real(name) : otherwise; }
  std::string_view text(std::string_view name) const;
  std::string_view text(std::string_view name, std::string_view otherwise) const { return has(name) ? text(name) : otherwise; }
  const Tensor& tensor(std::string_view name) const;
  GraphPtr graph(std::string_view name) const;
  std::vector<std::int64_t> integers(std::string_view name) const;  // empty where absent
  std::vector<double> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  [[noreturn]] void fail(Code code, std::string_view text) const;  // names the node

 private:
  const Attribute* find(std::string_view name) const;
  const Node* node_;
};

/// What a type rule sees. Inputs may be unknown (dtype undefined, no rank); constants are given where they are known.
class InferContext : public AttributeView {
 public:
  InferContext(const Node& node, std::vector<const Type*> inputs, std::vector<const Tensor*> constants)
      : AttributeView(node), outputs(node.outputs.size()), inputs_(std::move(inputs)), constants_(std::move(constants)) {}
  std::size_t input_count() const { return inputs_.size(); }
  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Type& input(std::size_t i) const;                 // throws corrupt where the input is missing
  const Tensor* constant(std::size_t i) const { return i < constants_.size() ? constants_[i] : nullptr; }

  std::vector<Type> outputs;  // to be filled

 private:
  std::vector<const Type*> inputs_;
  std::vector<const Tensor*> constants_;
};

/// Runs the graphs that a node's attributes hold (If, Loop, Scan): given to such a node's kernel by whoever runs the node. It knows the
/// values that these graphs capture (Node::captures), so that a kernel only gives a graph its declared inputs.
class Executor {
 public:
  virtual ~Executor() = default;
  /// `body` must be a graph of an attribute of the node; `inputs` are as body.inputs. Returns body.outputs.
  virtual std::vector<Tensor> run(const Graph& body, std::span<const Tensor> inputs) = 0;
  /// To be called once for each turn of a loop that the file alone bounds; throws limit when one run of a model makes too many.
  virtual void count_turn() = 0;
  /// What the user allows one value to take whose size a value asks for; 0: nothing was said (ops/bounded.h).
  virtual std::uint64_t memory() const = 0;
};

/// What a kernel sees while it runs. Shapes of inputs are checked by the kernel before it touches memory.
class KernelContext : public AttributeView {
 public:
  /// `places`: memory that outputs of just that type and shape are written to; empty, or one for each output, undefined where there is none.
  KernelContext(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs, const void* state, Executor* executor, std::span<const Tensor> places = {})
      : AttributeView(node), inputs_(inputs), outputs_(outputs), places_(places), state_(state), executor_(executor) {}
  std::size_t input_count() const { return inputs_.size(); }
  std::size_t output_count() const { return outputs_.size(); }
  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Tensor& input(std::size_t i) const;  // throws corrupt where the input is missing
  bool wants_output(std::size_t i) const { return i < outputs_.size(); }
  /// Memory for output `i`, to be filled.
  Tensor& output(std::size_t i, DType dtype, Shape shape);
  void set_output(std::size_t i, Tensor tensor) { outputs_[i] = std::move(tensor); }
  /// What was set before, for kernels in two steps.
  Tensor take_output(std::size_t i) { return std::move(outputs_[i]); }
  /// What prepare() returned.
  template <class T>
  const T& state() const {
    return *static_cast<const T*>(state_);
  }
  Executor& executor() const { return *executor_; }
  /// For the context of an operator that this one runs inside; null where nobody runs the graph (constants that are folded, tests).
  Executor* around() const { return executor_; }

 private:
  std::span<const Tensor* const> inputs_;
  std::span<Tensor> outputs_;
  std::span<const Tensor> places_;
  const void* state_;
  Executor* executor_;
};

/// What prepare sees, once for each session: the node, its input types, and those inputs that are constants.
struct PrepareContext : AttributeView {
  PrepareContext(const Node& node, std::vector<const Type*> types, std::vector<const Tensor*> values)
      : AttributeView(node), inputs(std::move(types)), constants(std::move(values)) {}
  std::vector<const Type*> inputs;        // null where left out
  std::vector<const Tensor*> constants;   // null where not constant
};
using State = std::shared_ptr<const void>;

class Builder;

struct Op {
  std::string_view domain, name;
  std::string_view doc;                                // shapes, dtypes, source of the rule
  void (*infer)(InferContext&) = nullptr;
  void (*run)(KernelContext&) = nullptr;
  State (*prepare)(const PrepareContext&) = nullptr;   // what can be computed once
  /// Domain "decant" only: the same computation in standard ONNX, as far as ONNX can say it. Returns the outputs.
  std::vector<ValueId> (*lower)(Builder&, const Node&, const std::vector<ValueId>& inputs) = nullptr;
  /// What `lower` loses, "" where it is exact: shown by convert. Without a body, why it has none: then the operator itself is written.
  std::string_view lower_loss = {};
};

/// Every operator, sorted by domain and name.
std::span<const Op> all_ops();
/// Nothing when the operator is unknown: such a node loads, is shown, and is an error only when run.
const Op* find_op(std::string_view domain, std::string_view name);

}  // namespace decant
