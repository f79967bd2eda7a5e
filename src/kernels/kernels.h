// SPDX-License-Identifier: Apache-2.0
// Fast variants of operators, chosen at plan time by operator and types; each computes what its reference kernel in ops/ computes,
// and a differential test holds the two together. The file families/<family>.cc defines `std::span<const FastKernel> <family>_kernels()`.
#pragma once

#include <span>
#include <string_view>

#include "ops/op.h"

namespace decant {

struct FastKernel {
  std::string_view domain, op;
  /// Whether this kernel can do this node (types, attributes, constants).
  bool (*accepts)(const PrepareContext&) = nullptr;
  State (*prepare)(const PrepareContext&) = nullptr;
  void (*run)(KernelContext&) = nullptr;
};

/// The kernel for this node, or null: then the reference kernel runs.
const FastKernel* find_kernel(const PrepareContext& node);
std::span<const FastKernel> all_kernels();

}  // namespace decant
