// SPDX-License-Identifier: Apache-2.0
// For tests: runs one operator the way a session does (type rule, prepare, kernel), and holds the type rule against what came out.
#pragma once

#include <gtest/gtest.h>

#include "ops/interpret.h"
#include "ops/kernel.h"

namespace decant::testing {

inline std::vector<Tensor> run(std::string_view domain, std::string_view op, const std::vector<Tensor>& inputs, Attributes attributes = {}, std::size_t outputs = 1) {
  Graph graph;
  Node node{std::string(domain), std::string(op), "test", {}, {}, std::move(attributes), {}};
  std::vector<const Type*> types;
  std::vector<Type> own;
  own.reserve(inputs.size());
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : inputs) {
    node.inputs.push_back(t.defined() ? static_cast<ValueId>(node.inputs.size()) : kNoValue);
    own.push_back(t.defined() ? Type::of(t) : Type{});
    types.push_back(t.defined() ? &own.back() : nullptr);
    pointers.push_back(t.defined() ? &t : nullptr);
  }
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(static_cast<ValueId>(inputs.size() + i));
  const Op* known = find_op(domain, op);
  if (known == nullptr) throw std::logic_error(format("no operator {}", op));
  InferContext infer(node, types, pointers);
  known->infer(infer);
  const State state = known->prepare != nullptr ? known->prepare(PrepareContext(node, types, pointers)) : nullptr;
  std::vector<Tensor> out(outputs);
  KernelContext context(node, pointers, out, state.get(), nullptr);
  known->run(context);
  for (std::size_t i = 0; i < outputs; ++i) {
    const Type& said = infer.outputs[i];
    EXPECT_TRUE(said.dtype == DType::undefined || said.dtype == out[i].dtype()) << op << ": " << said.text();
    if (!said.has_rank) continue;
    EXPECT_EQ(said.shape.size(), out[i].rank()) << op << ": " << said.text() << " for " << text_of(out[i].shape());
    for (std::size_t d = 0; d < std::min(said.shape.size(), out[i].rank()); ++d) {
      EXPECT_TRUE(!said.shape[d].known() || said.shape[d].value == out[i].dim(d)) << op << ": " << said.text() << " for " << text_of(out[i].shape());
    }
  }
  return out;
}
inline Tensor run1(std::string_view op, const std::vector<Tensor>& inputs, Attributes attributes = {}) { return run("", op, inputs, std::move(attributes))[0]; }

template <class T>
Tensor make(Shape shape, const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, bool>) {
    Tensor out(DType::boolean, std::move(shape));
    std::copy(values.begin(), values.end(), out.mutable_data<bool>().begin());
    return out;
  } else {
    return Tensor::of<T>(std::move(shape), values);
  }
}
inline Tensor doubles(Shape shape, const std::vector<double>& values) { return make<double>(std::move(shape), values); }
inline Tensor integers(Shape shape, const std::vector<std::int64_t>& values) { return make<std::int64_t>(std::move(shape), values); }

template <class T>
void expect_equal(const Tensor& got, const Shape& shape, const std::vector<T>& values) {
  ASSERT_EQ(got.dtype(), dtype_of<T>);
  ASSERT_EQ(got.shape(), shape);
  const std::span<const T> data = got.data<T>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(values[i])) {
        EXPECT_TRUE(std::isnan(data[i])) << "element " << i;
        continue;
      }
    }
    EXPECT_EQ(data[i], values[i]) << "element " << i;
  }
}
inline void expect_near(const Tensor& got, const Shape& shape, const std::vector<double>& values, double relative) {
  ASSERT_EQ(got.shape(), shape);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = got.number(i), e = values[i];
    EXPECT_TRUE((std::isnan(e) && std::isnan(x)) || x == e || std::fabs(x - e) <= relative * std::fabs(e)) << "element " << i << ": " << x << ", expected " << e;
  }
}
/// That `what` throws an Error of this code.
template <class F>
void expect_error(Code code, F&& what) {
  try {
    what();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(name_of(error.code()), name_of(code)) << error.what();
  }
}

}  // namespace decant::testing
