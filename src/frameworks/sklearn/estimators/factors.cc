// SPDX-License-Identifier: Apache-2.0
// Factors and topics (sklearn/decomposition/_nmf.py, _lda.py).

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

double beta_of(const Object& self) {
  if (!self.set("beta_loss")) return 2;
  const Object loss = self["beta_loss"];
  if (!loss.is_text()) return loss.real();
  const std::string name = loss.text();
  if (name == "frobenius") return 2;
  if (name == "kullback-leibler") return 1;
  if (name == "itakura-saito") return 0;
  unsupported(self, format("beta_loss={}", printable(name)));
}

Tensor components_of(const Object& self) {
  const Tensor out = self["components_"].doubles();
  if (out.rank() != 2 || out.size() == 0) self.fail(Code::corrupt, format("components_ of shape {}", text_of(out.shape())));
  return out;
}

Result factors(Context& context, const Object& self, Method, const Table& x) {
  const Tensor components = components_of(self);
  const bool mini_batch = self.name() == "MiniBatchNMF";
  const std::string solver = mini_batch ? "mini_batch" : self.text("solver", "cd");
  const bool shuffle = solver == "cd" && self.boolean("shuffle", false);
  // alpha_W (since 1.0) is scaled by the number of features; alpha before that is not, and regularization says whether it is meant for W.
  double alpha = self.real("alpha_W", 0.0) * static_cast<double>(components.dim(1));
  const bool old = !self.has("alpha_W") || (context.version(self) < Version{1, 2} && self["alpha_W"].real() == 0 && (!self.has("alpha_H") || self["alpha_H"].is_text("same")));
  if (old && self.has("alpha") && self["alpha"].is_number()) {
    const std::string meant = self.text("regularization", "both");
    alpha = self.has("regularization") && meant != "both" && meant != "transformation" ? 0.0 : self["alpha"].real();
  }
  const double l1 = self.real("l1_ratio", 0.0), beta = beta_of(self);
  const double gamma = beta < 1 ? 1 / (2 - beta) : beta > 2 ? 1 / (beta - 1) : 1.0;
  std::int64_t turns = self.integer("max_iter", 200);
  if (mini_batch && self.set("transform_max_iter")) turns = self["transform_max_iter"].integer();
  context.row_wise = false;
  Attributes attributes{{"solver", solver}, {"max_iter", turns}, {"parameters", Tensor::vector(std::vector<double>{self.real("tol", 1e-4), alpha * l1, alpha * (1 - l1), beta, gamma})}};
  if (shuffle) attributes["seed"] = seed_of(self, "the order of components of shuffle=True");
  return apply("decant", "NonNegativeFactors", {x.matrix(), context.constant(components)}, std::move(attributes));
}

Result topics(Context& context, const Object& self, Method, const Table& x) {
  if (!self.set("doc_topic_prior_")) self.fail(Code::corrupt, "is not fitted: it has no doc_topic_prior_");
  const Tensor words = self["exp_dirichlet_component_"].doubles();
  if (words.rank() != 2 || words.size() == 0) self.fail(Code::corrupt, format("exp_dirichlet_component_ of shape {}", text_of(words.shape())));
  return apply("decant", "TopicShares", {x.matrix(), context.constant(words)},
               {{"max_iter", self.integer("max_doc_update_iter", 100)},
                {"parameters", Tensor::vector(std::vector<double>{self["doc_topic_prior_"].real(), self.real("mean_change_tol", 1e-3)})}});
}

}  // namespace

DECANT_AT_START std::span<const Estimator> factors_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"LatentDirichletAllocation", kTransformer, topics},
      {"MiniBatchNMF", kTransformer, factors},
      {"NMF", kTransformer, factors},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
