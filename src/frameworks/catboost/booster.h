// SPDX-License-Identifier: Apache-2.0
// CatBoost: a model as its files describe it (catboost/libs/model/flatbuffers/*.fbs, catboost/libs/model/model_export/json_model_helpers.cpp
// of CatBoost 1.2), and what it computes. Features that are counted from categories (CTR), from texts or from embeddings are refused.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/cursor.h"
#include "ir/model.h"

namespace decant::catboost {

enum class NanTreatment : std::uint8_t { as_is = 0, as_false = 1, as_true = 2 };

struct FloatFeature {
  std::int64_t flat_index = 0;
  std::vector<float> borders;
  NanTreatment nan = NanTreatment::as_is;
  std::string name;
};

/// One yes-or-no question: is column `flat_index` above `border`?
struct Split {
  std::int64_t flat_index = 0;
  float border = 0;
  bool nan_is_true = false;
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
};

struct Booster {
  Source source;  // for its place in messages, and its budget
  std::int64_t columns = 0;
  std::vector<std::string> names;  // of the columns; empty where they have none
  std::vector<FloatFeature> floats;
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
void add_float_feature(Booster& booster, FloatFeature feature);
void refuse_features(const Booster& booster, std::size_t count, std::string_view what);
/// What the training parameters and the classes, both as JSON, say.
void read_parameters(Booster& booster, const Source& json);
void read_classes(Booster& booster, const Source& json);

Model read(const Booster& booster);

}  // namespace decant::catboost
