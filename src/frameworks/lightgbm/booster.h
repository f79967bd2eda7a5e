// SPDX-License-Identifier: Apache-2.0
// LightGBM: a booster as its text describes it (src/boosting/gbdt_model_text.cpp and src/io/tree.cpp of LightGBM 2.3 to 4.7), and what it
// computes. The text is the same in a file and in a pickle.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frameworks/category_codes.h"
#include "io/cursor.h"
#include "ir/model.h"
#include "ops/expr.h"

namespace decant::lightgbm {

constexpr int kCategorical = 1, kDefaultLeft = 2, kMissingShift = 2;  // bits of decision_type; from kMissingShift on the kind of missing values
enum class Missing : std::uint8_t { none, zero, nan };

struct Tree {
  std::vector<double> leaf_value;
  std::vector<std::int32_t> split_feature, left_child, right_child;  // a child below 0 is the leaf ~child
  std::vector<double> threshold;
  std::vector<std::int32_t> decision_type;
  std::vector<std::int32_t> cat_boundaries;
  std::vector<std::uint32_t> cat_threshold;
  bool is_linear = false;
  std::vector<double> leaf_const, leaf_coeff;
  std::vector<std::int32_t> num_features, leaf_features;
};

struct Booster {
  Source source;  // for its place in messages, and its budget
  std::string version;
  std::int64_t num_class = 1, trees_per_iteration = 1, num_feature = 0;
  std::string objective;                  // its first word; "" where there is none
  std::vector<std::string> options;       // the other words
  bool average_output = false;
  std::vector<std::string> feature_names;  // empty where LightGBM made them up
  std::vector<std::string> feature_infos;
  std::vector<Tree> trees;
  std::vector<CategoryList> pandas_categorical;  // for each column that was a category in the data frame, in their order
  std::optional<std::int64_t> best_iteration;    // of a pickled booster

  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, source.where(), text); }
  /// For each feature its categories; empty where no column is to be looked up.
  std::vector<CategoryList> categories() const;
};

bool recognise(Bytes bytes);
Booster parse(const Source& source);

/// Rows [N, num_feature] of float64 from one column after the other; `column(i, text)` gives column i as texts or as float64, [N, 1].
template <class Column>
Expr coded_rows(const Booster& booster, Column&& column) {
  const std::vector<CategoryList> known = booster.categories();
  std::vector<Expr> columns;
  for (std::size_t i = 0; i < static_cast<std::size_t>(booster.num_feature); ++i) {
    const Expr values = column(i, known[i].is_text());
    columns.push_back(known[i].empty() ? cast(values, DType::float64) : category_codes(values, known[i], ""));
  }
  return concat(columns, 1);
}

/// The untransformed answer [N, trees_per_iteration] for rows of float64, up to best_iteration.
Expr raw_score(const Booster& booster, Expr x);
/// The leaf that a row ends in of each tree, as predict with pred_leaf gives it: int32 [N, trees]; [N] of one tree where the text is
/// older than version 4 (as LightGBM up to 4.0 gave it).
Expr leaves(const Booster& booster, Expr x);
/// What predict() gives for it: [N], or [N, classes].
Expr transformed(const Booster& booster, Expr raw);
bool has_transformation(const Booster& booster);

/// A booster by itself: predict, raw_score where that is something else, and where it is named in `outputs` apply (pred_leaf).
Model read(const Booster& booster, const std::vector<std::string>& outputs = {});

}  // namespace decant::lightgbm
