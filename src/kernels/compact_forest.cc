// SPDX-License-Identifier: Apache-2.0
#include "kernels/compact_forest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace decant {
namespace {

template <class T>
struct LeafCode;
template <>
struct LeafCode<float> {
  using Bits = std::uint32_t;
  static constexpr Bits kNaN = 0x7FC00000u;
  static constexpr std::size_t kMost = std::size_t{1} << 22;
};
template <>
struct LeafCode<double> {
  using Bits = std::uint64_t;
  static constexpr Bits kNaN = 0x7FF8000000000000u;
  static constexpr std::size_t kMost = std::size_t{1} << 31;
};

template <class T>
T leaf_split(std::size_t leaf) {
  using Code = LeafCode<T>;
  return std::bit_cast<T>(static_cast<typename Code::Bits>(Code::kNaN | leaf));
}
template <class T>
std::uint32_t leaf_of(T split) {
  using Code = LeafCode<T>;
  return static_cast<std::uint32_t>(std::bit_cast<typename Code::Bits>(split) & (Code::kMost - 1));
}

}  // namespace

template <class T>
std::optional<CompactForest<T>> CompactForest<T>::make(const Forest<T>& forest) {
  using From = typename Forest<T>::Node;
  CompactForest out;
  out.words_ = forest.words;
  out.bits_ = forest.bits;

  // Every comparison as "at most" for the left child: the others are its negation, or its neighbour among the numbers.
  std::vector<std::int32_t> column_of(static_cast<std::size_t>(forest.feature_count), -1);
  bool sets = false;
  for (const From& n : forest.nodes) {
    if (n.feature < 0) continue;
    if (n.mode == Branch::equal || n.mode == Branch::not_equal || (n.mode == Branch::member && forest.words == 0)) return std::nullopt;
    const bool strict = n.mode == Branch::less || n.mode == Branch::greater_equal;
    // A NaN marks leaves; nothing is the neighbour below the least of all.
    if (n.mode != Branch::member && (n.split != n.split || (strict && n.split == -std::numeric_limits<T>::infinity()))) return std::nullopt;
    sets = sets || n.mode == Branch::member;
    column_of[static_cast<std::size_t>(n.feature)] = 0;
  }
  for (std::size_t f = 0; f < column_of.size(); ++f) {
    if (column_of[f] < 0) continue;
    column_of[f] = static_cast<std::int32_t>(out.columns_.size());
    out.columns_.push_back(static_cast<std::int32_t>(f));
  }
  // Leaves look at the first column too, so there must be one.
  if (out.columns_.empty() || out.columns_.size() > kMember / kLanes) return std::nullopt;

  // Breadth first. A tree that is one leaf becomes a node with that leaf on both sides, so that a walk need not ask.
  const std::size_t total = forest.nodes.size() + 2 * forest.roots.size();
  std::size_t largest = 0;
  std::vector<std::int32_t> order;
  const auto at = [&](std::int32_t i) -> const From& { return forest.nodes[static_cast<std::size_t>(i)]; };
  for (const std::int32_t root : forest.roots) {
    order.assign(1, root);
    for (std::size_t k = 0; k < order.size(); ++k) {
      const From& n = at(order[k]);
      if (n.feature >= 0) order.insert(order.end(), {n.yes, n.no});
    }
    largest = std::max(largest, order.size());
  }
  largest = std::max<std::size_t>(largest, 3);
  if (largest / 2 + 1 > LeafCode<T>::kMost || largest >= (std::size_t{1} << 31)) return std::nullopt;
  const bool pack = std::is_same_v<T, float> && !sets && out.columns_.size() <= (1u << Packed::kColumnBits) / kLanes && largest < (1u << (32 - Packed::kChildShift));
  if (total > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const auto reserve = [&](auto& nodes) { nodes.reserve(total); };
  pack ? reserve(out.packed_) : reserve(out.wide_);
  out.leaves_.reserve(forest.nodes.size() / 2 + forest.roots.size());

  const auto push = [&](T split, std::uint32_t column, std::uint32_t child, bool missing, bool member) {
    const std::uint32_t lane_column = column * kLanes;
    if (pack) out.packed_.push_back({split, lane_column | (missing ? 1u << Packed::kColumnBits : 0u) | (child << Packed::kChildShift)});
    else out.wide_.push_back({split, lane_column | (missing ? kMissing : 0u) | (member ? kMember : 0u), child});
  };
  for (const std::int32_t root : forest.roots) {
    out.roots_.push_back(static_cast<std::uint32_t>(pack ? out.packed_.size() : out.wide_.size()));
    out.leaf_base_.push_back(out.leaves_.size());
    if (at(root).feature < 0) {
      push(T{0}, 0, 1, false, false);
      push(leaf_split<T>(0), 0, 0, false, false);
      push(leaf_split<T>(0), 0, 1, false, false);
      out.leaves_.push_back(root);
      out.depths_.push_back({1, 1});
      continue;
    }
    order.assign(1, root);
    std::uint64_t levels = 0;
    std::size_t level_end = 1;
    std::uint32_t level = 0, next = 1;
    for (std::size_t k = 0; k < order.size(); ++k) {
      if (k == level_end) {
        level_end = order.size();
        ++level;
      }
      const std::int32_t node = order[k];  // a copy: the vector grows
      const From& n = at(node);
      if (n.feature < 0) {
        levels += level;
        push(leaf_split<T>(out.leaves_.size() - out.leaf_base_.back()), 0, static_cast<std::uint32_t>(k) - 1, false, false);
        out.leaves_.push_back(node);
        continue;
      }
      const bool swap = n.mode == Branch::greater || n.mode == Branch::greater_equal;
      const bool strict = n.mode == Branch::less || n.mode == Branch::greater_equal;
      T split = n.split;
      if (strict) split = std::nextafter(split, -std::numeric_limits<T>::infinity());
      if (n.mode == Branch::member) split = static_cast<T>(n.set);
      push(split, static_cast<std::uint32_t>(column_of[static_cast<std::size_t>(n.feature)]), next, n.missing_yes != swap, n.mode == Branch::member);
      next += 2;
      if (swap) order.insert(order.end(), {n.no, n.yes});
      else order.insert(order.end(), {n.yes, n.no});
    }
    const std::size_t leaves = out.leaves_.size() - out.leaf_base_.back();
    const auto mean = static_cast<std::uint32_t>((levels + leaves / 2) / leaves);
    // In the shallow trees of boosting a few steps too many cost less than looking which walks have ended.
    out.depths_.push_back({level <= mean + kSpare ? level : mean, level});
  }
  // A set is stored in the place of the split, which must hold its number exactly.
  if (sets && static_cast<double>(out.bits_.size() / out.words_) > std::ldexp(1.0, std::numeric_limits<T>::digits)) return std::nullopt;
  return out;
}

template <class T>
void CompactForest<T>::relabel(std::span<const std::uint32_t> labels) {
  const auto rename = [&](auto& nodes) {
    std::size_t tree = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      while (tree + 1 < roots_.size() && i >= roots_[tree + 1]) ++tree;
      T& split = nodes[i].split;
      if (split != split) split = leaf_split<T>(labels[leaf_base_[tree] + leaf_of(split)]);
    }
  };
  rename(packed_);
  rename(wide_);
  std::ranges::fill(leaf_base_, std::size_t{0});
}

// The child that `v` goes to, relative to the root of its tree.
template <class T>
template <bool kNaN, bool kSets, class Node>
std::uint32_t CompactForest<T>::step(const Node& n, T v) const {
  if constexpr (kSets) {
    if (n.member()) {
      bool yes = n.missing();
      if (v == v) {
        yes = false;
        if (v >= 0 && v < static_cast<T>(words_ * 32)) {
          const auto value = static_cast<std::size_t>(v);
          yes = ((bits_[static_cast<std::size_t>(n.split) * words_ + value / 32] >> (value % 32)) & 1u) != 0;
        }
      }
      return n.child() + !yes;
    }
  }
  if constexpr (kNaN) return n.child() + !(static_cast<int>(v <= n.split) | (static_cast<int>(v != v) & static_cast<int>(n.missing())));
  else return n.child() + !(v <= n.split);
}

// All rows take as many steps as the mean leaf is deep: a walk that has ended stays where it is. Then only those that have not are followed
// on, a few steps at a time. (Against going on until the last of each sixteen has ended: 15.5 ns a row and tree instead of 19 to 27.)
template <class T>
template <bool kNaN, bool kSets, class Node>
void CompactForest<T>::walk_chunk(const Node* nodes, Depth depth, const T* x, std::size_t groups, std::uint32_t* leaves) const {
  const std::size_t group = columns_.size() * kLanes;
  std::uint32_t at[kChunk];
  for (std::size_t g = 0; g < groups; ++g) {
    const T* here = x + g * group;
    std::uint32_t i[kLanes];
    for (std::uint32_t& each : i) each = 0;
    for (std::uint32_t d = 0; d < depth.mean; ++d) {
#pragma GCC unroll 16
      for (std::size_t l = 0; l < kLanes; ++l) {
        const Node n = nodes[i[l]];
        i[l] = step<kNaN, kSets>(n, here[n.column() + l]);
      }
    }
    std::copy_n(i, kLanes, at + g * kLanes);
  }
  const std::size_t rows = groups * kLanes;
  if (depth.mean == depth.most) {
    for (std::size_t r = 0; r < rows; ++r) leaves[r] = leaf_of(nodes[at[r]].split);
    return;
  }
  std::uint16_t row[kChunk];
  const T* from[kChunk];
  // Writes down the leaf, or what only looks like one and will be overwritten, and keeps the walk where it has not ended.
  std::size_t open = 0;
  const auto keep = [&](std::uint16_t r, const T* start, std::uint32_t node) {
    const T split = nodes[node].split;
    leaves[r] = leaf_of(split);
    row[open] = r;
    from[open] = start;
    at[open] = node;
    open += split == split;
  };
  for (std::size_t r = 0; r < rows; ++r) keep(static_cast<std::uint16_t>(r), x + r / kLanes * group + r % kLanes, at[r]);
  while (open != 0) {
    const std::size_t count = open;
    open = 0;  // never overtakes `k`
    std::size_t k = 0;
    const auto some = [&]<std::size_t kMany>(std::integral_constant<std::size_t, kMany>) {
      std::uint32_t i[kMany];
      std::copy_n(at + k, kMany, i);
      for (int turn = 0; turn < kTurn; ++turn) {
#pragma GCC unroll 8
        for (std::size_t l = 0; l < kMany; ++l) {
          const Node n = nodes[i[l]];
          i[l] = step<kNaN, kSets>(n, from[k + l][n.column()]);
        }
      }
      for (std::size_t l = 0; l < kMany; ++l) keep(row[k + l], from[k + l], i[l]);
      k += kMany;
    };
    while (k + 8 <= count) some(std::integral_constant<std::size_t, 8>{});
    while (k < count) some(std::integral_constant<std::size_t, 1>{});
  }
}

template <class T>
CompactForest<T>::Rows::Rows(const CompactForest& forest, const T* x, std::size_t rows, std::size_t columns) : count_(rows) {
  const std::size_t groups = (rows + kLanes - 1) / kLanes, used = forest.columns_.size(), group = used * kLanes;
  x_ = std::make_unique_for_overwrite<T[]>(groups * group);
  bool nan = false;
  for (std::size_t g = 0; g < groups; ++g) {
    T* to = x_.get() + g * group;
    const std::size_t lanes = std::min(kLanes, rows - g * kLanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      const T* row = x + (g * kLanes + l) * columns;
      for (std::size_t c = 0; c < used; ++c) {
        const T v = row[forest.columns_[c]];
        nan |= v != v;
        to[c * kLanes + l] = v;
      }
    }
    for (std::size_t l = lanes; l < kLanes; ++l) {
      for (std::size_t c = 0; c < used; ++c) to[c * kLanes + l] = T{0};
    }
  }
  has_nan_ = nan;
}

template <class T>
void CompactForest<T>::walk(std::size_t tree, const Rows& rows, std::uint32_t* leaves) const {
  const std::size_t group = columns_.size() * kLanes;
  const auto groups = [&]<bool kNaN, bool kSets>(const auto& nodes) {
    const auto* root = nodes.data() + roots_[tree];
    const T* x = rows.x_.get();
    // The next tree is asked for while this one is walked, a part with each chunk: it comes from a cache that all cores share, or from memory.
    const std::size_t next = tree + 1 < roots_.size() ? roots_[tree + 1] : nodes.size(), end = tree + 2 < roots_.size() ? roots_[tree + 2] : nodes.size();
    const auto* ahead = reinterpret_cast<const char*>(nodes.data() + next);
    const std::size_t bytes = (end - next) * sizeof(*root), chunks = (rows.count_ + kChunk - 1) / kChunk, line = 64, share = (bytes / chunks + line) / line * line;
    std::size_t fetched = 0;
    for (std::size_t r = 0; r < rows.count_; r += kChunk, x += kChunk / kLanes * group) {
      for (const std::size_t until = std::min(bytes, fetched + share); fetched < until; fetched += line) __builtin_prefetch(ahead + fetched, 0, 2);
      walk_chunk<kNaN, kSets>(root, depths_[tree], x, (std::min(kChunk, rows.count_ - r) + kLanes - 1) / kLanes, leaves + r);
    }
  };
  const bool nan = rows.has_nan_;
  if (!packed_.empty()) nan ? groups.template operator()<true, false>(packed_) : groups.template operator()<false, false>(packed_);
  else if (words_ != 0) groups.template operator()<true, true>(wide_);
  else nan ? groups.template operator()<true, false>(wide_) : groups.template operator()<false, false>(wide_);
}

// One row, sixteen trees at a time.
template <class T>
template <bool kNaN, bool kSets, class Node>
void CompactForest<T>::walk_row_in(const std::vector<Node>& nodes, const T* x, std::uint32_t* leaves) const {
  const std::size_t count = roots_.size();
  std::size_t t = 0;
  const auto walk_some = [&]<std::size_t kMany>(std::integral_constant<std::size_t, kMany>) {
    const Node* root[kMany];
    std::uint32_t i[kMany];
    unsigned most = 0;
    for (std::size_t l = 0; l < kMany; ++l) {
      root[l] = nodes.data() + roots_[t + l];
      i[l] = 0;
      most = std::max<unsigned>(most, depths_[t + l].most);
    }
    for (unsigned d = 0; d < most; ++d) {
      bool done = true;
#pragma GCC unroll 16
      for (std::size_t l = 0; l < kMany; ++l) {
        const Node n = root[l][i[l]];
        done &= n.split != n.split;
        i[l] = step<kNaN, kSets>(n, x[n.column() / kLanes]);
      }
      if (done) break;
    }
    for (std::size_t l = 0; l < kMany; ++l) leaves[t + l] = leaf_of(root[l][i[l]].split);
    t += kMany;
  };
  while (t + kLanes <= count) walk_some(std::integral_constant<std::size_t, kLanes>{});
  while (t + 4 <= count) walk_some(std::integral_constant<std::size_t, 4>{});
  while (t < count) walk_some(std::integral_constant<std::size_t, 1>{});
}

template <class T>
void CompactForest<T>::walk_row(const T* x, std::uint32_t* leaves) const {
  constexpr std::size_t kLocal = 256;
  T local[kLocal];
  std::unique_ptr<T[]> large;
  T* row = local;
  if (columns_.size() > kLocal) {
    large = std::make_unique_for_overwrite<T[]>(columns_.size());
    row = large.get();
  }
  bool nan = false;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    row[c] = x[columns_[c]];
    nan |= row[c] != row[c];
  }
  if (!packed_.empty()) nan ? walk_row_in<true, false>(packed_, row, leaves) : walk_row_in<false, false>(packed_, row, leaves);
  else if (words_ != 0) walk_row_in<true, true>(wide_, row, leaves);
  else nan ? walk_row_in<true, false>(wide_, row, leaves) : walk_row_in<false, false>(wide_, row, leaves);
}

template class CompactForest<float>;
template class CompactForest<double>;

}  // namespace decant
