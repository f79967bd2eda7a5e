# SPDX-License-Identifier: Apache-2.0
"""The list of golden cases of the boosting libraries, and the tables that they train on.

    @case("xgb_logistic", "plain")
    def _(train, stem): ...fit, save below `stem`, return (file, {output: function of the input})

A case of a library, class or option that this environment lacks is left out and said so.
"""
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent

EXACT = "exact"  # the same bits
ULP4 = "ulp4"  # the same bits went into one exp or log
FLOAT32 = "float32"  # single precision in another order of additions
REL12 = "rel1e-12"

CASES = {}


def case(name, table, contract=EXACT, contracts=None, estimator="", without=()):
    """Registers a case. `contracts`: outputs held to another contract than the case's; they become rows of their own."""

    def register(make):
        if name in CASES:
            raise ValueError(f"two cases are named {name}")
        CASES[name] = (make, table, contract, contracts or {}, estimator)
        return make

    return register


class Table:
    """What a case trains on, and the rows that are asked about: some of training (so that values meet thresholds), some not."""

    def __init__(self, x, ask, suffix=".npy", **targets):
        self.x, self.ask, self.suffix = x, ask, suffix
        self.__dict__.update(targets)


def targets(x, state):
    base = np.nan_to_num(x)
    score = base[:, 0] * 1.5 - base[:, 1] + 0.5 * base[:, 2] * (base[:, 3] > 0) + 0.3 * state.standard_normal(len(x))
    return {
        "real": score,
        "binary": (score > 0).astype(np.int64),
        "multi": np.digitize(score, [-1.0, 0.8]),
        "positive": np.exp(0.3 * score).round(4) + 0.1,
        "count": np.floor(np.exp(0.4 * score)).astype(np.int64),
        "share": 1 / (1 + np.exp(-score)),
        "targets": np.stack([score, -2 * score + base[:, 4], base[:, 5] + 1], axis=1),
        "several": np.stack([score > 0, base[:, 1] > 0.2, base[:, 2] + base[:, 4] > 0], axis=1).astype(np.int64),
        "grade": np.clip(np.digitize(score, [-1.0, 0.0, 1.2]), 0, 3),
        "groups": np.full(len(x) // 20, 20),
    }


def tables():
    state = np.random.RandomState(7)  # its streams never change between versions of NumPy
    x = np.round(state.standard_normal((300, 6)), 2)
    ask = np.concatenate([x[:60], np.round(state.standard_normal((40, 6)) * 3, 3), state.standard_normal((20, 6))])
    ask[100] = [1e30, -1e30, 1e-40, -0.0, 1e9, -1e9]
    found = {"plain": Table(x, ask, **targets(x, state))}
    holes, asked = x.copy(), ask.copy()
    holes[state.random_sample(x.shape) < 0.15] = np.nan
    asked[state.random_sample(ask.shape) < 0.15] = np.nan
    found["missing"] = Table(holes, asked, **targets(holes, state))
    found["sentinel"] = Table(np.nan_to_num(holes, nan=-999.0), np.nan_to_num(asked, nan=-999.0), **targets(holes, state))
    zeros, asked = np.nan_to_num(holes), np.nan_to_num(asked)
    asked[3, :4] = [1e-36, -1e-36, 1e-34, np.nan]
    found["zeros"] = Table(zeros, asked, **targets(zeros, state))
    # Columns 1 and 3 hold categories: a few, and many.
    codes, asked = x.copy(), ask.copy()
    codes[:, 1], codes[:, 3] = state.randint(0, 5, 300), state.randint(0, 70, 300)
    asked[:, 1], asked[:, 3] = state.randint(0, 5, 120), state.randint(0, 70, 120)
    y = targets(codes, state)
    effect = state.standard_normal(70)
    y["real"] = y["real"] + effect[codes[:, 3].astype(int)] + (codes[:, 1] == 2)
    y["binary"] = (y["real"] > np.median(y["real"])).astype(np.int64)
    found["codes"] = Table(codes, asked, **y)
    return found


def frame(table, texts=("red", "green", "blue", "sky, light", 'o"dd')):
    """The table of codes as a data frame whose columns 1 (texts) and 3 (numbers) are categories; needs pandas."""
    import pandas as pd

    def of(x):
        out = pd.DataFrame({f"n{i}": x[:, i] for i in (0, 2, 4, 5)})
        out.insert(1, "colour", pd.Categorical([texts[int(v)] for v in x[:, 1]], categories=sorted(texts)))
        out.insert(3, "place", pd.Categorical(x[:, 3].astype(np.int64) * 3 + 1, categories=sorted(set((x[:, 3].astype(np.int64) * 3 + 1).tolist()))))
        return out

    return of


def asked(model, train):
    """What predict and predict_proba, where it has them, say of the rows that are asked about."""
    return {method: getattr(model, method)(train.ask) for method in ("predict", "predict_proba") if hasattr(model, method)}


def built(build, train, prepare=False):
    """The model that `build` gives, and what it is to be fitted on: with `prepare` a data frame, in place of the table's numbers."""
    try:
        model = build()
    except (AttributeError, TypeError) as error:  # a class or option that this version lacks
        raise NotImplementedError(str(error)) from error
    if not prepare:
        return model, train.x
    of = frame(train)
    train.name, train.ask, train.suffix = "frame", of(train.ask), ".csv"
    return model, of(train.x)
