// SPDX-License-Identifier: Apache-2.0
// What the tests of networks share: graphs with random weights, and answers beside those of the reference kernels.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "exec/network/network.h"
#include "exec/session.h"
#include "ops/builder.h"
#include "ops/kernel.h"

namespace decant::testing {

/// A graph in the making, with random weights.
struct Net {
  explicit Net(unsigned seed = 1) : random(seed) {}
  std::mt19937 random;
  Builder b;

  Tensor tensor(Shape shape, float scale = 1, float shift = 0) {
    Tensor out(DType::float32, std::move(shape));
    std::normal_distribution<float> normal;
    for (float& v : out.mutable_data<float>()) v = normal(random) * scale + shift;
    return out;
  }
  ValueId weight(Shape shape, float scale = 1, float shift = 0) { return b.constant(tensor(std::move(shape), scale, shift)); }
  ValueId number(float v) { return b.constant(Tensor::scalar<float>(v)); }
  ValueId ints(std::vector<std::int64_t> v) { return b.constant(Tensor::vector(v)); }
  ValueId input(Shape shape, std::string_view name = "x") {
    std::vector<Dim> dims;
    for (const std::int64_t d : shape) dims.push_back(dim(d));
    return b.input(name, Type::tensor(DType::float32, std::move(dims)));
  }
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attributes attributes = {}) { return b.node("", name, std::move(inputs), std::move(attributes), 1)[0]; }
  ValueId conv(ValueId x, Shape w, std::int64_t stride, std::int64_t pad, std::int64_t group = 1) {
    const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
    return op("Conv", {x, weight(w, 0.2f)}, {{"kernel_shape", kernel}, {"strides", std::vector<std::int64_t>(kernel.size(), stride)}, {"pads", std::vector<std::int64_t>(2 * kernel.size(), pad)}, {"group", group}});
  }
  ValueId normalized(ValueId x, std::int64_t n) { return op("BatchNormalization", {x, weight({n}, 0.1f, 1), weight({n}, 0.1f), weight({n}, 0.1f), weight({n}, 0.01f, 1)}, {{"epsilon", 1e-5}}); }

  std::shared_ptr<const Model> model(std::vector<ValueId> outputs) {
    auto out = std::make_shared<Model>();
    for (std::size_t i = 0; i < outputs.size(); ++i) b.output(outputs[i], "out" + std::to_string(i));
    out->graph = b.finish("test");
    for (const ValueId id : out->graph.inputs) out->signature.inputs.push_back({out->graph.value(id).name, out->graph.value(id).type, {}});
    for (const ValueId id : out->graph.outputs) out->signature.outputs.push_back({out->graph.value(id).name, out->graph.value(id).type, {}});
    return out;
  }
};

inline std::string planned(const Model& model, const std::vector<Tensor>& inputs) {
  std::vector<Type> types;
  for (const Tensor& t : inputs) types.push_back(Type::of(t));
  Draft draft = make_draft(model.graph, model.graph.outputs, types);
  for (const Pass& pass : passes()) pass.run(draft);
  PackCache packs;
  return Network(std::move(draft), 1, packs).describe();
}

/// Within the contract for networks (docs/exactness.md): 1e-5 of the largest value.
inline void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].shape(), want[i].shape());
    ASSERT_EQ(got[i].dtype(), want[i].dtype());
    double most = 1e-3;
    for (std::size_t k = 0; k < want[i].size(); ++k) most = std::max(most, std::abs(want[i].number(k)));
    for (std::size_t k = 0; k < want[i].size(); ++k) ASSERT_NEAR(got[i].number(k), want[i].number(k), 1e-5 * most) << "output " << i << ", element " << k;
  }
}

/// Answers of a session beside those of the reference kernels, in one thread and in two, twice.
inline void compare(const std::shared_ptr<const Model>& model, const std::vector<Tensor>& inputs) {
  SessionOptions plain;
  plain.reference_kernels = true;
  const std::vector<Tensor> want = Session(model, plain).run(inputs);
  for (const unsigned threads : {1u, 2u}) {
    SessionOptions how;
    how.threads = threads;
    const Session session(model, how);
    for (int run = 0; run < 2; ++run) {
      SCOPED_TRACE(run);
      expect_close(session.run(inputs), want);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace decant::testing
