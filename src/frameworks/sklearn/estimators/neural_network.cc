// SPDX-License-Identifier: Apache-2.0
// Multi-layer perceptrons (sklearn/neural_network/_multilayer_perceptron.py: _forward_pass_fast, predict, predict_proba).
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/linear.h"

namespace decant::sklearn {
namespace {

Expr activated(const Object& self, const std::string& name, Expr x) {
  if (name == "identity") return x;
  if (name == "logistic") return sigmoid(x);
  if (name == "tanh") return tanh(x);
  if (name == "relu") return relu(x);
  if (name == "softmax") return softmax(x, 1);
  if (name == "exp") return exp(x);  // the output for the Poisson loss, since 1.7
  unsupported(self, format("activation={} is not known", name));
}

/// The output of the last layer, [N, outputs].
Expr forward(Context& context, const Object& self, const Table& x) {
  const std::vector<Object> weights = self["coefs_"].elements(), biases = self["intercepts_"].elements();
  if (weights.empty() || weights.size() != biases.size()) self.fail(Code::corrupt, format("{} matrices and {} biases", weights.size(), biases.size()));
  // n_layers_ counts, as in _forward_pass_fast: sklearn2pmml's MLPTransformer shortens a network by it.
  const auto all = static_cast<std::int64_t>(weights.size());
  const auto layers = static_cast<std::size_t>(std::clamp<std::int64_t>(self.integer("n_layers_", all + 1) - 1, 1, all));
  Expr out = x.matrix();
  for (std::size_t i = 0; i < layers; ++i) {
    out = matmul(out, context.constant(weights[i].doubles())) + context.constant(biases[i].doubles());
    out = activated(self, i + 1 < layers ? self["activation"].text() : self["out_activation_"].text(), out);
  }
  return out;
}

Result mlp_regressor(Context& context, const Object& self, Method, const Table& x) {
  const Expr out = forward(context, self, x);
  return out.dim(1) == 1 ? squeeze(out, 1) : out;
}

/// Labels as its LabelBinarizer turns probabilities back (sklearn/preprocessing/_label.py, inverse_transform).
Result mlp_labels(Context& context, const Object& self, Expr p) {
  const Object binarizer = self.any({"_label_binarizer", "label_binarizer_"});
  const std::string kind = binarizer.text("y_type_", "");
  const Tensor classes = classes_of(binarizer);
  if (kind == "multiclass") return labels(context, classes, argmax(p, 1));
  const Expr yes = cast(greater(p, p.scalar(0.5)), DType::int64);
  if (kind == "multilabel-indicator") return yes;
  if (kind != "binary") unsupported(self, format("labels of the kind {}", kind));
  const Expr index = squeeze(yes, 1);
  return labels(context, classes, classes.size() == 1 ? index * index.scalar(0) : index);
}

Result mlp_classifier(Context& context, const Object& self, Method method, const Table& x) {
  if (method == Method::predict_log_proba) return log(context.value(self, Method::predict_proba, x));
  const Expr p = forward(context, self, x);
  if (method == Method::predict) return mlp_labels(context, self, p);
  return p.dim(1) == 1 ? with_complement(squeeze(p, 1)) : p;
}

}  // namespace

DECANT_AT_START std::span<const Estimator> neural_network_estimators() {
  static constexpr Estimator kEstimators[] = {
      {"MLPClassifier", kClassifier, mlp_classifier},
      {"MLPRegressor", kRegressor, mlp_regressor},
  };
  return kEstimators;
}

}  // namespace decant::sklearn
