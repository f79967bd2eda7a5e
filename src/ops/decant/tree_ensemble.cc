// SPDX-License-Identifier: Apache-2.0
// decant.TreeEnsemble: trees as the training libraries mean them, which ai.onnx.ml cannot say exactly: leaf values in double behind
// float32 features, a defined order of summation, the leaf that was reached.
//
// X [N, F] float32|float64. Attributes: features int32 [nodes] (-1: leaf), splits (dtype of X) [nodes], left, right int32 [nodes] (of a
// leaf, left is its row in values), missing_left uint8 [nodes] (optional; NaN goes left where 1, else right), category_sets int32
// [nodes] (optional; -1: a threshold, else the row of `categories` uint32 [sets, words], whose members, cut to whole numbers, go left),
// values float32|float64 [leaves, K], roots int32 [trees], targets int32 [trees] (optional, K must be 1: tree t adds to output column
// targets[t]), outputs (columns of the answer), base (dtype of values) [outputs] (optional), compare "<=" | "<",
// linear_constants float64 [leaves], linear_offsets int32 [leaves + 1], linear_features int32, linear_coefficients float64 (optional, all or
// none; K 1, X and values float64, "sum" only: a leaf's value is linear in X, and `values` stands in where X is NaN),
// aggregate "sum" (base or 0, then the trees in order, added in the dtype of values) | "leaf" (int64 [N, trees]: the node, relative
// to the tree's root, or leaf_ids int64 [leaves] of the leaf, where given) | "each" ([N, trees*K], nothing added).
#include "ops/decant/tree_ensemble.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

using Aggregate = TreeEnsemble::Aggregate;
using Shared = TreeEnsemble::Shared;

Aggregate aggregate_of(const AttributeView& c) {
  const std::string_view name = c.text("aggregate", "sum");
  if (name == "sum") return Aggregate::sum;
  if (name == "leaf") return Aggregate::leaf;
  if (name == "each") return Aggregate::each;
  c.fail(Code::corrupt, format("aggregate {}", name));
}

const Tensor& tensor_of(const AttributeView& c, std::string_view name, DType dtype, std::size_t rank) {
  const Tensor& t = c.tensor(name);
  if (t.dtype() != dtype || t.rank() != rank) {
    c.fail(Code::corrupt, format("{} is {}{}, not {} of rank {}", name, name_of(t.dtype()), text_of(t.shape()), name_of(dtype), rank));
  }
  return t;
}

Shared shared_of(const AttributeView& c, std::size_t trees) {
  Shared out;
  out.aggregate = aggregate_of(c);
  out.values = c.tensor("values");
  if (out.values.rank() != 2 || (out.values.dtype() != DType::float32 && out.values.dtype() != DType::float64)) {
    c.fail(Code::corrupt, format("values is {}{}", name_of(out.values.dtype()), text_of(out.values.shape())));
  }
  out.width = out.values.dim(1);
  if (out.aggregate == Aggregate::leaf && c.has("leaf_ids")) {
    const Tensor& ids = tensor_of(c, "leaf_ids", DType::int64, 1);
    if (ids.dim(0) != out.values.dim(0)) c.fail(Code::corrupt, format("leaf_ids has {} numbers for {} leaves", ids.dim(0), out.values.dim(0)));
    out.leaf_ids.assign(ids.data<std::int64_t>().begin(), ids.data<std::int64_t>().end());
  }
  if (out.aggregate == Aggregate::sum) {
    out.outputs = c.integer("outputs");
    // A count out of the file: bounded by what the file holds, so that a small file cannot ask for a wide answer.
    std::int64_t most = out.width;
    if (c.has("targets")) most = std::max(most, static_cast<std::int64_t>(trees));
    if (c.has("base")) most = std::max(most, static_cast<std::int64_t>(c.tensor("base").size()));
    if (out.outputs < 0 || out.outputs > most) c.fail(Code::corrupt, format("{} outputs from {} trees of width {}", out.outputs, trees, out.width));
    if (c.has("targets")) {
      const Tensor& targets = tensor_of(c, "targets", DType::int32, 1);
      if (out.width != 1 || targets.size() != trees) c.fail(Code::corrupt, "targets need values of one column and one entry for each tree");
      for (const std::int32_t t : targets.data<std::int32_t>()) {
        if (t < 0 || t >= out.outputs) c.fail(Code::corrupt, format("target {} of {}", t, out.outputs));
        out.targets.push_back(t);
      }
    } else if (out.width != out.outputs) {
      c.fail(Code::corrupt, format("{} outputs from values of {} columns", out.outputs, out.width));
    }
    if (c.has("base")) {
      out.base = tensor_of(c, "base", out.values.dtype(), 1);
      if (out.base->dim(0) != out.outputs) c.fail(Code::corrupt, format("base has {} values for {} outputs", out.base->dim(0), out.outputs));
    }
  }
  return out;
}

TreeEnsemble::Linear linear_of(const AttributeView& c, const Shared& s) {
  if (s.aggregate != Aggregate::sum || s.width != 1 || s.values.dtype() != DType::float64 || c.tensor("splits").dtype() != DType::float64) {
    c.fail(Code::corrupt, "linear leaves need a sum of float64 values of one column");
  }
  const auto leaves = static_cast<std::size_t>(s.values.dim(0));
  const auto constants = tensor_of(c, "linear_constants", DType::float64, 1).data<double>();
  const auto offsets = tensor_of(c, "linear_offsets", DType::int32, 1).data<std::int32_t>();
  const auto features = tensor_of(c, "linear_features", DType::int32, 1).data<std::int32_t>();
  const auto coefficients = tensor_of(c, "linear_coefficients", DType::float64, 1).data<double>();
  if (constants.size() != leaves || offsets.size() != leaves + 1 || features.size() != coefficients.size() || offsets.front() != 0 ||
      !std::is_sorted(offsets.begin(), offsets.end()) || static_cast<std::size_t>(offsets.back()) != features.size()) {
    c.fail(Code::corrupt, format("linear parts of {} constants, {} offsets, {} features for {} leaves", constants.size(), offsets.size(), features.size(), leaves));
  }
  TreeEnsemble::Linear out{{constants.begin(), constants.end()}, {coefficients.begin(), coefficients.end()}, {offsets.begin(), offsets.end()}, {features.begin(), features.end()}, 0};
  for (const std::int32_t f : features) {
    if (f < 0 || f >= (1 << 24)) c.fail(Code::corrupt, format("linear feature {}", f));
    out.feature_count = std::max(out.feature_count, f + 1);
  }
  return out;
}

template <class T>
void fill(const AttributeView& c, Forest<T>& forest) {
  const std::span<const std::int32_t> features = tensor_of(c, "features", DType::int32, 1).data<std::int32_t>();
  const std::span<const T> splits = tensor_of(c, "splits", dtype_of<T>, 1).template data<T>();
  const std::span<const std::int32_t> left = tensor_of(c, "left", DType::int32, 1).data<std::int32_t>();
  const std::span<const std::int32_t> right = tensor_of(c, "right", DType::int32, 1).data<std::int32_t>();
  const std::span<const std::int32_t> roots = tensor_of(c, "roots", DType::int32, 1).data<std::int32_t>();
  std::span<const std::uint8_t> missing;
  if (c.has("missing_left")) missing = tensor_of(c, "missing_left", DType::uint8, 1).data<std::uint8_t>();
  std::span<const std::int32_t> sets;
  if (c.has("category_sets")) {
    sets = tensor_of(c, "category_sets", DType::int32, 1).data<std::int32_t>();
    const Tensor& categories = tensor_of(c, "categories", DType::uint32, 2);
    forest.words = static_cast<std::size_t>(categories.dim(1));
    forest.bits.assign(categories.data<std::uint32_t>().begin(), categories.data<std::uint32_t>().end());
  }
  const std::size_t n = features.size();
  if (splits.size() != n || left.size() != n || right.size() != n || (!missing.empty() && missing.size() != n) || (!sets.empty() && sets.size() != n)) {
    c.fail(Code::corrupt, format("{} features, {} splits, {} left and {} right children", n, splits.size(), left.size(), right.size()));
  }
  const std::string_view compare = c.text("compare", "<=");
  if (compare != "<=" && compare != "<") c.fail(Code::corrupt, format("compare {}", compare));
  const Branch mode = compare == "<" ? Branch::less : Branch::less_equal;
  forest.nodes.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool categorical = !sets.empty() && sets[i] >= 0 && features[i] >= 0;
    forest.nodes[i] = {splits[i], std::max(features[i], -1), left[i], right[i], categorical ? Branch::member : mode,
                       !missing.empty() && missing[i] != 0, categorical ? sets[i] : -1};
  }
  forest.roots.assign(roots.begin(), roots.end());
  forest.verify(c, static_cast<std::size_t>(c.tensor("values").dim(0)));
}

State prepare(const PrepareContext& c) { return std::make_shared<TreeEnsemble>(read_tree_ensemble(c)); }

// Rows in blocks, so that a tree stays in the cache while a block of rows passes through it; every row still meets the trees in order.
template <class T, class F>
void each_leaf(const Forest<T>& forest, const T* x, std::int64_t rows, std::int64_t columns, F&& f) {
  constexpr std::int64_t kBlock = 512;
  for (std::int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const std::int64_t r1 = std::min(rows, r0 + kBlock);
    for (std::size_t t = 0; t < forest.roots.size(); ++t) {
      for (std::int64_t r = r0; r < r1; ++r) f(r, t, forest.walk(forest.roots[t], x + r * columns));
    }
  }
}

template <class T, class V>
void sum_or_each(KernelContext& c, const Forest<T>& forest, const Shared& s, const Tensor& x) {
  const std::int64_t rows = x.dim(0), k = s.width;
  const V* values = s.values.data<V>().data();
  const T* in = x.data<T>().data();
  if (s.aggregate == Aggregate::each) {
    const std::int64_t wide = static_cast<std::int64_t>(forest.roots.size()) * k;
    V* out = c.output(0, dtype_of<V>, {rows, wide}).template mutable_data<V>().data();
    each_leaf(forest, in, rows, x.dim(1), [&](std::int64_t r, std::size_t t, std::int32_t leaf) {
      const V* from = values + static_cast<std::int64_t>(forest.nodes[static_cast<std::size_t>(leaf)].yes) * k;
      std::copy_n(from, k, out + r * wide + static_cast<std::int64_t>(t) * k);
    });
    return;
  }
  const std::int64_t wide = s.outputs;
  V* out = c.output(0, dtype_of<V>, {rows, wide}).template mutable_data<V>().data();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t j = 0; j < wide; ++j) out[r * wide + j] = s.base ? s.base->data<V>()[static_cast<std::size_t>(j)] : V{0};
  }
  if constexpr (std::is_same_v<T, double> && std::is_same_v<V, double>) {
    if (s.linear) {
      each_leaf(forest, in, rows, x.dim(1), [&](std::int64_t r, std::size_t t, std::int32_t leaf) {
        const auto at = static_cast<std::size_t>(forest.nodes[static_cast<std::size_t>(leaf)].yes);
        out[r * wide + (s.targets.empty() ? 0 : s.targets[t])] += s.linear->at(at, values[at], in + r * x.dim(1));
      });
      return;
    }
  }
  if (!s.targets.empty()) {
    each_leaf(forest, in, rows, x.dim(1), [&](std::int64_t r, std::size_t t, std::int32_t leaf) {
      out[r * wide + s.targets[t]] += values[forest.nodes[static_cast<std::size_t>(leaf)].yes];
    });
  } else {
    each_leaf(forest, in, rows, x.dim(1), [&](std::int64_t r, std::size_t, std::int32_t leaf) {
      const V* from = values + static_cast<std::int64_t>(forest.nodes[static_cast<std::size_t>(leaf)].yes) * k;
      for (std::int64_t j = 0; j < k; ++j) out[r * wide + j] += from[j];
    });
  }
}

/// What "leaf" answers for a leaf of the tree at `root`.
template <class T>
std::int64_t leaf_name(const Forest<T>& forest, const Shared& s, std::int32_t leaf, std::int32_t root) {
  return s.leaf_ids.empty() ? leaf - root : s.leaf_ids[static_cast<std::size_t>(forest.nodes[static_cast<std::size_t>(leaf)].yes)];
}

template <class T>
void run_typed(KernelContext& c, const Forest<T>& forest, const Shared& s) {
  const Tensor& x = c.input(0);
  if (x.rank() != 2) c.fail(Code::mismatch, format("the input has shape {}, a matrix is needed", text_of(x.shape())));
  const std::int32_t features = std::max(forest.feature_count, s.linear ? s.linear->feature_count : 0);
  if (x.dim(1) < features) c.fail(Code::mismatch, format("the trees ask for {} features, the input has {}", features, x.dim(1)));
  if (s.aggregate == Aggregate::leaf) {
    const auto trees = static_cast<std::int64_t>(forest.roots.size());
    std::int64_t* out = c.output(0, DType::int64, {x.dim(0), trees}).template mutable_data<std::int64_t>().data();
    each_leaf(forest, x.data<T>().data(), x.dim(0), x.dim(1),
              [&](std::int64_t r, std::size_t t, std::int32_t leaf) { out[r * trees + static_cast<std::int64_t>(t)] = leaf_name(forest, s, leaf, forest.roots[t]); });
  } else if (s.values.dtype() == DType::float32) {
    sum_or_each<T, float>(c, forest, s, x);
  } else {
    sum_or_each<T, double>(c, forest, s, x);
  }
}

void run(KernelContext& c) {
  const auto& p = c.state<TreeEnsemble>();
  want(c, 0, p.features);
  p.features == DType::float32 ? run_typed(c, p.narrow, p.shared) : run_typed(c, p.wide, p.shared);
}

void infer(InferContext& c) {
  const Type& x = c.input(0);
  if (x.has_rank && x.shape.size() != 2) c.fail(Code::mismatch, format("the input is {}, a matrix is needed", x.text()));
  const Dim rows = x.has_rank ? x.shape[0] : Dim{};
  const auto trees = static_cast<std::int64_t>(c.tensor("roots").size());
  const Tensor& values = c.tensor("values");
  if (values.rank() != 2) c.fail(Code::corrupt, "values is no matrix");
  switch (aggregate_of(c)) {
    case Aggregate::sum: c.outputs[0] = Type::tensor(values.dtype(), {rows, dim(c.integer("outputs"))}); break;
    case Aggregate::leaf: c.outputs[0] = Type::tensor(DType::int64, {rows, dim(trees)}); break;
    case Aggregate::each: c.outputs[0] = Type::tensor(values.dtype(), {rows, dim(trees * values.dim(1))}); break;
  }
}

// --- as ai.onnx.ml TreeEnsemble-5 -----------------------------------------------------------------------------------------------------
// There one element type serves features, splits and leaves. With leaves in double all is double: a float32 is a double, so comparisons are
// the same, and each leaf adds one double to one target, in the order of the trees. With leaves and features in float32 all is float32.
// That order is what onnxruntime keeps with one thread. A leaf has one target in ONNX: a tree with K values is repeated for
// each output column.

template <class V>
struct Body {
  std::vector<std::int64_t> roots, features, yes, no, yes_leaf, no_leaf, missing, targets;
  std::vector<std::uint8_t> modes;
  std::vector<V> splits, members, weights;

  void node(std::int64_t feature, V split, Branch mode, bool missing_yes) {
    features.push_back(feature);
    splits.push_back(split);
    modes.push_back(static_cast<std::uint8_t>(mode));
    missing.push_back(missing_yes);
    yes.push_back(0);
    no.push_back(0);
    yes_leaf.push_back(0);
    no_leaf.push_back(0);
  }
  std::int64_t leaf(std::int64_t target, V weight) {
    targets.push_back(target);
    weights.push_back(weight);
    return static_cast<std::int64_t>(weights.size()) - 1;
  }
  // A tree that is a leaf is a node between two leaves that add the same. TreeEnsemble-5 also knows one node whose branches both lead to one leaf,
  // but onnxruntime 1.27 takes such a root's number for the leaf's.
  void single(std::int64_t target, V weight) {
    roots.push_back(static_cast<std::int64_t>(features.size()));
    node(0, V{0}, Branch::less_equal, false);
    yes.back() = leaf(target, weight);
    no.back() = leaf(target, weight);
    yes_leaf.back() = no_leaf.back() = 1;
  }
  Attributes attributes(std::int64_t outputs) && {
    Attributes out{{"aggregate_function", std::int64_t{1}},
                   {"post_transform", std::int64_t{0}},
                   {"n_targets", outputs},
                   {"tree_roots", std::move(roots)},
                   {"nodes_featureids", std::move(features)},
                   {"nodes_splits", Tensor::vector(splits)},
                   {"nodes_modes", Tensor::vector(modes)},
                   {"nodes_truenodeids", std::move(yes)},
                   {"nodes_falsenodeids", std::move(no)},
                   {"nodes_trueleafs", std::move(yes_leaf)},
                   {"nodes_falseleafs", std::move(no_leaf)},
                   {"nodes_missing_value_tracks_true", std::move(missing)},
                   {"leaf_targetids", std::move(targets)},
                   {"leaf_weights", Tensor::vector(weights)}};
    if (!members.empty()) out.emplace("membership_values", Tensor::vector(members));
    return out;
  }
};

// The nodes of one tree as ONNX keeps them, for one column of its leaves at a time. A split whose leaves below all add the same to that
// column is written as one leaf: of three classes, whatever only parts the other two. Iterative: trees may be deep.
template <class V, class T>
class TreeWriter {
 public:
  TreeWriter(Body<V>& body, const Forest<T>& forest) : body_(body), forest_(forest), stands_(forest.nodes.size()) {}

  void root(std::int32_t root) {
    order_.clear();
    open_.assign(1, {root, -1, true});
    while (!open_.empty()) {
      const std::int32_t i = open_.back().from;
      open_.pop_back();
      order_.push_back(i);
      const auto& n = at(i);
      if (n.feature < 0) continue;
      open_.push_back({n.no, -1, false});
      open_.push_back({n.yes, -1, true});
    }
  }

  // weight(leaf node) is what the leaves of the tree at root() add to `target`.
  template <class Weight>
  void add(std::int64_t target, Weight&& weight) {
    const auto leaf_of = [&](std::int32_t i) -> std::int32_t& { return stands_[static_cast<std::size_t>(i)]; };
    for (auto i = order_.rbegin(); i != order_.rend(); ++i) {
      const auto& n = at(*i);
      if (n.feature < 0) {
        leaf_of(*i) = *i;
        continue;
      }
      const std::int32_t yes = leaf_of(n.yes), no = leaf_of(n.no);
      const V a = yes < 0 ? V{} : weight(yes), b = no < 0 ? V{} : weight(no);
      leaf_of(*i) = yes >= 0 && no >= 0 && std::memcmp(&a, &b, sizeof(V)) == 0 ? yes : -1;
    }
    const std::int32_t root = order_.front();
    if (leaf_of(root) >= 0) return body_.single(target, weight(leaf_of(root)));
    body_.roots.push_back(static_cast<std::int64_t>(body_.features.size()));
    open_.assign(1, {root, -1, true});
    while (!open_.empty()) {
      const Open o = open_.back();
      open_.pop_back();
      const auto& n = at(o.from);
      const auto self = static_cast<std::int64_t>(body_.features.size());
      if (o.parent >= 0) {
        const auto p = static_cast<std::size_t>(o.parent);
        const std::int32_t leaf = leaf_of(o.from);
        (o.yes ? body_.yes : body_.no)[p] = leaf >= 0 ? body_.leaf(target, weight(leaf)) : self;
        (o.yes ? body_.yes_leaf : body_.no_leaf)[p] = leaf >= 0;
        if (leaf >= 0) continue;
      }
      body_.node(n.feature, n.mode == Branch::member ? V{0} : static_cast<V>(n.split), n.mode, n.missing_yes);
      if (n.mode == Branch::member) members(static_cast<std::size_t>(n.set));
      open_.push_back({n.no, self, false});
      open_.push_back({n.yes, self, true});
    }
  }

 private:
  struct Open {
    std::int32_t from;
    std::int64_t parent;  // -1: the root
    bool yes;
  };

  const typename Forest<T>::Node& at(std::int32_t i) const { return forest_.nodes[static_cast<std::size_t>(i)]; }

  void members(std::size_t set) {
    for (std::size_t v = 0; v < forest_.words * 32; ++v) {
      if ((forest_.bits[set * forest_.words + v / 32] >> (v % 32)) & 1u) body_.members.push_back(static_cast<V>(v));
    }
    body_.members.push_back(std::numeric_limits<V>::quiet_NaN());
  }

  Body<V>& body_;
  const Forest<T>& forest_;
  std::vector<std::int32_t> stands_;  // of each node: a leaf that stands for all below it; -1: they differ
  std::vector<std::int32_t> order_;   // the tree's nodes, parents first
  std::vector<Open> open_;
};

template <class V, class T>
std::vector<ValueId> lower_typed(Builder& b, const Node& node, ValueId input, const Forest<T>& forest, const Shared& s) {
  Body<V> body;
  TreeWriter<V, T> tree(body, forest);
  const auto trees = static_cast<std::int64_t>(forest.roots.size());
  const auto row = [&](std::int32_t leaf) { return static_cast<std::size_t>(forest.nodes[static_cast<std::size_t>(leaf)].yes * s.width); };
  const std::span<const V> values = s.values.data<V>();
  std::int64_t outputs = s.outputs;
  if (s.aggregate == Aggregate::sum) {
    if (s.base) {
      for (std::int64_t j = 0; j < outputs; ++j) body.single(j, s.base->data<V>()[static_cast<std::size_t>(j)]);
    }
    for (std::int64_t t = 0; t < trees; ++t) {
      tree.root(forest.roots[static_cast<std::size_t>(t)]);
      for (std::int64_t k = 0; k < s.width; ++k) {
        tree.add(s.targets.empty() ? k : s.targets[static_cast<std::size_t>(t)],
                 [&](std::int32_t leaf) { return values[row(leaf) + static_cast<std::size_t>(k)]; });
      }
    }
  } else {
    const std::int64_t width = s.aggregate == Aggregate::leaf ? 1 : s.width;
    outputs = trees * width;
    for (std::int64_t t = 0; t < trees; ++t) {
      const std::int32_t root = forest.roots[static_cast<std::size_t>(t)];
      tree.root(root);
      for (std::int64_t k = 0; k < width; ++k) {
        tree.add(t * width + k, [&](std::int32_t leaf) {
          return s.aggregate == Aggregate::leaf ? static_cast<V>(leaf_name(forest, s, leaf, root)) : values[row(leaf) + static_cast<std::size_t>(k)];
        });
      }
    }
  }
  Expr x = cast(Expr(b, input), dtype_of<V>);
  if (!forest.bits.empty()) {
    // Membership is of the whole part. Only the columns that category nodes look at are cut, and -0.5 must not become a member.
    std::vector<double> is_category(static_cast<std::size_t>(forest.feature_count), 0.0);
    bool mixed = false;
    std::vector<bool> threshold(is_category.size(), false);
    for (const auto& n : forest.nodes) {
      if (n.feature < 0) continue;
      if (n.mode == Branch::member) is_category[static_cast<std::size_t>(n.feature)] = 1.0;
      else threshold[static_cast<std::size_t>(n.feature)] = true;
    }
    for (std::size_t i = 0; i < is_category.size(); ++i) mixed = mixed || (is_category[i] != 0 && threshold[i]);
    if (mixed) AttributeView(node).fail(Code::unsupported, "a feature that is used as a number and as a category cannot be written to ONNX");
    if (x.dim(1) > static_cast<std::int64_t>(is_category.size())) is_category.resize(static_cast<std::size_t>(x.dim(1)), 0.0);
    if (x.dim(1) < 0) AttributeView(node).fail(Code::unsupported, "the number of features is not known");
    x = where(greater(x.row(is_category), x.scalar(0.5)), floor(x), x);
  }
  Expr out = apply("ai.onnx.ml", "TreeEnsemble", {x}, std::move(body).attributes(outputs));
  if (s.aggregate == Aggregate::leaf) out = cast(out, DType::int64);
  return {out.id()};
}

// Linear leaves: the trees say which leaf each row reaches; the leaf's constant, features and coefficients are gathered and added up. CumSum
// adds one after the other, in the order in which the library does, where a ReduceSum may add in any. Leaves are padded to as many features as the
// widest has; what stands in for a padded feature adds 0.
std::vector<ValueId> lower_linear(Builder& b, const Node& node, ValueId input, const TreeEnsemble& p) {
  const Shared& s = p.shared;
  const TreeEnsemble::Linear& linear = *s.linear;
  const auto leaves = linear.constants.size();
  const auto trees = static_cast<std::int64_t>(p.wide.roots.size());
  std::vector<double> numbers(leaves);
  std::size_t width = 1;
  for (std::size_t i = 0; i < leaves; ++i) {
    numbers[i] = static_cast<double>(i);
    width = std::max(width, static_cast<std::size_t>(linear.offsets[i + 1] - linear.offsets[i]));
  }
  Shared which;
  which.aggregate = Aggregate::each;
  which.values = Tensor::of<double>({static_cast<std::int64_t>(leaves), 1}, numbers);
  if (leaves * width > (std::size_t{1} << 24)) AttributeView(node).fail(Code::limit, "linear leaves too wide to be padded for ONNX");
  std::vector<std::int64_t> features(leaves * width, 0);
  std::vector<double> coefficients(leaves * width, 0.0), used(leaves * width, 0.0);
  for (std::size_t i = 0; i < leaves; ++i) {
    for (auto from = static_cast<std::size_t>(linear.offsets[i]), to = i * width; from < static_cast<std::size_t>(linear.offsets[i + 1]); ++from, ++to) {
      features[to] = linear.features[from];
      coefficients[to] = linear.coefficients[from];
      used[to] = 1;
    }
  }
  const auto wide = static_cast<std::int64_t>(width), rows = static_cast<std::int64_t>(leaves);
  const Expr x = cast(Expr(b, input), DType::float64);
  const Expr leaf = cast(Expr(b, lower_typed<double>(b, node, input, p.wide, which).at(0)), DType::int64);  // [N, trees]
  const auto picked = [&](Tensor all) { return gather(x.constant(std::move(all)), leaf, 0); };             // [N, trees, …]
  const Expr is_used = greater(picked(Tensor::of<double>({rows, wide}, used)), x.scalar(0.5));
  const Expr asked = reshape(picked(Tensor::of<std::int64_t>({rows, wide}, features)), {0, -1});
  const Expr values = where(is_used, reshape(apply("GatherElements", {x, asked}, {{"axis", std::int64_t{1}}}), {0, trees, wide}), x.scalar(0));
  const Expr parts = concat({unsqueeze(picked(Tensor::vector(linear.constants)), 2), values * picked(Tensor::of<double>({rows, wide}, coefficients))}, 2);
  const auto last_of = [](Expr v, int axis) {
    const Expr sums = apply("CumSum", {v, v.constant(Tensor::scalar(std::int64_t{axis}))});
    return slice(sums, -1, std::numeric_limits<std::int64_t>::max(), axis);
  };
  const Expr missing = greater(reduce_max(cast(is_nan(values), DType::float64), 2), x.scalar(0.5));
  const Expr each = where(missing, picked(s.values.reshaped({rows})), squeeze(last_of(parts, 2), 2));  // [N, trees]
  std::vector<Expr> sums;
  for (std::int64_t k = 0; k < s.outputs; ++k) {
    std::vector<std::int64_t> of_output;
    for (std::int64_t t = 0; t < trees; ++t) {
      if (s.targets.empty() || s.targets[static_cast<std::size_t>(t)] == k) of_output.push_back(t);
    }
    Expr start = slice(each, 0, 1, 1) * 0.0;  // a column of the right height
    start = where(is_nan(start), x.scalar(0), start);
    if (s.base) start = start + s.base->data<double>()[static_cast<std::size_t>(k)];
    sums.push_back(of_output.empty() ? start : last_of(concat({start, columns(each, of_output)}, 1), 1));
  }
  return {sums.size() == 1 ? sums[0].id() : concat(sums, 1).id()};
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const AttributeView context(node);
  const TreeEnsemble p = read_tree_ensemble(context);
  const Shared& s = p.shared;
  const ValueId x = inputs.at(0);
  if (s.linear && !p.wide.roots.empty()) return lower_linear(b, node, x, p);
  // "leaf" says nothing of the values; node numbers are exact in a float32 up to 2^24.
  const bool small = s.values.dtype() == DType::float32 && (s.aggregate != Aggregate::leaf || (p.narrow.nodes.size() < (1u << 24) && s.leaf_ids.empty()));
  if (p.features == DType::float64) {
    if (s.values.dtype() == DType::float32) {
      if (s.aggregate != Aggregate::leaf) context.fail(Code::unsupported, "float64 features with float32 leaf values cannot be written to ONNX exactly");
      Shared wide = s;
      wide.values = Tensor(DType::float64, {0, 1});
      return lower_typed<double>(b, node, x, p.wide, wide);
    }
    return lower_typed<double>(b, node, x, p.wide, s);
  }
  if (small) return lower_typed<float>(b, node, x, p.narrow, s);
  if (s.values.dtype() == DType::float64) return lower_typed<double>(b, node, x, p.narrow, s);
  Shared wide = s;
  wide.values = Tensor(DType::float64, {0, 1});
  return lower_typed<double>(b, node, x, p.narrow, wide);
}

constexpr Op kOps[] = {
    {"decant", "TreeEnsemble", "Decision trees: their sum in order, the leaf of each, or each one's value. Attributes: see src/ops/decant/tree_ensemble.cc.", infer, run,
     prepare, lower},
};

}  // namespace

TreeEnsemble read_tree_ensemble(const AttributeView& c) {
  TreeEnsemble out;
  out.features = c.tensor("splits").dtype();
  out.shared = shared_of(c, c.tensor("roots").size());
  if (c.has("linear_constants")) out.shared.linear = linear_of(c, out.shared);
  if (out.features == DType::float32) fill(c, out.narrow);
  else if (out.features == DType::float64) fill(c, out.wide);
  else c.fail(Code::corrupt, format("splits of {}", name_of(out.features)));
  return out;
}

DECANT_AT_START std::span<const Op> tree_ensemble_ops() { return kOps; }

}  // namespace decant
