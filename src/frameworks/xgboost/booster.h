// SPDX-License-Identifier: Apache-2.0
// XGBoost: a booster as its files describe it (src/learner.cc, src/gbm/*_model.cc, src/tree/tree_model.cc of versions 0.90 to 3.4), and
// what it computes. The vessels differ (JSON, UBJSON, the binary format that 3.1 gave up, the bytes in a pickle); the booster is one.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frameworks/category_codes.h"
#include "io/cursor.h"
#include "ir/model.h"
#include "ops/expr.h"

namespace decant::xgboost {

struct Tree {
  std::vector<std::int32_t> left, right;     // -1: none, so a leaf
  std::vector<std::uint32_t> feature;
  std::vector<float> condition;              // of a leaf its value
  std::vector<std::uint8_t> default_left;
  std::map<std::int32_t, std::vector<std::uint32_t>> categories;  // of a node: bits of those that go right
  std::vector<float> vectors;                // of a tree with leaves of several values: all of them
  bool leaf_numbered = false;                // since 3.2 the right child of such a leaf is its row in `vectors`; before, its own number is
};

struct Version {
  int major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

struct Booster {
  Source source;  // for its place in messages, and its budget
  Version version;
  std::string kind;       // gbtree, dart, gblinear
  std::string objective;
  std::int64_t num_feature = 0, num_class = 0, num_target = 1;
  std::vector<float> base_score;  // as the user gives it; before 1.0 it is a margin already
  std::vector<Tree> trees;
  std::vector<std::int32_t> groups;         // of each tree: the output that it adds to
  std::vector<float> drop_weights;          // of DART
  std::vector<std::int64_t> rounds;         // trees before round i, and at the end their number
  std::vector<float> weights;               // of gblinear: [num_feature + 1, outputs], the bias last
  std::map<std::string, std::string, std::less<>> attributes;
  std::vector<std::string> feature_names, feature_types;
  std::vector<CategoryList> categories;     // for each feature, where version 3.1 or newer stored them

  std::size_t outputs() const { return static_cast<std::size_t>(std::max<std::int64_t>({num_class, num_target, 1})); }
  /// How many rounds the scikit-learn wrapper and early stopping mean; nothing: all.
  std::optional<std::int64_t> best_rounds() const;
  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, source.where(), text); }
};

enum class Encoding : std::uint8_t { none, json, ubjson, binary };
/// What the first bytes are: a document that begins like a booster's, or the binary format's parameters.
Encoding recognise(Bytes bytes);

/// A saved model (save_model, save_raw) in any encoding, or what a pickled Booster holds: model and configuration together.
Booster parse(const Source& source);

// The parts of parse().
Booster parse_document(const Source& source, Encoding encoding);
Booster parse_binary(const Source& source);
/// Checks what all encodings must satisfy, and fills in what old ones leave out; parallel_trees is 0 where the file does not say.
void complete(Booster& booster, std::int64_t parallel_trees);

/// The untransformed answer [N, outputs] for rows of float32, by the first `rounds` rounds (nothing: all). `in_place`: as
/// Booster.inplace_predict rounds it, which differs for DART.
Expr margin(const Booster& booster, Expr x32, std::optional<std::int64_t> rounds = std::nullopt, bool in_place = false);
/// The node that a row ends in of each tree of the first `rounds` rounds, as pred_leaf gives it: [N, trees], or [N] of one tree; float32
/// since 1.4, int32 before.
Expr leaves(const Booster& booster, Expr x32, std::optional<std::int64_t> rounds = std::nullopt);
/// What predict() gives for a margin: [N], or [N, outputs] where there are several.
Expr transformed(const Booster& booster, Expr margin);
bool has_transformation(const Booster& booster);

/// Rows [N, num_feature] of float32 from one column after the other; `column(i, text)` gives column i as texts or as float64, [N, 1].
template <class Column>
Expr coded_rows(const Booster& booster, Column&& column) {
  std::vector<Expr> columns;
  for (std::size_t i = 0; i < static_cast<std::size_t>(booster.num_feature); ++i) {
    const CategoryList* known = i < booster.categories.size() && !booster.categories[i].empty() ? &booster.categories[i] : nullptr;
    const Expr values = column(i, known != nullptr && known->is_text());
    columns.push_back(cast(known != nullptr ? category_codes(values, *known, "a category that is not in the training set") : values, DType::float32));
  }
  return concat(columns, 1);
}
/// Whether some column holds categories that are texts, or any that must be looked up.
bool has_text_categories(const Booster& booster);
bool has_categories(const Booster& booster);

/// A booster by itself: predict, output_margin where that is something else, and where it is named in `outputs` apply (pred_leaf).
Model read(const Booster& booster, const std::vector<std::string>& outputs = {});

}  // namespace decant::xgboost
