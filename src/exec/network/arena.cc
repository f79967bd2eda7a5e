// SPDX-License-Identifier: Apache-2.0
#include "exec/network/arena.h"

#include <algorithm>

namespace decant {

void Arena::insert(std::size_t offset, std::size_t bytes) {
  free_.emplace(offset, bytes);
  by_size_.emplace(bytes, offset);
}

void Arena::erase(std::map<std::size_t, std::size_t>::iterator at) {
  auto [from, to] = by_size_.equal_range(at->second);
  by_size_.erase(std::find_if(from, to, [&](const auto& entry) { return entry.second == at->first; }));
  free_.erase(at);
}

std::size_t Arena::take(std::size_t bytes) {
  const std::size_t need = rounded(bytes);
  if (need == 0) return 0;
  if (const auto fit = by_size_.lower_bound(need); fit != by_size_.end()) {
    const std::size_t offset = fit->second, have = fit->first;
    erase(free_.find(offset));
    if (have > need) insert(offset + need, have - need);
    return offset;
  }
  std::size_t offset = end_;
  // A free piece at the end grows.
  if (!free_.empty()) {
    const auto last = std::prev(free_.end());
    if (last->first + last->second == end_) {
      offset = last->first;
      erase(last);
    }
  }
  end_ = offset + need;
  return offset;
}

void Arena::give_back(std::size_t offset, std::size_t bytes) {
  std::size_t size = rounded(bytes);
  if (size == 0) return;
  const auto after = free_.lower_bound(offset);
  if (after != free_.end() && after->first == offset + size) {
    size += after->second;
    erase(after);
  }
  const auto next = free_.lower_bound(offset);
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      erase(before);
    }
  }
  insert(offset, size);
}

}  // namespace decant
