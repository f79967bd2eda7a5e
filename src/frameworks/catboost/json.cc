// SPDX-License-Identifier: Apache-2.0
// CatBoost's JSON export (save_model(format="json")), and the pieces of JSON that its binary files hold.
#include "base/text.h"
#include "codecs/document/document.h"
#include "frameworks/catboost/booster.h"

namespace decant::catboost {
namespace {

using document::Value;

constexpr std::int64_t kMostColumns = 10'000'000;
constexpr std::uint32_t kMostDepth = 16;  // of oblivious trees: CatBoost's own limit

std::int64_t index_of(const Value& v, std::int64_t most, std::string_view what) {
  const std::int64_t out = v.integer();
  if (out < 0 || out >= most) v.fail(Code::corrupt, format("{} {} of {}", what, out, most));
  return out;
}

Projection projection_of(const Value& json) {
  Projection out;
  const auto number = [](const Value& item, const char* key) { return static_cast<std::int32_t>(index_of(item[key], std::int64_t{1} << 31, "feature")); };
  for (const Value& item : json.elements()) {
    const std::string_view kind = item["combination_element"].text();
    if (kind == "cat_feature_value") out.categories.push_back(number(item, "cat_feature_index"));
    else if (kind == "float_feature") out.above.push_back({number(item, "float_feature_index"), item["border"].real32()});
    else if (kind == "cat_feature_exact_value") out.equal.push_back({number(item, "cat_feature_index"), static_cast<std::int32_t>(item["value"].integer())});
    else item.fail(Code::unsupported, format("counts by {}", printable(kind, 40)));
  }
  return out;
}

CtrFeature::Type type_of(const Value& name) {
  const auto out = ctr_type(name.text());
  if (!out) name.fail(Code::unsupported, format("a statistic called {}", printable(name.text(), 40)));
  return *out;
}

CtrFeature ctr_of(const Value& json) {
  CtrFeature out;
  out.projection = projection_of(json["elements"]);
  out.type = type_of(json["ctr_type"]);
  out.table = json["identifier"].text();
  out.target_border = static_cast<std::int32_t>(index_of(json["target_border_idx"], 1'000'000, "class"));
  out.prior = json["prior_numerator"].real32();
  out.prior_count = json["prior_denomerator"].real32();
  out.shift = json["shift"].real32();
  out.scale = json["scale"].real32();
  out.borders = json["borders"].list<float>();
  return out;
}

/// The type of the statistics that a table serves stands in its name, which is JSON itself.
CtrTable table_of(std::string_view name, const Value& json, const Booster& booster) {
  const document::DocumentPtr base = document::parse_json(booster.source.member("a table's name", Blob{booster.source.data().owner, as_bytes(name)}));
  const CtrFeature::Type type = type_of(base->root()["type"]);
  const bool by_sum = type == CtrFeature::Type::binarized_mean || type == CtrFeature::Type::float_mean;
  CtrTable out;
  const std::vector<Value> cells = json["hash_map"].elements();
  const auto stride = static_cast<std::size_t>(index_of(json["hash_stride"], 1'000'000, "stride"));
  if (stride < 2 || cells.size() % stride != 0 || (by_sum && stride != 3)) json.fail(Code::corrupt, format("{} cells in rows of {}", cells.size(), stride));
  booster.source.budget().charge(std::uint64_t{cells.size()} * 12, "counters", booster.source.where());
  out.width = by_sum ? 1 : stride - 1;
  out.denominator = static_cast<std::int32_t>(index_of(json["counter_denominator"], std::int64_t{1} << 31, "denominator"));
  for (std::size_t i = 0; i < cells.size(); i += stride) {
    const auto hash = document::number_of<std::uint64_t>(cells[i].text());
    if (!hash) cells[i].fail(Code::corrupt, "a hash that is no number");
    if (*hash == kNoHash) continue;
    out.hashes.push_back(static_cast<std::int64_t>(*hash));
    if (by_sum) out.sums.push_back(cells[i + 1].real32());
    for (std::size_t k = by_sum ? 2 : 1; k < stride; ++k) out.counts.push_back(static_cast<std::int32_t>(index_of(cells[i + k], std::int64_t{1} << 31, "count")));
  }
  return out;
}

void read_features(const Value& info, Booster& out) {
  for (const auto& [kind, list] : info.entries()) {
    if (kind == "float_features") {
      for (const Value& feature : list.elements()) {
        FloatFeature f;
        f.index = index_of(feature["feature_index"], kMostColumns, "feature");
        f.flat_index = index_of(feature["flat_feature_index"], kMostColumns, "column");
        f.borders = feature["borders"].list<float>();
        const std::string_view nan = feature["nan_value_treatment"].text();
        f.nan = nan == "AsTrue" ? NanTreatment::as_true : nan == "AsFalse" ? NanTreatment::as_false : NanTreatment::as_is;
        f.name = feature.find("feature_id") ? feature["feature_id"].text() : std::string_view();
        add_feature(out, std::move(f));
      }
    } else if (kind == "categorical_features") {
      for (const Value& feature : list.elements()) {
        CatFeature f;
        f.index = index_of(feature["feature_index"], kMostColumns, "feature");
        f.flat_index = index_of(feature["flat_feature_index"], kMostColumns, "column");
        f.name = feature.find("feature_id") ? feature["feature_id"].text() : std::string_view();
        if (const auto values = feature.find("values")) {
          f.values = values->list<std::int32_t>();
          out.one_hot.push_back(out.categories.size());
        }
        add_feature(out, std::move(f));
      }
    } else if (kind == "ctrs") {
      for (const Value& ctr : list.elements()) {
        out.source.budget().charge(sizeof(CtrFeature), "a feature", ctr.where());
        out.ctrs.push_back(ctr_of(ctr));
      }
    } else if (kind == "text_features" || kind == "embedding_features" || kind == "estimated_features") {
      list.fail(Code::unsupported, format("{} in JSON, which CatBoost does not write", kind));
    }
  }
}

// Trees of one model. A split says in words what it asks, and by number which of all questions it is; CatBoost goes by the number.
struct Trees {
  const std::vector<Split>& questions;
  std::size_t leaf = 0;  // the next one's number: leaves of a tree are counted from the left

  Split split_of(const Value& json) const { return questions[static_cast<std::size_t>(index_of(json["split_index"], static_cast<std::int64_t>(questions.size()), "split"))]; }

  ObliviousTree oblivious_of(const Value& json) const {
    ObliviousTree out;
    if (json["splits"].kind() != document::Kind::null) {
      for (const Value& split : json["splits"].elements()) out.splits.push_back(split_of(split));
    }
    if (out.splits.size() > kMostDepth) json.fail(Code::corrupt, format("an oblivious tree of {} levels", out.splits.size()));
    out.values = json["leaf_values"].list<double>();
    return out;
  }

  // Nodes hold each other; the parser has bounded the depth.
  std::int64_t node_of(const Value& json, std::vector<Node>& out) {
    const std::size_t at = out.size();
    out.emplace_back();
    if (const auto value = json.find("value")) {
      out[at].values = value->is_list() ? value->list<double>() : std::vector<double>{value->real()};
      out[at].leaf = leaf++;
      return static_cast<std::int64_t>(at);
    }
    out[at].split = split_of(json["split"]);
    const std::int64_t no = node_of(json["left"], out);
    const std::int64_t yes = node_of(json["right"], out);
    out[at].no = no;
    out[at].yes = yes;
    return static_cast<std::int64_t>(at);
  }
};

std::string literal(const Value& v) {
  if (v.is_text()) return std::string(v.text());
  const double number = v.real();
  return number == static_cast<double>(static_cast<std::int64_t>(number)) ? format("{}", static_cast<std::int64_t>(number)) : format("{}", number);
}

void classes_from(const Value& json, Booster& out) {
  if (!json.is_object() || !json.find("class_names") || json["class_names"].kind() == document::Kind::null) return;
  out.class_type = json["class_label_type"].text();
  std::vector<std::string> names;
  const Value list = json["class_names"];
  if (list.kind() == document::Kind::numbers) {
    for (const double d : list.list<double>()) names.push_back(d == static_cast<double>(static_cast<std::int64_t>(d)) ? format("{}", static_cast<std::int64_t>(d)) : format("{}", d));
  } else {
    for (const Value& name : list.elements()) names.push_back(literal(name));
  }
  if (out.class_type == "Boolean") {  // as Python writes them
    for (std::string& name : names) name = name == "1" ? "True" : "False";
  }
  std::vector<std::int64_t> order;
  if (const auto labels = json.find("class_to_label"); labels && labels->is_list()) {
    for (const double d : labels->list<double>()) order.push_back(static_cast<std::int64_t>(d));
  }
  // Which answer means which class.
  if (order.size() == names.size()) {
    for (const std::int64_t at : order) {
      if (at < 0 || static_cast<std::size_t>(at) >= names.size()) json.fail(Code::corrupt, format("class {} of {}", at, names.size()));
      out.class_names.push_back(names[static_cast<std::size_t>(at)]);
    }
  } else {
    out.class_names = std::move(names);
  }
}

void loss_from(const Value& json, Booster& out) {
  if (!json.is_object()) return;
  if (const auto loss = json.find("loss_function"); loss && loss->is_object()) out.loss = (*loss)["type"].text();
}

}  // namespace

void read_parameters(Booster& booster, const Source& json) { loss_from(document::parse_json(json)->root(), booster); }
void read_loss(Booster& booster, const Source& json) {
  const document::DocumentPtr document = document::parse_json(json);
  if (const Value root = document->root(); root.is_object() && root.find("type")) booster.loss = root["type"].text();
}
void read_classes(Booster& booster, const Source& json) { classes_from(document::parse_json(json)->root(), booster); }

Booster parse_json_model(const Source& source) {
  const document::DocumentPtr document = document::parse_json(source);
  const Value root = document->root();
  Booster out;
  out.source = source;
  read_features(root["features_info"], out);
  if (const auto tables = root.find("ctr_data"); tables && tables->is_object()) {
    for (const auto& [name, table] : tables->entries()) out.tables.emplace(std::string(name), table_of(name, table, out));
  }
  const std::vector<Split> asked = questions(out);
  Trees trees{asked};
  if (const auto list = root.find("oblivious_trees")) {
    for (const Value& tree : list->elements()) out.oblivious.push_back(trees.oblivious_of(tree));
  } else {
    for (const Value& tree : root["trees"].elements()) {
      trees.leaf = 0;
      trees.node_of(tree, out.trees.emplace_back());
    }
  }
  if (const auto both = root.find("scale_and_bias")) {
    const auto parts = both->elements();
    if (parts.size() != 2) both->fail(Code::corrupt, "scale_and_bias is no pair");
    out.scale = parts[0].real();
    out.bias = parts[1].is_list() ? parts[1].list<double>() : std::vector<double>{parts[1].real()};
  }
  if (const auto info = root.find("model_info")) {
    if (const auto classes = info->find("class_params")) classes_from(*classes, out);
    if (const auto parameters = info->find("params")) loss_from(*parameters, out);
    // A text that is JSON itself.
    if (const auto loss = info->find("loss_function"); loss && loss->is_text()) read_loss(out, source.member("loss_function", Blob{source.data().owner, as_bytes(loss->text())}));
    if (const auto border = info->find("binclass_probability_threshold"); border && border->is_text()) out.border = document::number_of<double>(border->text()).value_or(0.5);
  }
  out.dimension = std::max<std::size_t>(out.bias.size(), 1);
  return out;
}

}  // namespace decant::catboost
