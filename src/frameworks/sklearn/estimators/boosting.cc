// SPDX-License-Identifier: Apache-2.0
// Gradient boosting (sklearn/ensemble/_gb.py, _gradient_boosting.pyx) and histogram gradient boosting
// (sklearn/ensemble/_hist_gradient_boosting/). Raw scores are summed as there: the starting value first, then stage by stage.
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/text.h"
#include "frameworks/sklearn/forest.h"

namespace decant::sklearn {
namespace {

constexpr Version kSharedLosses{1, 4};   // GradientBoosting* use sklearn._loss since 1.4
constexpr Version kSmallEpsilon{1, 8};   // _init_raw_predictions clips by the epsilon of float64 since 1.8, of float32 before
constexpr Version kStableLogit{1, 7};    // the first that is usually beside SciPy 1.15, whose logit is by log1p near one half

double epsilon(Version version) {
  return version >= kSmallEpsilon ? std::numeric_limits<double>::epsilon() : static_cast<double>(std::numeric_limits<float>::epsilon());
}

// scipy.special.logit (xsf/log_exp.h, SciPy 1.15).
double logit(double p, Version version) {
  if (version < kStableLogit || p < 0.3 || p > 0.65) return std::log(p / (1 - p));
  const double s = 2 * (p - 0.5);
  return std::log1p(s) - std::log1p(-s);
}

/// What the raw scores start from, where it is the same for every row.
std::optional<std::vector<double>> constant_start(Context& context, const Object& self, std::size_t outputs) {
  const Object init = self["init_"];
  if (init.is_text("zero")) return std::vector<double>(outputs, 0.0);
  const std::string_view name = init.name();
  // Up to 0.20 the starting estimators were private classes that held raw scores (sklearn/ensemble/gradient_boosting.py).
  if (name == "ZeroEstimator") return std::vector<double>(outputs, 0.0);
  for (const char* attribute : {"prior", "mean", "quantile", "priors"}) {
    if (name.ends_with("Estimator") && init.set(attribute)) return init[attribute].list();
  }
  if (name == "DummyRegressor") return init["constant_"].list();
  if (name != "DummyClassifier" || init.text("strategy", "prior") != "prior") return std::nullopt;
  std::vector<double> p = init["class_prior_"].list();
  const bool shared = context.version(self) >= kSharedLosses;
  const double eps = epsilon(context.version(self));
  for (double& v : p) v = std::clamp(v, eps, 1 - eps);
  if (outputs == 1) {
    if (p.size() != 2) self.fail(Code::corrupt, format("{} class priors of a binary model", p.size()));
    const double odds = shared ? logit(p[1], context.version(self)) : std::log(p[1] / (1 - p[1]));
    return std::vector<double>{self.text("loss", "") == "exponential" ? 0.5 * odds : odds};
  }
  if (shared) {  // MultinomialLogit.link: log(p / geometric mean); scipy.stats.gmean is exp(mean(log(p)))
    std::vector<double> logs;
    for (const double v : p) logs.push_back(std::log(v));
    const double mean = std::exp(numpy_sum(logs) / static_cast<double>(logs.size()));
    for (double& v : p) v = std::log(v / mean);
  } else {
    for (double& v : p) v = std::log(v);
  }
  return p;
}

/// The same from an estimator of the user's: [N, outputs].
Expr computed_start(Context& context, const Object& self, std::size_t outputs, const Table& x) {
  const Object init = self["init_"];
  const bool classifier = self.name() == "GradientBoostingClassifier";
  const Table rounded(cast(cast(x.matrix(), DType::float32), DType::float64), x.names());  // it is asked with the float32 rows of the trees
  if (!classifier) {
    const Expr y = context.predict(init, rounded);
    return y.type().rank() == 1u ? unsqueeze(y, 1) : y;
  }
  const bool shared = context.version(self) >= kSharedLosses;
  const double eps = epsilon(context.version(self));
  const Expr p = clip(context.value(init, Method::predict_proba, rounded), eps, 1 - eps);
  if (outputs == 1) {
    const Expr positive = columns(p, {1});
    const Expr odds = log(positive / (1.0 - positive));
    return self.text("loss", "") == "exponential" ? odds * 0.5 : odds;
  }
  return shared ? log(p / exp(reduce_mean(log(p), 1, true))) : log(p);
}

/// estimators_: an array of trees [stages, outputs].
python::Array trees_of(const Object& self) {
  auto array = self["estimators_"].array();
  if (!array || array->type.kind != 'O' || array->shape.size() != 2 || array->objects.empty()) self.fail(Code::corrupt, "estimators_ is no matrix of trees");
  return std::move(*array);
}

/// BaseGradientBoosting.apply: the leaves as float64, of a classifier [N, stages, outputs], of a regressor [N, stages].
Expr boosted_leaves(const Object& self, const Table& x) {
  const python::Array array = trees_of(self);
  std::vector<Object> trees;
  for (const pickle::Ref ref : array.objects) trees.emplace_back(self.tree(), ref);
  const Expr leaves = cast(leaf_numbers(trees, cast(x.matrix(), DType::float32)), DType::float64);
  return self.name() == "GradientBoostingClassifier" ? reshape(leaves, {0, array.shape[0], array.shape[1]}) : leaves;
}

Expr raw_scores(Context& context, const Object& self, const Table& x) {
  const python::Array array = trees_of(self);
  const auto outputs = static_cast<std::size_t>(array.shape[1]);
  const double rate = self.real("learning_rate", 0.1);
  const auto start = constant_start(context, self, outputs);
  if (start && start->size() != outputs) self.fail(Code::corrupt, format("{} starting values for {} outputs", start->size(), outputs));
  Forest forest(1);
  std::vector<std::int32_t> targets;
  for (std::size_t i = 0; i < array.objects.size(); ++i) {
    const TreeView tree(Object(self.tree(), array.objects[i])["tree_"]);
    forest.add(tree, [&](std::size_t leaf, std::span<double> out) {
      tree.values(leaf, 0, out);
      out[0] = rate * out[0];
    });
    targets.push_back(static_cast<std::int32_t>(i % outputs));
  }
  const Expr x32 = cast(x.matrix(), DType::float32);
  if (start) return forest.sum(x32, outputs, *start, targets);
  // One addition a stage, in their order, on top of what the starting estimator says.
  Expr sum = computed_start(context, self, outputs, x);
  const Expr each = forest.each(x32);
  for (std::int64_t stage = 0; stage < array.shape[0]; ++stage) {
    const auto k = static_cast<std::int64_t>(outputs);
    sum = sum + slice(each, stage * k, (stage + 1) * k, 1);
  }
  return sum;
}

Expr two_columns(Expr positive) {
  const Expr p = positive.type().rank() == 1u ? unsqueeze(positive, 1) : positive;
  return concat({1.0 - p, p}, 1);
}

Result gradient_boosting_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::apply) return boosted_leaves(self, x);
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  if (method == Method::decision_function) {
    const Expr raw = raw_scores(context, self, x);
    return raw.dim(1) == 1 ? squeeze(raw, 1) : raw;
  }
  const Expr raw = context.value(self, Method::decision_function, x);
  const bool binary = raw.type().rank() == 1u;
  if (method == Method::predict) {
    const Tensor classes = classes_of(self);
    if (!binary) return labels(context, classes, argmax(raw, 1));
    return labels(context, classes, cast(greater_equal(raw, raw.scalar(0)), DType::int64));
  }
  if (!binary) return softmax(raw);
  return two_columns(sigmoid(self.text("loss", "") == "exponential" ? raw * 2.0 : raw));
}

Result gradient_boosting_regressor(Context& context, const Object& self, Method method, const Table& x) {
  return method == Method::apply ? boosted_leaves(self, x) : squeeze(raw_scores(context, self, x), 1);
}

/// A numeric field of a structured array, whatever its width: the layout of histogram nodes changed between versions.
class Field {
 public:
  Field(const Object& self, const python::Array& array, std::initializer_list<std::string_view> names, bool required = true) : base_(array.data.bytes.data()), item_(array.type.itemsize) {
    for (const auto& field : array.type.fields) {
      for (const std::string_view name : names) {
        if (field.name != name) continue;
        if (field.type.big_endian || field.offset + field.type.itemsize > item_) self.fail(Code::corrupt, format("field {} is {}", name, field.type.text()));
        kind_ = field.type.kind;
        size_ = field.type.itemsize;
        offset_ = field.offset;
      }
    }
    if (required && size_ == 0) self.fail(Code::corrupt, format("the nodes of a histogram tree have no {}", *names.begin()));
  }
  bool exists() const { return size_ != 0; }
  double operator()(std::size_t i) const {
    const std::byte* at = base_ + i * item_ + offset_;
    const auto load = [&]<class T>(T) {
      T out;
      std::memcpy(&out, at, sizeof(T));
      return static_cast<double>(out);
    };
    if (kind_ == 'f') return size_ == 8 ? load(double{}) : load(float{});
    switch (size_) {
      case 1: return load(std::uint8_t{});
      case 4: return kind_ == 'i' ? load(std::int32_t{}) : load(std::uint32_t{});
      case 8: return load(std::int64_t{});
      default: return 0;
    }
  }

 private:
  const std::byte* base_;
  std::size_t item_, offset_ = 0;
  std::uint32_t size_ = 0;
  char kind_ = 'V';
};

using Bitset = std::array<std::uint32_t, 8>;

/// The categories that were seen in training, for each feature (_BinMapper.make_known_categories_bitsets).
std::map<std::int64_t, Bitset> known_categories(const Object& self) {
  std::map<std::int64_t, Bitset> out;
  if (!self.set("_bin_mapper")) return out;
  const Object mapper = self["_bin_mapper"];
  if (!mapper.set("is_categorical_")) return out;
  const std::vector<std::int64_t> categorical = mapper["is_categorical_"].integers();
  const std::vector<Object> thresholds = mapper["bin_thresholds_"].elements();
  for (std::size_t f = 0; f < categorical.size() && f < thresholds.size(); ++f) {
    if (categorical[f] == 0) continue;
    Bitset& bits = out[static_cast<std::int64_t>(f)];
    bits.fill(0);
    for (const double value : thresholds[f].list()) {
      if (value >= 0 && value < 256) bits[static_cast<std::size_t>(value) / 32] |= 1u << static_cast<unsigned>(value) % 32;
    }
  }
  return out;
}

/// Trees of TreePredictor objects as attributes of one TreeEnsemble.
class HistogramForest {
 public:
  explicit HistogramForest(const Object& self) : known_(known_categories(self)) {}

  void add(const Object& predictor) {
    const auto nodes = predictor["nodes"].array();
    if (!nodes || nodes->shape.size() != 1 || nodes->type.fields.empty() || nodes->shape[0] == 0 ||
        sat_mul(static_cast<std::uint64_t>(nodes->shape[0]), nodes->type.itemsize) != nodes->data.size()) {
      predictor.fail(Code::corrupt, "a histogram tree without its nodes");
    }
    const Field value(predictor, *nodes, {"value"}), feature(predictor, *nodes, {"feature_idx"}), threshold(predictor, *nodes, {"num_threshold", "threshold"}),
        left(predictor, *nodes, {"left"}), right(predictor, *nodes, {"right"}), is_leaf(predictor, *nodes, {"is_leaf"}),
        missing(predictor, *nodes, {"missing_go_to_left"}, false), categorical(predictor, *nodes, {"is_categorical"}, false), bitset(predictor, *nodes, {"bitset_idx"}, false);
    const Tensor sets = predictor.set("raw_left_cat_bitsets") ? predictor["raw_left_cat_bitsets"].tensor() : Tensor();
    const auto base = static_cast<std::int32_t>(features_.size());
    const auto count = static_cast<std::size_t>(nodes->shape[0]);
    roots_.push_back(base);
    for (std::size_t i = 0; i < count; ++i) {
      const bool leaf = is_leaf(i) != 0;
      const auto within = [](double v, double end) { return v >= 0 && v < end; };
      if (!leaf && !(within(left(i), static_cast<double>(count)) && within(right(i), static_cast<double>(count)) && within(feature(i), 0x1p31))) predictor.fail(Code::corrupt, format("node {} of {} leads out of the tree", i, count));
      features_.push_back(leaf ? -1 : static_cast<std::int32_t>(feature(i)));
      left_.push_back(leaf ? static_cast<std::int32_t>(values_.size()) : base + static_cast<std::int32_t>(left(i)));
      right_.push_back(leaf ? 0 : base + static_cast<std::int32_t>(right(i)));
      splits_.push_back(leaf ? 0 : threshold(i));
      const bool missing_left = !leaf && missing.exists() && missing(i) != 0;
      missing_left_.push_back(missing_left);
      category_sets_.push_back(-1);
      if (leaf) values_.push_back(value(i));
      if (!leaf && categorical.exists() && categorical(i) != 0) add_set(predictor, sets, bitset(i), features_.back(), missing_left);
    }
    nodes->source.release(nodes->data.bytes);
  }

  Expr sum(Expr x, std::size_t outputs, const std::vector<double>& base) {
    Attributes all;
    all["features"] = Tensor::vector(features_);
    all["left"] = Tensor::vector(left_);
    all["right"] = Tensor::vector(right_);
    all["splits"] = Tensor::vector(splits_);
    all["missing_left"] = Tensor::vector(missing_left_);
    all["values"] = Tensor::of<double>({static_cast<std::int64_t>(values_.size()), 1}, values_);
    all["roots"] = Tensor::vector(roots_);
    all["base"] = Tensor::vector(base);
    all["outputs"] = static_cast<std::int64_t>(outputs);
    std::vector<std::int32_t> targets;
    for (std::size_t t = 0; t < roots_.size(); ++t) targets.push_back(static_cast<std::int32_t>(t % outputs));
    all["targets"] = Tensor::vector(targets);
    if (!categories_.empty()) {
      all["category_sets"] = Tensor::vector(category_sets_);
      all["categories"] = Tensor::of<std::uint32_t>({static_cast<std::int64_t>(categories_.size() / 8), 8}, categories_);
    }
    return apply("decant", "TreeEnsemble", {x}, std::move(all));
  }

 private:
  /// Categories that go left: those of the node, and where missing values go left also those that training never saw.
  void add_set(const Object& predictor, const Tensor& sets, double index, std::int32_t feature, bool missing_left) {
    if (!sets.defined() || sets.rank() != 2 || sets.dim(1) != 8 || index >= static_cast<double>(sets.dim(0))) predictor.fail(Code::corrupt, format("no set {} of categories", index));
    const auto known = known_.find(feature);
    category_sets_.back() = static_cast<std::int32_t>(categories_.size() / 8);
    for (std::size_t w = 0; w < 8; ++w) {
      auto word = static_cast<std::uint32_t>(sets.integer(static_cast<std::size_t>(index) * 8 + w));
      if (missing_left && known != known_.end()) word |= ~known->second[w];
      categories_.push_back(word);
    }
  }

  std::map<std::int64_t, Bitset> known_;
  std::vector<std::int32_t> features_, left_, right_, roots_, category_sets_;
  std::vector<double> splits_, values_;
  std::vector<std::uint8_t> missing_left_;
  std::vector<std::uint32_t> categories_;
};

/// X as the trees see it: since 1.4 categories are encoded first and stand in front.
Expr histogram_input(Context& context, const Object& self, const Table& x) {
  if (self.set("_preprocessor")) {
    std::vector<Table> parts;
    for (const Object& t : self["_preprocessor"]["transformers_"].elements()) {
      const std::vector<Object> step = t.elements();
      if (step.size() < 3 || step[2].is_none()) continue;
      std::vector<std::int64_t> which;
      const std::vector<std::int64_t> mask = step[2].integers();
      for (std::size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] != 0) which.push_back(static_cast<std::int64_t>(i));
      }
      if (which.empty()) continue;
      // The other part, a FunctionTransformer of check_array, changes nothing.
      parts.push_back(step[0].is_text("encoder") ? context.transform(step[1], x.select(which)) : x.select(which));
    }
    return Table::joined(parts).matrix();
  }
  const Expr values = x.matrix();
  if (!self.set("is_categorical_")) return values;
  const std::vector<std::int64_t> mask = self["is_categorical_"].integers();
  Tensor categorical(DType::boolean, {1, static_cast<std::int64_t>(mask.size())});
  for (std::size_t i = 0; i < mask.size(); ++i) categorical.mutable_data<bool>()[i] = mask[i] != 0;
  // A negative category counts as missing (_predict_one_from_raw_data in _predictor.pyx).
  const Expr negative = logical_and(context.constant(categorical), less(values, values.scalar(0)));
  return where(negative, values.scalar(std::nan("")), values);
}

Expr histogram_scores(Context& context, const Object& self, const Table& x) {
  const std::vector<double> base = self["_baseline_prediction"].list();
  const auto outputs = static_cast<std::size_t>(self.integer("n_trees_per_iteration_", 1));
  if (outputs == 0 || (base.size() != outputs && base.size() != 1)) self.fail(Code::corrupt, format("{} baseline values for {} outputs", base.size(), outputs));
  HistogramForest forest(self);
  for (const Object& stage : self["_predictors"].elements()) {
    const std::vector<Object> trees = stage.elements();
    if (trees.size() != outputs) self.fail(Code::corrupt, format("{} trees in a stage of {}", trees.size(), outputs));
    for (const Object& tree : trees) forest.add(tree);
  }
  return forest.sum(histogram_input(context, self, x), outputs, base.size() == outputs ? base : std::vector<double>(outputs, base[0]));
}

Result histogram_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  if (method == Method::decision_function) {
    const Expr raw = histogram_scores(context, self, x);
    return raw.dim(1) == 1 ? squeeze(raw, 1) : raw;
  }
  const Expr raw = context.value(self, Method::decision_function, x);
  const bool binary = raw.type().rank() == 1u;
  if (method == Method::predict_proba) return binary ? two_columns(sigmoid(raw)) : softmax(raw);
  return labels_by_score(context, classes_of(self), raw);
}

Result histogram_regressor(Context& context, const Object& self, Method, const Table& x) {
  const Expr raw = squeeze(histogram_scores(context, self, x), 1);
  const std::string loss = self.text("loss", "squared_error");
  return loss == "poisson" || loss == "gamma" ? exp(raw) : raw;  // their link is the logarithm
}

bool has_probabilities(Context&, const Object& self, Method method) {
  if (method != Method::predict_proba && method != Method::predict_log_proba) return true;
  const std::string loss = self.text("loss", "deviance");
  return loss == "deviance" || loss == "log_loss" || loss == "exponential";
}

}  // namespace

DECANT_AT_START std::span<const Estimator> boosting_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"GradientBoostingClassifier", {Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function, Method::apply}, gradient_boosting_classifier, has_probabilities},
      {"GradientBoostingRegressor", {Method::predict, Method::apply}, gradient_boosting_regressor},
      {"HistGradientBoostingClassifier", kScoringClassifier, histogram_classifier},
      {"HistGradientBoostingRegressor", kRegressor, histogram_regressor},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
