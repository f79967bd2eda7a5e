// SPDX-License-Identifier: Apache-2.0
// RandomTreesEmbedding (sklearn/ensemble/_forest.py): which leaf of each tree a row falls into, one column for each leaf.
#include "base/text.h"
#include "frameworks/sklearn/forest.h"

namespace decant::sklearn {
namespace {

Result random_trees_embedding(Context&, const Object& self, Method method, const Table& x) {
  const std::vector<Object> trees = self["estimators_"].elements();
  if (method == Method::apply) return leaf_numbers(trees, cast(x.matrix(), DType::float32));
  const Object encoder = self["one_hot_encoder_"];
  if (!encoder.set("categories_")) unsupported(self, "models of scikit-learn before 0.20");
  const std::vector<Object> leaves = encoder["categories_"].elements();
  if (trees.empty() || leaves.size() != trees.size()) self.fail(Code::corrupt, format("{} trees, and leaves of {}", trees.size(), leaves.size()));
  const Expr leaf = leaf_numbers(trees, cast(x.matrix(), DType::float32));
  std::vector<Expr> pairs;
  for (std::size_t t = 0; t < trees.size(); ++t) {
    pairs.push_back(columns(leaf, {static_cast<std::int64_t>(t)}));
    pairs.push_back(reshape(leaf.row(leaves[t].list()), {1, -1}));
  }
  return apply("decant", "Indicators", pairs);
}

}  // namespace

DECANT_AT_START std::span<const Estimator> tree_embedding_estimators() {
  static constexpr Estimator kEstimators[] = {{"RandomTreesEmbedding", {Method::transform, Method::apply}, random_trees_embedding}};
  return kEstimators;
}

}  // namespace decant::sklearn
