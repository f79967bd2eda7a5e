# SPDX-License-Identifier: Apache-2.0
"""CatBoost: every treatment of NaN, every shape of tree, every kind of answer and of statistic of categories, as .cbm and as JSON."""
import pickle

import catboost as cb
import numpy as np

from registry import REL12, asked, built, case

COMMON = {"iterations": 5, "depth": 4, "verbose": 0, "thread_count": 1, "random_seed": 0, "allow_writing_files": False, "learning_rate": 0.3}


def model(name, build, target, table="missing", how="cbm", labels=None, prepare=False, rows=None, **fit):
    @case(name, table, REL12, estimator="catboost")
    def _(train, stem):
        y = getattr(train, target)[:rows]
        made, x = built(build, train, prepare)
        fitted = made.fit(x[:rows], np.array(labels)[y] if labels else y, **fit)
        path = stem.with_name(f"{stem.name}.{how}")
        fitted.save_model(str(path), format=how)
        answers = asked(fitted, train)
        raw = cb.CatBoost.predict(fitted, train.ask, prediction_type="RawFormulaVal")
        if not np.array_equal(raw, answers["predict"]):
            answers["RawFormulaVal"] = raw
        # As the file holds it: leaves of trees of any shape are numbered anew when JSON is read.
        answers["apply"] = cb.CatBoost().load_model(str(path), format=how).calc_leaf_indexes(cb.Pool(train.ask, cat_features=made.get_cat_feature_indices()))
        return path, answers


for how in ("cbm", "json"):
    model(f"cat_binary_{how}", lambda: cb.CatBoostClassifier(**COMMON), "binary", how=how)
    model(f"cat_multi_text_{how}", lambda: cb.CatBoostClassifier(**COMMON), "multi", how=how, labels=["low", "mid", "top"])
    model(f"cat_regressor_{how}", lambda: cb.CatBoostRegressor(**COMMON), "real", how=how)
    model(f"cat_lossguide_{how}", lambda: cb.CatBoostRegressor(grow_policy="Lossguide", max_leaves=9, **COMMON), "real", how=how)
    model(f"cat_depthwise_multi_{how}", lambda: cb.CatBoostClassifier(grow_policy="Depthwise", **COMMON), "multi", how=how)
model("cat_nan_max", lambda: cb.CatBoostRegressor(nan_mode="Max", **COMMON), "real")
model("cat_plain", lambda: cb.CatBoostRegressor(**COMMON), "real", table="plain")
model("cat_multi_numbers", lambda: cb.CatBoostClassifier(**COMMON), "multi", labels=[3, 7, 11])
model("cat_one_vs_all", lambda: cb.CatBoostClassifier(loss_function="MultiClassOneVsAll", **COMMON), "multi")
for how in ("cbm", "json"):
    model(f"cat_truths_{how}", lambda: cb.CatBoostClassifier(**COMMON), "binary", labels=[False, True], how=how)
model("cat_fractions", lambda: cb.CatBoostClassifier(**COMMON), "multi", labels=[0.5, 1.5, 10.25])
model("cat_many_labels", lambda: cb.CatBoostClassifier(loss_function="MultiLogloss", **COMMON), "several")
model("cat_poisson", lambda: cb.CatBoostRegressor(loss_function="Poisson", **COMMON), "count")
model("cat_targets", lambda: cb.CatBoostRegressor(loss_function="MultiRMSE", **COMMON), "targets")
model("cat_quantile", lambda: cb.CatBoostRegressor(loss_function="Quantile:alpha=0.3", **COMMON), "real", how="json")
model("cat_deep", lambda: cb.CatBoostRegressor(**dict(COMMON, depth=8, iterations=2)), "real")
model("cat_text_binary", lambda: cb.CatBoostClassifier(**COMMON), "binary", labels=["no", "yes"], how="json")

# What CatBoost minimises beside these decides what predict means.
for loss in ("MAE", "MAPE", "LogCosh", "Huber:delta=0.7", "Expectile:alpha=0.3", "Lq:q=3", "LogLinQuantile:alpha=0.4", "Tweedie:variance_power=1.4", "MultiQuantile:alpha=0.2,0.6", "RMSEWithUncertainty"):
    short = loss.split(":")[0].lower()
    model(f"cat_loss_{short}", lambda loss=loss: cb.CatBoostRegressor(loss_function=loss, **COMMON), "positive")
for loss in ("CrossEntropy", "Focal:focal_alpha=0.4;focal_gamma=1.5"):
    model(f"cat_loss_{loss.split(':')[0].lower()}", lambda loss=loss: cb.CatBoostClassifier(loss_function=loss, **COMMON), "binary")
model("cat_loss_multicrossentropy", lambda: cb.CatBoostClassifier(loss_function="MultiCrossEntropy", **COMMON), "several")
model("cat_ranker", lambda: cb.CatBoostRanker(loss_function="YetiRank", **COMMON), "grade", group_id=np.repeat(np.arange(15), 20))
model("cat_weights", lambda: cb.CatBoostClassifier(class_weights=[1, 3.5], **COMMON), "binary")

# Categories: column 1 has five texts, column 3 seventy numbers.
WITH = dict(COMMON, cat_features=[1, 3])
EVERY = {"simple_ctr": ["Borders:Prior=0.3", "Buckets", "BinarizedTargetMeanValue", "Counter"], "combinations_ctr": ["Borders", "Buckets", "BinarizedTargetMeanValue:Prior=0.4", "Counter"]}
for how in ("cbm", "json"):
    model(f"cat_categories_{how}", lambda: cb.CatBoostRegressor(**WITH), "real", table="codes", prepare=True, how=how)
    model(f"cat_categories_every_{how}", lambda: cb.CatBoostRegressor(**dict(WITH, iterations=12, max_ctr_complexity=3, **EVERY)), "real", table="codes", prepare=True, how=how)
    model(f"cat_categories_one_hot_{how}", lambda: cb.CatBoostClassifier(one_hot_max_size=100, **WITH), "binary", table="codes", prepare=True, how=how)
    model(f"cat_categories_multi_{how}", lambda: cb.CatBoostClassifier(**dict(WITH, **EVERY)), "multi", table="codes", prepare=True, how=how, labels=["low", "mid", "top"])
    model(f"cat_categories_lossguide_{how}", lambda: cb.CatBoostRegressor(grow_policy="Lossguide", max_leaves=9, one_hot_max_size=10, **WITH), "real", table="codes", prepare=True, how=how)
model("cat_categories_unseen", lambda: cb.CatBoostClassifier(**dict(WITH, iterations=9, **EVERY)), "binary", table="codes", prepare=True, rows=60)
model("cat_categories_ordered", lambda: cb.CatBoostClassifier(boosting_type="Ordered", one_hot_max_size=10, **WITH), "binary", table="codes", prepare=True)
model("cat_categories_depthwise", lambda: cb.CatBoostClassifier(grow_policy="Depthwise", **WITH), "multi", table="codes", prepare=True)
model("cat_categories_several", lambda: cb.CatBoostClassifier(loss_function="MultiLogloss", **WITH), "several", table="codes", prepare=True)
model("cat_categories_weights", lambda: cb.CatBoostClassifier(auto_class_weights="Balanced", **WITH), "multi", table="codes", prepare=True)
model("cat_categories_classes", lambda: cb.CatBoostRegressor(**dict(WITH, simple_ctr=["Borders:TargetBorderCount=4", "Buckets:TargetBorderCount=3"])), "real", table="codes", prepare=True)


def pickled(name, build, target, table="missing", labels=None, prepare=False, contracts=None, contract=REL12):
    @case(name, table, contract, contracts=contracts, estimator=name)
    def _(train, stem):
        y = getattr(train, target)
        made, x = built(build, train, prepare)
        fitted = made.fit(x, np.array(labels)[y] if labels else y)
        path = stem.with_name(stem.name + ".pkl")
        path.write_bytes(pickle.dumps(fitted, protocol=4))
        answers = asked(fitted, train)
        if hasattr(fitted, "calc_leaf_indexes"):
            answers["apply"] = fitted.calc_leaf_indexes(cb.Pool(train.ask, cat_features=fitted.get_cat_feature_indices()))
        return path, answers


def summed(name, target, how):
    @case(name, "plain", REL12, estimator="CatBoostClassifier" if how == "pickle" else "catboost")
    def _(train, stem):
        parts = [cb.CatBoostClassifier(**dict(COMMON, random_seed=seed)).fit(train.x, getattr(train, target)) for seed in (1, 2)]
        total = cb.to_classifier(cb.sum_models(parts, weights=[0.3, 0.7]))
        answers = asked(total, train)
        path = stem.with_name(stem.name + (".pkl" if how == "pickle" else f".{how}"))
        if how == "pickle":
            path.write_bytes(pickle.dumps(total, protocol=4))
        else:
            total.save_model(str(path), format=how)
            answers["RawFormulaVal"] = total.predict(train.ask, prediction_type="RawFormulaVal")
        return path, answers


for how in ("cbm", "json", "pickle"):
    summed(f"cat_sum_{how}", "binary", how)
summed("cat_sum_multi", "multi", "cbm")


def in_pipeline():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), cb.CatBoostClassifier(**COMMON))


def behind_columns():
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = make_column_transformer((StandardScaler(), ["n0", "n2", "n4", "n5"]), ("passthrough", ["colour", "place"]), verbose_feature_names_out=False)
    return make_pipeline(columns.set_output(transform="pandas"), cb.CatBoostClassifier(**dict(COMMON, cat_features=["colour", "place"])))


pickled("cat_classifier", lambda: cb.CatBoostClassifier(**COMMON), "binary")
pickled("cat_classifier_text", lambda: cb.CatBoostClassifier(**COMMON), "multi", labels=["low", "mid", "top"])
pickled("cat_classifier_several", lambda: cb.CatBoostClassifier(loss_function="MultiLogloss", **COMMON), "several")
pickled("cat_classifier_categories", lambda: cb.CatBoostClassifier(**WITH), "binary", table="codes", prepare=True)
pickled("cat_regressor", lambda: cb.CatBoostRegressor(**COMMON), "real")
pickled("cat_regressor_poisson", lambda: cb.CatBoostRegressor(loss_function="Poisson", **COMMON), "count")
pickled("cat_plain_object", lambda: cb.CatBoost(dict(COMMON, loss_function="Poisson")), "count")
pickled("cat_pipeline", in_pipeline, "multi", table="plain")
pickled("cat_pipeline_columns", behind_columns, "binary", table="codes", prepare=True)
