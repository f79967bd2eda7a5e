# SPDX-License-Identifier: Apache-2.0
"""Kernels, Gaussian processes, cross decomposition, random projections, text and dictionaries."""
import re

import numpy as np

from registry import E, EXACT, FLOAT32, REL9, case

for kernel in ("linear", "poly", "rbf", "laplacian", "sigmoid"):
    case(f"kernel_ridge_{kernel}", E.KernelRidge(kernel=kernel, gamma=0.02), "few", "real", REL9)
case("kernel_ridge_targets", E.KernelRidge(kernel="rbf"), "few", "real2", REL9)
for kernel in ("rbf", "poly"):
    case(f"nystroem_{kernel}", E.Nystroem(kernel=kernel, gamma=0.02, n_components=8), "few", None, REL9)
case("rbf_sampler", E.RBFSampler(gamma=0.05, n_components=6), "few", None, REL9)
case("additive_chi2_sampler", E.AdditiveChi2Sampler(), "positive", None, REL9)
case("skewed_chi2_sampler", E.SkewedChi2Sampler(n_components=6), "positive", None, REL9)
case("polynomial_count_sketch", E.PolynomialCountSketch(n_components=8), "mild", None, REL9)
case("gaussian_projection", E.GaussianRandomProjection(n_components=3), "base", None, REL9)
case("sparse_projection", E.SparseRandomProjection(n_components=3, density=0.4), "base", None, REL9)
case("gaussian_process_regressor", E.GaussianProcessRegressor(alpha=0.1, normalize_y=True), "few", "real", REL9)
case("gaussian_process_classifier", E.GaussianProcessClassifier(), "few", "multi", REL9)
for name in ("PLSRegression", "PLSCanonical", "CCA", "PLSSVD"):
    case(f"cross_{name}", getattr(E, name)(n_components=2), "few", "real2", REL9)
case("isotonic", E.IsotonicRegression(out_of_bounds="clip"), "line", "real", REL9)
case("isotonic_decreasing", E.IsotonicRegression(out_of_bounds="nan", increasing=False), "line", "real", REL9)
case("iterative_imputer", E.IterativeImputer(max_iter=3), "missing", None, REL9)
case("elliptic_envelope", E.EllipticEnvelope(contamination=0.1), "base", None, REL9)
for kernel in ("knn", "rbf"):
    case(f"label_propagation_{kernel}", E.LabelPropagation(kernel=kernel, gamma=0.1), "few", "negative", REL9)
    case(f"label_spreading_{kernel}", E.LabelSpreading(kernel=kernel, gamma=0.1), "few", "negative", REL9)

case("bernoulli_rbm", E.BernoulliRBM(n_components=3, n_iter=3), "unit", None, REL9, without=("score_samples",))  # which flips a random bit of each row
case("isomap", E.Isomap(n_components=2, n_neighbors=5), "ranged", None, REL9)
case("locally_linear", E.LocallyLinearEmbedding(n_components=2, n_neighbors=5, eigen_solver="dense"), "ranged", None, REL9)
case("sparse_coder", E.SparseCoder(np.array([[1.0, 0, 0, 0.5, 0], [0, 1.0, 0.2, 0, 0], [0, 0, 0, 0, 1.0]]), transform_n_nonzero_coefs=2), "base", None, REL9)
ATOMS = np.array([[1.0, 0, 0, 0.5, 0], [0, 1.0, 0.2, 0, 0], [0, 0, 0, 0, 1.0], [0.5, 0.5, 0, 0, 0.1], [0.3, -0.6, 0.2, 0.1, 0]])
for name, options in {
    "lars": dict(transform_algorithm="lars", transform_n_nonzero_coefs=3),
    "lars_all": dict(transform_algorithm="lars", transform_n_nonzero_coefs=5),
    "lasso_lars": dict(transform_algorithm="lasso_lars"),
    "lasso_lars_small": dict(transform_algorithm="lasso_lars", transform_alpha=0.05),
    "lasso_lars_positive": dict(transform_algorithm="lasso_lars", transform_alpha=0.2, positive_code=True),
    "lasso_lars_split": dict(transform_algorithm="lasso_lars", transform_alpha=0.1, split_sign=True),
}.items():
    case(f"sparse_coder_{name}", E.SparseCoder(ATOMS, **options), "base", None, REL9)
case("dictionary_learning_lasso_lars", E.DictionaryLearning(n_components=4, max_iter=8, transform_algorithm="lasso_lars", transform_alpha=0.3), "base", None, REL9)
case("mini_batch_dictionary_lars", E.MiniBatchDictionaryLearning(n_components=4, transform_algorithm="lars", transform_n_nonzero_coefs=2), "base", None, REL9)
case("radius_transformer", E.RadiusNeighborsTransformer(radius=3.0), "base")
case("halving_grid_search", E.HalvingGridSearchCV(E.DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2, 3]}, cv=2), "base", "real", EXACT)
case("halving_random_search", E.HalvingRandomSearchCV(E.DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2, 3]}, cv=2), "base", "real", EXACT)

# Without smoothing a class that never saw a word has a weight of minus infinity; the zeros of sparse rows do not meet it.
case("count_vectorizer_unsmoothed", E.Pipeline([("count", E.CountVectorizer()), ("model", E.BernoulliNB(alpha=0.0, force_alpha=True))]), "texts", "binary", REL9, without=("predict_log_proba",), since=(1, 2))
case("count_vectorizer", E.CountVectorizer(), "texts", None, EXACT)
case("count_vectorizer_ngrams", E.CountVectorizer(ngram_range=(1, 2), min_df=2), "texts", None, EXACT)
case("count_vectorizer_stop_words", E.CountVectorizer(stop_words="english"), "texts", None, EXACT)
case("count_vectorizer_stop_list", E.CountVectorizer(stop_words=["the", "a", "is"], max_features=20), "texts", None, EXACT)
case("count_vectorizer_case", E.CountVectorizer(lowercase=False), "texts", None, EXACT)
case("count_vectorizer_binary", E.CountVectorizer(binary=True, max_df=0.5), "texts", None, EXACT)
for analyzer in ("char", "char_wb"):
    case(f"count_vectorizer_{analyzer}", E.CountVectorizer(analyzer=analyzer, ngram_range=(2, 3), max_features=60), "texts", None, EXACT)
for accents in ("unicode", "ascii"):
    case(f"count_vectorizer_accents_{accents}", E.CountVectorizer(strip_accents=accents), "texts", None, EXACT)
case("count_vectorizer_pattern", E.CountVectorizer(token_pattern=r"[a-zäöü]+"), "texts", None, EXACT)
case("count_vectorizer_vocabulary", E.CountVectorizer(vocabulary=["good", "bad", "wine"]), "texts", None, EXACT)
case("tfidf", E.TfidfVectorizer(), "texts")
case("tfidf_sublinear", E.TfidfVectorizer(sublinear_tf=True, norm="l1"), "texts")
case("tfidf_no_idf", E.TfidfVectorizer(use_idf=False), "texts")
case("tfidf_not_smooth", E.TfidfVectorizer(smooth_idf=False, norm=None), "texts")
case("tfidf_ngrams", E.TfidfVectorizer(ngram_range=(1, 2), max_features=50), "texts")
case("tfidf_transformer", E.TfidfTransformer(), "counts")
case("hashing_vectorizer", E.HashingVectorizer(n_features=32), "texts")
case("hashing_vectorizer_unsigned", E.HashingVectorizer(n_features=64, alternate_sign=False, norm=None, ngram_range=(1, 2)), "texts", None, EXACT)
case("text_naive_bayes", E.Pipeline([("count", E.CountVectorizer()), ("bayes", E.MultinomialNB())]), "texts", "text", REL9)
case("text_logistic", E.Pipeline([("tfidf", E.TfidfVectorizer()), ("model", E.LogisticRegression())]), "texts", "text", REL9)
case("text_linear_svc", E.Pipeline([("tfidf", E.TfidfVectorizer()), ("model", E.LinearSVC(dual=False))]), "texts", "multi")
case("text_sgd", E.Pipeline([("hash", E.HashingVectorizer(n_features=128)), ("model", E.SGDClassifier(random_state=0))]), "texts", "multi")
case("text_svd", E.Pipeline([("tfidf", E.TfidfVectorizer()), ("svd", E.TruncatedSVD(n_components=3, random_state=0))]), "texts", None, REL9)
case("dict_vectorizer", E.DictVectorizer(), "records", None, EXACT)
case("dict_vectorizer_unsorted", E.DictVectorizer(sort=False, sparse=False, separator=":"), "records", None, EXACT)
case("feature_hasher", E.FeatureHasher(n_features=16), "records", None, EXACT)
case("feature_hasher_unsigned", E.FeatureHasher(n_features=16, alternate_sign=False), "records", None, EXACT)
case("multi_label_binarizer", E.MultiLabelBinarizer(), "tags", None, EXACT)
case("dict_tree", E.Pipeline([("dict", E.DictVectorizer()), ("tree", E.DecisionTreeClassifier(max_depth=3, random_state=0))]), "records", "multi", EXACT, logs=("predict_log_proba",))

for beta in (0, 0.5, 3):
    case(f"nmf_beta_{beta}", E.NMF(n_components=2, solver="mu", beta_loss=beta, init="nndsvda", max_iter=60), "positive", None, REL9)
    case(f"mini_batch_nmf_beta_{beta}", E.MiniBatchNMF(n_components=2, beta_loss=beta, max_iter=20), "positive", None, REL9)
case("nmf_regularised", E.NMF(n_components=3, alpha_W=0.01, l1_ratio=0.5), "positive", None, REL9)
case("nmf_shuffled", E.NMF(n_components=4, shuffle=True, random_state=5, max_iter=60), "positive", None, REL9)
case("nmf_mu_regularised", E.NMF(n_components=3, solver="mu", init="nndsvda", alpha_W=0.01, l1_ratio=0.5), "positive", None, REL9)
case("text_nmf", E.Pipeline([("tfidf", E.TfidfVectorizer()), ("nmf", E.NMF(n_components=3))]), "texts", None, REL9)
case("text_latent_dirichlet", E.Pipeline([("count", E.CountVectorizer()), ("topics", E.LatentDirichletAllocation(n_components=3, max_iter=3))]), "texts", None, REL9)
case("text_column", E.Pipeline([("columns", E.ColumnTransformer([("words", E.TfidfVectorizer(), "city"), ("color", E.OneHotEncoder(), ["color"]), ("age", E.StandardScaler(), ["age"])])),
                                ("model", E.LogisticRegression())]), "mixed", "text", REL9)
case("text_union", E.Pipeline([("parts", E.FeatureUnion([("words", E.TfidfVectorizer()), ("letters", E.CountVectorizer(analyzer="char_wb", ngram_range=(2, 3), min_df=3))])),
                               ("model", E.LinearSVC(dual=False))]), "texts", "multi", REL9)
case("text_pattern_group", E.CountVectorizer(token_pattern=r"(?i)\b([a-z]+)(?=\s)"), "texts", None, EXACT)
case("text_char_all", E.HashingVectorizer(analyzer="char", n_features=64, norm="l1"), "texts")
case("hashing_vectorizer_binary", E.HashingVectorizer(n_features=32, binary=True), "texts")
case("feature_hasher_strings", E.FeatureHasher(n_features=16, input_type="string"), "tags", None, EXACT)
case("feature_hasher_keys", E.FeatureHasher(n_features=16, input_type="string"), "records", None, EXACT)  # a dict lists its keys
case("dict_logistic", E.Pipeline([("dict", E.DictVectorizer()), ("model", E.LogisticRegression())]), "records", "multi", REL9)

# Coordinate descent stops where each version's inner loop says (lasso_cd).
for name, options in {
    "": dict(transform_alpha=0.4), "_default": dict(), "_small": dict(transform_alpha=0.02), "_positive": dict(transform_alpha=0.1, positive_code=True), "_few_turns": dict(transform_alpha=0.05, transform_max_iter=2),
}.items():
    case(f"sparse_coder_lasso_cd{name}", E.SparseCoder(ATOMS, transform_algorithm="lasso_cd", **options), "base", None, REL9)
case("dictionary_learning_lasso_cd", E.DictionaryLearning(n_components=6, max_iter=8, transform_algorithm="lasso_cd", transform_alpha=0.2), "wide", None, REL9)
case("mini_batch_dictionary_lasso_cd", E.MiniBatchDictionaryLearning(n_components=4, transform_algorithm="lasso_cd", transform_alpha=0.5, split_sign=True), "base", None, REL9)
case("isomap_radius", E.Isomap(n_components=2, n_neighbors=None, radius=8.0), "ranged", None, REL9)
# scikit-learn may stop within the tolerance; decant sums all.
case("kernel_density_tolerance", E.KernelDensity(bandwidth=2.0, rtol=1e-7, atol=1e-12), "ranged", None, FLOAT32)
for name in ("EmpiricalCovariance", "LedoitWolf", "MinCovDet"):
    case(f"covariance_{name}_no_precision", getattr(E, name)(store_precision=False), "ranged", None, REL9)
case("elliptic_envelope_no_precision", E.EllipticEnvelope(store_precision=False), "ranged", None, REL9)

# Functions of Python's own in the place of a vectorizer's parts.
case("count_vectorizer_split", E.CountVectorizer(tokenizer=str.split, token_pattern=None), "texts", None, EXACT)
case("count_vectorizer_split_analyzer", E.CountVectorizer(analyzer=str.split), "texts", None, EXACT)
case("count_vectorizer_findall", E.CountVectorizer(tokenizer=re.compile(r"[a-z0-9]+").findall, token_pattern=None, ngram_range=(1, 2), max_features=50), "texts", None, EXACT)
case("tfidf_lower", E.TfidfVectorizer(preprocessor=str.lower, strip_accents="unicode"), "texts")
case("hashing_strip", E.HashingVectorizer(preprocessor=str.strip, n_features=64, tokenizer=str.split, token_pattern=None), "texts")

# Patches are copies; the contract is the loosest because what is drawn for an image depends on the images before it.
for kind in ("gray", "images"):
    case(f"patches_{kind}", E.PatchExtractor(patch_size=(3, 2)), kind, None)
    case(f"patches_{kind}_drawn", E.PatchExtractor(patch_size=(2, 3), max_patches=4, random_state=7), kind, None)
    case(f"patches_{kind}_part", E.PatchExtractor(patch_size=(2, 2), max_patches=0.3, random_state=123456), kind, None)
case("patches_tenth", E.PatchExtractor(max_patches=500, random_state=0), "tall", None)
