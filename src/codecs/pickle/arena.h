// SPDX-License-Identifier: Apache-2.0
// Where the nodes of a pickle live: bump allocation, charged to the budget chunk by chunk, freed all at once.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "codecs/pickle/pickle.h"

namespace decant::pickle {

class Arena {
 public:
  Arena(Budget& budget, Where where) : budget_(budget), where_(std::move(where)) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (void* list : large_) std::free(list);
  }

  template <class T>
  T* make() {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlign);
    return new (take(sizeof(T))) T();
  }
  std::byte* bytes(std::size_t n) { return take(n); }

  void push(Refs& refs, Ref ref) {
    if (refs.size_ == refs.capacity_) reserve(refs, refs.size_ == 0 ? 1 : 2 * static_cast<std::size_t>(refs.size_));
    refs.data_[refs.size_++] = ref;
  }
  void append(Refs& refs, const Ref* first, std::size_t n) {
    if (n == 0) return;
    const std::size_t needed = refs.size_ + n;
    if (needed > refs.capacity_) reserve(refs, std::max(needed, refs.size_ == 0 ? 0 : 2 * static_cast<std::size_t>(refs.size_)));
    std::copy_n(first, n, refs.data_ + refs.size_);
    refs.size_ = static_cast<std::uint32_t>(needed);
  }
  void replace(Refs& refs, std::size_t i, Ref ref) { refs.data_[i] = ref; }

 private:
  static constexpr std::size_t kAlign = 8;  // pointers, int64 and double are all there is
  static constexpr std::size_t kFirst = 4096, kMost = std::size_t{1} << 20, kLarge = std::size_t{1} << 16;

  void reserve(Refs& refs, std::size_t capacity) {
    if (capacity > 0xFFFFFFFFu) throw Error(Code::limit, where_, "a container of more than 2^32 items");
    const std::size_t old = refs.capacity_ * sizeof(Ref), grown = capacity * sizeof(Ref);
    if (grown >= kLarge) {
      reserve_large(refs, old, grown);
    } else if (refs.data_ != nullptr && reinterpret_cast<std::byte*>(refs.data_) + old == at_ && grown - old <= left_) {
      // A list that grows is usually the last thing that was allocated: then it grows in place.
      at_ += grown - old;
      left_ -= grown - old;
    } else {
      auto* data = reinterpret_cast<Ref*>(take(grown));
      std::copy_n(refs.data_, refs.size_, data);
      refs.data_ = data;
    }
    refs.capacity_ = static_cast<std::uint32_t>(capacity);
  }

  // Large lists have memory of their own: realloc moves pages, where the arena would have to leave every smaller copy behind.
  void reserve_large(Refs& refs, std::size_t old, std::size_t grown) {
    const bool was_large = old >= kLarge;
    budget_.charge(was_large ? grown - old : grown, "the tree of a pickle", where_);
    auto slot = was_large ? std::find(large_.begin(), large_.end(), static_cast<void*>(refs.data_)) : large_.insert(large_.end(), nullptr);
    void* data = std::realloc(*slot, grown);
    if (data == nullptr) throw std::bad_alloc();
    *slot = data;
    if (!was_large) std::copy_n(refs.data_, refs.size_, static_cast<Ref*>(data));
    refs.data_ = static_cast<Ref*>(data);
  }

  std::byte* take(std::size_t n) {
    n = (n + kAlign - 1) / kAlign * kAlign;
    if (n > left_) {
      const std::size_t size = std::max(n, next_);
      budget_.charge(size, "the tree of a pickle", where_);
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
      next_ = std::min(2 * next_, kMost);
      if (n > kMost / 4 && size == n) return chunks_.back().get();  // large: a chunk of its own, the open one stays open
      at_ = chunks_.back().get();
      left_ = size;
    }
    std::byte* out = at_;
    at_ += n;
    left_ -= n;
    return out;
  }

  Budget& budget_;
  Where where_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::vector<void*> large_;
  std::byte* at_ = nullptr;
  std::size_t left_ = 0, next_ = kFirst;
};

}  // namespace decant::pickle
