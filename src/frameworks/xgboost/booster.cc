// SPDX-License-Identifier: Apache-2.0
#include "frameworks/xgboost/booster.h"

#include <algorithm>

#include "base/text.h"
#include "codecs/document/document.h"

namespace decant::xgboost {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kMostFeatures = 10'000'000, kMostOutputs = 1'000'000, kMostRounds = std::int64_t{1} << 40;
constexpr std::string_view kSerialised = "CONFIG-offset:";

// The binary format has no magic number, but two names at a fixed place.
bool is_binary(std::string_view text) {
  if (text.starts_with("binf")) text.remove_prefix(4);
  if (text.size() < 136 + 24) return false;
  text.remove_prefix(136);
  for (int i = 0; i < 2; ++i) {
    std::uint64_t n = 0;
    if (text.size() < 8) return false;
    for (int b = 7; b >= 0; --b) n = n << 8 | static_cast<unsigned char>(text[static_cast<std::size_t>(b)]);
    if (n > 64 || n > text.size() - 8) return false;
    const std::string_view name = text.substr(8, n);
    if (i == 1) return name == "gbtree" || name == "dart" || name == "gblinear";
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789:_") != std::string_view::npos) return false;
    text.remove_prefix(8 + n);
  }
  return false;
}

}  // namespace

Encoding recognise(Bytes bytes) {
  std::string_view text = as_text(bytes);
  if (is_binary(text)) return Encoding::binary;
  if (!text.starts_with('{')) return Encoding::none;
  // Keys are sorted: "learner" comes first, or "Config" and "Model" of a pickled booster.
  text = text.substr(1, 64);
  if (text.starts_with("L\0\0\0\0\0\0\0\7learner{"sv) || text.starts_with("L\0\0\0\0\0\0\0\6Config{"sv) || text.starts_with("L\0\0\0\0\0\0\0\5Model{"sv)) return Encoding::ubjson;
  const std::size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == std::string_view::npos) return Encoding::none;
  text.remove_prefix(begin);
  for (const std::string_view key : {"\"learner\""sv, "\"Config\""sv, "\"Model\""sv, "\"version\""sv}) {
    if (!text.starts_with(key)) continue;
    // "version" alone says little: what follows must name the learner.
    if (key != "\"version\"" || as_text(bytes.first(std::min<std::size_t>(bytes.size(), 4096))).find("\"learner\"") != std::string_view::npos) return Encoding::json;
  }
  return Encoding::none;
}

std::optional<std::int64_t> Booster::best_rounds() const {
  const auto at = attributes.find("best_iteration");
  if (at == attributes.end()) return std::nullopt;
  const auto best = document::number_of<std::int64_t>(at->second);
  if (!best || *best < 0 || *best > kMostRounds) fail(Code::corrupt, format("best_iteration is \"{}\"", printable(at->second, 40)));
  return *best + 1;
}

Booster parse(const Source& source) {
  const std::string_view text = as_text(source.bytes());
  // Pickles of 1.0 to 1.4: the offset of the configuration, the binary model, the configuration (LearnerIO::Load of 1.7.6).
  if (text.starts_with(kSerialised)) {
    Cursor cursor(source, kSerialised.size());
    return parse(source.member("model", cursor.take(cursor.le<std::uint64_t>())));
  }
  switch (const Encoding encoding = recognise(source.bytes())) {
    case Encoding::binary: return parse_binary(source);
    case Encoding::none: throw Error(Code::unsupported, source.where(0), "holds no XGBoost model in JSON, UBJSON or the binary format");
    default: return parse_document(source, encoding);
  }
}

namespace {

/// Documents of before 1.6 keep num_parallel_tree among the parameters of training; what they say of the best round tells it too
/// (python-package/xgboost/core.py 1.5.2, Booster.best_ntree_limit).
std::int64_t parallel_trees_of(const Booster& b) {
  const auto limit = b.attributes.find("best_ntree_limit");
  const auto best = b.best_rounds();
  if (limit == b.attributes.end() || !best) return 1;
  const auto trees = document::number_of<std::int64_t>(limit->second);
  return trees && *trees % *best == 0 ? *trees / *best : 1;
}

}  // namespace

void complete(Booster& b, std::int64_t parallel_trees) {
  if (b.kind != "gbtree" && b.kind != "dart" && b.kind != "gblinear") b.fail(Code::unsupported, format("a booster of the kind \"{}\"", printable(b.kind, 40)));
  if (b.num_feature < 0 || b.num_feature > kMostFeatures) b.fail(Code::corrupt, format("num_feature is {}", b.num_feature));
  if (b.num_class < 0 || b.num_target < 1 || b.num_class > kMostOutputs || b.num_target > kMostOutputs || (b.num_class > 1 && b.num_target > 1)) {
    b.fail(Code::corrupt, format("{} classes and {} targets", b.num_class, b.num_target));
  }
  const std::size_t outputs = b.outputs();
  if (b.base_score.empty()) b.base_score.push_back(0.5f);
  if (b.base_score.size() == 1) b.base_score.resize(outputs, b.base_score[0]);
  if (b.base_score.size() != outputs) b.fail(Code::corrupt, format("base_score has {} values for {} outputs", b.base_score.size(), outputs));
  if (b.kind == "gblinear") {
    if (b.weights.size() != (static_cast<std::size_t>(b.num_feature) + 1) * outputs) {
      b.fail(Code::corrupt, format("{} weights for {} features and {} outputs", b.weights.size(), b.num_feature, outputs));
    }
    return;
  }
  const std::size_t trees = b.trees.size();
  if (b.groups.size() != trees) b.fail(Code::corrupt, format("tree_info has {} entries for {} trees", b.groups.size(), trees));
  std::size_t groups = 1;
  bool vectors = false;
  for (std::size_t t = 0; t < trees; ++t) {
    if (b.groups[t] < 0 || static_cast<std::size_t>(b.groups[t]) >= outputs) b.fail(Code::corrupt, format("tree {} adds to output {} of {}", t, b.groups[t], outputs));
    groups = std::max(groups, static_cast<std::size_t>(b.groups[t]) + 1);
    vectors = vectors || !b.trees[t].vectors.empty();
  }
  if (b.kind == "dart" && b.drop_weights.size() != trees) b.fail(Code::corrupt, format("weight_drop has {} entries for {} trees", b.drop_weights.size(), trees));
  if (vectors && b.kind == "dart") b.fail(Code::unsupported, "DART with leaves of several values");
  // GBTreeModel's MakeIndptr: up to 1.7 every round had as many trees.
  if (b.rounds.empty()) {
    if (parallel_trees == 0) parallel_trees = parallel_trees_of(b);
    if (parallel_trees < 1 || parallel_trees > static_cast<std::int64_t>(trees) + 1) parallel_trees = 1;
    const std::size_t each = static_cast<std::size_t>(parallel_trees) * (vectors ? 1 : groups);
    for (std::size_t t = 0; t <= trees; t += each) b.rounds.push_back(static_cast<std::int64_t>(t));
    if (b.rounds.back() != static_cast<std::int64_t>(trees)) b.rounds.push_back(static_cast<std::int64_t>(trees));
  }
  if (!std::ranges::is_sorted(b.rounds) || b.rounds.front() != 0 || b.rounds.back() != static_cast<std::int64_t>(trees)) {
    b.fail(Code::corrupt, format("iteration_indptr ends at {} of {} trees", b.rounds.back(), trees));
  }
  if (!b.categories.empty() && b.categories.size() != static_cast<std::size_t>(b.num_feature)) {
    b.fail(Code::corrupt, format("categories of {} columns, of {}", b.categories.size(), b.num_feature));
  }
  if (b.feature_names.size() != static_cast<std::size_t>(b.num_feature)) b.feature_names.clear();
}

}  // namespace decant::xgboost
