// SPDX-License-Identifier: Apache-2.0
// Decision trees, forests and isolation forests (sklearn/tree/_classes.py, sklearn/ensemble/_forest.py, _iforest.py).
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "frameworks/sklearn/forest.h"

namespace decant::sklearn {
namespace {

constexpr Version kNotNormalised{1, 4};  // DecisionTreeClassifier.predict_proba divides by the sum up to 1.3

Expr single(const Table& x) { return cast(x.matrix(), DType::float32); }

/// classes_ of each output: one array, or a list of them for several outputs.
std::vector<Tensor> classes_by_output(const Object& self) {
  const Object classes = self["classes_"];
  if (const auto array = classes.array(); array && array->type.kind != 'O') return {classes.tensor()};
  if (classes.is_sequence() && !classes.elements().empty() && !classes.elements()[0].array()) return {classes.tensor()};
  std::vector<Tensor> out;
  for (const Object& c : classes.elements()) out.push_back(c.tensor());
  return out;
}

/// Probabilities of `trees` (each with a tree_), summed in order.
Expr summed(Context& context, const std::vector<Object>& trees, std::size_t output, std::size_t classes, Expr x32) {
  Forest forest(classes);
  std::size_t nodes = 0;
  std::vector<TreeView> views;
  for (const Object& t : trees) views.emplace_back(t["tree_"]), nodes += views.back().node_count();
  forest.reserve(nodes);
  for (std::size_t i = 0; i < trees.size(); ++i) {
    const TreeView& tree = views[i];
    if (output >= tree.outputs() || classes > tree.width()) trees[i].fail(Code::corrupt, format("{} classes in a tree of {}", classes, tree.width()));
    const bool normalised = context.version(trees[i]) < kNotNormalised;
    forest.add(tree, [&](std::size_t leaf, std::span<double> out) {
      tree.values(leaf, output, out);
      if (normalised) normalise(out, classes);
    });
  }
  return forest.sum(x32, classes);
}

/// One matrix of labels from one vector per output. scikit-learn gives them the type of the first output's classes.
Expr stacked(const std::vector<Expr>& parts) {
  if (parts.size() == 1) return parts[0];
  std::vector<Expr> columns;
  for (const Expr& p : parts) columns.push_back(unsqueeze(cast(p, parts[0].dtype()), 1));
  return concat(columns, 1);
}

Result several(std::vector<Expr> parts) {
  if (parts.size() == 1) return parts[0];
  return Result(std::move(parts));
}

Result tree_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return squeeze(leaf_numbers({self}, single(x)), 1);
  const std::vector<Tensor> classes = classes_by_output(self);
  std::vector<Expr> out;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    const auto n = classes[k].size();
    if (method == Method::predict) {  // the largest raw value, not the largest probability: rounding could tie them
      const Expr raw = tree_values(context, self, k, single(x));
      out.push_back(labels(context, classes[k], argmax(slice(raw, 0, static_cast<std::int64_t>(n), 1), 1)));
    } else {
      const Expr p = summed(context, {self}, k, n, single(x));
      out.push_back(method == Method::predict_log_proba ? log(p) : p);
    }
  }
  if (method == Method::predict) return stacked(out);
  return several(out);
}

Result tree_regressor(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return squeeze(leaf_numbers({self}, single(x)), 1);
  const TreeView tree(self["tree_"]);
  std::vector<Expr> out;
  for (std::size_t k = 0; k < tree.outputs(); ++k) out.push_back(tree_values(context, self, k, single(x)));
  return tree.outputs() == 1 ? squeeze(out[0], 1) : concat(out, 1);
}

std::vector<Object> members(const Object& self) {
  const std::vector<Object> out = self["estimators_"].elements();
  if (out.empty()) self.fail(Code::corrupt, "a forest without trees");
  return out;
}

Result forest_classifier(Context& context, const Object& self, Method method, const Table& x) {
  const std::vector<Object> trees = members(self);
  if (method == Method::apply) return leaf_numbers(trees, single(x));
  const std::vector<Tensor> classes = classes_by_output(self);
  std::vector<Expr> out;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (method == Method::predict) {
      // From the probabilities that predict_proba computes, so that both share one pass over the trees.
      const Result& p = context.call(self, Method::predict_proba, x);
      out.push_back(labels(context, classes[k], argmax(p.values.at(k), 1)));
    } else if (method == Method::predict_log_proba) {
      out.push_back(log(context.call(self, Method::predict_proba, x).values.at(k)));
    } else {
      out.push_back(summed(context, trees, k, classes[k].size(), single(x)) / static_cast<double>(trees.size()));
    }
  }
  if (method == Method::predict) return stacked(out);
  return several(out);
}

Result forest_regressor(Context&, const Object& self, Method method, const Table& x) {
  const std::vector<Object> trees = members(self);
  if (method == Method::apply) return leaf_numbers(trees, single(x));
  std::vector<TreeView> views;
  std::size_t nodes = 0;
  for (const Object& t : trees) views.emplace_back(t["tree_"]), nodes += views.back().node_count();
  const std::size_t outputs = views[0].outputs();
  Forest forest(outputs);
  forest.reserve(nodes);
  for (const TreeView& tree : views) {
    if (tree.outputs() != outputs) tree.object().fail(Code::corrupt, "trees with different numbers of outputs");
    forest.add(tree, [&](std::size_t leaf, std::span<double> out) {
      for (std::size_t k = 0; k < outputs; ++k) tree.values(leaf, k, out.subspan(k, 1));
    });
  }
  const Expr mean = forest.sum(single(x), outputs) / static_cast<double>(trees.size());
  return outputs == 1 ? squeeze(mean, 1) : mean;
}

/// The expected depth at which n samples are told apart (_average_path_length in _iforest.py).
double average_path_length(double n) {
  if (n <= 1) return 0;
  if (n == 2) return 1;
  return 2.0 * (std::log(n - 1.0) + std::numbers::egamma) - 2.0 * (n - 1.0) / n;
}

Result isolation_forest(Context& context, const Object& self, Method method, const Table& x) {
  const double offset = self.real("offset_", -0.5);
  if (method == Method::decision_function) return context.value(self, Method::score_samples, x) - offset;
  if (method == Method::predict) {  // inliers 1, outliers -1
    const Expr outlier = less(context.value(self, Method::decision_function, x), context.constant(Tensor::scalar(0.0)));
    return where(outlier, context.constant(Tensor::scalar<std::int64_t>(-1)), context.constant(Tensor::scalar<std::int64_t>(1)));
  }
  const std::vector<Object> trees = members(self);
  const auto features = self.set("estimators_features_") ? self["estimators_features_"].elements() : std::vector<Object>{};
  Forest forest(1);
  for (std::size_t t = 0; t < trees.size(); ++t) {
    const TreeView tree(trees[t]["tree_"]);
    std::vector<double> depth(tree.node_count(), 1);  // nodes on the way, the root counted
    std::vector<bool> known(tree.node_count(), false);
    known[0] = true;
    for (std::size_t i = 0; i < tree.node_count(); ++i) {
      const TreeView::Node node = tree.node(i);
      if (node.left == -1) continue;
      for (const std::int64_t child : {node.left, node.right}) {
        // Trees are stored parents first.
        if (child <= static_cast<std::int64_t>(i) || child >= static_cast<std::int64_t>(tree.node_count())) trees[t].fail(Code::corrupt, format("node {} has child {}", i, child));
        depth[static_cast<std::size_t>(child)] = depth[i] + 1;
      }
    }
    const std::vector<std::int64_t> columns = t < features.size() ? features[t].integers() : std::vector<std::int64_t>{};
    forest.add(tree, [&](std::size_t leaf, std::span<double> out) {
      out[0] = depth[leaf] + average_path_length(static_cast<double>(tree.node(leaf).samples)) - 1.0;
    }, columns);
  }
  const Expr depths = squeeze(forest.sum(single(x), 1), 1);
  const double denominator = static_cast<double>(trees.size()) * average_path_length(self.real("_max_samples", self.real("max_samples_", 1)));
  // The score is the opposite of 2^(-depths / denominator).
  const Expr two = context.constant(Tensor::scalar(2.0));
  return -pow(two, denominator != 0 ? -(depths / denominator) : depths * 0 - 1);
}

constexpr Methods kOutlierDetector{Method::predict, Method::decision_function, Method::score_samples};

}  // namespace

DECANT_AT_START std::span<const Estimator> trees_estimators() {
  static constexpr Methods kTreeClassifier{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::apply}, kTreeRegressor{Method::predict, Method::apply};
  static constexpr Estimator kEstimators[] = {
      {"DecisionTreeClassifier", kTreeClassifier, tree_classifier}, {"ExtraTreeClassifier", kTreeClassifier, tree_classifier},
      {"DecisionTreeRegressor", kTreeRegressor, tree_regressor},    {"ExtraTreeRegressor", kTreeRegressor, tree_regressor},
      {"RandomForestClassifier", kTreeClassifier, forest_classifier}, {"ExtraTreesClassifier", kTreeClassifier, forest_classifier},
      {"RandomForestRegressor", kTreeRegressor, forest_regressor},  {"ExtraTreesRegressor", kTreeRegressor, forest_regressor},
      {"IsolationForest", kOutlierDetector, isolation_forest},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
