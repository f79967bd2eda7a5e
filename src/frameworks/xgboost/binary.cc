// SPDX-License-Identifier: Apache-2.0
// The binary format that XGBoost wrote up to 3.0 (".model", ".bin", ".deprecated"): structures as they lay in memory, little-endian
// (LearnerIO::LoadModel(dmlc::Stream*), GBTreeModel::Load, RegTree::Load and gblinear_model.h of 1.7.6; src/learner.cc of 0.90).
#include "base/text.h"
#include "frameworks/xgboost/booster.h"

namespace decant::xgboost {
namespace {

constexpr std::size_t kLearnerBytes = 136, kForestBytes = 160, kTreeBytes = 148, kNodeBytes = 20, kStatBytes = 16, kLinearBytes = 136;

std::string_view text(Cursor& cursor) {
  const auto n = cursor.le<std::uint64_t>();
  return cursor.text(n);
}

// dmlc::Stream writes a vector as its length and its elements.
std::vector<float> floats(Cursor& cursor) {
  const std::size_t n = cursor.count(cursor.le<std::uint64_t>(), 4);
  cursor.budget().charge(std::uint64_t{n} * 4, "numbers", cursor.where());
  std::vector<float> out(n);
  for (float& v : out) v = cursor.le<float>();
  return out;
}

Tree tree(Cursor& cursor, const Version& version) {
  Cursor head(cursor.source(), cursor.offset());
  cursor.skip(kTreeBytes);
  const auto roots = head.le<std::int32_t>(), nodes = head.le<std::int32_t>();
  head.skip(12);  // num_deleted, max_depth, num_feature
  const auto width = head.le<std::int32_t>();
  if (roots > 1) cursor.fail(Code::unsupported, format("a tree with {} roots", roots));
  if (nodes <= 0) cursor.fail(Code::corrupt, format("a tree of {} nodes", nodes));
  const std::size_t n = cursor.count(static_cast<std::uint64_t>(nodes), kNodeBytes + kStatBytes);
  cursor.budget().charge(std::uint64_t{n} * 24, "a tree", cursor.where());
  Tree out;
  for (std::size_t i = 0; i < n; ++i) {
    cursor.skip(4);  // the parent
    out.left.push_back(cursor.le<std::int32_t>());
    out.right.push_back(cursor.le<std::int32_t>());
    const auto feature = cursor.le<std::uint32_t>();
    out.feature.push_back(feature & 0x7FFFFFFFu);
    out.default_left.push_back(static_cast<std::uint8_t>(feature >> 31));
    out.condition.push_back(cursor.le<float>());
  }
  cursor.skip(n * kStatBytes);
  // Reserved for leaves of several values, which this format never had; since 2.0 every tree says 1, and nothing follows.
  if (width != 0 && version.major < 2) floats(cursor);
  return out;
}

}  // namespace

Booster parse_binary(const Source& source) {
  Cursor cursor(source);
  Booster out;
  out.source = source;
  if (as_text(cursor.peek(4)) == "binf") cursor.skip(4);
  Cursor head(source, cursor.offset());
  cursor.skip(kLearnerBytes);
  out.base_score = {head.le<float>()};
  out.num_feature = head.le<std::uint32_t>();
  out.num_class = head.le<std::int32_t>();
  const bool extra = head.le<std::int32_t>() != 0;
  head.skip(4);  // contain_eval_metrics
  out.version.major = static_cast<int>(head.le<std::uint32_t>());
  out.version.minor = static_cast<int>(head.le<std::uint32_t>());
  out.num_target = std::max<std::int64_t>(head.le<std::uint32_t>(), 1);
  out.objective = text(cursor);
  out.kind = text(cursor);
  std::int64_t parallel = 1;
  if (out.kind == "gblinear") {
    cursor.skip(kLinearBytes);
    out.weights = floats(cursor);
  } else {
    Cursor forest(source, cursor.offset());
    cursor.skip(kForestBytes);
    const auto trees = forest.le<std::int32_t>(), roots = forest.le<std::int32_t>();
    // Before 1.0 this was the number of roots, and the trees of a round were not stored.
    parallel = out.version.major < 1 ? 1 : std::max(roots, 1);
    if (trees < 0) cursor.fail(Code::corrupt, format("{} trees", trees));
    const std::size_t n = cursor.count(static_cast<std::uint64_t>(trees), kTreeBytes + kNodeBytes + kStatBytes);
    for (std::size_t i = 0; i < n; ++i) out.trees.push_back(tree(cursor, out.version));
    for (std::size_t i = 0; i < n; ++i) out.groups.push_back(cursor.le<std::int32_t>());
    if (out.kind == "dart" && n != 0) out.drop_weights = floats(cursor);
  }
  if (extra) {
    const std::size_t n = cursor.count(cursor.le<std::uint64_t>(), 16);
    for (std::size_t i = 0; i < n; ++i) {
      const std::string_view key = text(cursor);
      out.attributes[std::string(key)] = text(cursor);
    }
  }
  complete(out, parallel);
  return out;
}

}  // namespace decant::xgboost
