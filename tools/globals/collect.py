# SPDX-License-Identifier: Apache-2.0
"""Prints the globals that genuine pickles contain, one `library<TAB>module<TAB>name` a line: run inside an environment of tools/venv.sh.

Two sources: classes that an estimator can hold, found by walking scikit-learn's modules; and everything that pickling real objects
refers to: all golden models, and many objects of NumPy, SciPy, pandas, XGBoost and LightGBM, by the protocols 2 to 5.
"""
import importlib
import inspect
import os
import pathlib
import pickle
import pickletools
import pkgutil
import re
import sys
import warnings

os.environ["OMP_NUM_THREADS"] = "1"
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "sklearn"
FOUND = set()
LIBRARIES = ("sklearn", "numpy", "scipy", "pandas", "xgboost", "lightgbm", "joblib", "imblearn", "category_encoders")
# Cython modules that name themselves without their package: scikit-learn 1.5 to 1.8 pickles its losses as "_loss".
MISNAMED = {"_loss": "sklearn", "pytz": "pandas"}


def add(module, name):
    library = module.split(".")[0]
    FOUND.add((library if library in LIBRARIES else MISNAMED.get(library, "python"), module, name))


def globals_of(raw):
    """The (module, name) pairs that a pickle names, with as much of the stack as naming them needs."""
    recent, memo = [], {}
    for opcode, argument, _ in pickletools.genops(raw):
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            yield tuple(argument.split(" ", 1))
            recent.append(None)
        elif name == "STACK_GLOBAL":
            yield recent[-2], recent[-1]
            recent.append(None)
        elif name == "MEMOIZE":
            memo[len(memo)] = recent[-1]
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = recent[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            recent.append(memo.get(argument))
        elif name not in ("PROTO", "FRAME"):
            recent.append(argument if isinstance(argument, str) else None)


def pickled(value, protocols=(2, 3, 4, 5)):
    for protocol in protocols:
        for pair in globals_of(pickle.dumps(value, protocol=protocol)):
            add(*pair)


def sklearn_classes():
    """Every class of scikit-learn's that a fitted estimator can hold."""
    import sklearn
    from sklearn.base import BaseEstimator
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401

    # Parts that hold no models: the first ones also read files, the network or the environment.
    skip = ("datasets", "externals", "tests", "conftest", "_build_utils", "__check_build", "_testing", "_mocking", "_test_common",
            "estimator_checks", "_joblib", "_estimator_html_repr", "_repr_html", "_plotting", "_plot", "_pprint", "_show_versions", "inspection")
    helpers = (  # classes that are no estimators: module, whose classes of these bases are all held by estimators
        "sklearn._loss", "sklearn.metrics._dist_metrics", "sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree",
        "sklearn.gaussian_process.kernels", "sklearn.ensemble._gb_losses", "sklearn.ensemble._hist_gradient_boosting.loss",
        "sklearn.ensemble._hist_gradient_boosting.predictor", "sklearn.ensemble._hist_gradient_boosting.binning",
        "sklearn.linear_model._sgd_fast", "sklearn.linear_model._glm", "sklearn.model_selection._split", "sklearn.metrics._scorer",
        "sklearn.neural_network._stochastic_optimizers", "sklearn.utils._bunch", "sklearn.utils._metadata_requests",
        "sklearn.calibration", "sklearn.cluster._birch", "sklearn.compose._column_transformer")
    abstract = re.compile("_?Base[A-Z]|.*(Mixin|Display)$")
    never = re.compile("PyFuncDistance|NodeHeap|NeighborsHeap|BinaryTree|Method|RouterMapping|RequestMethod|MetadataRouter|_MetadataRequester|"
                       ".*DatasetsPair|Newton|_DeprecatedScorers")  # what no estimator holds
    for info in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda name: None):
        if any(part in skip for part in info.name.split(".")):
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError:  # parts that need a package that we do not install
            continue
        for name, value in vars(module).items():
            if inspect.isclass(value) and value.__module__ == info.name and value.__qualname__ == name and not issubclass(value, BaseException):
                if abstract.match(name) or inspect.isabstract(value) or (never.match(name) and name != "MethodMetadataRequest"):
                    continue
                if issubclass(value, BaseEstimator) or info.name.startswith(helpers):
                    add(info.name, name)
            elif name.startswith("__pyx_unpickle_") and info.name.startswith("sklearn._loss") and "Enum" not in name:
                add(info.name, name)


def sklearn_models():
    """Pickles every golden model, and what estimators hold besides: scorers, splitters and kernels."""
    sys.path.insert(0, str(GOLDEN))
    import data
    import registry

    for module in sorted((GOLDEN / "families").glob("[a-z]*.py")):
        importlib.import_module("families." + module.stem)
    for case in registry.CASES.values():
        target = None if case.y is None else data.target(case.y)
        pickled(registry.fit(case.estimator, data.table(case.x).train, target, **case.options), (3, 4))
    from sklearn import feature_selection, metrics
    from sklearn.metrics import pairwise
    names = metrics.get_scorer_names() if hasattr(metrics, "get_scorer_names") else metrics.SCORERS
    for name in names:
        pickled(metrics.get_scorer(name))
    pickled([metrics.make_scorer(metrics.f1_score), metrics.make_scorer(metrics.log_loss)])
    for name in ("chi2", "f_classif", "f_oneway", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression"):
        if hasattr(feature_selection, name):
            pickled(getattr(feature_selection, name))
    pickled(list(pairwise.PAIRWISE_KERNEL_FUNCTIONS.values()) + list(pairwise.PAIRWISE_DISTANCE_FUNCTIONS.values()))


def numpy_objects():
    import numpy as np

    kinds = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "g", "F", "D", "G", "S3", "U3", "O", "V4", "M8[s]", "m8[ns]",
             ">f8", "i4,f8", [("name", "U5"), ("values", "f4", (2, 3))]]
    for kind in kinds:
        dtype = np.dtype(kind)
        array = np.zeros((2, 3), dtype)
        pickled([dtype, array, np.asfortranarray(array), array[0, 0], dtype.type])
        if not dtype.hasobject:
            pickled(np.ma.masked_array(array, mask=False))
            pickled(array.view(np.recarray) if dtype.names else array)
    pickled([np.zeros((3, 2))[::2], np.matrix([[1.0]]), np.ma.masked, np.array(["a", None], dtype=object), np.char.array(["a"]), np.datetime64("2020-01-01")])
    pickled([np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2]), np.polynomial.Chebyshev([1, 2])])
    pickled([np.random.RandomState(0)] + [np.random.Generator(getattr(np.random, kind)(0)) for kind in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")])
    pickled(np.random.SeedSequence(0))
    pickled([type(np.dtype(kind)) for kind in ("f8", "i4", "U1")])
    if hasattr(np.dtypes if hasattr(np, "dtypes") else np, "StringDType"):
        pickled([np.dtypes.StringDType(), np.array(["a"], dtype=np.dtypes.StringDType())])
    # What FunctionTransformer and TransformedTargetRegressor hold: functions of numbers alone. None takes a function, a name or a file.
    for name, value in vars(np).items():
        if isinstance(value, np.ufunc):  # pickled under whichever loaded module has it, the first that pickle finds
            for module in ("numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"):
                add(module, name)
    plain = ("all amax amin angle any append argmax argmin argsort around array asarray atleast_1d atleast_2d average clip column_stack "
             "concatenate copy corrcoef cov cross cumprod cumsum diff digitize dot dstack expand_dims fix flip fliplr flipud hstack "
             "i0 imag interp isclose isin isreal iscomplex mean median moveaxis nan_to_num nanmax nanmean nanmedian nanmin nanstd nansum nanvar "
             "ndim ones_like percentile prod ptp quantile ravel real reshape roll rot90 round searchsorted shape sinc size sort "
             "squeeze stack std sum swapaxes take trace transpose trapezoid tril triu unique unwrap var vstack where zeros_like").split()
    pickled([getattr(np, name) for name in plain if hasattr(np, name)])


def scipy_objects():
    import numpy as np
    from scipy import interpolate, optimize, sparse, spatial, special

    base = np.eye(3)
    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for suffix in ("matrix", "array"):
            if hasattr(sparse, f"{kind}_{suffix}"):
                pickled(getattr(sparse, f"{kind}_{suffix}")(base))
    grid = np.arange(6.0)
    pickled([interpolate.interp1d(grid, grid, bounds_error=False), interpolate.BSpline.construct_fast(np.arange(10.0), np.ones(6), 3),
             interpolate.PPoly(np.ones((2, 5)), grid), interpolate.CubicSpline(grid, grid), interpolate.PchipInterpolator(grid, grid),
             interpolate.UnivariateSpline(grid, grid), interpolate.make_interp_spline(grid, grid)])
    for kind in ("nearest", "previous", "zero", "quadratic"):
        pickled(interpolate.interp1d(grid, grid, kind=kind))
    pickled([optimize.OptimizeResult(x=1.0), optimize.Bounds([0.0], [1.0]), spatial.cKDTree(base), spatial.KDTree(base)])
    # A ufunc is pickled under whichever loaded module has it, the first that pickle finds.
    for name, value in vars(special).items():
        if isinstance(value, np.ufunc):
            for module in ("scipy.special", "scipy.special._ufuncs", "scipy.special._special_ufuncs"):
                add(module, name)
    pickled([special.softmax, special.logsumexp])


def pandas_objects():
    import numpy as np
    import pandas as pd

    stamps = pd.date_range("2020-01-01", periods=3)
    indexes = [pd.RangeIndex(3), pd.Index([1, 2, 3]), pd.Index([0.5, 1.5, 2.5]), pd.Index(list("abc")), pd.Index([True, False, True]), stamps,
               pd.date_range("2020-01-01", periods=3, tz="UTC"), pd.timedelta_range("1D", periods=3), pd.period_range("2020", periods=3, freq="M"),
               pd.interval_range(0, 3), pd.CategoricalIndex(list("aba")), pd.MultiIndex.from_product([["a"], [1, 2, 3]]), pd.Index([1, 2, 3], dtype="uint64")]
    for index in indexes:
        pickled([index, pd.Series(np.arange(3.0), index=index), pd.DataFrame({"x": [1, 2, 3]}, index=index)])
    columns = {"int": [1, 2, 3], "float": [0.5, np.nan, 1.0], "text": ["a", None, "c"], "bool": [True, False, True], "when": stamps,
               "zone": pd.date_range("2020-01-01", periods=3, tz="Europe/Oslo"), "delta": pd.to_timedelta([1, 2, 3], unit="D"), "complex": [1j, 2j, 3j],
               "category": pd.Categorical(["a", "b", "a"]), "ordered": pd.Categorical(["a", "b", "a"], ordered=True), "mixed": [1, "a", None]}
    pickled([pd.DataFrame(columns), pd.DataFrame(columns).T, pd.DataFrame(), pd.Series(dtype=float)])
    for kind in ("Int64", "UInt8", "Float32", "boolean", "string", "category", "Sparse[float]", "period[D]", "interval"):
        try:
            series = pd.Series([0, 1, 0]).astype("string" if kind == "string" else kind) if kind not in ("period[D]", "interval") else \
                pd.Series(pd.period_range("2020", periods=3) if kind == "period[D]" else pd.interval_range(0, 3))
        except TypeError:
            continue
        pickled([series, series.dtype, series.to_frame()])
    pickled([pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01", tz="UTC"), pd.Timedelta("1D"), pd.Period("2020-01"), pd.Interval(0, 1), pd.NaT, pd.NA])
    offsets = pd.offsets
    pickled([offsets.Day(2), offsets.Hour(), offsets.Minute(), offsets.Second(), offsets.MonthEnd(), offsets.MonthBegin(), offsets.BusinessDay(), offsets.Week(weekday=0),
             offsets.QuarterEnd(), offsets.YearEnd(), offsets.YearBegin(), offsets.QuarterBegin(), offsets.Milli(), offsets.Micro(), offsets.Nano()])


def boosters():
    import lightgbm
    import numpy as np
    import xgboost

    x = np.random.RandomState(0).random_sample((40, 3))
    y = (x[:, 0] > 0.5).astype(int)
    groups = [20, 20]
    small = {"n_estimators": 2, "max_depth": 2}
    for model in (xgboost.XGBClassifier(**small), xgboost.XGBRegressor(**small), xgboost.XGBRFClassifier(**small), xgboost.XGBRFRegressor(**small),
                  xgboost.XGBClassifier(booster="gblinear", n_estimators=2), xgboost.XGBRegressor(booster="dart", **small),
                  lightgbm.LGBMClassifier(verbose=-1, **small), lightgbm.LGBMRegressor(verbose=-1, **small)):
        model.fit(x, y)
        pickled([model, model.get_booster() if hasattr(model, "get_booster") else model.booster_])
    pickled([xgboost.XGBRanker(**small).fit(x, y, group=groups), lightgbm.LGBMRanker(verbose=-1, **small).fit(x, y, group=groups)])
    stop = xgboost.XGBClassifier(early_stopping_rounds=1, **small)
    pickled([stop, xgboost.callback.EarlyStopping(1), lightgbm.early_stopping(1), lightgbm.log_evaluation(0)])
    pickled(stop.fit(x, y, eval_set=[(x, y)], verbose=False))
    for library in (xgboost, lightgbm):
        for name in dir(library):
            value = getattr(library, name)
            if inspect.isclass(value) and name.startswith(("XGB", "LGBM", "Booster")):
                add(value.__module__, name)


def wrappers():
    """Classes of imbalanced-learn and category_encoders: estimators, none of which does more than keep its parameters when it is built."""
    import category_encoders
    from imblearn.utils.testing import all_estimators

    for name, value in all_estimators():
        add(value.__module__, name)
    for name in category_encoders.__all__:
        add(getattr(category_encoders, name).__module__, name)
    for path in (GOLDEN / "thirdparty").glob("*.pkl"):
        for module, name in globals_of(path.read_bytes()):
            if module.split(".")[0] in ("imblearn", "category_encoders"):
                add(module, name)


def python_objects():
    import collections
    import datetime
    import decimal
    import fractions
    import pathlib
    import uuid

    pickled([object(), {1}, frozenset([1]), 1j, bytearray(b"x"), slice(1, 2), range(3), Ellipsis, NotImplemented, None, b"x", "é", 2**70])
    pickled([int, float, str, bool, bytes, bytearray, complex, dict, list, tuple, set, frozenset, object, slice, range, type(None), type(Ellipsis)])
    pickled([collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.defaultdict(int), collections.deque([1]), collections.Counter("ab")])
    pickled([datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), datetime.date(2020, 1, 1), datetime.time(1), datetime.timedelta(1),
             datetime.timezone(datetime.timedelta(hours=1))])
    pickled([decimal.Decimal("1.5"), fractions.Fraction(1, 2), uuid.UUID(int=1), pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.Path("a")])


def main(wanted):
    kinds = {"sklearn": (sklearn_classes, sklearn_models), "numpy": (numpy_objects,), "scipy": (scipy_objects,), "pandas": (pandas_objects,),
             "boosters": (boosters,), "wrappers": (wrappers,), "python": (python_objects,)}
    for kind in wanted:
        for step in kinds[kind]:
            step()
    for row in sorted(FOUND):
        print("\t".join(row))


if __name__ == "__main__":
    main(sys.argv[1:])
