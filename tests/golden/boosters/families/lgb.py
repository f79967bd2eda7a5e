# SPDX-License-Identifier: Apache-2.0
"""LightGBM: every objective and kind of boosting, missing values, categories, linear trees, saved as text and in pickles."""
import pickle

import lightgbm as lgb
import numpy as np

from registry import EXACT, REL12, ULP4, asked, built, case, frame

VERSION = tuple(int(part) for part in lgb.__version__.split(".")[:2])
COMMON = {"num_threads": 1, "num_leaves": 11, "min_data_in_leaf": 5, "learning_rate": 0.3, "verbose": -1, "seed": 3, "deterministic": True,
          "force_row_wise": True}
LINKS = ("binary", "cross_entropy", "cross_entropy_lambda", "multiclass", "multiclassova", "poisson", "gamma", "tweedie")


def save(booster, stem, how):
    if how == "pickle":
        path = stem.with_name(stem.name + ".pkl")
        path.write_bytes(pickle.dumps(booster, protocol=4))
        return path
    path = stem.with_name(stem.name + ".txt")
    booster.save_model(str(path))
    return path


def native(name, objective, target, table="missing", how="text", rounds=6, since=(0, 0), contracts=None, fit=None, contract=EXACT, **params):
    links = {"predict": ULP4} if objective in LINKS else {}

    @case(name, table, contract, contracts=contracts or links, estimator="lightgbm.Booster")
    def _(train, stem):
        if VERSION < since:
            raise NotImplementedError(f"LightGBM {lgb.__version__}")
        options = dict(COMMON, objective=objective, **params)
        data = lgb.Dataset(train.x, label=getattr(train, target), params=options)
        booster = fit(data, train, options, rounds) if fit else lgb.train(options, data, rounds)
        if how == "text":
            booster = lgb.Booster(model_str=booster.model_to_string())
        answers = {"predict": booster.predict(train.ask), "apply": booster.predict(train.ask, pred_leaf=True)}
        raw = booster.predict(train.ask, raw_score=True)
        if not np.array_equal(raw, answers["predict"]):
            answers["raw_score"] = raw
        answers["apply"] = booster.predict(train.ask, pred_leaf=True)
        return save(booster, stem, how), answers


native("lgb_regression", "regression", "real")
native("lgb_regression_plain", "regression", "real", table="plain")
native("lgb_regression_root", "regression", "real", reg_sqrt=True)
native("lgb_l1", "regression_l1", "real")
native("lgb_huber", "huber", "real")
native("lgb_fair", "fair", "real")
native("lgb_quantile", "quantile", "real", alpha=0.3)
native("lgb_mape", "mape", "positive")
native("lgb_poisson", "poisson", "count")
native("lgb_gamma", "gamma", "positive")
native("lgb_tweedie", "tweedie", "count", tweedie_variance_power=1.3)
native("lgb_binary", "binary", "binary")
native("lgb_binary_sigmoid", "binary", "binary", sigmoid=2.5)
native("lgb_binary_pickle", "binary", "binary", how="pickle")
native("lgb_multiclass", "multiclass", "multi", num_class=3)
native("lgb_multiclass_pickle", "multiclass", "multi", how="pickle", num_class=3)
native("lgb_multiclassova", "multiclassova", "multi", num_class=3, sigmoid=1.5)
native("lgb_cross_entropy", "cross_entropy", "share")
native("lgb_cross_entropy_lambda", "cross_entropy_lambda", "share")
native("lgb_zero_as_missing", "binary", "binary", table="zeros", zero_as_missing=True)
native("lgb_zero_as_missing_holes", "regression", "real", zero_as_missing=True)
native("lgb_no_missing", "binary", "binary", table="missing", use_missing=False)
native("lgb_forest", "binary", "binary", boosting="rf", bagging_fraction=0.6, bagging_freq=1, contracts={"predict": ULP4})
native("lgb_forest_real", "regression", "real", boosting="rf", bagging_fraction=0.6, bagging_freq=1)
native("lgb_forest_multi", "multiclass", "multi", boosting="rf", bagging_fraction=0.6, bagging_freq=1, num_class=3, contracts={"predict": ULP4})
native("lgb_dart", "binary", "binary", boosting="dart", drop_rate=0.4, rounds=10)
native("lgb_stumps", "regression", "real", num_leaves=2, rounds=3)
native("lgb_leaves", "binary", "binary", min_data_in_leaf=1000, rounds=2)
native("lgb_deep", "regression", "real", num_leaves=60, min_data_in_leaf=1, table="plain", rounds=4)


def linear(data, train, options, rounds):
    # With free_raw_data linear trees of old versions see nothing.
    return lgb.train(options, lgb.Dataset(train.x, label=train.real, params=options, free_raw_data=False), rounds)


native("lgb_linear", "regression", "real", since=(3, 2), linear_tree=True, table="missing", fit=linear)
native("lgb_linear_plain", "regression", "real", since=(3, 2), linear_tree=True, table="plain", fit=linear, linear_lambda=0.1)


def categorical(target, objective="regression", **params):
    def fit(data, train, options, rounds):
        train.ask[:8, 3] = [np.nan, 200, 69, 0, -1, -0.5, 3.7, 1e12]
        train.name = "codes_odd"
        return lgb.train(options, lgb.Dataset(train.x, label=getattr(train, target), params=options, categorical_feature=[1, 3]), rounds)

    return fit


native("lgb_categories", "regression", "real", table="codes", fit=categorical("real"), min_data_per_group=2, cat_smooth=1)
native("lgb_categories_binary", "binary", "binary", table="codes", fit=categorical("binary"), min_data_per_group=2, cat_smooth=1, max_cat_to_onehot=8)


def ranked(data, train, options, rounds):
    return lgb.train(options, lgb.Dataset(train.x, label=train.grade, group=train.groups, params=options), rounds)


native("lgb_lambdarank", "lambdarank", "grade", fit=ranked)
native("lgb_xendcg", "rank_xendcg", "grade", since=(3, 0), fit=ranked)


def early(data, train, options, rounds):
    other = lgb.Dataset(train.x[::-1], label=train.binary, reference=data)
    if VERSION >= (4, 0):
        return lgb.train(options, data, 30, valid_sets=[other], callbacks=[lgb.early_stopping(4, verbose=False)])
    return lgb.train(options, data, 30, valid_sets=[other], early_stopping_rounds=4, verbose_eval=False)


native("lgb_early", "binary", "binary", how="pickle", fit=early)


def named(data, train, options, rounds):
    names = ["age", "b_b", "größe", "n3", "n4", "n5"] if VERSION >= (3, 0) else ["age", "b_b", "grosse", "n3", "n4", "n5"]
    return lgb.train(options, lgb.Dataset(train.x, label=train.binary, feature_name=names, params=options), rounds)


native("lgb_names", "binary", "binary", fit=named)


def own_objective(data, train, options, rounds):
    def gradients(predicted, dataset):
        return predicted - dataset.get_label(), np.ones_like(predicted)

    if VERSION >= (4, 0):
        return lgb.train(dict(options, objective=gradients), data, rounds)
    return lgb.train({key: value for key, value in options.items() if key != "objective"}, data, rounds, fobj=gradients)


native("lgb_own_objective", "regression", "real", fit=own_objective)


@case("lgb_categories_by_name", "codes", estimator="lightgbm.Booster")
def _(train, stem):
    of = frame(train)
    booster = lgb.train(dict(COMMON, objective="regression", min_data_per_group=2, cat_smooth=1), lgb.Dataset(of(train.x), label=train.real), 6)
    train.name, train.ask, train.suffix = "frame", of(train.ask), ".csv"
    return save(booster, stem, "text"), {"predict": booster.predict(train.ask), "apply": booster.predict(train.ask, pred_leaf=True)}


def wrapped(name, build, target, table="missing", fit=None, prepare=None, contracts=None):
    @case(name, table, EXACT, contracts=contracts, estimator=name)
    def _(train, stem):
        model, x = built(build, train, prepare)
        y = getattr(train, target)
        model.fit(x, np.array(["low", "mid", "top"])[y] if table == "plain" and target == "multi" else y, **(fit(train) if fit else {}))
        return save(model, stem, "pickle"), dict(asked(model, train), apply=model.predict(train.ask, pred_leaf=True))


SMALL = {"n_estimators": 6, "num_leaves": 9, "min_child_samples": 5, "n_jobs": 1, "random_state": 0, "verbose": -1}
PROBABILITIES = {"predict_proba": ULP4}
wrapped("lgb_classifier", lambda: lgb.LGBMClassifier(**SMALL), "binary", contracts=PROBABILITIES)
wrapped("lgb_classifier_multi", lambda: lgb.LGBMClassifier(**SMALL), "multi", contracts=PROBABILITIES)
wrapped("lgb_classifier_text", lambda: lgb.LGBMClassifier(**SMALL), "multi", table="plain", contracts=PROBABILITIES)
wrapped("lgb_regressor", lambda: lgb.LGBMRegressor(**SMALL), "real")
wrapped("lgb_regressor_poisson", lambda: lgb.LGBMRegressor(objective="poisson", **SMALL), "count", contracts={"predict": ULP4})
wrapped("lgb_model", lambda: lgb.LGBMModel(objective="regression", **SMALL), "real")
wrapped("lgb_ranker", lambda: lgb.LGBMRanker(**SMALL), "grade", fit=lambda train: {"group": train.groups})
wrapped("lgb_classifier_frame", lambda: lgb.LGBMClassifier(**SMALL), "binary", table="codes", prepare=True, contracts=PROBABILITIES)


@case("lgb_pipeline", "plain", contracts=PROBABILITIES, estimator="Pipeline")
def _(train, stem):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), lgb.LGBMClassifier(**SMALL)).fit(train.x, train.multi)
    return save(model, stem, "pickle"), {"predict": model.predict(train.ask), "predict_proba": model.predict_proba(train.ask)}
