// SPDX-License-Identifier: Apache-2.0
// Classes without a method for new data (sklearn/cluster, sklearn/manifold): they are inspected, and predict says why it cannot.
#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

DECANT_AT_START std::span<const Estimator> fitted_only_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"AgglomerativeClustering", {}}, {"ClassicalMDS", {}},       {"DBSCAN", {}},           {"HDBSCAN", {}},
      {"MDS", {}},                     {"OPTICS", {}},             {"SpectralBiclustering", {}}, {"SpectralClustering", {}},
      {"SpectralCoclustering", {}},    {"SpectralEmbedding", {}},  {"TSNE", {}},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
