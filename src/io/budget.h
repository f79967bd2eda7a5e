// SPDX-License-Identifier: Apache-2.0
// What one opened file may cost. Every reader charges before it allocates, so that a small file cannot ask for a large machine.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/error.h"

namespace decant {

struct Limits {
  std::uint64_t memory = 0;   // bytes that parsing may allocate
  std::uint64_t inflate = 0;  // bytes that decompression may produce
  std::uint64_t items = 0;    // parsed items (opcodes, entries, nodes): bounds time
  std::uint32_t depth = 256;  // nesting, in every recursive codec

  /// Limits that fit a file of `size` bytes: generous for real models, small for small files. `memory` is what the user allows; 0 when
  /// nothing was said.
  static Limits for_size(std::uint64_t size, std::uint64_t memory = 0);
};

class Budget {
 public:
  explicit Budget(std::uint64_t size, std::uint64_t memory = 0) : size_(size), allowed_(memory), limits_(Limits::for_size(size, memory)) {}

  /// The model lies in one more file: its bytes count like those of the first. Once for each name, however often a model names it.
  void admit(const std::string& file, std::uint64_t size);

  /// Account for `bytes` about to be allocated for `what`; throws `limit` with both numbers and the remedy.
  void charge(std::uint64_t bytes, const char* what, const Where& where) { spend(memory_, limits_.memory, bytes, what, where); }
  void charge_inflate(std::uint64_t bytes, const Where& where) { spend(inflate_, limits_.inflate, bytes, "decompressed data", where); }
  void charge_items(std::uint64_t items, const Where& where);
  void check_depth(std::uint32_t depth, const Where& where) const;

  std::uint64_t inflate_left() const { return limits_.inflate - inflate_; }
  std::uint64_t memory_left() const { return limits_.memory - memory_; }
  const Limits& limits() const { return limits_; }

 private:
  static void spend(std::uint64_t& used, std::uint64_t most, std::uint64_t bytes, const char* what, const Where& where);

  std::uint64_t size_, allowed_;
  Limits limits_;
  std::set<std::string> admitted_;
  std::uint64_t memory_ = 0, inflate_ = 0, items_ = 0;
};

}  // namespace decant
