# SPDX-License-Identifier: Apache-2.0
"""Covariances, neighbours as such, and classes without a method for new data: those are described and refused."""
from registry import E, NONE, REL9, case

for name in ("EmpiricalCovariance", "LedoitWolf", "OAS", "ShrunkCovariance", "MinCovDet", "GraphicalLasso", "GraphicalLassoCV"):
    case(f"covariance_{name}", getattr(E, name)(), "ranged", None, REL9)
case("nearest_neighbors", E.NearestNeighbors(n_neighbors=4), "base")
case("nearest_neighbors_manhattan", E.NearestNeighbors(n_neighbors=3, metric="manhattan", algorithm="ball_tree"), "wide")

for name, parameters in {
    "AgglomerativeClustering": {}, "ClassicalMDS": {}, "DBSCAN": {}, "HDBSCAN": {}, "MDS": {"n_init": 1, "max_iter": 5}, "OPTICS": {},
    "SpectralBiclustering": {"n_clusters": 2}, "SpectralClustering": {"n_clusters": 3}, "SpectralCoclustering": {"n_clusters": 2}, "SpectralEmbedding": {},
    "TSNE": {"max_iter": 250},
}.items():
    case(f"fitted_only_{name}", getattr(E, name)(**parameters), "positive", None, NONE)
