// SPDX-License-Identifier: Apache-2.0
// What a booster computes, in its own arithmetic: everything in float32, the intercept first and then one tree after the other
// (Predictor::InitOutPredictions, cpu_predictor.cc); the objectives' links of src/objective/.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frameworks/model_maker.h"
#include "frameworks/tree_parts.h"
#include "frameworks/xgboost/booster.h"

namespace decant::xgboost {
namespace {

enum class Link : std::uint8_t { identity, logistic, exponential, hinge, softmax, softprob };

struct Objective {
  std::string_view name;
  Link link;
  bool score_is_margin = false;  // base_score is added as it is although the answer is transformed
};
constexpr Objective kObjectives[] = {
    {"binary:hinge", Link::hinge, true},
    {"binary:logistic", Link::logistic},
    {"binary:logitraw", Link::identity},
    {"count:poisson", Link::exponential},
    {"multi:softmax", Link::softmax, true},
    {"multi:softprob", Link::softprob, true},
    {"rank:map", Link::identity},
    {"rank:ndcg", Link::identity},
    {"rank:pairwise", Link::identity},
    {"reg:absoluteerror", Link::identity},
    {"reg:expectileerror", Link::identity},
    {"reg:gamma", Link::exponential},
    {"reg:linear", Link::identity},
    {"reg:logistic", Link::logistic},
    {"reg:pseudohubererror", Link::identity},
    {"reg:quantileerror", Link::identity},
    {"reg:squarederror", Link::identity},
    {"reg:squaredlogerror", Link::identity},
    {"reg:tweedie", Link::exponential},
    {"survival:aft", Link::exponential},
    {"survival:cox", Link::exponential},
};

const Objective& objective_of(const Booster& b) {
  for (const Objective& o : kObjectives) {
    if (o.name == b.objective) return o;
  }
  b.fail(Code::unsupported, format("the objective \"{}\"", printable(b.objective, 60)));
}

constexpr Version kBaseFirst{1, 3};    // before, the trees were summed first (PredValue in cpu_predictor.cc of 1.2)
constexpr Version kDartBaseFirst{1, 4};
constexpr Version kDartPlain{3, 3};    // in place too
constexpr Version kRealLeaves{1, 4};   // numbers of leaves are float32 since
constexpr Version kBoundedExp{1, 6};   // common::Sigmoid bounds its exponent since
constexpr Version kRawScore{1, 3};     // base_score of binary:logitraw is a margin since
constexpr Version kBoundedScore{3, 1};  // ProbToMargin clips base_score since

/// ObjFunction::ProbToMargin.
std::vector<float> intercept(const Booster& b) {
  std::vector<float> out = b.base_score;
  const Objective& o = objective_of(b);
  if (o.score_is_margin || b.version.major < 1) return out;
  const bool logit = o.link == Link::logistic || (o.name == "binary:logitraw" && b.version < kRawScore);
  for (float& v : out) {
    if (logit) {
      constexpr float kEps = 1e-6f;
      if (b.version >= kBoundedScore) v = std::min(std::max(v, kEps), 1.0f - kEps);
      v = -std::log(1.0f / v - 1.0f);
    } else if (o.link == Link::exponential) {
      v = std::log(v);
    }
  }
  return out;
}

Expr row(Expr like, const std::vector<float>& values) { return like.constant(Tensor::vector(values)); }

// A bias and a weight for each output (gblinear.cc). The sum is a matrix product: the order of its additions is not the library's.
Expr linear(const Booster& b, Expr x32) {
  const auto k = static_cast<std::int64_t>(b.outputs()), f = b.num_feature;
  const auto split = static_cast<std::size_t>(f * k);
  const std::span<const float> all(b.weights);
  const Expr weights = x32.constant(Tensor::of<float>({f, k}, all.first(split)));
  std::vector<float> bias(all.begin() + static_cast<std::ptrdiff_t>(split), all.end());
  const std::vector<float> base = intercept(b);
  for (float& v : bias) v += base[0];
  const Expr present = where(is_nan(x32), x32.scalar(0), x32);  // a missing cell adds nothing
  return matmul(present, weights) + row(x32, bias);
}

void add_tree(TreeParts<float, float>& parts, const Booster& b, std::size_t t, std::size_t width, const std::vector<float>& inside) {
  using Split = TreeParts<float, float>::Split;
  const Tree& tree = b.trees[t];
  const auto fail = [&](std::string_view text) { b.fail(Code::corrupt, format("tree {}: {}", t, text)); };
  const float weight = b.drop_weights.empty() ? 1.0f : b.drop_weights[t];
  const auto node = [&](std::size_t i) {
    if (tree.left[i] == -1) return Split{};
    if (tree.feature[i] >= static_cast<std::uint64_t>(b.num_feature)) fail(format("node {} asks for feature {} of {}", i, tree.feature[i], b.num_feature));
    Split out;
    out.feature = tree.feature[i];
    out.split = tree.condition[i];
    out.yes = tree.left[i];
    out.no = tree.right[i];
    out.missing_yes = tree.default_left[i] != 0;
    if (const auto set = tree.categories.find(static_cast<std::int32_t>(i)); set != tree.categories.end()) {
      // The stored categories go right, all others left (Decision in src/common/categorical.h).
      out.set = parts.add_set(set->second);
      out.split = 0;
      std::swap(out.yes, out.no);
      out.missing_yes = !out.missing_yes;
    }
    return out;
  };
  const auto leaf = [&](std::size_t i, std::span<float> values) {
    if (width == 1) {
      values[0] = tree.condition[i];
      // Dart::InplacePredict of 1.4 to 3.2: each tree's answer holds the intercept, which is taken away again.
      if (const float base = inside.empty() ? 0 : inside[static_cast<std::size_t>(b.groups[t])]; !inside.empty()) values[0] = (base + values[0]) - base;
      if (!b.drop_weights.empty()) values[0] *= weight;
      return;
    }
    const std::int64_t at = tree.leaf_numbered ? tree.right[i] : static_cast<std::int64_t>(i);
    if (at < 0 || static_cast<std::uint64_t>(at) >= tree.vectors.size() / width) fail(format("leaf {} of {}", at, tree.vectors.size() / width));
    std::copy_n(tree.vectors.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(at) * width), width, values.begin());
  };
  parts.add(tree.left.size(), b.groups[t], node, leaf, fail);
}

}  // namespace

bool has_transformation(const Booster& booster) { return objective_of(booster).link != Link::identity; }

bool has_categories(const Booster& booster) {
  return std::ranges::any_of(booster.categories, [](const CategoryList& c) { return !c.empty(); });
}
bool has_text_categories(const Booster& booster) {
  return std::ranges::any_of(booster.categories, [](const CategoryList& c) { return c.is_text(); });
}

namespace {

/// How many trees the first `rounds` rounds made (nothing: all).
std::size_t tree_count(const Booster& b, std::optional<std::int64_t> rounds) {
  const bool some = rounds && static_cast<std::uint64_t>(*rounds) < b.rounds.size();
  return some ? static_cast<std::size_t>(b.rounds[static_cast<std::size_t>(*rounds)]) : b.trees.size();
}

TreeParts<float, float> parts_of(const Booster& b, std::size_t trees, const std::vector<float>& inside) {
  const bool vectors = std::ranges::any_of(b.trees, [](const Tree& tree) { return !tree.vectors.empty(); });
  const std::size_t width = vectors ? b.outputs() : 1;
  TreeParts<float, float> parts(b.source, width);
  for (std::size_t t = 0; t < trees; ++t) {
    if (b.trees[t].vectors.empty() == vectors) b.fail(Code::unsupported, "trees with one value a leaf beside trees with several");
    add_tree(parts, b, t, width, inside);
  }
  return parts;
}

}  // namespace

Expr margin(const Booster& b, Expr x32, std::optional<std::int64_t> rounds, bool in_place) {
  if (b.kind == "gblinear") return linear(b, x32);
  const bool dart = b.kind == "dart";
  const std::vector<float> base = intercept(b), inside = dart && in_place && b.version < kDartPlain ? base : std::vector<float>();
  TreeParts<float, float> parts = parts_of(b, tree_count(b, rounds), inside);
  if (b.version >= (dart ? kDartBaseFirst : kBaseFirst)) return parts.sum(x32, b.outputs(), "<", base);
  const Expr sum = parts.sum(x32, b.outputs(), "<");
  return sum + row(sum, base);
}

Expr leaves(const Booster& b, Expr x32, std::optional<std::int64_t> rounds) {
  if (b.kind == "gblinear") b.fail(Code::unsupported, "a linear booster has no leaves");
  const std::size_t trees = tree_count(b, rounds);
  const Expr out = cast(parts_of(b, trees, {}).leaves(x32, "<"), b.version >= kRealLeaves ? DType::float32 : DType::int32);
  return trees == 1 ? squeeze(out, 1) : out;
}

Expr transformed(const Booster& b, Expr margin) {
  const auto narrow = [](Expr v) { return v.dim(1) == 1 ? squeeze(v, 1) : v; };
  switch (objective_of(b).link) {
    case Link::identity: break;
    case Link::logistic: {  // common::Sigmoid; its epsilon of 1e-16 is lost in the float32 sum
      const Expr negative = -margin;
      return narrow(1.0 / (exp(b.version >= kBoundedExp ? minimum(negative, margin.constant(Tensor::scalar(88.7f))) : negative) + 1.0));
    }
    case Link::exponential: return narrow(exp(margin));
    case Link::hinge: return narrow(cast(greater(margin, margin.scalar(0)), DType::float32));
    case Link::softmax: return cast(argmax(margin, 1), DType::float32);
    case Link::softprob: {  // common::Softmax: exponentials in float32, their sum in float64
      const Expr e = exp(margin - reduce_max(margin, 1, true));
      return e / cast(reduce_sum(cast(e, DType::float64), 1, true), DType::float32);
    }
  }
  return narrow(margin);
}

Model read(const Booster& b, const std::vector<std::string>& outputs) {
  ModelMaker maker;
  Expr x;
  if (has_text_categories(b)) {
    x = coded_rows(b, [&](std::size_t i, bool text) { return maker.column(b.feature_names.empty() ? format("f{}", i) : b.feature_names[i], text); });
  } else {
    const Expr whole = maker.matrix(b.num_feature, b.feature_names);
    if (!has_categories(b)) x = cast(whole, DType::float32);
    else x = coded_rows(b, [&](std::size_t i, bool) { return columns(whole, {static_cast<std::int64_t>(i)}); });
  }
  const Expr raw = margin(b, x);
  maker.output(transformed(b, raw), "predict");
  if (has_transformation(b)) maker.output(raw.dim(1) == 1 ? squeeze(raw, 1) : raw, "output_margin");
  if (b.kind != "gblinear") maker.on_request("apply", outputs, [&] { return leaves(b, x); });
  if (b.version.major > 0) maker.model.origin.version = format("{}.{}", b.version.major, b.version.minor);
  return std::move(maker).finish("XGBoost", "xgboost.core.Booster",
                                 {{"booster", json_text(b.kind), {}},
                                  {"objective", json_text(b.objective), {}},
                                  {"num_feature", format("{}", b.num_feature), {}},
                                  {"num_class", format("{}", b.num_class), {}},
                                  {"num_target", format("{}", b.num_target), {}},
                                  {"num_trees", format("{}", b.trees.size()), {}}});
}

}  // namespace decant::xgboost
