// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

namespace decant {

#define DECANT_ENTRY(family) std::span<const FastKernel> family##_kernels();
#include "kernel_families.inc"
#undef DECANT_ENTRY

DECANT_AT_START std::span<const FastKernel> all_kernels() {
  static const std::vector<FastKernel> kernels = [] {
    std::vector<FastKernel> out;
    [[maybe_unused]] const auto append = [&](std::span<const FastKernel> family) { out.insert(out.end(), family.begin(), family.end()); };
#define DECANT_ENTRY(family) append(family##_kernels());
#include "kernel_families.inc"
#undef DECANT_ENTRY
    return out;
  }();
  return kernels;
}

Kernel best_kernel(const PrepareContext& node) {
  for (const FastKernel& kernel : all_kernels()) {
    if (kernel.op != node.node().op || kernel.domain != node.node().domain) continue;
    if (std::optional<State> state = kernel.prepare(node)) return {kernel.run, std::move(*state)};
  }
  return reference_kernel(node);
}

}  // namespace decant
