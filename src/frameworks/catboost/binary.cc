// SPDX-License-Identifier: Apache-2.0
// The .cbm format: "CBM1", the length of a FlatBuffers table TModelCore (catboost/libs/model/flatbuffers/model.fbs), the table, and behind it
// the tables of counters (CTR), which are not read.
#include "base/text.h"
#include "codecs/document/document.h"
#include "codecs/flatbuffers/table.h"
#include "frameworks/catboost/booster.h"

namespace decant::catboost {
namespace {

using flatbuffers::Table;

// Slots, in the order of the schema.
namespace core {
enum : unsigned { kFormatVersion, kTrees, kInfoMap, kModelPartIds };
}
namespace forest {
enum : unsigned {
  kDimension, kSplits, kSizes, kStarts, kCatFeatures, kFloatFeatures, kOneHotFeatures, kCtrFeatures, kLeafValues, kLeafWeights, kSteps, kLeafIds,
  kTextFeatures, kEstimatedFeatures, kScale, kBias, kMultiBias
};
}
namespace feature {
enum : unsigned { kHasNans, kIndex, kFlatIndex, kBorders, kId, kNanTreatment };
}

constexpr std::int32_t kMostDepth = 16;

}  // namespace

Booster parse_binary_model(const Source& source) {
  Cursor cursor(source);
  cursor.skip(4);
  const auto size = cursor.le<std::uint32_t>();
  const Source bytes = source.member("model", cursor.take(size));
  const Table root = Table::root(bytes);
  Booster out;
  out.source = source;
  if (const std::string_view version = root.text(core::kFormatVersion); version != "FlabuffersModel_v1") {
    root.fail(Code::unsupported, format("the version \"{}\" of the format", printable(version, 40)));
  }
  const auto found = root.table(core::kTrees);
  if (!found) root.fail(Code::corrupt, "a model without trees");
  const Table& trees = *found;
  for (const Table& f : trees.tables(forest::kFloatFeatures)) {
    FloatFeature one;
    one.flat_index = f.scalar<std::int32_t>(feature::kFlatIndex, -1);
    one.borders = f.list<float>(feature::kBorders);
    one.name = f.text(feature::kId);
    one.nan = static_cast<NanTreatment>(f.scalar<std::uint8_t>(feature::kNanTreatment, 0));
    add_float_feature(out, std::move(one));
  }
  refuse_features(out, trees.tables(forest::kCtrFeatures).size(), "categories that are counted (CTR)");
  refuse_features(out, trees.tables(forest::kCatFeatures).size(), "categories");
  refuse_features(out, trees.tables(forest::kTextFeatures).size() + trees.tables(forest::kEstimatedFeatures).size(), "text_features");

  const auto dimension = trees.scalar<std::int32_t>(forest::kDimension, 0);
  if (dimension < 1 || dimension > 1'000'000) trees.fail(Code::corrupt, format("{} outputs", dimension));
  out.dimension = static_cast<std::size_t>(dimension);
  out.scale = trees.scalar<double>(forest::kScale, 1);
  out.bias = trees.list<double>(forest::kMultiBias);
  if (out.bias.empty()) out.bias.assign(1, trees.scalar<double>(forest::kBias, 0));

  // A split is the number of a border among those of all features.
  std::vector<Split> questions;
  for (const FloatFeature& f : out.floats) {
    for (const float border : f.borders) questions.push_back({f.flat_index, border, f.nan == NanTreatment::as_true});
  }
  const auto question = [&](std::int32_t at) {
    if (at < 0 || static_cast<std::size_t>(at) >= questions.size()) trees.fail(Code::corrupt, format("split {} of {}", at, questions.size()));
    return questions[static_cast<std::size_t>(at)];
  };
  const auto splits = trees.list<std::int32_t>(forest::kSplits), sizes = trees.list<std::int32_t>(forest::kSizes);
  const auto values = trees.list<double>(forest::kLeafValues);
  const auto steps = trees.list<std::uint16_t>(forest::kSteps, 2);
  const auto leaf_ids = trees.list<std::uint32_t>(forest::kLeafIds);
  bytes.budget().charge(std::uint64_t{splits.size()} * sizeof(Node) + std::uint64_t{sizes.size()} * sizeof(ObliviousTree) + std::uint64_t{values.size()} * 8, "trees", source.where());
  std::size_t at = 0, value = 0;
  const auto take = [&](std::size_t count) {
    if (count > values.size() - value) trees.fail(Code::corrupt, format("leaf values {}+{} of {}", value, count, values.size()));
    value += count;
    return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(value - count), values.begin() + static_cast<std::ptrdiff_t>(value));
  };
  for (const std::int32_t n : sizes) {
    if (n < 0 || static_cast<std::size_t>(n) > splits.size() - at) trees.fail(Code::corrupt, format("a tree of {} splits, {} are left", n, splits.size() - at));
    const auto count = static_cast<std::size_t>(n);
    if (steps.empty()) {
      if (n > kMostDepth) trees.fail(Code::corrupt, format("an oblivious tree of {} levels", n));
      ObliviousTree& tree = out.oblivious.emplace_back();
      for (std::size_t i = 0; i < count; ++i) tree.splits.push_back(question(splits[at + i]));
      tree.values = take((std::size_t{1} << n) * out.dimension);
    } else {
      // Each node says how far its children are; 0: on that side, its own value is the answer.
      if (steps.size() != 2 * splits.size() || leaf_ids.size() != splits.size()) trees.fail(Code::corrupt, format("{} steps and {} leaves for {} nodes", steps.size() / 2, leaf_ids.size(), splits.size()));
      std::vector<Node>& tree = out.trees.emplace_back(count);
      const auto leaf = [&](std::size_t i) {
        const std::uint64_t from = leaf_ids[i];
        if (from > values.size() || out.dimension > values.size() - from) trees.fail(Code::corrupt, format("leaf values {}+{} of {}", from, out.dimension, values.size()));
        return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(from), values.begin() + static_cast<std::ptrdiff_t>(from + out.dimension));
      };
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t no = steps[2 * (at + i)], yes = steps[2 * (at + i) + 1];
        if (no == 0 && yes == 0) {
          tree[i].values = leaf(at + i);
          continue;
        }
        const Split split = question(splits[at + i]);
        const auto child = [&](std::uint16_t step) {
          if (step != 0) return static_cast<std::int64_t>(i) + step;
          Node own;
          own.values = leaf(at + i);
          tree.push_back(std::move(own));
          return static_cast<std::int64_t>(tree.size()) - 1;
        };
        const std::int64_t no_at = child(no), yes_at = child(yes);
        tree[i].split = split;
        tree[i].no = no_at;
        tree[i].yes = yes_at;
      }
    }
    at += count;
  }
  if (at != splits.size()) trees.fail(Code::corrupt, format("{} splits belong to no tree", splits.size() - at));

  for (const Table& entry : root.tables(core::kInfoMap)) {
    const std::string_view key = entry.text(0), text = entry.text(1);
    const Source json = source.member(printable(key, 40), Blob{source.data().owner, as_bytes(text)});
    if (key == "class_params") read_classes(out, json);
    if (key == "params") read_parameters(out, json);
    if (key == "binclass_probability_threshold") out.border = document::number_of<double>(text).value_or(0.5);
  }
  return out;
}

}  // namespace decant::catboost
