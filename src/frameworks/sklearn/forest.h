// SPDX-License-Identifier: Apache-2.0
// Trees of scikit-learn as one decant.TreeEnsemble node: what all estimators made of trees share.
#pragma once

#include <functional>
#include <vector>

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// A tree_ attribute (sklearn.tree._tree.Tree; node layout of sklearn/tree/_tree.pyx, 0.18 to 1.9), read but not yet copied.
class TreeView {
 public:
  explicit TreeView(const Object& tree);
  std::size_t node_count() const { return count_; }
  std::size_t outputs() const { return outputs_; }
  std::size_t width() const { return width_; }  // classes of the output that has most, 1 for regression
  struct Node {
    std::int64_t left, right, feature, samples;
    double threshold;
    bool missing_left;
  };
  Node node(std::size_t i) const;
  bool tells_missing() const { return missing_at_ != kAbsent; }
  /// values[node, output, 0..width)
  void values(std::size_t node, std::size_t output, std::span<double> out) const;
  std::int64_t features() const { return features_; }
  /// A field of float64 of node i that only training and importances need: impurity, weighted_n_node_samples.
  double number(std::string_view field, std::size_t i) const;
  const Object& object() const { return tree_; }
  /// The pages of the arrays are not needed any more.
  void release() const;

 private:
  static constexpr std::size_t kAbsent = ~std::size_t{0};
  Object tree_;
  python::Array nodes_, values_;
  std::size_t count_ = 0, outputs_ = 1, width_ = 1, item_ = 0;
  std::int64_t features_ = 0;
  std::size_t left_at_ = 0, right_at_ = 0, feature_at_ = 0, threshold_at_ = 0, samples_at_ = 0, missing_at_ = kAbsent;
};

/// Collects trees for one TreeEnsemble node.
class Forest {
 public:
  explicit Forest(std::size_t width) : width_(width) {}
  void reserve(std::size_t nodes);

  /// Adds a tree whose splits are compared as scikit-learn does it: a float32 feature against a double threshold. The threshold is
  /// rounded down to the nearest float32, which decides every float32 feature the same way and is half the size.
  /// `leaf` gives the `width` values of leaf node i. `features` (may be empty) maps the tree's features to columns.
  void add(const TreeView& tree, const std::function<void(std::size_t leaf, std::span<double>)>& leaf, std::span<const std::int64_t> features = {});

  /// The node on x32 (float32 [N, F]): the sum of all trees [N, outputs]. With `targets`, tree t adds to column targets[t] (width 1).
  Expr sum(Expr x32, std::size_t outputs, const std::vector<double>& base = {}, const std::vector<std::int32_t>& targets = {});
  /// Every tree by itself: [N, trees * width].
  Expr each(Expr x32);
  /// The node of each tree where a row ends, as scikit-learn numbers them: int64 [N, trees].
  Expr leaves(Expr x32);
  std::size_t trees() const { return roots_.size(); }

 private:
  Attributes attributes();

  std::size_t width_;
  std::vector<std::int32_t> features_, left_, right_, roots_;
  std::vector<float> splits_;
  std::vector<std::uint8_t> missing_left_;
  std::vector<double> values_;
  bool any_missing_ = false;
};

/// Sum of `n` numbers in the order in which NumPy adds along a contiguous axis (pairwise_sum in loops_utils.h.src).
double numpy_sum(std::span<const double> values);

/// tree_.predict of one decision tree: raw leaf values of `output`, [N, width].
Expr tree_values(Context& context, const Object& self, std::size_t output, Expr x32);
/// apply() of these trees: the node where each row ends, int64 [N, trees].
Expr leaf_numbers(const std::vector<Object>& trees, Expr x32);
/// How class probabilities come out of leaf values: counts before 1.3, fractions since; normalised up to 1.3.
void normalise(std::span<double> values, std::size_t classes);

}  // namespace decant::sklearn
