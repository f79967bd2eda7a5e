// SPDX-License-Identifier: Apache-2.0
#include "exec/network/networks.h"

#include <algorithm>

namespace decant {

Networks::Networks(const Graph& graph, unsigned threads) : graph_(graph), threads_(threads) {
  for (const auto& entry : graph.constants) packs_.lasting.insert(entry.second.blob().bytes.data());
}

std::shared_ptr<const Network> Networks::plan(std::span<const ValueId> outputs, std::span<const Tensor> inputs) {
  constexpr std::size_t kMost = 16;
  const std::lock_guard lock(mutex_);
  const auto fits = [&](const Planned& p) {
    return std::ranges::equal(p.outputs, outputs) && std::ranges::equal(p.inputs, inputs, [](const auto& have, const Tensor& t) { return have.first == t.dtype() && have.second == t.shape(); });
  };
  const auto found = std::ranges::find_if(plans_, fits);
  if (found != plans_.end()) {
    if (found != plans_.begin()) plans_.splice(plans_.begin(), plans_, found);
    return plans_.front().network;
  }
  std::vector<Type> types;
  Planned made{{outputs.begin(), outputs.end()}, {}, nullptr};
  for (const Tensor& t : inputs) {
    types.push_back(Type::of(t));
    made.inputs.emplace_back(t.dtype(), t.shape());
  }
  Draft draft = make_draft(graph_, outputs, types);
  for (const Pass& pass : passes()) pass.run(draft);
  made.network = std::make_shared<const Network>(std::move(draft), threads_, packs_);
  if (!made.network->fits()) made.network = nullptr;
  plans_.push_front(std::move(made));
  if (plans_.size() > kMost) plans_.pop_back();
  return plans_.front().network;
}

}  // namespace decant
