# SPDX-License-Identifier: Apache-2.0
"""Golden cases of other packages' classes in scikit-learn pipelines, into thirdparty/: imbalanced-learn, category_encoders, sklearn2pmml.

    $(tools/venv.sh thirdparty)/bin/python tests/golden/sklearn/thirdparty.py

One version of each (tools/requirements/thirdparty.txt); the tables and the way a case is written are those of make.py.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import make  # noqa: E402  (sets one thread, and starts anew with a fixed hash seed)
import registry  # noqa: E402
from registry import E, EXACT, REL12  # noqa: E402

import boruta  # noqa: E402
import category_encoders  # noqa: E402
import flaml.automl.model  # noqa: E402
import imblearn.combine  # noqa: E402
import imblearn.ensemble  # noqa: E402
import imblearn.over_sampling as over  # noqa: E402
import imblearn.pipeline  # noqa: E402
import imblearn.under_sampling as under  # noqa: E402
import interpret.glassbox as glassbox  # noqa: E402
import lightgbm  # noqa: E402
import pandas  # noqa: E402
import sklearn2pmml.cross_reference as crossed  # noqa: E402
import sklearn2pmml.decoration as domains  # noqa: E402
import sklearn2pmml.ensemble as over_leaves  # noqa: E402
import sklearn2pmml.expression  # noqa: E402
import sklearn2pmml.feature_extraction.text as cut_by  # noqa: E402
import sklearn2pmml.neural_network  # noqa: E402
import sklearn2pmml.preprocessing as pmml  # noqa: E402
import sklearn2pmml.ruleset  # noqa: E402
import sklearn2pmml.util  # noqa: E402
import sklego.meta  # noqa: E402
import sklego.preprocessing  # noqa: E402
import xgboost  # noqa: E402
from sklearn2pmml.pipeline import PMMLPipeline  # noqa: E402

LOG = ("predict_log_proba",)


def imbalanced(sampler):
    return imblearn.pipeline.Pipeline([("scale", E.StandardScaler()), ("sample", sampler), ("model", E.LogisticRegression())])


for sampler in (over.SMOTE(), over.ADASYN(), over.RandomOverSampler(), under.RandomUnderSampler(), under.TomekLinks(), under.NearMiss(), imblearn.combine.SMOTEENN()):
    registry.case(f"imblearn_{type(sampler).__name__}", imbalanced(sampler), "base", "text", REL12)
registry.case("imblearn_forest", imblearn.ensemble.BalancedRandomForestClassifier(n_estimators=3, max_depth=3, sampling_strategy="all", replacement=True, bootstrap=False), "base", "text", EXACT, logs=LOG)
registry.case("imblearn_bagging", imblearn.ensemble.BalancedBaggingClassifier(E.DecisionTreeClassifier(max_depth=3), n_estimators=3), "base", "text", REL12)
registry.case("imblearn_easy_ensemble", imblearn.ensemble.EasyEnsembleClassifier(n_estimators=2), "base", "binary", REL12)
registry.case("imblearn_rus_boost", imblearn.ensemble.RUSBoostClassifier(E.DecisionTreeClassifier(max_depth=2), n_estimators=3), "base", "multi", REL12)

for name in ("BaseNEncoder", "BinaryEncoder", "CatBoostEncoder", "CountEncoder", "JamesSteinEncoder", "LeaveOneOutEncoder", "MEstimateEncoder", "OneHotEncoder",
             "OrdinalEncoder", "QuantileEncoder", "TargetEncoder", "WOEEncoder"):
    encoder = getattr(category_encoders, name)  # the entries are called category_encoders.BaseNEncoder and so on
    for kind in ("gaps", "mixed"):
        registry.case(f"encoder_{name}_{kind}", encoder(), kind, "binary", REL12)
    registry.case(f"encoder_{name}_nan", encoder(cols=["color", "size", "city", "visits"], handle_unknown="return_nan", handle_missing="return_nan"), "gaps", "binary", REL12)
    registry.case(f"encoder_{name}_pipeline", imblearn.pipeline.Pipeline([("encode", encoder(cols=["color", "size", "city"])), ("model", E.HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4))]),
                  "gaps", "binary", EXACT, logs=("predict_proba",) + LOG)
registry.case("encoder_numbers", category_encoders.TargetEncoder(cols=[0, 4]), "codes_unknown", "binary", REL12)
registry.case("encoder_names", category_encoders.OneHotEncoder(use_cat_names=True, handle_unknown="indicator"), "gaps", None, EXACT)



def by_columns(*parts):
    """Each part: a transformer, or a list of them, and the columns (a text: one, as a vector) that it takes."""
    def one(t):
        return PMMLPipeline([(f"s{i}", step) for i, step in enumerate(t)]) if isinstance(t, list) else t
    return E.ColumnTransformer([(f"p{i}", one(t), columns) for i, (t, columns) in enumerate(parts)])


def domain(kind, **options):
    """A domain that takes values as they come unless it is told otherwise."""
    return kind(**{"invalid_value_treatment": "as_is", **options})


Continuous, Categorical = domains.ContinuousDomain, domains.CategoricalDomain
PMML = {
    "labels": ("gaps", by_columns((pmml.PMMLLabelBinarizer(), ["color"]), (pmml.PMMLLabelBinarizer(sparse_output=True), ["visits"]), (pmml.PMMLLabelEncoder(missing_values=-1), ["city"]))),
    "label_encoder_nan": ("gaps", by_columns((pmml.PMMLLabelEncoder(missing_values=float("nan")), ["color"]), ("passthrough", ["visits"]))),
    "cut": ("missing", by_columns((pmml.CutTransformer(bins=[-9, -1, 0, 0.5, 9], labels=False), [0]), (pmml.CutTransformer(bins=[-9, -1, 0, 9], right=False, labels=[5, 6, 8.5]), [1]),
                                  (pmml.CutTransformer(bins=[-1, 0, 1], labels=False, include_lowest=False), [0]))),
    "identity": ("mixed", by_columns((pmml.IdentityTransformer(), ["age", "visits"]), (sklearn2pmml.util.Slicer(1, None, 2), ["age", "income", "visits"]), (sklearn2pmml.util.Slicer(-2), ["age", "income", "visits"]))),
    "multi_cast": ("mixed", by_columns((pmml.MultiCastTransformer([int, float]), ["age", "visits"]), (pmml.CastTransformer(bool), ["visits"]))),
    "expression": ("missing", by_columns((pmml.ExpressionTransformer("X[0] if pandas.notnull(X[0]) else -999"), [0]), (pmml.ExpressionTransformer("X[0] + X[1] * 2", map_missing_to=-1), [0, 1]),
                                         (pmml.ExpressionTransformer("1 if pandas.isnull(X[0]) else 0"), [1]), (pmml.ExpressionTransformer("X[0] / 2", default_value=7.5), [2]))),
    "domain_missing": ("gaps", by_columns((domain(Continuous, missing_value_treatment="as_value", missing_value_replacement=-1.0), ["age"]), (domain(Continuous, missing_values=0, missing_value_replacement=9.0), ["visits"]))),
    "domain_outliers": ("mixed", by_columns((domain(Continuous, outlier_treatment="as_extreme_values", low_value=25, high_value=35), ["age"]),
                                            (domain(Continuous, outlier_treatment="as_missing_values", low_value=25, high_value=35, missing_value_replacement=-5.0), ["age"]))),
    "domain_invalid": ("gaps", by_columns((Continuous(invalid_value_treatment="as_value", invalid_value_replacement=0.5, missing_value_replacement=3.0, data_min=[20.0], data_max=[40.0]), ["age"]),
                                          ([Categorical(invalid_value_treatment="as_value", invalid_value_replacement="red", missing_value_replacement="blue"), E.OneHotEncoder(sparse_output=False)], ["color"]),
                                          ([Categorical(invalid_value_treatment="as_missing", missing_value_replacement="Oslo"), E.OneHotEncoder(sparse_output=False)], ["city"]))),
}
for name, (kind, model) in PMML.items():
    registry.case(f"pmml_{name}", PMMLPipeline([("columns", model)]), kind, None, EXACT)
for name, cutter in (("matcher", cut_by.Matcher(r"\w+")), ("splitter", cut_by.Splitter())):
    registry.case(f"pmml_{name}", PMMLPipeline([("counts", E.CountVectorizer(tokenizer=cutter, token_pattern=None))]), "texts", None, EXACT)
registry.case("pmml_words", PMMLPipeline([("words", pmml.WordCountTransformer())]), "texts", None, EXACT)
for name, gbdt in (("gradient", E.GradientBoostingClassifier(n_estimators=4, max_depth=2)), ("forest", E.RandomForestClassifier(n_estimators=3, max_depth=3))):
    for target in ("binary", "text"):
        registry.case(f"pmml_gbdt_lr_{name}_{target}", PMMLPipeline([("model", over_leaves.GBDTLRClassifier(gbdt, E.LogisticRegression()))]), "base", target, REL12)
for name, gbdt in (("xgboost", xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1)), ("lightgbm", lightgbm.LGBMClassifier(n_estimators=4, num_leaves=4, min_child_samples=3, n_jobs=1, verbose=-1))):
    for target in ("binary", "multi"):
        registry.case(f"pmml_gbdt_lr_{name}_{target}", PMMLPipeline([("model", over_leaves.GBDTLRClassifier(gbdt, E.LogisticRegression()))]), "missing", target, REL12)
registry.case("xgboost_apply", xgboost.XGBRegressor(n_estimators=5, max_depth=3, n_jobs=1), "missing", "real", EXACT, also=("apply",))
registry.case("pmml_gbdt_lm", PMMLPipeline([("scale", E.StandardScaler()), ("model", over_leaves.GBDTLMRegressor(E.GradientBoostingRegressor(n_estimators=4, max_depth=2), E.LinearRegression()))]), "base", "real", REL12)
registry.case("pmml_mlp", PMMLPipeline([("scale", E.StandardScaler()), ("code", sklearn2pmml.neural_network.MLPTransformer(E.MLPRegressor(hidden_layer_sizes=(4, 2, 4), max_iter=30), transformer_output_layer=2))]), "base", None, REL12)
registry.case("pmml_expression_regressor", PMMLPipeline([("scale", E.StandardScaler()), ("model", sklearn2pmml.expression.ExpressionRegressor("X[0] * 0.5 - X[1]", "exp"))]), "base", "real", REL12)
chooses = {
    "select_first": ("multi", over_leaves.SelectFirstClassifier([("low", E.LogisticRegression(), "X[0] <= 0"), ("rest", E.DecisionTreeClassifier(max_depth=3), "True")])),
    "select_first_text": ("text", over_leaves.SelectFirstClassifier([("low", E.GaussianNB(), "-1 < X[0] <= 0.5 and not X[1] > 1"), ("rest", E.LogisticRegression(), "X[0] == X[0]")])),
    "select_first_regressor": ("real", over_leaves.SelectFirstRegressor([("a", E.LinearRegression(), "X[1] < -1"), ("b", E.DecisionTreeRegressor(max_depth=3), "X[1] < 1"), ("c", E.Ridge(), "X[1] < 1000")])),
    "chain": ("classes2", over_leaves.EstimatorChain([("one", over_leaves.Link(E.LogisticRegression(), ["predict_proba", "decision_function"]), "True"), ("two", E.DecisionTreeClassifier(max_depth=3), "True")])),
    "chain_regressor": ("real", over_leaves.EstimatorChain([("all", E.LinearRegression(), "True"), ("some", E.DecisionTreeRegressor(max_depth=3), "X[0] > 0")], multioutput=False)),
    "expression_none": ("binary", sklearn2pmml.expression.ExpressionClassifier({1: "0.3 + X[0] / 4"}, "none")),
    "expression_logit": ("binary", sklearn2pmml.expression.ExpressionClassifier({0: "X[0] - 0.5 * X[1]"}, "logit")),
    "expression_softmax": ("text", sklearn2pmml.expression.ExpressionClassifier({"setosa": "X[0]", "versicolor": "X[1] * 0.5", "virginica": "numpy.sqrt(X[4]) - 1"}, "softmax")),
    "expression_simplemax": ("multi", sklearn2pmml.expression.ExpressionClassifier({0: "abs(X[0])", 1: "numpy.exp(-abs(X[1]))", 2: "1"}, "simplemax")),
    "expression_rest": ("multi", sklearn2pmml.expression.ExpressionClassifier({0: "0.2 if X[0] > 0 else 0.1", 1: "0.5 - 0.1 * (X[4] > 2)"}, "none")),
}
for name, (target, model) in chooses.items():
    registry.case(f"pmml_{name}", PMMLPipeline([("scale", E.StandardScaler()), ("model", model)]), "few", target, REL12, without=("predict_proba",) if target == "real" else ())  # it is there, and fails
rules = {"texts": ([("X['age'] > 30 and X['color'] in ['red', 'blue']", "first"), ("X['member'] == True or X['visits'] < 1", "second")], "none"),
         "numbers": ([("X['age'] > 35 or X['visits'] not in (0, 1)", 1), ("True", 2)], None)}
for name, (list_of, otherwise) in rules.items():
    registry.case(f"pmml_rules_{name}", PMMLPipeline([("model", sklearn2pmml.ruleset.RuleSetClassifier(list_of, default_score=otherwise))]), "mixed", "multi", EXACT)
registry.case("pmml_select_first_transformer", PMMLPipeline([("model", pmml.SelectFirstTransformer([("low", E.StandardScaler(), "X[0] < 0"), ("rest", E.MinMaxScaler(), "True")]))]), "few", None, REL12)
shared = crossed.Memory()
registry.case("pmml_memory", PMMLPipeline([("keep", E.FeatureUnion([("first", E.ColumnTransformer([("kept", crossed.Memorizer(shared, ["low", "high"]), [0, 2])])), ("all", pmml.IdentityTransformer())])),
              ("scale", E.StandardScaler()), ("with", E.FeatureUnion([("recall", crossed.Recaller(shared, ["high", "low"])), ("all", pmml.IdentityTransformer())]))]), "few", None, REL12)
BEHIND = {
    "passed_texts_lag": by_columns((pmml.LagTransformer(2), ["age", "income"]), (pmml.LagTransformer(1, block_indicators=["color"]), ["color", "income", "visits"])),
    "rolling": by_columns(*[(pmml.RollingAggregateTransformer(function, 3), ["age", "visits"]) for function in ("avg", "min", "max", "sum", "prod")]),
    "rolling_blocks": by_columns((pmml.RollingAggregateTransformer("mean", 2, block_indicators=["visits"]), ["visits", "age"])),
}
for name, model in BEHIND.items():
    registry.case(f"pmml_{name}", PMMLPipeline([("columns", model)]), "mixed", None, REL12)


def as_array(*steps):
    """These transformers make a vector of a data frame's column; of an array's they leave a column."""
    return [E.SimpleImputer(strategy="most_frequent"), *steps]


TAKEN_APART = {
    "days": by_columns(([domains.DateDomain(), pmml.DaysSinceYearTransformer(1960)], ["day"]), ([domains.DateTimeDomain(), pmml.DaysSinceYearTransformer(1970)], ["moment"])),
    "seconds": by_columns(([domains.DateTimeDomain(), pmml.SecondsSinceYearTransformer(2000)], ["moment"]), ([domains.DateTimeDomain(), pmml.SecondsSinceMidnightTransformer()], ["moment"])),
    "letters": by_columns((as_array(pmml.StringNormalizer("upper")), ["code"]), (as_array(pmml.StringNormalizer("lower", trim_blanks=False)), ["code"]), (as_array(pmml.SubstringTransformer(1, 4)), ["code"]),
                          (as_array(pmml.ReplaceTransformer("[0-9]+", "#")), ["code"]), (as_array(pmml.StringNormalizer(), pmml.SubstringTransformer(0, 2)), ["code"])),
    "letters_listed": by_columns((as_array(domain(Categorical), pmml.StringNormalizer("upper"), pmml.SubstringTransformer(0, 3)), ["side"]), (as_array(domain(Categorical), pmml.ReplaceTransformer("[ou]", "")), ["side"])),
    "found": by_columns((as_array(pmml.MatchesTransformer("x{2}$|^Ab")), ["code"]), (as_array(pmml.StringLengthTransformer()), ["code"]), (as_array(pmml.StringLengthTransformer()), ["side"])),
    "filter_lookup": by_columns((as_array(pmml.FilterLookupTransformer({"north": "up"})), ["side"]), (as_array(pmml.LookupTransformer({"north": "N"}, "S")), ["side"])),
    "filter_lookup_numbers": by_columns((as_array(pmml.FilterLookupTransformer({0.0: 9.5})), ["level"]), (pmml.MultiLookupTransformer({("north", "1960-01-01"): 1.0, ("south", "1962-03-15"): 2.0}, -1.0), ["side", "day"])),
}
for name, model in TAKEN_APART.items():
    registry.case(f"pmml_{name}", PMMLPipeline([("columns", model)]), "dates", None, EXACT)
registry.case("pmml_series", PMMLPipeline([("column", pmml.SeriesConstructor("renamed", float)), ("model", E.IsotonicRegression(out_of_bounds="clip"))]), "one", "real", REL12)
registry.case("pmml_domain_columns", PMMLPipeline([("columns", by_columns((Categorical(invalid_value_treatment="as_value", invalid_value_replacement="blue", missing_value_replacement="red"), ["color", "city"]),
              (domain(Categorical, with_data=False, missing_value_replacement="none"), ["color"])))]), "gaps", None, EXACT)

# InterpretML's glass boxes; their exp and log are of the library's own instruction sets.
for name, machine, kind, target in (("binary", glassbox.ExplainableBoostingClassifier, "gaps", "binary"), ("multi", glassbox.ExplainableBoostingClassifier, "gaps", "multi"),
                                    ("text", glassbox.ExplainableBoostingClassifier, "missing", "text"), ("real", glassbox.ExplainableBoostingRegressor, "gaps", "real"),
                                    ("counts", glassbox.ExplainableBoostingRegressor, "mixed", "events")):
    options = {"objective": "poisson_deviance"} if name == "counts" else {}
    interactions = {} if name == "multi" else {"interactions": [(0, 3), (1, 2)]}
    registry.case(f"interpret_boosting_{name}", machine(outer_bags=1, max_rounds=20, max_bins=24, max_interaction_bins=6, n_jobs=1, **interactions, **options), kind, target, REL12)
registry.case("interpret_tree", E.Pipeline([("model", glassbox.ClassificationTree(max_depth=3))]), "base", "multi", EXACT)
registry.case("interpret_regression_tree", E.Pipeline([("model", glassbox.RegressionTree(max_depth=3))]), "base", "real", EXACT)
registry.case("interpret_logistic", E.Pipeline([("model", glassbox.LogisticRegression())]), "mild", "text", REL12)
# Estimators inside of other packages' classes.
registry.case("sklego_ordinal", sklego.meta.OrdinalClassifier(E.LogisticRegression(C=0.05), n_jobs=1), "mild", "multi", REL12)
registry.case("sklego_transformer", E.Pipeline([("same", sklego.preprocessing.IdentityTransformer()), ("score", sklego.meta.EstimatorTransformer(E.LinearRegression())), ("model", E.Ridge())]), "base", "real", REL12)
registry.case("flaml_forest", E.Pipeline([("model", flaml.automl.model.RandomForestEstimator("multiclass", n_estimators=4, max_leaves=6, n_jobs=1))]), "base", "multi", REL12)
registry.case("flaml_sgd", E.Pipeline([("model", flaml.automl.model.SGDEstimator("regression", penalty="l2", alpha=0.01))]), "base", "real", REL12, without=("predict_proba",))  # it is there, and fails
registry.case("boruta", E.Pipeline([("select", boruta.BorutaPy(E.RandomForestRegressor(max_depth=2), n_estimators=8, max_iter=10, random_state=0)), ("model", E.Ridge())]), "base", "real", REL12)

# Categories of pandas: the library trains on their codes, which are places in a sorted list.
registry.case("pmml_category_codes", PMMLPipeline([("frame", E.ColumnTransformer([("t", domain(Categorical, dtype=pandas.CategoricalDtype()), "color"), ("v", domain(Categorical, dtype=pandas.CategoricalDtype()), "city"),
              ("n", "passthrough", ["age"])]).set_output(transform="pandas")), ("model", xgboost.XGBRegressor(n_estimators=4, max_depth=3, enable_categorical=True, tree_method="hist", n_jobs=1))]), "mixed", "real", EXACT)

sys.exit(1 if make.write_all(HERE / "thirdparty") else 0)
