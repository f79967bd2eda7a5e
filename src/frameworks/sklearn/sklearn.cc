// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/sklearn.h"

#include <algorithm>

#include "base/text.h"
#include "frameworks/known.h"

namespace decant::sklearn {

#define DECANT_ENTRY(family) std::span<const Estimator> family##_estimators();
#include "sklearn_families.inc"
#undef DECANT_ENTRY

std::string_view name_of(Method method) {
  static constexpr std::string_view kNames[] = {"predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples", "mahalanobis", "kneighbors", "apply"};
  return kNames[static_cast<std::size_t>(method)];
}

std::optional<Method> method_named(std::string_view name) {
  for (const std::span<const Method> methods : {std::span<const Method>(kMethods), std::span<const Method>(kOnRequest)}) {
    const auto at = std::ranges::find(methods, name, name_of);
    if (at != methods.end()) return *at;
  }
  return {};
}

DECANT_AT_START std::span<const Estimator> all_estimators() {
  static const std::vector<Estimator> estimators = [] {
    std::vector<Estimator> out;
    const auto append = [&](std::span<const Estimator> family) { out.insert(out.end(), family.begin(), family.end()); };
#define DECANT_ENTRY(family) append(family##_estimators());
#include "sklearn_families.inc"
#undef DECANT_ENTRY
    std::ranges::sort(out, {}, &Estimator::name);
    return out;
  }();
  return estimators;
}

namespace {

// Classes of other libraries that stand in scikit-learn pipelines, by their exact names, and the entry that each behaves as.
struct Relative {
  std::string_view module, name, entry;
};
constexpr Relative kRelatives[] = {
    {"boruta.boruta_py", "BorutaPy", "BorutaPy"},
    {"category_encoders.basen", "BaseNEncoder", "category_encoders.BaseNEncoder"},
    {"category_encoders.binary", "BinaryEncoder", "category_encoders.BinaryEncoder"},
    {"category_encoders.cat_boost", "CatBoostEncoder", "category_encoders.CatBoostEncoder"},
    {"category_encoders.count", "CountEncoder", "category_encoders.CountEncoder"},
    {"category_encoders.james_stein", "JamesSteinEncoder", "category_encoders.JamesSteinEncoder"},
    {"category_encoders.leave_one_out", "LeaveOneOutEncoder", "category_encoders.LeaveOneOutEncoder"},
    {"category_encoders.m_estimate", "MEstimateEncoder", "category_encoders.MEstimateEncoder"},
    {"category_encoders.one_hot", "OneHotEncoder", "category_encoders.OneHotEncoder"},
    {"category_encoders.ordinal", "OrdinalEncoder", "category_encoders.OrdinalEncoder"},
    {"category_encoders.quantile_encoder", "QuantileEncoder", "category_encoders.QuantileEncoder"},
    {"category_encoders.target_encoder", "TargetEncoder", "category_encoders.TargetEncoder"},
    {"category_encoders.woe", "WOEEncoder", "category_encoders.WOEEncoder"},
    {"flaml.automl.contrib.histgb", "HistGradientBoostingEstimator", "FlamlLearner"},
    {"flaml.automl.model", "CatBoostEstimator", "FlamlLearner"},
    {"flaml.automl.model", "ElasticNetEstimator", "FlamlLearner"},
    {"flaml.automl.model", "ExtraTreesEstimator", "FlamlLearner"},
    {"flaml.automl.model", "KNeighborsEstimator", "FlamlLearner"},
    {"flaml.automl.model", "LGBMEstimator", "FlamlLearner"},
    {"flaml.automl.model", "LRL1Classifier", "FlamlLearner"},
    {"flaml.automl.model", "LRL2Classifier", "FlamlLearner"},
    {"flaml.automl.model", "LassoLarsEstimator", "FlamlLearner"},
    {"flaml.automl.model", "RandomForestEstimator", "FlamlLearner"},
    {"flaml.automl.model", "SGDEstimator", "FlamlLearner"},
    {"flaml.automl.model", "SVCEstimator", "FlamlLearner"},
    {"flaml.automl.model", "XGBoostLimitDepthEstimator", "FlamlLearner"},
    {"flaml.automl.model", "XGBoostSklearnEstimator", "FlamlLearner"},
    {"imblearn.base", "FunctionSampler", "Sampler"},
    {"imblearn.combine._smote_enn", "SMOTEENN", "Sampler"},
    {"imblearn.combine._smote_tomek", "SMOTETomek", "Sampler"},
    {"imblearn.ensemble._bagging", "BalancedBaggingClassifier", "BaggingClassifier"},
    {"imblearn.ensemble._easy_ensemble", "EasyEnsembleClassifier", "BaggingClassifier"},
    {"imblearn.ensemble._forest", "BalancedRandomForestClassifier", "RandomForestClassifier"},
    {"imblearn.ensemble._weight_boosting", "RUSBoostClassifier", "AdaBoostClassifier"},
    {"imblearn.over_sampling._adasyn", "ADASYN", "Sampler"},
    {"imblearn.over_sampling._random_over_sampler", "RandomOverSampler", "Sampler"},
    {"imblearn.over_sampling._smote", "BorderlineSMOTE", "Sampler"},
    {"imblearn.over_sampling._smote", "KMeansSMOTE", "Sampler"},
    {"imblearn.over_sampling._smote", "SMOTE", "Sampler"},
    {"imblearn.over_sampling._smote", "SMOTENC", "Sampler"},
    {"imblearn.over_sampling._smote", "SVMSMOTE", "Sampler"},
    {"imblearn.over_sampling._smote.base", "SMOTE", "Sampler"},
    {"imblearn.over_sampling._smote.base", "SMOTEN", "Sampler"},
    {"imblearn.over_sampling._smote.base", "SMOTENC", "Sampler"},
    {"imblearn.over_sampling._smote.cluster", "KMeansSMOTE", "Sampler"},
    {"imblearn.over_sampling._smote.filter", "BorderlineSMOTE", "Sampler"},
    {"imblearn.over_sampling._smote.filter", "SVMSMOTE", "Sampler"},
    {"imblearn.pipeline", "Pipeline", "Pipeline"},
    {"imblearn.under_sampling._prototype_generation._cluster_centroids", "ClusterCentroids", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._condensed_nearest_neighbour", "CondensedNearestNeighbour", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._edited_nearest_neighbours", "AllKNN", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._edited_nearest_neighbours", "EditedNearestNeighbours", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._edited_nearest_neighbours", "RepeatedEditedNearestNeighbours", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._instance_hardness_threshold", "InstanceHardnessThreshold", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._nearmiss", "NearMiss", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._neighbourhood_cleaning_rule", "NeighbourhoodCleaningRule", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._one_sided_selection", "OneSidedSelection", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._random_under_sampler", "RandomUnderSampler", "Sampler"},
    {"imblearn.under_sampling._prototype_selection._tomek_links", "TomekLinks", "Sampler"},
    {"interpret.glassbox._decisiontree", "ClassificationTree", "ClassificationTree"},
    {"interpret.glassbox._decisiontree", "RegressionTree", "RegressionTree"},
    {"interpret.glassbox._ebm._ebm", "ExplainableBoostingClassifier", "ExplainableBoostingClassifier"},
    {"interpret.glassbox._ebm._ebm", "ExplainableBoostingRegressor", "ExplainableBoostingRegressor"},
    {"interpret.glassbox._linear", "LinearRegression", "GlassBoxLinearRegression"},
    {"interpret.glassbox._linear", "LogisticRegression", "GlassBoxLogisticRegression"},
    {"mlxtend.preprocessing.dense_transformer", "DenseTransformer", "IdentityTransformer"},
    {"sklearn2pmml", "EstimatorProxy", "EstimatorProxy"},
    {"sklearn2pmml", "PMMLPipeline", "Pipeline"},
    {"sklearn2pmml", "SelectorProxy", "SelectorProxy"},
    {"sklearn2pmml.cross_reference", "Memorizer", "Memorizer"},
    {"sklearn2pmml.cross_reference", "Recaller", "Recaller"},
    {"sklearn2pmml.decoration", "Alias", "Alias"},
    {"sklearn2pmml.decoration", "CategoricalDomain", "CategoricalDomain"},
    {"sklearn2pmml.decoration", "ContinuousDomain", "ContinuousDomain"},
    {"sklearn2pmml.decoration", "ContinuousDomainEraser", "DomainEraser"},
    {"sklearn2pmml.decoration", "DateDomain", "DateDomain"},
    {"sklearn2pmml.decoration", "DateTimeDomain", "DateDomain"},
    {"sklearn2pmml.decoration", "DiscreteDomainEraser", "DomainEraser"},
    {"sklearn2pmml.decoration", "DomainEraser", "DomainEraser"},
    {"sklearn2pmml.decoration", "MultiAlias", "MultiAlias"},
    {"sklearn2pmml.decoration", "MultiDomain", "MultiDomain"},
    {"sklearn2pmml.decoration", "OrdinalDomain", "OrdinalDomain"},
    {"sklearn2pmml.ensemble", "EstimatorChain", "EstimatorChain"},
    {"sklearn2pmml.ensemble", "GBDTLMRegressor", "GBDTLMRegressor"},
    {"sklearn2pmml.ensemble", "GBDTLRClassifier", "GBDTLRClassifier"},
    {"sklearn2pmml.ensemble", "Link", "Link"},
    {"sklearn2pmml.ensemble", "SelectFirstClassifier", "SelectFirstClassifier"},
    {"sklearn2pmml.ensemble", "SelectFirstEstimator", "SelectFirstClassifier"},
    {"sklearn2pmml.ensemble", "SelectFirstRegressor", "SelectFirstRegressor"},
    {"sklearn2pmml.expression", "ExpressionClassifier", "ExpressionClassifier"},
    {"sklearn2pmml.expression", "ExpressionRegressor", "ExpressionRegressor"},
    {"sklearn2pmml.feature_selection", "SelectUnique", "SelectUnique"},
    {"sklearn2pmml.neural_network", "MLPTransformer", "MLPTransformer"},
    {"sklearn2pmml.pipeline", "PMMLPipeline", "Pipeline"},
    {"sklearn2pmml.postprocessing", "BusinessDecisionTransformer", "Alias"},
    {"sklearn2pmml.postprocessing", "FeatureExporter", "IdentityTransformer"},
    {"sklearn2pmml.preprocessing", "AggregateTransformer", "AggregateTransformer"},
    {"sklearn2pmml.preprocessing", "Aggregator", "Aggregator"},
    {"sklearn2pmml.preprocessing", "CastTransformer", "CastTransformer"},
    {"sklearn2pmml.preprocessing", "ConcatTransformer", "ConcatTransformer"},
    {"sklearn2pmml.preprocessing", "CutTransformer", "CutTransformer"},
    {"sklearn2pmml.preprocessing", "DataFrameConstructor", "DataFrameConstructor"},
    {"sklearn2pmml.preprocessing", "DaysSinceYearTransformer", "DaysSinceYearTransformer"},
    {"sklearn2pmml.preprocessing", "ExpressionTransformer", "ExpressionTransformer"},
    {"sklearn2pmml.preprocessing", "FilterLookupTransformer", "FilterLookupTransformer"},
    {"sklearn2pmml.preprocessing", "IdentityTransformer", "IdentityTransformer"},
    {"sklearn2pmml.preprocessing", "LagTransformer", "LagTransformer"},
    {"sklearn2pmml.preprocessing", "LookupTransformer", "LookupTransformer"},
    {"sklearn2pmml.preprocessing", "MatchesTransformer", "MatchesTransformer"},
    {"sklearn2pmml.preprocessing", "MultiCastTransformer", "MultiCastTransformer"},
    {"sklearn2pmml.preprocessing", "MultiLookupTransformer", "MultiLookupTransformer"},
    {"sklearn2pmml.preprocessing", "PMMLLabelBinarizer", "PMMLLabelBinarizer"},
    {"sklearn2pmml.preprocessing", "PMMLLabelEncoder", "PMMLLabelEncoder"},
    {"sklearn2pmml.preprocessing", "PowerFunctionTransformer", "PowerFunctionTransformer"},
    {"sklearn2pmml.preprocessing", "ReplaceTransformer", "ReplaceTransformer"},
    {"sklearn2pmml.preprocessing", "RollingAggregateTransformer", "RollingAggregateTransformer"},
    {"sklearn2pmml.preprocessing", "SecondsSinceMidnightTransformer", "SecondsSinceMidnightTransformer"},
    {"sklearn2pmml.preprocessing", "SecondsSinceYearTransformer", "SecondsSinceYearTransformer"},
    {"sklearn2pmml.preprocessing", "SelectFirstTransformer", "SelectFirstTransformer"},
    {"sklearn2pmml.preprocessing", "SeriesConstructor", "SeriesConstructor"},
    {"sklearn2pmml.preprocessing", "StringLengthTransformer", "StringLengthTransformer"},
    {"sklearn2pmml.preprocessing", "StringNormalizer", "StringNormalizer"},
    {"sklearn2pmml.preprocessing", "SubstringTransformer", "SubstringTransformer"},
    {"sklearn2pmml.preprocessing", "WordCountTransformer", "WordCountTransformer"},
    {"sklearn2pmml.preprocessing.pandas", "DataFrameConstructor", "DataFrameConstructor"},
    {"sklearn2pmml.ruleset", "RuleSetClassifier", "RuleSetClassifier"},
    {"sklearn2pmml.util", "Slicer", "Slicer"},
    {"sklearn_pandas", "DataFrameMapper", "DataFrameMapper"},
    {"sklearn_pandas.categorical_imputer", "CategoricalImputer", "CategoricalImputer"},
    {"sklearn_pandas.dataframe_mapper", "DataFrameMapper", "DataFrameMapper"},
    {"sklearn_pandas.pipeline", "TransformerPipeline", "Pipeline"},
    {"sklearn_pandas.transformers", "CategoricalImputer", "CategoricalImputer"},
    {"sklego.meta.estimator_transformer", "EstimatorTransformer", "EstimatorTransformer"},
    {"sklego.meta.ordinal_classification", "OrdinalClassifier", "OrdinalClassifier"},
    {"sklego.pipeline", "DebugPipeline", "Pipeline"},
    {"sklego.preprocessing.identitytransformer", "IdentityTransformer", "IdentityTransformer"},
    {"tpot.builtins.stacking_estimator", "StackingEstimator", "StackingEstimator"},
};

/// The name of the entry for a class, "" where there is none.
std::string_view entry_for(const Object& object) {
  for (const char* library : {"sklearn", "xgboost", "lightgbm", "catboost"}) {
    if (is_genuine(library, object.module(), object.name())) return object.name();
  }
  for (const Relative& r : kRelatives) {
    if (r.module == object.module() && r.name == object.name()) return r.entry;
  }
  return {};
}

}  // namespace

const Estimator* find_estimator(const Object& object) {
  const std::string_view name = object.is_instance() ? entry_for(object) : std::string_view{};
  if (name.empty()) return nullptr;
  const auto all = all_estimators();
  const auto at = std::ranges::lower_bound(all, name, {}, &Estimator::name);
  return at != all.end() && at->name == name ? &*at : nullptr;
}

Facts facts_of(const Object& self) {
  Facts out;
  if (const Estimator* entry = find_estimator(self); entry != nullptr && entry->facts != nullptr) entry->facts(self, out);
  return out;
}

Version Context::version(const Object& self) const {
  const std::string text = self.text("_sklearn_version", "");
  Version out;
  return std::sscanf(text.c_str(), "%d.%d", &out.major, &out.minor) == 2 ? out : version_;
}

void unsupported(const Object& self, std::string_view what) {
  const std::string version = self.text("_sklearn_version", "of an unknown version");
  self.fail(Code::unsupported, format("{} (scikit-learn {}): {}", self.full_name(), version, what));
}

bool Context::has(const Object& estimator, Method method) {
  const Estimator* entry = find_estimator(estimator);
  if (entry == nullptr || !entry->methods.has(method)) return false;
  if (entry->has == nullptr) return true;
  const auto key = std::pair(&estimator.node(), method);
  if (const auto at = has_.find(key); at != has_.end()) return at->second;
  const Level level(*this, estimator);
  return has_[key] = entry->has(*this, estimator, method);
}

const Result& Context::call(const Object& estimator, Method method, const Table& x) {
  const Estimator* entry = find_estimator(estimator);
  if (entry == nullptr) {
    if (!estimator.is_instance()) estimator.fail(Code::corrupt, "an estimator is expected here");
    unsupported(estimator, "decant does not run this class yet");
  }
  if (!entry->methods.has(method)) unsupported(estimator, format("this class has no {}", name_of(method)));
  if (!has(estimator, method)) unsupported(estimator, format("this object has no {}", name_of(method)));
  const std::string key = format("{}/{}/{}", static_cast<const void*>(&estimator.node()), name_of(method), x.key());
  if (const auto at = answers_.find(key); at != answers_.end()) return at->second;
  if (x.width() == 0 && !x.is_whole()) estimator.fail(Code::corrupt, "is given no columns");
  const Level level(*this, estimator);
  Result result = entry->build(*this, estimator, method, x);
  return answers_.emplace(key, std::move(result)).first->second;
}

Expr Context::value(const Object& estimator, Method method, const Table& x) {
  const Result& result = call(estimator, method, x);
  if (result.table) return result.table->matrix();
  if (result.is_list) unsupported(estimator, format("gives several {} where one is needed", name_of(method)));
  return result.values.at(0);
}

Table Context::transform(const Object& estimator, const Table& x) {
  const Result& result = call(estimator, Method::transform, x);
  if (result.table) return *result.table;
  const Expr value = result.values.at(0);
  return Table(value.type().rank() == 1u ? unsqueeze(value, 1) : value);  // LabelEncoder gives a vector
}

Expr labels(Context& context, const Tensor& classes, Expr indices) { return gather(context.constant(classes), indices, 0); }

Expr labels_by_score(Context& context, const Tensor& classes, Expr scores) {
  const auto rank = scores.type().rank();
  if (rank == 2u && scores.dim(1) > 1) return labels(context, classes, argmax(scores, 1));
  if (rank == 2u) scores = squeeze(scores, 1);
  return labels(context, classes, cast(greater(scores, scores.scalar(0)), DType::int64));
}

Expr linear(Context& context, Expr x, const Tensor& coef, const Tensor& intercept, bool squeezed) {
  const std::int64_t features = coef.rank() == 0 ? 1 : coef.shape().back();
  // Of no features (an SVR without support vectors) the intercept is all there is, and tells how many answers.
  const std::int64_t targets = features != 0 ? static_cast<std::int64_t>(coef.size()) / features : intercept.defined() ? static_cast<std::int64_t>(intercept.size()) : 0;
  if (x.dim(1) >= 0 && x.dim(1) != features) {
    throw Error(Code::corrupt, format("coefficients for {} features, where {} come in", features, x.dim(1)));
  }
  Tensor weights(DType::float64, {features, targets});
  for (std::int64_t k = 0; k < targets; ++k) {
    for (std::int64_t f = 0; f < features; ++f) {
      weights.mutable_data<double>()[static_cast<std::size_t>(f * targets + k)] = coef.number(static_cast<std::size_t>(k * features + f));
    }
  }
  const auto sparse = context.sparse_rows.find(x.id());
  Expr out = sparse == context.sparse_rows.end() ? matmul(x, context.constant(weights))
                                                 : apply("decant", "SparseMatMul", {sparse->second.columns, sparse->second.values, context.constant(weights)});
  if (intercept.defined()) {
    const Tensor doubles = python::to_doubles(intercept);
    const bool zero = std::ranges::all_of(doubles.data<double>(), [](double v) { return v == 0; });
    if (!zero) out = out + context.constant(doubles.rank() == 0 ? doubles.reshaped({1}) : doubles.reshaped({static_cast<std::int64_t>(doubles.size())}));
  }
  return squeezed && targets == 1 ? squeeze(out, 1) : out;
}

Tensor classes_of(const Object& self) {
  const Tensor classes = self["classes_"].tensor();
  if (classes.rank() != 1 || classes.size() == 0) self.fail(Code::corrupt, "classes_ is not a list of labels");
  return classes;
}

}  // namespace decant::sklearn
