// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/onnx_portable.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "ops/decant/special.h"
#include "ops/expr.h"

namespace decant::onnx {
namespace {

// log(1 + x) and exp(x) - 1 without the loss of small x (W. Kahan): the error of 1 + x is made good by dividing by what was really added.
Expr log_1p(Expr x) {
  const Expr u = x + 1.0, plain = equal(u, u.scalar(1));
  return where(plain, x, log(u) * x / where(plain, u.scalar(1), u - 1.0));
}
Expr exp_m1(Expr x) {
  const Expr u = exp(x), small = equal(u, u.scalar(1)), m = u - 1.0, gone = equal(m, m.scalar(-1));
  const Expr huge = greater(x, x.scalar(700)), safe = where(logical_or(small, logical_or(gone, huge)), u.scalar(2), u);
  return where(small, x, where(logical_or(gone, huge), m, m * x / log(safe)));
}
Expr softplus(Expr x) { return maximum(x, x.scalar(0)) + log_1p(exp(-abs(x))); }
Expr negative_part(Expr x, Expr below) { return where(less(x, x.scalar(0)), below, x); }
Expr at_most_zero(Expr x) { return minimum(x, x.scalar(0)); }  // keeps exp from overflowing where its result is not taken
Expr sign_of(Expr x) { return apply("Sign", {x}); }

double attribute(const Node& node, std::string_view name, double otherwise) {
  return AttributeView(node).real(name, static_cast<double>(static_cast<float>(otherwise)));  // ONNX's defaults are float32
}

Expr gelu(const Node& node, Expr x) {
  if (AttributeView(node).text("approximate", "none") == "tanh") {
    return x * 0.5 * (tanh((x + x * x * x * 0.044715) * std::sqrt(2 / std::numbers::pi)) + 1.0);
  }
  return x * 0.5 * (erf_in_double(x / std::numbers::sqrt2) + 1.0);
}

// An angle y, known to float32 as y0, from the sine and cosine that it has: sin(y - y0) says how far off y0 is, to all places of a double.
Expr refined(std::string_view op, Expr x, Expr sine, Expr cosine) {
  const Expr y0 = cast(apply(op, {cast(x, DType::float32)}), DType::float64);
  const Expr d = sine * apply("Cos", {y0}) - cosine * apply("Sin", {y0});
  return y0 + d + d * d * d / 6.0;
}

// Nothing: the operator is not one of these.
Expr rewritten(const Node& node, Expr x, const std::vector<Expr>& in) {
  const std::string_view op = node.op;
  if (op == "Softplus") return softplus(x);
  if (op == "Softsign") return x / (abs(x) + 1.0);
  if (op == "Mish") return x * tanh(softplus(x));
  if (op == "Erf") return erf_in_double(x);
  if (op == "Gelu") return gelu(node, x);
  if (op == "LeakyRelu") return negative_part(x, x * attribute(node, "alpha", 0.01));
  if (op == "PRelu") return negative_part(x, x * in[1]);
  if (op == "Elu") return negative_part(x, exp_m1(at_most_zero(x)) * attribute(node, "alpha", 1.0));
  if (op == "Celu") {
    const double alpha = attribute(node, "alpha", 1.0);
    return negative_part(x, exp_m1(at_most_zero(x) / alpha) * alpha);
  }
  if (op == "Selu") {
    const double alpha = attribute(node, "alpha", 1.67326319217681884765625), gamma = attribute(node, "gamma", 1.05070102214813232421875);
    return negative_part(x, exp_m1(at_most_zero(x)) * alpha) * gamma;
  }
  if (op == "HardSigmoid") return clip(x * attribute(node, "alpha", 0.2) + attribute(node, "beta", 0.5), 0, 1);
  if (op == "HardSwish") return x * clip(x / 6.0 + 0.5, 0, 1);
  if (op == "ThresholdedRelu") return where(greater(x, x.scalar(attribute(node, "alpha", 1.0))), x, x.scalar(0));
  if (op == "Shrink") {
    const double lambd = attribute(node, "lambd", 0.5), bias = attribute(node, "bias", 0.0);
    return where(less(x, x.scalar(-lambd)), x + bias, where(greater(x, x.scalar(lambd)), x - bias, x.scalar(0)));
  }
  if (op == "Tan") return apply("Sin", {x}) / apply("Cos", {x});
  if (op == "Asin" || op == "Acos") {
    const Expr other = sqrt((1.0 - x) * (x + 1.0));
    return op == "Asin" ? refined(op, x, x, other) : refined(op, x, other, x);
  }
  if (op == "Atan") {
    const Expr limited = clip(x, -1e150, 1e150), length = sqrt(limited * limited + 1.0);
    return refined(op, limited, limited / length, 1.0 / length);
  }
  if (op == "Cosh") return exp(abs(x) - std::numbers::ln2) + exp(-abs(x) - std::numbers::ln2);
  if (op == "Sinh") {
    const Expr size = abs(x), small = exp_m1(minimum(size, size.scalar(20)));
    return sign_of(x) * where(less(size, size.scalar(20)), (small + small / (small + 1.0)) * 0.5, exp(size - std::numbers::ln2));
  }
  if (op == "Asinh") {
    const Expr size = abs(x), square = size * size;
    return sign_of(x) * where(greater(size, size.scalar(1e8)), log(maximum(size, size.scalar(1))) + std::numbers::ln2, log_1p(size + square / (sqrt(square + 1.0) + 1.0)));
  }
  if (op == "Acosh") return log(x + sqrt(x - 1.0) * sqrt(x + 1.0));
  if (op == "Atanh") return sign_of(x) * log_1p(abs(x) * 2.0 / (1.0 - abs(x))) * 0.5;
  if (op == "Mean") {
    Expr sum = x;
    for (std::size_t i = 1; i < in.size(); ++i) sum = sum + in[i];
    return sum / static_cast<double>(in.size());
  }
  if (op == "NonZero") return apply("NonZero", {logical_not(equal(x, x.scalar(0)))});
  return {};
}

}  // namespace

std::optional<std::vector<ValueId>> portable(Builder& b, const Node& node, const std::vector<ValueId>& inputs, std::vector<Loss>& losses) {
  if (!node.domain.empty() || inputs.empty() || std::ranges::find(inputs, kNoValue) != inputs.end()) return std::nullopt;
  std::vector<Expr> in;
  for (const ValueId id : inputs) in.emplace_back(b, id);
  if (node.op == "OneHot" && in.size() == 3 && in[2].dtype() == DType::float64) {
    const Expr hit = cast(apply("OneHot", {in[0], in[1], in[0].integers({0, 1})}, node.attributes), DType::boolean);
    return {{where(hit, columns(unsqueeze(in[2], 0), {1}), columns(unsqueeze(in[2], 0), {0})).id()}};
  }
  if (in[0].dtype() != DType::float64) return std::nullopt;
  if (const Expr out = rewritten(node, in[0], in)) return {{out.id()}};
  if (node.op != "Hardmax") return std::nullopt;
  losses.push_back({node.op, "is computed in float32: onnxruntime has it in no other type"});
  return {{cast(apply(node.op, {cast(in[0], DType::float32)}, node.attributes), DType::float64).id()}};
}

// onnxruntime's MatMulScaleFusion turns a factor that is a scalar into an attribute of the product, which is a float32 even where all else is
// double (onnxruntime/core/optimizer/matmul_scale_fusion.cc, 1.31). The same factor once for each column is no scalar to it.
void keep_factors_exact(Graph& graph) {
  std::map<std::pair<ValueId, std::int64_t>, ValueId> made;
  for (Node& node : graph.nodes) {
    for (auto& [name, value] : node.attributes) {
      if (GraphPtr* body = std::get_if<GraphPtr>(&value)) {
        Graph copy = **body;
        keep_factors_exact(copy);
        *body = std::make_shared<const Graph>(std::move(copy));
      }
    }
    if (!node.domain.empty() || (node.op != "Mul" && node.op != "Div") || node.inputs.size() != 2) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto constant = graph.constants.find(node.inputs[i]);
      const ValueId other = node.inputs[1 - i];
      if (constant == graph.constants.end() || constant->second.size() != 1 || constant->second.rank() > 1 || constant->second.dtype() != DType::float64) continue;
      if (other == kNoValue || graph.constants.contains(other) || graph.value(other).type.shape.size() < 2) continue;
      const std::int64_t columns = graph.value(other).type.shape.back().value;
      // Where there is one column only, or their number is not known, a fusion may still happen.
      if (columns < 2 || columns > (1 << 20)) continue;
      const auto [at, fresh] = made.try_emplace({node.inputs[i], columns}, static_cast<ValueId>(graph.values.size()));
      if (fresh) {
        const Tensor row = Tensor::vector(std::vector<double>(static_cast<std::size_t>(columns), constant->second.number(0)));
        std::string name = format("{}_by_{}_columns", graph.value(node.inputs[i]).name, columns);
        while (std::ranges::any_of(graph.values, [&](const Value& v) { return v.name == name; })) name += '_';
        graph.values.push_back({std::move(name), Type::of(row)});
        graph.constants.emplace(at->second, row);
      }
      node.inputs[i] = at->second;
    }
  }
}

}  // namespace decant::onnx
