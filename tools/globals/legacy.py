# SPDX-License-Identifier: Apache-2.0
"""Names of releases that no longer install beside today's Python, from the release notes and sources of those releases.

scikit-learn 0.22 moved its modules to private names. RENAMED gives, for a module of today, the names that pickles of 0.18 to 0.21 have;
its classes are then known under both. EXTRA lists what has gone since.
"""
_OLD = {
    "cluster": "_affinity_propagation=affinity_propagation_ _agglomerative=hierarchical _bicluster=bicluster _birch=birch _dbscan=dbscan_ "
               "_kmeans=k_means_ _kmeans=_k_means _mean_shift=mean_shift_ _optics=optics_ _spectral=spectral",
    "covariance": "_elliptic_envelope=elliptic_envelope _empirical_covariance=empirical_covariance_ _graph_lasso=graph_lasso_ "
                  "_robust_covariance=robust_covariance _shrunk_covariance=shrunk_covariance_",
    "cross_decomposition": "_pls=pls_ _pls=cca_ _pls=_cca",
    "decomposition": "_dict_learning=dict_learning _factor_analysis=factor_analysis _fastica=fastica_ _incremental_pca=incremental_pca "
                     "_kernel_pca=kernel_pca _lda=online_lda _lda=_online_lda _nmf=nmf _pca=pca _sparse_pca=sparse_pca _truncated_svd=truncated_svd",
    "ensemble": "_bagging=bagging _forest=forest _gb=gradient_boosting _gb_losses=gradient_boosting _iforest=iforest _voting=voting "
                "_voting=voting_classifier _weight_boosting=weight_boosting",
    "feature_extraction": "_dict_vectorizer=dict_vectorizer _hash=hashing",
    "feature_selection": "_from_model=from_model _mutual_info=mutual_info_ _rfe=rfe _univariate_selection=univariate_selection "
                         "_variance_threshold=variance_threshold",
    "gaussian_process": "_gpc=gpc _gpr=gpr",
    "linear_model": "_base=base _bayes=bayes _coordinate_descent=coordinate_descent _huber=huber _least_angle=least_angle _logistic=logistic "
                    "_omp=omp _passive_aggressive=passive_aggressive _perceptron=perceptron _ransac=ransac _ridge=ridge "
                    "_sgd_fast=sgd_fast _stochastic_gradient=stochastic_gradient _theil_sen=theil_sen",
    "manifold": "_isomap=isomap _locally_linear=locally_linear _mds=mds _spectral_embedding=spectral_embedding_ _t_sne=t_sne",
    "metrics": "_scorer=scorer _classification=classification _ranking=ranking _regression=regression _dist_metrics=dist_metrics",
    "metrics.cluster": "_supervised=supervised",
    "mixture": "_bayesian_mixture=bayesian_mixture _gaussian_mixture=gaussian_mixture",
    "neighbors": "_ball_tree=ball_tree _classification=classification _graph=graph _kd_tree=kd_tree _kde=kde _lof=lof _nca=nca "
                 "_nearest_centroid=nearest_centroid _regression=regression _unsupervised=unsupervised",
    "neural_network": "_multilayer_perceptron=multilayer_perceptron _rbm=rbm",
    "preprocessing": "_data=data _label=label",
    "semi_supervised": "_label_propagation=label_propagation",
    "svm": "_classes=classes",
    "tree": "_classes=tree",
}
RENAMED = {}
for _package, _pairs in _OLD.items():
    for _pair in _pairs.split():
        _new, _name = _pair.split("=")
        RENAMED.setdefault(f"sklearn.{_package}.{_new}", []).append(f"sklearn.{_package}.{_name}")
# Whole moves: before metrics took the distances (1.0) neighbours had them; impute was one module before 0.22.
RENAMED["sklearn.metrics._dist_metrics"] += ["sklearn.neighbors.dist_metrics", "sklearn.neighbors._dist_metrics"]
for _part in ("_base", "_iterative", "_knn"):
    RENAMED[f"sklearn.impute.{_part}"] = ["sklearn.impute"]
RENAMED["sklearn.preprocessing._polynomial"] = ["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
RENAMED["sklearn.preprocessing._encoders"] = ["sklearn.preprocessing.data"]

_GB_LOSSES = ("LeastSquaresError LeastAbsoluteError HuberLossFunction QuantileLossFunction BinomialDeviance MultinomialDeviance ExponentialLoss")
_SGD_LOSSES = "Hinge SquaredHinge Log ModifiedHuber SquaredLoss Huber EpsilonInsensitive SquaredEpsilonInsensitive"
_DISTANCES = ("EuclideanDistance ManhattanDistance ChebyshevDistance MinkowskiDistance WMinkowskiDistance SEuclideanDistance MahalanobisDistance "
              "HammingDistance CanberraDistance BrayCurtisDistance JaccardDistance MatchingDistance DiceDistance KulsinskiDistance "
              "RogersTanimotoDistance RussellRaoDistance SokalMichenerDistance SokalSneathDistance HaversineDistance newObj")
EXTRA = {  # module -> names
    "sklearn.cross_validation": "KFold StratifiedKFold LeaveOneOut LeavePOut ShuffleSplit StratifiedShuffleSplit LabelKFold PredefinedSplit",
    "sklearn.datasets.base": "Bunch",
    "sklearn.utils": "Bunch",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.lda": "LDA",
    "sklearn.qda": "QDA",
    "sklearn.ensemble.gradient_boosting": f"{_GB_LOSSES} QuantileEstimator MeanEstimator LogOddsEstimator ScaledLogOddsEstimator "
                                          "PriorProbabilityEstimator ZeroEstimator",
    "sklearn.ensemble._gb_losses": _GB_LOSSES,
    "sklearn.ensemble._hist_gradient_boosting.loss": "LeastSquares LeastAbsoluteDeviation Poisson BinaryCrossEntropy CategoricalCrossEntropy",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.gaussian_process.gaussian_process": "GaussianProcess",
    "sklearn.grid_search": "GridSearchCV RandomizedSearchCV _CVScoreTuple",
    "sklearn.model_selection._search": "_CVScoreTuple",
    "sklearn.linear_model._sgd_fast": _SGD_LOSSES,
    "sklearn.linear_model.sgd_fast": _SGD_LOSSES,
    "sklearn.linear_model.randomized_l1": "RandomizedLasso RandomizedLogisticRegression",
    "sklearn.linear_model._glm.glm": "PoissonRegressor GammaRegressor TweedieRegressor",
    "sklearn.linear_model._glm.link": "IdentityLink LogLink LogitLink",
    "sklearn._loss.glm_distribution": "TweedieDistribution NormalDistribution PoissonDistribution GammaDistribution InverseGaussianDistribution",
    "sklearn.metrics._dist_metrics": _DISTANCES,
    "sklearn.metrics.scorer": "_PredictScorer _ProbaScorer _ThresholdScorer _passthrough_scorer",
    "sklearn.metrics._scorer": "_PredictScorer _ProbaScorer _ThresholdScorer _passthrough_scorer",
    "sklearn.mixture.gmm": "GMM",
    "sklearn.mixture.dpgmm": "DPGMM VBGMM",
    "sklearn.neighbors.approximate": "LSHForest ProjectionToHashMixin GaussianRandomProjectionHash",
    "sklearn.neighbors.dist_metrics": _DISTANCES,
    "sklearn.neighbors._dist_metrics": _DISTANCES,
    "sklearn.neighbors.kd_tree": "KDTree BinaryTree newObj",
    "sklearn.neighbors.ball_tree": "BallTree BinaryTree newObj",
    "sklearn.neighbors._kd_tree": "KDTree newObj",
    "sklearn.neighbors._ball_tree": "BallTree newObj",
    "sklearn.preprocessing.imputation": "Imputer",
    "sklearn.preprocessing._function_transformer": "FunctionTransformer _identity",
    "sklearn.preprocessing.data": "OneHotEncoder OrdinalEncoder CategoricalEncoder",
    "sklearn.covariance.graph_lasso_": "GraphLasso GraphLassoCV",
    "sklearn.decomposition.nmf": "NMF ProjectedGradientNMF",
    "sklearn.decomposition.pca": "PCA RandomizedPCA",
}

JOBLIB = {
    module: "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper"
    for package in ("joblib", "sklearn.externals.joblib") for module in (f"{package}.numpy_pickle", f"{package}.numpy_pickle_compat")
}

NUMPY = {
    "numpy": "bool_ string_ unicode_ float128 complex256 intc uintc longlong ulonglong int_ uint float_ complex_ intp uintp half single double "
             "bytes_ str_ object_ void datetime64 timedelta64 matrix ndarray dtype recarray record",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "numpy.core._multiarray_umath": "_reconstruct scalar",
    "numpy._core._multiarray_umath": "_reconstruct scalar",
    "numpy.core.records": "recarray record",
    "numpy.core.defchararray": "chararray",
    "numpy.lib.polynomial": "poly1d",
    "numpy.ma.core": "MaskedArray MaskedConstant _mareconstruct",
    "numpy.matrixlib.defmatrix": "matrix",
    "numpy.random": "__RandomState_ctor",
}

_OLD_INDEXES = "Index Int64Index UInt64Index Float64Index RangeIndex MultiIndex CategoricalIndex DatetimeIndex TimedeltaIndex PeriodIndex IntervalIndex _new_Index"
PANDAS = {
    "pandas._libs.internals": "_unpickle_block",
    "pandas._libs.missing": "NA",
    "pandas._libs.tslib": "Timestamp Timedelta NaTType __nat_unpickle",
    "pandas._libs.tslibs.nattype": "NaTType __nat_unpickle _nat_unpickle",
    "pandas._libs.tslibs.timedeltas": "Timedelta _timedelta_unpickle",
    "pandas._libs.tslibs.timestamps": "Timestamp _unpickle_timestamp",
    "pandas._libs.tslibs.period": "Period",
    "pandas.core.arrays.categorical": "Categorical",
    "pandas.core.categorical": "Categorical",
    "pandas.core.frame": "DataFrame",
    "pandas.core.index": _OLD_INDEXES,
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.category": "CategoricalIndex",
    "pandas.core.indexes.datetimes": "DatetimeIndex _new_DatetimeIndex",
    "pandas.core.indexes.multi": "MultiIndex",
    "pandas.core.indexes.numeric": "Int64Index UInt64Index Float64Index",
    "pandas.core.indexes.period": "PeriodIndex _new_PeriodIndex",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.indexes.timedeltas": "TimedeltaIndex",
    "pandas.core.internals": "BlockManager SingleBlockManager",
    "pandas.core.internals.blocks": "new_block",
    "pandas.core.internals.managers": "BlockManager SingleBlockManager",
    "pandas.core.series": "Series TimeSeries",
    "pandas.indexes.base": "Index _new_Index",
    "pandas.indexes.category": "CategoricalIndex",
    "pandas.indexes.multi": "MultiIndex",
    "pandas.indexes.numeric": "Int64Index Float64Index",
    "pandas.indexes.range": "RangeIndex",
    "pandas.tseries.index": "DatetimeIndex _new_DatetimeIndex",
    "pandas.tseries.period": "PeriodIndex",
    "pandas.tseries.tdi": "TimedeltaIndex",
    "pandas.tslib": "Timestamp Timedelta NaTType __nat_unpickle",
    # Text columns backed by Arrow, which pandas 3 makes where pyarrow is installed.
    "pandas.arrays": "ArrowStringArray ArrowExtensionArray",
    "pyarrow.lib": "_restore_array py_buffer type_for_alias",
    "pytz": "_UTC UTC",
}

_INTEGERS = "Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype UInt32Dtype UInt64Dtype"
_OFFSETS = "Day Hour Minute Second Milli Micro Nano MonthEnd MonthBegin BusinessDay Week QuarterEnd QuarterBegin YearEnd YearBegin BMonthEnd BMonthBegin"
PANDAS.update({
    "pandas": f"{_INTEGERS} Float32Dtype Float64Dtype BooleanDtype StringDtype",
    "pandas.core.arrays.integer": f"{_INTEGERS} IntegerArray",
    "pandas.core.arrays.floating": "Float32Dtype Float64Dtype FloatingArray",
    "pandas.tseries.offsets": _OFFSETS,
    "pandas._libs.tslibs.offsets": _OFFSETS,
})

_SPARSE = {"bsr": "bsr_matrix", "coo": "coo_matrix", "csc": "csc_matrix", "csr": "csr_matrix", "dia": "dia_matrix", "dok": "dok_matrix", "lil": "lil_matrix"}
SCIPY = {f"scipy.sparse.{module}": name for module, name in _SPARSE.items()}
SCIPY.update({"scipy.interpolate.interpolate": "interp1d PPoly", "scipy.interpolate._bsplines": "BSpline", "scipy.optimize.optimize": "OptimizeResult",
              "scipy.spatial.ckdtree": "cKDTree", "scipy.spatial.kdtree": "KDTree"})

# Pipelines of sklearn2pmml and sklearn-pandas, which wrap scikit-learn's. What evaluates text is in denied.py.
SKLEARN2PMML = {
    "sklearn2pmml": "EstimatorProxy SelectorProxy PMMLPipeline",
    "sklearn2pmml.cross_reference": "Memorizer Memory Recaller",
    "sklearn2pmml.customization": "Customization",
    "sklearn2pmml.decoration": "Alias MultiAlias CategoricalDomain ContinuousDomain MultiDomain OrdinalDomain TemporalDomain DateDomain DateTimeDomain "
                               "DomainEraser ContinuousDomainEraser DiscreteDomainEraser",
    "sklearn2pmml.ensemble": "GBDTLMRegressor GBDTLRClassifier",
    "sklearn2pmml.feature_extraction.text": "Matcher Splitter",
    "sklearn2pmml.feature_selection": "SelectUnique",
    "sklearn2pmml.neural_network": "MLPTransformer",
    "sklearn2pmml.pipeline": "PMMLPipeline _Verification",
    "sklearn2pmml.postprocessing": "FeatureExporter",
    "sklearn2pmml.preprocessing": "Aggregator AggregateTransformer CastTransformer ConcatTransformer CutTransformer DaysSinceYearTransformer "
                                  "DurationTransformer FilterLookupTransformer IdentityTransformer LagTransformer LookupTransformer MatchesTransformer MultiCastTransformer MultiLookupTransformer PMMLLabelBinarizer "
                                  "PMMLLabelEncoder PowerFunctionTransformer ReplaceTransformer RollingAggregateTransformer SecondsSinceMidnightTransformer "
                                  "SecondsSinceYearTransformer SeriesConstructor StringLengthTransformer StringNormalizer SubstringTransformer WordCountTransformer",
    "sklearn2pmml.preprocessing.pandas": "DataFrameConstructor",
    "sklearn2pmml.util": "Slicer",
    "sklearn_pandas": "DataFrameMapper",
    "sklearn_pandas.categorical_imputer": "CategoricalImputer",
    "sklearn_pandas.transformers": "CategoricalImputer",
    "sklearn_pandas.dataframe_mapper": "DataFrameMapper",
    "sklearn_pandas.pipeline": "TransformerPipeline",
}

# The one module of SMOTE and its kin up to imbalanced-learn 0.7.
IMBLEARN = {"imblearn.over_sampling._smote": "SMOTE SMOTENC BorderlineSMOTE SVMSMOTE KMeansSMOTE"}

CATBOOST = {
    "catboost.core": "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor",
}
XGBOOST = {
    "xgboost.compat": "XGBoostLabelEncoder",
    "xgboost.core": "Booster",
    "xgboost.sklearn": "XGBModel XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor XGBoostLabelEncoder",
    "xgboost.callback": "EarlyStopping",
}
LIGHTGBM = {
    "lightgbm.basic": "Booster",
    "lightgbm.compat": "_LGBMLabelEncoder LGBMLabelEncoder",
    "lightgbm.sklearn": "LGBMModel LGBMClassifier LGBMRegressor LGBMRanker",
}

_PLAIN = "object set frozenset list dict tuple int float complex bool bytes bytearray str slice range Ellipsis NotImplemented"
PYTHON = {
    "builtins": _PLAIN,
    "__builtin__": f"{_PLAIN} long unicode xrange",
    "copyreg": "_reconstructor __newobj__ __newobj_ex__",
    "copy_reg": "_reconstructor __newobj__",
    "_codecs": "encode",
    "collections": "OrderedDict defaultdict deque Counter",
    "datetime": "datetime date time timedelta timezone",
    "decimal": "Decimal",
    "_decimal": "Decimal",
    "fractions": "Fraction",
    "uuid": "UUID SafeUUID",
    "pathlib": "Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath",
    "pathlib._local": "Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath",  # 3.13
}
