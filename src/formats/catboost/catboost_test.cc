// SPDX-License-Identifier: Apache-2.0
// Lies in files of CatBoost: each is an error that says where and what, none is endless. The honest files are golden cases.
#include <gtest/gtest.h>

#include "exec/session.h"
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
  EXPECT_SAYS(lie("\"flat_feature_index\":", "\"flat_feature_index\":900000", every), "limit: ");  // millions of columns, each an input
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

/// What reading the model, and then running it where `inputs` are given, say where bytes behind the last `mark` are others.
std::string patched(const char* file, std::string_view mark, std::size_t at, std::string_view with, const std::vector<Tensor>& inputs = {}) {
  std::string bytes = golden(format("boosters/boosters/{}", file));
  bytes.replace(bytes.rfind(mark) + at, with.size(), with);
  return testing::error_of([&] {
    const auto model = std::make_shared<const Model>(find_format("catboost")->read(testing::source_of(bytes, "m.cbm"), {}));
    if (!inputs.empty()) Session(model, {}).run(inputs);
  });
}

TEST(CatboostMalformed, Texts) {
  using namespace std::string_view_literals;
  const char* file = "cat_text_naivebayes.cbm";
  EXPECT_SAYS(patched(file, "text_process_v2", 0, "text_process_v9"), "unsupported: features made by \"text_process_v9");
  EXPECT_SAYS(patched(file, "TokenizerV1", 0, "TokenizerV9"), "corrupt: holds something else where TokenizerV1 should stand");
  EXPECT_SAYS(patched(file, "TokenizerV1", 33, "\1"sv), "unsupported: a tokenizer that lemmatizes");
  EXPECT_SAYS(patched(file, "TokenizerV1", 34, "\7"sv), "corrupt: what to do with numbers is 7");
  EXPECT_SAYS(patched(file, "TokenizerV1", 38, "\xff\xff\xff\x7f"sv), "truncated: needs 2147483647 bytes");
  EXPECT_SAYS(patched(file, "TokenizerV1", 46, "\1"sv), "unsupported: a tokenizer that splits by sense");
  EXPECT_SAYS(patched(file, "DictionaryV1", 0, "DictionaryV9"), "corrupt: holds something else where DictionaryV1 should stand");
  EXPECT_SAYS(patched(file, "MMapDictionary", 24, "\xff\xff\xff\x7f"sv), "truncated: needs 2147483647 bytes");
  EXPECT_SAYS(patched(file, "FeatureCalcerV1", 20, "\xff\xff\xff\x7f"sv), "truncated: needs 2147483647 bytes");
  EXPECT_SAYS(patched(file, "FeatureCalcerV1", 0, "FeatureCalcerV9"), "corrupt: holds something else where FeatureCalcerV1 should stand");
}

TEST(CatboostMalformed, Embeddings) {
  using namespace std::string_view_literals;
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "embed_process_1", 0, "embed_process_2"), "unsupported: features made by \"embed_process_2");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 0, "EmbedCalcerV2"), "corrupt: holds something else where EmbedCalcerV1 should stand");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 20, "\xff\xff\xff\x7f"sv), "truncated: needs 2147483647 bytes");
  // Behind the table of 0x5c bytes stand the number of targets and the targets, then the graph.
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c, "\xc9"sv), "corrupt: targets of 201 vectors");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 4, "\x09"sv), "corrupt: class 9 of 2");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 804, "\xff\xff\xff\x7f"sv), "truncated: states 2147483647 items");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 812, "\xff\xff\xff\x7f"sv), "truncated: states 2147483647 items");
  // A row; the graph's levels and neighbours are checked when it is made ready.
  const std::vector<Tensor> row{Tensor::of<double>({1, 1}, std::vector<double>{0}), Tensor::of<double>({1, 4}, std::vector<double>(4, 0))};
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 828, "\xff\xff\xff\x7f"sv, row), "corrupt: a level of 2147483647 vectors on one of 64");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 848, "\xff\xff\xff\x7f"sv, row), "corrupt: neighbour 2147483647 of 200");
  EXPECT_SAYS(patched("cat_embedding_knn.cbm", "EmbedCalcerV1", 28 + 0x5c + 848, "\xff\xff\xff\xff"sv, row), "corrupt: neighbour -1 of 200");
}

TEST(CatboostMalformed, CutAndFlipped) {
  for (const char* file : {"cat_binary_json.json", "cat_lossguide_json.json", "cat_binary_cbm.cbm", "cat_lossguide_cbm.cbm", "cat_categories_cbm.cbm", "cat_categories_json.json", "cat_text_naivebayes.cbm",
                           "cat_text_bm25_multi.cbm", "cat_embedding_knn.cbm", "cat_embedding_lda_lines.cbm", "cat_embedding_mixed.cbm"}) {
    testing::cut_and_flip("catboost", golden(format("boosters/boosters/{}", file)));
  }
  testing::cut_and_flip("pickle", golden("boosters/boosters/cat_regressor.pkl"));
}

}  // namespace
}  // namespace decant
