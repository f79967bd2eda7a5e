// SPDX-License-Identifier: Apache-2.0
// What a booster computes, in its own arithmetic: everything in float64, tree by tree from 0 (GBDT::PredictRaw); decisions as in
// Tree::NumericalDecision and Tree::CategoricalDecision (include/LightGBM/tree.h); links of src/objective/.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "codecs/document/document.h"
#include "frameworks/lightgbm/booster.h"
#include "frameworks/model_maker.h"
#include "frameworks/tree_parts.h"

namespace decant::lightgbm {
namespace {

enum class Link : std::uint8_t { identity, exponential, logistic, softplus, softmax };

struct Objective {
  std::string_view name;
  Link link;
};
constexpr Objective kObjectives[] = {
    {"", Link::identity},
    {"binary", Link::logistic},
    {"cross_entropy", Link::logistic},
    {"cross_entropy_lambda", Link::softplus},
    {"custom", Link::identity},
    {"fair", Link::identity},
    {"gamma", Link::exponential},
    {"huber", Link::identity},
    {"lambdarank", Link::identity},
    {"mape", Link::identity},
    {"multiclass", Link::softmax},
    {"multiclassova", Link::logistic},
    {"poisson", Link::exponential},
    {"quantile", Link::identity},
    {"rank_xendcg", Link::identity},
    {"regression", Link::identity},
    {"regression_l1", Link::identity},
    {"tweedie", Link::exponential},
};

Link link_of(const Booster& b) {
  for (const Objective& o : kObjectives) {
    if (o.name == b.objective) return o.link;
  }
  b.fail(Code::unsupported, format("the objective \"{}\"", printable(b.objective, 60)));
}

/// A number as LightGBM reads it here (Common::Atof in utils/common.h): the digits behind the point are divided by a power of ten and added, which
/// may round twice.
std::optional<double> sloppy_number(std::string_view text) {
  if (!document::number_of<double>(text)) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto digits = [&](double from, int& count) {
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++count) from = from * 10.0 + (text[0] - '0');
    return from;
  };
  int count = 0;
  double value = digits(0, count);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    count = 0;
    const double right = digits(0, count);
    value += right / std::pow(10.0, count);
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    const bool small = text.starts_with('-');
    if (small || text.starts_with('+')) text.remove_prefix(1);
    int left = static_cast<int>(std::min(digits(0, count), 308.0));
    double scale = 1;
    for (; left >= 50; left -= 50) scale *= 1e50;
    for (; left >= 8; left -= 8) scale *= 1e8;
    for (; left > 0; --left) scale *= 10.0;
    value = small ? value / scale : value * scale;
  }
  return negative ? -value : value;
}

/// The option "name:value", as in "binary sigmoid:1".
double option(const Booster& b, std::string_view name, double otherwise) {
  for (const std::string& word : b.options) {
    if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != ':') continue;
    const auto value = sloppy_number(std::string_view(word).substr(name.size() + 1));
    if (!value) b.fail(Code::corrupt, format("the objective's {}", printable(word, 60)));
    return *value;
  }
  return otherwise;
}
bool is_root(const Booster& b) { return std::ranges::find(b.options, "sqrt") != b.options.end() && link_of(b) == Link::identity; }

/// Columns that trees look at: those of the table, and behind them columns made of these, where zeros are missing or where categories are
/// cut to whole numbers.
class Columns {
 public:
  enum class Kind : std::uint8_t { zero_is_missing, whole };
  explicit Columns(std::int64_t width) : width_(width) {}
  std::int64_t derived(std::int64_t feature, Kind kind) {
    const auto [at, is_new] = made_.try_emplace({feature, kind}, width_ + static_cast<std::int64_t>(made_.size()));
    if (is_new) order_.push_back({feature, kind});
    return at->second;
  }
  Expr apply_to(Expr x) const {
    if (order_.empty()) return x;
    std::vector<Expr> parts{x};
    for (std::size_t begin = 0; begin < order_.size();) {  // neighbours of one kind together
      const Kind kind = order_[begin].second;
      std::vector<std::int64_t> which;
      for (; begin < order_.size() && order_[begin].second == kind; ++begin) which.push_back(order_[begin].first);
      const Expr v = columns(x, which);
      if (kind == Kind::zero_is_missing) {
        parts.push_back(where(logical_or(is_nan(v), less_equal(abs(v), v.scalar(static_cast<double>(1e-35f)))), v.scalar(std::nan("")), v));
      } else {  // what lies between -1 and 0 is category 0
        parts.push_back(where(logical_and(less(v, v.scalar(0)), greater(v, v.scalar(-1))), v.scalar(0), v));
      }
    }
    return concat(parts, 1);
  }

 private:
  std::int64_t width_;
  std::map<std::pair<std::int64_t, Kind>, std::int64_t> made_;
  std::vector<std::pair<std::int64_t, Kind>> order_;
};

using Parts = TreeParts<double, double>;

Parts::Split split_of(const Booster& b, std::size_t t, std::size_t i, Parts& parts, Columns& columns) {
  const Tree& tree = b.trees[t];
  const std::size_t inner = tree.left_child.size();
  const auto fail = [&](std::string_view text) { b.fail(Code::corrupt, format("tree {}: {}", t, text)); };
  if (i >= inner) return {};
  const auto child = [&](std::int32_t c) { return c >= 0 ? std::int64_t{c} : static_cast<std::int64_t>(inner) + ~c; };
  Parts::Split out;
  out.feature = tree.split_feature[i];
  if (out.feature < 0 || out.feature >= b.num_feature) fail(format("node {} asks for feature {} of {}", i, out.feature, b.num_feature));
  for (const std::int32_t c : {tree.left_child[i], tree.right_child[i]}) {
    if (c >= 0 && static_cast<std::size_t>(c) >= inner) fail(format("node {} has child {} of {} inner nodes", i, c, inner));
  }
  out.yes = child(tree.left_child[i]);
  out.no = child(tree.right_child[i]);
  const std::int32_t type = tree.decision_type[i];
  const double threshold = tree.threshold[i];
  if ((type & kCategorical) != 0) {
    const std::size_t sets = tree.cat_boundaries.empty() ? 0 : tree.cat_boundaries.size() - 1;
    if (!(threshold >= 0 && threshold < static_cast<double>(sets))) fail(format("node {} asks for set {} of {}", i, threshold, sets));
    const auto set = static_cast<std::size_t>(threshold);
    const auto begin = static_cast<std::size_t>(tree.cat_boundaries[set]), end = static_cast<std::size_t>(tree.cat_boundaries[set + 1]);
    out.set = parts.add_set(std::span(tree.cat_threshold).subspan(begin, end - begin));
    out.feature = columns.derived(out.feature, Columns::Kind::whole);
    return out;  // NaN goes right
  }
  out.split = threshold;
  switch (static_cast<Missing>((type >> kMissingShift) & 3)) {
    case Missing::nan: out.missing_yes = (type & kDefaultLeft) != 0; break;
    case Missing::zero:
      out.missing_yes = (type & kDefaultLeft) != 0;
      out.feature = columns.derived(out.feature, Columns::Kind::zero_is_missing);
      break;
    default: out.missing_yes = 0.0 <= threshold;  // NaN counts as 0
  }
  return out;
}

std::size_t tree_count(const Booster& b) {
  const std::size_t trees = b.trees.size();
  return b.best_iteration && *b.best_iteration > 0 ? std::min(trees, static_cast<std::size_t>(*b.best_iteration) * static_cast<std::size_t>(b.trees_per_iteration)) : trees;
}

Parts parts_of(const Booster& b, Columns& columns) {
  const std::size_t trees = tree_count(b);
  const bool linear = std::ranges::any_of(b.trees.begin(), b.trees.begin() + static_cast<std::ptrdiff_t>(trees), &Tree::is_linear);
  Parts parts(b.source, 1);
  for (std::size_t t = 0; t < trees; ++t) {
    const Tree& tree = b.trees[t];
    const std::size_t inner = tree.left_child.size();
    std::vector<std::size_t> offsets(tree.leaf_value.size() + 1, 0);
    for (std::size_t i = 0; i < tree.num_features.size(); ++i) offsets[i + 1] = offsets[i] + static_cast<std::size_t>(tree.num_features[i]);
    for (const std::int32_t f : tree.leaf_features) {
      if (f < 0 || f >= b.num_feature) b.fail(Code::corrupt, format("tree {}: a leaf asks for feature {} of {}", t, f, b.num_feature));
    }
    const auto leaf = [&](std::size_t i, std::span<double> out) {
      const std::size_t at = i - inner;  // leaves are counted apart from the inner nodes, which stand before them here
      parts.number_leaf(at);
      out[0] = tree.leaf_value[at];
      if (!linear) return;
      if (!tree.is_linear) return parts.make_linear(out[0], {}, {});
      const std::size_t count = offsets[at + 1] - offsets[at];
      parts.make_linear(tree.leaf_const[at], std::span(tree.leaf_features).subspan(offsets[at], count), std::span(tree.leaf_coeff).subspan(offsets[at], count));
    };
    parts.add(inner + tree.leaf_value.size(), static_cast<std::int32_t>(t % static_cast<std::size_t>(b.trees_per_iteration)),
              [&](std::size_t i) { return split_of(b, t, i, parts, columns); }, leaf, [&](std::string_view text) { b.fail(Code::corrupt, format("tree {}: {}", t, text)); });
  }
  return parts;
}

}  // namespace

bool has_transformation(const Booster& b) { return link_of(b) != Link::identity || is_root(b) || b.average_output; }

Expr raw_score(const Booster& b, Expr x) {
  Columns columns(b.num_feature);
  Parts parts = parts_of(b, columns);
  return parts.sum(columns.apply_to(x), static_cast<std::size_t>(b.trees_per_iteration), "<=");
}

Expr leaves(const Booster& b, Expr x) {
  Columns columns(b.num_feature);
  Parts parts = parts_of(b, columns);
  const Expr out = cast(parts.leaves(columns.apply_to(x), "<="), DType::int32);
  return tree_count(b) == 1 && b.version != "v4" ? squeeze(out, 1) : out;
}

Expr transformed(const Booster& b, Expr v) {
  const Link link = link_of(b);
  if (b.average_output) {
    std::size_t iterations = b.trees.size() / static_cast<std::size_t>(b.trees_per_iteration);
    if (b.best_iteration && *b.best_iteration > 0) iterations = std::min(iterations, static_cast<std::size_t>(*b.best_iteration));
    v = v / static_cast<double>(iterations);
  }
  switch (link) {
    case Link::identity:
      if (is_root(b)) v = (cast(greater(v, v.scalar(0)), DType::float64) - cast(less(v, v.scalar(0)), DType::float64)) * v * v;
      break;
    case Link::exponential: v = exp(v); break;
    case Link::logistic: v = 1.0 / (exp(v * -option(b, "sigmoid", 1)) + 1.0); break;
    case Link::softplus: {  // log1p(exp(v)), which is infinite where the exponential is
      const Expr e = exp(v);
      v = where(greater(e, e.scalar(std::numeric_limits<double>::max())), e, apply("Softplus", {v}));
      break;
    }
    case Link::softmax: {
      const Expr e = exp(v - reduce_max(v, 1, true));
      v = e / reduce_sum(e, 1, true);
    }
  }
  return v.dim(1) == 1 ? squeeze(v, 1) : v;
}

Model read(const Booster& b, const std::vector<std::string>& outputs) {
  ModelMaker maker;
  const std::vector<CategoryList> known = b.categories();
  Expr x;
  if (std::ranges::any_of(known, [](const CategoryList& c) { return c.is_text(); })) {
    x = coded_rows(b, [&](std::size_t i, bool text) { return maker.column(b.feature_names.empty() ? format("Column_{}", i) : b.feature_names[i], text); });
  } else {
    x = maker.matrix(b.num_feature, b.feature_names);
    if (!b.pandas_categorical.empty()) x = coded_rows(b, [whole = x](std::size_t i, bool) { return columns(whole, {static_cast<std::int64_t>(i)}); });
  }
  const Expr raw = raw_score(b, x);
  maker.output(transformed(b, raw), "predict");
  if (has_transformation(b)) maker.output(raw.dim(1) == 1 ? squeeze(raw, 1) : raw, "raw_score");
  maker.on_request("apply", outputs, [&] { return leaves(b, x); });
  maker.model.origin.version = b.version.empty() ? "" : "model text " + printable(b.version, 20);
  std::string objective = b.objective;
  for (const std::string& word : b.options) objective += " " + word;
  return std::move(maker).finish("LightGBM", "lightgbm.basic.Booster",
                                 {{"objective", json_text(objective), {}},
                                  {"num_feature", format("{}", b.num_feature), {}},
                                  {"num_class", format("{}", b.num_class), {}},
                                  {"num_trees", format("{}", b.trees.size()), {}},
                                  {"average_output", b.average_output ? "true" : "false", {}}});
}

}  // namespace decant::lightgbm
