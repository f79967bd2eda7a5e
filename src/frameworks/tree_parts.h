// SPDX-License-Identifier: Apache-2.0
// Trees of any boosting library on their way into one decant.TreeEnsemble. A library says what node `i` of a tree is; here the tree is
// walked from its root, so that lying children are an error of that file and nodes that pruning left behind are left behind too.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/text.h"
#include "io/source.h"
#include "ops/expr.h"

namespace decant {

template <class T, class V>  // features and splits, values of leaves
class TreeParts {
 public:
  struct Split {
    std::int64_t feature = -1;  // -1: a leaf
    T split{};
    std::int64_t yes = 0, no = 0;  // where a value goes that compares (or is a member), and where others go
    bool missing_yes = false;
    std::int32_t set = -1;
  };

  TreeParts(const Source& source, std::size_t width) : source_(source), width_(width) {}
  std::size_t trees() const { return roots_.size(); }

  /// Members of a set of categories, as bits; gives its number.
  std::int32_t add_set(std::span<const std::uint32_t> words) {
    source_.budget().charge(words.size_bytes() + sizeof(words_[0]), "categories", source_.where());
    words_.emplace_back(words.begin(), words.end());
    most_words_ = std::max(most_words_, words.size());
    return static_cast<std::int32_t>(words_.size()) - 1;
  }

  /// `node(i)` gives the Split of node `i` of `count`, `leaf(i, values)` the values of a leaf; the root is node 0. `fail(text)` throws.
  template <class Node, class Leaf, class Fail>
  void add(std::size_t count, std::int32_t target, Node&& node, Leaf&& leaf, Fail&& fail) {
    source_.budget().charge(std::uint64_t{count} * (21 + sizeof(T) + sizeof(V) * width_), "a tree", source_.where());
    if (count == 0) fail("a tree without nodes");
    if (features_.size() + count > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) fail("more than 2^31 nodes");
    const auto emit = [&] {
      features_.push_back(-1);
      splits_.push_back(T{});
      left_.push_back(0);
      right_.push_back(0);
      missing_.push_back(0);
      sets_.push_back(-1);
      return static_cast<std::int32_t>(features_.size()) - 1;
    };
    roots_.push_back(emit());
    targets_.push_back(target);
    std::vector<bool> reached(count, false);
    reached[0] = true;
    struct Open {
      std::size_t from;
      std::int32_t to;
    };
    std::vector<Open> open{{0, roots_.back()}};
    while (!open.empty()) {
      const Open o = open.back();
      open.pop_back();
      const Split s = node(o.from);
      const auto to = static_cast<std::size_t>(o.to);
      if (s.feature < 0) {
        left_[to] = static_cast<std::int32_t>(values_.size() / width_);
        values_.resize(values_.size() + width_);
        leaf_numbers_.push_back(static_cast<std::int32_t>(o.from));
        leaf(o.from, std::span<V>(values_).last(width_));
        continue;
      }
      if (s.feature >= std::numeric_limits<std::int32_t>::max()) fail(format("node {} asks for feature {}", o.from, s.feature));
      for (const std::int64_t child : {s.yes, s.no}) {
        if (child < 0 || static_cast<std::uint64_t>(child) >= count) fail(format("node {} has child {} of {} nodes", o.from, child, count));
        if (reached[static_cast<std::size_t>(child)]) fail(format("node {} is reached twice: the nodes form no tree", child));
        reached[static_cast<std::size_t>(child)] = true;
      }
      features_[to] = static_cast<std::int32_t>(s.feature);
      splits_[to] = s.split;
      missing_[to] = s.missing_yes;
      sets_[to] = s.set;
      const std::int32_t yes = emit(), no = emit();
      left_[to] = yes;
      right_[to] = no;
      open.push_back({static_cast<std::size_t>(s.no), no});
      open.push_back({static_cast<std::size_t>(s.yes), yes});
    }
  }

  /// Called for each leaf, or for none at all: the leaf is linear in these features (float64 only).
  void make_linear(double constant, std::span<const std::int32_t> features, std::span<const double> coefficients) {
    source_.budget().charge(12 + 12 * std::uint64_t{features.size()}, "a linear leaf", source_.where());
    constants_.push_back(constant);
    offsets_.push_back(static_cast<std::int32_t>(linear_features_.size()));
    linear_features_.insert(linear_features_.end(), features.begin(), features.end());
    coefficients_.insert(coefficients_.end(), coefficients.begin(), coefficients.end());
  }

  /// Called for a leaf: the number that leaves() gives for it, where that is not the number of its node.
  void number_leaf(std::size_t number) { leaf_numbers_.back() = static_cast<std::int32_t>(number); }

  /// The sum of all trees on top of `base` (empty: 0), in their order, [N, outputs]. A tree of width 1 adds to the column of its target.
  /// `compare`: "<" or "<=".
  Expr sum(Expr x, std::size_t outputs, std::string_view compare, const std::vector<V>& base = {}) {
    Attributes all = splits(compare);
    all["outputs"] = static_cast<std::int64_t>(outputs);
    if (width_ == 1) all["targets"] = Tensor::vector(targets_);
    // Also without trees an answer has its columns.
    all["base"] = Tensor::vector(base.empty() ? std::vector<V>(outputs, V{0}) : base);
    if (!constants_.empty()) {
      offsets_.push_back(static_cast<std::int32_t>(linear_features_.size()));
      all["linear_constants"] = Tensor::vector(constants_);
      all["linear_offsets"] = Tensor::vector(offsets_);
      all["linear_features"] = Tensor::vector(linear_features_);
      all["linear_coefficients"] = Tensor::vector(coefficients_);
    }
    return apply("decant", "TreeEnsemble", {x}, std::move(all));
  }

  /// The number of the leaf that a row ends in, int64 [N, trees].
  Expr leaves(Expr x, std::string_view compare) {
    Attributes all = splits(compare);
    all["outputs"] = static_cast<std::int64_t>(width_);
    all["aggregate"] = std::string("leaf");
    all["leaf_ids"] = Tensor::vector(std::vector<std::int64_t>(leaf_numbers_.begin(), leaf_numbers_.end()));
    return apply("decant", "TreeEnsemble", {x}, std::move(all));
  }

 private:
  Attributes splits(std::string_view compare) const {
    Attributes all;
    all["features"] = Tensor::vector(features_);
    all["splits"] = Tensor::vector(splits_);
    all["left"] = Tensor::vector(left_);
    all["right"] = Tensor::vector(right_);
    all["missing_left"] = Tensor::vector(missing_);
    all["values"] = Tensor::of<V>({static_cast<std::int64_t>(values_.size() / width_), static_cast<std::int64_t>(width_)}, values_);
    all["roots"] = Tensor::vector(roots_);
    all["compare"] = std::string(compare);
    if (!words_.empty()) {
      source_.budget().charge(std::uint64_t{words_.size()} * most_words_ * 4, "categories", source_.where());
      Tensor bits(DType::uint32, {static_cast<std::int64_t>(words_.size()), static_cast<std::int64_t>(most_words_)});
      auto to = bits.mutable_data<std::uint32_t>();
      for (std::size_t i = 0; i < words_.size(); ++i) {
        for (std::size_t w = 0; w < most_words_; ++w) to[i * most_words_ + w] = w < words_[i].size() ? words_[i][w] : 0;
      }
      all["category_sets"] = Tensor::vector(sets_);
      all["categories"] = bits;
    }
    return all;
  }

  Source source_;
  std::size_t width_, most_words_ = 1;
  std::vector<std::int32_t> features_, left_, right_, sets_, roots_, targets_, leaf_numbers_;
  std::vector<T> splits_;
  std::vector<V> values_;
  std::vector<std::uint8_t> missing_;
  std::vector<std::vector<std::uint32_t>> words_;
  std::vector<double> constants_, coefficients_;
  std::vector<std::int32_t> offsets_, linear_features_;
};

}  // namespace decant
