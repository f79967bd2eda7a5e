// SPDX-License-Identifier: Apache-2.0
// Lies in texts of LightGBM: each is an error that says where and what, none is endless. The honest files are golden cases.
#include <gtest/gtest.h>

#include "formats/malformed_test.h"

namespace decant {
namespace {

using testing::golden;

std::string error_of_text(const std::string& text) {
  return testing::error_of([&] { find_format("lightgbm")->read(testing::source_of(text, "m.txt"), {}); });
}

/// A model as if of version 2, which states no sizes.
std::string honest(const char* file) {
  std::string text = golden(format("boosters/boosters/{}", file));
  text.replace(text.find("version=v4"), 10, "version=v2");
  const std::size_t sizes = text.find("tree_sizes=");
  return text.erase(sizes, text.find('\n', sizes) - sizes);
}

/// The error after the first `from` in a model became `to`.
std::string lie(std::string_view from, std::string_view to, const char* file = "lgb_stumps.txt") {
  std::string text = honest(file);
  const std::size_t at = std::string_view(file) == "lgb_linear.txt" ? text.rfind(from) : text.find(from);  // the first tree is constant
  if (at == std::string::npos) return format("the model has no {}", from);
  text.replace(at, from.size(), to);
  return error_of_text(text);
}

#define EXPECT_SAYS(error, words) EXPECT_NE((error).find(words), std::string::npos) << (error)

TEST(LightgbmMalformed, Lies) {
  EXPECT_SAYS(lie("left_child=-1", "left_child=0"), "corrupt: tree 0: node 0 is reached twice");
  EXPECT_SAYS(lie("left_child=-1", "left_child=7"), "corrupt: tree 0: node 0 has child 7 of 1 inner nodes");
  EXPECT_SAYS(lie("left_child=-1", "left_child=-9"), "corrupt: tree 0: node 0 has child 9 of 3 nodes");
  EXPECT_SAYS(lie("left_child=-1", "left_child=-2147483648"), "corrupt: tree 0: node 0 has child");
  EXPECT_SAYS(lie("left_child=-1", "left_child=-1 -1"), "tree 0: left_child has 2 numbers, not 1");
  EXPECT_SAYS(lie("left_child=-1", "left_child=one"), "tree 0: left_child holds \"one\"");
  EXPECT_SAYS(lie("num_leaves=2", "num_leaves=1000000000"), "leaf_value is too short for 1000000000 numbers");
  EXPECT_SAYS(lie("num_leaves=2", "num_leaves=0"), "a tree with 0 leaves");
  EXPECT_SAYS(lie("num_cat=0", "num_cat=1"), "tree 0 has no cat_boundaries");
  EXPECT_SAYS(lie("split_feature=", "split_feature=9"), "node 0 asks for feature 9");
  EXPECT_SAYS(lie("max_feature_idx=5", "max_feature_idx=4"), "6 feature_names and 6 feature_infos for 5 features");
  EXPECT_SAYS(lie("max_feature_idx=5", "max_feature_idx=9223372036854775807"), "max_feature_idx is 9223372036854775807");
  EXPECT_SAYS(lie("max_feature_idx=5", "max_feature_idx=99999999"), "max_feature_idx is 99999999");
  EXPECT_SAYS(lie("num_tree_per_iteration=1", "num_tree_per_iteration=2"), "3 trees, 2 of them an iteration");
  EXPECT_SAYS(lie("num_class=1", "num_class=0"), "corrupt: 0 classes");
  EXPECT_SAYS(lie("objective=regression", "objective=mine"), "unsupported: the objective \"mine\"");
  EXPECT_SAYS(lie("leaf_value=", "leaf_values="), "tree 0 has no leaf_value");
  EXPECT_SAYS(lie("pandas_categorical:null", "pandas_categorical:[["), "truncated");
}

TEST(LightgbmOld, TextsOf2017StateLess) {
  const auto without = [](std::string text, std::string_view key) {
    for (std::size_t at; (at = text.find(key)) != std::string::npos;) text.erase(at, text.find('\n', at) + 1 - at);
    return text;
  };
  const std::string old = without(without(without(honest("lgb_stumps.txt"), "num_cat="), "version="), "decision_type=");
  EXPECT_EQ(error_of_text(old), "no error");
  EXPECT_EQ(error_of_text(without(old, "feature_infos=")), "no error");
  EXPECT_SAYS(error_of_text(without(honest("lgb_stumps.txt"), "feature_infos=")), "has no feature_infos");
  const std::string binary = without(without(without(honest("lgb_binary.txt"), "num_cat="), "version="), "feature_infos=");
  EXPECT_SAYS(error_of_text(binary), "unsupported: probabilities of a LightGBM before feature_infos");
  EXPECT_SAYS(error_of_text(without(honest("lgb_categories.txt"), "num_cat=")), "unsupported: splits by category of a LightGBM before num_cat");
}

TEST(LightgbmMalformed, SizesLie) {
  EXPECT_EQ(error_of_text(honest("lgb_stumps.txt")), "no error");
  std::string text = golden("boosters/boosters/lgb_stumps.txt");
  text.insert(text.find("leaf_value=") + 13, "123");
  EXPECT_SAYS(error_of_text(text), "truncated: tree 0 ends here, by the stated sizes at");
  text = golden("boosters/boosters/lgb_stumps.txt");
  text.insert(text.find("tree_sizes=") + 11, "-");
  EXPECT_SAYS(error_of_text(text), "corrupt: a tree of -");
}

TEST(LightgbmMalformed, CategoriesAndLinearLeavesLie) {
  EXPECT_SAYS(lie("cat_boundaries=0", "cat_boundaries=1", "lgb_categories.txt"), "cat_boundaries do not rise from 0");
  EXPECT_SAYS(lie("cat_boundaries=0", "cat_boundaries=0 999999999", "lgb_categories.txt"), "corrupt");
  EXPECT_SAYS(lie("num_features=", "num_features=-", "lgb_linear.txt"), "a leaf with -");
  EXPECT_SAYS(lie("leaf_features=", "leaf_features=77 ", "lgb_linear.txt"), "corrupt");
}

TEST(LightgbmMalformed, CutAndFlipped) {
  // Up to the last tree a cut is noticed; what follows is importances and parameters.
  for (const char* file : {"lgb_stumps.txt", "lgb_categories.txt", "lgb_linear.txt"}) {
    const std::string whole = golden(format("boosters/boosters/{}", file));
    testing::cut_and_flip("lightgbm", whole.substr(0, whole.find("end of trees")));
    testing::cut_and_flip("lightgbm", whole, false);
  }
}

}  // namespace
}  // namespace decant
