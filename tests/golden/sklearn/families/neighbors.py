# SPDX-License-Identifier: Apache-2.0
"""Neighbours, naive Bayes, discriminant analysis, neural networks, clusters and decompositions."""
import numpy as np

from registry import E, REL9, case

for weights in ("uniform", "distance"):
    for algorithm in ("brute", "kd_tree", "ball_tree"):
        case(f"knn_classifier_{algorithm}_{weights}", E.KNeighborsClassifier(algorithm=algorithm, weights=weights, leaf_size=10), "base", "multi")
        case(f"knn_regressor_{algorithm}_{weights}", E.KNeighborsRegressor(algorithm=algorithm, weights=weights, leaf_size=10), "base", "real")
    case(f"knn_classifier_multioutput_{weights}", E.KNeighborsClassifier(weights=weights), "base", "classes2")
    case(f"knn_classifier_multioutput_text_{weights}", E.KNeighborsClassifier(weights=weights), "base", "classes2_text")
    case(f"knn_classifier_text_{weights}", E.KNeighborsClassifier(weights=weights, n_neighbors=4), "base", "text")
    case(f"knn_regressor_multioutput_{weights}", E.KNeighborsRegressor(weights=weights, n_neighbors=3), "base", "real3")
for p in (1, 3):
    for algorithm in ("brute", "kd_tree", "ball_tree"):
        case(f"knn_classifier_{algorithm}_p{p}", E.KNeighborsClassifier(algorithm=algorithm, p=p, weights="distance"), "base", "multi")
for metric in ("euclidean", "manhattan", "chebyshev", "cosine", "canberra", "braycurtis", "sqeuclidean", "correlation", "hamming", "nan_euclidean"):
    case(f"knn_classifier_brute_{metric}", E.KNeighborsClassifier(algorithm="brute", metric=metric), "wide" if metric in ("correlation",) else "counts" if metric == "hamming" else "positive", "multi")
for metric in ("manhattan", "chebyshev", "canberra", "braycurtis", "hamming"):
    case(f"knn_classifier_ball_{metric}", E.KNeighborsClassifier(algorithm="ball_tree", metric=metric), "counts" if metric == "hamming" else "positive", "multi")
for metric in ("jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath"):
    case(f"knn_classifier_bits_{metric}", E.KNeighborsClassifier(algorithm="ball_tree", metric=metric), "bits", "multi")
case("knn_classifier_seuclidean", E.KNeighborsClassifier(algorithm="ball_tree", metric="seuclidean", metric_params={"V": [1.0, 4.0, 9.0, 1.0, 2.0]}), "base", "multi")
case("knn_classifier_mahalanobis", E.KNeighborsClassifier(algorithm="ball_tree", metric="mahalanobis", metric_params={"VI": np.diag([2.0, 1.0, 0.2, 1.0, 3.0]) + 0.1}), "base", "multi")
case("knn_classifier_precomputed", E.KNeighborsClassifier(metric="precomputed"), "distances", "multi")
case("knn_classifier_one_neighbor", E.KNeighborsClassifier(n_neighbors=1), "base", "multi")
case("knn_classifier_binary", E.KNeighborsClassifier(n_neighbors=2), "base", "binary")
case("knn_classifier_sparse", E.KNeighborsClassifier(), "sparse", "multi")
case("knn_classifier_frame", E.KNeighborsClassifier(), "frame", "text")
case("knn_classifier_single_class", E.KNeighborsClassifier(), "base", "single")
case("knn_classifier_one_feature", E.KNeighborsClassifier(algorithm="kd_tree"), "one", "binary")
case("knn_classifier_ties", E.KNeighborsClassifier(n_neighbors=6), "counts", "multi")
case("knn_regressor_cosine", E.KNeighborsRegressor(metric="cosine"), "positive", "real")
case("knn_regressor_column", E.KNeighborsRegressor(), "base", "column")
case("knn_transformer", E.KNeighborsTransformer(n_neighbors=3), "base")
for weights in ("uniform", "distance"):
    case(f"radius_classifier_{weights}", E.RadiusNeighborsClassifier(radius=3.0, weights=weights, outlier_label="most_frequent"), "base", "multi")
case("radius_classifier_outlier", E.RadiusNeighborsClassifier(radius=2.0, outlier_label=1), "base", "multi")
case("radius_regressor", E.RadiusNeighborsRegressor(radius=6.0), "ranged", "real")
for metric in ("euclidean", "manhattan"):
    case(f"nearest_centroid_{metric}", E.NearestCentroid(metric=metric), "base", "multi")
case("nearest_centroid_mild", E.NearestCentroid(), "mild", "multi")
case("nearest_centroid_shrunk", E.NearestCentroid(shrink_threshold=0.3), "base", "text")
case("nearest_centroid_priors", E.NearestCentroid(priors="empirical"), "few", "multi")
case("local_outlier_factor", E.LocalOutlierFactor(novelty=True, n_neighbors=5), "base")
case("local_outlier_factor_contamination", E.LocalOutlierFactor(novelty=True, contamination=0.1, p=1), "base")
for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"):
    case(f"kernel_density_{kernel}", E.KernelDensity(kernel=kernel, bandwidth=2.0), "ranged", None, REL9)
case("neighborhood_components", E.NeighborhoodComponentsAnalysis(n_components=2, max_iter=5), "base", "multi")

for y in ("binary", "multi", "text"):
    case(f"gaussian_nb_{y}", E.GaussianNB(), "mild", y, REL9)
    case(f"multinomial_nb_{y}", E.MultinomialNB(), "counts", y, REL9)
    case(f"bernoulli_nb_{y}", E.BernoulliNB(), "base", y, REL9)
    case(f"complement_nb_{y}", E.ComplementNB(), "counts", y, REL9)
    case(f"categorical_nb_{y}", E.CategoricalNB(), "codes", y, REL9)
case("gaussian_nb_priors", E.GaussianNB(priors=[0.2, 0.5, 0.3], var_smoothing=1e-3), "mild", "multi", REL9)
case("gaussian_nb_single_class", E.GaussianNB(), "mild", "single", REL9)
case("gaussian_nb_one_feature", E.GaussianNB(), "one", "binary", REL9)
case("gaussian_nb_extreme_rows", E.GaussianNB(), "base", "multi", REL9)
case("gaussian_nb_frame", E.GaussianNB(), "frame", "text", REL9)
case("multinomial_nb_alpha", E.MultinomialNB(alpha=0.01, fit_prior=False), "counts", "multi", REL9)
case("multinomial_nb_class_prior", E.MultinomialNB(class_prior=[0.2, 0.5, 0.3]), "counts", "multi", REL9)
case("bernoulli_nb_threshold", E.BernoulliNB(binarize=1.5, alpha=0.5), "base", "multi", REL9)
case("bernoulli_nb_no_threshold", E.BernoulliNB(binarize=None), "bits", "multi", REL9)
# No labels: with norm the classes' weights have one sum, so a row of equal counts is a tie that rounding decides.
case("complement_nb_norm", E.ComplementNB(norm=True, alpha=0.5), "counts", "multi", REL9, without=("predict",))
case("complement_nb_single", E.ComplementNB(), "counts", "single", REL9)
case("categorical_nb_min_categories", E.CategoricalNB(min_categories=6), "codes", "multi", REL9)

for y in ("binary", "multi", "text"):
    for solver in ("svd", "eigen"):
        case(f"lda_{solver}_{y}", E.LinearDiscriminantAnalysis(solver=solver), "mild", y, REL9)
    case(f"lda_lsqr_{y}", E.LinearDiscriminantAnalysis(solver="lsqr"), "mild", y, REL9, without=("transform",))  # lsqr has none
    case(f"qda_{y}", E.QuadraticDiscriminantAnalysis(), "mild", y, REL9)
case("lda_shrinkage", E.LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), "mild", "multi", REL9, without=("transform",))
case("lda_components", E.LinearDiscriminantAnalysis(n_components=1), "mild", "multi", REL9)
case("lda_priors", E.LinearDiscriminantAnalysis(priors=[0.2, 0.5, 0.3]), "mild", "multi", REL9)
case("qda_regularised", E.QuadraticDiscriminantAnalysis(reg_param=0.2, priors=[0.2, 0.5, 0.3]), "mild", "multi", REL9)
case("qda_eigen", E.QuadraticDiscriminantAnalysis(solver="eigen"), "mild", "multi", REL9)

for activation in ("identity", "logistic", "tanh", "relu"):
    for y in ("binary", "multi", "text", "labels3"):
        case(f"mlp_classifier_{activation}_{y}", E.MLPClassifier(hidden_layer_sizes=(6,), activation=activation, max_iter=30), "mild", y, REL9)
    case(f"mlp_regressor_{activation}", E.MLPRegressor(hidden_layer_sizes=(6, 4), activation=activation, max_iter=30), "ranged", "real", REL9)
for solver in ("lbfgs", "sgd"):
    case(f"mlp_classifier_{solver}", E.MLPClassifier(hidden_layer_sizes=(5,), solver=solver, max_iter=30), "mild", "multi", REL9)
case("mlp_classifier_deep", E.MLPClassifier(hidden_layer_sizes=(6, 5, 4), max_iter=30), "mild", "multi", REL9)
case("mlp_classifier_early_stopping", E.MLPClassifier(hidden_layer_sizes=(5,), early_stopping=True, max_iter=30), "mild", "bool", REL9)
case("mlp_classifier_no_hidden", E.MLPClassifier(hidden_layer_sizes=(), max_iter=30), "mild", "multi", REL9)
case("mlp_regressor_targets", E.MLPRegressor(hidden_layer_sizes=(5,), max_iter=30), "ranged", "real3", REL9)
case("mlp_regressor_poisson", E.MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", max_iter=30), "ranged", "events", REL9)
case("mlp_regressor_frame", E.MLPRegressor(hidden_layer_sizes=(5,), max_iter=30), "frame", "real", REL9)

# Distances to centres come from |x|² - 2xc + |c|², which cancels near a centre.
case("k_means", E.KMeans(n_clusters=4, n_init=2), "base", None, REL9)
case("k_means_elkan", E.KMeans(n_clusters=3, algorithm="elkan", n_init=1), "base", None, REL9)
case("k_means_one", E.KMeans(n_clusters=1, n_init=1), "base", None, REL9)
case("k_means_sparse", E.KMeans(n_clusters=3, n_init=1), "sparse", None, REL9)
case("k_means_frame", E.KMeans(n_clusters=3, init="random", n_init=1), "frame", None, REL9)
case("mini_batch_k_means", E.MiniBatchKMeans(n_clusters=4, n_init=2, batch_size=30), "base", None, REL9)
case("bisecting_k_means", E.BisectingKMeans(n_clusters=4), "base", None, REL9)
case("birch", E.Birch(n_clusters=3, threshold=2.0), "base", None, REL9)
case("birch_subclusters", E.Birch(n_clusters=None, threshold=2.0), "base", None, REL9)
case("mean_shift", E.MeanShift(bandwidth=5.0), "base", None, REL9)
case("affinity_propagation", E.AffinityPropagation(), "base", None, REL9)
case("feature_agglomeration", E.FeatureAgglomeration(n_clusters=3), "wide")
for kind in ("full", "tied", "diag", "spherical"):
    case(f"gaussian_mixture_{kind}", E.GaussianMixture(n_components=3, covariance_type=kind, n_init=1), "base", None, REL9)
    case(f"bayesian_mixture_{kind}", E.BayesianGaussianMixture(n_components=3, covariance_type=kind), "base", None, REL9)
case("bayesian_mixture_distribution", E.BayesianGaussianMixture(n_components=3, weight_concentration_prior_type="dirichlet_distribution"), "base", None, REL9)

case("pca", E.PCA(), "base", None, REL9)
case("pca_components", E.PCA(n_components=2, svd_solver="full"), "base", None, REL9)
case("pca_whiten", E.PCA(n_components=3, whiten=True), "base", None, REL9)
case("pca_fraction", E.PCA(n_components=0.9), "base", None, REL9)
case("pca_randomized", E.PCA(n_components=2, svd_solver="randomized"), "wide", None, REL9)
case("pca_frame", E.PCA(n_components=2), "frame", None, REL9)
case("incremental_pca", E.IncrementalPCA(n_components=3, batch_size=30), "base", None, REL9)
case("incremental_pca_whiten", E.IncrementalPCA(n_components=2, whiten=True, batch_size=30), "base", None, REL9)
case("truncated_svd", E.TruncatedSVD(n_components=3), "base", None, REL9)
case("truncated_svd_sparse", E.TruncatedSVD(n_components=2, algorithm="arpack"), "sparse", None, REL9)
case("factor_analysis", E.FactorAnalysis(n_components=2), "base", None, REL9)
case("fast_ica", E.FastICA(n_components=3, whiten="unit-variance"), "base", None, REL9)
case("fast_ica_no_whiten", E.FastICA(whiten=False), "base", None, REL9)
case("sparse_pca", E.SparsePCA(n_components=2, max_iter=20), "base", None, REL9)
case("mini_batch_sparse_pca", E.MiniBatchSparsePCA(n_components=2, max_iter=20), "base", None, REL9)
case("nmf", E.NMF(n_components=3, max_iter=200), "positive", None, REL9)
case("nmf_kullback_leibler", E.NMF(n_components=2, solver="mu", beta_loss="kullback-leibler"), "positive", None, REL9)
case("mini_batch_nmf", E.MiniBatchNMF(n_components=2, max_iter=20), "positive", None, REL9)
case("latent_dirichlet", E.LatentDirichletAllocation(n_components=3, max_iter=5), "counts", None, REL9)
for kernel in ("linear", "poly", "rbf", "sigmoid", "cosine"):
    case(f"kernel_pca_{kernel}", E.KernelPCA(n_components=2, kernel=kernel, gamma=0.02), "positive", None, REL9)
case("dictionary_learning", E.DictionaryLearning(n_components=3, max_iter=5, transform_algorithm="omp", transform_n_nonzero_coefs=2), "base", None, REL9)
case("dictionary_threshold", E.MiniBatchDictionaryLearning(n_components=3, max_iter=5, transform_algorithm="threshold", transform_alpha=0.5), "base", None, REL9, since=(1, 2))
