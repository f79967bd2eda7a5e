// SPDX-License-Identifier: Apache-2.0
// Lies in files of CatBoost: each is an error that says where and what, none is endless. The honest files are golden cases.
#include <gtest/gtest.h>

#include "formats/malformed_test.h"

namespace decant {
namespace {

using testing::golden;

std::string error_of_bytes(const std::string& bytes) {
  return testing::error_of([&] { find_format("catboost")->read(testing::source_of(bytes, "m.cbm"), {}); });
}
std::string lie(std::string_view from, std::string_view to, const char* file = "cat_binary_json.json") {
  std::string text = golden(format("boosters/boosters/{}", file));
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return format("the model has no {}", from);
  text.replace(at, from.size(), to);
  return error_of_bytes(text);
}

#define EXPECT_SAYS(error, words) EXPECT_NE((error).find(words), std::string::npos) << (error)

TEST(CatboostMalformed, Lies) {
  EXPECT_SAYS(lie("\"split_index\":", "\"split_index\":999"), "corrupt: split 999");
  EXPECT_SAYS(lie("\"flat_feature_index\":", "\"flat_feature_index\":9999999"), "corrupt: column 9999999");
  EXPECT_SAYS(lie("\"leaf_values\":", "\"leaf_values\":[1],\"others\":"), "1 leaf values for 16 leaves and 1 outputs");
  EXPECT_SAYS(lie("\"scale_and_bias\":", "\"scale_and_bias\":{},\"others\":"), "corrupt");
  EXPECT_SAYS(lie("\"left\":", "\"lost\":", "cat_lossguide_json.json"), "corrupt: has no \"left\"");
}

TEST(CatboostMalformed, Categories) {
  const char* every = "cat_categories_every_json.json";
  EXPECT_SAYS(lie("\"ctr_type\":\"Borders\"", "\"ctr_type\":\"Wishes\"", every), "unsupported: a statistic called Wishes");
  EXPECT_SAYS(lie("\"hash_stride\":", "\"hash_stride\":9", every), "cells in rows of 9");
  EXPECT_SAYS(lie("\"hash_map\":", "\"hash_map\":[\"a\",1,2],\"others\":", every), "a hash that is no number");
  EXPECT_SAYS(lie("\"ctr_data\":", "\"ctr_data\":{},\"others\":", every), "corrupt: a statistic without its table");
  EXPECT_SAYS(lie("\"target_border_idx\":", "\"target_border_idx\":7", "cat_categories_multi_json.json"), "a statistic of class 7");
  EXPECT_SAYS(lie("\"cat_feature_index\":", "\"cat_feature_index\":9", every), "counts by feature 9");
  EXPECT_SAYS(lie("\"values\":", "\"values\":[1],\"others\":", "cat_categories_one_hot_json.json"), "corrupt: split ");
}

TEST(CatboostMalformed, Binary) {
  std::string bytes = golden("boosters/boosters/cat_binary_cbm.cbm");
  EXPECT_EQ(error_of_bytes(bytes), "no error");
  std::string longer = bytes;
  longer[7] = '\x7f';  // the length of the table
  EXPECT_SAYS(error_of_bytes(longer), "truncated: needs");
  std::string other = bytes;
  other.replace(other.find("FlabuffersModel_v1"), 18, "FlabuffersModel_v9");
  EXPECT_SAYS(error_of_bytes(other), "unsupported: the version \"FlabuffersModel_v9\"");
  std::string root = bytes;
  root.replace(8, 4, "\xff\xff\xff\x7f");
  EXPECT_SAYS(error_of_bytes(root), "truncated");
}

TEST(CatboostMalformed, CutAndFlipped) {
  for (const char* file : {"cat_binary_json.json", "cat_lossguide_json.json", "cat_binary_cbm.cbm", "cat_lossguide_cbm.cbm", "cat_categories_cbm.cbm", "cat_categories_json.json"}) {
    testing::cut_and_flip("catboost", golden(format("boosters/boosters/{}", file)));
  }
  testing::cut_and_flip("pickle", golden("boosters/boosters/cat_regressor.pkl"));
}

}  // namespace
}  // namespace decant
