// SPDX-License-Identifier: Apache-2.0
// Support vector machines of libsvm (sklearn/svm/_base.py, _classes.py; libsvm's decisions in sklearn/svm/src/libsvm/svm.cpp). Models
// fitted on sparse data answer by the same formulas. `_dual_coef_` and `_intercept_` have libsvm's own signs in every version since
// 0.18; the public dual_coef_ and intercept_ of two classes are turned round, so they are not used. A callable kernel cannot be run.
#include <limits>

#include "base/text.h"
#include "frameworks/sklearn/svm.h"

namespace decant::sklearn {
namespace {

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// 0 against 1, 0 against 2, …, 1 against 2, …
Pairs pairs_of(std::int64_t classes) {
  Pairs out;
  for (std::int64_t i = 0; i < classes; ++i) {
    for (std::int64_t j = i + 1; j < classes; ++j) out.emplace_back(i, j);
  }
  return out;
}

/// [pairs, classes]: `first` at the first class of each pair, `second` at its second.
Expr incidence(Context& context, std::int64_t classes, double first, double second) {
  const Pairs pairs = pairs_of(classes);
  Tensor out(DType::float64, {static_cast<std::int64_t>(pairs.size()), classes});
  const std::span<double> cells = out.mutable_data<double>();
  std::ranges::fill(cells, 0.0);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    cells[p * static_cast<std::size_t>(classes) + static_cast<std::size_t>(pairs[p].first)] = first;
    cells[p * static_cast<std::size_t>(classes) + static_cast<std::size_t>(pairs[p].second)] = second;
  }
  return context.constant(out);
}

/// The kernel of x with every support vector, [N, support vectors].
Expr kernel_with_support(Context& context, const Object& self, const Table& x) {
  const Object kernel = self["kernel"];
  if (!kernel.is_text()) unsupported(self, "its kernel is a function, which decant does not run");
  const std::string name = kernel.text();
  if (name == "precomputed") return columns(x.matrix(), self["support_"].integers());
  if (name != "linear" && name != "poly" && name != "rbf" && name != "sigmoid") unsupported(self, format("kernel={} is not known", name));
  return apply("decant", "KernelMatrix", {x.matrix(), context.constant(self["support_vectors_"].doubles())},
               {{"kernel", name}, {"gamma", self["_gamma"].real()}, {"coef0", self.real("coef0", 0)}, {"degree", self.integer("degree", 3)}});
}

/// Regression and one class: one sum [N].
Expr single_decision(Context& context, const Object& self, const Table& x) {
  const Tensor coef = self.any({"_dual_coef_", "dual_coef_"}).doubles();
  return linear(context, kernel_with_support(context, self, x), coef, self.any({"_intercept_", "intercept_"}).doubles(), true);
}

/// svm_predict_values: one decision for each pair of classes, [N, pairs]; positive means the first of the pair. The support vectors
/// are sorted by class; row r of the coefficients of class i is against class r, or r + 1 from i on.
Expr pair_decisions(Context& context, const Object& self, std::int64_t classes, const Table& x) {
  const Tensor coef = self["_dual_coef_"].doubles();
  const std::vector<std::int64_t> counts = self.any({"_n_support", "n_support_"}).integers();
  std::int64_t total = 0;
  for (const std::int64_t n : counts) {
    if (n < 0 || n > coef.shape().back() - total) self.fail(Code::corrupt, format("{} support vectors of a class, {} in all", n, coef.shape().back()));
    total += n;
  }
  if (coef.rank() != 2 || coef.dim(0) != classes - 1 || static_cast<std::int64_t>(counts.size()) != classes || total != coef.dim(1)) {
    self.fail(Code::corrupt, format("_dual_coef_ {} for {} classes and {} support vectors", text_of(coef.shape()), classes, total));
  }
  const Expr kernel = kernel_with_support(context, self, x);
  std::vector<Expr> sums;  // class by class, its classes - 1 sums
  std::int64_t begin = 0;
  for (const std::int64_t n : counts) {
    Tensor weights(DType::float64, {n, classes - 1});
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t r = 0; r + 1 < classes; ++r) {
        weights.mutable_data<double>()[static_cast<std::size_t>(i * (classes - 1) + r)] = coef.number(static_cast<std::size_t>(r * total + begin + i));
      }
    }
    sums.push_back(matmul(slice(kernel, begin, begin + n, 1), context.constant(weights)));
    begin += n;
  }
  std::vector<std::int64_t> first, second;
  for (const auto& [i, j] : pairs_of(classes)) {
    first.push_back(i * (classes - 1) + j - 1);
    second.push_back(j * (classes - 1) + i);
  }
  const Expr all = concat(sums, 1);
  const Tensor intercept = self["_intercept_"].doubles();
  if (intercept.size() != first.size()) self.fail(Code::corrupt, format("{} intercepts for {} pairs of classes", intercept.size(), first.size()));
  return columns(all, first) + columns(all, second) + context.constant(intercept.reshaped({static_cast<std::int64_t>(intercept.size())}));
}

std::string shape_of(Context& context, const Object& self) {
  return self.text("decision_function_shape", context.version(self) < Version{0, 19} ? "ovo" : "ovr");  // None meant "ovo" in 0.18
}

bool has_probability(const Object& self) {
  if (self["probability"].is_text() || !self["probability"].boolean()) return false;  // "deprecated" is the default since 1.8
  return self.any({"_probA", "probA_"}).tensor().size() > 0;
}

bool svc_has(Context& context, const Object& self, Method method) {
  if (method == Method::predict_proba || method == Method::predict_log_proba) return has_probability(self);
  // 0.18 gave the scores of "ovr" a sign that a later bug-fix release turned (pull request 7724); the file does not tell which.
  return method != Method::decision_function || context.version(self) >= Version{0, 19} || shape_of(context, self) == "ovo";
}

Result svc(Context& context, const Object& self, Method method, const Table& x) {
  const Tensor labels_in_order = classes_of(self);
  const auto classes = static_cast<std::int64_t>(labels_in_order.size());
  const Expr pairs = pair_decisions(context, self, classes, x);
  switch (method) {
    case Method::predict: {
      if (shape_of(context, self) == "ovr" && classes > 2 && self.boolean("break_ties", false)) {
        return labels(context, labels_in_order, argmax(context.value(self, Method::decision_function, x), 1));
      }
      // svm_predict: each pair gives a vote; of equals the first.
      const Expr won = cast(greater(pairs, pairs.scalar(0)), DType::float64);
      const Expr votes = matmul(won, incidence(context, classes, 1, 0)) + matmul(1.0 - won, incidence(context, classes, 0, 1));
      return labels(context, labels_in_order, argmax(votes, 1));
    }
    case Method::decision_function:
      if (classes == 2) return -squeeze(pairs, 1);
      if (shape_of(context, self) != "ovr") return pairs;
      return votes_with_confidence(context, context.version(self), less(pairs, pairs.scalar(0)), -pairs, classes);
    case Method::predict_log_proba: return log(context.value(self, Method::predict_proba, x));
    default: break;
  }
  // svm_predict_probability: a sigmoid for each pair, kept away from 0 and 1, then the coupling of pairs.
  const Expr a = context.constant(self.any({"_probA", "probA_"}).doubles()), b = context.constant(self.any({"_probB", "probB_"}).doubles());
  const Expr p = clip(sigmoid(-(pairs * a + b)), 1e-7, 1 - 1e-7);
  return apply("decant", "PairwiseCoupling", {p}, {{"classes", classes}});
}

Result svr(Context& context, const Object& self, Method, const Table& x) { return single_decision(context, self, x); }

bool one_class_has(Context&, const Object& self, Method method) { return method != Method::score_samples || self.set("offset_"); }  // since 0.20

/// Inliers 1, outliers -1.
Result one_class(Context& context, const Object& self, Method method, const Table& x) {
  const Expr decided = single_decision(context, self, x);
  if (method == Method::score_samples) return decided + context.constant(self["offset_"].doubles());
  if (method == Method::decision_function) return context.version(self) < Version{0, 20} ? unsqueeze(decided, 1) : decided;
  return where(greater(decided, decided.scalar(0)), context.constant(Tensor::scalar<std::int64_t>(1)), context.constant(Tensor::scalar<std::int64_t>(-1)));
}

}  // namespace

/// _ovr_decision_function (sklearn/utils/multiclass.py). Up to 0.20 the confidences were scaled by the largest one of all rows
/// (changed by pull request 10440), so rows cannot be answered one by one.
Expr votes_with_confidence(Context& context, Version version, Expr second_won, Expr confidence, std::int64_t classes) {
  const Expr won = cast(second_won, DType::float64);
  const Expr votes = matmul(1.0 - won, incidence(context, classes, 1, 0)) + matmul(won, incidence(context, classes, 0, 1));
  const Expr sum = matmul(confidence, incidence(context, classes, -1, 1));
  if (version >= Version{0, 21}) return votes + sum / ((abs(sum) + 1.0) * 3.0);
  context.row_wise = false;
  const Expr flat = reshape(sum, {-1});
  const Expr high = reduce_max(flat, 0), low = reduce_min(flat, 0);
  const Expr scale = (0.5 - std::numeric_limits<double>::epsilon()) / maximum(abs(high), abs(low));
  return where(equal(high, low), votes, votes + sum * scale);
}

DECANT_AT_START std::span<const Estimator> svm_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"SVC", kScoringClassifier, svc, svc_has},
      {"NuSVC", kScoringClassifier, svc, svc_has},
      {"SVR", kRegressor, svr},
      {"NuSVR", kRegressor, svr},
      {"OneClassSVM", {Method::predict, Method::decision_function, Method::score_samples}, one_class, one_class_has},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
