// SPDX-License-Identifier: Apache-2.0
// Lies in files of XGBoost: each is an error that says where and what, none is endless. The honest files are golden cases.
#include <gtest/gtest.h>

#include "formats/malformed_test.h"
#include "frameworks/xgboost/booster.h"

namespace decant {
namespace {

using testing::golden;

Model read(const std::string& bytes) { return find_format("xgboost")->read(testing::source_of(bytes, "m.json"), {}); }

/// The error after `from` in a small JSON model became `to`.
std::string lie(std::string_view from, std::string_view to) {
  std::string text = golden("boosters/boosters/xgb_stumps.json");
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return format("the model has no {}", from);
  text.replace(at, from.size(), to);
  return testing::error_of([&] { read(text); });
}

TEST(XgboostMalformed, Lies) {
  EXPECT_NE(lie("\"left_children\":[1,-1,-1]", "\"left_children\":[1,0,-1]").find("corrupt: tree 0: node 0 is reached twice"), std::string::npos);
  EXPECT_NE(lie("\"left_children\":[1,-1,-1]", "\"left_children\":[9,-1,-1]").find("node 0 has child 9 of 3 nodes"), std::string::npos);
  EXPECT_NE(lie("\"left_children\":[1,-1,-1]", "\"left_children\":[1,-1]").find("num_nodes is 3, left_children has 2"), std::string::npos);
  EXPECT_NE(lie("\"right_children\":[2,-1,-1]", "\"right_children\":[1,-1,-1]").find("node 1 is reached twice"), std::string::npos);
  EXPECT_NE(lie("\"right_children\":[2,-1,-1]", "\"right_children\":[2,-1,\"x\"]").find("corrupt"), std::string::npos);
  EXPECT_NE(lie("\"num_feature\":\"6\",\"num_target\"", "\"num_feature\":\"0\",\"num_target\"").find("of 0"), std::string::npos);
  EXPECT_NE(lie("\"num_feature\":\"6\",\"num_target\"", "\"num_feature\":\"99999999999\",\"num_target\"").find("num_feature is 99999999999"), std::string::npos);
  EXPECT_NE(lie("\"num_class\":\"0\"", "\"num_class\":\"2147483647\"").find("2147483647 classes"), std::string::npos);
  EXPECT_NE(lie("\"num_trees\":\"3\"", "\"num_trees\":\"4\"").find("num_trees is 4, there are 3"), std::string::npos);
  EXPECT_NE(lie("\"id\":1", "\"id\":0").find("tree 0 of 3"), std::string::npos);
  EXPECT_NE(lie("\"tree_info\":[0,0,0]", "\"tree_info\":[0,1,0]").find("tree 1 adds to output 1 of 1"), std::string::npos);
  EXPECT_NE(lie("\"tree_info\":[0,0,0]", "\"tree_info\":[0,0]").find("tree_info has 2 entries for 3 trees"), std::string::npos);
  EXPECT_NE(lie("\"iteration_indptr\":[0,1,2,3]", "\"iteration_indptr\":[0,3,1,3]").find("iteration_indptr"), std::string::npos);
  EXPECT_NE(lie("reg:squarederror", "my:objective").find("unsupported: the objective \"my:objective\""), std::string::npos);
  EXPECT_NE(lie("\"name\":\"gbtree\"", "\"name\":\"gbmagic\"").find("a booster of the kind \"gbmagic\""), std::string::npos);
  EXPECT_NE(lie("\"learner_model_param\"", "\"learner_model_parax\"").find("has no \"learner_model_param\""), std::string::npos);
}

TEST(XgboostMalformed, CategoriesLie) {
  const std::string honest = golden("boosters/boosters/xgb_categories_partition_json.json");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = honest;
    text.replace(text.find(from), from.size(), to);
    return testing::error_of([&] { read(text); });
  };
  EXPECT_NE(with("\"categories_segments\":[0", "\"categories_segments\":[9999999").find("corrupt: categories 9999999+"), std::string::npos);
  EXPECT_NE(with("\"categories_sizes\":[", "\"categories_sizes\":[0,").find("segments"), std::string::npos);
  EXPECT_NE(with("\"categories\":[", "\"categories\":[16777216,").find("corrupt"), std::string::npos);
}

TEST(XgboostMalformed, CutAndFlipped) {
  for (const char* name : {"boosters/xgb_stumps.json", "boosters/xgb_forest_multi.ubj", "boosters-2020/xgb_binary_saved_binary.model", "boosters-2020/xgb_dart_binary.model"}) {
    testing::cut_and_flip("xgboost", golden(format("boosters/{}", name)));
  }
}

}  // namespace
}  // namespace decant
