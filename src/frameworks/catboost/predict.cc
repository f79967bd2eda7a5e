// SPDX-License-Identifier: Apache-2.0
// What a model computes: float32 features above float32 borders, leaf values in float64 tree by tree, then scale and bias
// (catboost/libs/model/cpu/evaluator_impl.cpp, which adds four trees at a time: the last bits may differ).
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "codecs/document/document.h"
#include "frameworks/catboost/booster.h"
#include "frameworks/model_maker.h"
#include "frameworks/tree_parts.h"

namespace decant::catboost {
namespace {

using namespace std::string_view_literals;
using Parts = TreeParts<float, double>;

Parts::Split node_of(const Split& split, std::int64_t yes, std::int64_t no, Parts& parts) {
  Parts::Split out;
  out.feature = split.column;
  if (split.member >= 0) {
    std::vector<std::uint32_t> words(static_cast<std::size_t>(split.member) / 32 + 1, 0);
    words.back() = 1u << (split.member % 32);
    out.set = parts.add_set(words);
    out.yes = yes;
    out.no = no;
    return out;
  }
  // "above the border" is asked as "at most the border", which compares the other way.
  out.split = split.border;
  out.yes = no;
  out.no = yes;
  out.missing_yes = !split.nan_is_true;
  return out;
}

Parts parts_of(const Booster& b) {
  Parts parts(b.source, b.dimension);
  for (std::size_t t = 0; t < b.oblivious.size(); ++t) {
    const ObliviousTree& tree = b.oblivious[t];
    const std::size_t depth = tree.splits.size(), leaves = std::size_t{1} << depth;
    const auto fail = [&](std::string_view text) { b.fail(Code::corrupt, format("tree {}: {}", t, text)); };
    if (tree.values.size() != leaves * b.dimension) fail(format("{} leaf values for {} leaves and {} outputs", tree.values.size(), leaves, b.dimension));
    // As a heap: node i has the children 2i+1 and 2i+2; the last question comes first, so that leaves stand in their order.
    const auto node = [&](std::size_t i) {
      if (i >= leaves - 1) return Parts::Split{};
      std::size_t level = 0;
      while ((std::size_t{2} << level) - 1 <= i) ++level;
      return node_of(tree.splits[depth - 1 - level], static_cast<std::int64_t>(2 * i + 2), static_cast<std::int64_t>(2 * i + 1), parts);
    };
    const auto leaf = [&](std::size_t i, std::span<double> out) {
      parts.number_leaf(i - (leaves - 1));
      std::copy_n(tree.values.begin() + static_cast<std::ptrdiff_t>((i - (leaves - 1)) * b.dimension), b.dimension, out.begin());
    };
    parts.add(2 * leaves - 1, 0, node, leaf, fail);
  }
  for (std::size_t t = 0; t < b.trees.size(); ++t) {
    const std::vector<Node>& tree = b.trees[t];
    const auto fail = [&](std::string_view text) { b.fail(Code::corrupt, format("tree {}: {}", t, text)); };
    const auto node = [&](std::size_t i) { return tree[i].yes < 0 ? Parts::Split{} : node_of(tree[i].split, tree[i].yes, tree[i].no, parts); };
    const auto leaf = [&](std::size_t i, std::span<double> out) {
      if (tree[i].values.size() != b.dimension) fail(format("{} leaf values for {} outputs", tree[i].values.size(), b.dimension));
      parts.number_leaf(tree[i].leaf);
      std::ranges::copy(tree[i].values, out.begin());
    };
    parts.add(tree.size(), 0, node, leaf, fail);
  }
  return parts;
}

}  // namespace

Expr raw_values(const Booster& b, Expr rows) {
  Expr out = parts_of(b).sum(rows, b.dimension, "<=");
  if (b.scale != 1) out = out * b.scale;
  return out + out.row(b.bias.size() == b.dimension ? b.bias : std::vector<double>(b.dimension, b.bias[0]));
}

Expr leaves(const Booster& b, Expr rows) { return cast(parts_of(b).leaves(rows, "<="), DType::uint32); }

namespace {

bool is_binary(const Booster& b) { return (b.loss == "Logloss" || b.loss == "CrossEntropy" || b.loss == "Focal") && b.dimension == 1; }
bool is_multiclass(const Booster& b) { return (b.loss == "MultiClass" || b.loss == "MultiClassOneVsAll") && b.dimension > 1; }

Expr flat(const Booster& b, Expr raw) { return b.dimension == 1 ? squeeze(raw, 1) : raw; }

}  // namespace

Tensor classes_of(const Booster& b) {
  const std::size_t count = is_binary(b) ? 2 : is_multiclass(b) ? b.dimension : 0;
  if (count == 0 || b.class_names.size() != count) return {};
  if (b.class_type != "Integer" && b.class_type != "Float") return Tensor::vector(b.class_names);
  std::vector<std::int64_t> whole;
  std::vector<double> real;
  for (const std::string& name : b.class_names) {
    const auto label = document::number_of<std::int64_t>(name);
    if (!label && b.class_type == "Integer") b.fail(Code::corrupt, format("the class \"{}\"", printable(name, 40)));
    whole.push_back(label.value_or(0));
    real.push_back(document::number_of<double>(name).value_or(0));
  }
  return b.class_type == "Integer" ? Tensor::vector(whole) : Tensor::vector(real);
}

Answers answers(const Booster& b, Expr raw) {
  Answers out;
  const Expr score = flat(b, raw);
  const Tensor classes = classes_of(b);
  const auto label = [&](Expr which) { return classes.defined() ? gather(which.constant(classes), which, 0) : which; };
  const auto logistic = [](Expr v) { return 1.0 / (exp(-v) + 1.0); };
  if (is_binary(b)) {
    const Expr p = logistic(score);
    const double border = b.border == 0.5 ? 0 : -std::log(1 / b.border - 1);
    out.predict = label(cast(greater(score, score.scalar(border)), DType::int64));
    out.predict_proba = concat({unsqueeze(1.0 - p, 1), unsqueeze(p, 1)}, 1);
  } else if (is_multiclass(b)) {
    out.predict = unsqueeze(label(argmax(raw, 1)), 1);  // one column, as CatBoost gives it
    out.predict_proba = b.loss == "MultiClass" ? softmax(raw) : logistic(raw);
  } else if (b.loss == "MultiLogloss" || b.loss == "MultiCrossEntropy") {
    out.predict = cast(greater(raw, raw.scalar(0)), DType::int64);
    out.predict_proba = logistic(raw);
  } else if (b.loss.starts_with("Poisson") || b.loss.starts_with("Tweedie")) {
    out.predict = exp(score);
  } else if (b.loss == "RMSEWithUncertainty" && b.dimension == 2) {  // a mean, and the logarithm of a deviation told as variance
    out.predict = concat({columns(raw, {0}), exp(columns(raw, {1}) * 2)}, 1);
  } else {
    out.predict = score;
  }
  return out;
}

Encoding recognise(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (text.starts_with("CBM1")) return Encoding::binary;
  if (!text.starts_with('{')) return Encoding::none;
  // The keys are sorted: tables of counters and features come first, trees behind them.
  const std::string_view head = text.substr(0, 512);
  const auto has = [](std::string_view in, std::string_view key) { return in.find(key) != std::string_view::npos; };
  const bool begins = has(head, "\"features_info\"") || (has(head, "\"ctr_data\"") && has(text, "\"features_info\""));
  return begins && (has(text, "\"float_features\"") || has(text, "\"categorical_features\"")) ? Encoding::json : Encoding::none;
}

Booster parse(const Source& source) {
  Booster out;
  switch (recognise(source.bytes())) {
    case Encoding::binary: out = parse_binary_model(source); break;
    case Encoding::json: out = parse_json_model(source); break;
    case Encoding::none: throw Error(Code::unsupported, source.where(0), "is no CatBoost model");
  }
  if (out.bias.empty()) out.bias.push_back(0);
  if (out.bias.size() != 1 && out.bias.size() != out.dimension) out.fail(Code::corrupt, format("{} biases for {} outputs", out.bias.size(), out.dimension));
  if (std::ranges::all_of(out.names, [](const std::string& name) { return name.empty(); })) out.names.clear();
  // Names that CatBoost made up are the numbers of the columns.
  bool numbers = true;
  for (std::size_t i = 0; i < out.names.size(); ++i) numbers = numbers && out.names[i] == format("{}", i);
  if (numbers) out.names.clear();
  return out;
}

Model read(const Booster& b, const std::vector<std::string>& outputs) {
  ModelMaker maker;
  const std::vector<std::string> names = b.names.size() == static_cast<std::size_t>(b.columns) ? b.names : std::vector<std::string>();
  const Expr x = !by_column(b) ? cast(maker.matrix(b.columns, names), DType::float32) : rows(b, [&](std::size_t i, Kind kind) {
    const std::string name = names.empty() || names[i].empty() ? format("{}", i) : names[i];
    if (kind != Kind::embedding) return maker.column(name, kind == Kind::text);
    return maker.embedding(name, std::ranges::find(b.embeddings, static_cast<std::int64_t>(i), &SourceFeature::flat_index)->dimension);
  });
  const Expr raw = raw_values(b, x);
  const Answers all = answers(b, raw);
  const Expr score = flat(b, raw);
  maker.output(all.predict, "predict");
  if (all.predict_proba) maker.output(all.predict_proba, "predict_proba", classes_of(b).defined() ? b.class_names : std::vector<std::string>());
  if (all.predict.id() != score.id()) maker.output(score, "RawFormulaVal");
  maker.on_request("apply", outputs, [&] { return leaves(b, x); });
  return std::move(maker).finish("CatBoost", "catboost.CatBoost",
                                 {{"loss_function", json_text(b.loss), {}},
                                  {"trees", format("{}", b.oblivious.size() + b.trees.size()), {}},
                                  {"columns", format("{}", b.columns), {}},
                                  {"dimension", format("{}", b.dimension), {}}});
}

}  // namespace decant::catboost
