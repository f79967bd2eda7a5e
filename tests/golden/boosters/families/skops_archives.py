# SPDX-License-Identifier: Apache-2.0
"""skops archives of scikit-learn models: what each kind of node is needed for. The answers come from the archive as skops loads it."""
import numpy as np
import skops.io as sio
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

from registry import EXACT, REL12, case, frame


def archive(name, build, target, table="plain", contract=REL12, prepare=False, compressed=False):
    @case(name, table, contract, estimator=name)
    def _(train, stem):
        import zipfile

        x, y = train.x, getattr(train, target)
        if prepare:
            of = frame(train)
            x, train.name, train.ask, train.suffix = of(train.x), "frame", of(train.ask), ".csv"
        if table == "plain" and not prepare:  # without the row of huge numbers
            train.name, train.ask = "calm", np.delete(train.ask, 100, axis=0)
        model = build().fit(x, y)
        path = stem.with_name(stem.name + ".skops")
        sio.dump(model, path, **({"compression": zipfile.ZIP_DEFLATED} if compressed else {}))
        loaded = sio.load(path, trusted=sio.get_untrusted_types(file=path))
        return path, {method: getattr(loaded, method)(train.ask) for method in ("predict", "predict_proba") if hasattr(loaded, method)}


archive("skops_logistic", lambda: LogisticRegression(), "multi")
archive("skops_forest", lambda: RandomForestClassifier(n_estimators=4, max_depth=4, random_state=0), "multi", contract=EXACT)
archive("skops_forest_compressed", lambda: RandomForestClassifier(n_estimators=4, max_depth=4, random_state=0), "binary", contract=EXACT, compressed=True)
archive("skops_tree", lambda: DecisionTreeRegressor(max_depth=4), "real", contract=EXACT)
archive("skops_boosting", lambda: GradientBoostingClassifier(n_estimators=5, random_state=0), "binary")
archive("skops_hist_boosting", lambda: HistGradientBoostingRegressor(max_iter=5), "real")
archive("skops_isolation", lambda: IsolationForest(n_estimators=5, random_state=0), "real", contract=EXACT)
archive("skops_svc", lambda: make_pipeline(StandardScaler(), SVC(random_state=0)), "multi")
archive("skops_sgd", lambda: make_pipeline(StandardScaler(), SGDClassifier(random_state=0)), "multi")
archive("skops_neighbours", lambda: KNeighborsClassifier(), "multi")
archive("skops_search", lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3), "binary")
archive("skops_functions", lambda: make_pipeline(FunctionTransformer(np.abs), SelectKBest(f_regression, k=3), DecisionTreeRegressor(max_depth=3)), "real")
archive("skops_columns", lambda: make_pipeline(
    ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), ["colour"]), ("gaps", SimpleImputer(), slice("n4", "n5")), ("rest", "passthrough", ["n0"])]),
    DecisionTreeRegressor(max_depth=4)), "real", table="codes", contract=EXACT, prepare=True)


def boosted(name, module, build, target):
    @case(name, "missing", "ulp4", estimator=name)
    def _(train, stem):
        import importlib

        try:
            model = build(importlib.import_module(module)).fit(train.x, getattr(train, target))
        except ImportError as error:
            raise NotImplementedError(str(error)) from error
        path = stem.with_name(stem.name + ".skops")
        sio.dump(model, path)
        return path, {"predict": model.predict(train.ask), "predict_proba": model.predict_proba(train.ask)}


boosted("skops_xgboost", "xgboost", lambda m: m.XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1), "binary")
boosted("skops_lightgbm", "lightgbm", lambda m: m.LGBMClassifier(n_estimators=4, num_leaves=7, n_jobs=1, verbose=-1), "multi")
