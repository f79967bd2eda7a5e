// SPDX-License-Identifier: Apache-2.0
// Functions of one number that a network applies to each element, alone or where another operator stores its results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ops/op.h"

namespace decant {

enum class Act : std::uint8_t { none, relu, clip, leaky_relu, sigmoid, tanh, hard_sigmoid, hard_swish, silu, gelu, gelu_tanh, elu, erf, exp, sqrt, abs, neg };

/// A function and its numbers: clip [a, b]; leaky_relu, elu: a below 0; hard_sigmoid: a * x + b.
struct Activation {
  Act act = Act::none;
  float a = 0, b = 0;
  bool keeps_zero() const;  // f(0) == 0
  bool operator==(const Activation&) const = default;
};

/// "relu", …; and the attributes `activation`, `activation_a`, `activation_b` of a fused node.
std::string_view name_of(Act act);
std::optional<Act> act_named(std::string_view name);
Activation activation_of(const AttributeView& node);
/// The function that a standard operator of one input computes, with its attributes; Clip needs its bounds to be constants.
std::optional<Activation> activation_of_op(const AttributeView& node, const Tensor* low, const Tensor* high);

/// The function of one number, for reference.
double apply(const Activation& f, double x);

}  // namespace decant
