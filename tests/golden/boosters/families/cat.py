# SPDX-License-Identifier: Apache-2.0
"""CatBoost: numeric features with every treatment of NaN, every shape of tree, every kind of answer, as .cbm and as JSON."""
import catboost as cb
import numpy as np

from registry import REL12, asked, case

COMMON = {"iterations": 5, "depth": 4, "verbose": 0, "thread_count": 1, "random_seed": 0, "allow_writing_files": False, "learning_rate": 0.3}


def model(name, build, target, table="missing", how="cbm", labels=None):
    @case(name, table, REL12, estimator="catboost")
    def _(train, stem):
        y = getattr(train, target)
        fitted = build().fit(train.x, np.array(labels)[y] if labels else y)
        path = stem.with_name(f"{stem.name}.{how}")
        fitted.save_model(str(path), format=how)
        answers = asked(fitted, train)
        raw = fitted.predict(train.ask, prediction_type="RawFormulaVal")
        if not np.array_equal(raw, answers["predict"]):
            answers["RawFormulaVal"] = raw
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
model("cat_many_labels", lambda: cb.CatBoostClassifier(loss_function="MultiLogloss", **COMMON), "several")
model("cat_poisson", lambda: cb.CatBoostRegressor(loss_function="Poisson", **COMMON), "count")
model("cat_targets", lambda: cb.CatBoostRegressor(loss_function="MultiRMSE", **COMMON), "targets")
model("cat_quantile", lambda: cb.CatBoostRegressor(loss_function="Quantile:alpha=0.3", **COMMON), "real", how="json")
model("cat_deep", lambda: cb.CatBoostRegressor(**dict(COMMON, depth=8, iterations=2)), "real")
model("cat_text_binary", lambda: cb.CatBoostClassifier(**COMMON), "binary", labels=["no", "yes"], how="json")
