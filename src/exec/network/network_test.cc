// SPDX-License-Identifier: Apache-2.0
// Networks as the planner runs them beside the same graphs run node by node with reference kernels.
#include "exec/network/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <set>
#include <thread>
#include <tuple>

#include "exec/network/network_testing.h"
#include "kernels/network/gemm.h"
#include "kernels/network/targets.h"
#include <hwy/targets.h>

// GCC and clang each say in their own way that a sanitizer brings its own allocator.
#if defined(__SANITIZE_ADDRESS__)
#define DECANT_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DECANT_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef DECANT_COUNTS_ALLOCATIONS
#define DECANT_COUNTS_ALLOCATIONS 1
#endif

#if DECANT_COUNTS_ALLOCATIONS
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC 12 inlines one of the pair and not the other
#endif
namespace {
std::atomic<std::size_t> allocations{0};
}
void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t align) {
  ++allocations;
  const auto unit = static_cast<std::size_t>(align);
  if (void* p = std::aligned_alloc(unit, (std::max<std::size_t>(size, 1) + unit - 1) / unit * unit)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace decant {
namespace {

using namespace testing;
using Ids = std::vector<ValueId>;

TEST(Network, ResidualBlocks) {
  for (const std::int64_t width : {16, 24, 5}) {
    Net n;
    const ValueId x = n.input({2, 3, 19, 17});
    ValueId y = n.op("Relu", {n.normalized(n.conv(x, {width, 3, 3, 3}, 2, 1), width)});
    y = n.op("MaxPool", {y}, {{"kernel_shape", std::vector<std::int64_t>{3, 3}}, {"strides", std::vector<std::int64_t>{2, 2}}, {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
    ValueId z = n.op("Clip", {n.normalized(n.conv(y, {width, width, 1, 1}, 1, 0), width), n.number(0), n.number(6)});
    z = n.normalized(n.conv(z, {width, 1, 3, 3}, 1, 1, width), width);
    const ValueId sum = n.op("Relu", {n.op("Add", {z, y})});
    const ValueId again = n.op("Add", {n.conv(sum, {width, width, 1, 1}, 1, 0), n.conv(y, {width, width, 1, 1}, 1, 0)});
    const ValueId out = n.op("Flatten", {n.op("GlobalAveragePool", {n.op("Concat", {again, sum}, {{"axis", std::int64_t{1}}})})}, {{"axis", std::int64_t{1}}});
    const auto model = n.model({n.op("Gemm", {out, n.weight({7, 2 * width}), n.weight({7})}, {{"transB", std::int64_t{1}}}), sum});
    const std::vector<Tensor> inputs{n.tensor({2, 3, 19, 17})};
    compare(model, inputs);
    const std::string plan = planned(*model, inputs);
    EXPECT_EQ(plan.find("\nBatchNormalization "), std::string::npos) << plan;
    EXPECT_EQ(plan.find("\nRelu "), std::string::npos) << plan;
    EXPECT_EQ(plan.find("reference"), std::string::npos) << plan;
  }
}

// Filters of 3 x 3 and what may stand behind them, for which oneDNN has several algorithms.
TEST(Network, ThreeByThree) {
  for (const auto& [channels, filters, side] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>{16, 16, 9}, {32, 32, 40}, {64, 48, 13}, {130, 64, 7}, {128, 128, 28}}) {
    SCOPED_TRACE(channels);
    Net n;
    const ValueId x = n.input({1, channels, side, side});
    const auto conv = [&](ValueId v, std::int64_t from, std::int64_t to) { return n.op("Add", {n.conv(v, {to, from, 3, 3}, 1, 1), n.weight({1, to, 1, 1})}); };
    std::vector<ValueId> outputs{conv(x, channels, filters)};
    const ValueId y = n.op("Relu", {conv(x, channels, filters)});
    outputs.push_back(n.op("Relu", {n.op("Add", {n.conv(y, {filters, filters, 3, 3}, 1, 1), y})}));
    outputs.push_back(n.op("Clip", {n.conv(y, {filters, filters, 3, 3}, 1, 0), n.number(0), n.number(6)}));
    outputs.push_back(n.op("Mul", {outputs[0], n.op("Sigmoid", {n.conv(y, {filters, filters, 3, 3}, 1, 1)})}));
    compare(n.model(outputs), {n.tensor({1, channels, side, side}, 0.05f)});  // so that what Clip leaves is not small beside what it cuts off
  }
}

TEST(Network, ResidualThatIsReadAgain) {
  Net n;
  const ValueId x = n.input({1, 16, 8, 8});
  const ValueId y = n.op("Relu", {n.conv(x, {16, 16, 3, 3}, 1, 1)});
  const ValueId a = n.op("Add", {n.conv(y, {16, 16, 1, 1}, 1, 0), y});
  const ValueId b = n.op("Add", {n.conv(a, {16, 16, 1, 1}, 1, 0), y});
  const ValueId c = n.op("Sub", {b, n.op("Sigmoid", {y})});
  compare(n.model({c, n.op("Mul", {a, a})}), {n.tensor({1, 16, 8, 8})});
}

TEST(Network, Activations) {
  Net n;
  const ValueId x = n.input({3, 40});
  std::vector<ValueId> outputs;
  const auto linear = [&] { return n.op("Add", {n.op("MatMul", {x, n.weight({40, 33}, 0.3f)}), n.weight({33})}); };
  for (const char* name : {"Relu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Gelu", "Exp", "Erf", "Abs", "Neg"}) {
    outputs.push_back(n.op(name, {linear()}));
    outputs.push_back(n.op(name, {n.op("Sub", {x, n.number(0.25f)})}));
  }
  ValueId y = linear();
  outputs.push_back(n.op("Mul", {y, n.op("Sigmoid", {y})}));
  y = linear();
  outputs.push_back(n.op("Mul", {n.op("Mul", {y, n.op("Add", {n.op("Erf", {n.op("Div", {y, n.number(std::sqrt(2.0f))})}), n.number(1)})}), n.number(0.5f)}));
  const auto model = n.model(outputs);
  const std::vector<Tensor> inputs{n.tensor({3, 40}, 2)};
  compare(model, inputs);
  const std::string plan = planned(*model, inputs);
  EXPECT_NE(plan.find("FusedLinear"), std::string::npos);
  EXPECT_EQ(plan.find("Mul "), std::string::npos) << plan;
  EXPECT_EQ(plan.find("reference"), std::string::npos) << plan;
}

TEST(Network, Transformer) {
  for (const bool masked : {false, true}) {
    constexpr std::int64_t kTokens = 13, kHeads = 3, kDim = 24;
    Net n(masked);
    const ValueId x = n.input({2, kTokens, kDim});
    const auto linear = [&](ValueId v, std::int64_t from, std::int64_t to) { return n.op("Add", {n.weight({to}), n.op("MatMul", {v, n.weight({from, to}, 0.3f)})}); };
    const auto heads = [&](ValueId v, std::vector<std::int64_t> perm) { return n.op("Transpose", {n.op("Reshape", {v, n.ints({2, kTokens, kHeads, kDim / kHeads})})}, {{"perm", perm}}); };
    const ValueId mean = n.op("Sub", {x, n.op("ReduceMean", {x, n.ints({-1})})});
    const ValueId variance = n.op("ReduceMean", {n.op("Pow", {mean, n.number(2)}), n.ints({-1})});
    ValueId y = n.op("Add", {n.op("Mul", {n.op("Div", {mean, n.op("Sqrt", {n.op("Add", {variance, n.number(1e-6f)})})}), n.weight({kDim})}), n.weight({kDim})});
    const ValueId q = heads(linear(y, kDim, kDim), {0, 2, 1, 3}), k = heads(linear(y, kDim, kDim), {0, 2, 3, 1}), v = heads(linear(y, kDim, kDim), {0, 2, 1, 3});
    ValueId scores = n.op("Div", {n.op("MatMul", {q, k}), n.number(std::sqrt(8.0f))});
    if (masked) scores = n.op("Add", {scores, n.weight({2, 1, 1, kTokens})});
    y = n.op("MatMul", {n.op("Softmax", {scores}, {{"axis", std::int64_t{-1}}}), v});
    y = n.op("Reshape", {n.op("Transpose", {y}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}}), n.ints({2, kTokens, kDim})});
    y = n.op("Add", {x, linear(y, kDim, kDim)});
    const auto model = n.model({n.op("Gather", {y, n.b.constant(Tensor::scalar<std::int64_t>(0))}, {{"axis", std::int64_t{1}}}), y});
    const std::vector<Tensor> inputs{n.tensor({2, kTokens, kDim})};
    compare(model, inputs);
    const std::string plan = planned(*model, inputs);
    EXPECT_NE(plan.find("FusedAttention"), std::string::npos) << plan;
    EXPECT_NE(plan.find("LayerNormalization"), std::string::npos) << plan;
    for (const char* gone : {"Transpose", "Softmax", "Div", "reference"}) EXPECT_EQ(plan.find(gone), std::string::npos) << plan;
  }
}

TEST(Network, Lstm) {
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    for (const bool full : {false, true}) {
      constexpr std::int64_t kSteps = 5, kBatch = 3, kIn = 7, kHidden = 21;
      const std::int64_t d = std::string_view(direction) == "bidirectional" ? 2 : 1;
      Net n;
      const ValueId x = n.input({kSteps, kBatch, kIn});
      std::vector<ValueId> inputs{x, n.weight({d, 4 * kHidden, kIn}, 0.3f), n.weight({d, 4 * kHidden, kHidden}, 0.3f)};
      if (full) {
        for (const ValueId id : {n.weight({d, 8 * kHidden}), kNoValue, n.weight({d, kBatch, kHidden}), n.weight({d, kBatch, kHidden}), n.weight({d, 3 * kHidden})}) inputs.push_back(id);
      }
      const auto outputs = n.b.node("", "LSTM", inputs, {{"hidden_size", kHidden}, {"direction", std::string(direction)}}, 3);
      const auto model = n.model(outputs);
      const std::vector<Tensor> given{n.tensor({kSteps, kBatch, kIn})};
      compare(model, given);
      EXPECT_EQ(planned(*model, given).find("reference"), std::string::npos);
    }
  }
}

TEST(Network, GruAndRnn) {
  constexpr std::int64_t kSteps = 5, kIn = 7, kHidden = 21;
  struct Kind {
    const char* op;
    std::int64_t gates;
    Attributes attributes;
  };
  const std::vector<std::string> relu{"Relu"}, gru{"Sigmoid", "Tanh"};
  const Kind kinds[] = {{"GRU", 3, {}}, {"GRU", 3, {{"linear_before_reset", std::int64_t{1}}}}, {"GRU", 3, {{"activations", gru}}}, {"RNN", 1, {}}, {"RNN", 1, {{"activations", relu}}}};
  for (const Kind& kind : kinds) {
    for (const char* direction : {"forward", "reverse", "bidirectional"}) {
      for (const std::int64_t batch : {1, 3}) {
        SCOPED_TRACE(std::string(kind.op) + " " + direction);
        const std::int64_t d = std::string_view(direction) == "bidirectional" ? 2 : 1;
        Attributes attributes = kind.attributes;
        if (auto at = attributes.find("activations"); at != attributes.end() && d == 2) {
          auto names = std::get<std::vector<std::string>>(at->second);
          const auto once = names;
          names.insert(names.end(), once.begin(), once.end());
          at->second = names;
        }
        attributes["hidden_size"] = kHidden;
        attributes["direction"] = std::string(direction);
        Net n;
        const ValueId x = n.input({kSteps, batch, kIn});
        std::vector<ValueId> inputs{x, n.weight({d, kind.gates * kHidden, kIn}, 0.3f), n.weight({d, kind.gates * kHidden, kHidden}, 0.3f)};
        if (batch == 3) {
          for (const ValueId id : {n.weight({d, 2 * kind.gates * kHidden}), kNoValue, n.weight({d, batch, kHidden})}) inputs.push_back(id);
        }
        const auto model = n.model(n.b.node("", kind.op, inputs, attributes, 2));
        const std::vector<Tensor> given{n.tensor({kSteps, batch, kIn})};
        compare(model, given);
        EXPECT_EQ(planned(*model, given).find("reference"), std::string::npos);
      }
    }
  }
}

TEST(Network, TransposedConvolutions) {
  using Ints = std::vector<std::int64_t>;
  struct Kind {
    std::int64_t group, filters;
    Ints strides, pads, dilations, more;
  };
  for (const Kind& kind : {Kind{1, 6, {2, 2}, {1, 1, 1, 1}, {1, 1}, {0, 0}}, Kind{1, 5, {2, 3}, {0, 1, 2, 1}, {1, 1}, {1, 2}}, Kind{2, 8, {1, 1}, {1, 1, 1, 1}, {2, 1}, {0, 0}}, Kind{4, 4, {2, 2}, {1, 1, 1, 1}, {1, 1}, {1, 1}}}) {
    for (const bool biased : {false, true}) {
      Net n;
      const ValueId x = n.input({2, 4, 7, 6});
      Ids inputs{x, n.weight({4, kind.filters / kind.group, 3, 3}, 0.3f)};
      if (biased) inputs.push_back(n.weight({kind.filters}));
      const ValueId y = n.op("ConvTranspose", inputs, {{"strides", kind.strides}, {"pads", kind.pads}, {"dilations", kind.dilations}, {"output_padding", kind.more}, {"group", kind.group}});
      const auto model = n.model({n.op("Relu", {y})});
      const std::vector<Tensor> given{n.tensor({2, 4, 7, 6})};
      compare(model, given);
      EXPECT_EQ(planned(*model, given).find("reference"), std::string::npos) << kind.group;
    }
  }
}

TEST(Network, NormalizationsOfChannels) {
  Net n;
  const ValueId x = n.input({2, 6, 9, 7}), y = n.op("MaxPool", {x}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}});
  const auto instance = n.op("InstanceNormalization", {y, n.weight({6}), n.weight({6})});
  const auto model = n.model({n.normalized(y, 6), instance, n.op("GroupNormalization", {n.op("Sub", {instance, n.number(3)}), n.weight({6}), n.weight({6})}, {{"num_groups", std::int64_t{3}}})});
  const std::vector<Tensor> given{n.tensor({2, 6, 9, 7}, 1, 5)};
  compare(model, given);
  EXPECT_EQ(planned(*model, given).find("reference"), std::string::npos) << planned(*model, given);
}

// The kernels of each instruction set that this machine has: products whose sides are no multiple of anything, in one block of the shared
// dimension and in several, and what works on rows.
TEST(Network, EveryInstructionSet) {
  struct Restore {
    ~Restore() { hwy::SetSupportedTargetsForTest(0); }
  } restore;
  const std::int64_t all = hwy::SupportedTargets() & HWY_TARGETS;
  int count = 0;
  std::set<std::size_t> widths;
  for (std::int64_t left = all; left != 0; left &= left - 1, ++count) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    widths.insert(PackedMatrix::floats(1, 1));
    for (const std::int64_t rows : {1, 3, 5, 14, 29, 61}) {
      Net n(static_cast<unsigned>(rows));
      const ValueId x = n.input({rows, 901}), w = n.weight({40, 37}, 0.2f);
      const ValueId y = n.op("Tanh", {n.op("Gemm", {x, n.weight({40, 901}, 0.03f), n.weight({40})}, {{"transB", std::int64_t{1}}})});
      const ValueId z = n.op("Gelu", {n.op("Add", {n.op("MatMul", {y, w}), n.weight({37})})});
      compare(n.model({z, n.op("Softmax", {z}), n.op("LayerNormalization", {z, n.weight({37}), n.weight({37})}), n.op("MatMul", {z, n.op("Transpose", {z})})}), {n.tensor({rows, 901})});
    }
    Net n;
    const auto gates = n.b.node("", "LSTM", {n.input({4, 2, 5}), n.weight({1, 76, 5}), n.weight({1, 76, 19}), n.weight({1, 152})}, {{"hidden_size", std::int64_t{19}}}, 1);
    compare(n.model(gates), {n.tensor({4, 2, 5})});
  }
  std::printf("             %d instruction sets\n", count);
  // They were really chosen: their registers differ in width. Which sets there are is the compiler's choice, and two may be of one width.
  EXPECT_GE(widths.size(), static_cast<std::size_t>(std::min(count, 2)));
}

TEST(Network, Moves) {
  Net n;
  const ValueId x = n.input({2, 6, 5, 4});
  std::vector<ValueId> out{n.op("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}}), n.op("Transpose", {x}, {{"perm", std::vector<std::int64_t>{3, 0, 2, 1}}})};
  out.push_back(n.op("Slice", {x, n.ints({-1, 3}), n.ints({-100, 1}), n.ints({1, 2}), n.ints({-2, -1})}));
  out.push_back(n.op("Slice", {x, n.ints({1}), n.ints({100}), n.ints({3}), n.ints({2})}));
  out.push_back(n.op("Concat", {x, out[3], x}, {{"axis", std::int64_t{-1}}}));
  const auto parts = n.b.node("", "Split", {x, n.ints({1, 5})}, {{"axis", std::int64_t{1}}}, 2);
  out.insert(out.end(), parts.begin(), parts.end());
  out.push_back(n.op("Expand", {parts[0], n.ints({3, 2, 7, 1, 4})}));
  out.push_back(n.op("Reshape", {out[0], n.ints({-1, 5})}));
  out.push_back(n.op("MatMul", {n.op("Reshape", {x, n.ints({12, 5, 4})}), n.op("Reshape", {x, n.ints({12, 4, 5})})}));
  compare(n.model(out), {n.tensor({2, 6, 5, 4})});
}

// Shapes that depend on data, and operators without a fast kernel, stand between compiled ones.
TEST(Network, WhatCannotBePlannedRunsInBetween) {
  Net n;
  const ValueId x = n.input({4, 8});
  const ValueId y = n.op("Relu", {n.op("MatMul", {x, n.weight({8, 8})})});
  const ValueId where = n.op("NonZero", {y});
  const ValueId z = n.op("Cos", {y});
  const ValueId w = n.op("Add", {n.op("MatMul", {z, n.weight({8, 8})}), n.op("CumSum", {y, n.b.constant(Tensor::scalar<std::int64_t>(1))})});
  const ValueId same = n.op("Identity", {x});
  compare(n.model({where, w, same, n.op("Transpose", {where})}), {n.tensor({4, 8})});
}

TEST(Network, SeveralThreadsAtOnceAndSeveralShapes) {
  Net n;
  const ValueId x = n.b.input("x", Type::tensor(DType::float32, {{-1, "N"}, dim(10)}));
  const ValueId y = n.op("Sigmoid", {n.op("Gemm", {n.op("Relu", {n.op("Gemm", {x, n.weight({10, 10}), n.weight({10})})}), n.weight({10, 1}), n.weight({1})})});
  const auto model = n.model({y});
  SessionOptions plain;
  plain.reference_kernels = true;
  const Session session(model), reference(model, plain);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Net own(t);
      for (std::int64_t i = 0; i < 200; ++i) {
        const Tensor given = own.tensor({1 + (i + t) % 5, 10});
        const Tensor got = session.run(std::vector{given})[0], want = reference.run(std::vector{given})[0];
        if (got.shape() != want.shape()) ++wrong;
        for (std::size_t k = 0; k < std::min(got.size(), want.size()); ++k) wrong += std::abs(got.number(k) - want.number(k)) > 1e-6;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Network, ReadyBeforeTheFirstRun) {
  Net n;
  const ValueId x = n.b.input("x", Type::tensor(DType::float32, {{-1, "N"}, dim(10)}));
  const auto model = n.model({n.op("Relu", {n.op("MatMul", {x, n.weight({10, 4})})})});
  const Session cold(model), ready(model);
  EXPECT_FALSE(ready.make_ready());  // N is not known
  EXPECT_TRUE(ready.make_ready(std::vector<Shape>{{3, 10}}));
  EXPECT_THROW(ready.make_ready(std::vector<Shape>{{-3, 10}}), Error);
  EXPECT_THROW(ready.make_ready(std::vector<Shape>{{3, 10}, {3, 10}}), Error);
  for (const std::int64_t rows : {3, 5}) {
    const Tensor given = n.tensor({rows, 10});
    EXPECT_TRUE(ready.run(std::vector{given})[0].same_as(cold.run(std::vector{given})[0]));
  }
}

#if DECANT_COUNTS_ALLOCATIONS
// What a session asks for in its third run: memory was made in the first, threads started in the second.
std::size_t allocations_of(const std::shared_ptr<const Model>& model, const std::vector<Tensor>& inputs, unsigned threads) {
  SessionOptions how;
  how.threads = threads;
  const Session session(model, how);
  std::vector<Tensor> outputs;
  for (int i = 0; i < 2; ++i) session.run_into(inputs, outputs);
  const std::size_t before = allocations;
  session.run_into(inputs, outputs);
  return allocations - before;
}

TEST(Network, NothingIsAllocatedWhileANetworkRuns) {
  for (const unsigned threads : {1u, 2u}) {
    {
      Net n;
      const ValueId x = n.input({6, 16});
      ValueId y = n.op("LayerNormalization", {x, n.weight({16}), n.weight({16})}, {{"axis", std::int64_t{-1}}});
      y = n.op("Gelu", {n.op("MatMul", {y, n.weight({16, 64})})});
      y = n.op("Softmax", {n.op("Add", {x, n.op("MatMul", {y, n.weight({64, 16})})})});
      EXPECT_EQ(allocations_of(n.model({y}), {n.tensor({6, 16})}, threads), 0u);
    }
    {
      Net n;
      const ValueId x = n.input({1, 4, 70, 64}), y = n.op("Transpose", {n.op("Neg", {x})}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
      const ValueId z = n.op("MatMul", {n.op("Softmax", {n.op("MatMul", {x, y})}), x});
      EXPECT_EQ(allocations_of(n.model({z}), {n.tensor({1, 4, 70, 64})}, threads), 0u);
    }
    {
      Net n;
      const auto y = n.b.node("", "LSTM", {n.input({5, 1, 7}), n.weight({1, 80, 7}), n.weight({1, 80, 20}), n.weight({1, 160})}, {{"hidden_size", std::int64_t{20}}}, 3);
      EXPECT_EQ(allocations_of(n.model(y), {n.tensor({5, 1, 7})}, threads), 0u);
    }
  }
  // oneDNN 2.6 puts the arguments of each primitive into a table of its own at every call; its interface has no other way.
  Net n;
  const ValueId x = n.input({1, 3, 20, 20});
  const ValueId y = n.op("Relu", {n.conv(n.op("Relu", {n.conv(x, {16, 3, 3, 3}, 1, 1)}), {16, 16, 3, 3}, 1, 1)});
  const std::size_t with_convolutions = allocations_of(n.model({y}), {n.tensor({1, 3, 20, 20})}, 1);
  std::printf("             %zu allocations in a run of two convolutions, all of them oneDNN's\n", with_convolutions);
  EXPECT_LE(with_convolutions, 100u);
}
#endif

// Values that are not read at the same time share memory.
TEST(Network, TheArenaIsReused) {
  Net n;
  ValueId y = n.input({64, 64});
  for (int i = 0; i < 20; ++i) y = n.op("Tanh", {n.op("MatMul", {y, n.weight({64, 64}, 0.1f)})});
  const auto model = n.model({y});
  Draft draft = make_draft(model->graph, model->graph.outputs, std::vector<Type>{Type::tensor(DType::float32, {dim(64), dim(64)})});
  for (const Pass& pass : passes()) pass.run(draft);
  PackCache packs;
  EXPECT_LT(Network(std::move(draft), 1, packs).arena_bytes(), std::size_t{6} * 64 * 64 * 4);
}

}  // namespace
}  // namespace decant
