# SPDX-License-Identifier: Apache-2.0
"""The list of golden cases, and the two helpers that let one list serve every scikit-learn version.

A case reads as one line:

    case("tree_gini", E.DecisionTreeClassifier(max_depth=3), "base", "multi", EXACT)

`E.Name(...)` builds the estimator where this scikit-learn has that class and those parameters; elsewhere it gives a Missing,
and the case is left out of this version's table. The newest version must have everything that is not marked `until`.
"""
import copy
import inspect

import numpy as np
import sklearn
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401  (importing them is the switch)
from sklearn.utils import all_estimators

import data

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
NEWEST = (1, 9)

# How equal a decoder's floating-point answers must be; labels and integers must always be equal.
EXACT = "exact"  # the same bits
ULP4 = "ulp4"  # the same bits went into one exp or log, or a softmax of few
REL12 = "rel1e-12"  # other double arithmetic, where only the order of summation differs
REL9 = "rel1e-9"  # predicting is itself iterative, or cancels
NONE = "none"  # a class without a method for new data: it is inspected, and refused by name
FLOAT32 = "float32"  # scikit-learn computes in single precision: 1e-5 relative + 1e-6 absolute

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")
OTHER_METHODS = ("mahalanobis", "kneighbors")  # of classes that have none of those
ON_REQUEST = ("apply",)  # answers that decant gives only where they are asked for by name

# Parameters that were renamed within the covered versions: new name -> old name.
RENAMED = {"estimator": "base_estimator", "sparse_output": "sparse"}


class Missing:
    """Stands for an estimator that this scikit-learn cannot build."""

    def __init__(self, reason):
        self.reason = reason


def _missing(value):
    """The first Missing inside a constructor argument, or None."""
    if isinstance(value, Missing):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return next((found for found in map(_missing, value) if found), None)
    return None


class _Estimators:
    def __init__(self):
        self._classes = dict(all_estimators())

    def __getattr__(self, name):
        return lambda *args, **kwargs: self._build(name, args, kwargs)

    def _build(self, name, args, kwargs):
        found = _missing([args, kwargs])
        if found:
            return found
        if name not in self._classes:
            return Missing(f"no {name}")
        known = inspect.signature(self._classes[name].__init__).parameters
        renamed = {}
        for key, value in kwargs.items():
            old = RENAMED.get(key)
            if key not in known and old not in known:
                return Missing(f"{name} has no {key}")
            renamed[key if key in known else old] = value
        # Copies, as a pipeline fits its steps in place and families share their small trees.
        return self._classes[name](*copy.deepcopy(args), **copy.deepcopy(renamed))


E = _Estimators()


def fitted(estimator, x, y=None):
    """The estimator, fitted on a table, for use inside another that takes it prefitted."""
    if isinstance(estimator, Missing):
        return estimator
    return fit(copy.deepcopy(estimator), data.table(x).train, None if y is None else data.target(y))


def fit(estimator, x, y, **options):
    # Seeded down to the innermost estimator, so that the same version gives the same model again.
    np.random.seed(0)
    unseeded = [name for name, value in estimator.get_params().items() if name.split("__")[-1] == "random_state" and value is None]
    estimator.set_params(**dict.fromkeys(unseeded, 0))
    return estimator.fit(x, **options) if y is None else estimator.fit(x, y, **options)


class Case:
    def __init__(self, name, estimator, x, y, contract, contracts, without, also, options, dump):
        self.name, self.estimator, self.x, self.y = name, estimator, x, y
        self.contract, self.contracts, self.without, self.also, self.options, self.dump = contract, contracts, without, also, options, dump


CASES = {}
LEFT_OUT = []
PROBLEMS = []


def pickled(protocol):
    """Saves with pickle.dump at one protocol."""

    def dump(model, stem):
        import pickle

        path = stem.with_name(stem.name + ".pkl")
        path.write_bytes(pickle.dumps(model, protocol=protocol))
        return path

    return dump


def joblibbed(suffix=".joblib", compress=0):
    """Saves with joblib.dump, compressed or not."""

    def dump(model, stem):
        import joblib

        path = stem.with_name(stem.name + suffix)
        joblib.dump(model, path, compress=compress)
        return path

    return dump


def case(name, estimator, x, y=None, contract=REL12, *, logs=(), sums=(), without=(), also=(), since=None, until=None, fit=None, dump=None):
    """Registers a case.

    logs: methods whose values pass through one exp or log after exact arithmetic; they become another row, of contract ulp4.
    sums: methods that do more after that; likewise, rel1e-12.
    without: methods that are not recorded (say why in a comment). also: those of ON_REQUEST that are. since, until: the versions, inclusive, where an option's
    value has this meaning. fit: further arguments of fit.
    """
    if (since and VERSION < since) or (until and VERSION > until):
        LEFT_OUT.append((name, f"not in {VERSION[0]}.{VERSION[1]}"))
        return
    if isinstance(estimator, Missing):
        LEFT_OUT.append((name, estimator.reason))
        if VERSION >= NEWEST and not until:
            PROBLEMS.append(f"{name}: {estimator.reason}, yet this is the newest version")
        return
    if name in CASES:
        raise ValueError(f"two cases are named {name}")
    contracts = {**dict.fromkeys(logs, ULP4), **dict.fromkeys(sums, REL12)}
    CASES[name] = Case(name, estimator, x, y, contract, contracts, without, also, fit or {}, dump or pickled(4))


def answers(model, x, without=(), also=()):
    """What every method of the model gives for x, as plain arrays by name."""
    found = {}
    methods = METHODS if any(hasattr(model, method) for method in METHODS) else OTHER_METHODS
    for method in (*methods, *also):
        if method in without or not hasattr(model, method):
            continue
        given = getattr(model, method)(x)
        if isinstance(given, (list, tuple)):
            found.update((f"{method}[{i}]", plain(one)) for i, one in enumerate(given))
        else:
            found[method] = plain(given)
    return found


def plain(values):
    """A dense array without Python objects, so that reading it needs no pickle. Numbers and truth values in one become float64, and
    whatever stands beside text becomes text."""
    if hasattr(values, "toarray"):
        values = values.toarray()
    values = np.asarray(values)
    if values.dtype == object:
        kinds = {isinstance(one, str) for one in values.ravel()}
        values = values.astype(str if True in kinds else np.float64)
    return np.ascontiguousarray(values)
