// SPDX-License-Identifier: Apache-2.0
// For the tests of fast kernels: one node run by its reference kernel or by its fast one.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernels.h"

namespace decant {

inline Node make_node(std::string domain, std::string op, std::size_t inputs, Attributes attributes) {
  Node node{std::move(domain), std::move(op), "test", {}, {0}, std::move(attributes), {}};
  for (std::size_t i = 0; i < inputs; ++i) node.inputs.push_back(static_cast<ValueId>(i + 1));
  return node;
}

/// Inputs from `constants_from` on are constants, as the kernel sees them when it prepares.
inline PrepareContext prepare_context(const Node& node, const std::vector<Tensor>& inputs, std::vector<Type>& types, std::size_t constants_from) {
  for (const Tensor& t : inputs) types.push_back(Type::of(t));
  for (std::size_t i = 0; i < std::min(constants_from, types.size()); ++i) {
    for (Dim& d : types[i].shape) d = Dim{};
  }
  std::vector<const Type*> type_at;
  std::vector<const Tensor*> constant_at;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    type_at.push_back(&types[i]);
    constant_at.push_back(i >= constants_from ? &inputs[i] : nullptr);
  }
  return {node, std::move(type_at), std::move(constant_at)};
}

inline Tensor run_kernel(const Kernel& kernel, const Node& node, const std::vector<Tensor>& inputs) {
  std::vector<const Tensor*> in;
  for (const Tensor& t : inputs) in.push_back(&t);
  std::vector<Tensor> out(1);
  KernelContext context(node, in, out, kernel.state.get(), nullptr);
  kernel.run(context);
  return out[0];
}

struct Both {
  Tensor reference, fast;
  bool is_fast = false;  // whether there was a fast kernel at all
};

inline Both run_both(const Node& node, const std::vector<Tensor>& inputs, std::size_t constants_from = ~std::size_t{0}) {
  std::vector<Type> types;
  const PrepareContext context = prepare_context(node, inputs, types, constants_from);
  const Kernel reference = reference_kernel(context), fast = best_kernel(context);
  return {run_kernel(reference, node, inputs), run_kernel(fast, node, inputs), fast.run != reference.run};
}

}  // namespace decant
