// SPDX-License-Identifier: Apache-2.0
// What every fuzz target asserts: nothing but a decant::Error escapes a parser (anything else ends the process), and the budget holds:
// 64 MiB here, below the limit that the fuzzer sets for the process, so a bomb must be refused and not killed.
#pragma once

#include <cstdint>

#include "io/cursor.h"

namespace decant::fuzz {

inline constexpr std::uint64_t kMemory = std::uint64_t{64} << 20;

inline Source source(const std::uint8_t* data, std::size_t size) {
  return Source::memory(Blob::copy_of(std::as_bytes(std::span(data, size))), "fuzz", kMemory);
}

/// Runs `read`; an Error is a good answer.
template <class Read>
int accept(Read read) {
  try {
    read();
  } catch (const Error&) {
  }
  return 0;
}

/// Ends the process: an invariant does not hold.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace decant::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
