// SPDX-License-Identifier: Apache-2.0
// Runs a graph node by node with its operators' own kernels: the bodies of If, Loop and Scan, constants that are folded, tests. Whole
// models are run by exec/session.h, which plans and chooses fast kernels.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

namespace decant {

/// What one run of a model may still cost, shared by all bodies that it runs.
class Turns {
 public:
  /// Real decoders loop thousands of times; a file that asks for more than this is not waited for. `memory`: Executor::memory.
  explicit Turns(std::uint64_t most = 2'000'000, std::uint64_t memory = 0) : left_(most), memory_(memory) {}
  static Turns with_memory(std::uint64_t memory) { return Turns(2'000'000, memory); }
  void take();
  std::uint64_t memory() const { return memory_; }

 private:
  std::atomic<std::uint64_t> left_;
  std::uint64_t memory_;
};

/// How a node is run.
struct Kernel {
  void (*run)(KernelContext&) = nullptr;
  State state;
};
using ChooseKernel = std::function<Kernel(const PrepareContext&)>;
/// The reference kernel. Throws unsupported for an operator that has none.
Kernel reference_kernel(const PrepareContext& context);

class GraphRunner;

/// The graphs of one node's attributes, made ready once; empty for most nodes.
class Bodies {
 public:
  Bodies() = default;
  Bodies(const Node& node, const ChooseKernel& choose);
  bool empty() const { return graphs_.empty(); }
  /// `captured`: the values of node.captures.
  std::vector<Tensor> run(const Graph& body, std::span<const Tensor> inputs, std::span<const Tensor> captured, Turns& turns) const;

 private:
  struct Body;
  std::vector<std::shared_ptr<const Body>> graphs_;
};

/// The Executor of one node while it runs.
class NodeExecutor final : public Executor {
 public:
  NodeExecutor(const Bodies& bodies, std::vector<Tensor> captured, Turns& turns) : bodies_(bodies), captured_(std::move(captured)), turns_(turns) {}
  std::vector<Tensor> run(const Graph& body, std::span<const Tensor> inputs) override { return bodies_.run(body, inputs, captured_, turns_); }
  void count_turn() override { turns_.take(); }
  std::uint64_t memory() const override { return turns_.memory(); }

 private:
  const Bodies& bodies_;
  std::vector<Tensor> captured_;
  Turns& turns_;
};

class GraphRunner {
 public:
  /// The graph must outlive the runner. Only nodes that the outputs need are made ready.
  explicit GraphRunner(const Graph& graph, const ChooseKernel& choose = reference_kernel);
  std::vector<Tensor> run(std::span<const Tensor> inputs, std::span<const Tensor> captures, Turns& turns) const;

 private:
  struct Step {
    const Node* node;
    Kernel kernel;
    Bodies bodies;
    std::vector<ValueId> forget;  // values that nothing needs after this step
  };
  const Graph& graph_;
  std::vector<Step> steps_;
};

}  // namespace decant
