// SPDX-License-Identifier: Apache-2.0
// Several operators in one, as the planner of networks writes them (exec/network): nothing else makes them. Their reference kernels run
// the operators that they stand for, one after the other.
//
// FusedConv:      act(Conv(X, W, B) + R); the attributes of Conv; inputs X, W, B, R, the last two optional.
// FusedLinear:    act(alpha * A * W + B + R), W [K, N], or [N, K] with trans_w; inputs A [..., K], W, B [N], R like the result.
// FusedAttention: softmax(scale * Q * K' + M) * V; inputs Q, K, V of rank 4, M (broadcast). `layout_q`, `layout_k`, `layout_v`, `layout_out` say how
//                 their axes lie: letters of b (batch), h (head), t (position), d (feature).
// SiLU:           x * sigmoid(x).
#include <algorithm>
#include <cmath>

#include "ops/activation.h"
#include "ops/kernel.h"

namespace decant {
namespace {

Tensor run_standard(const KernelContext& by, std::string op, std::vector<const Tensor*> inputs, Attributes attributes = {}) {
  Node node{"", std::move(op), by.node().name, {}, {0}, std::move(attributes), {}};
  for (std::size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(inputs[i] == nullptr ? kNoValue : static_cast<ValueId>(i + 1));
  const Op* known = find_op("", node.op);
  if (known == nullptr || known->run == nullptr) by.fail(Code::unsupported, format("operator {} is not there", node.op));
  std::vector<Tensor> out(1);
  KernelContext context(node, inputs, out, nullptr, by.around());
  known->run(context);
  return std::move(out[0]);
}

const Tensor* optional(const KernelContext& c, std::size_t i) { return c.has_input(i) ? &c.input(i) : nullptr; }

Tensor activated(const KernelContext& c, const Tensor& x) {
  const Activation f = activation_of(c);
  if (f.act == Act::none) return x;
  Tensor out(DType::float32, x.shape());
  const std::span<float> to = out.mutable_data<float>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(apply(f, static_cast<double>(x.data<float>()[i])));
  return out;
}

void finish(KernelContext& c, Tensor x, std::size_t residual) {
  if (c.has_input(residual)) x = run_standard(c, "Add", {&x, &c.input(residual)});
  c.set_output(0, activated(c, x));
}

// --- FusedConv ------------------------------------------------------------------------------------------------------------------

void fused_conv(KernelContext& c) {
  want(c, 0, DType::float32);
  Attributes attributes = c.node().attributes;
  finish(c, run_standard(c, "Conv", {&c.input(0), &c.input(1), optional(c, 2)}, std::move(attributes)), 3);
}
void infer_fused_conv(InferContext& c) {
  const Op* conv = find_op("", "Conv");
  if (conv != nullptr) conv->infer(c);
}

// --- FusedLinear ----------------------------------------------------------------------------------------------------------------

void fused_linear(KernelContext& c) {
  want(c, 0, DType::float32);
  Tensor turned;
  const Tensor* w = &c.input(1);
  if (c.integer("trans_w", 0) != 0) {
    turned = run_standard(c, "Transpose", {w}, {{"perm", std::vector<std::int64_t>{1, 0}}});
    w = &turned;
  }
  Tensor x = run_standard(c, "MatMul", {&c.input(0), w});
  if (const double alpha = c.real("alpha", 1.0); alpha != 1.0) {
    const Tensor by = Tensor::scalar<float>(static_cast<float>(alpha));
    x = run_standard(c, "Mul", {&x, &by});
  }
  if (c.has_input(2)) x = run_standard(c, "Add", {&x, &c.input(2)});
  finish(c, std::move(x), 3);
}
void infer_fused_linear(InferContext& c) {
  const Type &a = c.input(0), &w = c.input(1);
  c.outputs[0] = a;
  if (a.has_rank && !a.shape.empty()) c.outputs[0].shape.back() = w.has_rank && w.shape.size() == 2 ? w.shape[c.integer("trans_w", 0) != 0 ? 0 : 1] : any_dim();
}

// --- FusedAttention -------------------------------------------------------------------------------------------------------------

std::vector<std::int64_t> permutation(const AttributeView& c, std::string_view from, std::string_view to) {
  std::vector<std::int64_t> out;
  for (const char axis : to) {
    const std::size_t at = from.find(axis);
    if (from.size() != 4 || at == std::string_view::npos) c.fail(Code::corrupt, format("axes {}", printable(from, 8)));
    out.push_back(static_cast<std::int64_t>(at));
  }
  return out;
}

void fused_attention(KernelContext& c) {
  want(c, 0, DType::float32);
  const auto turned = [&](std::size_t i, std::string_view name, std::string_view to) {
    return run_standard(c, "Transpose", {&c.input(i)}, {{"perm", permutation(c, c.text(name, "bhtd"), to)}});
  };
  const Tensor q = turned(0, "layout_q", "bhtd"), k = turned(1, "layout_k", "bhdt"), v = turned(2, "layout_v", "bhtd");
  Tensor x = run_standard(c, "MatMul", {&q, &k});
  const Tensor scale = Tensor::scalar<float>(static_cast<float>(c.real("scale", 1.0)));
  x = run_standard(c, "Mul", {&x, &scale});
  if (c.has_input(3)) x = run_standard(c, "Add", {&x, &c.input(3)});
  x = run_standard(c, "Softmax", {&x}, {{"axis", std::int64_t{-1}}});
  x = run_standard(c, "MatMul", {&x, &v});
  c.set_output(0, run_standard(c, "Transpose", {&x}, {{"perm", permutation(c, "bhtd", c.text("layout_out", "bhtd"))}}));
}
void infer_fused_attention(InferContext& c) {
  const Type &q = c.input(0), &v = c.input(2);
  c.outputs[0] = ranked(q.dtype, 4);
  if (!q.has_rank || !v.has_rank || q.shape.size() != 4 || v.shape.size() != 4) return;
  const std::string_view lq = c.text("layout_q", "bhtd"), lv = c.text("layout_v", "bhtd"), to = c.text("layout_out", "bhtd");
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t at = (to[i] == 'd' ? lv : lq).find(to[i]);
    if (at < 4) c.outputs[0].shape[i] = (to[i] == 'd' ? v : q).shape[at];
  }
}

// --- SiLU -----------------------------------------------------------------------------------------------------------------------

void silu(KernelContext& c) {
  want(c, 0, DType::float32);
  const std::span<const float> x = c.input(0).data<float>();
  const std::span<float> out = c.output(0, DType::float32, c.input(0).shape()).mutable_data<float>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(apply({Act::silu}, static_cast<double>(x[i])));
}

constexpr Op kOps[] = {
    {"decant", "FusedConv", "Conv, plus a residual, through an activation. Made by the planner only.", infer_fused_conv, fused_conv},
    {"decant", "FusedLinear", "A product with a matrix, plus bias and residual, through an activation. Made by the planner only.", infer_fused_linear, fused_linear},
    {"decant", "FusedAttention", "Scaled dot-product attention over heads. Made by the planner only.", infer_fused_attention, fused_attention},
    {"decant", "SiLU", "x * sigmoid(x). Made by the planner only.", infer_same, silu},
};

}  // namespace

DECANT_AT_START std::span<const Op> fused_ops() { return kOps; }

}  // namespace decant
