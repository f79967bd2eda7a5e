# SPDX-License-Identifier: Apache-2.0
"""Estimators made of estimators: pipelines, column transformers, votes, stacks, searches, calibration, one against the rest."""
import numpy as np
from sklearn.compose import make_column_selector

from registry import E, EXACT, REL9, case, fitted

TREE = E.DecisionTreeClassifier(max_depth=3, random_state=0)
TREE_R = E.DecisionTreeRegressor(max_depth=3, random_state=0)
LOGISTIC = E.LogisticRegression(max_iter=200)
LOG = ("predict_log_proba",)

case("pipeline", E.Pipeline([("scale", E.StandardScaler()), ("model", LOGISTIC)]), "mild", "multi", REL9)
case("pipeline_passthrough", E.Pipeline([("scale", "passthrough"), ("model", TREE)]), "base", "multi", EXACT, logs=LOG)
case("pipeline_none", E.Pipeline([("scale", None), ("model", TREE)]), "base", "multi", EXACT, logs=LOG)
case("pipeline_last_passthrough", E.Pipeline([("scale", E.MinMaxScaler()), ("end", "passthrough")]), "base", "multi")
case("pipeline_transforms", E.Pipeline([("scale", E.StandardScaler()), ("poly", E.PolynomialFeatures())]), "base")
case("pipeline_nested", E.Pipeline([("first", E.Pipeline([("impute", E.SimpleImputer()), ("scale", E.RobustScaler())])), ("model", E.Ridge())]), "missing", "real")
case("pipeline_select", E.Pipeline([("select", E.SelectKBest(k=3)), ("model", TREE)]), "wide", "text", EXACT, logs=LOG)
case("pipeline_pca_svc", E.Pipeline([("scale", E.StandardScaler()), ("pca", E.PCA(n_components=3)), ("svc", E.SVC())]), "mild", "multi", REL9)
case("pipeline_outliers", E.Pipeline([("scale", E.StandardScaler()), ("forest", E.IsolationForest(n_estimators=4, max_samples=20, random_state=0))]), "base")
case("pipeline_clusters", E.Pipeline([("scale", E.StandardScaler()), ("means", E.KMeans(n_clusters=3, n_init=1, random_state=0))]), "base", None, REL9)
case("pipeline_frame", E.Pipeline([("scale", E.StandardScaler()), ("model", LOGISTIC)]), "frame", "text", REL9)
case("pipeline_memory_none_verbose", E.Pipeline([("scale", E.MaxAbsScaler()), ("model", TREE)], memory=None, verbose=False), "base", "multi", EXACT, logs=LOG)

case("columns_index", E.ColumnTransformer([("scale", E.StandardScaler(), [0, 1]), ("keep", "passthrough", [4])]), "base")
case("columns_negative_index", E.ColumnTransformer([("scale", E.StandardScaler(), [-1, -2])], remainder="passthrough"), "base")
case("columns_slice", E.ColumnTransformer([("scale", E.MinMaxScaler(), slice(1, 4)), ("drop", "drop", [0])], remainder="passthrough"), "base")
case("columns_mask", E.ColumnTransformer([("scale", E.StandardScaler(), [True, False, True, False, False])], remainder="passthrough"), "base")
case("columns_mask_array", E.ColumnTransformer([("scale", E.StandardScaler(), np.array([False, True, False, True, False]))]), "base")
case("columns_remainder_estimator", E.ColumnTransformer([("scale", E.StandardScaler(), [0])], remainder=E.MinMaxScaler()), "base")
case("columns_weights", E.ColumnTransformer([("a", E.StandardScaler(), [0, 1]), ("b", E.MinMaxScaler(), [2])], transformer_weights={"a": 0.5, "b": 3.0}), "base")
case("columns_overlap", E.ColumnTransformer([("a", E.StandardScaler(), [0, 1]), ("b", E.MaxAbsScaler(), [1, 2])], remainder="passthrough"), "base")
case("columns_empty", E.ColumnTransformer([("a", E.StandardScaler(), []), ("b", E.MaxAbsScaler(), [1, 2])]), "base")
case("columns_names", E.ColumnTransformer([("scale", E.StandardScaler(), ["sepal width", "level"])], remainder="passthrough"), "frame")
case("columns_name_slice", E.ColumnTransformer([("scale", E.StandardScaler(), slice("sepal width", 'a "quoted", name'))]), "frame")
case("columns_names_index", E.ColumnTransformer([("scale", E.StandardScaler(), [4, 1])], remainder="drop"), "frame")
case("columns_callable", E.ColumnTransformer([("scale", E.StandardScaler(), make_column_selector(pattern="sepal"))], remainder="passthrough"), "frame")
case("columns_scalar_text", E.ColumnTransformer([("count", E.CountVectorizer(), "city"), ("scale", E.StandardScaler(), ["age"])]), "mixed")
case("columns_short_names", E.ColumnTransformer([("scale", E.StandardScaler(), [0, 3])], verbose_feature_names_out=False, sparse_threshold=1.0), "frame")

ENCODE = ("encode", E.OneHotEncoder(handle_unknown="ignore"), ["color", "size", "city"])
NUMBERS = ["age", "income", "visits"]
MIXED = E.ColumnTransformer([ENCODE, ("scale", E.StandardScaler(), NUMBERS)])
FILLED = E.ColumnTransformer([
    ("text", E.Pipeline([("fill", E.SimpleImputer(strategy="most_frequent")), ("encode", E.OneHotEncoder(handle_unknown="ignore", sparse_output=False))]), ["color", "size", "city"]),
    ("numbers", E.Pipeline([("fill", E.SimpleImputer(strategy="median")), ("scale", E.StandardScaler())]), NUMBERS)])
case("mixed_transformer", MIXED, "mixed")
case("mixed_transformer_gaps", FILLED, "gaps")
case("mixed_remainder", E.ColumnTransformer([ENCODE], remainder="passthrough"), "mixed")
case("mixed_remainder_estimator", E.ColumnTransformer([ENCODE, ("drop", "drop", ["member"])], remainder=E.MinMaxScaler()), "mixed")
case("mixed_bool_column", E.ColumnTransformer([("keep", "passthrough", ["member", "visits"])]), "mixed", None, EXACT)
case("mixed_by_type", E.ColumnTransformer([("scale", E.StandardScaler(), make_column_selector(dtype_include="number")),
                                           ("encode", E.OrdinalEncoder(), ["color", "size"])]), "mixed")
case("mixed_logistic", E.Pipeline([("prepare", MIXED), ("model", LOGISTIC)]), "mixed", "text", REL9)
case("mixed_forest_gaps", E.Pipeline([("prepare", FILLED), ("model", E.RandomForestClassifier(n_estimators=4, max_depth=3, random_state=0))]), "gaps", "multi")
case("mixed_boosting_gaps", E.Pipeline([("prepare", E.ColumnTransformer([("code", E.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["color", "size", "city"])], remainder="passthrough")),
     ("model", E.HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=5, random_state=0))]), "gaps", "real", EXACT)
case("mixed_ridge_gaps", E.Pipeline([("prepare", FILLED), ("model", E.Ridge())]), "gaps", "real")
case("mixed_svc", E.Pipeline([("prepare", MIXED), ("model", E.SVC())]), "mixed", "text")

case("union", E.FeatureUnion([("scale", E.StandardScaler()), ("pca", E.PCA(n_components=2))]), "ranged", None, REL9)
case("union_weights", E.FeatureUnion([("a", E.StandardScaler()), ("b", E.MinMaxScaler())], transformer_weights={"b": 10.0}), "base")
case("union_drop", E.FeatureUnion([("a", "drop"), ("b", E.MinMaxScaler()), ("c", "passthrough")]), "base")
case("union_model", E.Pipeline([("union", E.FeatureUnion([("a", E.StandardScaler()), ("b", E.PolynomialFeatures())])), ("model", E.Ridge())]), "ranged", "real")

MEMBERS = [("tree", TREE), ("logistic", LOGISTIC), ("bayes", E.GaussianNB())]
for voting in ("hard", "soft"):
    # Whether transform gives labels or probabilities, and in which shape, is an option of its own.
    for y in ("binary", "multi", "text"):
        case(f"voting_{voting}_{y}", E.VotingClassifier(MEMBERS, voting=voting), "ranged", y, REL9)
    case(f"voting_{voting}_weights", E.VotingClassifier(MEMBERS, voting=voting, weights=[3.0, 1.0, 0.5]), "ranged", "multi", REL9)
    case(f"voting_{voting}_dropped", E.VotingClassifier([MEMBERS[0], ("gone", "drop"), MEMBERS[2]], voting=voting, weights=[2, 5, 1]), "ranged", "text", REL9)
case("voting_soft_not_flat", E.VotingClassifier(MEMBERS, voting="soft", flatten_transform=False), "ranged", "multi", REL9)
case("voting_regressor", E.VotingRegressor([("tree", TREE_R), ("ridge", E.Ridge())]), "ranged", "real")
case("voting_regressor_weights", E.VotingRegressor([("tree", TREE_R), ("gone", "drop"), ("ridge", E.Ridge())], weights=[1.0, 2.0, 3.0]), "ranged", "real")

for y in ("binary", "multi", "text"):
    case(f"stacking_{y}", E.StackingClassifier(MEMBERS[:2], final_estimator=LOGISTIC, cv=3), "ranged", y, REL9)
STACK = [("tree", TREE), ("svc", E.LinearSVC(dual=False))]
for method in ("auto", "predict"):
    case(f"stacking_{method}_mixed", E.StackingClassifier(STACK, final_estimator=TREE, cv=3, stack_method=method), "ranged", "multi")
case("stacking_predict_proba", E.StackingClassifier(MEMBERS, final_estimator=TREE, cv=3, stack_method="predict_proba"), "ranged", "multi", REL9)
case("stacking_decision_function", E.StackingClassifier([("logistic", LOGISTIC), STACK[1]], final_estimator=TREE, cv=3, stack_method="decision_function"), "ranged", "multi", REL9)
case("stacking_passthrough", E.StackingClassifier(MEMBERS[:2], final_estimator=TREE, cv=3, passthrough=True), "ranged", "multi", REL9)
case("stacking_dropped", E.StackingClassifier([MEMBERS[0], ("gone", "drop"), MEMBERS[2]], final_estimator=TREE, cv=3), "ranged", "multi", REL9)
case("stacking_prefit", E.StackingClassifier([("tree", fitted(TREE, "ranged", "multi")), ("logistic", fitted(LOGISTIC, "ranged", "multi"))], final_estimator=TREE, cv="prefit"), "ranged", "multi", REL9)
case("stacking_multilabel", E.StackingClassifier([("tree", TREE), ("forest", E.RandomForestClassifier(n_estimators=2, max_depth=2, random_state=0))], final_estimator=TREE, cv=3), "ranged", "labels3", EXACT, logs=LOG, since=(1, 2))
case("stacking_regressor", E.StackingRegressor([("tree", TREE_R), ("ridge", E.Ridge())], cv=3), "ranged", "real")
case("stacking_regressor_passthrough", E.StackingRegressor([("tree", TREE_R), ("ridge", E.Ridge())], final_estimator=TREE_R, passthrough=True, cv=3), "ranged", "real")

case("target_function", E.TransformedTargetRegressor(E.Ridge(), func=np.log, inverse_func=np.exp), "ranged", "above_zero")
case("target_log1p", E.TransformedTargetRegressor(TREE_R, func=np.log1p, inverse_func=np.expm1), "base", "above_zero")
case("target_transformer", E.TransformedTargetRegressor(E.Ridge(), transformer=E.StandardScaler()), "ranged", "real")
case("target_transformer_targets", E.TransformedTargetRegressor(E.Ridge(), transformer=E.MinMaxScaler()), "ranged", "real2")
case("target_quantiles", E.TransformedTargetRegressor(E.Ridge(), transformer=E.QuantileTransformer(n_quantiles=20, output_distribution="normal")), "ranged", "real")
case("target_power", E.TransformedTargetRegressor(E.Ridge(), transformer=E.PowerTransformer()), "ranged", "real")
case("target_identity", E.TransformedTargetRegressor(E.Ridge()), "ranged", "real")

case("grid_search", E.GridSearchCV(E.SVC(), {"C": [0.1, 1.0]}, cv=2), "mild", "multi")
case("grid_search_pipeline", E.GridSearchCV(E.Pipeline([("scale", E.StandardScaler()), ("model", LOGISTIC)]), {"model__C": [0.1, 1.0]}, cv=2), "mild", "text", REL9)
case("grid_search_regressor", E.GridSearchCV(TREE_R, {"max_depth": [1, 3]}, cv=2, scoring="neg_mean_absolute_error"), "base", "real", EXACT)
case("grid_search_transform", E.GridSearchCV(E.Pipeline([("pca", E.PCA()), ("ridge", E.Ridge())]), {"pca__n_components": [1, 3]}, cv=2), "mild", "real", REL9)
case("randomized_search", E.RandomizedSearchCV(E.RandomForestClassifier(n_estimators=3, random_state=0), {"max_depth": [2, 3]}, n_iter=2, cv=2), "base", "multi", EXACT, logs=LOG)

for method in ("sigmoid", "isotonic", "temperature"):
    since = (1, 8) if method == "temperature" else None
    for y in ("binary", "multi"):
        case(f"calibrated_{method}_{y}", E.CalibratedClassifierCV(E.LinearSVC(dual=False), method=method, cv=2), "mild", y, REL9, since=since)
        case(f"calibrated_{method}_no_ensemble_{y}", E.CalibratedClassifierCV(E.LinearSVC(dual=False), method=method, cv=2, ensemble=False), "mild", y, REL9, since=since)
        case(f"calibrated_{method}_proba_{y}", E.CalibratedClassifierCV(E.GaussianNB(), method=method, cv=2), "mild", y, REL9, since=since)
        case(f"calibrated_{method}_frozen_{y}", E.CalibratedClassifierCV(E.FrozenEstimator(fitted(E.LinearSVC(dual=False), "mild", y)), method=method), "mild", y, REL9, since=since)
for y in ("binary", "text"):
    case(f"calibrated_ridge_{y}", E.CalibratedClassifierCV(E.RidgeClassifier(), cv=2), "mild", y, REL9)
case("calibrated_prefit", E.CalibratedClassifierCV(fitted(E.LinearSVC(dual=False), "mild", "text"), cv="prefit"), "mild", "text", REL9, until=(1, 7))
case("frozen", E.FrozenEstimator(fitted(TREE, "base", "multi")), "base", "multi", EXACT, logs=LOG)
for y in ("binary", "multi"):
    case(f"tuned_threshold_{y}", E.TunedThresholdClassifierCV(LOGISTIC, cv=3, thresholds=10), "mild", "binary" if y == "binary" else "signs", REL9)
case("fixed_threshold", E.FixedThresholdClassifier(LOGISTIC, threshold=0.7), "mild", "binary", REL9)
case("fixed_threshold_negative", E.FixedThresholdClassifier(LOGISTIC, threshold=0.2, pos_label="no"), "mild", "text_object", REL9)
case("self_training", E.SelfTrainingClassifier(LOGISTIC), "mild", "negative", REL9)

for y in ("binary", "multi", "text", "labels3"):
    case(f"one_vs_rest_{y}", E.OneVsRestClassifier(LOGISTIC), "mild", y, REL9)
case("one_vs_rest_svc", E.OneVsRestClassifier(E.SVC()), "mild", "multi")
case("one_vs_rest_tree", E.OneVsRestClassifier(TREE), "base", "multi")
for y in ("binary", "multi", "text", "four"):
    case(f"one_vs_one_{y}", E.OneVsOneClassifier(E.LinearSVC(dual=False)), "ranged", y)
case("one_vs_one_proba", E.OneVsOneClassifier(LOGISTIC), "ranged", "multi", REL9)
case("output_code", E.OutputCodeClassifier(E.LinearSVC(dual=False), code_size=2), "ranged", "multi")
case("output_code_proba", E.OutputCodeClassifier(LOGISTIC, code_size=2), "ranged", "text", REL9)
case("multi_output_classifier", E.MultiOutputClassifier(LOGISTIC), "mild", "classes2", REL9)
case("multi_output_classifier_text", E.MultiOutputClassifier(TREE), "base", "classes2_text", EXACT)
case("multi_output_classifier_svc", E.MultiOutputClassifier(E.SVC()), "mild", "labels3")
case("multi_output_regressor", E.MultiOutputRegressor(E.Ridge()), "base", "real3")
case("multi_output_regressor_boosting", E.MultiOutputRegressor(E.GradientBoostingRegressor(n_estimators=3, max_depth=2, random_state=0)), "base", "real2", EXACT)
case("classifier_chain", E.ClassifierChain(LOGISTIC), "mild", "labels3", REL9)
case("classifier_chain_order", E.ClassifierChain(LOGISTIC, order=[2, 0, 1], cv=3), "mild", "labels3", REL9)
case("classifier_chain_random", E.ClassifierChain(TREE, order="random"), "base", "labels3", EXACT, logs=LOG)
case("classifier_chain_proba", E.ClassifierChain(LOGISTIC, chain_method="predict_proba"), "mild", "labels3", REL9)
case("regressor_chain", E.RegressorChain(E.Ridge()), "base", "real3")
case("regressor_chain_order", E.RegressorChain(E.Ridge(), order=[1, 2, 0]), "base", "real3")

for strategy in ("most_frequent", "prior"):
    for y in ("binary", "text", "classes2"):
        case(f"dummy_classifier_{strategy}_{y}", E.DummyClassifier(strategy=strategy), "base", y, EXACT, logs=LOG)
case("dummy_classifier_constant", E.DummyClassifier(strategy="constant", constant="virginica"), "base", "text", EXACT, logs=LOG)
for strategy, options in (("mean", {}), ("median", {}), ("quantile", {"quantile": 0.3}), ("constant", {"constant": 4.5})):
    case(f"dummy_regressor_{strategy}", E.DummyRegressor(strategy=strategy, **options), "base", "real")
case("dummy_regressor_targets", E.DummyRegressor(), "base", "real3")

# Categories that training never saw, and missing cells, under every handle_unknown, in tables with columns of all kinds.
UNSEEN = {"ignore": E.OneHotEncoder(handle_unknown="ignore", drop="first"), "infrequent": E.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=15),
          "warn": E.OneHotEncoder(handle_unknown="warn", max_categories=3), "ordinal": E.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
          "ordinal_nan": E.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), "target": E.TargetEncoder(cv=2)}
for word, encoder in UNSEEN.items():
    case(f"unseen_{word}", E.Pipeline([("prepare", E.ColumnTransformer([("encode", encoder, ["color", "size", "city"]), ("keep", "passthrough", ["visits", "member"])])),
                                       ("model", E.HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4))]), "gaps", "binary", EXACT, logs=("predict_proba",) + LOG,
         since=(1, 6) if word == "warn" else None)
case("unseen_nested", E.ColumnTransformer([("inner", E.ColumnTransformer([("fill", E.SimpleImputer(add_indicator=True), ["age"])], remainder="drop"), ["age", "city"]),
                                           ("encode", E.OneHotEncoder(handle_unknown="ignore"), make_column_selector(pattern="c.*"))]), "gaps")
case("unseen_vote", E.VotingClassifier([("a", E.Pipeline([("prepare", FILLED), ("model", LOGISTIC)])), ("b", E.Pipeline([("prepare", FILLED), ("model", TREE)]))], voting="soft"), "gaps", "text", REL9)
case("unseen_calibrated", E.CalibratedClassifierCV(E.Pipeline([("prepare", FILLED), ("model", E.LinearSVC(dual=False))]), cv=2), "gaps", "binary", REL9)
case("unseen_search", E.GridSearchCV(E.Pipeline([("prepare", FILLED), ("model", E.Ridge())]), {"model__alpha": [0.1, 1.0]}, cv=2), "gaps", "real", REL9)

# Columns of text that are only handed on, beside numbers: an array of objects there, texts here.
case("passed_texts_remainder", E.ColumnTransformer([("scale", E.StandardScaler(), ["age", "income"])], remainder="passthrough"), "mixed", None, EXACT)
case("passed_texts_named", E.ColumnTransformer([("keep", "passthrough", ["size", "city"]), ("range", E.MinMaxScaler(), ["age", "visits"])]), "mixed", None, EXACT)
case("passed_texts_alone", E.ColumnTransformer([("keep", "passthrough", ["city", "color"])]), "mixed", None, EXACT)
case("passed_texts_pipeline", E.Pipeline([("pick", E.ColumnTransformer([("scale", E.MaxAbsScaler(), ["income"])], remainder="passthrough")), ("as it is", "passthrough")]), "mixed", None, EXACT)
# One that an encoder has seen, too: then the file says what it holds.
case("columns_known_texts", E.ColumnTransformer([("code", E.OrdinalEncoder(), ["size"]), ("keep", "passthrough", ["size", "age"])]), "mixed", None, EXACT)
