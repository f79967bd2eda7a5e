// SPDX-License-Identifier: Apache-2.0
// From columns of a table to the columns that trees look at. Categories are hashes; a projection of several is a hash of their hashes
// (CalcHash in catboost/libs/model/hash.h), by which a table says what was counted (TStaticCtrProvider::CalcCtrs, static_ctr_provider.cpp).
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "frameworks/catboost/booster.h"

namespace decant::catboost {
namespace {

constexpr std::int64_t kMostColumns = 10'000'000;

void add_name(Booster& b, std::int64_t flat_index, const std::string& name) {
  if (flat_index < 0 || flat_index >= kMostColumns) b.fail(Code::corrupt, format("column {}", flat_index));
  b.columns = std::max(b.columns, flat_index + 1);
  if (name.empty() || flat_index >= 1'000'000) return;
  const auto at = static_cast<std::size_t>(flat_index);
  if (b.names.size() <= at) {
    b.source.budget().charge((at + 1 - b.names.size()) * sizeof(std::string), "names", b.source.where());
    b.names.resize(at + 1);
  }
  b.names[at] = name;
}

/// Features by their numbers among those of their kind.
template <class Feature>
class ByIndex {
 public:
  ByIndex(const Booster& b, const std::vector<Feature>& all) : b_(b) {
    for (const Feature& f : all) at_.emplace(f.index, &f);
  }
  const Feature& operator[](std::int64_t index) const {
    const auto at = at_.find(index);
    if (at == at_.end()) b_.fail(Code::corrupt, format("counts by feature {}, which is not there", index));
    return *at->second;
  }

 private:
  const Booster& b_;
  std::map<std::int64_t, const Feature*> at_;
};

/// What the statistic is for each row of its table, and behind them for a row that training did not have (TModelCtr::Calc).
std::vector<float> values_of(const Booster& b, const CtrFeature& ctr, const CtrTable& table) {
  using Type = CtrFeature::Type;
  const auto value = [&](float count, float total) { return ((count + ctr.prior) / (total + ctr.prior_count) + ctr.shift) * ctr.scale; };
  const bool by_class = ctr.type == Type::borders || ctr.type == Type::buckets, by_sum = ctr.type == Type::binarized_mean || ctr.type == Type::float_mean;
  const std::size_t rows = table.hashes.size();
  // Of two classes the second counts, whichever border is named.
  const auto border = static_cast<std::size_t>(ctr.type == Type::borders && table.width == 2 ? 0 : ctr.target_border);
  if (ctr.target_border < 0 || (by_class && border >= table.width) || (by_sum && table.sums.size() != rows) || (!by_class && table.width != 1) || table.counts.size() != rows * table.width) {
    b.fail(Code::corrupt, format("a statistic of class {}, from a table of {} classes", ctr.target_border, table.width));
  }
  b.source.budget().charge(std::uint64_t{rows + 1} * sizeof(float), "statistics", b.source.where());
  std::vector<float> out;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::span<const std::int32_t> counts = std::span(table.counts).subspan(i * table.width, table.width);
    if (by_sum) {
      out.push_back(value(table.sums[i], static_cast<float>(counts[0])));
    } else if (by_class) {
      const auto from = counts.begin() + static_cast<std::ptrdiff_t>(border);
      const std::int64_t all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
      const std::int64_t good = ctr.type == Type::buckets ? *from : std::accumulate(from + 1, counts.end(), std::int64_t{0});
      out.push_back(value(static_cast<float>(good), static_cast<float>(all)));
    } else {
      out.push_back(value(static_cast<float>(counts[0]), static_cast<float>(table.denominator)));
    }
  }
  out.push_back(value(0, by_class || by_sum ? 0 : static_cast<float>(table.denominator)));
  return out;
}

class Rows {
 public:
  Rows(const Booster& b, const std::function<Expr(std::size_t, Kind)>& column) : b_(b), floats_(b, b.floats), categories_(b, b.categories) {
    enum class Held : std::uint8_t { number, category, text, embedding };
    b.source.budget().charge(static_cast<std::uint64_t>(b.columns) * 4096, "inputs of one column each", b.source.where());  // an input, its name and two nodes
    std::vector<Held> held(static_cast<std::size_t>(b.columns), Held::number);
    for (const CatFeature& f : b.categories) held[static_cast<std::size_t>(f.flat_index)] = Held::category;
    for (const SourceFeature& f : b.texts) held[static_cast<std::size_t>(f.flat_index)] = Held::text;
    for (const SourceFeature& f : b.embeddings) held[static_cast<std::size_t>(f.flat_index)] = Held::embedding;
    for (std::size_t i = 0; i < held.size(); ++i) {
      const Expr values = column(i, held[i] == Held::number ? Kind::number : held[i] == Held::embedding ? Kind::embedding : Kind::text);
      switch (held[i]) {
        case Held::number: columns_.push_back(cast(values, DType::float32)); break;
        case Held::category: columns_.push_back(apply("decant", "CategoryHash", {values})); break;
        default:  // no question is about the column itself; something stands for it
          sources_.emplace(static_cast<std::int64_t>(i), held[i] == Held::text ? values : cast(values, DType::float32));
          columns_.push_back(cast(held[i] == Held::text ? equal(values, values.constant(Tensor::scalar(std::string()))) : columns(values, {0}), DType::float32));
      }
    }
  }

  Expr all() {
    std::vector<Expr> out = columns_;
    for (const CatFeature& f : b_.categories) {
      Expr& column = out[static_cast<std::size_t>(f.flat_index)];
      column = f.values.empty() ? cast(column, DType::float32) : place_in(column, {f.values.begin(), f.values.end()}, -1, DType::float32);
    }
    for (const Estimator& e : b_.estimators) {
      const auto source = sources_.find(e.column);
      if (source == sources_.end()) b_.fail(Code::corrupt, format("an estimator of column {}, which holds no texts or embeddings", e.column));
      const Expr made = apply("decant", e.op, {source->second}, e.attributes);
      out.push_back(made);
      if (e.zeros != 0) out.push_back(columns(cast(less(made, made), DType::float32), std::vector<std::int64_t>(e.zeros, 0)));
    }
    for (const CtrFeature& ctr : b_.ctrs) out.push_back(statistic(ctr));
    return concat(out, 1);
  }

 private:
  Expr column(std::int64_t flat_index) const { return columns_[static_cast<std::size_t>(flat_index)]; }

  /// The place of each key in a list, or `otherwise`.
  static Expr place_in(Expr keys, std::vector<std::int64_t> list, std::int64_t otherwise, DType as) {
    std::vector<std::int64_t> places(list.size());
    std::iota(places.begin(), places.end(), std::int64_t{0});
    const Expr place = apply("ai.onnx.ml", "LabelEncoder", {keys}, {{"keys_int64s", std::move(list)}, {"values_int64s", std::move(places)}, {"default_int64", otherwise}});
    return as == DType::int64 ? place : cast(place, as);
  }

  Expr hash_of(const Projection& p) const {
    Expr out;
    // Integers wrap around: 64 bits without a sign and with one are multiplied and added alike.
    const auto add = [&](Expr v) {
      const Expr factor = v.constant(Tensor::scalar(std::int64_t{0x4906ba494954cb65}));
      out = factor * (out ? out + factor * v : factor * v);
    };
    for (const std::int32_t i : p.categories) add(column(categories_[i].flat_index));
    for (const auto& [i, border] : p.above) {
      const FloatFeature& f = floats_[i];
      const Expr v = column(f.flat_index), above = greater(v, v.constant(Tensor::scalar(border)));
      add(cast(f.nan == NanTreatment::as_true ? logical_or(above, is_nan(v)) : above, DType::int64));
    }
    for (const auto& [i, value] : p.equal) {
      const Expr v = column(categories_[i].flat_index);
      add(cast(equal(v, v.constant(Tensor::scalar(std::int64_t{value}))), DType::int64));
    }
    if (!out) b_.fail(Code::corrupt, "a statistic of nothing");
    return out;
  }

  Expr statistic(const CtrFeature& ctr) const {
    b_.source.budget().charge_items(10 + 5 * (ctr.projection.categories.size() + ctr.projection.above.size() + ctr.projection.equal.size()), b_.source.where());
    const auto at = b_.tables.find(ctr.table);
    if (at == b_.tables.end()) b_.fail(Code::corrupt, "a statistic without its table");
    const CtrTable& table = at->second;
    const std::vector<float> values = values_of(b_, ctr, table);
    const Expr hash = hash_of(ctr.projection);
    b_.source.budget().charge(std::uint64_t{table.hashes.size()} * 16, "hashes", b_.source.where());
    const Expr constant = hash.constant(Tensor::vector(values));
    if (table.hashes.empty()) return gather(constant, cast(hash * 0.0, DType::int64), 0);
    return gather(constant, place_in(hash, table.hashes, static_cast<std::int64_t>(table.hashes.size()), DType::int64), 0);
  }

  const Booster& b_;
  const ByIndex<FloatFeature> floats_;
  const ByIndex<CatFeature> categories_;
  std::vector<Expr> columns_;  // float32, or hashes as int64
  std::map<std::int64_t, Expr> sources_;  // columns of texts and embeddings
};

}  // namespace

std::optional<CtrFeature::Type> ctr_type(std::string_view name) {
  // In the order of ECtrType (catboost/libs/model/flatbuffers/ctr_data.fbs).
  static constexpr std::string_view kNames[] = {"Borders", "Buckets", "BinarizedTargetMeanValue", "FloatTargetMeanValue", "Counter", "FeatureFreq"};
  const auto at = std::ranges::find(kNames, name);
  return at == std::end(kNames) ? std::nullopt : std::optional(static_cast<CtrFeature::Type>(at - std::begin(kNames)));
}

void add_feature(Booster& booster, FloatFeature feature) {
  if (static_cast<std::uint8_t>(feature.nan) > 2) booster.fail(Code::corrupt, "a treatment of NaN that is none");
  booster.source.budget().charge(sizeof(FloatFeature), "a feature", booster.source.where());
  add_name(booster, feature.flat_index, feature.name);
  booster.floats.push_back(std::move(feature));
}

void add_feature(Booster& booster, CatFeature feature) {
  booster.source.budget().charge(sizeof(CatFeature), "a feature", booster.source.where());
  add_name(booster, feature.flat_index, feature.name);
  booster.categories.push_back(std::move(feature));
}

void add_feature(Booster& booster, std::vector<SourceFeature>& kind, SourceFeature feature) {
  booster.source.budget().charge(sizeof(SourceFeature), "a feature", booster.source.where());
  add_name(booster, feature.flat_index, feature.name);
  kind.push_back(std::move(feature));
}

std::vector<Split> questions(const Booster& b) {
  std::vector<Split> out;
  const auto charge = [&](std::size_t count) { b.source.budget().charge(std::uint64_t{count} * sizeof(Split), "questions", b.source.where()); };
  for (const FloatFeature& f : b.floats) {
    charge(f.borders.size());
    for (const float border : f.borders) out.push_back({f.flat_index, border, f.nan == NanTreatment::as_true});
  }
  std::map<std::string, std::int64_t, std::less<>> first;  // column of each estimator
  std::int64_t next = b.columns;
  for (const Estimator& e : b.estimators) {
    first.emplace(e.id, next);
    next += static_cast<std::int64_t>(e.width);
  }
  for (const EstimatedFeature& f : b.estimated) {
    charge(f.borders.size());
    const auto at = std::ranges::find(b.estimators, f.estimator, &Estimator::id);
    if (at == b.estimators.end()) b.fail(Code::corrupt, "a feature without its estimator");
    if (f.local < 0 || static_cast<std::uint64_t>(f.local) >= at->width) b.fail(Code::corrupt, format("feature {} of {} that an estimator makes", f.local, at->width));
    for (const float border : f.borders) out.push_back({first.at(f.estimator) + f.local, border});
  }
  for (const std::size_t at : b.one_hot) {
    const CatFeature& f = b.categories[at];
    charge(f.values.size());
    for (std::size_t i = 0; i < f.values.size(); ++i) out.push_back({f.flat_index, 0, false, static_cast<std::int32_t>(i)});
  }
  for (std::size_t i = 0; i < b.ctrs.size(); ++i) {
    charge(b.ctrs[i].borders.size());
    for (const float border : b.ctrs[i].borders) out.push_back({next + static_cast<std::int64_t>(i), border});
  }
  return out;
}

bool by_column(const Booster& booster) { return !booster.categories.empty() || !booster.texts.empty() || !booster.embeddings.empty(); }

Expr rows(const Booster& booster, const std::function<Expr(std::size_t, Kind)>& column) { return Rows(booster, column).all(); }

}  // namespace decant::catboost
