// SPDX-License-Identifier: Apache-2.0
#include "ops/expr.h"

#include <limits>

namespace decant {
namespace {

// `value` as a tensor of `dtype`, so that both sides of an operator agree.
Tensor typed(DType dtype, Shape shape, const std::vector<double>& values) {
  Tensor out(dtype, std::move(shape));
  const auto fill = [&]<class T>(std::span<T> to) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(values[i]);
  };
  switch (dtype) {
    case DType::float32: fill(out.mutable_data<float>()); break;
    case DType::int64: fill(out.mutable_data<std::int64_t>()); break;
    case DType::int32: fill(out.mutable_data<std::int32_t>()); break;
    default: return Tensor::of<double>(out.shape(), values);
  }
  return out;
}

Expr reduce(std::string_view op, Expr a, int axis, bool keepdims) {
  return apply(op, {a, a.integers({axis})}, {{"keepdims", std::int64_t{keepdims}}});
}
Expr arg(std::string_view op, Expr a, int axis) { return apply(op, {a}, {{"axis", std::int64_t{axis}}, {"keepdims", std::int64_t{0}}}); }

}  // namespace

std::int64_t Expr::dim(int axis) const {
  const Type& t = type();
  if (!t.has_rank) return -1;
  const auto rank = static_cast<int>(t.shape.size());
  const int at = axis < 0 ? axis + rank : axis;
  return at >= 0 && at < rank ? t.shape[static_cast<std::size_t>(at)].value : -1;
}

Expr Expr::scalar(double value) const { return constant(typed(dtype(), {}, {value})); }
Expr Expr::row(const std::vector<double>& values) const {
  return constant(typed(dtype(), {static_cast<std::int64_t>(values.size())}, values));
}
Expr Expr::integers(const std::vector<std::int64_t>& values) const { return constant(Tensor::vector(values)); }

Expr apply(std::string_view domain, std::string_view op, const std::vector<Expr>& inputs, Attributes attributes) {
  std::vector<ValueId> ids;
  for (const Expr& e : inputs) ids.push_back(e ? e.id() : kNoValue);
  Builder& b = inputs.at(0).builder();
  return {b, b.node(domain, op, std::move(ids), std::move(attributes))[0]};
}
Expr apply(std::string_view op, const std::vector<Expr>& inputs, Attributes attributes) { return apply("", op, inputs, std::move(attributes)); }

Expr operator+(Expr a, Expr b) { return apply("Add", {a, b}); }
Expr operator-(Expr a, Expr b) { return apply("Sub", {a, b}); }
Expr operator*(Expr a, Expr b) { return apply("Mul", {a, b}); }
Expr operator/(Expr a, Expr b) { return apply("Div", {a, b}); }
Expr operator-(Expr a) { return apply("Neg", {a}); }
Expr operator+(Expr a, double b) { return a + a.scalar(b); }
Expr operator-(Expr a, double b) { return a - a.scalar(b); }
Expr operator-(double a, Expr b) { return b.scalar(a) - b; }
Expr operator*(Expr a, double b) { return a * a.scalar(b); }
Expr operator/(Expr a, double b) { return a / a.scalar(b); }
Expr operator/(double a, Expr b) { return b.scalar(a) / b; }

Expr equal(Expr a, Expr b) { return apply("Equal", {a, b}); }
Expr less(Expr a, Expr b) { return apply("Less", {a, b}); }
Expr less_equal(Expr a, Expr b) { return apply("LessOrEqual", {a, b}); }
Expr greater(Expr a, Expr b) { return apply("Greater", {a, b}); }
Expr greater_equal(Expr a, Expr b) { return apply("GreaterOrEqual", {a, b}); }
Expr logical_not(Expr a) { return apply("Not", {a}); }
Expr logical_and(Expr a, Expr b) { return apply("And", {a, b}); }
Expr logical_or(Expr a, Expr b) { return apply("Or", {a, b}); }
Expr where(Expr condition, Expr yes, Expr no) { return apply("Where", {condition, yes, no}); }

Expr exp(Expr a) { return apply("Exp", {a}); }
Expr log(Expr a) { return apply("Log", {a}); }
Expr sqrt(Expr a) { return apply("Sqrt", {a}); }
Expr abs(Expr a) { return apply("Abs", {a}); }
Expr tanh(Expr a) { return apply("Tanh", {a}); }
Expr sigmoid(Expr a) { return apply("Sigmoid", {a}); }
Expr relu(Expr a) { return apply("Relu", {a}); }
Expr floor(Expr a) { return apply("Floor", {a}); }
Expr ceil(Expr a) { return apply("Ceil", {a}); }
Expr is_nan(Expr a) { return apply("IsNaN", {a}); }
Expr pow(Expr a, Expr b) { return apply("Pow", {a, b}); }
Expr pow(Expr a, double b) { return pow(a, a.scalar(b)); }
Expr maximum(Expr a, Expr b) { return apply("Max", {a, b}); }
Expr minimum(Expr a, Expr b) { return apply("Min", {a, b}); }
Expr clip(Expr a, double low, double high) { return apply("Clip", {a, a.scalar(low), a.scalar(high)}); }

Expr cast(Expr a, DType to) { return a.dtype() == to ? a : apply("Cast", {a}, {{"to", static_cast<std::int64_t>(to)}}); }
Expr matmul(Expr a, Expr b) { return apply("MatMul", {a, b}); }
Expr transpose(Expr a) { return apply("Transpose", {a}, {{"perm", std::vector<std::int64_t>{1, 0}}}); }
Expr softmax(Expr a, int axis) { return apply("Softmax", {a}, {{"axis", std::int64_t{axis}}}); }
Expr reduce_sum(Expr a, int axis, bool keepdims) { return reduce("ReduceSum", a, axis, keepdims); }
Expr reduce_mean(Expr a, int axis, bool keepdims) { return reduce("ReduceMean", a, axis, keepdims); }
Expr reduce_max(Expr a, int axis, bool keepdims) { return reduce("ReduceMax", a, axis, keepdims); }
Expr reduce_min(Expr a, int axis, bool keepdims) { return reduce("ReduceMin", a, axis, keepdims); }
Expr argmax(Expr a, int axis) { return arg("ArgMax", a, axis); }
Expr argmin(Expr a, int axis) { return arg("ArgMin", a, axis); }
Expr concat(const std::vector<Expr>& parts, int axis) {
  return parts.size() == 1 ? parts[0] : apply("Concat", parts, {{"axis", std::int64_t{axis}}});
}
Expr gather(Expr a, Expr indices, int axis) { return apply("Gather", {a, indices}, {{"axis", std::int64_t{axis}}}); }
Expr columns(Expr a, const std::vector<std::int64_t>& which) { return gather(a, a.integers(which), 1); }
Expr slice(Expr a, std::int64_t begin, std::int64_t end, int axis) {
  return apply("Slice", {a, a.integers({begin}), a.integers({end}), a.integers({axis})});
}
Expr reshape(Expr a, const std::vector<std::int64_t>& shape) { return apply("Reshape", {a, a.integers(shape)}); }
Expr unsqueeze(Expr a, int axis) { return apply("Unsqueeze", {a, a.integers({axis})}); }
Expr squeeze(Expr a, int axis) { return apply("Squeeze", {a, a.integers({axis})}); }

}  // namespace decant
