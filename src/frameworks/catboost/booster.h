// SPDX-License-Identifier: Apache-2.0
// CatBoost: a model as its files describe it (catboost/libs/model/flatbuffers/*.fbs, catboost/libs/model/model_export/json_model_helpers.cpp
// of CatBoost 1.2), and what it computes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/cursor.h"
#include "ir/model.h"
#include "ops/expr.h"

namespace decant::catboost {

enum class NanTreatment : std::uint8_t { as_is = 0, as_false = 1, as_true = 2 };

struct FloatFeature {
  std::int64_t index = 0, flat_index = 0;  // among those of its kind, and among all columns
  std::vector<float> borders;
  NanTreatment nan = NanTreatment::as_is;
  std::string name;
};

/// A column of texts, known by their hashes (decant.CategoryHash).
struct CatFeature {
  std::int64_t index = 0, flat_index = 0;
  std::string name;
  std::vector<std::int32_t> values;  // those that splits ask for one by one
};

/// What rows are counted by: categories, and answers to questions, together.
struct Projection {
  struct Above {
    std::int32_t feature = 0;  // a float feature
    float border = 0;
  };
  struct Equal {
    std::int32_t feature = 0, value = 0;  // a category
  };
  std::vector<std::int32_t> categories;
  std::vector<Above> above;
  std::vector<Equal> equal;
};

inline constexpr std::uint64_t kNoHash = ~std::uint64_t{0};  // stands in places of a table where nothing is

/// What was counted for each projected row of training, by its hash (TCtrValueTable).
struct CtrTable {
  std::vector<std::int64_t> hashes;
  std::vector<std::int32_t> counts;  // [rows, width]: of each class of the target, or of all rows (width 1)
  std::vector<float> sums;           // [rows], of the target; empty where only rows are counted
  std::size_t width = 1;
  std::int32_t denominator = 0;
};

/// A statistic of such a table as a feature (TCtrFeature).
struct CtrFeature {
  enum class Type : std::uint8_t { borders, buckets, binarized_mean, float_mean, counter, frequency };
  Projection projection;
  Type type = Type::borders;
  std::string table;  // its key in Booster::tables
  std::int32_t target_border = 0;
  float prior = 0, prior_count = 1, shift = 0, scale = 1;
  std::vector<float> borders;
};
std::optional<CtrFeature::Type> ctr_type(std::string_view name);

/// A column of texts or of embeddings (vectors), looked at by estimators only.
struct SourceFeature {
  std::int64_t index = 0, flat_index = 0;
  std::int64_t dimension = -1;  // of an embedding, as its estimators take it; -1: it has none
  std::string name;
};

/// Makes `width` numbers of one such column (TTextFeatureCalcer, TEmbeddingFeatureCalcer): by an operator of ours.
struct Estimator {
  std::string id;
  std::int64_t column = 0;  // of the table
  std::size_t width = 0, zeros = 0;  // the last of them are always 0
  std::string op;
  Attributes attributes;
};

/// Number `local` of those that an estimator makes (TEstimatedFeature).
struct EstimatedFeature {
  std::string estimator;
  std::int64_t local = 0;
  std::vector<float> borders;
};

/// What a column of the table holds.
enum class Kind : std::uint8_t { number, text, embedding };

/// One yes-or-no question about a column of rows(): is it above `border`, or is it the category `member`?
struct Split {
  std::int64_t column = 0;
  float border = 0;
  bool nan_is_true = false;
  std::int32_t member = -1;
};

/// All nodes of one level ask the same: leaf i is where question k was answered by bit k of i.
struct ObliviousTree {
  std::vector<Split> splits;
  std::vector<double> values;  // [leaves, dimension]
};

struct Node {
  Split split;
  std::int64_t yes = -1, no = -1;  // nodes; -1: this is a leaf
  std::vector<double> values;
  std::size_t leaf = 0;  // its number among the leaves
};

struct Booster {
  Source source;  // for its place in messages, and its budget
  std::int64_t columns = 0;
  std::vector<std::string> names;  // of the columns; empty where they have none
  std::vector<FloatFeature> floats;
  std::vector<CatFeature> categories;
  std::vector<std::size_t> one_hot;  // of `categories`, those whose values are asked for, in the order of their questions
  std::vector<SourceFeature> texts, embeddings;
  std::vector<Estimator> estimators;
  std::vector<EstimatedFeature> estimated;
  std::vector<CtrFeature> ctrs;
  std::map<std::string, CtrTable, std::less<>> tables;
  std::size_t dimension = 1;
  std::vector<ObliviousTree> oblivious;      // one of the two
  std::vector<std::vector<Node>> trees;      // node 0 is the root
  double scale = 1;
  std::vector<double> bias;
  std::string loss;
  std::vector<std::string> class_names;      // in the order of the answers
  std::string class_type;                    // Integer, Float, String, Boolean
  double border = 0.5;                       // of the probability, for two classes

  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, source.where(), text); }
};

enum class Encoding : std::uint8_t { none, json, binary };
Encoding recognise(Bytes bytes);
Booster parse(const Source& source);
Booster parse_json_model(const Source& source);
Booster parse_binary_model(const Source& source);

// Shared by both encodings.
void add_feature(Booster& booster, FloatFeature feature);
void add_feature(Booster& booster, CatFeature feature);
/// All questions that splits may ask, in the order in which they are numbered.
std::vector<Split> questions(const Booster& booster);
void add_feature(Booster& booster, std::vector<SourceFeature>& kind, SourceFeature feature);
/// The estimators of texts or of embeddings, behind the model and its tables (TTextProcessingCollection, TEmbeddingProcessingCollection).
void read_estimators(Cursor& cursor, Booster& booster);
/// What the training parameters and the classes, both as JSON, say.
void read_parameters(Booster& booster, const Source& json);
/// What a sum of models says instead: its loss alone.
void read_loss(Booster& booster, const Source& json);
void read_classes(Booster& booster, const Source& json);

/// Whether columns are inputs of their own, because some hold texts or vectors.
bool by_column(const Booster& booster);
/// The columns that trees look at, float32 [N, …]: those of the table, behind them what estimators make, and one for each CTR feature.
/// `column(i, kind)` gives column i of the table, [N, 1] or an embedding's [N, dimension].
Expr rows(const Booster& booster, const std::function<Expr(std::size_t, Kind)>& column);
/// The untransformed answer [N, dimension].
Expr raw_values(const Booster& booster, Expr rows);
/// The leaf that a row ends in of each tree, uint32 [N, trees] (calc_leaf_indexes).
Expr leaves(const Booster& booster, Expr rows);

/// What the estimator that was trained for this loss gives for it.
struct Answers {
  Expr predict, predict_proba;  // the latter only of classifiers
};
Answers answers(const Booster& booster, Expr raw);
/// The labels of predict_proba's columns; undefined where there are none or the model does not hold them.
Tensor classes_of(const Booster& booster);

/// A model by itself: what its estimator answers, the untransformed answer, and where it is named in `outputs` apply (calc_leaf_indexes).
Model read(const Booster& booster, const std::vector<std::string>& outputs = {});

}  // namespace decant::catboost
