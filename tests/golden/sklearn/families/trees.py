# SPDX-License-Identifier: Apache-2.0
"""Single trees, forests and isolation forests. Leaf values are averaged in a fixed order, hence equal bits."""
import numpy as np

from registry import E, EXACT, REL12, ULP4, case

LOG = ("predict_log_proba",)

for name, y in (("binary", "binary"), ("multi", "multi"), ("text", "text"), ("text_object", "text_object"), ("bool", "bool"),
                ("negative", "negative"), ("floats", "floats"), ("single_class", "single"), ("multioutput", "classes2"),
                ("multioutput_text", "classes2_text"), ("multilabel", "labels3")):
    case(f"tree_classifier_{name}", E.DecisionTreeClassifier(max_depth=4), "base", y, EXACT, logs=LOG)
    case(f"forest_classifier_{name}", E.RandomForestClassifier(n_estimators=4, max_depth=3), "base", y, EXACT, logs=LOG)
case("tree_classifier_full_depth", E.DecisionTreeClassifier(), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_entropy", E.DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=8), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_log_loss", E.DecisionTreeClassifier(criterion="log_loss", max_depth=4), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_balanced", E.DecisionTreeClassifier(class_weight="balanced", max_depth=3), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_class_weight", E.DecisionTreeClassifier(class_weight={0: 1.0, 1: 3.7, 2: 0.31}, max_depth=3), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_sample_weight", E.DecisionTreeClassifier(max_depth=3), "base", "multi", EXACT, logs=LOG, fit={"sample_weight": np.linspace(0.1, 3.3, 90)})
case("tree_classifier_pruned", E.DecisionTreeClassifier(ccp_alpha=0.02), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_random_split", E.DecisionTreeClassifier(splitter="random", max_depth=5), "base", "multi", EXACT, logs=LOG)
case("tree_classifier_one_feature", E.DecisionTreeClassifier(max_depth=3), "one", "binary", EXACT, logs=LOG)
case("tree_classifier_frame", E.DecisionTreeClassifier(max_depth=4), "frame", "text", EXACT, logs=LOG)
case("tree_classifier_sparse", E.DecisionTreeClassifier(max_depth=4), "sparse", "multi", EXACT, logs=LOG)
case("tree_classifier_missing", E.DecisionTreeClassifier(max_depth=5), "missing", "multi", EXACT, logs=LOG, since=(1, 3))
case("tree_classifier_missing_anywhere", E.DecisionTreeClassifier(max_depth=5), "missing_anywhere", "multi", EXACT, logs=LOG, since=(1, 3))
case("tree_classifier_monotonic", E.DecisionTreeClassifier(max_depth=4, monotonic_cst=[1, 0, 0, -1, 0]), "base", "binary", EXACT, logs=LOG)
case("tree_classifier_stump", E.DecisionTreeClassifier(max_depth=1), "base", "binary", EXACT, logs=LOG)
case("tree_classifier_leaf_only", E.DecisionTreeClassifier(min_samples_split=91), "base", "multi", EXACT, logs=LOG)
case("extra_tree_classifier", E.ExtraTreeClassifier(max_depth=4), "base", "multi", EXACT, logs=LOG)
case("extra_tree_classifier_missing", E.ExtraTreeClassifier(max_depth=4), "missing", "multi", EXACT, logs=LOG, since=(1, 6))

for criterion in ("squared_error", "friedman_mse", "absolute_error"):
    case(f"tree_regressor_{criterion}", E.DecisionTreeRegressor(criterion=criterion, max_depth=4), "base", "real", EXACT)
case("tree_regressor_poisson", E.DecisionTreeRegressor(criterion="poisson", max_depth=4), "base", "above_zero", EXACT)
case("tree_regressor_multioutput", E.DecisionTreeRegressor(max_depth=4), "base", "real3", EXACT)
case("tree_regressor_column", E.DecisionTreeRegressor(max_depth=3), "base", "column", EXACT)
case("tree_regressor_integers", E.DecisionTreeRegressor(max_depth=3), "base", "events", EXACT)
case("tree_regressor_pruned", E.DecisionTreeRegressor(ccp_alpha=0.05), "base", "real", EXACT)
case("tree_regressor_missing", E.DecisionTreeRegressor(max_depth=5), "missing_anywhere", "real", EXACT, since=(1, 3))
case("tree_regressor_monotonic", E.DecisionTreeRegressor(max_depth=4, monotonic_cst=[1, 0, 0, -1, 0]), "base", "real", EXACT)
case("tree_regressor_frame", E.DecisionTreeRegressor(max_depth=4), "frame", "real", EXACT)
case("extra_tree_regressor", E.ExtraTreeRegressor(max_depth=4), "base", "real2", EXACT)

FEW = {"n_estimators": 4, "max_depth": 3}
case("forest_classifier_entropy", E.RandomForestClassifier(criterion="entropy", **FEW), "base", "multi", EXACT, logs=LOG)
case("forest_classifier_no_bootstrap", E.RandomForestClassifier(bootstrap=False, max_features=2, **FEW), "base", "multi", EXACT, logs=LOG)
case("forest_classifier_balanced_subsample", E.RandomForestClassifier(class_weight="balanced_subsample", **FEW), "base", "multi", EXACT, logs=LOG)
case("forest_classifier_oob", E.RandomForestClassifier(oob_score=True, n_estimators=6, max_depth=2), "base", "binary", EXACT, logs=LOG)
case("forest_classifier_many", E.RandomForestClassifier(n_estimators=15, max_leaf_nodes=4), "base", "four", EXACT, logs=LOG)
case("forest_classifier_max_samples", E.RandomForestClassifier(max_samples=0.4, **FEW), "base", "multi", EXACT, logs=LOG)
case("forest_classifier_missing", E.RandomForestClassifier(**FEW), "missing", "multi", EXACT, logs=LOG, since=(1, 4))
case("forest_classifier_frame", E.RandomForestClassifier(**FEW), "frame", "text", EXACT, logs=LOG)
case("forest_classifier_jobs", E.RandomForestClassifier(n_jobs=1, verbose=0, **FEW), "base", "multi", EXACT, logs=LOG)
case("extra_trees_classifier", E.ExtraTreesClassifier(**FEW), "base", "multi", EXACT, logs=LOG)
case("extra_trees_classifier_bootstrap", E.ExtraTreesClassifier(bootstrap=True, **FEW), "base", "text", EXACT, logs=LOG)
case("extra_trees_classifier_missing", E.ExtraTreesClassifier(**FEW), "missing", "multi", EXACT, logs=LOG, since=(1, 6))
case("forest_regressor", E.RandomForestRegressor(**FEW), "base", "real", EXACT)
case("forest_regressor_absolute_error", E.RandomForestRegressor(criterion="absolute_error", **FEW), "base", "real", EXACT)
case("forest_regressor_poisson", E.RandomForestRegressor(criterion="poisson", **FEW), "base", "above_zero", EXACT)
case("forest_regressor_multioutput", E.RandomForestRegressor(**FEW), "base", "real3", EXACT)
case("forest_regressor_missing", E.RandomForestRegressor(**FEW), "missing_anywhere", "real", EXACT, since=(1, 4))
case("forest_regressor_many", E.RandomForestRegressor(n_estimators=15, max_leaf_nodes=4), "base", "real", EXACT)
case("extra_trees_regressor", E.ExtraTreesRegressor(**FEW), "base", "real", EXACT)
case("extra_trees_regressor_multioutput", E.ExtraTreesRegressor(**FEW), "base", "real2", EXACT)
case("random_trees_embedding", E.RandomTreesEmbedding(**FEW), "base", None, EXACT)
case("random_trees_embedding_dense", E.RandomTreesEmbedding(sparse_output=False, **FEW), "base", None, EXACT)

# The score is 2 ** (-mean depth): the power comes after logarithms of the leaf sizes, so more than one rounding differs.
SMALL = {"n_estimators": 5, "max_samples": 24}
case("isolation_forest", E.IsolationForest(**SMALL), "base", None, REL12)
case("isolation_forest_contamination", E.IsolationForest(contamination=0.2, **SMALL), "base", None, REL12)
case("isolation_forest_features", E.IsolationForest(max_features=2, **SMALL), "base", None, REL12)
case("isolation_forest_bootstrap", E.IsolationForest(bootstrap=True, n_estimators=4, max_samples=0.5), "base", None, REL12)
case("isolation_forest_frame", E.IsolationForest(**SMALL), "frame", None, REL12)

# The leaf of each tree: numbers of nodes, as scikit-learn stores them.
LEAVES = {"also": ("apply",), "without": LOG}
case("leaves_tree_classifier", E.DecisionTreeClassifier(max_depth=5), "base", "multi", EXACT, **LEAVES)
case("leaves_tree_classifier_multioutput", E.DecisionTreeClassifier(max_depth=4), "base", "classes2", EXACT, **LEAVES)
case("leaves_tree_classifier_missing", E.DecisionTreeClassifier(max_depth=5), "missing_anywhere", "multi", EXACT, since=(1, 3), **LEAVES)
case("leaves_tree_classifier_leaf_only", E.DecisionTreeClassifier(min_samples_split=91), "base", "multi", EXACT, **LEAVES)
case("leaves_tree_regressor", E.DecisionTreeRegressor(max_leaf_nodes=9), "base", "real", EXACT, **LEAVES)
case("leaves_extra_tree_classifier", E.ExtraTreeClassifier(max_depth=4), "base", "binary", EXACT, **LEAVES)
case("leaves_extra_tree_regressor", E.ExtraTreeRegressor(max_depth=4), "base", "real2", EXACT, **LEAVES)
case("leaves_forest_classifier", E.RandomForestClassifier(**FEW), "base", "text", EXACT, **LEAVES)
case("leaves_forest_regressor", E.RandomForestRegressor(**FEW), "frame", "real2", EXACT, **LEAVES)
case("leaves_extra_trees_classifier", E.ExtraTreesClassifier(**FEW), "base", "multi", EXACT, **LEAVES)
case("leaves_extra_trees_regressor", E.ExtraTreesRegressor(**FEW), "base", "real", EXACT, **LEAVES)
case("leaves_random_trees_embedding", E.RandomTreesEmbedding(n_estimators=3, max_depth=3), "base", None, EXACT, **LEAVES)
SCORES = {"also": ("apply",), "without": ("predict_proba", "predict_log_proba")}  # which other cases hold to
case("leaves_gradient_boosting_classifier_binary", E.GradientBoostingClassifier(n_estimators=4, max_depth=2), "base", "binary", ULP4, **SCORES)
case("leaves_gradient_boosting_classifier_multi", E.GradientBoostingClassifier(n_estimators=3, max_depth=2), "base", "multi", ULP4, **SCORES)
case("leaves_gradient_boosting_regressor", E.GradientBoostingRegressor(n_estimators=4, max_depth=3), "base", "real", EXACT, **SCORES)
