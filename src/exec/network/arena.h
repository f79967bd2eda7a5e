// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace decant {

/// Hands out pieces of one block of memory in the order of a plan: the smallest free piece that fits, or new memory at the end.
/// Everything is a multiple of 64 bytes.
class Arena {
 public:
  std::size_t take(std::size_t bytes);
  void give_back(std::size_t offset, std::size_t bytes);
  std::size_t size() const { return end_; }

 private:
  static std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
  std::map<std::size_t, std::size_t> free_;  // offset: bytes; neighbours are joined
  std::multimap<std::size_t, std::size_t> by_size_;
  void insert(std::size_t offset, std::size_t bytes);
  void erase(std::map<std::size_t, std::size_t>::iterator at);
  std::size_t end_ = 0;
};

}  // namespace decant
