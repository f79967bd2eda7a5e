# SPDX-License-Identifier: Apache-2.0
"""Models for ./dev bench: one or more of each file of src/frameworks/sklearn/estimators, on rows as such models see them.

FAMILIES: name → (how it is made, its table, its target, rows to fit, rows to answer, the method). Fixed seeds throughout.
"""
import json

import numpy as np
import sklearn.calibration as calibration
import sklearn.cluster as cluster
import sklearn.compose as compose
import sklearn.covariance as covariance
import sklearn.cross_decomposition as cross
import sklearn.decomposition as parts
import sklearn.discriminant_analysis as discriminant
import sklearn.ensemble as ensemble
import sklearn.feature_extraction.text as text
import sklearn.feature_selection as selection
import sklearn.gaussian_process as gaussian
import sklearn.impute  # noqa: F401
import sklearn.isotonic as isotonic
import sklearn.kernel_approximation as approximation
import sklearn.kernel_ridge as kernel_ridge
import sklearn.linear_model as linear
import sklearn.manifold as manifold
import sklearn.mixture as mixture
import sklearn.multiclass as multiclass
import sklearn.multioutput as multioutput
import sklearn.naive_bayes as bayes
import sklearn.neighbors as neighbors
import sklearn.neural_network as networks
import sklearn.pipeline as pipeline
import sklearn.preprocessing as prepare
import sklearn.random_projection as projection
import sklearn.svm as svm
import sklearn.tree as tree
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

impute = sklearn.impute
chain = pipeline.make_pipeline

WORDS = [a + b for a in ("", "re", "un", "over", "inter", "micro", "sub") for b in ("act", "bind", "carry", "draw", "form", "grow", "hold", "join", "keep", "link", "move", "note", "play", "read", "sort", "turn", "view", "work", "write", "yield")]
NUMBERS, TEXTS = [f"n{i}" for i in range(6)], ["city", "grade", "shop", "color"]


def table(kind, rows, seed=1):
    """Rows of a kind, and the same as a file's content for decant: (rows, write(stem) → path)."""
    random = np.random.RandomState(seed)
    if kind == "texts":
        found = [" ".join(random.choice(WORDS, random.randint(10, 60))) for _ in range(rows)]
        return found, lambda stem: written(stem.with_suffix(".ndjson"), "".join(json.dumps(t) + "\n" for t in found))
    if kind in ("strings", "frame"):
        import pandas

        columns = {name: random.choice([f"{name}{i}" for i in range(size)], rows) for name, size in zip(TEXTS, (200, 5, 40, 12))}
        if kind == "frame":
            columns.update((name, np.round(random.standard_normal(rows), 4)) for name in NUMBERS)
        frame = pandas.DataFrame(columns)
        return frame, lambda stem: written(stem.with_suffix(".csv"), frame.to_csv(index=False))
    x = random.standard_normal((rows, 30)) @ np.random.RandomState(0).standard_normal((30, 30)) * 0.4
    x = {"numbers": x, "few": x[:, :4], "one": x[:, 0], "positive": np.abs(x), "counts": np.floor(np.abs(x) * 2), "unit": 1 / (1 + np.exp(-x)), "bits": (x > 0).astype(float),
         "codes": np.minimum(np.floor(np.abs(x) * 3), 7.0), "holes": np.where(random.random_sample(x.shape) < 0.1, np.nan, x)}[kind]
    return x, lambda stem: saved(stem.with_suffix(".npy"), x)


def written(path, content):
    path.write_text(content, encoding="utf-8")
    return path


def saved(path, x):
    np.save(path, x)
    return path


def target(kind, rows, x):
    random = np.random.RandomState(2)
    if not isinstance(x, np.ndarray):
        return None if kind is None else random.randint(0, 2, rows)
    score = (x[:, 0] - x[:, -1] if x.ndim == 2 else x).copy()
    score[np.isnan(score)] = 0
    score += 0.5 * random.standard_normal(rows)
    return {None: None, "two": (score > 0).astype(int), "five": np.searchsorted(np.quantile(score, [0.2, 0.4, 0.6, 0.8]), score), "real": score, "above": np.abs(score) + 0.1,
            "reals": np.column_stack([score, -score, score * 2]), "bits": np.column_stack([score > 0, score > 1, score < -1]).astype(int)}[kind]


def columns():
    return compose.ColumnTransformer([("code", prepare.OneHotEncoder(handle_unknown="ignore"), TEXTS), ("scale", chain(impute.SimpleImputer(), prepare.StandardScaler()), NUMBERS)])


FAMILIES = {
    "ridge, 3 targets": (lambda: linear.Ridge(), "numbers", "reals", 2_000, 20_000, "predict"),
    "poisson": (lambda: linear.PoissonRegressor(), "numbers", "above", 2_000, 20_000, "predict"),
    "logistic, 5 classes": (lambda: linear.LogisticRegression(max_iter=200), "numbers", "five", 2_000, 20_000, "predict_proba"),
    "linear svc": (lambda: svm.LinearSVC(), "numbers", "five", 1_000, 20_000, "predict"),
    "svr": (lambda: svm.SVR(), "numbers", "real", 1_000, 4_000, "predict"),
    "one class svm": (lambda: svm.OneClassSVM(nu=0.2), "numbers", None, 2_000, 4_000, "decision_function"),
    "kernel ridge": (lambda: kernel_ridge.KernelRidge(kernel="rbf"), "numbers", "real", 1_000, 4_000, "predict"),
    "gaussian naive bayes": (lambda: bayes.GaussianNB(), "numbers", "five", 2_000, 20_000, "predict_proba"),
    "multinomial naive bayes": (lambda: bayes.MultinomialNB(), "counts", "five", 2_000, 20_000, "predict_proba"),
    "categorical naive bayes": (lambda: bayes.CategoricalNB(min_categories=8), "codes", "five", 2_000, 20_000, "predict"),
    "linear discriminant": (lambda: discriminant.LinearDiscriminantAnalysis(), "numbers", "five", 2_000, 20_000, "predict_proba"),
    "quadratic discriminant": (lambda: discriminant.QuadraticDiscriminantAnalysis(), "numbers", "five", 2_000, 20_000, "predict_proba"),
    "perceptron 100": (lambda: networks.MLPClassifier(max_iter=20, random_state=0), "numbers", "five", 1_000, 20_000, "predict_proba"),
    "perceptron 64, 32": (lambda: networks.MLPRegressor(hidden_layer_sizes=(64, 32), activation="tanh", max_iter=20, random_state=0), "numbers", "real", 1_000, 20_000, "predict"),
    "rbm": (lambda: networks.BernoulliRBM(32, n_iter=3, random_state=0), "unit", None, 500, 10_000, "transform"),
    "k means": (lambda: cluster.KMeans(20, n_init=1, random_state=0), "numbers", None, 2_000, 20_000, "predict"),
    "birch": (lambda: cluster.Birch(threshold=3), "few", None, 2_000, 20_000, "predict"),
    "pca": (lambda: parts.PCA(10), "numbers", None, 2_000, 20_000, "transform"),
    "kernel pca": (lambda: parts.KernelPCA(10, kernel="rbf"), "numbers", None, 500, 4_000, "transform"),
    "nystroem": (lambda: approximation.Nystroem(n_components=100, random_state=0), "numbers", None, 1_000, 10_000, "transform"),
    "random features": (lambda: approximation.RBFSampler(n_components=100, random_state=0), "numbers", None, 1_000, 10_000, "transform"),
    "random projection": (lambda: projection.GaussianRandomProjection(10, random_state=0), "numbers", None, 1_000, 20_000, "transform"),
    "factor analysis": (lambda: parts.FactorAnalysis(5), "numbers", None, 1_000, 20_000, "transform"),
    "partial least squares": (lambda: cross.PLSRegression(5), "numbers", "reals", 1_000, 20_000, "predict"),
    "nmf": (lambda: parts.NMF(8, max_iter=100, random_state=0), "positive", None, 500, 2_000, "transform"),
    "topics": (lambda: parts.LatentDirichletAllocation(8, max_iter=5, random_state=0), "counts", None, 500, 2_000, "transform"),
    "dictionary, omp": (lambda: parts.MiniBatchDictionaryLearning(20, max_iter=5, transform_algorithm="omp", random_state=0), "numbers", None, 500, 4_000, "transform"),
    "gaussian process": (lambda: gaussian.GaussianProcessRegressor(gaussian.kernels.RBF(2.0), alpha=0.1, optimizer=None), "numbers", "real", 500, 4_000, "predict"),
    "gaussian mixture": (lambda: mixture.GaussianMixture(5, random_state=0), "numbers", None, 1_000, 20_000, "predict_proba"),
    "isolation forest": (lambda: ensemble.IsolationForest(random_state=0), "numbers", None, 2_000, 10_000, "score_samples"),
    "decision tree": (lambda: tree.DecisionTreeClassifier(random_state=0), "numbers", "five", 4_000, 20_000, "predict"),
    "ada boost": (lambda: ensemble.AdaBoostClassifier(n_estimators=30, random_state=0), "numbers", "two", 2_000, 10_000, "predict_proba"),
    "bagging": (lambda: ensemble.BaggingClassifier(n_estimators=20, random_state=0), "numbers", "five", 2_000, 10_000, "predict_proba"),
    "stacking": (lambda: ensemble.StackingClassifier([("a", linear.LogisticRegression()), ("b", bayes.GaussianNB())], cv=2), "numbers", "two", 1_000, 20_000, "predict_proba"),
    "trees embedding": (lambda: ensemble.RandomTreesEmbedding(20, max_depth=4, sparse_output=False, random_state=0), "numbers", None, 1_000, 10_000, "transform"),
    "elliptic envelope": (lambda: covariance.EllipticEnvelope(random_state=0, support_fraction=0.9), "few", None, 500, 20_000, "score_samples"),
    "local outlier factor": (lambda: neighbors.LocalOutlierFactor(novelty=True), "few", None, 2_000, 4_000, "score_samples"),
    "kernel density": (lambda: neighbors.KernelDensity(bandwidth=0.5), "few", None, 1_000, 4_000, "score_samples"),
    "radius neighbours": (lambda: neighbors.RadiusNeighborsRegressor(radius=2.0), "few", "real", 2_000, 4_000, "predict"),
    "nearest centroid": (lambda: neighbors.NearestCentroid(), "numbers", "five", 2_000, 20_000, "predict"),
    "isomap": (lambda: manifold.Isomap(), "few", None, 300, 2_000, "transform"),
    "isotonic": (lambda: isotonic.IsotonicRegression(out_of_bounds="clip"), "one", "real", 2_000, 20_000, "predict"),
    "calibrated": (lambda: calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), "numbers", "two", 1_000, 20_000, "predict_proba"),
    "one against rest": (lambda: multiclass.OneVsRestClassifier(linear.LogisticRegression()), "numbers", "five", 1_000, 20_000, "predict"),
    "classifier chain": (lambda: multioutput.ClassifierChain(linear.LogisticRegression()), "numbers", "bits", 1_000, 20_000, "predict"),
    "scalers": (lambda: chain(prepare.StandardScaler(), prepare.MinMaxScaler(), prepare.RobustScaler(), prepare.Normalizer()), "numbers", None, 1_000, 20_000, "transform"),
    "polynomial features": (lambda: prepare.PolynomialFeatures(2), "numbers", None, 1_000, 10_000, "transform"),
    "splines": (lambda: prepare.SplineTransformer(), "numbers", None, 1_000, 10_000, "transform"),
    "bins": (lambda: prepare.KBinsDiscretizer(8, encode="onehot-dense", subsample=None, quantile_method="averaged_inverted_cdf"), "numbers", None, 1_000, 10_000, "transform"),
    "quantiles": (lambda: prepare.QuantileTransformer(output_distribution="normal"), "numbers", None, 2_000, 10_000, "transform"),
    "power": (lambda: prepare.PowerTransformer(), "numbers", None, 1_000, 10_000, "transform"),
    "select best + ridge": (lambda: chain(selection.SelectKBest(k=10), linear.Ridge()), "numbers", "real", 1_000, 20_000, "predict"),
    "simple imputer": (lambda: impute.SimpleImputer(add_indicator=True), "holes", None, 1_000, 20_000, "transform"),
    "knn imputer": (lambda: impute.KNNImputer(), "holes", None, 500, 2_000, "transform"),
    "iterative imputer": (lambda: impute.IterativeImputer(max_iter=3, random_state=0), "holes", None, 500, 4_000, "transform"),
    "one hot": (lambda: prepare.OneHotEncoder(handle_unknown="ignore", sparse_output=False), "strings", None, 2_000, 20_000, "transform"),
    "ordinal codes": (lambda: prepare.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), "strings", None, 2_000, 20_000, "transform"),
    "target codes": (lambda: prepare.TargetEncoder(target_type="binary", random_state=0), "strings", "two", 2_000, 20_000, "transform"),
    "columns + logistic": (lambda: chain(columns(), linear.LogisticRegression(max_iter=200)), "frame", "two", 2_000, 20_000, "predict_proba"),
    "tf-idf + logistic": (lambda: chain(text.TfidfVectorizer(), linear.LogisticRegression()), "texts", "two", 1_000, 4_000, "predict_proba"),
    "hashes + logistic": (lambda: chain(text.HashingVectorizer(n_features=1 << 16), linear.LogisticRegression()), "texts", "two", 1_000, 4_000, "predict_proba"),
}
