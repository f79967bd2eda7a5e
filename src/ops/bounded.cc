// SPDX-License-Identifier: Apache-2.0
#include "ops/bounded.h"

#include <algorithm>

#include "base/checked.h"
#include "base/text.h"

namespace decant {

std::uint64_t most_by_value(const KernelContext& c) {
  std::uint64_t most = std::max(kMostByValue, c.around() != nullptr ? c.around()->memory() : 0);
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    if (c.has_input(k)) most = sat_add(most, sat_mul(16, c.input(k).blob().size()));
  }
  return most;
}

Tensor& output_by_value(KernelContext& c, std::size_t i, DType dtype, Shape shape) {
  const std::uint64_t bytes = sat_mul(count_of(shape), size_of(dtype));
  if (bytes > most_by_value(c)) c.fail(Code::limit, format("a result of shape {} needs {}, which is out of proportion; raise --max-memory if you trust this file", text_of(shape), human_bytes(bytes)));
  return c.output(i, dtype, std::move(shape));
}

}  // namespace decant
