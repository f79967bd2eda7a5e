#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random models of XGBoost, LightGBM and CatBoost, as the environment that runs this has them: trained, saved in a random way, and asked both here
and by decant.

    $(tools/venv.sh boosters)/bin/python tests/conformance/live_boosters.py DECANT [--models 100] [--seed 1] [--only xgboost]

The golden cases are chosen by hand; these are not: objective, booster, options and table are drawn from a seed. --models is how many of each
library, and of each scikit-learn interface. Answers are held to what docs/exactness.md promises: margins, raw scores and leaves to the same bits (gblinear to 1e-5), what went through
one exp or log to 4 units in the last place, CatBoost to 1e-12 of the largest answer. What a library itself refuses to train is drawn again.
"""
import argparse
import importlib
import importlib.util
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # the reference is one thread
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

warnings.simplefilter("ignore")
EXACT, ULP4, REL12, FLOAT32 = "exact", "ulp4", "rel1e-12", "float32"


class Draw:
    """Choices from a seed, written down as they are made."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed)

    def of(self, *values):
        return values[self.state.randint(len(values))]

    def chance(self, p):
        return self.state.random_sample() < p

    def whole(self, low, high):
        return int(self.state.randint(low, high + 1))

    def real(self, low, high):
        return float(np.round(self.state.uniform(low, high), 3))

    def some(self, p, **options):
        """Each option with probability p; its value is a function of nothing."""
        return {name: value() for name, value in options.items() if self.chance(p)}


def table(draw):
    """Rows to train on, rows to ask about, and which columns hold codes of categories."""
    s, rows, more, width = draw.state, draw.whole(50, 400), 60, draw.whole(1, 9)
    x = s.standard_normal((rows + more, width)) * s.uniform(0.1, 5, width)
    if draw.chance(0.5):
        x = np.round(x, draw.whole(0, 2))  # values that meet thresholds
    if draw.chance(0.3):
        x[s.random_sample(x.shape) < 0.5] = 0
    categories = []
    if draw.chance(0.35):
        categories = sorted(s.choice(width, draw.whole(1, width), replace=False).tolist())
        for column in categories:
            x[:, column] = s.randint(0, draw.of(2, 5, 40), rows + more)
    if draw.chance(0.5):
        holes = s.random_sample(x.shape) < 0.15
        holes[:, categories] &= draw.chance(0.5)
        x[holes] = np.nan
    ask = np.concatenate([x[rows:], x[:20]])
    if not categories:
        ask[0] = s.choice([1e30, -1e30, 1e-40, -0.0, 1e9, np.nan], width)
    return x[:rows], ask, categories


def targets(draw, x, classes=3):
    base = np.nan_to_num(x)
    score = base @ draw.state.standard_normal(base.shape[1]) + 0.3 * draw.state.standard_normal(len(x)) + np.sin(base[:, 0] * 3)
    score = (score - score.mean()) / (score.std() + 1e-9)
    edges = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    return {"real": score, "binary": (score > 0).astype(int), "multi": np.digitize(score, edges), "positive": np.exp(0.5 * score) + 0.05, "count": np.floor(np.exp(0.6 * score)).astype(int),
            "share": 1 / (1 + np.exp(-score)), "grade": np.clip(np.digitize(score, [-1, 0, 1]), 0, 3), "several": np.stack([score > 0, base[:, 0] > 0, score + base[:, -1] > 0.3], axis=1).astype(int),
            "targets": np.stack([score, base[:, 0] - score, 2 * base[:, -1]], axis=1)}


# Objective: its target, and whether predict passes through exp or log.
XGB = {"reg:squarederror": ("real", EXACT), "reg:squaredlogerror": ("positive", EXACT), "reg:logistic": ("share", ULP4), "reg:pseudohubererror": ("real", EXACT), "reg:absoluteerror": ("real", EXACT),
       "reg:quantileerror": ("real", EXACT), "reg:expectileerror": ("real", EXACT), "binary:logistic": ("binary", ULP4), "binary:logitraw": ("binary", EXACT), "binary:hinge": ("binary", EXACT),
       "count:poisson": ("count", ULP4), "reg:gamma": ("positive", ULP4), "reg:tweedie": ("positive", ULP4), "survival:cox": ("positive", ULP4), "survival:aft": ("positive", ULP4),
       "multi:softmax": ("multi", EXACT), "multi:softprob": ("multi", ULP4), "rank:pairwise": ("grade", EXACT), "rank:ndcg": ("grade", EXACT), "rank:map": ("binary", EXACT)}


def xgboost_model(draw, folder):
    import xgboost as xgb

    version = tuple(int(part) for part in xgb.__version__.split(".")[:2])
    x, ask, categories = table(draw)
    objective = draw.of(*XGB)
    target, contract = XGB[objective]
    classes = draw.whole(2, 5)
    y = targets(draw, x, classes)
    label = y[target]
    if objective in ("reg:squarederror", "binary:logistic", "reg:pseudohubererror") and version >= (1, 6) and draw.chance(0.25):
        label = y["several" if objective.startswith("binary") else "targets"]
    booster = draw.of("gbtree", "gbtree", "gbtree", "dart", "gblinear")
    if booster != "gbtree" or version < (1, 7):
        categories = []
    params = {"objective": objective, "booster": booster, "nthread": 1, "seed": draw.whole(0, 99), "eta": draw.real(0.05, 1), "verbosity": 0}
    if objective.startswith("multi"):
        params["num_class"] = classes
    if objective == "reg:quantileerror":
        params["quantile_alpha"] = draw.of(0.3, [0.1, 0.5, 0.9])
    if objective == "reg:expectileerror":
        params["expectile_alpha"] = draw.of(0.3, 0.7)
    if objective == "reg:tweedie":
        params["tweedie_variance_power"] = draw.real(1.1, 1.9)
    if objective == "survival:aft":
        params["aft_loss_distribution"] = draw.of("normal", "logistic", "extreme")
    if draw.chance(0.3):
        params["base_score"] = draw.real(0.1, 0.9)
    vectors = label.ndim == 2 or objective.startswith("multi") or isinstance(params.get("quantile_alpha"), list)
    rounds, parallel = draw.whole(1, 12), 1
    if booster == "gblinear":
        params.update(draw.some(0.5, updater=lambda: draw.of("shotgun", "coord_descent"), alpha=lambda: draw.real(0, 1), **{"lambda": lambda: draw.real(0, 2)}))
        contract = FLOAT32
    else:
        params["tree_method"] = "hist" if categories else draw.of("hist", "exact", "approx")
        params.update(draw.some(0.4, max_depth=lambda: draw.whole(1, 8), gamma=lambda: draw.real(0, 1), subsample=lambda: draw.real(0.4, 1), colsample_bytree=lambda: draw.real(0.4, 1),
                                min_child_weight=lambda: draw.real(0, 5), max_delta_step=lambda: draw.real(0, 2), alpha=lambda: draw.real(0, 1), **{"lambda": lambda: draw.real(0, 3)}))
        if params["tree_method"] != "exact" and draw.chance(0.3):
            params.update(grow_policy="lossguide", max_leaves=draw.whole(2, 20), max_depth=0)
        if draw.chance(0.2):
            params["num_parallel_tree"] = parallel = draw.whole(2, 4)
        if categories:
            params.update(max_cat_to_onehot=draw.of(1, 4, 100), max_cat_threshold=draw.of(4, 64))
        if draw.chance(0.15) and params["tree_method"] != "approx":
            params["monotone_constraints"] = tuple(draw.whole(-1, 1) for _ in range(x.shape[1]))
        if vectors and version >= (2, 0) and booster == "gbtree" and params["tree_method"] == "hist" and draw.chance(0.4):
            params["multi_strategy"] = "multi_output_tree"
        if booster == "dart":
            params.update(rate_drop=draw.real(0, 0.6), skip_drop=draw.real(0, 0.5), one_drop=draw.whole(0, 1), sample_type=draw.of("uniform", "weighted"), normalize_type=draw.of("tree", "forest"))
    kinds = ["c" if i in categories else "q" for i in range(x.shape[1])]
    more = {"feature_types": kinds, "enable_categorical": True} if categories else {}
    if draw.chance(0.2):
        more["feature_names"] = [f"feature {i}" for i in range(x.shape[1])]
    data = xgb.DMatrix(x, label=label, **more)
    if objective.startswith("rank"):
        data.set_group([len(x) // 2, len(x) - len(x) // 2])
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", label)
        data.set_float_info("label_upper_bound", np.where(label > 1.5, np.inf, label))
    extra = {}
    if draw.chance(0.2) and objective not in ("survival:aft",) and not objective.startswith("rank"):
        extra = {"evals": [(xgb.DMatrix(x[::-1], label=label, **more), "other")], "early_stopping_rounds": 2, "verbose_eval": False}
    model = xgb.train(params, data, rounds, **extra)
    if booster == "gblinear" and not np.isfinite(model.predict(data, output_margin=True)).all():
        raise ValueError("it diverges")
    how = draw.of("json", "ubj", "pickle", "binary")
    if version < (1, 6) and how == "ubj" or version < (1, 0) and how == "json":
        how = "binary"
    if how == "binary" and version >= (3, 1):
        how = "ubj"
    path = folder / ("m.pkl" if how == "pickle" else "m." + ({"binary": "deprecated" if version >= (2, 0) else "model"}.get(how, how)))
    if how == "pickle":
        path.write_bytes(pickle.dumps(model))
    else:
        model.save_model(str(path))
    rows = xgb.DMatrix(ask, **more)
    only = {"ntree_limit": rounds * parallel} if version < (1, 0) and booster == "dart" else {}
    answers = {"predict": (model.predict(rows, **only), contract), "output_margin": (model.predict(rows, output_margin=True, **only), FLOAT32 if booster == "gblinear" else EXACT)}
    if booster != "gblinear":
        answers["apply"] = (model.predict(rows, pred_leaf=True), EXACT)
    return f"{params} rounds={rounds} {how} categories={categories} label={label.shape} {sorted(extra)}", path, ask, answers


LGB = {"regression": ("real", EXACT), "regression_l1": ("real", EXACT), "huber": ("real", EXACT), "fair": ("real", EXACT), "quantile": ("real", EXACT), "mape": ("positive", EXACT),
       "poisson": ("count", ULP4), "gamma": ("positive", ULP4), "tweedie": ("positive", ULP4), "binary": ("binary", ULP4), "multiclass": ("multi", ULP4), "multiclassova": ("multi", ULP4),
       "cross_entropy": ("share", ULP4), "cross_entropy_lambda": ("share", ULP4), "lambdarank": ("grade", EXACT), "rank_xendcg": ("grade", EXACT)}


def lightgbm_model(draw, folder):
    import lightgbm as lgb

    version = tuple(int(part) for part in lgb.__version__.split(".")[:2])
    x, ask, categories = table(draw)
    objective = draw.of(*LGB)
    target, contract = LGB[objective]
    classes = draw.whole(2, 5)
    label = targets(draw, x, classes)[target]
    boosting = draw.of("gbdt", "gbdt", "gbdt", "dart", "rf", "goss")
    params = {"objective": objective, "boosting": boosting, "num_threads": 1, "verbose": -1, "seed": draw.whole(0, 99), "learning_rate": draw.real(0.05, 1), "num_leaves": draw.whole(2, 40),
              "min_data_in_leaf": draw.whole(1, 30), "deterministic": True, "force_row_wise": True}
    if objective.startswith("multiclass"):
        params["num_class"] = classes
    if boosting == "rf":
        params.update(bagging_fraction=draw.real(0.3, 0.9), bagging_freq=1)
    params.update(draw.some(0.25, max_depth=lambda: draw.whole(1, 8), lambda_l1=lambda: draw.real(0, 1), lambda_l2=lambda: draw.real(0, 3), min_gain_to_split=lambda: draw.real(0, 1),
                            feature_fraction=lambda: draw.real(0.4, 1), extra_trees=lambda: True, max_bin=lambda: draw.of(3, 15, 255, 600), path_smooth=lambda: draw.real(0, 3),
                            zero_as_missing=lambda: True, use_missing=lambda: False, boost_from_average=lambda: False, max_delta_step=lambda: draw.real(0, 2), min_data_per_group=lambda: draw.of(1, 20),
                            cat_smooth=lambda: draw.real(0, 5), max_cat_to_onehot=lambda: draw.of(1, 50), enable_bundle=lambda: False))
    if objective == "regression" and draw.chance(0.3):
        params["reg_sqrt"] = True
    if objective in ("binary", "multiclassova", "lambdarank") and draw.chance(0.4):
        params["sigmoid"] = draw.real(0.3, 3)
    if objective == "binary" and draw.chance(0.3):
        params.update(draw.of({"is_unbalance": True}, {"scale_pos_weight": draw.real(0.3, 4)}))
    if draw.chance(0.2) and boosting in ("gbdt", "goss") and objective not in ("regression_l1", "quantile", "huber", "fair", "mape") and version >= (3, 2):
        params["linear_tree"] = True
        params.update(draw.some(0.5, linear_lambda=lambda: draw.real(0, 2)))
    if draw.chance(0.15):
        params["monotone_constraints"] = [0 if i in categories else draw.whole(-1, 1) for i in range(x.shape[1])]
    options = {"categorical_feature": categories} if categories else {}
    if draw.chance(0.2):
        options["feature_name"] = [f"f_{i}_é" if version >= (3, 0) else f"f_{i}" for i in range(x.shape[1])]
    if objective in ("lambdarank", "rank_xendcg"):
        options["group"] = [len(x) // 2, len(x) - len(x) // 2]
    data = lgb.Dataset(x, label=label, params=params, free_raw_data=False, **options)
    rounds = draw.whole(1, 12)
    model = lgb.train(params, data, rounds)
    if draw.chance(0.3):
        path = folder / "m.pkl"
        path.write_bytes(pickle.dumps(model))
        how = "pickle"
    else:
        path, part = folder / "m.txt", {}
        if draw.chance(0.3):  # some of the iterations
            part = {"num_iteration": draw.whole(1, rounds), "start_iteration": draw.whole(0, rounds - 1)}
        model.save_model(str(path), **part)
        model = lgb.Booster(model_file=str(path))
        how = f"text {part}"
    if categories and draw.chance(0.5):
        ask[0, categories] = draw.state.choice([-1, 500, 2.7, -0.3, 1e10])
    leaves = model.predict(ask, pred_leaf=True)
    if version >= (4, 0):  # 4.0 still gave one tree's as a list, and its files look like those of later versions
        leaves = np.reshape(leaves, (len(ask), -1))
    answers = {"predict": (model.predict(ask), contract), "raw_score": (model.predict(ask, raw_score=True), EXACT), "apply": (leaves, EXACT)}
    if params.get("reg_sqrt") or boosting == "rf":
        answers["predict"] = (answers["predict"][0], ULP4 if contract != EXACT else EXACT)
    return f"{params} rounds={rounds} {how} categories={categories}", path, ask, answers


def framed(draw, x, ask, categories, unknown):
    """Both tables as data frames whose columns of codes are pandas' categories, of texts or of numbers; `unknown`: some that training never saw."""
    import pandas as pd

    named = {i: [f"value {k}" for k in range(40)] if draw.chance(0.5) else [3 * k + 1 for k in range(40)] for i in categories}

    def frame(values, more):
        out = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
        for i, names in named.items():
            cells = [None if np.isnan(v) else names[int(v)] for v in values[:, i]]
            if more and unknown:
                cells[0] = "never seen" if isinstance(names[0], str) else 1000
            # The order of the categories decides the codes of versions that keep none.
            known = sorted({names[int(v)] for v in x[:, i] if not np.isnan(v)})
            out[f"c{i}"] = pd.Categorical(cells, categories=known + (["never seen" if isinstance(names[0], str) else 1000] if more and unknown else []))
        return out

    return frame(x, False), frame(ask, True)


def known_only(x, ask, categories):
    """Rows to ask about without codes that training never saw."""
    for i in categories:
        ask[~np.isin(ask[:, i], x[:, i]) & ~np.isnan(ask[:, i]), i] = np.nan
    return ask


def held(draw, model):
    """The model alone or in a dict or list, as people keep it."""
    return draw.of(model, model, {"model": model, "threshold": 0.5}, [1, model])


def estimator_answers(model, rows, contracts):
    answers = {"predict": (model.predict(rows), contracts[0])}
    if hasattr(model, "predict_proba"):
        answers["predict_proba"] = (model.predict_proba(rows), contracts[1])
    return answers


def xgboost_estimator(draw, folder):
    import xgboost as xgb

    version = tuple(int(part) for part in xgb.__version__.split(".")[:2])
    x, ask, categories = table(draw)
    kind = draw.of("XGBClassifier", "XGBClassifier", "XGBRegressor", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBModel")
    classes = draw.whole(2, 4)
    y = targets(draw, x, classes)
    params = {"n_estimators": draw.whole(1, 10), "max_depth": draw.whole(1, 6), "n_jobs": 1, "random_state": draw.whole(0, 99), "verbosity": 0}
    params.update(draw.some(0.3, subsample=lambda: draw.real(0.4, 1), reg_lambda=lambda: draw.real(0, 3), gamma=lambda: draw.real(0, 1)))
    contracts, target = (EXACT, ULP4), "real"
    if kind.endswith("Classifier"):
        target = "multi" if draw.chance(0.6) else "binary"
        if target == "binary" and draw.chance(0.2):
            params["objective"] = "binary:hinge"
    elif kind == "XGBRanker":
        target = "grade"
        params["objective"] = draw.of("rank:pairwise", "rank:ndcg")
    else:
        params["objective"], target = draw.of(("reg:squarederror", "real"), ("count:poisson", "count"), ("reg:gamma", "positive"), ("binary:logistic", "binary"))
        contracts = (EXACT if target == "real" else ULP4, ULP4)
    if version >= (1, 0) and not kind.startswith("XGBRF") and draw.chance(0.2):
        params.update(booster="dart", rate_drop=draw.real(0, 0.5))
    if version < (1, 7):
        categories = []
    rows, asked = x, known_only(x, ask, categories)
    if categories and version < (3, 1):  # whose files do not hold the categories: the codes themselves
        params["feature_types"] = ["c" if i in categories else "q" for i in range(x.shape[1])]
    elif categories or draw.chance(0.2):
        rows, asked = framed(draw, x, asked, categories, False)
    if categories:
        params.update(enable_categorical=True, tree_method="hist", max_cat_to_onehot=draw.of(1, 4, 50))
    if not categories and draw.chance(0.2):
        params["missing"] = draw.of(0.0, -999.0)
    more = {}
    if kind == "XGBRanker":
        half = len(x) // 2
        more = {"group": [half, len(x) - half]} if version < (3, 0) else {"qid": np.repeat([0, 1], [half, len(x) - half])}
    model = getattr(xgb, kind)(**params).fit(rows, y[target], **more)
    path = folder / "m.pkl"
    path.write_bytes(pickle.dumps(held(draw, model)))
    answers = estimator_answers(model, asked, contracts)
    if not categories or version >= (3, 1):  # before, apply() took no categories
        answers["apply"] = (model.apply(asked), EXACT)
    return f"{kind} {params} categories={categories}", path, asked, answers


def lightgbm_estimator(draw, folder):
    import lightgbm as lgb

    x, ask, categories = table(draw)
    kind = draw.of("LGBMClassifier", "LGBMClassifier", "LGBMRegressor", "LGBMRanker", "LGBMModel")
    y = targets(draw, x, draw.whole(2, 4))
    params = {"n_estimators": draw.whole(1, 10), "num_leaves": draw.whole(2, 20), "min_child_samples": draw.whole(1, 20), "n_jobs": 1, "random_state": draw.whole(0, 99), "verbose": -1}
    params.update(draw.some(0.3, boosting_type=lambda: draw.of("dart", "goss"), reg_lambda=lambda: draw.real(0, 3), min_data_per_group=lambda: 2, cat_smooth=lambda: draw.real(0, 4)))
    contracts, target = (EXACT, ULP4), "real"
    if kind == "LGBMClassifier":
        target = "multi" if draw.chance(0.6) else "binary"
    elif kind == "LGBMRanker":
        target = "grade"
    else:
        params["objective"], target = draw.of(("regression", "real"), ("poisson", "count"), ("gamma", "positive"), ("quantile", "real"), ("binary", "binary"))
        contracts = (EXACT if target == "real" else ULP4, ULP4)
    label = y[target]
    if kind == "LGBMClassifier":
        names = draw.of(None, ["no", "yes", "perhaps", "b c"], [3, 7, 11, 12])
        label = np.array(names)[label] if names else label
    rows, asked = x, known_only(x, ask, categories)
    if categories or draw.chance(0.2):
        rows, asked = framed(draw, x, asked, categories, True)
    more = {"group": [len(x) // 2, len(x) - len(x) // 2]} if kind == "LGBMRanker" else {}
    model = getattr(lgb, kind)(**params).fit(rows, label, **more)
    path = folder / "m.pkl"
    path.write_bytes(pickle.dumps(held(draw, model)))
    answers = estimator_answers(model, asked, contracts)
    leaves = model.predict(asked, pred_leaf=True)
    answers["apply"] = (np.reshape(leaves, (len(leaves), -1)) if int(lgb.__version__[0]) >= 4 else leaves, EXACT)
    return f"{kind} {params} categories={categories}", path, asked, answers


# Loss: its target, and which estimator trains it.
CAT = {"RMSE": "real", "MAE": "real", "Quantile:alpha=0.3": "real", "LogLinQuantile:alpha=0.4": "positive", "MAPE": "positive", "Poisson": "count", "LogCosh": "real", "Huber:delta=0.7": "real",
       "Expectile:alpha=0.3": "real", "Lq:q=3": "real", "Tweedie:variance_power=1.4": "positive", "MultiQuantile:alpha=0.2,0.6": "real", "RMSEWithUncertainty": "real", "MultiRMSE": "targets",
       "MultiRMSEWithMissingValues": "targets", "Cox": "positive", "SurvivalAft:dist=Normal": "positive", "GroupQuantile": "real",
       "Logloss": "binary", "CrossEntropy": "share", "Focal:focal_alpha=0.4;focal_gamma=1.5": "binary", "MultiClass": "multi", "MultiClassOneVsAll": "multi", "MultiLogloss": "several", "MultiCrossEntropy": "several",
       "YetiRank": "grade", "YetiRankPairwise": "grade", "PairLogit": "grade", "PairLogitPairwise": "grade", "QueryRMSE": "grade", "QuerySoftMax": "binary", "QueryCrossEntropy": "share", "StochasticRank:metric=NDCG": "grade",
       "LambdaMart": "grade", "StochasticFilter": "binary"}
RANKED = ("GroupQuantile", "YetiRank", "YetiRankPairwise", "PairLogit", "PairLogitPairwise", "QueryRMSE", "QuerySoftMax", "QueryCrossEntropy", "StochasticRank:metric=NDCG", "LambdaMart", "StochasticFilter")
CLASSIFIES = ("Logloss", "CrossEntropy", "Focal:focal_alpha=0.4;focal_gamma=1.5", "MultiClass", "MultiClassOneVsAll", "MultiLogloss", "MultiCrossEntropy")


def catboost_model(draw, folder):
    import catboost as cb
    import pandas as pd

    x, ask, categories = table(draw)
    loss = draw.of(*CAT)
    classes = draw.whole(3, 5)
    label = targets(draw, x, classes)[CAT[loss]]
    if loss.startswith("SurvivalAft"):
        label = np.stack([label, np.where(label > 1.5, -1, label)], axis=1)
    if loss == "Cox":
        label = np.where(draw.state.random_sample(len(label)) < 0.3, -label, label)
    names = None
    if loss in ("Logloss", "MultiClass", "MultiClassOneVsAll", "Focal:focal_alpha=0.4;focal_gamma=1.5"):
        names = draw.of(None, ["no", "yes", "perhaps", "b c", "ü"], [3, 7, 11, 12, -4], [0.5, 1.5, 2.5, 10.25, -1.0], [False, True] if label.max() == 1 else None)
        if names:
            label = np.array(names)[label]
    params = {"loss_function": loss, "iterations": draw.whole(1, 9), "learning_rate": draw.real(0.05, 1), "verbose": 0, "thread_count": 1, "random_seed": draw.whole(0, 99), "allow_writing_files": False}
    params["grow_policy"] = draw.of("SymmetricTree", "SymmetricTree", "Depthwise", "Lossguide")
    params.update(draw.some(0.3, depth=lambda: draw.whole(1, 8), l2_leaf_reg=lambda: draw.real(0, 5), border_count=lambda: draw.of(1, 5, 254, 700), nan_mode=lambda: draw.of("Min", "Max"),
                            feature_border_type=lambda: draw.of("Median", "Uniform", "UniformAndQuantiles", "MaxLogSum", "MinEntropy", "GreedyLogSum"), random_strength=lambda: draw.real(0, 2),
                            bootstrap_type=lambda: draw.of("Bernoulli", "No", "MVS"), leaf_estimation_iterations=lambda: draw.whole(1, 4),
                            score_function=lambda: draw.of("L2", "Cosine"), model_shrink_rate=lambda: draw.real(0, 0.3), rsm=lambda: draw.real(0.5, 1)))
    if loss in ("RMSE", "Logloss", "CrossEntropy", "Quantile:alpha=0.3", "MAE", "MAPE", "MultiRMSE"):
        params.update(draw.some(0.3, boost_from_average=lambda: draw.chance(0.5)))
    if loss in ("YetiRankPairwise", "PairLogitPairwise", "QueryCrossEntropy"):
        params["grow_policy"] = "SymmetricTree"
    if params["grow_policy"] == "Lossguide":
        params["max_leaves"] = draw.whole(2, 20)
    ranked = {"group_id": np.sort(draw.state.randint(0, 6, len(x)))} if loss in RANKED else {}
    suffix = ".npy"
    train, asked = x, ask
    if categories:
        params["cat_features"] = categories
        params.update(draw.some(0.4, one_hot_max_size=lambda: draw.of(2, 10, 100), max_ctr_complexity=lambda: draw.whole(1, 4), boosting_type=lambda: draw.of("Plain", "Ordered")))
        kinds = ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]
        if draw.chance(0.4):
            params["simple_ctr"] = [draw.of(*kinds) for _ in range(draw.whole(1, 3))]

        def frame(values):
            out = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
            for i in categories:
                out[f"c{i}"] = ["none" if np.isnan(v) else f"value {v:.0f}" for v in values[:, i]]
            return out

        train, asked, suffix = frame(x), frame(ask), ".csv"
    estimator = cb.CatBoostClassifier if loss in CLASSIFIES else cb.CatBoostRanker if loss in RANKED and loss != "GroupQuantile" else cb.CatBoostRegressor
    if loss == "GroupQuantile" or loss == "StochasticFilter":
        estimator = cb.CatBoost
    made = estimator(params) if estimator is cb.CatBoost else estimator(**params)
    model = made.fit(train, label, **ranked)
    if draw.chance(0.15) and model.tree_count_ > 1 and params["grow_policy"] == "SymmetricTree":
        model.shrink(draw.whole(1, model.tree_count_))
    if draw.chance(0.15) and np.ndim(model.get_scale_and_bias()[1]) == 0:
        model.set_scale_and_bias(draw.real(0.5, 2), draw.real(-1, 1))
    if loss == "Logloss" and draw.chance(0.3):
        model.set_probability_threshold(draw.real(0.1, 0.9))
    how = draw.of("cbm", "cbm", "json", "pickle")
    path = folder / ("m.pkl" if how == "pickle" else f"m.{how}")
    if how == "pickle":
        path.write_bytes(pickle.dumps(model))
    else:
        model.save_model(str(path), format=how)
        model = type(model)().load_model(str(path), format=how)  # JSON does not hold everything: several targets share their tables of statistics
    raw = cb.CatBoost.predict(model, asked, prediction_type="RawFormulaVal")
    answers = {"predict": (model.predict(asked), REL12)}
    if estimator is cb.CatBoostClassifier:
        answers["predict_proba"] = (model.predict_proba(asked), REL12)
    if how != "pickle":
        answers["RawFormulaVal"] = (raw, REL12)
        answers["apply"] = (model.calc_leaf_indexes(cb.Pool(asked, cat_features=categories)), EXACT)
    return f"{params} {how} labels={names} categories={categories}", path, asked, answers


def difference(got, want, contract):
    """What is wrong, or None."""
    want = np.asarray(want)
    if got.shape != want.shape:
        return f"shape {got.shape} instead of {want.shape}"
    if want.dtype.kind in "OUSb" or got.dtype.kind in "OUSb":
        got, want = got.astype(str), want.astype(str)
        return None if (got == want).all() else f"{got[got != want][:3]} instead of {want[got != want][:3]}"
    same = (got == want) | (np.isnan(got.astype(float)) & np.isnan(want.astype(float)))
    if same.all():
        return None
    at = tuple(np.argwhere(~same)[0])
    said = f"{got[at]!r} instead of {want[at]!r} ({(~same).sum()} of {want.size})"
    if contract == EXACT or want.dtype.kind != "f":
        return said
    if contract == ULP4:
        kind = np.int32 if want.dtype == np.float32 else np.int64
        order = lambda v: (lambda bits: np.where(bits < 0, np.iinfo(kind).min - bits, bits).astype(np.int64))(np.ascontiguousarray(v).view(kind))  # noqa: E731
        return None if (np.abs(order(got.astype(want.dtype)) - order(want))[~same] <= 4).all() else said
    limit = {REL12: 1e-12, FLOAT32: 1e-5}[contract] * np.maximum(np.abs(want), np.nanmax(np.abs(np.where(np.isfinite(want), want, 0))))
    return None if (np.abs(got - want) <= limit)[~same].all() else said


def asked_of_decant(decant, path, rows, folder, wanted):
    """decant's answers, or what it says instead."""
    if isinstance(rows, np.ndarray):
        np.save(folder / "rows.npy", rows)
        source = folder / "rows.npy"
    else:
        rows.to_csv(folder / "rows.csv", index=False)
        source = folder / "rows.csv"
    seen = subprocess.run([decant, "inspect", str(path), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if seen.returncode:
        return seen.stderr.strip()
    # A margin that is the answer itself has no output of its own.
    have = [name for name in wanted if name == "apply" or f'"name": "{name}"' in seen.stdout or f'"name":"{name}"' in seen.stdout]
    ran = subprocess.run([decant, "predict", str(path), str(source), "--outputs", ",".join(have), "-o", str(folder / "out.npz")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode:
        return ran.stderr.strip()
    with np.load(folder / "out.npz") as out:
        return {name: out[name] for name in have}


def one(library, make, seed, decant, folder, loud):
    """Whether a model's answers are the same; None where it was not trained."""
    try:
        said, path, rows, answers = make(Draw(seed), folder)
    except Exception as error:
        if loud:
            print(f"not trained: {library}: {str(error)[:300]}")
        return None
    got = asked_of_decant(decant, path, rows, folder, list(answers))
    if loud and not isinstance(got, str):
        print(f"compared: {sorted(got)} of {sorted(answers)}")
    wrong = [got] if isinstance(got, str) else [f"{name}: {why}" for name, values in got.items() if (why := difference(values, *answers[name]))]
    if wrong:
        print(f"FAIL {library} {seed}: {'; '.join(wrong)}\n     {said}\n     {folder if loud else ''}", flush=True)
    return not wrong


def in_child(*arguments):
    """one() in a process of its own: the libraries end some trainings, and with them the process."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 3
        try:
            code = {True: 0, False: 1, None: 2}[one(*arguments)]
        finally:
            sys.stdout.flush()
            os._exit(code)
    return {0: True, 1: False}.get(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("decant")
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--which", type=int, help="the model of this number in a FAIL line only; its files stay")
    options = parser.parse_args()
    failures = total = 0
    kinds = {"xgboost": xgboost_model, "lightgbm": lightgbm_model, "catboost": catboost_model, "xgboost.sklearn": xgboost_estimator, "lightgbm.sklearn": lightgbm_estimator}
    for kind, make in kinds.items():
        library = kind.split(".")[0]
        if not re.search(options.only, kind):
            continue
        if importlib.util.find_spec(library) is None:
            print(f"left out: {library} is not in this environment")
            continue
        importlib.import_module(library)  # once, before the processes part: it takes longer than a model
        counts = {True: 0, False: 0, None: 0}
        if options.which is not None:
            counts[one(kind, make, options.which, options.decant, pathlib.Path(tempfile.mkdtemp()), True)] += 1
        else:
            for i in range(options.models):
                with tempfile.TemporaryDirectory() as folder:
                    counts[in_child(kind, make, options.seed * 100_003 + i, options.decant, pathlib.Path(folder), False)] += 1
        print(f"{kind}: {counts[True]} passed, {counts[False]} failed, {counts[None]} could not be trained", flush=True)
        failures += counts[False]
        total += counts[True] + counts[False]
    print(f"{total - failures} passed, {failures} failed")
    return 1 if failures or not total else 0


sys.exit(main())
