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

}  // namespace

Expr raw_values(const Booster& b, Expr rows) {
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
      std::ranges::copy(tree[i].values, out.begin());
    };
    parts.add(tree.size(), 0, node, leaf, fail);
  }
  Expr out = parts.sum(rows, b.dimension, "<=");
  if (b.scale != 1) out = out * b.scale;
  return out + out.row(b.bias.size() == b.dimension ? b.bias : std::vector<double>(b.dimension, b.bias[0]));
}

namespace {

Expr label_of(const Booster& b, Expr which) {
  if (b.class_type == "Integer") {
    std::vector<std::int64_t> labels;
    for (const std::string& name : b.class_names) {
      const auto label = document::number_of<std::int64_t>(name);
      if (!label) b.fail(Code::corrupt, format("the class \"{}\"", printable(name, 40)));
      labels.push_back(*label);
    }
    return gather(which.constant(Tensor::vector(labels)), which, 0);
  }
  if (b.class_type == "Float") {
    std::vector<double> labels;
    for (const std::string& name : b.class_names) labels.push_back(document::number_of<double>(name).value_or(0));
    return gather(which.constant(Tensor::vector(labels)), which, 0);
  }
  return gather(which.constant(Tensor::vector(b.class_names)), which, 0);
}

}  // namespace

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

void refuse_features(const Booster& booster, std::size_t count, std::string_view what) {
  if (count != 0) booster.fail(Code::unsupported, format("{} features of CatBoost made from {} are not run yet", count, what));
}

Model read(const Booster& b) {
  ModelMaker maker;
  const std::vector<std::string> names = b.names.size() == static_cast<std::size_t>(b.columns) ? b.names : std::vector<std::string>();
  // Categories are texts, and these are inputs of their own.
  const Expr raw = raw_values(b, b.categories.empty() ? cast(maker.matrix(b.columns, names), DType::float32) : rows(b, [&](std::size_t i, bool text) {
    return maker.column(names.empty() ? format("{}", i) : names[i], text);
  }));
  const Expr flat = b.dimension == 1 ? squeeze(raw, 1) : raw;
  const bool one_of_two = b.loss == "Logloss" || b.loss == "CrossEntropy" || b.loss == "Focal";
  const bool one_of_many = b.loss == "MultiClass" || b.loss == "MultiClassOneVsAll";
  if (one_of_two && b.dimension == 1) {
    const Expr p = 1.0 / (exp(-flat) + 1.0);
    const double border = b.border == 0.5 ? 0 : -std::log(1 / b.border - 1);
    const Expr which = cast(greater(flat, flat.scalar(border)), DType::int64);
    const bool named = b.class_names.size() == 2;
    maker.output(named ? label_of(b, which) : which, "predict");
    maker.output(concat({unsqueeze(1.0 - p, 1), unsqueeze(p, 1)}, 1), "predict_proba", named ? b.class_names : std::vector<std::string>());
    maker.output(flat, "RawFormulaVal");
  } else if (one_of_many && b.dimension > 1) {
    const Expr p = b.loss == "MultiClass" ? softmax(raw) : 1.0 / (exp(-raw) + 1.0);
    const Expr which = argmax(raw, 1);
    const bool named = b.class_names.size() == b.dimension;
    maker.output(unsqueeze(named ? label_of(b, which) : which, 1), "predict");  // one column, as CatBoost gives it
    maker.output(p, "predict_proba", named ? b.class_names : std::vector<std::string>());
    maker.output(raw, "RawFormulaVal");
  } else if (b.loss == "MultiLogloss" || b.loss == "MultiCrossEntropy") {
    maker.output(cast(greater(raw, raw.scalar(0)), DType::int64), "predict");
    maker.output(1.0 / (exp(-raw) + 1.0), "predict_proba");
    maker.output(raw, "RawFormulaVal");
  } else if (b.loss.starts_with("Poisson") || b.loss.starts_with("Tweedie")) {
    maker.output(exp(flat), "predict");
    maker.output(flat, "RawFormulaVal");
  } else if (b.loss == "RMSEWithUncertainty" && b.dimension == 2) {  // a mean, and the logarithm of a deviation told as variance
    maker.output(concat({columns(raw, {0}), exp(columns(raw, {1}) * 2)}, 1), "predict");
    maker.output(raw, "RawFormulaVal");
  } else {
    maker.output(flat, "predict");
  }
  return std::move(maker).finish("CatBoost", "catboost.CatBoost",
                                 {{"loss_function", json_text(b.loss), {}},
                                  {"trees", format("{}", b.oblivious.size() + b.trees.size()), {}},
                                  {"columns", format("{}", b.columns), {}},
                                  {"dimension", format("{}", b.dimension), {}}});
}

}  // namespace decant::catboost
