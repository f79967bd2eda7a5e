// SPDX-License-Identifier: Apache-2.0
#include "ops/neighbor_tree.h"

#include "base/text.h"

namespace decant {
namespace {

template <class T>
std::vector<T> values(const AttributeView& node, std::string_view name, const Shape& shape) {
  const Tensor& t = node.tensor(name);
  if (t.dtype() != dtype_of<T> || t.shape() != shape) node.fail(Code::corrupt, format("{} is {} {}, {} is needed", name, name_of(t.dtype()), text_of(t.shape()), text_of(shape)));
  return {t.template data<T>().begin(), t.template data<T>().end()};
}

}  // namespace

std::shared_ptr<const NeighborTree> NeighborTree::of(const AttributeView& node, std::int64_t points, std::int64_t features) {
  const std::string_view kind = node.text("tree", "");
  if (kind.empty()) return nullptr;
  if (kind != "kd" && kind != "ball") node.fail(Code::unsupported, format("a tree of the kind {}", kind));
  auto out = std::make_shared<NeighborTree>();
  out->ball_ = kind == "ball";
  out->features_ = features;
  const Tensor& ranges = node.tensor("ranges");
  const std::int64_t nodes = ranges.rank() == 2 ? ranges.dim(0) : 0;
  if (nodes < 1) node.fail(Code::corrupt, "a tree without nodes");
  out->order_ = values<std::int64_t>(node, "order", {points});
  out->ranges_ = values<std::int64_t>(node, "ranges", {nodes, 3});
  out->bounds_ = values<double>(node, "bounds", {out->ball_ ? 1 : 2, nodes, features});
  if (out->ball_) out->radii_ = values<double>(node, "radii", {nodes});
  for (const std::int64_t i : out->order_) {
    if (i < 0 || i >= points) node.fail(Code::corrupt, format("point {} of {}", i, points));
  }
  std::int64_t in_leaves = 0;  // no point twice, or a query could be made to take for ever
  for (std::int64_t i = 0; i < nodes; ++i) {
    const std::int64_t* r = out->ranges_.data() + 3 * i;
    if (r[2] == 0 ? 2 * i + 2 >= nodes : r[0] < 0 || r[1] < r[0] || r[1] > points) node.fail(Code::corrupt, format("node {} of the tree: {} to {}", i, r[0], r[1]));
    if (r[2] != 0) in_leaves += r[1] - r[0];
    if (in_leaves > points) node.fail(Code::corrupt, "leaves of the tree overlap");
  }
  return out;
}

double NeighborTree::box_distance(std::size_t node, const double* x, double p) const {
  const auto features = static_cast<std::size_t>(features_);
  const double *low = bounds_.data() + node * features, *high = bounds_.data() + (nodes() + node) * features;
  double out = 0;
  for (std::size_t f = 0; f < features; ++f) {
    const double below = low[f] - x[f], above = x[f] - high[f];
    const double twice = (below + std::fabs(below)) + (above + std::fabs(above));
    out = std::isinf(p) ? std::fmax(out, 0.5 * twice) : out + std::pow(0.5 * twice, p);
  }
  return out;
}

}  // namespace decant
