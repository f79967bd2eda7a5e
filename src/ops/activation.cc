// SPDX-License-Identifier: Apache-2.0
#include "ops/activation.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"

namespace decant {
namespace {

constexpr std::array<std::pair<std::string_view, Act>, 17> kNames{{{"none", Act::none},
                                                                    {"relu", Act::relu},
                                                                    {"clip", Act::clip},
                                                                    {"leaky_relu", Act::leaky_relu},
                                                                    {"sigmoid", Act::sigmoid},
                                                                    {"tanh", Act::tanh},
                                                                    {"hard_sigmoid", Act::hard_sigmoid},
                                                                    {"hard_swish", Act::hard_swish},
                                                                    {"silu", Act::silu},
                                                                    {"gelu", Act::gelu},
                                                                    {"gelu_tanh", Act::gelu_tanh},
                                                                    {"elu", Act::elu},
                                                                    {"erf", Act::erf},
                                                                    {"exp", Act::exp},
                                                                    {"sqrt", Act::sqrt},
                                                                    {"abs", Act::abs},
                                                                    {"neg", Act::neg}}};

}  // namespace


bool Activation::keeps_zero() const {
  switch (act) {
    case Act::clip: return a <= 0 && b >= 0;
    case Act::hard_sigmoid: return b <= 0;
    case Act::sigmoid:
    case Act::exp: return false;
    default: return true;
  }
}

std::string_view name_of(Act act) { return kNames[static_cast<std::size_t>(act)].first; }

std::optional<Act> act_named(std::string_view name) {
  for (const auto& entry : kNames) {
    if (entry.first == name) return entry.second;
  }
  return std::nullopt;
}

Activation activation_of(const AttributeView& node) {
  const std::string_view name = node.text("activation", "none");
  const auto act = act_named(name);
  if (!act) node.fail(Code::corrupt, format("activation {} is not known", printable(name, 40)));
  return {*act, static_cast<float>(node.real("activation_a", 0)), static_cast<float>(node.real("activation_b", 0))};
}

std::optional<Activation> activation_of_op(const AttributeView& node, const Tensor* low, const Tensor* high) {
  const Node& n = node.node();
  if (!n.domain.empty()) return std::nullopt;
  const auto real = [&](std::string_view name, double otherwise) { return static_cast<float>(node.real(name, otherwise)); };
  if (n.op == "Clip") {
    if ((n.inputs.size() > 1 && n.inputs[1] != kNoValue && low == nullptr) || (n.inputs.size() > 2 && n.inputs[2] != kNoValue && high == nullptr)) return std::nullopt;
    constexpr float kInfinite = std::numeric_limits<float>::infinity();
    for (const Tensor* t : {low, high}) {
      if (t != nullptr && (t->dtype() != DType::float32 || t->size() != 1)) return std::nullopt;
    }
    return Activation{Act::clip, low == nullptr ? -kInfinite : low->data<float>()[0], high == nullptr ? kInfinite : high->data<float>()[0]};
  }
  if (n.inputs.size() != 1) return std::nullopt;
  if (n.op == "Relu") return Activation{Act::relu};
  if (n.op == "LeakyRelu") return Activation{Act::leaky_relu, real("alpha", 0.01)};
  if (n.op == "Sigmoid") return Activation{Act::sigmoid};
  if (n.op == "Tanh") return Activation{Act::tanh};
  if (n.op == "HardSigmoid") return Activation{Act::hard_sigmoid, real("alpha", 0.2), real("beta", 0.5)};
  if (n.op == "HardSwish") return Activation{Act::hard_swish, 1.0f / 6, 0.5f};
  if (n.op == "Swish") return node.real("alpha", 1.0) == 1.0 ? std::optional(Activation{Act::silu}) : std::nullopt;
  if (n.op == "Gelu") return Activation{node.text("approximate", "none") == "tanh" ? Act::gelu_tanh : Act::gelu};
  if (n.op == "Elu") return Activation{Act::elu, real("alpha", 1.0)};
  if (n.op == "Erf") return Activation{Act::erf};
  if (n.op == "Exp") return Activation{Act::exp};
  if (n.op == "Sqrt") return Activation{Act::sqrt};
  if (n.op == "Abs") return Activation{Act::abs};
  if (n.op == "Neg") return Activation{Act::neg};
  return std::nullopt;
}

double apply(const Activation& f, double x) {
  const double a = static_cast<double>(f.a), b = static_cast<double>(f.b);
  const auto gate = [&] { const double y = a * x + b; return y < 0 ? 0.0 : y > 1 ? 1.0 : y; };
  switch (f.act) {
    case Act::none: return x;
    case Act::relu: return x < 0 ? 0 : x;
    case Act::clip: return x < a ? (a > b ? b : a) : x > b ? b : x;
    case Act::leaky_relu: return x < 0 ? a * x : x;
    case Act::sigmoid: return 1 / (1 + std::exp(-x));
    case Act::tanh: return std::tanh(x);
    case Act::hard_sigmoid: return gate();
    case Act::hard_swish: return x * gate();
    case Act::silu: return x / (1 + std::exp(-x));
    case Act::gelu: return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
    case Act::gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case Act::elu: return x < 0 ? a * std::expm1(x) : x;
    case Act::erf: return std::erf(x);
    case Act::exp: return std::exp(x);
    case Act::sqrt: return std::sqrt(x);
    case Act::abs: return std::abs(x);
    case Act::neg: return -x;
  }
  return x;
}

}  // namespace decant
