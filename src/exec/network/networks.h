// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "exec/network/network.h"

namespace decant {

/// The plans of one model, one for each set of outputs and of input shapes; those that were not used for long are forgotten.
class Networks {
 public:
  /// `memory`: SessionOptions::memory.
  Networks(const Graph& graph, unsigned threads, std::uint64_t memory);
  /// Inputs must be tensors of numbers. Null where a plan would take memory out of proportion.
  std::shared_ptr<const Network> plan(std::span<const ValueId> outputs, std::span<const Tensor> inputs);
  /// The same before there are inputs; each is an element type and a shape.
  std::shared_ptr<const Network> plan(std::span<const ValueId> outputs, std::span<const std::pair<DType, Shape>> inputs);

 private:
  template <class Inputs>
  std::shared_ptr<const Network> plan_of(std::span<const ValueId> outputs, const Inputs& inputs);
  struct Planned {
    std::vector<ValueId> outputs;
    std::vector<std::pair<DType, Shape>> inputs;
    std::shared_ptr<const Network> network;
  };
  const Graph& graph_;
  unsigned threads_;
  std::uint64_t memory_;
  std::mutex mutex_;
  std::list<Planned> plans_;  // the last used first
  PackCache packs_;
};

}  // namespace decant
