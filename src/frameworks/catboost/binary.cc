// SPDX-License-Identifier: Apache-2.0
// The .cbm format: "CBM1", the length of a FlatBuffers table TModelCore (catboost/libs/model/flatbuffers/model.fbs), the table, and behind it
// the parts that the table names: of these the tables of counters (TCtrData::Save in catboost/libs/model/ctr_data.cpp).
#include <algorithm>
#include <bit>

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
  kTextFeatures, kEstimatedFeatures, kScale, kBias, kMultiBias, kRepackedBins, kEmbeddingFeatures
};
}
namespace feature {
enum : unsigned { kHasNans, kIndex, kFlatIndex, kBorders, kId, kNanTreatment };
}

namespace cat_feature {
enum : unsigned { kIndex, kFlatIndex, kId };
}
namespace text_feature {
enum : unsigned { kIndex, kFlatIndex, kId };
}
namespace embedding_feature {
enum : unsigned { kIndex, kFlatIndex, kId };
}
namespace estimated_feature {
enum : unsigned { kSource, kCalcerId, kLocalIndex, kBorders };
}
namespace one_hot {
enum : unsigned { kIndex, kValues };
}
namespace ctr_base {
enum : unsigned { kCombination, kType, kTargetClassifier };
}
namespace combination {
enum : unsigned { kCategories, kFloatSplits, kOneHotSplits };
}
namespace ctr {
enum : unsigned { kBase, kTargetBorder, kPrior, kPriorCount, kShift, kScale };
}
namespace ctr_feature {
enum : unsigned { kCtr, kBorders };
}
namespace ctr_table {
enum : unsigned { kBase, kIndex, kCounts, kDenominator, kClasses };
}

constexpr std::int32_t kMostDepth = 16;

Table part(const Table& table, unsigned slot, std::string_view what) {
  auto out = table.table(slot);
  if (!out) table.fail(Code::corrupt, format("has no {}", what));
  return *std::move(out);
}

/// What a table is found by, and what it is of.
struct CtrBase {
  Projection projection;
  CtrFeature::Type type = CtrFeature::Type::borders;
  std::string key;
};
CtrBase base_of(const Table& table) {
  CtrBase out;
  const auto type = table.scalar<std::uint8_t>(ctr_base::kType, 0);
  if (type > static_cast<std::uint8_t>(CtrFeature::Type::frequency)) table.fail(Code::unsupported, format("the statistic {}", type));
  out.type = static_cast<CtrFeature::Type>(type);
  const Table all = part(table, ctr_base::kCombination, "combination of features");
  out.projection.categories = all.list<std::int32_t>(combination::kCategories);
  const auto above = all.list<std::uint32_t>(combination::kFloatSplits, 2);
  for (std::size_t i = 0; i < above.size(); i += 2) out.projection.above.push_back({static_cast<std::int32_t>(above[i]), std::bit_cast<float>(above[i + 1])});
  const auto equal = all.list<std::int32_t>(combination::kOneHotSplits, 2);
  for (std::size_t i = 0; i < equal.size(); i += 2) out.projection.equal.push_back({equal[i], equal[i + 1]});
  out.key = format("{}/{}", type, table.scalar<std::int32_t>(ctr_base::kTargetClassifier, 0));
  for (const std::int32_t i : out.projection.categories) out.key += format(" {}", i);
  for (const std::uint32_t v : above) out.key += format(" >{}", v);
  for (const std::int32_t v : equal) out.key += format(" ={}", v);
  return out;
}

CtrFeature ctr_of(const Table& feature) {
  const Table table = part(feature, ctr_feature::kCtr, "statistic");
  CtrBase base = base_of(part(table, ctr::kBase, "description of what is counted"));
  CtrFeature out;
  out.projection = std::move(base.projection);
  out.type = base.type;
  out.table = std::move(base.key);
  out.target_border = table.scalar<std::int32_t>(ctr::kTargetBorder, 0);
  out.prior = table.scalar<float>(ctr::kPrior, 0);
  out.prior_count = table.scalar<float>(ctr::kPriorCount, 1);
  out.shift = table.scalar<float>(ctr::kShift, 0);
  out.scale = table.scalar<float>(ctr::kScale, 1);
  out.borders = feature.list<float>(ctr_feature::kBorders);
  return out;
}

void read_table(const Source& source, Booster& out) {
  const Table table = Table::root(source);
  CtrBase base = base_of(part(table, ctr_table::kBase, "description of what is counted"));
  const bool by_sum = base.type == CtrFeature::Type::binarized_mean || base.type == CtrFeature::Type::float_mean;
  const bool by_class = base.type == CtrFeature::Type::borders || base.type == CtrFeature::Type::buckets;
  const auto classes = table.scalar<std::int32_t>(ctr_table::kClasses, 0);
  if (by_class && (classes < 1 || classes > 1'000'000)) table.fail(Code::corrupt, format("{} classes", classes));
  CtrTable counted;
  counted.width = by_class ? static_cast<std::size_t>(classes) : 1;
  counted.denominator = table.scalar<std::int32_t>(ctr_table::kDenominator, 0);
  // Buckets of a hash and a row (catboost/libs/helpers/dense_hash_view.h), and what each row counts.
  const auto bytes = table.list<std::uint8_t>(ctr_table::kIndex), blob = table.list<std::uint8_t>(ctr_table::kCounts);
  if (bytes.size() % 12 != 0) table.fail(Code::corrupt, format("buckets of {} bytes", bytes.size()));
  const auto number = [](const std::vector<std::uint8_t>& from, std::size_t at) {
    return std::uint32_t{from[at]} | std::uint32_t{from[at + 1]} << 8 | std::uint32_t{from[at + 2]} << 16 | std::uint32_t{from[at + 3]} << 24;
  };
  const std::size_t cells = by_sum ? 2 : counted.width, rows = blob.size() / 4 / cells;
  source.budget().charge(std::uint64_t{bytes.size()} + 2 * std::uint64_t{blob.size()}, "counters", source.where());
  for (std::size_t at = 0; at < bytes.size(); at += 12) {
    const std::uint64_t hash = number(bytes, at) | std::uint64_t{number(bytes, at + 4)} << 32;
    if (hash == kNoHash) continue;
    const std::size_t row = number(bytes, at + 8);
    if (row >= rows) table.fail(Code::corrupt, format("counter {} of {}", row, rows));
    if (counted.hashes.size() >= rows) table.fail(Code::corrupt, format("more hashes than {} counters", rows));
    counted.hashes.push_back(static_cast<std::int64_t>(hash));
    for (std::size_t k = 0; k < cells; ++k) {
      const std::uint32_t value = number(blob, 4 * (row * cells + k));
      if (by_sum && k == 0) counted.sums.push_back(std::bit_cast<float>(value));
      else counted.counts.push_back(static_cast<std::int32_t>(value));
    }
  }
  out.tables.insert_or_assign(std::move(base.key), std::move(counted));
}

/// Behind the model: how many tables, and each with its size.
void read_tables(Cursor& cursor, Booster& out) {
  const auto count = cursor.count(cursor.le<std::uint32_t>(), 4);
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = cursor.le<std::uint32_t>();
    read_table(out.source.member(format("table {}", i), cursor.take(size)), out);
  }
}

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
    one.index = f.scalar<std::int32_t>(feature::kIndex, -1);
    one.flat_index = f.scalar<std::int32_t>(feature::kFlatIndex, -1);
    one.borders = f.list<float>(feature::kBorders);
    one.name = f.text(feature::kId);
    one.nan = static_cast<NanTreatment>(f.scalar<std::uint8_t>(feature::kNanTreatment, 0));
    add_feature(out, std::move(one));
  }
  for (const Table& f : trees.tables(forest::kCatFeatures)) {
    CatFeature one;
    one.index = f.scalar<std::int32_t>(cat_feature::kIndex, -1);
    one.flat_index = f.scalar<std::int32_t>(cat_feature::kFlatIndex, -1);
    one.name = f.text(cat_feature::kId);
    add_feature(out, std::move(one));
  }
  for (const Table& f : trees.tables(forest::kOneHotFeatures)) {
    const auto index = f.scalar<std::int32_t>(one_hot::kIndex, -1);
    const auto at = std::ranges::find(out.categories, index, &CatFeature::index);
    if (at == out.categories.end() || !at->values.empty()) f.fail(Code::corrupt, format("values of category {}, which is not there or has some", index));
    at->values = f.list<std::int32_t>(one_hot::kValues);
    out.one_hot.push_back(static_cast<std::size_t>(at - out.categories.begin()));
  }
  for (const Table& f : trees.tables(forest::kCtrFeatures)) {
    bytes.budget().charge(sizeof(CtrFeature), "a feature", f.where());
    out.ctrs.push_back(ctr_of(f));
  }
  for (const Table& f : trees.tables(forest::kTextFeatures)) {
    add_feature(out, out.texts, {f.scalar<std::int32_t>(text_feature::kIndex, -1), f.scalar<std::int32_t>(text_feature::kFlatIndex, -1), -1, std::string(f.text(text_feature::kId))});
  }
  for (const Table& f : trees.tables(forest::kEmbeddingFeatures)) {
    add_feature(out, out.embeddings, {f.scalar<std::int32_t>(embedding_feature::kIndex, -1), f.scalar<std::int32_t>(embedding_feature::kFlatIndex, -1), -1, std::string(f.text(embedding_feature::kId))});
  }
  for (const Table& f : trees.tables(forest::kEstimatedFeatures)) {
    bytes.budget().charge(sizeof(EstimatedFeature), "a feature", f.where());
    out.estimated.push_back({f.inlined(estimated_feature::kCalcerId, 16), f.scalar<std::int32_t>(estimated_feature::kLocalIndex, -1), f.list<float>(estimated_feature::kBorders)});
  }
  // Behind the model stand the tables of counters, then the estimators of texts, then those of embeddings.
  if (!out.ctrs.empty()) read_tables(cursor, out);
  if (!out.texts.empty()) read_estimators(cursor, out);
  if (!out.embeddings.empty()) read_estimators(cursor, out);

  const auto dimension = trees.scalar<std::int32_t>(forest::kDimension, 0);
  if (dimension < 1 || dimension > 1'000'000) trees.fail(Code::corrupt, format("{} outputs", dimension));
  out.dimension = static_cast<std::size_t>(dimension);
  out.scale = trees.scalar<double>(forest::kScale, 1);
  out.bias = trees.list<double>(forest::kMultiBias);
  if (out.bias.empty()) out.bias.assign(1, trees.scalar<double>(forest::kBias, 0));

  // A split is the number of a border among those of all features.
  const std::vector<Split> asked = questions(out);
  const auto question = [&](std::int32_t at) {
    if (at < 0 || static_cast<std::size_t>(at) >= asked.size()) trees.fail(Code::corrupt, format("split {} of {}", at, asked.size()));
    return asked[static_cast<std::size_t>(at)];
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
      // Leaves of a tree are numbered from its first one on (TModelTrees::CalcFirstLeafOffsets in catboost/libs/model/model.cpp).
      const std::uint64_t first = count == 0 ? 0 : *std::min_element(leaf_ids.begin() + static_cast<std::ptrdiff_t>(at), leaf_ids.begin() + static_cast<std::ptrdiff_t>(at + count));
      const auto leaf = [&](std::size_t i, Node& node) {
        const std::uint64_t from = leaf_ids[i];
        if (from > values.size() || out.dimension > values.size() - from) trees.fail(Code::corrupt, format("leaf values {}+{} of {}", from, out.dimension, values.size()));
        node.values.assign(values.begin() + static_cast<std::ptrdiff_t>(from), values.begin() + static_cast<std::ptrdiff_t>(from + out.dimension));
        node.leaf = (from - first) / out.dimension;
      };
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t no = steps[2 * (at + i)], yes = steps[2 * (at + i) + 1];
        if (no == 0 && yes == 0) {
          leaf(at + i, tree[i]);
          continue;
        }
        const Split split = question(splits[at + i]);
        const auto child = [&](std::uint16_t step) {
          if (step != 0) return static_cast<std::int64_t>(i) + step;
          Node own;
          leaf(at + i, own);
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
    if (key == "loss_function") read_loss(out, json);
    if (key == "binclass_probability_threshold") out.border = document::number_of<double>(text).value_or(0.5);
  }
  return out;
}

}  // namespace decant::catboost
