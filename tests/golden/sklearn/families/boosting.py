# SPDX-License-Identifier: Apache-2.0
"""Bagging, AdaBoost, gradient boosting and histogram boosting."""
from registry import E, EXACT, FLOAT32, REL9, REL12, ULP4, VERSION, case

# Bagging adds logarithms; boosting takes the logarithm of an exponential.
LOG = ("predict_log_proba",)
BOOST = {"logs": ("predict_proba",), "sums": ("predict_log_proba",)}

TREE = E.DecisionTreeClassifier(max_depth=2)
for y in ("binary", "multi", "text", "bool"):
    case(f"bagging_classifier_{y}", E.BaggingClassifier(estimator=TREE, n_estimators=4), "base", y, EXACT, sums=LOG)
case("bagging_classifier_default_base", E.BaggingClassifier(n_estimators=3, max_samples=0.4), "base", "multi", EXACT, without=LOG)  # all near log(1)
case("bagging_classifier_features", E.BaggingClassifier(estimator=TREE, n_estimators=4, max_features=3), "base", "multi", EXACT, sums=LOG)
case("bagging_classifier_features_bootstrap", E.BaggingClassifier(estimator=TREE, n_estimators=4, max_features=0.8, bootstrap_features=True), "base", "multi", EXACT, sums=LOG)
case("bagging_classifier_pasting", E.BaggingClassifier(estimator=TREE, n_estimators=3, bootstrap=False, max_samples=0.5), "base", "text", EXACT, sums=LOG)
case("bagging_classifier_logistic", E.BaggingClassifier(estimator=E.LogisticRegression(), n_estimators=3), "few", "multi", REL9)
case("bagging_classifier_linear_svc", E.BaggingClassifier(estimator=E.LinearSVC(dual=False), n_estimators=3), "base", "multi")
case("bagging_classifier_svc", E.BaggingClassifier(estimator=E.SVC(), n_estimators=2, max_features=4), "few", "binary")
case("bagging_classifier_missing_class", E.BaggingClassifier(estimator=TREE, n_estimators=5, max_samples=4), "base", "four", EXACT, sums=LOG)
case("bagging_regressor", E.BaggingRegressor(estimator=E.DecisionTreeRegressor(max_depth=3), n_estimators=4), "base", "real", EXACT)
case("bagging_regressor_features", E.BaggingRegressor(estimator=E.DecisionTreeRegressor(max_depth=3), n_estimators=4, max_features=2), "base", "real", EXACT)
case("bagging_regressor_targets", E.BaggingRegressor(estimator=E.DecisionTreeRegressor(max_depth=3), n_estimators=3), "base", "real2", EXACT)
case("bagging_regressor_ridge", E.BaggingRegressor(estimator=E.Ridge(), n_estimators=3, oob_score=False), "base", "real")
case("bagging_regressor_frame", E.BaggingRegressor(estimator=E.DecisionTreeRegressor(max_depth=3), n_estimators=3), "frame", "real", EXACT)

for y in ("binary", "multi", "text"):
    case(f"adaboost_classifier_{y}", E.AdaBoostClassifier(estimator=TREE, n_estimators=4, algorithm="SAMME"), "base", y, until=(1, 7))
    case(f"adaboost_classifier_samme_r_{y}", E.AdaBoostClassifier(estimator=TREE, n_estimators=4, algorithm="SAMME.R"), "base", y, REL9, until=(1, 5))
    case(f"adaboost_classifier_default_{y}", E.AdaBoostClassifier(n_estimators=5, learning_rate=0.7), "base", y, REL9)
case("adaboost_classifier_logistic", E.AdaBoostClassifier(estimator=E.LogisticRegression(), n_estimators=3), "few", "multi", REL9)
case("adaboost_classifier_naive_bayes", E.AdaBoostClassifier(estimator=E.GaussianNB(), n_estimators=3), "few", "binary", REL9)
for loss in ("linear", "square", "exponential"):
    case(f"adaboost_regressor_{loss}", E.AdaBoostRegressor(estimator=E.DecisionTreeRegressor(max_depth=2), n_estimators=5, loss=loss), "base", "real", EXACT)
case("adaboost_regressor_default_base", E.AdaBoostRegressor(n_estimators=4, learning_rate=0.5), "base", "real", EXACT)
case("adaboost_regressor_ridge", E.AdaBoostRegressor(estimator=E.Ridge(), n_estimators=4), "base", "real")

GB = {"n_estimators": 4, "max_depth": 2}
# The scores of a classifier start from the logarithm of the class priors. Its last bit depended on the SciPy beside (special.logit
# changed its formula in 1.15) and, before scikit-learn 1.4, on the processor (NumPy's vectorised log): neither is in the file.
STARTED = {"contract": EXACT, **BOOST} if VERSION >= (1, 8) else {"contract": REL12}
for y in ("binary", "multi", "text", "bool", "negative", "four"):
    case(f"gradient_boosting_classifier_{y}", E.GradientBoostingClassifier(**GB), "base", y, **STARTED)
case("gradient_boosting_classifier_exponential", E.GradientBoostingClassifier(loss="exponential", **GB), "base", "binary", **STARTED)
case("gradient_boosting_classifier_exponential_text", E.GradientBoostingClassifier(loss="exponential", **GB), "base", "text_object", **STARTED)
case("gradient_boosting_classifier_deviance", E.GradientBoostingClassifier(loss="deviance", **GB), "base", "multi", **STARTED, until=(1, 2))
case("gradient_boosting_classifier_zero", E.GradientBoostingClassifier(init="zero", **GB), "base", "multi", EXACT, **BOOST)
case("gradient_boosting_classifier_zero_binary", E.GradientBoostingClassifier(init="zero", **GB), "base", "binary", EXACT, **BOOST)
# The first estimator's probabilities pass through a log before the trees are added.
case("gradient_boosting_classifier_init_tree", E.GradientBoostingClassifier(init=TREE, **GB), "base", "multi", REL12)
# The first estimator is fitted on, and asked with, float32 rows; where its coefficients are float32 too, so is all arithmetic.
case("gradient_boosting_classifier_init_logistic", E.GradientBoostingClassifier(init=E.LogisticRegression(), **GB), "mild", "binary", FLOAT32 if VERSION >= (1, 9) else REL9)
case("gradient_boosting_classifier_init_prior", E.GradientBoostingClassifier(init=E.DummyClassifier(strategy="prior"), **GB), "base", "multi", REL12)
case("gradient_boosting_classifier_subsample", E.GradientBoostingClassifier(subsample=0.5, learning_rate=0.37, max_features=2, **GB), "base", "multi", **STARTED)
case("gradient_boosting_classifier_early_stopping", E.GradientBoostingClassifier(n_estimators=8, max_depth=1, n_iter_no_change=2, tol=0.05), "base", "binary", **STARTED)
case("gradient_boosting_classifier_frame", E.GradientBoostingClassifier(**GB), "frame", "text", **STARTED)
case("gradient_boosting_classifier_many", E.GradientBoostingClassifier(n_estimators=15, max_leaf_nodes=3), "base", "binary", **STARTED)
for loss in ("squared_error", "absolute_error", "huber", "quantile"):
    case(f"gradient_boosting_regressor_{loss}", E.GradientBoostingRegressor(loss=loss, alpha=0.8, **GB), "base", "real", EXACT)
case("gradient_boosting_regressor_zero", E.GradientBoostingRegressor(init="zero", **GB), "base", "real", EXACT)
case("gradient_boosting_regressor_init_tree", E.GradientBoostingRegressor(init=E.DecisionTreeRegressor(max_depth=2), **GB), "base", "real", EXACT)
case("gradient_boosting_regressor_init_ridge", E.GradientBoostingRegressor(init=E.Ridge(), **GB), "base", "real", FLOAT32)
case("gradient_boosting_regressor_init_median", E.GradientBoostingRegressor(init=E.DummyRegressor(strategy="median"), **GB), "base", "real", EXACT)
case("gradient_boosting_regressor_subsample", E.GradientBoostingRegressor(subsample=0.5, criterion="squared_error", **GB), "base", "real", EXACT)
case("gradient_boosting_regressor_frame", E.GradientBoostingRegressor(**GB), "frame", "real", EXACT)

HIST = {"max_iter": 4, "max_leaf_nodes": 5, "min_samples_leaf": 5, "early_stopping": False}
for loss, y in (("squared_error", "real"), ("absolute_error", "real")):
    case(f"hist_regressor_{loss}", E.HistGradientBoostingRegressor(loss=loss, **HIST), "base", y, EXACT)
for loss, y in (("poisson", "events"), ("gamma", "above_zero")):
    since = (1, 3) if loss == "gamma" else None
    case(f"hist_regressor_{loss}", E.HistGradientBoostingRegressor(loss=loss, **HIST), "base", y, ULP4, since=since)
case("hist_regressor_quantile", E.HistGradientBoostingRegressor(loss="quantile", quantile=0.8, **HIST), "base", "real", EXACT)
case("hist_regressor_missing", E.HistGradientBoostingRegressor(**HIST), "missing", "real", EXACT)
case("hist_regressor_missing_anywhere", E.HistGradientBoostingRegressor(**HIST), "missing_anywhere", "real", EXACT)
case("hist_regressor_categories", E.HistGradientBoostingRegressor(categorical_features=[0, 1], **HIST), "categories", "real", EXACT)
case("hist_regressor_categories_unknown", E.HistGradientBoostingRegressor(categorical_features=[0, 1], **HIST), "categories_unknown", "real", EXACT)
case("hist_regressor_categories_mask", E.HistGradientBoostingRegressor(categorical_features=[True, False, False, False, False, False, True], **HIST), "categories", "real", EXACT)
case("hist_regressor_monotonic", E.HistGradientBoostingRegressor(monotonic_cst=[1, 0, 0, -1, 0], **HIST), "base", "real", EXACT)
case("hist_regressor_interaction", E.HistGradientBoostingRegressor(interaction_cst=[{0, 1}, {2, 3, 4}], **HIST), "base", "real", EXACT)
case("hist_regressor_no_interactions", E.HistGradientBoostingRegressor(interaction_cst="no_interactions", **HIST), "base", "real", EXACT, since=(1, 3))
case("hist_regressor_few_bins", E.HistGradientBoostingRegressor(max_bins=8, l2_regularization=0.5, learning_rate=0.3, **HIST), "base", "real", EXACT)
case("hist_regressor_features", E.HistGradientBoostingRegressor(max_features=0.5, **HIST), "base", "real", EXACT)
case("hist_regressor_early_stopping", E.HistGradientBoostingRegressor(max_iter=8, max_leaf_nodes=4, early_stopping=True, n_iter_no_change=1), "base", "real", EXACT)
case("hist_regressor_frame", E.HistGradientBoostingRegressor(**HIST), "frame", "real", EXACT)
case("hist_regressor_many", E.HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=3, min_samples_leaf=5), "base", "real", EXACT)
case("hist_classifier_one_feature", E.HistGradientBoostingClassifier(**HIST), "one", "binary", EXACT, **BOOST)
for y in ("binary", "multi", "text", "bool", "negative"):
    case(f"hist_classifier_{y}", E.HistGradientBoostingClassifier(**HIST), "base", y, EXACT, **BOOST)
case("hist_classifier_missing", E.HistGradientBoostingClassifier(**HIST), "missing_anywhere", "multi", EXACT, **BOOST)
case("hist_classifier_categories", E.HistGradientBoostingClassifier(categorical_features=[0, 1], **HIST), "categories_unknown", "multi", EXACT, **BOOST)
case("hist_classifier_categories_binary", E.HistGradientBoostingClassifier(categorical_features=[0, 1], **HIST), "categories_unknown", "binary", EXACT, **BOOST)
case("hist_classifier_monotonic", E.HistGradientBoostingClassifier(monotonic_cst=[0, 1, 0, 0, -1], **HIST), "base", "binary", EXACT, **BOOST)
case("hist_classifier_balanced", E.HistGradientBoostingClassifier(class_weight="balanced", **HIST), "base", "multi", EXACT, **BOOST)
case("hist_classifier_frame", E.HistGradientBoostingClassifier(**HIST), "frame", "text", EXACT, **BOOST)
case("hist_classifier_named_categories", E.HistGradientBoostingClassifier(categorical_features=["level"], **HIST), "frame", "multi", EXACT, **BOOST, since=(1, 2))
case("hist_classifier_text_categories", E.Pipeline([("code", E.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
     ("boost", E.HistGradientBoostingClassifier(categorical_features=[0, 1, 2], **HIST))]), "colors_unknown", "multi", EXACT, **BOOST)
