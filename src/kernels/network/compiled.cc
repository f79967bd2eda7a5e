// SPDX-License-Identifier: Apache-2.0
#include "kernels/network/compiled.h"

#include <algorithm>

namespace decant {

bool CompileContext::all_float() const {
  const auto other = [](const Operand& o) { return o.present() && o.dtype != DType::float32; };
  return std::ranges::none_of(inputs, other) && std::ranges::none_of(outputs, other);
}

CompiledPtr compile(const CompileContext& c) {
  for (const auto list : {onednn_entries(), linear_entries(), elementwise_entries(), rows_entries(), moves_entries(), recurrent_entries()}) {
    for (const CompileEntry& entry : list) {
      if (entry.op != c.node().op || entry.domain != c.node().domain) continue;
      if (CompiledPtr out = entry.compile(c)) return out;
    }
  }
  return nullptr;
}

}  // namespace decant
