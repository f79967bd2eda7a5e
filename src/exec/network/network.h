// SPDX-License-Identifier: Apache-2.0
// A graph planned for inputs of fixed shapes: operators are compiled, layouts agreed on, and every value of known shape has its place in one
// block of memory. What cannot be planned (values whose shapes depend on data, operators without a fast kernel) is run by its reference
// kernel in between.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/network/draft.h"
#include "exec/session.h"
#include "kernels/network/compiled.h"
#include "ops/interpret.h"

namespace decant {

class Network {
 public:
  /// `memory`: SessionOptions::memory.
  Network(Draft draft, unsigned threads, PackCache& packs, std::uint64_t memory = 0);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Inputs as planned for. `outputs` that are of the right type and shape already are written in place. May be called from several threads
  /// at once: each run takes memory of its own, which is kept for later runs. `times`: one entry for each step, added up.
  void run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs, std::vector<StepTime>* times = nullptr) const;

  /// Takes the memory of a run in advance, so that the first one finds it.
  void reserve() const;

  /// What became of the graph, one line a step: for tests and for people.
  std::string describe() const;
  std::size_t arena_bytes() const { return arena_bytes_; }
  /// The memory is in proportion to the network and its inputs; it must not be run otherwise.
  bool fits() const { return fits_; }

 private:
  struct Slot;      // a place in the arena
  struct Step;
  struct Context;   // memory of one run
  class Compiler;

  std::unique_ptr<Context> make_context() const;
  void run_generic(const Step& step, Context& context, Turns& turns) const;
  const Tensor& view_of(Context& context, ValueId id, std::int32_t slot) const;
  const Tensor* value_of(Context& context, ValueId id) const;

  Draft draft_;
  unsigned threads_;
  std::uint64_t memory_;
  std::vector<Slot> slots_;
  std::vector<Step> steps_;
  std::vector<std::int32_t> slot_of_;    // of each value: its place in row-major order, or -1
  std::vector<std::int32_t> output_slot_;  // of each output, or -1
  std::size_t arena_bytes_ = 0, scratch_at_ = 0;
  bool fits_ = true;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Context>> spare_;
};

/// Whether planning is worth its time for this graph: it holds products or convolutions of float32.
bool is_network(const Graph& graph);

}  // namespace decant
