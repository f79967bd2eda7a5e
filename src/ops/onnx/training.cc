// SPDX-License-Identifier: Apache-2.0
// What training graphs hold: Adagrad, Adam, Momentum (ai.onnx.preview.training 1), NegativeLogLikelihoodLoss-22 and
// SoftmaxCrossEntropyLoss-13 (ai.onnx).
#include <cmath>

#include "ops/widen.h"

namespace decant {
namespace {

// --- optimizers: R, T, then for each of n parameters its value, its gradient and its state ----------------------------------------------------

// Kinds of values for each parameter, the value itself and its gradient included.
std::size_t parameters(const KernelContext& c, std::size_t kinds) {
  if (c.input_count() < 2 + kinds || (c.input_count() - 2) % kinds != 0) c.fail(Code::mismatch, format("{} inputs", c.input_count()));
  const std::size_t n = (c.input_count() - 2) / kinds;
  if (c.input(0).size() != 1 || c.input(1).size() != 1) c.fail(Code::mismatch, "the rate or the count is no scalar");
  want(c, 1, DType::int64);
  if (c.output_count() > n * (kinds - 1)) c.fail(Code::mismatch, format("{} outputs for {} parameters", c.output_count(), n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 1; k < kinds; ++k) {
      want_same(c, 2 + i, 2 + k * n + i);
      if (c.input(2 + k * n + i).shape() != c.input(2 + i).shape()) c.fail(Code::mismatch, format("inputs of shape {} and {}", text_of(c.input(2 + i).shape()), text_of(c.input(2 + k * n + i).shape())));
    }
  }
  return n;
}

// step(values): one element of each kind, changed in place; the gradient, at 1, is not an output.
template <std::size_t Kinds, class F>
void each_parameter(KernelContext& c, F&& step) {
  const std::size_t n = parameters(c, Kinds);
  for (std::size_t i = 0; i < n; ++i) {
    dispatch(c, c.input(2 + i).dtype(), RealTypes{}, [&]<class T>() {
      std::array<std::span<const T>, Kinds> from;
      std::array<Tensor, Kinds> results;
      for (std::size_t k = 0; k < Kinds; ++k) {
        from[k] = c.input(2 + k * n + i).template data<T>();
        if (k != 1) results[k] = Tensor(dtype_of<T>, c.input(2 + i).shape());
      }
      for (std::size_t e = 0; e < from[0].size(); ++e) {
        std::array<T, Kinds> values;
        for (std::size_t k = 0; k < Kinds; ++k) values[k] = from[k][e];
        step(values);
        for (std::size_t k = 0; k < Kinds; ++k) {
          if (k != 1) results[k].template mutable_data<T>()[e] = values[k];
        }
      }
      for (std::size_t k = 0, out = 0; k < Kinds; ++k) {
        if (k == 1) continue;
        if (out * n + i < c.output_count()) c.set_output(out * n + i, std::move(results[k]));
        ++out;
      }
    });
  }
}
template <std::size_t Kinds>
void infer_parameters(InferContext& c) {
  if (c.input_count() < 2 + Kinds) return;
  const std::size_t n = (c.input_count() - 2) / Kinds;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = c.input(2 + i % std::max<std::size_t>(n, 1));
}

void adagrad(KernelContext& c) {
  const double count = static_cast<double>(c.input(1).integer(0)), rate = c.input(0).number(0) / (1 + count * c.real("decay_factor", 0));
  const double norm = c.real("norm_coefficient", 0), epsilon = c.real("epsilon", 0);
  each_parameter<3>(c, [&]<class T>(std::array<T, 3>& v) {
    const T g = static_cast<T>(norm) * v[0] + v[1];
    v[2] += g * g;
    v[0] -= static_cast<T>(rate) * g / (std::sqrt(v[2]) + static_cast<T>(epsilon));
  });
}

void adam(KernelContext& c) {
  const double alpha = c.real("alpha", static_cast<double>(0.9f)), beta = c.real("beta", static_cast<double>(0.999f)), epsilon = c.real("epsilon", 0);
  const double norm = c.real("norm_coefficient", 0), after = c.real("norm_coefficient_post", 0), count = static_cast<double>(c.input(1).integer(0));
  double rate = c.input(0).number(0);
  if (count > 0) rate *= std::sqrt(1 - std::pow(beta, count)) / (1 - std::pow(alpha, count));
  each_parameter<4>(c, [&]<class T>(std::array<T, 4>& v) {
    const T g = static_cast<T>(norm) * v[0] + v[1], a = static_cast<T>(alpha), b = static_cast<T>(beta);
    v[2] = a * v[2] + (1 - a) * g;
    v[3] = b * v[3] + (1 - b) * g * g;
    v[0] = (1 - static_cast<T>(after)) * (v[0] - static_cast<T>(rate) * v[2] / (std::sqrt(v[3]) + static_cast<T>(epsilon)));
  });
}

void momentum(KernelContext& c) {
  const double rate = c.input(0).number(0), alpha = c.real("alpha"), norm = c.real("norm_coefficient"), beta = c.input(1).integer(0) > 0 ? c.real("beta") : 1;
  const std::string_view mode = c.text("mode");
  const bool nesterov = mode == "nesterov";
  if (!nesterov && mode != "standard") c.fail(Code::corrupt, format("mode \"{}\"", printable(mode, 40)));
  each_parameter<3>(c, [&]<class T>(std::array<T, 3>& v) {
    const T g = static_cast<T>(norm) * v[0] + v[1];
    v[2] = static_cast<T>(alpha) * v[2] + static_cast<T>(beta) * g;
    v[0] -= static_cast<T>(rate) * (nesterov ? g + static_cast<T>(alpha) * v[2] : v[2]);
  });
}

// --- losses: scores [N, C, ...], classes [N, ...], weights [C] ----------------------------------------------------------------------------------

enum class Reduction { none, sum, mean };
Reduction reduction_of(const AttributeView& c) {
  const std::string_view how = c.text("reduction", "mean");
  if (how == "none") return Reduction::none;
  if (how == "sum") return Reduction::sum;
  if (how == "mean") return Reduction::mean;
  c.fail(Code::corrupt, format("reduction \"{}\"", printable(how, 40)));
}

template <class T>
void loss(KernelContext& c, const Tensor& log_probabilities) {
  const Tensor &x = log_probabilities, &classes = c.input(1);
  Shape shape{x.dim(0)};
  shape.insert(shape.end(), x.shape().begin() + 2, x.shape().end());
  if (classes.shape() != shape) c.fail(Code::mismatch, format("classes {} for scores {}", text_of(classes.shape()), text_of(x.shape())));
  if (classes.dtype() != DType::int64 && classes.dtype() != DType::int32) c.fail(Code::mismatch, format("classes of {}", name_of(classes.dtype())));
  const Around a = around(x.shape(), 1);
  const T* weights = nullptr;
  if (c.has_input(2)) {
    want_same(c, 0, 2);
    if (c.input(2).shape() != Shape{a.length}) c.fail(Code::mismatch, format("weights {} for {} classes", text_of(c.input(2).shape()), a.length));
    weights = c.input(2).data<T>().data();
  }
  const bool ignores = c.has("ignore_index");
  const std::int64_t ignored = c.integer("ignore_index", 0);
  Tensor each(x.dtype(), shape);
  T sum = 0, total = 0;
  for (std::int64_t i = 0; i < a.outer * a.inner; ++i) {
    const std::int64_t k = classes.integer(z(i));
    T value = 0;
    if (!ignores || k != ignored) {
      if (k < 0 || k >= a.length) c.fail(Code::mismatch, format("class {} of {}", k, a.length));
      const T weight = weights != nullptr ? weights[k] : T{1};
      value = -weight * x.data<T>()[z((i / a.inner * a.length + k) * a.inner + i % a.inner)];
      total += weight;
    }
    each.mutable_data<T>()[z(i)] = value;
    sum += value;
  }
  const Reduction how = reduction_of(c);
  if (how == Reduction::none) c.set_output(0, std::move(each));
  else c.set_output(0, Tensor::scalar<T>(how == Reduction::sum ? sum : sum / total));
}
void check_scores(const KernelContext& c) {
  if (c.input(0).rank() < 2) c.fail(Code::mismatch, format("scores of shape {}", text_of(c.input(0).shape())));
}
void negative_log_likelihood(KernelContext& c) {
  check_scores(c);
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { loss<T>(c, c.input(0)); });
}
void softmax_cross_entropy(KernelContext& c) {
  check_scores(c);
  const Tensor& x = c.input(0);
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    Tensor logs(x.dtype(), x.shape());
    const Around a = around(x.shape(), 1);
    const T* from = x.data<T>().data();
    T* to = logs.mutable_data<T>().data();
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t i = 0; i < a.inner; ++i) {
        const std::int64_t at = o * a.length * a.inner + i;
        T most = a.length > 0 ? from[at] : T{0}, sum = 0;
        for (std::int64_t k = 0; k < a.length; ++k) most = std::max(most, from[at + k * a.inner]);
        for (std::int64_t k = 0; k < a.length; ++k) sum += std::exp(from[at + k * a.inner] - most);
        for (std::int64_t k = 0; k < a.length; ++k) to[at + k * a.inner] = from[at + k * a.inner] - most - std::log(sum);
      }
    }
    loss<T>(c, logs);
    if (c.wants_output(1)) c.set_output(1, std::move(logs));
  });
}
void infer_loss(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = Type::tensor(x.dtype, {});
  if (reduction_of(c) == Reduction::none) {
    c.outputs[0] = c.input(1);
    c.outputs[0].dtype = x.dtype;
  }
  if (c.outputs.size() > 1) c.outputs[1] = x;
}

constexpr Op kOps[] = {
    {"ai.onnx.preview.training", "Adagrad", "One step of Adagrad.", infer_parameters<3>, adagrad},
    {"ai.onnx.preview.training", "Adam", "One step of Adam.", infer_parameters<4>, adam},
    {"ai.onnx.preview.training", "Momentum", "One step of gradient descent with momentum, standard or Nesterov's.", infer_parameters<3>, momentum},
    {"", "NegativeLogLikelihoodLoss", "Minus the scores of the right classes, weighed and reduced.", infer_loss, in_float<negative_log_likelihood>},
    {"", "SoftmaxCrossEntropyLoss", "The same of the logarithms of softmax, which are the second result.", infer_loss, in_float<softmax_cross_entropy>},
};

}  // namespace

DECANT_AT_START std::span<const Op> training_ops() { return kOps; }

}  // namespace decant
