# SPDX-License-Identifier: Apache-2.0
"""What live_sklearn.py runs inside one scikit-learn's environment: DECANT ONLY MODELS SEED → one JSON line a model."""
import copy
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import warnings
import zlib

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # a parallel sum may add in another order

import numpy as np
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.utils import all_estimators

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/sklearn"))
sys.dont_write_bytecode = True
import registry  # noqa: E402  (what an answer is, is said there once)

warnings.simplefilter("ignore")
np.seterr(all="ignore")

DECANT, ONLY, MODELS, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CLASSES = dict(all_estimators())
# Drawn at random by the class itself whenever it answers, or none of its purpose: no answer to compare with.
UNDECIDED = {("BernoulliRBM", "score_samples"), ("LocalOutlierFactor", "kneighbors")}
# Parameters that do not change the answers, or take the machine's time.
LEAVE = {"verbose", "n_jobs", "memory", "copy", "copy_X", "copy_x", "warm_start", "random_state", "max_iter", "n_estimators", "callbacks", "precompute", "X", "novelty",
         "atol", "rtol"}  # of KernelDensity: any answer within them is right
TEXTS = "the quick brown fox jumps over the lazy dog née x1 42 it's well-known C++ STRASSE ﬁne".split()


class TooLong(Exception):
    pass


def alarm(*_):
    raise TooLong


signal.signal(signal.SIGALRM, alarm)


def tables(random):
    """Training rows, rows to answer, by kind."""
    rows, more, features = 80, 40, int(random.randint(3, 7))
    base = random.standard_normal((rows + more, features)) * random.uniform(0.5, 3, features) + random.uniform(-2, 2, features)
    positive = np.abs(base) + 0.1
    counts = np.floor(positive * 2)
    out = {"normal": base, "positive": positive, "counts": counts, "unit": positive / positive.max(), "bits": (base > 0).astype(float), "codes": np.minimum(counts, 3.0), "line": base[:, :1]}
    holes = base.copy()
    holes[random.random_sample(holes.shape) < 0.1] = np.nan
    out["holes"] = holes
    texts = [" ".join(random.choice(TEXTS, random.randint(1, 12))) for _ in range(rows + more)]
    split = {name: (t[:rows], t[rows:]) for name, t in out.items()}
    split["texts"] = (texts[:rows], texts[rows:])
    records = [{"city": str(random.choice(["a", "b", "c"])), "size": float(np.round(random.standard_normal(), 3))} for _ in range(rows + more)]
    split["records"] = (records[:rows], records[rows:])
    tags = [[str(t) for t in random.choice(["x", "y", "z"], random.randint(0, 3), replace=False)] for _ in range(rows + more)]
    split["tags"] = (tags[:rows], tags[rows:])
    labels = random.choice(["low", "mid", "high"], rows + more)
    labels[:3] = ["low", "mid", "high"]
    split["labels"] = (labels[:rows], labels[rows:])
    return split


def targets(random, x):
    score = x[:, 0] - 0.5 * x[:, -1] + 0.3 * random.standard_normal(len(x))
    score[np.isnan(score)] = 0.0
    ranks = np.searchsorted(np.quantile(score, [0.4, 0.75]), score)
    return {"real": score, "above_zero": np.abs(score) + 0.1, "binary": (score > np.median(score)).astype(int), "text": np.array(["red", "green", "blue"])[ranks],
            "numbers": np.array([10, -3, 7])[ranks], "real2": np.column_stack([score, -score * 2 + 1]), "bits2": np.column_stack([ranks > 0, ranks > 1]).astype(int)}


def drawn(random, constraint):
    """A value that a constraint of _parameter_constraints allows, or None where it says nothing to draw from."""
    kind = type(constraint).__name__
    if kind in ("StrOptions", "Options"):
        options = sorted(constraint.options - (getattr(constraint, "deprecated", None) or set()), key=str)
        return options[random.randint(len(options))] if options else None
    if constraint == "boolean" or constraint is bool:
        return bool(random.randint(2))
    if kind == "Interval":
        low = constraint.left if constraint.left is not None else -3
        high = constraint.right if constraint.right is not None else low + 5
        if constraint.type.__name__ == "Integral":
            return int(random.randint(int(low) + (constraint.closed in ("right", "neither")), int(min(high, low + 5)) + 1))
        return float(np.round(random.uniform(low, min(high, low + 2)), 3))
    return None


def options_for(random, name):
    """A few parameters other than their defaults."""
    if random.randint(4) == 0:
        return {}
    constraints = getattr(CLASSES[name], "_parameter_constraints", {})
    if callable(constraints):
        constraints = {}
    chosen = {}
    for key in sorted(constraints):
        rule = constraints[key]
        if key in LEAVE or not isinstance(rule, list) or random.random_sample() > 0.35:
            continue
        value = drawn(random, rule[random.randint(len(rule))])
        if value is not None and value != "deprecated" and value != "warn":
            chosen[key] = value
    return chosen


def inner(random, classifier):
    names = ("LogisticRegression", "DecisionTreeClassifier", "GaussianNB", "LinearSVC") if classifier else ("Ridge", "DecisionTreeRegressor", "LinearRegression")
    return CLASSES[names[random.randint(len(names))]]()


def built(random, name):
    """An estimator with random options, and those that need others inside."""
    made, c = CLASSES[name], CLASSES
    single = {"estimator", "base_estimator"} & set(made.__init__.__code__.co_varnames)
    classifier = hasattr(made, "predict_proba") or "Classifier" in name or name.startswith(("OneVs", "OutputCode", "RFE", "SelectFrom", "FixedThr", "Tuned", "Calibrated", "SelfTr", "GridS", "Randomized", "Halving"))
    arguments = options_for(random, name)
    for key in ("estimator", "base_estimator", "estimators", "regressor", "classifier", "final_estimator", "kernel_params", "func", "inverse_func", "transformers", "steps"):
        arguments.pop(key, None)
    if name in ("Pipeline",):
        return made([("scale", c["StandardScaler"]()), ("model", inner(random, bool(random.randint(2))))])
    if name == "FeatureUnion":
        return made([("scale", c["StandardScaler"]()), ("pca", c["PCA"](n_components=2))])
    if name == "ColumnTransformer":
        return made([("scale", c["StandardScaler"](), [0, 2]), ("range", c["MinMaxScaler"](), [1])], remainder=("drop", "passthrough")[random.randint(2)])
    if name.startswith(("Voting", "Stacking")):
        members = [("a", inner(random, classifier)), ("b", c["DecisionTreeClassifier" if classifier else "DecisionTreeRegressor"](max_depth=3))]
        return made(members, **arguments)
    if name in ("ClassifierChain", "MultiOutputClassifier"):
        return made(c["LogisticRegression"]())
    if name in ("RegressorChain", "MultiOutputRegressor"):
        return made(c["Ridge"]())
    if name == "SparseCoder":
        return None  # is given its dictionary: a golden case
    if name in ("GridSearchCV", "HalvingGridSearchCV"):
        return made(c["DecisionTreeClassifier"](random_state=0), {"max_depth": [1, 2, 3]}, cv=2)
    if name in ("RandomizedSearchCV", "HalvingRandomSearchCV"):
        return made(c["DecisionTreeClassifier"](random_state=0), {"max_depth": [1, 2, 3]}, cv=2, random_state=0, **({"n_iter": 2} if name == "RandomizedSearchCV" else {}))
    if single and name not in ("IterativeImputer", "AdaBoostClassifier", "AdaBoostRegressor", "BaggingClassifier", "BaggingRegressor", "RANSACRegressor", "CalibratedClassifierCV"):
        one = inner(random, classifier)
        if name in ("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"):
            one = c["LogisticRegression" if classifier else "Ridge"]()
        if name == "SelfTrainingClassifier":
            one = c["LogisticRegression"]()
        return made(one, **arguments)
    for key, small in (("n_estimators", 4), ("max_iter", None)):
        if key in made.__init__.__code__.co_varnames and small is not None:
            arguments[key] = small
    if name in ("TSNE",):
        arguments["perplexity"] = 5.0
    return made(**arguments)


KINDS = {  # what a class takes, where it is not the table of numbers
    "CountVectorizer": ["texts"], "TfidfVectorizer": ["texts"], "HashingVectorizer": ["texts"], "DictVectorizer": ["records"], "FeatureHasher": ["records"],
    "MultiLabelBinarizer": ["tags"], "LabelEncoder": ["labels"], "LabelBinarizer": ["labels"], "OneHotEncoder": ["codes"], "OrdinalEncoder": ["codes"], "TargetEncoder": ["codes"],
    "CategoricalNB": ["codes"], "IsotonicRegression": ["line"], "SimpleImputer": ["holes"], "KNNImputer": ["holes"], "IterativeImputer": ["holes"], "MissingIndicator": ["holes"],
    "HistGradientBoostingClassifier": ["holes", "normal"], "HistGradientBoostingRegressor": ["holes", "normal"], "BernoulliRBM": ["unit"], "LatentDirichletAllocation": ["counts"],
    "TfidfTransformer": ["counts"],
}


def candidates(random, name):
    """Kinds of tables and targets to try, the likely ones first."""
    kinds = KINDS.get(name, ["normal", "positive", "counts"])
    made = CLASSES[name]
    kind = getattr(made, "_estimator_type", None)
    if kind is None:
        kind = "classifier" if "Classifier" in name or hasattr(made, "predict_proba") else "regressor" if "Regress" in name else None
    order = ["binary", "text", "numbers"] if kind == "classifier" else ["real", "above_zero", "real2"] if kind == "regressor" else ["binary", "text", "real", "real2"]
    random.shuffle(order)
    return kinds[random.randint(len(kinds)):] + kinds, order + ["bits2", "real", "real2"]


def answers(model, x):
    name = type(model).__name__
    without = {method for one, method in UNDECIDED if one == name}
    return registry.answers(model, x, without, registry.ON_REQUEST)


def difference(got, want):
    if got.shape != want.shape:
        return f"shape {got.shape} instead of {want.shape}"
    if want.dtype.kind in "US":
        bad = got.astype(str) != want.astype(str)
        return f"{bad.sum()} of {bad.size} labels" if bad.any() else ""
    want, single = want.astype(np.float64), want.dtype == np.float32
    finite = want[np.isfinite(want)]
    scale = np.abs(finite).max() if finite.size else 1.0
    tolerance = 1e-5 if single else 1e-9
    with np.errstate(all="ignore"):
        bad = ~((got == want) | (np.isnan(got) & np.isnan(want)) | (np.abs(got - want) <= tolerance * np.maximum(np.abs(want), scale)))
    return f"{bad.sum()} of {bad.size}, by up to {np.nanmax(np.abs(got - want)[bad]):.3g} of {scale:.3g}" if bad.any() else ""


def saved_input(x, folder):
    if isinstance(x, np.ndarray) and x.dtype.kind != "U":
        np.save(f"{folder}/x.npy", x)
        return f"{folder}/x.npy"
    if isinstance(x, np.ndarray):
        np.save(f"{folder}/x.npy", x)
        return f"{folder}/x.npy"
    with open(f"{folder}/x.ndjson", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(one) + "\n" for one in x)
    return f"{folder}/x.ndjson"


def asked(model, x, want, folder):
    """What decant says, as an outcome for each answer."""
    with open(f"{folder}/model.pkl", "wb") as f:
        pickle.dump(model, f)
    path = saved_input(x, folder)
    done = subprocess.run([DECANT, "predict", f"{folder}/model.pkl", path, "--threads", "1", "--outputs", ",".join(want), "-o", f"{folder}/out.npz"], capture_output=True, text=True)
    lacking = re.search(r"the model has no output (\S+);", done.stderr)
    if done.returncode and lacking and lacking[1] in want and len(want) > 1:  # as labels that are drawn at random: declined, the others are given
        rest = asked(model, x, {m: w for m, w in want.items() if m != lacking[1]}, folder)
        return {lacking[1]: {"outcome": "refused", "why": "is not given"}, **rest}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}"
        outcome = "refused" if done.returncode == 2 and "unsupported" in last else "failed"
        return {m: {"outcome": outcome, "why": re.sub(r"/\S*/", "", last)[:300]} for m in want}
    with np.load(f"{folder}/out.npz") as got:
        return {m: ({"outcome": "passed"} if not (why := difference(got[m], w) if m in got else "is missing") else {"outcome": "failed", "why": why}) for m, w in want.items()}


def settled(model, x, want):
    """Whether scikit-learn gives the same again, and for the same rows in another order: else there is nothing to compare."""
    again = answers(copy.deepcopy(model), x)
    return all(not difference(again[m], w) for m, w in want.items())


def one_model(random, name, folder):
    data = tables(random)
    for _ in range(6):  # options that do not go together, or tables that the class refuses
        kinds, ys = candidates(random, name)
        try:
            model = built(random, name)
            if model is None:
                return None
            for parameter in ("random_state",):
                if parameter in model.get_params():
                    model.set_params(random_state=0)
        except TooLong:
            raise
        except Exception:
            continue
        for kind in kinds:
            train, given = data[kind]
            some = targets(random, np.asarray(train) if isinstance(train, np.ndarray) and train.dtype.kind == "f" else data["normal"][0])
            for y in [None] + ys if not hasattr(model, "predict") else ys + [None]:
                np.random.seed(0)
                signal.alarm(6)
                try:
                    fitted = copy.deepcopy(model).fit(train) if y is None else copy.deepcopy(model).fit(train, some[y])
                    x = given[:, 0] if kind == "line" else given
                    want = answers(fitted, x)
                    if not settled(fitted, x, want):
                        return None
                except TooLong:
                    break
                except Exception:
                    continue
                finally:
                    signal.alarm(0)
                if want:
                    return fitted, x, want, f"{kind}/{y}"
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(CLASSES):
            if not re.search(ONLY, name):
                continue
            for number in range(MODELS):
                random = np.random.RandomState(zlib.crc32(f"{name}/{number}/{SEED}".encode()))
                try:
                    found = one_model(random, name, folder)
                except TooLong:
                    continue
                if found is None:
                    continue
                model, x, want, data = found
                outcome = asked(model, x, want, folder)
                print(json.dumps({"estimator": name, "model": " ".join(repr(model).split())[:300], "data": data, "methods": {re.sub(r"\[\d+\]$", "", m): o for m, o in sorted(outcome.items(), key=lambda e: e[1]["outcome"] != "passed")}}), flush=True)


main()
