// SPDX-License-Identifier: Apache-2.0
// A forest laid out for speed: 8 bytes a node, each tree in breadth-first order with siblings side by side, and sixteen walks in flight
// at a time, so that the memory latency of one hides behind the others; the next tree is fetched while one is walked (a fifth to a quarter of the
// time where the forest does not stay in the caches). Measured on unpruned trees (4,000 nodes each) this is bound by
// instructions, not by memory, and plain code does as well as AVX-512 gathers would by their published throughput on Zen 4: hence no
// dispatch by instruction set here, and the same answers everywhere.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ops/forest.h"

namespace decant {

template <class T>
class CompactForest {
 public:
  static constexpr std::size_t kLanes = 16;

  /// Nothing where the layout cannot hold the forest: it compares for equality or with lists of numbers, or has too many leaves.
  static std::optional<CompactForest> make(const Forest<T>& forest);

  std::size_t trees() const { return roots_.size(); }
  /// The nodes of the given forest where leaf `i` of tree `t` was: leaves are counted for each tree from 0, breadth first.
  std::int32_t origin(std::size_t tree, std::uint32_t leaf) const { return leaves_[leaf_base_[tree] + leaf]; }
  std::size_t leaf_base(std::size_t tree) const { return leaf_base_[tree]; }
  const std::vector<std::int32_t>& leaves() const { return leaves_; }
  /// From now on leaf `i`, counted over all trees, is called labels[i], which must be below kMostLabels, and leaf_base() is 0.
  static constexpr std::size_t kMostLabels = std::size_t{1} << 22;
  void relabel(std::span<const std::uint32_t> labels);
  /// Once what a leaf stands for is kept elsewhere by the same numbers.
  void forget_leaves() { leaves_ = {}; }

  /// A block of rows with the columns that the trees look at, sixteen rows beside each other.
  class Rows {
   public:
    Rows(const CompactForest& forest, const T* x, std::size_t rows, std::size_t columns);
    std::size_t count() const { return count_; }

   private:
    friend class CompactForest;
    std::unique_ptr<T[]> x_;
    std::size_t count_ = 0;
    bool has_nan_ = false;
  };

  /// The leaf of every row in one tree; `leaves` has room for a whole number of lanes.
  void walk(std::size_t tree, const Rows& rows, std::uint32_t* leaves) const;
  /// The leaf of one row in every tree.
  void walk_row(const T* x, std::uint32_t* leaves) const;

 private:
  static constexpr std::uint32_t kMissing = 1u << 31, kMember = 1u << 30;
  // `column` counts in lanes, the right child is child + 1. A leaf is its own right child, and its split a NaN, which nothing is below,
  // whose low bits are its number.
  struct Wide {
    T split;
    std::uint32_t where, child_;
    std::uint32_t column() const { return where & (kMember - 1); }
    std::uint32_t child() const { return child_; }
    bool missing() const { return (where & kMissing) != 0; }
    bool member() const { return (where & kMember) != 0; }
  };
  struct Packed {
    static constexpr unsigned kColumnBits = 14, kChildShift = kColumnBits + 1;
    T split;
    std::uint32_t where;
    std::uint32_t column() const { return where & ((1u << kColumnBits) - 1); }
    std::uint32_t child() const { return where >> kChildShift; }
    bool missing() const { return ((where >> kColumnBits) & 1u) != 0; }
    static constexpr bool member() { return false; }
  };
  static constexpr std::size_t kChunk = 16 * kLanes;  // rows whose walks are followed together to the end
  static constexpr std::uint32_t kSpare = 2;          // levels below the mean leaf that are walked through without looking
  static constexpr int kTurn = 3;                     // steps between two looks at which walks have ended
  struct Depth {
    std::uint32_t mean = 0, most = 0;  // of the leaves
  };

  template <bool kNaN, bool kSets, class Node>
  std::uint32_t step(const Node& n, T v) const;
  template <bool kNaN, bool kSets, class Node>
  void walk_chunk(const Node* nodes, Depth depth, const T* x, std::size_t groups, std::uint32_t* leaves) const;
  template <bool kNaN, bool kSets, class Node>
  void walk_row_in(const std::vector<Node>& nodes, const T* x, std::uint32_t* leaves) const;

  std::vector<Packed> packed_;  // one of the two
  std::vector<Wide> wide_;
  std::vector<std::uint32_t> roots_;
  std::vector<Depth> depths_;
  std::vector<std::int32_t> columns_;     // that any tree looks at
  std::vector<std::uint32_t> bits_;       // category sets
  std::size_t words_ = 0;
  std::vector<std::int32_t> leaves_;
  std::vector<std::size_t> leaf_base_;
};

extern template class CompactForest<float>;
extern template class CompactForest<double>;

}  // namespace decant
