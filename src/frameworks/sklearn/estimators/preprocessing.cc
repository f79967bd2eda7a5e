// SPDX-License-Identifier: Apache-2.0
// Scalers and other column-wise formulas (sklearn/preprocessing/_data.py, _polynomial.py, _function_transformer.py; preprocessing/data.py up to 0.21).
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

Result standard_scaler(Context&, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  if (self.boolean("with_mean", true)) x = x - row_of(self, "mean_", x);
  if (self.boolean("with_std", true)) x = x / row_of(self, self.has("scale_") ? "scale_" : "std_", x);  // std_ up to 0.16
  return x;
}

Result min_max_scaler(Context&, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  x = x * row_of(self, "scale_", x) + row_of(self, "min_", x);
  if (self.boolean("clip", false)) {
    x = clip(x, self["feature_range"].item(0).real(), self["feature_range"].item(1).real());
  }
  return x;
}

Result max_abs_scaler(Context&, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  x = x / row_of(self, "scale_", x);
  return self.boolean("clip", false) ? clip(x, -1, 1) : x;
}

Result robust_scaler(Context&, const Object& self, Method, const Table& t) {
  Expr x = t.matrix();
  if (self.boolean("with_centering", true)) x = x - row_of(self, "center_", x);
  if (self.boolean("with_scaling", true)) x = x / row_of(self, "scale_", x);
  return x;
}

Result normalizer(Context& context, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  const std::string norm = self.text("norm", "l2");
  const Version version = context.version(self);
  Expr norms;
  if (norm == "l1") norms = reduce_sum(abs(x), 1, true);
  else if (norm == "l2") norms = sqrt(reduce_sum(x * x, 1, true));
  else if (norm == "max") norms = reduce_max(version < Version{0, 24} ? x : abs(x), 1, true);  // up to 0.23 without the absolute value
  else unsupported(self, format("norm {}", printable(norm)));
  // Zeros are not divided by; since 1.0 nor is what is near zero (_handle_zeros_in_scale).
  const Expr zero = version < Version{1, 0} ? equal(norms, x.scalar(0)) : less(norms, x.scalar(10 * std::numeric_limits<double>::epsilon()));
  return x / where(zero, x.scalar(1), norms);
}

Result binarizer(Context&, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  return cast(greater(x, x.scalar(self.real("threshold", 0))), DType::float64);
}

Result kernel_centerer(Context&, const Object& self, Method, const Table& t) {
  const Expr k = t.matrix();
  const Expr rows = row_of(self, "K_fit_rows_", k);
  const Expr mean = reduce_sum(k, 1, true) / static_cast<double>(k.dim(1));
  return k - rows - mean + k.scalar(self["K_fit_all_"].real());
}

/// All products of `degree` columns in the order of itertools.combinations(_with_replacement), one degree made from the one before.
Result polynomial(Context&, const Object& self, Method, const Table& t) {
  const Expr x = t.matrix();
  const std::int64_t features = x.dim(1);
  std::int64_t lowest = 0, highest = 2;
  if (self.has("_max_degree")) {
    lowest = self.integer("_min_degree", 0);
    highest = self.integer("_max_degree", 2);
  } else if (self.set("degree") && self["degree"].is_sequence()) {
    lowest = self["degree"].item(0).integer();
    highest = self["degree"].item(1).integer();
  } else {
    highest = self.integer("degree", 2);
  }
  if (highest > 1000) unsupported(self, format("degree {}", highest));
  const bool interaction = self.boolean("interaction_only", false);
  std::vector<Expr> parts;
  if (self.boolean("include_bias", true)) parts.push_back(slice(x, 0, 1, 1) * 0.0 + 1.0);
  if (!parts.empty()) parts[0] = where(is_nan(parts[0]), x.scalar(1), parts[0]);

  struct Term { std::int64_t first, last; };  // the columns of the smallest and the largest factor
  std::vector<Term> terms;
  Expr level = x;
  for (std::int64_t f = 0; f < features; ++f) terms.push_back({f, f});
  for (std::int64_t degree = 1; degree <= highest; ++degree) {
    if (degree > 1) {
      std::vector<std::int64_t> left, factor;
      std::vector<Term> next;
      for (std::int64_t f = 0; f < features; ++f) {
        for (std::size_t i = 0; i < terms.size(); ++i) {
          if (interaction ? terms[i].first <= f : terms[i].first < f) continue;
          left.push_back(static_cast<std::int64_t>(i));
          factor.push_back(f);
          next.push_back({f, terms[i].last});
        }
        if (next.size() > 2'000'000) unsupported(self, "more than two million output columns");
      }
      if (next.empty()) break;
      level = columns(level, left) * columns(x, factor);
      terms = std::move(next);
    }
    if (degree >= lowest) parts.push_back(level);
  }
  if (parts.empty()) return columns(x, {});
  return concat(parts, 1);
}

Result function_transformer(Context&, const Object& self, Method, const Table& t) {
  if (!self.set("func")) return t.width() == 0 ? Result(t.matrix()) : Result(t);
  const Object none;
  return numpy_function(self, self["func"], self.set("kw_args") ? self["kw_args"] : none, t.matrix());
}

}  // namespace

DECANT_AT_START std::span<const Estimator> preprocessing_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"StandardScaler", kTransformer, standard_scaler}, {"MinMaxScaler", kTransformer, min_max_scaler},
      {"MaxAbsScaler", kTransformer, max_abs_scaler},    {"RobustScaler", kTransformer, robust_scaler},
      {"Normalizer", kTransformer, normalizer},          {"Binarizer", kTransformer, binarizer},
      {"KernelCenterer", kTransformer, kernel_centerer}, {"PolynomialFeatures", kTransformer, polynomial},
      {"FunctionTransformer", kTransformer, function_transformer},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
