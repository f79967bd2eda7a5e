// SPDX-License-Identifier: Apache-2.0
// A forest as every tree operator sees it: verified once, then walked without any check but the number of features.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace decant {

/// How a node compares; the values are those of nodes_modes in ai.onnx.ml TreeEnsemble-5.
enum class Branch : std::uint8_t { less_equal = 0, less = 1, greater_equal = 2, greater = 3, equal = 4, not_equal = 5, member = 6 };

template <class T>
struct Forest {
  struct Node {
    T split = 0;
    std::int32_t feature = -1;       // -1: a leaf
    std::int32_t yes = 0, no = 0;    // nodes; for a leaf `yes` is its index among the leaves
    Branch mode = Branch::less_equal;
    bool missing_yes = false;        // where NaN goes
    std::int32_t set = -1;           // of member nodes: which of the sets
  };

  std::vector<Node> nodes;
  std::vector<std::int32_t> roots;
  // Sets of small whole numbers as bits, of a fixed number of words each, or of any numbers, sorted.
  std::vector<std::uint32_t> bits;
  std::size_t words = 0;
  std::vector<std::vector<T>> members;
  Branch common = Branch::less_equal;  // of all nodes, where `uniform`
  bool uniform = true;

  std::int32_t feature_count = 0;  // one more than the largest feature

  /// Checks indices and that the nodes form trees: no cycle, no sharing, none left over. `leaves`: how many leaves there are.
  /// Throws corrupt, naming the node of the graph.
  void verify(const AttributeView& node, std::size_t leaves);

  /// The node where row `x` ends.
  std::int32_t walk(std::int32_t root, const T* x) const {
    const Node* n = &nodes[static_cast<std::size_t>(root)];
    if (uniform && common == Branch::less_equal) {
      while (n->feature >= 0) {
        const T v = x[n->feature];
        n = &nodes[static_cast<std::size_t>((v <= n->split || (n->missing_yes && v != v)) ? n->yes : n->no)];
      }
    } else {
      while (n->feature >= 0) n = &nodes[static_cast<std::size_t>(goes_yes(*n, x[n->feature]) ? n->yes : n->no)];
    }
    return static_cast<std::int32_t>(n - nodes.data());
  }

 private:
  bool goes_yes(const Node& n, T v) const {
    if (v != v && n.missing_yes) return true;
    switch (n.mode) {
      case Branch::less_equal: return v <= n.split;
      case Branch::less: return v < n.split;
      case Branch::greater_equal: return v >= n.split;
      case Branch::greater: return v > n.split;
      case Branch::equal: return v == n.split;
      case Branch::not_equal: return v != n.split;  // of NaN too
      case Branch::member: break;
    }
    if (words != 0) {
      if (!(v >= 0 && v < static_cast<T>(words * 32))) return false;
      const auto value = static_cast<std::size_t>(v);
      return (bits[static_cast<std::size_t>(n.set) * words + value / 32] >> (value % 32)) & 1u;
    }
    const std::vector<T>& set = members[static_cast<std::size_t>(n.set)];
    const auto at = std::lower_bound(set.begin(), set.end(), v);
    return at != set.end() && *at == v;
  }
};

extern template struct Forest<float>;
extern template struct Forest<double>;

}  // namespace decant
