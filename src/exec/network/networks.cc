// SPDX-License-Identifier: Apache-2.0
#include "exec/network/networks.h"

#include <algorithm>

namespace decant {

Networks::Networks(const Graph& graph, unsigned threads, std::uint64_t memory) : graph_(graph), threads_(threads), memory_(memory) {
  for (const auto& entry : graph.constants) packs_.lasting.insert(entry.second.blob().bytes.data());
}

namespace {
DType dtype(const Tensor& t) { return t.dtype(); }
const Shape& shape(const Tensor& t) { return t.shape(); }
DType dtype(const std::pair<DType, Shape>& t) { return t.first; }
const Shape& shape(const std::pair<DType, Shape>& t) { return t.second; }
}  // namespace

template <class Inputs>
std::shared_ptr<const Network> Networks::plan_of(std::span<const ValueId> outputs, const Inputs& inputs) {
  constexpr std::size_t kMost = 16;
  const std::lock_guard lock(mutex_);
  const auto fits = [&](const Planned& p) {
    return std::ranges::equal(p.outputs, outputs) && std::ranges::equal(p.inputs, inputs, [](const auto& have, const auto& t) { return have.first == dtype(t) && have.second == shape(t); });
  };
  const auto found = std::ranges::find_if(plans_, fits);
  if (found != plans_.end()) {
    if (found != plans_.begin()) plans_.splice(plans_.begin(), plans_, found);
    return plans_.front().network;
  }
  std::vector<Type> types;
  Planned made{{outputs.begin(), outputs.end()}, {}, nullptr};
  for (const auto& t : inputs) {
    types.push_back({dtype(t), true, {}, DType::undefined});
    for (const std::int64_t d : shape(t)) types.back().shape.push_back({d, {}});
    made.inputs.emplace_back(dtype(t), shape(t));
  }
  Draft draft = make_draft(graph_, outputs, types);
  for (const Pass& pass : passes()) pass.run(draft);
  made.network = std::make_shared<const Network>(std::move(draft), threads_, packs_, memory_);
  if (!made.network->fits()) made.network = nullptr;
  plans_.push_front(std::move(made));
  if (plans_.size() > kMost) plans_.pop_back();
  return plans_.front().network;
}

std::shared_ptr<const Network> Networks::plan(std::span<const ValueId> outputs, std::span<const Tensor> inputs) { return plan_of(outputs, inputs); }
std::shared_ptr<const Network> Networks::plan(std::span<const ValueId> outputs, std::span<const std::pair<DType, Shape>> inputs) { return plan_of(outputs, inputs); }

}  // namespace decant
