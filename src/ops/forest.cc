// SPDX-License-Identifier: Apache-2.0
#include "ops/forest.h"

#include <limits>

#include "base/text.h"

namespace decant {

template <class T>
void Forest<T>::verify(const AttributeView& node, std::size_t leaves) {
  if (nodes.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) node.fail(Code::limit, "more than 2^31 nodes");
  const auto count = static_cast<std::int32_t>(nodes.size());
  const std::size_t sets = words != 0 ? bits.size() / words : members.size();
  uniform = true;
  feature_count = 0;
  bool first = true;
  for (const Node& n : nodes) {
    if (n.feature < 0) {
      if (n.yes < 0 || static_cast<std::size_t>(n.yes) >= leaves) node.fail(Code::corrupt, format("leaf {} of {}", n.yes, leaves));
      continue;
    }
    // Kernels keep a table of the features: a number out of a file must not make it large.
    constexpr std::int32_t kMostFeatures = 1 << 24;
    if (n.feature >= kMostFeatures) node.fail(Code::limit, format("a tree looks at feature {}; at most {} are taken", n.feature, kMostFeatures));
    if (n.yes < 0 || n.yes >= count || n.no < 0 || n.no >= count) node.fail(Code::corrupt, format("a node's children are {} and {} of {}", n.yes, n.no, count));
    if (n.mode == Branch::member && (n.set < 0 || static_cast<std::size_t>(n.set) >= sets)) node.fail(Code::corrupt, format("category set {} of {}", n.set, sets));
    if (first) common = n.mode;
    uniform = uniform && n.mode == common;
    first = false;
    feature_count = std::max(feature_count, n.feature + 1);
  }
  // Each node may be reached once only: then there is no cycle and no sharing, and a walk ends after at most `count` steps.
  std::vector<bool> reached(nodes.size(), false);
  std::vector<std::int32_t> open;
  std::size_t total = 0;
  for (const std::int32_t root : roots) {
    if (root < 0 || root >= count) node.fail(Code::corrupt, format("root {} of {} nodes", root, count));
    open.push_back(root);
    while (!open.empty()) {
      const auto at = static_cast<std::size_t>(open.back());
      open.pop_back();
      if (reached[at]) node.fail(Code::corrupt, format("tree node {} is reached twice: the nodes form no trees", at));
      reached[at] = true;
      ++total;
      if (nodes[at].feature >= 0) {
        open.push_back(nodes[at].no);
        open.push_back(nodes[at].yes);
      }
    }
  }
  if (total != nodes.size()) node.fail(Code::corrupt, format("{} of {} tree nodes belong to no tree", nodes.size() - total, nodes.size()));
}

template struct Forest<float>;
template struct Forest<double>;

}  // namespace decant
