// SPDX-License-Identifier: Apache-2.0
// Fast variants of operators, chosen when a session makes a node ready; each computes what its reference kernel in ops/ computes, and a
// differential test holds the two together. The file families/<family>.cc defines `std::span<const FastKernel> <family>_kernels()`.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "ops/interpret.h"

namespace decant {

struct FastKernel {
  std::string_view domain, op;
  /// What the kernel computes once for this node, perhaps a null State; nothing where it cannot do the node (types, attributes, constants).
  std::optional<State> (*prepare)(const PrepareContext&) = nullptr;
  void (*run)(KernelContext&) = nullptr;
};

/// The fast kernel where there is one for this node, else the reference kernel.
Kernel best_kernel(const PrepareContext& node);
std::span<const FastKernel> all_kernels();

}  // namespace decant
