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

void read_features(const Value& info, Booster& out) {
  for (const auto& [kind, list] : info.entries()) {
    if (kind == "float_features") {
      for (const Value& feature : list.elements()) {
        FloatFeature f;
        f.flat_index = index_of(feature["flat_feature_index"], kMostColumns, "column");
        f.borders = feature["borders"].list<float>();
        const std::string_view nan = feature["nan_value_treatment"].text();
        f.nan = nan == "AsTrue" ? NanTreatment::as_true : nan == "AsFalse" ? NanTreatment::as_false : NanTreatment::as_is;
        f.name = feature.find("feature_id") ? feature["feature_id"].text() : std::string_view();
        if (index_of(feature["feature_index"], kMostColumns, "feature") != static_cast<std::int64_t>(out.floats.size())) feature.fail(Code::corrupt, "features out of order");
        add_float_feature(out, std::move(f));
      }
    } else if (kind == "ctrs") {
      refuse_features(out, list.size(), "categories that are counted (CTR)");
    } else if (kind == "categorical_features") {
      refuse_features(out, list.size(), "categories");
    } else if (kind == "text_features" || kind == "embedding_features" || kind == "estimated_features") {
      refuse_features(out, list.size(), kind);
    }
  }
}

Split split_of(const Value& json, const Booster& booster) {
  const std::string_view type = json["split_type"].text();
  if (type != "FloatFeature") json.fail(Code::unsupported, format("a split by {}", printable(type, 40)));
  const auto at = static_cast<std::size_t>(index_of(json["float_feature_index"], static_cast<std::int64_t>(booster.floats.size()), "float feature"));
  return {booster.floats[at].flat_index, json["border"].real32(), booster.floats[at].nan == NanTreatment::as_true};
}

ObliviousTree oblivious_of(const Value& json, const Booster& booster) {
  ObliviousTree out;
  if (json["splits"].kind() != document::Kind::null) {
    for (const Value& split : json["splits"].elements()) out.splits.push_back(split_of(split, booster));
  }
  if (out.splits.size() > kMostDepth) json.fail(Code::corrupt, format("an oblivious tree of {} levels", out.splits.size()));
  out.values = json["leaf_values"].list<double>();
  return out;
}

// Nodes hold each other; the parser has bounded the depth.
std::int64_t node_of(const Value& json, const Booster& booster, std::vector<Node>& out) {
  const std::size_t at = out.size();
  out.emplace_back();
  if (const auto value = json.find("value")) {
    out[at].values = value->is_list() ? value->list<double>() : std::vector<double>{value->real()};
    return static_cast<std::int64_t>(at);
  }
  out[at].split = split_of(json["split"], booster);
  const std::int64_t no = node_of(json["left"], booster, out);
  const std::int64_t yes = node_of(json["right"], booster, out);
  out[at].no = no;
  out[at].yes = yes;
  return static_cast<std::int64_t>(at);
}

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
void read_classes(Booster& booster, const Source& json) { classes_from(document::parse_json(json)->root(), booster); }

Booster parse_json_model(const Source& source) {
  const document::DocumentPtr document = document::parse_json(source);
  const Value root = document->root();
  Booster out;
  out.source = source;
  read_features(root["features_info"], out);
  if (const auto list = root.find("oblivious_trees")) {
    for (const Value& tree : list->elements()) out.oblivious.push_back(oblivious_of(tree, out));
  } else {
    for (const Value& tree : root["trees"].elements()) node_of(tree, out, out.trees.emplace_back());
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
    if (const auto border = info->find("binclass_probability_threshold"); border && border->is_text()) out.border = document::number_of<double>(border->text()).value_or(0.5);
  }
  out.dimension = std::max<std::size_t>(out.bias.size(), 1);
  return out;
}

}  // namespace decant::catboost
