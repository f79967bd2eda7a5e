# SPDX-License-Identifier: Apache-2.0
"""Golden cases of sklearn_pandas.DataFrameMapper, into mappers/: it does not import beside scikit-learn 1.7 and newer.

    $(tools/venv.sh mappers)/bin/python tests/golden/sklearn/mappers.py
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import make  # noqa: E402  (sets one thread, and starts anew with a fixed hash seed)
import registry  # noqa: E402
from registry import E, EXACT, REL12  # noqa: E402

from sklearn_pandas import DataFrameMapper  # noqa: E402

PARTS = [(["age", "income"], E.StandardScaler()), ("color", E.LabelBinarizer()), (["size", "city"], [E.OneHotEncoder(handle_unknown="ignore")]), (["visits"], None)]
registry.case("mapper", DataFrameMapper(PARTS), "mixed", None, REL12)
registry.case("mapper_sparse_off", DataFrameMapper(PARTS[:3], sparse=False), "mixed", None, REL12)
registry.case("mapper_steps", DataFrameMapper([(["age"], [E.SimpleImputer(), E.MinMaxScaler()]), (["income"], [E.SimpleImputer(strategy="median"), E.KBinsDiscretizer(n_bins=3, encode="ordinal")])]), "gaps", None, REL12)
registry.case("mapper_default", DataFrameMapper([(["sepal width"], E.StandardScaler())], default=None), "frame", None, REL12)  # refused: see known.tsv
registry.case("mapper_frame_out", DataFrameMapper([(["age"], E.StandardScaler()), (["visits"], None)], df_out=True), "mixed", None, REL12)
registry.case("mapper_pipeline", E.Pipeline([("map", DataFrameMapper(PARTS)), ("model", E.DecisionTreeClassifier(max_depth=3))]), "mixed", "text", EXACT, logs=("predict_log_proba",))
registry.case("mapper_logistic", E.Pipeline([("map", DataFrameMapper(PARTS[:3])), ("model", E.LogisticRegression())]), "mixed", "text", REL12)

sys.exit(1 if make.write_all(HERE / "mappers") else 0)
