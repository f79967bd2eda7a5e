// SPDX-License-Identifier: Apache-2.0
// The k-d and ball trees of scikit-learn (sklearn/neighbors/_binary_tree.pxi.tp): the order in which a query meets the points. Of points
// at exactly the same distance the ones met first are kept, so the order is part of the answer.
#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

namespace decant {

class NeighborTree {
 public:
  /// Reads the attributes tree ("kd" or "ball"), order int64 [points], ranges int64 [nodes, 3] (first and end position in order, and
  /// whether a leaf), bounds float64 ([2, nodes, D]: lowest and highest corners; [1, nodes, D]: centres) and, for balls, radii
  /// float64 [nodes]. Children of node i are 2i + 1 and 2i + 2. Null where the node has no such attributes.
  static std::shared_ptr<const NeighborTree> of(const AttributeView& node, std::int64_t points, std::int64_t features);

  bool is_ball() const { return ball_; }
  std::size_t nodes() const { return ranges_.size() / 3; }
  std::span<const double> centers() const { return bounds_; }
  double radius(std::size_t node) const { return radii_[node]; }
  /// Least reduced distance of x to the box of `node` (_kd_tree.pyx.tp, min_rdist); p infinite for the largest coordinate.
  double box_distance(std::size_t node, const double* x, double p) const;

  /// Depth first, the nearer child first: lower(node) is the least reduced distance to a node, largest() that of the neighbours so far,
  /// meet(point) offers a point.
  template <class Lower, class Largest, class Meet>
  void visit(Lower&& lower, Largest&& largest, Meet&& meet) const { visit(0, lower(0), lower, largest, meet); }

 private:
  template <class Lower, class Largest, class Meet>
  void visit(std::size_t node, double bound, Lower& lower, Largest& largest, Meet& meet) const {
    if (bound > largest()) return;
    if (ranges_[3 * node + 2] != 0) {
      for (std::int64_t i = ranges_[3 * node]; i < ranges_[3 * node + 1]; ++i) meet(order_[static_cast<std::size_t>(i)]);
      return;
    }
    const std::size_t left = 2 * node + 1, right = left + 1;
    const double to_left = lower(left), to_right = lower(right);
    if (to_left <= to_right) {
      visit(left, to_left, lower, largest, meet);
      visit(right, to_right, lower, largest, meet);
    } else {
      visit(right, to_right, lower, largest, meet);
      visit(left, to_left, lower, largest, meet);
    }
  }

  bool ball_ = false;
  std::int64_t features_ = 0;
  std::vector<std::int64_t> order_, ranges_;
  std::vector<double> bounds_, radii_;
};

}  // namespace decant
