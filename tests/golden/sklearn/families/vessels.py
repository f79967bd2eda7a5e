# SPDX-License-Identifier: Apache-2.0
"""One model in every way that Python saves models: each pickle protocol, and joblib with each compression."""
import importlib.util

from registry import E, EXACT, case, joblibbed, pickled

LOG = ("predict_log_proba",)
FOREST = {"n_estimators": 3, "max_depth": 3, "random_state": 0}

for protocol in range(6):
    case(f"pickle_protocol_{protocol}", E.RandomForestClassifier(**FOREST), "base", "text", EXACT, logs=LOG, dump=pickled(protocol))
    case(f"pickle_protocol_{protocol}_pipeline", E.Pipeline([("scale", E.StandardScaler()), ("svc", E.SVC())]), "frame", "text", dump=pickled(protocol))
    case(f"pickle_protocol_{protocol}_columns", E.ColumnTransformer([("encode", E.OneHotEncoder(), ["color", "city"]), ("scale", E.StandardScaler(), ["age"])]),
         "mixed", dump=pickled(protocol))
    case(f"pickle_protocol_{protocol}_neighbors", E.KNeighborsClassifier(algorithm="kd_tree"), "base", "multi", dump=pickled(protocol))
    case(f"pickle_protocol_{protocol}_boosting", E.HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4), "base", "real", EXACT, dump=pickled(protocol))
case("joblib_plain", E.RandomForestClassifier(**FOREST), "base", "text", EXACT, logs=LOG, dump=joblibbed())
case("joblib_objects", E.Pipeline([("encode", E.OneHotEncoder()), ("model", E.DecisionTreeClassifier(max_depth=3, random_state=0))]), "colors", "text", EXACT, logs=LOG, dump=joblibbed())
case("joblib_fortran_order", E.PCA(n_components=2), "base", None, dump=joblibbed())
for suffix, compress in ((".joblib", ("zlib", 3)), (".joblib.z", 3), (".joblib.gz", ("gzip", 3)), (".joblib.bz2", ("bz2", 3)),
                         (".joblib.xz", ("xz", 3)), (".joblib.lzma", ("lzma", 3)), (".joblib.lz4", ("lz4", 3)), (".pkl", ("gzip", 9))):
    if compress == ("lz4", 3) and not importlib.util.find_spec("lz4"):
        continue  # an optional package of joblib's, installed beside the newest version only
    word = compress[0] if isinstance(compress, tuple) else "level"
    case(f"joblib_{word}{'_as_pkl' if suffix == '.pkl' else ''}", E.RandomForestClassifier(**FOREST), "base", "text", EXACT, logs=LOG, dump=joblibbed(suffix, compress))
