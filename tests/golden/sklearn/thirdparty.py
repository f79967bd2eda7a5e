# SPDX-License-Identifier: Apache-2.0
"""Golden cases of other packages' classes in scikit-learn pipelines, into thirdparty/: imbalanced-learn and category_encoders.

    $(tools/venv.sh thirdparty)/bin/python tests/golden/sklearn/thirdparty.py

One version of each (tools/requirements/thirdparty.txt); the tables and the way a case is written are those of make.py.
"""
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import make  # noqa: E402  (sets one thread, and starts anew with a fixed hash seed)
import registry  # noqa: E402
from registry import E, EXACT, REL12  # noqa: E402

import category_encoders  # noqa: E402
import imblearn.combine  # noqa: E402
import imblearn.ensemble  # noqa: E402
import imblearn.over_sampling as over  # noqa: E402
import imblearn.pipeline  # noqa: E402
import imblearn.under_sampling as under  # noqa: E402

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

for problem in registry.PROBLEMS:
    print("PROBLEM", problem, file=sys.stderr)
folder = HERE / "thirdparty"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
rows = []
for name, case in sorted(registry.CASES.items()):
    try:
        rows += make.make(case, folder)
    except Exception as problem:
        print(f"PROBLEM {name}: {type(problem).__name__}: {problem}", file=sys.stderr)
with open(folder / "cases.tsv", "w", encoding="utf-8") as out:
    for row in [make.COLUMNS] + rows:
        out.write("\t".join(row) + "\n")
print(f"{len(rows)} cases, {sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.1f} MB")
