# SPDX-License-Identifier: Apache-2.0
"""XGBoost: every objective, booster and layout, saved in every way that the version has."""
import pickle

import numpy as np
import xgboost as xgb

from registry import EXACT, FLOAT32, ULP4, asked, built, case, frame

VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
COMMON = {"nthread": 1, "max_depth": 4, "seed": 3, "eta": 0.4}


def save(booster, stem, how):
    """Saves in the way `how`: json, ubj, binary (.model), pickle."""
    if how == "pickle":
        path = stem.with_name(stem.name + ".pkl")
        path.write_bytes(pickle.dumps(booster, protocol=4))
        return path
    if how == "json" and VERSION < (1, 0) or how == "ubj" and VERSION < (1, 6):
        how = "binary"
    if how == "binary" and VERSION >= (3, 1):
        how = "ubj"
    if how == "binary":
        # Where the version writes JSON by default, the binary format has its own name.
        path = stem.with_name(stem.name + (".deprecated" if VERSION >= (2, 0) else ".model"))
    else:
        path = stem.with_name(f"{stem.name}.{how}")
    booster.save_model(str(path))
    return path


LINKS = ("reg:logistic", "binary:logistic", "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft", "multi:softprob")


def native(name, objective, target, table="missing", how="json", rounds=6, contract=EXACT, since=(0, 0), until=(9, 9), fit=None, **params):
    @case(name, table, contract, contracts={"predict": ULP4} if objective in LINKS and contract == EXACT else None, estimator="xgboost.Booster")
    def _(train, stem):
        if not since <= VERSION <= until:
            raise NotImplementedError(f"XGBoost {xgb.__version__}")
        data = xgb.DMatrix(train.x, label=getattr(train, target))
        options = dict(COMMON, objective=objective, **params)
        booster = fit(data, train, options, rounds) if fit else xgb.train(options, data, rounds)
        ask = xgb.DMatrix(train.ask, feature_names=booster.feature_names) if booster.feature_names else xgb.DMatrix(train.ask)
        # Up to 0.90 DART drops trees at random in prediction too, unless it is told how many to use.
        more = {"ntree_limit": rounds} if VERSION < (1, 0) and params.get("booster") == "dart" else {}
        answers = {"predict": booster.predict(ask, **more)}
        margin = booster.predict(ask, output_margin=True, **more)
        if not np.array_equal(margin, answers["predict"]):
            answers["output_margin"] = margin
        if params.get("booster") != "gblinear":
            answers["apply"] = booster.predict(ask, pred_leaf=True)
        return save(booster, stem, how), answers


native("xgb_squarederror", "reg:squarederror", "real", how="json")
native("xgb_squarederror_plain", "reg:squarederror", "real", table="plain", how="ubj")
native("xgb_linear_old_name", "reg:linear", "real", how="binary", until=(0, 99))
native("xgb_squaredlogerror", "reg:squaredlogerror", "positive", how="ubj", since=(1, 0))
native("xgb_logistic_share", "reg:logistic", "share", how="binary")
native("xgb_pseudohuber", "reg:pseudohubererror", "real", how="ubj", since=(1, 2))
native("xgb_absolute", "reg:absoluteerror", "real", since=(1, 7))
native("xgb_quantile", "reg:quantileerror", "real", since=(2, 0), quantile_alpha=0.3)
native("xgb_quantiles", "reg:quantileerror", "real", how="ubj", since=(2, 0), quantile_alpha=[0.1, 0.5, 0.9])
native("xgb_binary", "binary:logistic", "binary", how="json")
native("xgb_binary_saved_binary", "binary:logistic", "binary", how="binary")
native("xgb_binary_pickle", "binary:logistic", "binary", how="pickle")
native("xgb_binary_base_score", "binary:logistic", "binary", how="ubj", base_score=0.3)
native("xgb_logitraw", "binary:logitraw", "binary", how="ubj")
native("xgb_hinge", "binary:hinge", "binary", how="json")
native("xgb_poisson", "count:poisson", "count", how="binary")
native("xgb_poisson_json", "count:poisson", "count", how="json")
native("xgb_gamma", "reg:gamma", "positive", how="ubj")
native("xgb_gamma_base_score", "reg:gamma", "positive", how="json", base_score=2.0)
native("xgb_tweedie", "reg:tweedie", "count", how="json", tweedie_variance_power=1.3)
native("xgb_cox", "survival:cox", "positive", how="ubj")
native("xgb_softmax", "multi:softmax", "multi", how="json", num_class=3)
native("xgb_softprob", "multi:softprob", "multi", how="ubj", num_class=3)
native("xgb_softprob_binary", "multi:softprob", "multi", how="binary", num_class=3)
native("xgb_softprob_pickle", "multi:softprob", "multi", how="pickle", num_class=3)
native("xgb_exact_method", "binary:logistic", "binary", how="ubj", tree_method="exact")
native("xgb_lossguide", "reg:squarederror", "real", how="ubj", tree_method="hist", grow_policy="lossguide", max_leaves=20, max_depth=0)
native("xgb_pruned", "reg:squarederror", "real", how="json", tree_method="exact", gamma=2.0, max_depth=6)
native("xgb_pruned_binary", "reg:squarederror", "real", how="binary", tree_method="exact", gamma=2.0, max_depth=6)
native("xgb_stumps", "reg:squarederror", "real", how="json", max_depth=1, rounds=3)
native("xgb_one_round_of_leaves", "binary:logistic", "binary", how="json", gamma=1e9, rounds=2)
native("xgb_forest", "binary:logistic", "binary", how="json", rounds=2, num_parallel_tree=4, subsample=0.7, colsample_bynode=0.6)
native("xgb_forest_multi", "multi:softprob", "multi", how="ubj", rounds=2, num_parallel_tree=3, subsample=0.7, num_class=3)
native("xgb_dart", "binary:logistic", "binary", how="json", booster="dart", rate_drop=0.4, rounds=10)
native("xgb_dart_multi", "multi:softprob", "multi", how="ubj", booster="dart", rate_drop=0.3, one_drop=1, num_class=3)
native("xgb_dart_binary", "binary:logistic", "binary", how="binary", booster="dart", rate_drop=0.4, rounds=10)
# The sums of a linear booster are a matrix product here, in another order.
native("xgb_linear", "reg:squarederror", "real", how="json", booster="gblinear", contract=FLOAT32)
native("xgb_linear_binary", "binary:logistic", "binary", how="binary", booster="gblinear", contract=FLOAT32)
native("xgb_linear_multi", "multi:softprob", "multi", how="ubj", booster="gblinear", num_class=3, contract=FLOAT32)
native("xgb_targets", "reg:squarederror", "targets", how="json", since=(1, 6))
native("xgb_targets_vector", "reg:squarederror", "targets", how="json", since=(2, 0), multi_strategy="multi_output_tree", tree_method="hist")
native("xgb_targets_vector_ubj", "reg:squarederror", "targets", how="ubj", since=(2, 0), multi_strategy="multi_output_tree", tree_method="hist")
native("xgb_labels", "binary:logistic", "several", how="ubj", since=(1, 6))


def aft(data, train, options, rounds):
    data.set_float_info("label_lower_bound", train.positive)
    data.set_float_info("label_upper_bound", np.where(train.positive > 1.5, np.inf, train.positive))
    return xgb.train(options, data, rounds)


native("xgb_aft", "survival:aft", "positive", how="json", since=(1, 1), fit=aft)


def ranked(data, train, options, rounds):
    data.set_group(train.groups)
    return xgb.train(options, data, rounds)


native("xgb_rank_pairwise", "rank:pairwise", "grade", how="json", fit=ranked)
native("xgb_rank_ndcg", "rank:ndcg", "grade", how="ubj", fit=ranked)
native("xgb_rank_map", "rank:map", "binary", how="json", fit=ranked)


def early(data, train, options, rounds):
    # The evaluation set contradicts the training set, so that boosting stops early and the booster keeps trees that it should not need.
    other = xgb.DMatrix(train.x[::-1], label=train.binary)
    return xgb.train(options, data, 30, evals=[(other, "other")], early_stopping_rounds=4, verbose_eval=False)


native("xgb_early_stopping", "binary:logistic", "binary", how="json", fit=early)


def named(data, train, options, rounds):
    data.feature_names = ["age", "a b", "c,d", "e\"f", "größe", "n5"] if VERSION >= (1, 0) else ["age", "ab", "cd", "ef", "grosse", "n5"]
    return xgb.train(options, data, rounds)


native("xgb_names", "binary:logistic", "binary", how="json", fit=named)
native("xgb_names_pickle", "binary:logistic", "binary", how="pickle", fit=named)


def coded(onehot):
    def fit(data, train, options, rounds):
        data.feature_types = ["q", "c", "q", "c", "q", "q"]
        return xgb.train(dict(options, tree_method="hist", max_cat_to_onehot=onehot), data, rounds)

    return fit


def categories(name, onehot, how, target="real", objective="reg:squarederror", **params):
    @case(name, "codes", contracts={"predict": ULP4} if objective in LINKS else None, estimator="xgboost.Booster")
    def _(train, stem):
        if VERSION < (1, 7):
            raise NotImplementedError(f"XGBoost {xgb.__version__} has no partitions of categories")
        kinds = ["q", "c", "q", "c", "q", "q"]
        data = xgb.DMatrix(train.x, label=getattr(train, target), feature_types=kinds, enable_categorical=True)
        booster = xgb.train(dict(COMMON, objective=objective, tree_method="hist", max_cat_to_onehot=onehot, **params), data, 6)
        train.ask[:4, 3] = [np.nan, 200, 69, 0]
        train.name = "codes_asked"
        ask = xgb.DMatrix(train.ask, feature_types=kinds, enable_categorical=True)
        return save(booster, stem, how), {"predict": booster.predict(ask), "apply": booster.predict(ask, pred_leaf=True)}


categories("xgb_categories_onehot", 100, "json")
categories("xgb_categories_partition", 1, "ubj")
categories("xgb_categories_partition_json", 1, "json", target="multi", objective="multi:softprob", num_class=3)


@case("xgb_categories_by_name", "codes", estimator="xgboost.Booster")
def _(train, stem):
    if VERSION < (3, 1):
        raise NotImplementedError("categories are not stored")
    of = frame(train)
    data = xgb.DMatrix(of(train.x), label=train.real, enable_categorical=True)
    booster = xgb.train(dict(COMMON, tree_method="hist", max_cat_to_onehot=4), data, 6)
    train.name, train.ask, train.suffix = "frame", of(train.ask), ".csv"
    return save(booster, stem, "ubj"), {"predict": booster.predict(xgb.DMatrix(train.ask, enable_categorical=True)), "apply": booster.predict(xgb.DMatrix(train.ask, enable_categorical=True), pred_leaf=True)}


def wrapped(name, build, target, table="missing", without=(), fit=None, prepare=None, contract=EXACT):
    @case(name, table, contract, contracts={"predict_proba": ULP4} | ({"predict": ULP4} if name in ("xgb_regressor_poisson", "xgb_model") else {}), estimator=name)
    def _(train, stem):
        model, x = built(build, train, prepare)
        model.fit(x, getattr(train, target), **(fit(train) if fit else {}))
        return save(model, stem, "pickle"), dict(asked(model, train), apply=model.apply(train.ask))


SMALL = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1, "random_state": 0}
wrapped("xgb_classifier", lambda: xgb.XGBClassifier(**SMALL), "binary")
wrapped("xgb_classifier_multi", lambda: xgb.XGBClassifier(**SMALL), "multi")
wrapped("xgb_classifier_sentinel", lambda: xgb.XGBClassifier(missing=-999.0, **SMALL), "binary", table="sentinel")
wrapped("xgb_classifier_hinge", lambda: xgb.XGBClassifier(objective="binary:hinge", **SMALL), "binary")
wrapped("xgb_regressor", lambda: xgb.XGBRegressor(objective="reg:squarederror", **SMALL), "real")
wrapped("xgb_model", lambda: xgb.XGBModel(objective="binary:logistic", **SMALL), "binary")
wrapped("xgb_regressor_sentinel", lambda: xgb.XGBRegressor(missing=-999.0, objective="reg:squarederror", **SMALL), "real", table="sentinel")
if VERSION >= (1, 0):  # before, at random
    wrapped("xgb_regressor_dart", lambda: xgb.XGBRegressor(booster="dart", rate_drop=0.3, objective="reg:squarederror", **SMALL), "real")
wrapped("xgb_regressor_poisson", lambda: xgb.XGBRegressor(objective="count:poisson", **SMALL), "count")
wrapped("xgb_forest_classifier", lambda: xgb.XGBRFClassifier(**SMALL), "binary")
wrapped("xgb_forest_regressor", lambda: xgb.XGBRFRegressor(objective="reg:squarederror", **SMALL), "real")
wrapped("xgb_ranker", lambda: xgb.XGBRanker(objective="rank:pairwise", **SMALL), "grade", fit=lambda train: {"group": train.groups} if VERSION < (3, 0) else {"qid": np.repeat(np.arange(15), 20)})
if VERSION >= (1, 6):
    wrapped("xgb_classifier_several", lambda: xgb.XGBClassifier(tree_method="hist", **SMALL), "several")
    wrapped("xgb_classifier_early", lambda: xgb.XGBClassifier(early_stopping_rounds=3, **dict(SMALL, n_estimators=30)), "binary",
            fit=lambda train: {"eval_set": [(train.x[::-1], train.binary)], "verbose": False})
else:
    wrapped("xgb_classifier_early", lambda: xgb.XGBClassifier(**dict(SMALL, n_estimators=30)), "binary",
            fit=lambda train: {"eval_set": [(train.x[::-1], train.binary)], "verbose": False, "early_stopping_rounds": 3})
if VERSION >= (3, 1):
    wrapped("xgb_classifier_frame", lambda: xgb.XGBClassifier(enable_categorical=True, tree_method="hist", max_cat_to_onehot=3, **SMALL), "binary", table="codes", prepare=True)


@case("xgb_pipeline", "plain", contracts={"predict_proba": ULP4}, estimator="Pipeline")
def _(train, stem):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), xgb.XGBClassifier(**SMALL)).fit(train.x, train.multi)
    return save(model, stem, "pickle"), {"predict": model.predict(train.ask), "predict_proba": model.predict_proba(train.ask)}


# The calibrators are given float32 probabilities, and compute in float32 themselves.
@case("xgb_calibrated", "plain", estimator="CalibratedClassifierCV", contract=FLOAT32)
def _(train, stem):
    from sklearn.calibration import CalibratedClassifierCV

    if VERSION < (1, 6):
        raise NotImplementedError("the scikit-learn beside it is newer than it")
    model = CalibratedClassifierCV(xgb.XGBClassifier(**SMALL), cv=3).fit(train.x, train.binary)
    return save(model, stem, "pickle"), {"predict": model.predict(train.ask), "predict_proba": model.predict_proba(train.ask)}
