// SPDX-License-Identifier: Apache-2.0
// Each pass on small graphs: which operators it leaves, where its pattern is there and where it nearly is; and that the plan answers what
// the reference kernels answer for the graph as it was.
#include "exec/network/network_testing.h"

namespace decant {
namespace {

using namespace testing;
using Ids = std::vector<ValueId>;
using Ints = std::vector<std::int64_t>;

struct Case {
  std::string_view name;
  std::string_view pass;      // the passes up to this one are run
  std::string_view expected;  // the operators afterwards, in order
  Ids (*make)(Net&);          // its outputs
};

// --- batch normalization ---

ValueId small_conv(Net& n, ValueId x, bool biased = false) {
  Ids inputs{x, n.weight({6, 4, 3, 3}, 0.2f)};
  if (biased) inputs.push_back(n.weight({6}));
  return n.op("Conv", inputs, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
}
ValueId image(Net& n) { return n.input({1, 4, 5, 5}); }

constexpr Case kBatchNorm[] = {
    {"behind a convolution", "batch normalization", "Conv", [](Net& n) { return Ids{n.normalized(small_conv(n, image(n)), 6)}; }},
    {"behind a convolution with a bias", "batch normalization", "Conv", [](Net& n) { return Ids{n.normalized(small_conv(n, image(n), true), 6)}; }},
    {"two of them", "batch normalization", "Conv Conv",
     [](Net& n) {
       const ValueId x = n.normalized(small_conv(n, image(n)), 6);
       return Ids{n.normalized(n.conv(x, {3, 6, 1, 1}, 1, 0), 3)};
     }},
    {"the convolution is read twice", "batch normalization", "Conv BatchNormalization Relu",
     [](Net& n) {
       const ValueId y = small_conv(n, image(n));
       return Ids{n.normalized(y, 6), n.op("Relu", {y})};
     }},
    {"the convolution is an output", "batch normalization", "Conv BatchNormalization",
     [](Net& n) {
       const ValueId y = small_conv(n, image(n));
       return Ids{n.normalized(y, 6), y};
     }},
    {"behind something else", "batch normalization", "Conv Relu BatchNormalization", [](Net& n) { return Ids{n.normalized(n.op("Relu", {small_conv(n, image(n))}), 6)}; }},
    {"a scale that is computed", "batch normalization", "Conv ReduceMean BatchNormalization",
     [](Net& n) {
       const ValueId x = image(n), y = small_conv(n, x);
       const ValueId scale = n.op("ReduceMean", {y, n.ints({0, 2, 3})}, {{"keepdims", std::int64_t{0}}});
       return Ids{n.op("BatchNormalization", {y, scale, n.weight({6}), n.weight({6}), n.weight({6}, 0.01f, 1)})};
     }},
};

// --- gates ---

ValueId vector_in(Net& n) { return n.input({3, 8}); }

constexpr Case kGates[] = {
    {"x * sigmoid(x)", "gates", "SiLU",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {x, n.op("Sigmoid", {x})})};
     }},
    {"sigmoid(x) * x", "gates", "SiLU",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Sigmoid", {x}), x})};
     }},
    {"sigmoid of another value", "gates", "Neg Sigmoid Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {x, n.op("Sigmoid", {n.op("Neg", {x})})})};
     }},
    {"the gate is an output", "gates", "Sigmoid Mul",
     [](Net& n) {
       const ValueId x = vector_in(n), gate = n.op("Sigmoid", {x});
       return Ids{n.op("Mul", {x, gate}), gate};
     }},
    {"hard swish", "gates", "HardSwish",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {x, n.op("HardSigmoid", {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}})})};
     }},
    {"a hard gate with another slope", "gates", "HardSigmoid Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {x, n.op("HardSigmoid", {x}, {{"alpha", 0.2}, {"beta", 0.5}})})};
     }},
};

// 1 + erf(x / root)
ValueId erf_gate(Net& n, ValueId x, float root = std::sqrt(2.0f)) { return n.op("Add", {n.op("Erf", {n.op("Div", {x, n.number(root)})}), n.number(1)}); }

constexpr Case kGelu[] = {
    {"(x * gate) / 2", "gates", "Gelu",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Mul", {x, erf_gate(n, x)}), n.number(0.5f)})};
     }},
    {"(x / 2) * gate", "gates", "Gelu",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Mul", {n.number(0.5f), x}), erf_gate(n, x)})};
     }},
    {"x * (gate / 2)", "gates", "Gelu",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {x, n.op("Mul", {erf_gate(n, x), n.number(0.5f)})})};
     }},
    {"multiplied by the root of a half", "gates", "Gelu",
     [](Net& n) {
       const ValueId x = vector_in(n);
       const ValueId gate = n.op("Add", {n.number(1), n.op("Erf", {n.op("Mul", {x, n.number(std::sqrt(0.5f))})})});
       return Ids{n.op("Mul", {n.number(0.5f), n.op("Mul", {gate, x})})};
     }},
    {"another root", "gates", "Div Erf Add Mul Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Mul", {x, erf_gate(n, x, 1.5f)}), n.number(0.5f)})};
     }},
    {"not a half", "gates", "Div Erf Add Mul Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Mul", {x, erf_gate(n, x)}), n.number(0.6f)})};
     }},
    {"the gate of another value", "gates", "Neg Div Erf Add Mul Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       return Ids{n.op("Mul", {n.op("Mul", {x, erf_gate(n, n.op("Neg", {x}))}), n.number(0.5f)})};
     }},
    {"a half of more dimensions", "gates", "Div Erf Add Mul Mul",
     [](Net& n) {
       const ValueId x = vector_in(n);
       Tensor half(DType::float32, {1, 1, 1});
       half.mutable_data<float>()[0] = 0.5f;
       return Ids{n.op("Mul", {n.op("Mul", {x, erf_gate(n, x)}), n.b.constant(half)})};
     }},
};

// --- layer normalization ---

struct Norm {
  std::int64_t axis = -1;
  bool by_pow = true, gain_is_value = false, other = false;
  float power = 2;
};
Ids layer_norm(Net& n, Norm how) {
  const ValueId x = vector_in(n);
  const ValueId centred = n.op("Sub", {x, n.op("ReduceMean", {x, n.ints({how.axis})})});
  const ValueId of = how.other ? n.op("Abs", {centred}) : centred;
  const ValueId square = how.by_pow ? n.op("Pow", {of, n.number(how.power)}) : n.op("Mul", {of, of});
  const ValueId root = n.op("Sqrt", {n.op("Add", {n.op("ReduceMean", {square, n.ints({how.axis})}), n.number(1e-5f)})});
  const ValueId gain = how.gain_is_value ? n.op("ReduceMax", {x, n.ints({0})}, {{"keepdims", std::int64_t{0}}}) : n.weight({8});
  return Ids{n.op("Add", {n.op("Mul", {n.op("Div", {centred, root}), gain}), n.weight({8})})};
}

constexpr Case kLayerNorm[] = {
    {"with Pow", "layer normalization", "LayerNormalization", [](Net& n) { return layer_norm(n, {}); }},
    {"with Mul", "layer normalization", "LayerNormalization", [](Net& n) { return layer_norm(n, {-1, false}); }},
    {"the last axis by its number", "layer normalization", "LayerNormalization", [](Net& n) { return layer_norm(n, {1}); }},
    {"another axis", "layer normalization", "ReduceMean Sub Pow ReduceMean Add Sqrt Div Mul Add", [](Net& n) { return layer_norm(n, {0}); }},
    {"another power", "layer normalization", "ReduceMean Sub Abs Pow ReduceMean Add Sqrt Div Mul Add", [](Net& n) { return layer_norm(n, {-1, true, false, true, 3}); }},
    {"the variance of another value", "layer normalization", "ReduceMean Sub Abs Pow ReduceMean Add Sqrt Div Mul Add", [](Net& n) { return layer_norm(n, {-1, true, false, true}); }},
    {"a gain that is computed", "layer normalization", "ReduceMean Sub Pow ReduceMean Add Sqrt ReduceMax Div Mul Add", [](Net& n) { return layer_norm(n, {-1, true, true}); }},
};

// --- linear ---

constexpr Case kLinear[] = {
    {"MatMul and a bias", "linear", "FusedLinear", [](Net& n) { return Ids{n.op("Add", {n.op("MatMul", {vector_in(n), n.weight({8, 5})}), n.weight({5})})}; }},
    {"the bias first", "linear", "FusedLinear", [](Net& n) { return Ids{n.op("Add", {n.weight({5}), n.op("MatMul", {vector_in(n), n.weight({8, 5})})})}; }},
    {"Gemm, turned", "linear", "FusedLinear", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({5, 8}), n.weight({5})}, {{"transB", std::int64_t{1}}, {"alpha", 0.5}})}; }},
    {"Gemm, C of one row", "linear", "FusedLinear", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({8, 5}), n.weight({1, 5})})}; }},
    {"Gemm, C as large as the result", "linear", "FusedLinear", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({8, 5}), n.weight({3, 5})})}; }},
    {"Gemm, C of one column", "linear", "Gemm", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({8, 5}), n.weight({3, 1})})}; }},
    {"Gemm, with beta", "linear", "Gemm", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({8, 5}), n.weight({5})}, {{"beta", 0.5}})}; }},
    {"Gemm, the left one turned", "linear", "Gemm", [](Net& n) { return Ids{n.op("Gemm", {vector_in(n), n.weight({3, 5})}, {{"transA", std::int64_t{1}}})}; }},
    {"a bias for each row", "linear", "FusedLinear Add", [](Net& n) { return Ids{n.op("Add", {n.op("MatMul", {vector_in(n), n.weight({8, 5})}), n.weight({3, 1})})}; }},
    {"the product is read twice", "linear", "FusedLinear Add Neg",
     [](Net& n) {
       const ValueId y = n.op("MatMul", {vector_in(n), n.weight({8, 5})});
       return Ids{n.op("Add", {y, n.weight({5})}), n.op("Neg", {y})};
     }},
    {"two values of rank 3", "linear", "Transpose MatMul",
     [](Net& n) {
       const ValueId x = n.input({2, 3, 4});
       return Ids{n.op("MatMul", {x, n.op("Transpose", {x}, {{"perm", Ints{0, 2, 1}}})})};
     }},
};

// --- attention: values [B, H, T, D] = [2, 3, 5, 4] ---

struct Attention {
  bool scale = true, mask = false, wide_mask = false, turned = false, keep = false;
  std::int64_t axis = -1;
};
Ids attention(Net& n, Attention how) {
  const ValueId x = how.turned ? n.input({2, 5, 3, 4}) : n.input({2, 3, 5, 4});
  const auto part = [&](float by, Ints perm) {
    const ValueId y = n.op("Mul", {x, n.number(by)});
    return n.op("Transpose", {y}, {{"perm", std::move(perm)}});
  };
  const ValueId q = how.turned ? part(0.7f, {0, 2, 1, 3}) : n.op("Neg", {x}), k = how.turned ? part(1.1f, {0, 2, 3, 1}) : part(1.1f, {0, 1, 3, 2});
  const ValueId v = how.turned ? part(0.9f, {0, 2, 1, 3}) : n.op("Abs", {x});
  ValueId scores = n.op("MatMul", {q, k});
  if (how.scale) scores = n.op("Mul", {scores, n.number(0.5f)});
  if (how.mask) scores = n.op("Add", {scores, n.weight(how.wide_mask ? Shape{1, 2, 3, 5, 5} : Shape{5, 5})});
  const ValueId weights = n.op("Softmax", {scores}, {{"axis", how.axis}});
  ValueId y = n.op("MatMul", {weights, v});
  if (how.turned) y = n.op("Transpose", {y}, {{"perm", Ints{0, 2, 1, 3}}});
  return how.keep ? Ids{y, weights} : Ids{y};
}

constexpr Case kAttention[] = {
    {"keys turned", "attention", "Neg Mul Abs FusedAttention", [](Net& n) { return attention(n, {}); }},
    {"without a scale", "attention", "Neg Mul Abs FusedAttention", [](Net& n) { return attention(n, {false}); }},
    {"with a mask", "attention", "Neg Mul Abs FusedAttention", [](Net& n) { return attention(n, {true, true}); }},
    {"the axis by its number", "attention", "Neg Mul Abs FusedAttention", [](Net& n) { return attention(n, {true, false, false, false, false, 3}); }},
    {"heads of one matrix", "attention", "Mul Mul Mul FusedAttention", [](Net& n) { return attention(n, {true, true, false, true}); }},
    {"another axis", "attention", "Neg Mul Transpose Abs MatMul Mul Softmax MatMul", [](Net& n) { return attention(n, {true, false, false, false, false, 2}); }},
    {"the probabilities are an output", "attention", "Neg Mul Transpose Abs MatMul Mul Softmax MatMul", [](Net& n) { return attention(n, {true, false, false, false, true}); }},
    {"a mask of more dimensions", "attention", "Neg Mul Transpose Abs MatMul Mul Add Softmax MatMul", [](Net& n) { return attention(n, {true, true, true}); }},
};

// --- epilogue ---

constexpr Case kEpilogue[] = {
    {"a residual, then Relu", "epilogue", "FusedConv FusedConv",
     [](Net& n) {
       const ValueId x = image(n), y = n.op("Relu", {n.conv(x, {4, 4, 3, 3}, 1, 1)});
       return Ids{n.op("Relu", {n.op("Add", {n.conv(y, {4, 4, 1, 1}, 1, 0), x})})};
     }},
    {"Clip behind a product", "epilogue", "FusedLinear", [](Net& n) { return Ids{n.op("Clip", {n.op("MatMul", {vector_in(n), n.weight({8, 5})}), n.number(0), n.number(6)})}; }},
    {"a gate behind a product", "epilogue", "FusedLinear",
     [](Net& n) {
       const ValueId y = n.op("MatMul", {vector_in(n), n.weight({8, 5})});
       return Ids{n.op("Mul", {y, n.op("Sigmoid", {y})})};
     }},
    {"the product is an output", "epilogue", "FusedLinear Relu",
     [](Net& n) {
       const ValueId y = n.op("MatMul", {vector_in(n), n.weight({8, 5})});
       return Ids{n.op("Relu", {y}), y};
     }},
    {"a residual behind the activation", "epilogue", "FusedConv Add",
     [](Net& n) {
       const ValueId x = image(n);
       return Ids{n.op("Add", {n.op("Relu", {n.conv(x, {4, 4, 1, 1}, 1, 0)}), x})};
     }},
    {"a residual of one number a channel", "epilogue", "Conv ReduceMean Add",
     [](Net& n) {
       const ValueId x = image(n), y = n.conv(x, {4, 4, 1, 1}, 1, 0);
       return Ids{n.op("Add", {y, n.op("ReduceMean", {x, n.ints({2, 3})})})};
     }},
    {"added to itself", "epilogue", "Conv Add",
     [](Net& n) {
       const ValueId y = n.conv(image(n), {4, 4, 1, 1}, 1, 0);
       return Ids{n.op("Add", {y, y})};
     }},
    {"a function that products do not have", "epilogue", "FusedLinear Erf", [](Net& n) { return Ids{n.op("Erf", {n.op("MatMul", {vector_in(n), n.weight({8, 5})})})}; }},
};

std::string operators_of(const Draft& draft) {
  std::string out;
  for (const Node& node : draft.graph.nodes) out += (out.empty() ? "" : " ") + node.op;
  return out;
}

class Passes : public ::testing::TestWithParam<std::span<const Case>> {};

TEST_P(Passes, LeaveTheseOperatorsAndTheSameAnswers) {
  for (const Case& one : GetParam()) {
    SCOPED_TRACE(one.name);
    Net n;
    const auto model = n.model(one.make(n));
    std::vector<Tensor> inputs;
    std::vector<Type> types;
    for (const ValueId id : model->graph.inputs) {
      Shape shape;
      for (const Dim& d : model->graph.value(id).type.shape) shape.push_back(d.value);
      inputs.push_back(n.tensor(shape));
      types.push_back(Type::of(inputs.back()));
    }
    Draft draft = make_draft(model->graph, model->graph.outputs, types);
    bool known = false;
    for (const Pass& pass : passes()) {
      pass.run(draft);
      if ((known = pass.name == one.pass)) break;
    }
    ASSERT_TRUE(known) << one.pass;
    EXPECT_EQ(operators_of(draft), one.expected);

    SessionOptions plain;
    plain.reference_kernels = true;
    const std::vector<Tensor> want = Session(model, plain).run(inputs);
    PackCache packs;
    std::vector<Tensor> got;
    Network(std::move(draft), 1, packs).run(inputs, got);
    expect_close(got, want);
  }
}

INSTANTIATE_TEST_SUITE_P(BatchNorm, Passes, ::testing::Values(std::span<const Case>(kBatchNorm)));
INSTANTIATE_TEST_SUITE_P(Gates, Passes, ::testing::Values(std::span<const Case>(kGates)));
INSTANTIATE_TEST_SUITE_P(Gelu, Passes, ::testing::Values(std::span<const Case>(kGelu)));
INSTANTIATE_TEST_SUITE_P(LayerNorm, Passes, ::testing::Values(std::span<const Case>(kLayerNorm)));
INSTANTIATE_TEST_SUITE_P(Linear, Passes, ::testing::Values(std::span<const Case>(kLinear)));
INSTANTIATE_TEST_SUITE_P(Attention, Passes, ::testing::Values(std::span<const Case>(kAttention)));
INSTANTIATE_TEST_SUITE_P(Epilogue, Passes, ::testing::Values(std::span<const Case>(kEpilogue)));

}  // namespace
}  // namespace decant
