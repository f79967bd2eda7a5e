// SPDX-License-Identifier: Apache-2.0
// Formulas written as formulas: `softmax(matmul(x, w) + b)` adds the nodes to a Builder. For frameworks and for the standard bodies of
// our own operators. Everything is an ai.onnx operator in its newest meaning unless said otherwise.
#pragma once

#include <vector>

#include "ops/builder.h"

namespace decant {

class Expr {
 public:
  Expr() = default;
  Expr(Builder& builder, ValueId id) : builder_(&builder), id_(id) {}
  Builder& builder() const { return *builder_; }
  ValueId id() const { return id_; }
  explicit operator bool() const { return builder_ != nullptr; }
  const Type& type() const { return builder_->type(id_); }
  DType dtype() const { return type().dtype; }
  /// The size of dimension `axis` (negative: from the end), or -1 where it is not known.
  std::int64_t dim(int axis) const;

  /// Constants that go with this expression: of its element type where numeric.
  Expr constant(Tensor tensor) const { return {*builder_, builder_->constant(std::move(tensor))}; }
  Expr scalar(double value) const;                          // rank 0, of this element type
  Expr row(const std::vector<double>& values) const;        // [n], of this element type
  Expr integers(const std::vector<std::int64_t>& values) const;  // int64 [n], for shapes and axes

 private:
  Builder* builder_ = nullptr;
  ValueId id_ = kNoValue;
};

Expr apply(std::string_view op, const std::vector<Expr>& inputs, Attributes attributes = {});
Expr apply(std::string_view domain, std::string_view op, const std::vector<Expr>& inputs, Attributes attributes = {});

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr a);
Expr operator+(Expr a, double b);
Expr operator-(Expr a, double b);
Expr operator-(double a, Expr b);
Expr operator*(Expr a, double b);
Expr operator/(Expr a, double b);
Expr operator/(double a, Expr b);

// Comparisons are functions, so that == keeps its meaning.
Expr equal(Expr a, Expr b);
Expr less(Expr a, Expr b);
Expr less_equal(Expr a, Expr b);
Expr greater(Expr a, Expr b);
Expr greater_equal(Expr a, Expr b);
Expr logical_not(Expr a);
Expr logical_and(Expr a, Expr b);
Expr logical_or(Expr a, Expr b);
Expr where(Expr condition, Expr yes, Expr no);

Expr exp(Expr a);
Expr log(Expr a);
Expr sqrt(Expr a);
Expr abs(Expr a);
Expr tanh(Expr a);
Expr sigmoid(Expr a);
Expr relu(Expr a);
Expr floor(Expr a);
Expr ceil(Expr a);
Expr is_nan(Expr a);
Expr pow(Expr a, Expr b);
Expr pow(Expr a, double b);
Expr maximum(Expr a, Expr b);
Expr minimum(Expr a, Expr b);
Expr clip(Expr a, double low, double high);  // NaN stays NaN

Expr cast(Expr a, DType to);
Expr matmul(Expr a, Expr b);
Expr transpose(Expr a);  // of a matrix
Expr softmax(Expr a, int axis = -1);
Expr reduce_sum(Expr a, int axis, bool keepdims = false);
Expr reduce_mean(Expr a, int axis, bool keepdims = false);
Expr reduce_max(Expr a, int axis, bool keepdims = false);
Expr reduce_min(Expr a, int axis, bool keepdims = false);
Expr argmax(Expr a, int axis = -1);  // the first of equals, dimension dropped, int64
Expr argmin(Expr a, int axis = -1);
Expr concat(const std::vector<Expr>& parts, int axis);
Expr gather(Expr a, Expr indices, int axis);
Expr columns(Expr a, const std::vector<std::int64_t>& which);  // gather on axis 1
Expr slice(Expr a, std::int64_t begin, std::int64_t end, int axis);
Expr reshape(Expr a, const std::vector<std::int64_t>& shape);  // 0 copies, -1 infers
Expr unsqueeze(Expr a, int axis);
Expr squeeze(Expr a, int axis);

}  // namespace decant
