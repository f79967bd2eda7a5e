// SPDX-License-Identifier: Apache-2.0
// ai.onnx.ml trees: TreeEnsemble-5, TreeEnsembleRegressor-3 and TreeEnsembleClassifier-3 (onnx/docs/Operators-ml.md). What the text leaves
// open (a binary classifier with one column of weights, where base values enter) is as onnxruntime does it
// (onnxruntime/core/providers/cpu/ml/tree_ensemble_aggregator.h, 1.31). The trees are verified by the type rule already: a file whose
// nodes form no trees does not open.
#include <algorithm>
#include <cmath>
#include <map>

#include "ops/forest.h"
#include "ops/kernel.h"
#include "ops/scores.h"

namespace decant {
namespace {

enum class Aggregate : std::uint8_t { average = 0, sum = 1, min = 2, max = 3 };

template <class T>
struct Ensemble {
  Forest<T> forest;
  // What leaf i adds: pairs [begin[i], begin[i + 1]) of target and weight.
  std::vector<std::size_t> begin;
  std::vector<std::int32_t> targets;
  std::vector<T> weights;
  std::vector<T> base;
  std::int64_t outputs = 1;
  Aggregate aggregate = Aggregate::sum;
};

template <class T>
std::vector<T> numbers(const AttributeView& c, const std::string& name) {
  std::vector<T> out;
  if (c.has(name + "_as_tensor")) {
    const Tensor& t = c.tensor(name + "_as_tensor");
    if (t.dtype() != DType::float32 && t.dtype() != DType::float64) c.fail(Code::unsupported, format("{} of {}", name, name_of(t.dtype())));
    for (std::size_t i = 0; i < t.size(); ++i) out.push_back(static_cast<T>(t.number(i)));
  } else {
    const std::vector<double> list = c.reals(name);
    out.assign(list.begin(), list.end());
  }
  return out;
}

Branch branch_of(const AttributeView& c, std::string_view mode) {
  static constexpr std::string_view kNames[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
  const auto* at = std::ranges::find(kNames, mode);
  if (at == std::end(kNames)) c.fail(Code::corrupt, format("a node of mode {}", printable(mode, 40)));
  return static_cast<Branch>(at - std::begin(kNames));
}

void want_count(const AttributeView& c, std::string_view name, std::size_t have, std::size_t need) {
  if (have != need) c.fail(Code::corrupt, format("{} has {} entries for {}", name, have, need));
}

std::int32_t feature_of(const AttributeView& c, std::int64_t feature) {
  // More features than any table has: a number out of this range is damage, and must not become a length.
  if (feature < 0 || feature > (1 << 24)) c.fail(Code::corrupt, format("feature {}", feature));
  return static_cast<std::int32_t>(feature);
}

// The nodes of operators 1 to 3, each known by tree and number. `prefix`: of the leaves' attributes.
template <class T>
Ensemble<T> build_old(const AttributeView& c, const std::string& prefix, std::int64_t outputs) {
  Ensemble<T> out;
  out.outputs = outputs;
  const std::vector<std::int64_t> trees = c.integers("nodes_treeids"), ids = c.integers("nodes_nodeids"), features = c.integers("nodes_featureids"),
                                  yes = c.integers("nodes_truenodeids"), no = c.integers("nodes_falsenodeids"),
                                  missing = c.integers("nodes_missing_value_tracks_true");
  const std::vector<T> values = numbers<T>(c, "nodes_values");
  const std::vector<std::string> modes = c.texts("nodes_modes");
  const std::size_t n = trees.size();
  want_count(c, "nodes_nodeids", ids.size(), n);
  want_count(c, "nodes_featureids", features.size(), n);
  want_count(c, "nodes_truenodeids", yes.size(), n);
  want_count(c, "nodes_falsenodeids", no.size(), n);
  want_count(c, "nodes_values", values.size(), n);
  want_count(c, "nodes_modes", modes.size(), n);
  if (!missing.empty()) want_count(c, "nodes_missing_value_tracks_true", missing.size(), n);
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> places;
  for (std::size_t i = 0; i < n; ++i) {
    if (!places.emplace(std::pair(trees[i], ids[i]), static_cast<std::int32_t>(i)).second) c.fail(Code::corrupt, format("tree {} has two nodes {}", trees[i], ids[i]));
  }
  const auto place = [&](std::int64_t tree, std::int64_t id) {
    const auto at = places.find({tree, id});
    if (at == places.end()) c.fail(Code::corrupt, format("tree {} has no node {}", tree, id));
    return at->second;
  };
  std::vector<bool> is_child(n, false);
  out.forest.nodes.resize(n);
  std::size_t leaves = 0;
  std::vector<std::int32_t> leaf_of(n, -1);
  for (std::size_t i = 0; i < n; ++i) {
    auto& node = out.forest.nodes[i];
    if (modes[i] == "LEAF") {
      leaf_of[i] = node.yes = static_cast<std::int32_t>(leaves++);
      continue;
    }
    node.split = values[i];
    node.feature = feature_of(c, features[i]);
    node.mode = branch_of(c, modes[i]);
    node.yes = place(trees[i], yes[i]);
    node.no = place(trees[i], no[i]);
    node.missing_yes = !missing.empty() && missing[i] != 0;
    is_child[static_cast<std::size_t>(node.yes)] = is_child[static_cast<std::size_t>(node.no)] = true;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_child[i]) out.forest.roots.push_back(static_cast<std::int32_t>(i));
  }
  out.forest.verify(c, leaves);

  const std::vector<std::int64_t> leaf_trees = c.integers(prefix + "_treeids"), leaf_ids = c.integers(prefix + "_nodeids"), targets = c.integers(prefix + "_ids");
  const std::vector<T> weights = numbers<T>(c, prefix + "_weights");
  want_count(c, prefix + "_nodeids", leaf_ids.size(), leaf_trees.size());
  want_count(c, prefix + "_ids", targets.size(), leaf_trees.size());
  want_count(c, prefix + "_weights", weights.size(), leaf_trees.size());
  std::vector<std::size_t> owner(targets.size());
  std::vector<std::size_t> count(leaves + 1, 0);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto node = static_cast<std::size_t>(place(leaf_trees[i], leaf_ids[i]));
    if (leaf_of[node] < 0) c.fail(Code::corrupt, format("node {} of tree {} has a weight and is no leaf", leaf_ids[i], leaf_trees[i]));
    if (targets[i] < 0 || targets[i] >= outputs) c.fail(Code::corrupt, format("target {} of {}", targets[i], outputs));
    owner[i] = static_cast<std::size_t>(leaf_of[node]);
    ++count[owner[i] + 1];
  }
  for (std::size_t i = 0; i < leaves; ++i) count[i + 1] += count[i];
  out.begin = count;
  out.targets.resize(targets.size());
  out.weights.resize(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::size_t slot = count[owner[i]]++;
    out.targets[slot] = static_cast<std::int32_t>(targets[i]);
    out.weights[slot] = weights[i];
  }
  out.base = numbers<T>(c, "base_values");
  return out;
}

// TreeEnsemble-5: nodes and leaves in lists of their own.
template <class T>
Ensemble<T> build_new(const AttributeView& c) {
  Ensemble<T> out;
  const std::vector<std::int64_t> features = c.integers("nodes_featureids"), yes = c.integers("nodes_truenodeids"), no = c.integers("nodes_falsenodeids"),
                                  yes_leaf = c.integers("nodes_trueleafs"), no_leaf = c.integers("nodes_falseleafs"),
                                  missing = c.integers("nodes_missing_value_tracks_true"), targets = c.integers("leaf_targetids"), roots = c.integers("tree_roots");
  const Tensor &modes = c.tensor("nodes_modes"), &splits = c.tensor("nodes_splits"), &weights = c.tensor("leaf_weights");
  const std::size_t n = features.size(), leaves = targets.size();
  if (modes.dtype() != DType::uint8) c.fail(Code::corrupt, format("nodes_modes of {}", name_of(modes.dtype())));
  for (const Tensor* t : {&splits, &weights}) {
    if (t->dtype() != DType::float32 && t->dtype() != DType::float64) c.fail(Code::unsupported, format("trees of {}", name_of(t->dtype())));
  }
  want_count(c, "nodes_truenodeids", yes.size(), n);
  want_count(c, "nodes_falsenodeids", no.size(), n);
  want_count(c, "nodes_trueleafs", yes_leaf.size(), n);
  want_count(c, "nodes_falseleafs", no_leaf.size(), n);
  want_count(c, "nodes_modes", modes.size(), n);
  want_count(c, "nodes_splits", splits.size(), n);
  want_count(c, "leaf_weights", weights.size(), leaves);
  if (!missing.empty()) want_count(c, "nodes_missing_value_tracks_true", missing.size(), n);
  out.outputs = c.integer("n_targets", 1);
  const std::int64_t aggregate = c.integer("aggregate_function", 1);
  if (aggregate < 0 || aggregate > 3) c.fail(Code::corrupt, format("aggregate_function {}", aggregate));
  out.aggregate = static_cast<Aggregate>(aggregate);
  if (c.has("membership_values")) {
    const Tensor& values = c.tensor("membership_values");
    if (values.dtype() != DType::float32 && values.dtype() != DType::float64) c.fail(Code::unsupported, "membership values of this kind");
    std::vector<T> set;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto v = static_cast<T>(values.number(i));
      if (!std::isnan(v)) set.push_back(v);
      if (std::isnan(v) || i + 1 == values.size()) {
        std::ranges::sort(set);
        out.forest.members.push_back(std::move(set));
        set.clear();
      }
    }
  }
  auto& nodes = out.forest.nodes;
  nodes.resize(n);
  // Each reference to a leaf becomes a node of its own: then nothing is reached twice. A root whose branches are one leaf is that leaf.
  const auto child = [&](std::int64_t to, bool is_leaf) {
    if (!is_leaf) {
      if (to < 0 || static_cast<std::size_t>(to) >= n) c.fail(Code::corrupt, format("node {} of {}", to, n));
      return static_cast<std::int32_t>(to);
    }
    if (to < 0 || static_cast<std::size_t>(to) >= leaves) c.fail(Code::corrupt, format("leaf {} of {}", to, leaves));
    typename Forest<T>::Node leaf;
    leaf.yes = static_cast<std::int32_t>(to);
    nodes.push_back(leaf);
    return static_cast<std::int32_t>(nodes.size() - 1);
  };
  std::int32_t sets = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint8_t mode = modes.data<std::uint8_t>()[i];
    if (mode > static_cast<std::uint8_t>(Branch::member)) c.fail(Code::corrupt, format("a node of mode {}", mode));
    typename Forest<T>::Node node;
    node.mode = static_cast<Branch>(mode);
    if (node.mode == Branch::member) node.set = sets++;
    node.feature = feature_of(c, features[i]);
    node.split = static_cast<T>(splits.number(i));
    node.missing_yes = !missing.empty() && missing[i] != 0;
    node.yes = child(yes[i], yes_leaf[i] != 0);
    node.no = child(no[i], no_leaf[i] != 0);
    nodes[i] = node;
  }
  for (const std::int64_t r : roots) {
    if (r < 0 || static_cast<std::size_t>(r) >= n) c.fail(Code::corrupt, format("root {} of {} nodes", r, n));
    out.forest.roots.push_back(static_cast<std::int32_t>(r));
  }
  out.forest.verify(c, leaves);
  out.begin.resize(leaves + 1);
  for (std::size_t i = 0; i < leaves; ++i) {
    if (targets[i] < 0 || targets[i] >= out.outputs) c.fail(Code::corrupt, format("target {} of {}", targets[i], out.outputs));
    out.begin[i + 1] = i + 1;
    out.targets.push_back(static_cast<std::int32_t>(targets[i]));
    out.weights.push_back(static_cast<T>(weights.number(i)));
  }
  return out;
}

// f(row, sums, which targets had a leaf) after all trees, before base values.
template <class T, class X, class F>
void evaluate(const KernelContext& c, const Ensemble<T>& e, const Tensor& x, F&& f) {
  if (x.rank() != 2) c.fail(Code::mismatch, format("the input has shape {}, a matrix is needed", text_of(x.shape())));
  if (x.dim(1) < e.forest.feature_count) c.fail(Code::mismatch, format("the trees ask for {} features, the input has {}", e.forest.feature_count, x.dim(1)));
  const auto outputs = static_cast<std::size_t>(e.outputs), columns = static_cast<std::size_t>(x.dim(1));
  std::vector<T> sums(outputs), row(columns);
  std::vector<bool> has(outputs);
  const X* from = x.data<X>().data();
  for (std::int64_t r = 0; r < x.dim(0); ++r) {
    for (std::size_t j = 0; j < columns; ++j) row[j] = static_cast<T>(from[static_cast<std::size_t>(r) * columns + j]);
    std::fill(sums.begin(), sums.end(), T{0});
    has.assign(outputs, false);
    for (const std::int32_t root : e.forest.roots) {
      const auto leaf = static_cast<std::size_t>(e.forest.nodes[static_cast<std::size_t>(e.forest.walk(root, row.data()))].yes);
      for (std::size_t i = e.begin[leaf]; i < e.begin[leaf + 1]; ++i) {
        const auto t = static_cast<std::size_t>(e.targets[i]);
        const T w = e.weights[i];
        switch (e.aggregate) {
          case Aggregate::average: case Aggregate::sum: sums[t] += w; break;
          case Aggregate::min: sums[t] = !has[t] || w < sums[t] ? w : sums[t]; break;
          case Aggregate::max: sums[t] = !has[t] || w > sums[t] ? w : sums[t]; break;
        }
        has[t] = true;
      }
    }
    if (e.aggregate == Aggregate::average && !e.forest.roots.empty()) {
      for (T& s : sums) s /= static_cast<T>(e.forest.roots.size());
    }
    f(r, sums, has);
  }
}

struct Prepared {
  Ensemble<float> narrow;
  Ensemble<double> wide;
  bool is_wide = false;
  PostTransform transform = PostTransform::none;
  // of the classifier
  Labels labels;
  bool binary = false, positive = true;
};

// Features of float64 are compared in double, all others in float32.
template <class Build>
State prepare_with(const PrepareContext& c, Build&& build) {
  auto out = std::make_shared<Prepared>();
  out->is_wide = !c.inputs.empty() && c.inputs[0] != nullptr && c.inputs[0]->dtype == DType::float64;
  if (out->is_wide) out->wide = build.template operator()<double>();
  else out->narrow = build.template operator()<float>();
  return out;
}

template <class F>
void with_ensemble(KernelContext& c, F&& f) {
  const auto& p = c.state<Prepared>();
  const Tensor& x = c.input(0);
  if (p.is_wide) {
    want(c, 0, DType::float64);
    return f.template operator()<double, double>(p.wide);
  }
  dispatch(c, x.dtype(), Types<float, std::int64_t, std::int32_t>{}, [&]<class X>() { f.template operator()<float, X>(p.narrow); });
}

Dim rows_of(const InferContext& c) {
  const Type& x = c.input(0);
  if (x.has_rank && x.shape.size() != 2) c.fail(Code::mismatch, format("the input is {}, a matrix is needed", x.text()));
  return x.has_rank ? x.shape[0] : Dim{};
}

// --- TreeEnsemble, TreeEnsembleRegressor ----------------------------------------------------------------------------------------------------

std::int64_t targets_of(const AttributeView& c) {
  const std::int64_t n = c.integer("n_targets", 1);
  // As many outputs as there are weights at most: a count out of the file must not ask for memory that nothing fills.
  if (n < 1 || n > std::max<std::int64_t>(1, static_cast<std::int64_t>(c.integers("target_ids").size() + c.integers("leaf_targetids").size()))) c.fail(Code::corrupt, format("n_targets {}", n));
  return n;
}

template <class T>
Ensemble<T> build_regressor(const AttributeView& c) {
  Ensemble<T> out = build_old<T>(c, "target", targets_of(c));
  static constexpr std::string_view kNames[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  const auto* at = std::ranges::find(kNames, c.text("aggregate_function", "SUM"));
  if (at == std::end(kNames)) c.fail(Code::corrupt, "an unknown aggregate_function");
  out.aggregate = static_cast<Aggregate>(at - std::begin(kNames));
  if (!out.base.empty()) want_count(c, "base_values", out.base.size(), static_cast<std::size_t>(out.outputs));
  return out;
}

template <class Out>
void run_regression(KernelContext& c) {
  const PostTransform transform = c.state<Prepared>().transform;
  with_ensemble(c, [&]<class T, class X>(const Ensemble<T>& e) {
    using To = std::conditional_t<std::is_same_v<Out, void>, T, float>;
    To* out = c.output(0, dtype_of<To>, {c.input(0).rank() == 2 ? c.input(0).dim(0) : 0, e.outputs}).template mutable_data<To>().data();
    std::vector<T> line;
    evaluate<T, X>(c, e, c.input(0), [&](std::int64_t r, const std::vector<T>& sums, const std::vector<bool>&) {
      line = sums;
      for (std::size_t j = 0; j < e.base.size(); ++j) line[j] += e.base[j];
      // Of a single target, onnxruntime knows no transform but PROBIT.
      if (line.size() > 1 || transform == PostTransform::probit) apply_transform(transform, std::span<T>(line));
      for (std::size_t j = 0; j < line.size(); ++j) out[static_cast<std::size_t>(r) * line.size() + j] = static_cast<To>(line[j]);
    });
  });
}

State prepare_regressor(const PrepareContext& c) {
  State state = prepare_with(c, [&]<class T>() { return build_regressor<T>(c); });
  const_cast<Prepared*>(static_cast<const Prepared*>(state.get()))->transform = transform_named(c, c.text("post_transform", "NONE"));
  return state;
}
State prepare_ensemble(const PrepareContext& c) {
  targets_of(c);
  State state = prepare_with(c, [&]<class T>() { return build_new<T>(c); });
  const std::int64_t transform = c.integer("post_transform", 0);
  if (transform < 0 || transform > 4) c.fail(Code::corrupt, format("post_transform {}", transform));
  const_cast<Prepared*>(static_cast<const Prepared*>(state.get()))->transform = static_cast<PostTransform>(transform);
  return state;
}

void infer_regressor(InferContext& c) {
  build_regressor<float>(c);
  c.outputs[0] = Type::tensor(DType::float32, {rows_of(c), dim(targets_of(c))});
}
void infer_ensemble(InferContext& c) {
  targets_of(c);
  build_new<float>(c);
  c.outputs[0] = Type::tensor(c.input(0).dtype, {rows_of(c), dim(targets_of(c))});
}

// --- TreeEnsembleClassifier -------------------------------------------------------------------------------------------------------------

template <class T>
Ensemble<T> build_classifier(const AttributeView& c, const Labels& labels) {
  Ensemble<T> out = build_old<T>(c, "class", std::max<std::int64_t>(labels.count(), 2));
  if (out.base.size() > static_cast<std::size_t>(out.outputs)) c.fail(Code::corrupt, format("{} base values for {} classes", out.base.size(), out.outputs));
  return out;
}

State prepare_classifier(const PrepareContext& c) {
  const Labels labels = labels_of(c);
  State state = prepare_with(c, [&]<class T>() { return build_classifier<T>(c, labels); });
  auto& p = *const_cast<Prepared*>(static_cast<const Prepared*>(state.get()));
  p.transform = transform_named(c, c.text("post_transform", "NONE"));
  p.labels = labels;
  const std::vector<std::int64_t> ids = c.integers("class_ids");
  p.binary = labels.count() == 2 && std::ranges::all_of(ids, [&](std::int64_t id) { return id == ids[0]; });
  for (const double w : numbers<double>(c, "class_weights")) p.positive = p.positive && !(w < 0);
  return state;
}

// Two classes. onnxruntime looks at which columns the leaves of this row gave something to, and at whether any weight is negative. Where both
// columns have weights it calls a row 1 as soon as the second score is above 0, and not by the class labels; there the larger score wins here.
template <class T>
std::int64_t two_classes(const Prepared& p, const Ensemble<T>& e, std::vector<T>& s, const std::vector<bool>& has) {
  bool single = !has[1];
  if (e.base.size() == 2) {
    single = false;
    if (has[1]) {  // base_values[0] is taken to be the same and is not used
      s[1] = e.base[1] + s[0];
      s[0] = -s[1];
    } else {
      s[0] += e.base[0];
      s[1] += e.base[1];
    }
  } else if (e.base.size() == 1) {
    s[0] += e.base[0];
  }
  const T weight = has[1] ? s[1] : has[0] ? s[0] : T{0};
  const bool second = p.binary ? weight > (p.positive ? T(0.5) : T{0}) : single ? weight > 0 : s[1] > s[0];
  if (single) {
    s = pair_of(p.transform, s[0], p.binary && p.positive && p.transform != PostTransform::logistic);
  } else {
    for (std::size_t j = 0; j < 2; ++j) s[j] = has[j] ? s[j] : T{0};
    apply_transform(p.transform, std::span<T>(s));
  }
  return second;
}

void run_classifier(KernelContext& c) {
  const auto& p = c.state<Prepared>();
  const std::int64_t rows = c.input(0).rank() == 2 ? c.input(0).dim(0) : 0;
  std::vector<std::int64_t> winners;
  Tensor scores;
  with_ensemble(c, [&]<class T, class X>(const Ensemble<T>& e) {
    scores = Tensor(DType::float32, {rows, e.outputs});
    float* out = scores.mutable_data<float>().data();
    std::vector<T> line;
    evaluate<T, X>(c, e, c.input(0), [&](std::int64_t r, const std::vector<T>& sums, const std::vector<bool>& has) {
      line = sums;
      if (p.labels.count() > 2) {
        for (std::size_t j = 0; j < e.base.size(); ++j) line[j] += e.base[j];
        winners.push_back(std::ranges::max_element(line) - line.begin());
        apply_transform(p.transform, std::span<T>(line));
      } else {
        winners.push_back(two_classes(p, e, line, has));
      }
      for (std::size_t j = 0; j < line.size(); ++j) out[static_cast<std::size_t>(r) * line.size() + j] = static_cast<float>(line[j]);
    });
  });
  c.set_output(0, p.labels.pick(winners));
  if (c.wants_output(1)) c.set_output(1, std::move(scores));
}

void infer_classifier(InferContext& c) {
  const Labels labels = labels_of(c);
  build_classifier<float>(c, labels);
  c.outputs[0] = Type::tensor(labels.dtype(), {rows_of(c)});
  if (c.outputs.size() > 1) c.outputs[1] = Type::tensor(DType::float32, {rows_of(c), dim(std::max<std::int64_t>(labels.count(), 2))});
}

constexpr Op kOps[] = {
    {"ai.onnx.ml", "TreeEnsemble", "Trees of nodes and leaves; sum, average, min or max of their leaves for each target.", infer_ensemble, run_regression<void>, prepare_ensemble},
    {"ai.onnx.ml", "TreeEnsembleClassifier", "Labels and float32 scores from trees whose leaves carry weights of classes.", infer_classifier, run_classifier, prepare_classifier},
    {"ai.onnx.ml", "TreeEnsembleRegressor", "float32 targets from trees whose leaves carry weights of targets.", infer_regressor, run_regression<float>, prepare_regressor},
};

}  // namespace

DECANT_AT_START std::span<const Op> ml_trees_ops() { return kOps; }

}  // namespace decant
