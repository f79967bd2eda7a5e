// SPDX-License-Identifier: Apache-2.0
// Boosters in JSON and UBJSON (doc/model.schema of XGBoost; LearnerIO::LoadModel, GBTreeModel::LoadModel, RegTree::LoadModel).
#include <algorithm>

#include "base/text.h"
#include "codecs/document/document.h"
#include "frameworks/xgboost/booster.h"

namespace decant::xgboost {
namespace {

using document::Value;

/// A parameter: XGBoost writes them as texts.
template <class T>
T parameter(const Value& object, std::string_view name, std::optional<T> otherwise = std::nullopt) {
  const std::optional<Value> value = object.find(name);
  if (!value && otherwise) return *otherwise;
  if (!value) object.fail(Code::corrupt, format("has no \"{}\"", name));
  if (!value->is_text()) return static_cast<T>(value->integer());
  const auto out = document::number_of<T>(value->text());
  if (!out) value->fail(Code::corrupt, format("{} is \"{}\"", name, printable(value->text(), 40)));
  return *out;
}

std::vector<std::string> texts(const std::optional<Value>& list) {
  std::vector<std::string> out;
  if (list) {
    for (const Value& v : list->elements()) out.emplace_back(v.text());
  }
  return out;
}

template <class T>
std::vector<T> of_nodes(const Value& tree, std::string_view name, std::size_t nodes) {
  const Value list = tree[name];
  if (list.size() != nodes) list.fail(Code::corrupt, format("{} has {} entries for {} nodes", name, list.size(), nodes));
  return list.list<T>();
}

// Node numbers rise in categories_nodes; of each, `sizes` categories from `segments` on (RegTree::LoadCategoricalSplit).
void add_categories(const Value& json, Tree& tree, std::size_t nodes) {
  const auto at = json["categories_nodes"].list<std::int32_t>();
  const auto begin = json["categories_segments"].list<std::int64_t>(), size = json["categories_sizes"].list<std::int64_t>();
  const auto all = json["categories"].list<std::int32_t>();
  if (begin.size() != at.size() || size.size() != at.size()) json.fail(Code::corrupt, format("{} nodes split by category, {} and {} segments", at.size(), begin.size(), size.size()));
  const auto total = static_cast<std::int64_t>(all.size());
  std::int64_t used = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] < 0 || static_cast<std::size_t>(at[i]) >= nodes) json.fail(Code::corrupt, format("categories of node {} of {}", at[i], nodes));
    if (begin[i] < 0 || size[i] <= 0 || begin[i] > total || size[i] > total - begin[i]) json.fail(Code::corrupt, format("categories {}+{} of {}", begin[i], size[i], total));
    used += size[i];
    if (used > 2 * total) json.fail(Code::corrupt, "segments of categories overlap");  // a small file must not ask for much
    std::vector<std::uint32_t>& bits = tree.categories[at[i]];
    std::int32_t most = 0;
    for (std::int64_t j = 0; j < size[i]; ++j) most = std::max(most, all[static_cast<std::size_t>(begin[i] + j)]);
    if (most >= (1 << 24)) json.fail(Code::corrupt, format("category {}", most));  // OutOfRangeCat in src/common/categorical.h
    bits.assign(static_cast<std::size_t>(most) / 32 + 1, 0);
    for (std::int64_t j = 0; j < size[i]; ++j) {
      const std::int32_t category = all[static_cast<std::size_t>(begin[i] + j)];
      if (category < 0) json.fail(Code::corrupt, format("category {}", category));
      bits[static_cast<std::size_t>(category) / 32] |= 1u << static_cast<unsigned>(category) % 32;
    }
  }
}

Tree tree_of(const Value& json, const Source& source) {
  const Value parameters = json["tree_param"];
  const auto nodes = parameter<std::int64_t>(parameters, "num_nodes");
  const auto width = parameter<std::int64_t>(parameters, "size_leaf_vector", 1);
  const Value left = json["left_children"];
  if (nodes <= 0 || static_cast<std::uint64_t>(nodes) != left.size()) json.fail(Code::corrupt, format("num_nodes is {}, left_children has {}", nodes, left.size()));
  const auto n = static_cast<std::size_t>(nodes);
  Tree out;
  out.left = left.list<std::int32_t>();
  out.right = of_nodes<std::int32_t>(json, "right_children", n);
  out.feature = of_nodes<std::uint32_t>(json, "split_indices", n);
  out.condition = of_nodes<float>(json, "split_conditions", n);
  out.default_left = of_nodes<std::uint8_t>(json, "default_left", n);
  if (json.find("categories_nodes")) {
    // A category of 2^24 alone takes 2 MiB.
    source.budget().charge(json["categories"].size() * std::uint64_t{64}, "categories", json.where());
    add_categories(json, out, n);
  }
  if (width > 1) {
    const std::optional<Value> leaves = json.find("leaf_weights");
    out.leaf_numbered = leaves.has_value();
    out.vectors = (leaves ? *leaves : json["base_weights"]).list<float>();
  }
  return out;
}

void add_trees(const Value& gbtree, Booster& booster) {
  const Value model = gbtree["model"];
  const Value parameters = model["gbtree_model_param"];
  const auto count = parameter<std::int64_t>(parameters, "num_trees");
  const std::vector<Value> trees = model["trees"].elements();
  if (count < 0 || static_cast<std::uint64_t>(count) != trees.size()) model.fail(Code::corrupt, format("num_trees is {}, there are {}", count, trees.size()));
  // A tree's place is its id.
  booster.trees.resize(trees.size());
  std::vector<bool> filled(trees.size(), false);
  for (const Value& tree : trees) {
    const std::int64_t id = tree["id"].integer();
    if (id < 0 || id >= count || filled[static_cast<std::size_t>(id)]) tree.fail(Code::corrupt, format("tree {} of {}", id, count));
    filled[static_cast<std::size_t>(id)] = true;
    booster.trees[static_cast<std::size_t>(id)] = tree_of(tree, booster.source);
  }
  booster.groups = model["tree_info"].list<std::int32_t>();
  if (const auto rounds = model.find("iteration_indptr")) booster.rounds = rounds->list<std::int64_t>();
  if (const auto cats = model.find("cats")) {
    for (const Value& column : (*cats)["enc"].elements()) {
      CategoryList& out = booster.categories.emplace_back();
      if (!column.is_object() || !column.find("values")) continue;
      const Value values = column["values"];
      if (const auto offsets = column.find("offsets")) {
        // Characters one behind the other, as signed bytes.
        const auto at = offsets->list<std::int64_t>();
        const auto characters = values.list<std::int32_t>();
        for (std::size_t i = 0; i + 1 < at.size(); ++i) {
          if (at[i] < 0 || at[i + 1] < at[i] || static_cast<std::uint64_t>(at[i + 1]) > characters.size()) column.fail(Code::corrupt, format("category {} lies at {} to {}", i, at[i], at[i + 1]));
          std::string text;
          for (std::int64_t c = at[i]; c < at[i + 1]; ++c) text += static_cast<char>(characters[static_cast<std::size_t>(c)]);
          out.texts.push_back(std::move(text));
        }
      } else {
        out.numbers = values.list<double>();
      }
    }
  }
  complete(booster, parameter<std::int64_t>(parameters, "num_parallel_tree", 0));
}

std::vector<float> base_scores(const Value& parameters) {
  // "5E-1", and since 3.1 "[5E-1]".
  const Value value = parameters["base_score"];
  std::string_view text = value.text();
  std::vector<float> out;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of("[(, )]");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of("[(, )]", begin), text.size());
    const auto number = document::number_of<float>(text.substr(begin, end - begin));
    if (!number) value.fail(Code::corrupt, format("base_score is \"{}\"", printable(value.text(), 40)));
    out.push_back(*number);
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace

Booster parse_document(const Source& source, Encoding encoding) {
  const document::DocumentPtr document = encoding == Encoding::json ? document::parse_json(source) : document::parse_ubjson(source);
  Value root = document->root();
  Booster out;
  out.source = source;
  // What __getstate__ of a Booster holds has the model beside its configuration (LearnerIO::Save).
  if (const auto inner = root.find("Model")) root = *inner;
  if (const auto version = root.find("version")) {
    const auto numbers = version->list<std::int32_t>();
    if (numbers.size() >= 2) out.version = {numbers[0], numbers[1]};
  }
  const Value learner = root["learner"];
  const Value parameters = learner["learner_model_param"];
  out.num_feature = parameter<std::int64_t>(parameters, "num_feature");
  out.num_class = parameter<std::int64_t>(parameters, "num_class");
  out.num_target = parameter<std::int64_t>(parameters, "num_target", 1);
  out.base_score = base_scores(parameters);
  out.objective = learner["objective"]["name"].text();
  if (const auto attributes = learner.find("attributes")) {
    for (const auto& [key, value] : attributes->entries()) {
      if (value.is_text()) out.attributes.emplace(key, value.text());
    }
  }
  out.feature_names = texts(learner.find("feature_names"));
  out.feature_types = texts(learner.find("feature_types"));
  const Value booster = learner["gradient_booster"];
  out.kind = booster["name"].text();
  if (out.kind == "gblinear") {
    out.weights = booster["model"]["weights"].list<float>();
    complete(out, 1);
  } else if (out.kind == "dart") {
    out.drop_weights = booster["weight_drop"].list<float>();
    add_trees(booster["gbtree"], out);
  } else {
    add_trees(booster, out);
  }
  return out;
}

}  // namespace decant::xgboost
