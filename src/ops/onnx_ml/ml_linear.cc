// SPDX-License-Identifier: Apache-2.0
// ai.onnx.ml LinearClassifier, LinearRegressor, SVMClassifier, SVMRegressor (onnx/docs/Operators-ml.md, version 5). All compute in float32
// and give float32. What the text leaves open (two classes from one score, votes of pairs) is as onnxruntime does it
// (onnxruntime/core/providers/cpu/ml/linearclassifier.cc, svmclassifier.cc, 1.31).
#include <algorithm>
#include <cmath>

#include "ops/kernel.h"
#include "ops/scores.h"

namespace decant {
namespace {

std::vector<float> floats(const AttributeView& c, std::string_view name) {
  const std::vector<double> wide = c.reals(name);
  return {wide.begin(), wide.end()};
}

struct Rows {
  std::int64_t count = 0, width = 0;
  std::vector<float> values;
};
// [N, F], or one row [F].
Rows rows_of(const KernelContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 1 || x.rank() > 2) c.fail(Code::mismatch, format("the input has shape {}", text_of(x.shape())));
  Rows out{x.rank() == 1 ? 1 : x.dim(0), x.shape().back(), {}};
  dispatch(c, x.dtype(), Types<float, double, std::int64_t, std::int32_t>{}, [&]<class T>() {
    const std::span<const T> in = x.data<T>();
    out.values.reserve(in.size());
    for (const T v : in) out.values.push_back(static_cast<float>(v));
  });
  return out;
}
Dim row_dim(const InferContext& c) {
  const Type& x = c.input(0);
  return x.has_rank && x.shape.size() == 2 ? x.shape[0] : x.has_rank ? dim(1) : Dim{};
}

// --- linear -------------------------------------------------------------------------------------------------------------------------------

// scores [N, E] = X * coefficients' + intercepts
std::vector<float> linear_scores(const KernelContext& c, const Rows& x, std::size_t targets) {
  const std::vector<float> coefficients = floats(c, "coefficients");
  std::vector<float> intercepts = floats(c, "intercepts");
  if (targets == 0 || coefficients.size() != targets * static_cast<std::size_t>(x.width)) {
    c.fail(Code::mismatch, format("{} coefficients for {} targets of {} features", coefficients.size(), targets, x.width));
  }
  if (intercepts.empty()) intercepts.assign(targets, 0.0f);
  if (intercepts.size() != targets) c.fail(Code::corrupt, format("{} intercepts for {} targets", intercepts.size(), targets));
  std::vector<float> out(static_cast<std::size_t>(x.count) * targets);
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.count); ++r) {
    for (std::size_t t = 0; t < targets; ++t) {
      float sum = 0;
      for (std::size_t j = 0; j < static_cast<std::size_t>(x.width); ++j) sum += x.values[r * static_cast<std::size_t>(x.width) + j] * coefficients[t * static_cast<std::size_t>(x.width) + j];
      out[r * targets + t] = sum + intercepts[t];
    }
  }
  return out;
}

void linear_regressor(KernelContext& c) {
  const Rows x = rows_of(c);
  const std::int64_t targets = c.integer("targets", 1);
  if (targets < 1 || targets > static_cast<std::int64_t>(c.reals("coefficients").size())) c.fail(Code::corrupt, format("{} targets", targets));
  std::vector<float> scores = linear_scores(c, x, static_cast<std::size_t>(targets));
  const PostTransform transform = transform_named(c, c.text("post_transform", "NONE"));
  for (std::int64_t r = 0; r < x.count; ++r) apply_transform(transform, std::span<float>(scores).subspan(static_cast<std::size_t>(r * targets), static_cast<std::size_t>(targets)));
  std::ranges::copy(scores, c.output(0, DType::float32, {x.count, targets}).mutable_data<float>().begin());
}
void infer_linear_regressor(InferContext& c) { c.outputs[0] = Type::tensor(DType::float32, {row_dim(c), dim(c.integer("targets", 1))}); }

void linear_classifier(KernelContext& c) {
  const Rows x = rows_of(c);
  const Labels labels = labels_of(c);
  if (x.width == 0) c.fail(Code::mismatch, "the input has no features");
  const std::size_t targets = c.reals("coefficients").size() / static_cast<std::size_t>(x.width);
  const std::vector<float> scores = linear_scores(c, x, targets);
  const PostTransform transform = transform_named(c, c.text("post_transform", "NONE"));
  const bool paired = targets == 1 && labels.count() == 2;
  const std::int64_t columns = paired ? 2 : static_cast<std::int64_t>(targets);
  std::vector<std::int64_t> winners;
  Tensor out(DType::float32, {x.count, columns});
  float* to = out.mutable_data<float>().data();
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.count); ++r) {
    std::vector<float> line(scores.begin() + static_cast<std::ptrdiff_t>(r * targets), scores.begin() + static_cast<std::ptrdiff_t>((r + 1) * targets));
    if (targets == 1) winners.push_back(line[0] > 0);
    else winners.push_back(std::ranges::max_element(line) - line.begin());
    const bool first = transform == PostTransform::logistic || transform == PostTransform::probit;  // else of both columns together
    if (paired && first) apply_transform(transform, std::span<float>(line));
    if (paired) line = {1 - line[0], line[0]};
    if (!paired || !first) apply_transform(transform, std::span<float>(line));
    to = std::ranges::copy(line, to).out;
  }
  c.set_output(0, labels.pick(winners));
  if (c.wants_output(1)) c.set_output(1, std::move(out));
}
void infer_classifier(InferContext& c) {
  c.outputs[0] = Type::tensor(labels_of(c).dtype(), {row_dim(c)});
  if (c.outputs.size() > 1) c.outputs[1] = Type::tensor(DType::float32, {row_dim(c), any_dim()});
}

// --- support vectors ------------------------------------------------------------------------------------------------------------------------

struct Vectors {
  std::vector<float> values;  // [count, width]
  std::size_t count = 0;
  float gamma = 0, coef0 = 0, degree = 0;
  std::string kernel;
};
Vectors vectors_of(const KernelContext& c, const Rows& x) {
  Vectors out;
  out.values = floats(c, "support_vectors");
  out.kernel = c.text("kernel_type", "LINEAR");
  const std::vector<double> parameters = c.reals("kernel_params");
  if (!parameters.empty() && parameters.size() != 3) c.fail(Code::corrupt, format("{} kernel_params", parameters.size()));
  if (!parameters.empty()) out.gamma = static_cast<float>(parameters[0]), out.coef0 = static_cast<float>(parameters[1]), out.degree = static_cast<float>(parameters[2]);
  if (!out.values.empty()) {
    if (x.width == 0 || out.values.size() % static_cast<std::size_t>(x.width) != 0) c.fail(Code::mismatch, format("support vectors of {} numbers for {} features", out.values.size(), x.width));
    out.count = out.values.size() / static_cast<std::size_t>(x.width);
  }
  return out;
}
float kernel(const KernelContext& c, const Vectors& v, const float* a, const float* b, std::size_t width) {
  float sum = 0;
  if (v.kernel == "RBF") {
    for (std::size_t i = 0; i < width; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::exp(-v.gamma * sum);
  }
  for (std::size_t i = 0; i < width; ++i) sum += a[i] * b[i];
  if (v.kernel == "LINEAR") return sum;
  if (v.kernel == "POLY") return std::pow(v.gamma * sum + v.coef0, v.degree);
  if (v.kernel == "SIGMOID") return std::tanh(v.gamma * sum + v.coef0);
  c.fail(Code::corrupt, format("kernel_type {}", printable(v.kernel, 40)));
}

void svm_regressor(KernelContext& c) {
  const Rows x = rows_of(c);
  const Vectors v = vectors_of(c, x);
  const std::vector<float> coefficients = floats(c, "coefficients"), rho = floats(c, "rho");
  const auto width = static_cast<std::size_t>(x.width);
  const bool linear = c.integer("n_supports", 0) == 0;
  if (rho.empty() || coefficients.size() != (linear ? width : v.count)) c.fail(Code::corrupt, format("{} coefficients and {} rho", coefficients.size(), rho.size()));
  const bool one_class = c.integer("one_class", 0) != 0;
  float* out = c.output(0, DType::float32, {x.count, 1}).mutable_data<float>().data();
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.count); ++r) {
    const float* row = x.values.data() + r * width;
    float sum = 0;
    if (linear) sum = kernel(c, v, row, coefficients.data(), width);
    else for (std::size_t j = 0; j < v.count; ++j) sum += coefficients[j] * kernel(c, v, row, v.values.data() + j * width, width);
    sum += rho[0];
    out[r] = one_class ? (sum > 0 ? 1.0f : -1.0f) : sum;
  }
}
void infer_svm_regressor(InferContext& c) { c.outputs[0] = Type::tensor(DType::float32, {row_dim(c), dim(1)}); }

// libsvm: one score for each pair of classes, votes for the label, and probabilities by coupling where prob_a and prob_b are given.
void svm_classifier(KernelContext& c) {
  const Rows x = rows_of(c);
  const Labels labels = labels_of(c);
  const Vectors v = vectors_of(c, x);
  const std::vector<float> coefficients = floats(c, "coefficients"), rho = floats(c, "rho"), prob_a = floats(c, "prob_a"), prob_b = floats(c, "prob_b");
  const std::vector<std::int64_t> per_class = c.integers("vectors_per_class");
  const PostTransform transform = transform_named(c, c.text("post_transform", "NONE"));
  const auto width = static_cast<std::size_t>(x.width), classes = static_cast<std::size_t>(labels.count());
  if (per_class.empty()) c.fail(Code::unsupported, "a linear SVMClassifier without support vectors");
  if (classes < 2 || classes > 10'000 || per_class.size() != classes) c.fail(Code::corrupt, format("vectors of {} classes for {} labels", per_class.size(), classes));
  std::vector<std::size_t> begin(classes + 1, 0);
  for (std::size_t i = 0; i < classes; ++i) {
    if (per_class[i] < 0 || per_class[i] > static_cast<std::int64_t>(v.count)) c.fail(Code::corrupt, format("{} support vectors of {}", per_class[i], v.count));
    begin[i + 1] = begin[i] + static_cast<std::size_t>(per_class[i]);
  }
  const std::size_t pairs = classes * (classes - 1) / 2;
  if (begin.back() != v.count || coefficients.size() != (classes - 1) * v.count || rho.size() != pairs) c.fail(Code::corrupt, "the lists of the support vectors do not go together");
  const bool probabilities = !prob_a.empty();
  if (probabilities && (prob_a.size() != pairs || prob_b.size() != pairs)) c.fail(Code::corrupt, "prob_a and prob_b do not fit the pairs");
  const bool positive = std::ranges::all_of(coefficients, [](float w) { return w >= 0; });
  const std::int64_t columns = probabilities ? static_cast<std::int64_t>(classes) : classes == 2 ? 2 : static_cast<std::int64_t>(pairs);
  Tensor scores(DType::float32, {x.count, columns});
  float* out = scores.mutable_data<float>().data();
  std::vector<std::int64_t> winners;
  std::vector<float> kernels(v.count), decisions(pairs);
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.count); ++r) {
    for (std::size_t j = 0; j < v.count; ++j) kernels[j] = kernel(c, v, x.values.data() + r * width, v.values.data() + j * width, width);
    std::vector<std::int64_t> votes(classes, 0);
    std::size_t pair = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      for (std::size_t j = i + 1; j < classes; ++j, ++pair) {
        float sum = 0;
        for (std::size_t s = begin[i]; s < begin[i + 1]; ++s) sum += coefficients[(j - 1) * v.count + s] * kernels[s];
        for (std::size_t s = begin[j]; s < begin[j + 1]; ++s) sum += coefficients[i * v.count + s] * kernels[s];
        sum += rho[pair];
        decisions[pair] = sum;
        ++votes[sum > 0 ? i : j];
      }
    }
    std::vector<float> line;
    std::int64_t winner = std::ranges::max_element(votes) - votes.begin();
    if (probabilities) {
      const Node coupling{"decant", "PairwiseCoupling", "", {}, {}, {{"classes", static_cast<std::int64_t>(classes)}}, {}};
      Tensor estimates(DType::float64, {1, static_cast<std::int64_t>(pairs)});
      for (std::size_t p = 0; p < pairs; ++p) {
        const double z = static_cast<double>(decisions[p]) * prob_a[p] + prob_b[p];
        const double estimate = z >= 0 ? std::exp(-z) / (1 + std::exp(-z)) : 1 / (1 + std::exp(z));
        estimates.mutable_data<double>()[p] = std::clamp(estimate, 1e-7, 1 - 1e-7);
      }
      const Tensor* inputs[] = {&estimates};
      Tensor result[1];
      KernelContext context(coupling, inputs, result, nullptr, nullptr);
      find_op("decant", "PairwiseCoupling")->run(context);
      for (const double p : result[0].data<double>()) line.push_back(static_cast<float>(p));
      winner = std::ranges::max_element(line) - line.begin();
      apply_transform(transform, std::span<float>(line));
    } else if (classes == 2) {
      // libsvm's first class wins on a positive score; the columns are given for the second.
      line = positive ? std::vector<float>{1 - decisions[0], decisions[0]} : pair_of(transform, decisions[0], false);
      std::ranges::reverse(line);
    } else {
      line = decisions;
      apply_transform(transform, std::span<float>(line));
    }
    winners.push_back(winner);
    out = std::ranges::copy(line, out).out;
  }
  c.set_output(0, labels.pick(winners));
  if (c.wants_output(1)) c.set_output(1, std::move(scores));
}

constexpr Op kOps[] = {
    {"ai.onnx.ml", "LinearClassifier", "Labels and float32 scores of linear functions.", infer_classifier, linear_classifier},
    {"ai.onnx.ml", "LinearRegressor", "float32 values of linear functions.", infer_linear_regressor, linear_regressor},
    {"ai.onnx.ml", "SVMClassifier", "Labels and float32 scores of pairs of classes, or probabilities, from support vectors.", infer_classifier, svm_classifier},
    {"ai.onnx.ml", "SVMRegressor", "float32 values from support vectors.", infer_svm_regressor, svm_regressor},
};

}  // namespace

DECANT_AT_START std::span<const Op> ml_linear_ops() { return kOps; }

}  // namespace decant
