// SPDX-License-Identifier: Apache-2.0
#include "io/budget.h"

#include <algorithm>

#include "base/checked.h"
#include "base/text.h"

namespace decant {

Limits Limits::for_size(std::uint64_t size, std::uint64_t memory) {
  constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30;
  Limits out;
  // A symbolic tree costs up to a few dozen bytes for each byte of opcodes, but large pickles are mostly arrays, which stay views.
  out.memory = 96 * kMiB + std::min(sat_mul(size, 4), 64 * kGiB);
  // Real models compress 2 to 20 times; the bombs that were seen reach 1,000.
  out.inflate = std::clamp(sat_mul(size, 100), 32 * kMiB, std::max(kGiB, sat_mul(size, 8)));
  out.items = 4'000'000 + size;
  if (memory != 0) out.memory = out.inflate = memory, out.items = std::max(out.items, memory / 16);
  return out;
}

void Budget::admit(const std::string& file, std::uint64_t size) {
  if (!admitted_.insert(file).second) return;
  size_ = sat_add(size_, size);
  limits_ = Limits::for_size(size_, allowed_);
}

void Budget::spend(std::uint64_t& used, std::uint64_t most, std::uint64_t bytes, const char* what, const Where& where) {
  if (bytes > most - used) {
    throw Error(Code::limit, where,
                format("{} needs {}, the budget has {} left; raise --max-memory if you trust this file", what, human_bytes(bytes),
                       human_bytes(most - used)));
  }
  used += bytes;
}

void Budget::charge_items(std::uint64_t items, const Where& where) {
  if (items > limits_.items - items_) {
    throw Error(Code::limit, where, format("more than {} items; raise --max-memory if you trust this file", limits_.items));
  }
  items_ += items;
}

void Budget::check_depth(std::uint32_t depth, const Where& where) const {
  if (depth > limits_.depth) throw Error(Code::limit, where, format("nested deeper than {} levels", limits_.depth));
}

}  // namespace decant
