# SPDX-License-Identifier: Apache-2.0
"""Files that are not one model of scikit-learn's: classes of somebody's own in a pipeline, dicts and lists of models.

    $(tools/venv.sh frameworks)/bin/python tests/conformance/pickled_parts.py build/decant
"""
import pathlib
import pickle
import subprocess
import sys
import tempfile

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

DECANT = pathlib.Path(sys.argv[1]).resolve()
passed = failed = 0


class Doubler(TransformerMixin, BaseEstimator):
    """A class of one's own: its pickle names __main__.Doubler."""

    def __init__(self, factor=2):
        self.factor = factor

    def fit(self, X, y=None):
        self.table_ = np.ones((3, 2))
        return self

    def transform(self, X):
        return X * self.factor


def check(condition, text):
    global passed, failed
    passed += bool(condition)
    failed += not condition
    if not condition:
        print("FAIL", text)


def run(*arguments):
    return subprocess.run([DECANT, *arguments], capture_output=True, text=True)


def answers(name, *arguments):
    """The one answer of that name, or what went wrong."""
    done = run("predict", *arguments, "--outputs", name, "-o", "out.npz")
    return np.load("out.npz")[name] if done.returncode == 0 else done.stderr


def same(got, want, text):
    check(not isinstance(got, str) and np.array_equal(got, want), f"{text}: {got if isinstance(got, str) else 'other answers'}")


def refused(code, words, *arguments):
    done = run(*arguments)
    lines = done.stderr.strip().splitlines()
    check(done.returncode == code and len(lines) == 1 and all(w in lines[0] for w in words), f"{arguments}: {done.returncode} {done.stderr}")


def own_classes(x, y):
    pipeline = Pipeline([("scale", StandardScaler()), ("double", Doubler()), ("model", LogisticRegression())]).fit(x, y)
    pickle.dump(pipeline, open("own.pkl", "wb"))
    np.save("x.npy", x)
    np.save("doubled.npy", pipeline[:2].transform(x))
    refused(2, ["__main__.Doubler", "step 2 of 3", "factor, table_", "--until double", "--from model"], "predict", "own.pkl", "x.npy")
    refused(2, ["__main__.Doubler"], "convert", "own.pkl", "out.onnx")
    seen = run("inspect", "own.pkl")
    check(seen.returncode == 0 and "cannot be run" in seen.stdout and "table_: \"array <f8 [3, 2]\"" in seen.stdout, f"inspect: {seen.stdout}")
    for step in ("double", "1"):
        got = answers("transform", "own.pkl", "x.npy", "--until", step)
        check(not isinstance(got, str) and np.allclose(got, pipeline[:1].transform(x), rtol=1e-12), f"until {step}")
    same(answers("predict", "own.pkl", "doubled.npy", "--from", "model"), pipeline.predict(x), "from model")
    refused(64, ["no step nix", "scale, double, model"], "predict", "own.pkl", "x.npy", "--from", "nix")
    refused(64, ["no step lies between"], "predict", "own.pkl", "x.npy", "--from", "model", "--until", "scale")

    pickle.dump(Doubler().fit(x), open("alone.pkl", "wb"))
    refused(2, ["__main__.Doubler", "factor, table_"], "predict", "alone.pkl", "x.npy")
    search = GridSearchCV(pipeline, {"model__C": [0.5, 1.0]}, cv=2).fit(x, y)
    pickle.dump(search, open("search.pkl", "wb"))
    refused(2, ["__main__.Doubler", "step 2 of 3"], "predict", "search.pkl", "x.npy")
    same(answers("predict", "search.pkl", "doubled.npy", "--from", "model"), search.predict(x), "from a search's model")
    columns = Pipeline([("columns", ColumnTransformer([("own", Doubler(), [0, 1]), ("rest", StandardScaler(), [2, 3])])), ("model", LogisticRegression())]).fit(x, y)
    pickle.dump(columns, open("columns.pkl", "wb"))
    refused(2, ["__main__.Doubler", 'part "own" of the ColumnTransformer', "step 1 of 2"], "predict", "columns.pkl", "x.npy")
    pickle.dump(Pipeline([("scale", StandardScaler()), ("groups", DBSCAN())]).fit(x), open("groups.pkl", "wb"))
    refused(2, ["DBSCAN", "no method for new data", "labels_"], "predict", "groups.pkl", "x.npy")


def containers(x, y):
    scaler, model = StandardScaler().fit(x), LogisticRegression().fit(x, y)
    joblib.dump({"scaler": scaler, "model": model, "about": {"author": "somebody", "folds": [model, scaler]}, 7: "seven"}, "dict.joblib")
    refused(64, ["scaler (StandardScaler)", "model (LogisticRegression)", "about/folds/1 (StandardScaler)"], "predict", "dict.joblib", "x.npy")
    for key in ("model", "about/folds/0"):
        same(answers("predict", "dict.joblib", "x.npy", "--entry", key), model.predict(x), f"entry {key}")
    refused(64, ["no entry nix", "scaler"], "predict", "dict.joblib", "x.npy", "--entry", "nix")
    seen = run("inspect", "dict.joblib")
    check(seen.returncode == 0 and "about/folds/1" in seen.stdout and "author" in seen.stdout, f"inspect: {seen.stdout} {seen.stderr}")
    check("LogisticRegression" in run("inspect", "dict.joblib", "--entry", "model").stdout, "inspect an entry")
    check(run("convert", "dict.joblib", "out.onnx", "--entry", "model").returncode == 0, "convert an entry")
    pickle.dump((model, ["names", "of", "columns"]), open("tuple.pkl", "wb"))
    same(answers("predict", "tuple.pkl", "x.npy"), model.predict(x), "the only model of a tuple")
    pickle.dump([model, model, scaler], open("list.pkl", "wb"))
    same(answers("predict", "list.pkl", "x.npy", "--entry", "1"), model.predict(x), "a model of a list")
    pickle.dump({"a/b": {"c": model}, "a": {"b": scaler}}, open("slash.pkl", "wb"))
    same(answers("predict", "slash.pkl", "x.npy", "--entry", "a/b/c"), model.predict(x), "a key with a slash")
    pickle.dump({"a": 1}, open("none.pkl", "wb"))
    refused(2, ["no scikit-learn estimator"], "predict", "none.pkl", "x.npy")
    pickle.dump(model, open("one.pkl", "wb"))
    refused(64, ["--entry"], "predict", "one.pkl", "x.npy", "--entry", "model")
    run("convert", "one.pkl", "one.onnx")
    refused(64, ["one model in one piece"], "predict", "one.onnx", "x.npy", "--entry", "model")


def dangerous(model):
    """What cannot be run is described, but not where loading it with Python would do harm."""
    plain = pickle.dumps({"model": model, "other": model}, protocol=2)
    check(run("inspect", "list.pkl").returncode == 0, "inspect a list")
    for name, raw in {"call.pkl": b"cposix\nsystem\n(S'true'\ntR.", "inside.pkl": plain[:2] + b"cposix\nsystem\n(S'true'\ntR0" + plain[2:], "unknown.pkl": b"cwho.knows\nwhat\n(S'true'\ntR."}.items():
        pathlib.Path(name).write_bytes(raw)
        refused(2, ["system" if name != "unknown.pkl" else "who.knows"], "inspect", name)


def main():
    random = np.random.RandomState(5)
    x = random.standard_normal((60, 4))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    with tempfile.TemporaryDirectory() as scratch:
        import os

        os.chdir(scratch)
        own_classes(x, y)
        containers(x, y)
        dangerous(LogisticRegression().fit(x, y))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
