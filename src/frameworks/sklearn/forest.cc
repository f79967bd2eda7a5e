// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/forest.h"

#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/text.h"

namespace decant::sklearn {
namespace {

template <class T>
T load(const std::byte* at) {
  T out;
  std::memcpy(&out, at, sizeof(T));
  return out;
}

float rounded_down(double threshold) {
  const auto near = static_cast<float>(threshold);
  return static_cast<double>(near) > threshold ? std::nextafterf(near, -INFINITY) : near;
}

}  // namespace

TreeView::TreeView(const Object& tree) : tree_(tree) {
  const auto nodes = tree["nodes"].array(), values = tree["values"].array();
  if (!nodes || !values || nodes->shape.size() != 1 || nodes->type.fields.empty()) tree.fail(Code::corrupt, "a tree without its arrays of nodes and values");
  nodes_ = *nodes;
  values_ = *values;
  count_ = static_cast<std::size_t>(nodes_.shape[0]);
  item_ = nodes_.type.itemsize;
  if (count_ == 0 || sat_mul(count_, item_) != nodes_.data.size()) tree.fail(Code::corrupt, format("{} nodes of {} bytes in {} bytes", count_, item_, nodes_.data.size()));
  if (values_.shape.size() != 3 || values_.shape[0] != nodes_.shape[0] || values_.type.kind != 'f' || values_.type.itemsize != 8 || values_.fortran || values_.type.big_endian) {
    tree.fail(Code::corrupt, format("{} nodes, but values of {} {}", count_, values_.type.text(), text_of(values_.shape)));
  }
  outputs_ = static_cast<std::size_t>(values_.shape[1]);
  width_ = static_cast<std::size_t>(values_.shape[2]);
  const auto args = tree.args();
  features_ = args.empty() ? 0 : args[0].integer();

  const auto at = [&](std::string_view name, std::uint32_t size) {
    for (const auto& field : nodes_.type.fields) {
      if (field.name != name) continue;
      if (field.type.itemsize != size || field.type.big_endian || field.offset > item_ - size) tree.fail(Code::corrupt, format("field {} of a node is {}", name, field.type.text()));
      return static_cast<std::size_t>(field.offset);
    }
    return kAbsent;
  };
  left_at_ = at("left_child", 8);
  right_at_ = at("right_child", 8);
  feature_at_ = at("feature", 8);
  threshold_at_ = at("threshold", 8);
  samples_at_ = at("n_node_samples", 8);
  missing_at_ = at("missing_go_to_left", 1);  // since 1.3
  for (const std::size_t offset : {left_at_, right_at_, feature_at_, threshold_at_, samples_at_}) {
    if (offset == kAbsent) tree.fail(Code::corrupt, format("a tree node of {} lacks fields", nodes_.type.text()));
  }
}

TreeView::Node TreeView::node(std::size_t i) const {
  const std::byte* at = nodes_.data.bytes.data() + i * item_;
  return {load<std::int64_t>(at + left_at_),    load<std::int64_t>(at + right_at_),   load<std::int64_t>(at + feature_at_),
          load<std::int64_t>(at + samples_at_), load<double>(at + threshold_at_), missing_at_ != kAbsent && load<std::uint8_t>(at + missing_at_) != 0};
}

double TreeView::number(std::string_view name, std::size_t i) const {
  for (const auto& field : nodes_.type.fields) {
    if (field.name == name && field.type.kind == 'f' && field.type.itemsize == 8 && !field.type.big_endian && field.offset <= item_ - 8) {
      return load<double>(nodes_.data.bytes.data() + i * item_ + field.offset);
    }
  }
  tree_.fail(Code::corrupt, format("a tree node lacks its {}", name));
}

void TreeView::values(std::size_t node, std::size_t output, std::span<double> out) const {
  std::memcpy(out.data(), values_.data.bytes.data() + (node * outputs_ + output) * width_ * sizeof(double), std::min(out.size(), width_) * sizeof(double));
}

void TreeView::release() const {
  nodes_.source.release(nodes_.data.bytes);
  values_.source.release(values_.data.bytes);
}

void Forest::reserve(std::size_t nodes) {
  features_.reserve(nodes);
  left_.reserve(nodes);
  right_.reserve(nodes);
  splits_.reserve(nodes);
  missing_left_.reserve(nodes);
  values_.reserve((nodes + 1) / 2 * width_ + width_);
}

void Forest::add(const TreeView& tree, const std::function<void(std::size_t, std::span<double>)>& leaf, std::span<const std::int64_t> features) {
  if (width_ == 0) tree.object().fail(Code::corrupt, "a tree without outputs or classes");
  const auto base = static_cast<std::int32_t>(features_.size());
  const auto count = static_cast<std::int64_t>(tree.node_count());
  if (static_cast<std::uint64_t>(base) + tree.node_count() > 0x7FFFFFFFu) tree.object().fail(Code::limit, "more than 2^31 nodes");
  roots_.push_back(base);
  for (std::size_t i = 0; i < tree.node_count(); ++i) {
    const TreeView::Node node = tree.node(i);
    if (node.left == -1) {  // TREE_LEAF
      features_.push_back(-1);
      left_.push_back(static_cast<std::int32_t>(values_.size() / width_));
      right_.push_back(0);
      splits_.push_back(0);
      missing_left_.push_back(0);
      values_.resize(values_.size() + width_);
      leaf(i, std::span(values_).last(width_));
      continue;
    }
    const auto fail = [&](std::string_view what, std::int64_t value) { tree.object().fail(Code::corrupt, format("node {} of {}: {} {}", i, count, what, value)); };
    if (node.left < 0 || node.left >= count) fail("left child", node.left);
    if (node.right < 0 || node.right >= count) fail("right child", node.right);
    std::int64_t feature = node.feature;
    if (!features.empty()) {
      if (feature < 0 || feature >= static_cast<std::int64_t>(features.size())) fail("feature", feature);
      feature = features[static_cast<std::size_t>(feature)];
    }
    if (feature < 0 || feature > 0x7FFFFFFF) fail("feature", feature);
    features_.push_back(static_cast<std::int32_t>(feature));
    left_.push_back(base + static_cast<std::int32_t>(node.left));
    right_.push_back(base + static_cast<std::int32_t>(node.right));
    splits_.push_back(rounded_down(node.threshold));
    missing_left_.push_back(node.missing_left ? 1 : 0);
    any_missing_ = any_missing_ || node.missing_left;
  }
  tree.release();
}

Attributes Forest::attributes() {
  Attributes out;
  const auto leaves = static_cast<std::int64_t>(values_.size() / width_);
  out["features"] = Tensor::vector(features_);
  out["left"] = Tensor::vector(left_);
  out["right"] = Tensor::vector(right_);
  out["splits"] = Tensor::vector(splits_);
  if (any_missing_) out["missing_left"] = Tensor::vector(missing_left_);
  out["values"] = Tensor::of<double>({leaves, static_cast<std::int64_t>(width_)}, values_);
  out["roots"] = Tensor::vector(roots_);
  return out;
}

Expr Forest::sum(Expr x32, std::size_t outputs, const std::vector<double>& base, const std::vector<std::int32_t>& targets) {
  Attributes all = attributes();
  all["outputs"] = static_cast<std::int64_t>(outputs);
  if (!base.empty()) all["base"] = Tensor::vector(base);
  if (!targets.empty()) all["targets"] = Tensor::vector(targets);
  return apply("decant", "TreeEnsemble", {x32}, std::move(all));
}

Expr Forest::each(Expr x32) {
  Attributes all = attributes();
  all["outputs"] = static_cast<std::int64_t>(trees() * width_);
  all["aggregate"] = std::string("each");
  return apply("decant", "TreeEnsemble", {x32}, std::move(all));
}

Expr Forest::leaves(Expr x32) {
  Attributes all = attributes();
  all["aggregate"] = std::string("leaf");
  return apply("decant", "TreeEnsemble", {x32}, std::move(all));
}

Expr leaf_numbers(const std::vector<Object>& trees, Expr x32) {
  Forest forest(1);
  for (const Object& tree : trees) forest.add(TreeView(tree["tree_"]), [](std::size_t, std::span<double>) {});
  return forest.leaves(x32);
}

double numpy_sum(std::span<const double> v) {
  const std::size_t n = v.size();
  if (n < 8) {
    double sum = -0.0;
    for (const double x : v) sum += x;
    return sum;
  }
  if (n <= 128) {
    double r[8];
    for (std::size_t k = 0; k < 8; ++k) r[k] = v[k];
    std::size_t i = 8;
    for (; i + 8 <= n; i += 8) {
      for (std::size_t k = 0; k < 8; ++k) r[k] += v[i + k];
    }
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += v[i];
    return sum;
  }
  std::size_t half = n / 2;
  half -= half % 8;
  return numpy_sum(v.first(half)) + numpy_sum(v.subspan(half));
}

void normalise(std::span<double> values, std::size_t classes) {
  const double sum = numpy_sum(values.first(classes));
  if (sum == 0) return;
  for (double& v : values.first(classes)) v /= sum;
}

Expr tree_values(Context& context, const Object& self, std::size_t output, Expr x32) {
  (void)context;
  const TreeView tree(self["tree_"]);
  if (output >= tree.outputs()) self.fail(Code::corrupt, format("output {} of a tree with {}", output, tree.outputs()));
  Forest forest(tree.width());
  forest.add(tree, [&](std::size_t leaf, std::span<double> out) { tree.values(leaf, output, out); });
  return forest.sum(x32, tree.width());
}

}  // namespace decant::sklearn
