// SPDX-License-Identifier: Apache-2.0
// Operators on quantized numbers that onnxruntime's quantizer writes (com.microsoft 1; docs/ContribOperators.md 1.31): each is the standard
// operator on the numbers that the integers stand for, quantized again.
#include <cmath>

#include "ops/gemm.h"
#include "ops/quantized.h"
#include "ops/recurrent.h"
#include "ops/widen.h"

namespace decant {
namespace {

std::vector<Tensor> run_op(const KernelContext& c, std::string_view name, const std::vector<const Tensor*>& inputs, Attributes attributes = {}) {
  const Node node{"", std::string(name), c.node().name, std::vector<ValueId>(inputs.size(), 0), {0}, std::move(attributes), {}};
  std::vector<Tensor> out(1);
  KernelContext inner(node, inputs, out, nullptr, c.around());
  find_op("", name)->run(inner);
  return out;
}

float scale_of(const KernelContext& c, std::size_t i) {
  want(c, i, DType::float32);
  if (c.input(i).size() != 1) c.fail(Code::mismatch, format("the scale {} of shape {} is no scalar", i, text_of(c.input(i).shape())));
  return c.input(i).data<float>()[0];
}
// A zero point that may be left out: 0 of the type `like`.
Tensor zero_of(const KernelContext& c, std::size_t i, DType like) {
  if (c.has_input(i)) {
    if (c.input(i).size() != 1) c.fail(Code::mismatch, format("the zero point {} of shape {} is no scalar", i, text_of(c.input(i).shape())));
    return c.input(i);
  }
  if (like == DType::int8) return Tensor::scalar<std::int8_t>(0);
  if (like == DType::uint8) return Tensor::scalar<std::uint8_t>(0);
  c.fail(Code::unsupported, format("quantized numbers of {}", name_of(like)));
}
Tensor real(const KernelContext& c, std::size_t x, std::size_t scale, std::size_t zero) {
  const Tensor shift = zero_of(c, zero, c.input(x).dtype());
  const float factor = scale_of(c, scale);
  const Tensor integers = shifted(c, c.input(x), &shift, 0);
  Tensor out(DType::float32, integers.shape());
  for (std::size_t i = 0; i < out.size(); ++i) out.mutable_data<float>()[i] = static_cast<float>(integers.data<std::int32_t>()[i]) * factor;
  return out;
}
void quantized(KernelContext& c, const Tensor& x, std::size_t scale, std::size_t zero, DType like) {
  const float factor = scale_of(c, scale);
  const std::span<const float> from = x.data<float>();
  requantize(c, zero_of(c, zero, like), x.shape(), [&](std::size_t i) { return from[i] / factor; });
}

// Inputs: A, its scale and zero; B, its scale and zero; the result's.
template <bool Product>
void qlinear_pair(KernelContext& c) {
  const Tensor a = real(c, 0, 1, 2), b = real(c, 3, 4, 5);
  quantized(c, run_op(c, Product ? "Mul" : "Add", {&a, &b})[0], 6, 7, c.input(0).dtype());
}
void infer_pair(InferContext& c) {
  bool known = false;
  std::vector<Dim> dims = broadcast_dims(c, {&c.input(0), &c.input(3)}, known);
  c.outputs[0] = known ? Type::tensor(c.input(0).dtype, std::move(dims)) : unknown_shape(c.input(0).dtype);
}

// Inputs: X, its scale and zero; the result's.
enum class Unary { sigmoid, leaky_relu, softmax, average_pool, global_average_pool };
template <Unary kind>
void qlinear_unary(KernelContext& c) {
  Tensor x = real(c, 0, 1, 2);
  if constexpr (kind == Unary::sigmoid) x = run_op(c, "Sigmoid", {&x})[0];
  if constexpr (kind == Unary::leaky_relu) x = run_op(c, "LeakyRelu", {&x}, {{"alpha", c.real("alpha", static_cast<double>(0.01f))}})[0];
  if constexpr (kind == Unary::softmax) x = run_op(c, "Softmax", {&x}, {{"axis", c.integer("axis", -1)}})[0];
  if constexpr (kind == Unary::average_pool || kind == Unary::global_average_pool) {
    const bool last = c.integer("channels_last", 0) != 0;
    const auto moved = [&](const Tensor& t, bool back) {
      std::vector<std::int64_t> perm;
      const auto rank = static_cast<std::int64_t>(t.rank());
      for (std::int64_t d = 0; d < rank; ++d) perm.push_back(d == 0 ? 0 : back ? (d + 1 < rank ? d + 1 : 1) : (d == 1 ? rank - 1 : d - 1));
      return run_op(c, "Transpose", {&t}, {{"perm", perm}})[0];
    };
    if (x.rank() < 3) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
    if (last) x = moved(x, false);
    Attributes attributes = c.node().attributes;
    attributes.erase("channels_last");
    x = run_op(c, kind == Unary::average_pool ? "AveragePool" : "GlobalAveragePool", {&x}, std::move(attributes))[0];
    if (last) x = moved(x, true);
  }
  quantized(c, x, 3, 4, c.input(0).dtype());
}
void infer_ranked(InferContext& c) { c.outputs[0] = c.input(0).has_rank ? ranked(c.input(0).dtype, c.input(0).shape.size()) : unknown_shape(c.input(0).dtype); }

// Inputs: the result's scale and zero, then for each part its numbers, scale and zero.
void qlinear_concat(KernelContext& c) {
  if (c.input_count() < 5 || (c.input_count() - 2) % 3 != 0) c.fail(Code::corrupt, format("{} inputs", c.input_count()));
  std::vector<Tensor> parts;
  for (std::size_t i = 2; i < c.input_count(); i += 3) parts.push_back(real(c, i, i + 1, i + 2));
  std::vector<const Tensor*> inputs;
  for (const Tensor& t : parts) inputs.push_back(&t);
  quantized(c, run_op(c, "Concat", inputs, {{"axis", c.integer("axis")}})[0], 0, 1, c.input(2).dtype());
}
void infer_qlinear_concat(InferContext& c) { c.outputs[0] = c.input(2).has_rank ? ranked(c.input(2).dtype, c.input(2).shape.size()) : unknown_shape(c.input(2).dtype); }

// product * a_scale * b_scale + bias; b_scale and the bias may be one for each column.
void scaled_product(KernelContext& c, const Tensor& product, float a_scale, const Tensor& b_scale, std::size_t bias) {
  const std::int64_t n = product.rank() == 0 ? 1 : product.shape().back();
  if (b_scale.dtype() != DType::float32 || (b_scale.size() != 1 && static_cast<std::int64_t>(b_scale.size()) != n)) c.fail(Code::mismatch, format("scales {}{} for {} columns", name_of(b_scale.dtype()), text_of(b_scale.shape()), n));
  const float* add = nullptr;
  if (c.has_input(bias)) {
    want(c, bias, DType::float32);
    if (c.input(bias).shape() != Shape{n}) c.fail(Code::mismatch, format("a bias {} for {} columns", text_of(c.input(bias).shape()), n));
    add = c.input(bias).data<float>().data();
  }
  const std::span<float> to = c.output(0, DType::float32, product.shape()).mutable_data<float>();
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::size_t j = i % z(n);
    to[i] = static_cast<float>(product.data<std::int32_t>()[i]) * (a_scale * b_scale.data<float>()[b_scale.size() == 1 ? 0 : j]) + (add != nullptr ? add[j] : 0.0f);
  }
}
void matmul_integer_to_float(KernelContext& c) {
  const Tensor product = integer_product(c, c.input(0), c.input(1), c.has_input(4) ? &c.input(4) : nullptr, c.has_input(5) ? &c.input(5) : nullptr);
  scaled_product(c, product, scale_of(c, 2), c.input(3), 6);
}
// Inputs: A, B, the scale of B, its zero, a bias.
void dynamic_quantize_matmul(KernelContext& c) {
  want(c, 0, DType::float32);
  const std::span<const float> a = c.input(0).data<float>();
  const DynamicScale q = dynamic_scale(a);
  Tensor left(DType::uint8, c.input(0).shape());
  for (std::size_t i = 0; i < a.size(); ++i) left.mutable_data<std::uint8_t>()[i] = q.quantize(a[i]);
  const Tensor zero = Tensor::scalar<std::uint8_t>(q.zero);
  scaled_product(c, integer_product(c, left, c.input(1), &zero, c.has_input(3) ? &c.input(3) : nullptr), q.scale, c.input(2), 4);
}
void infer_product(InferContext& c) {
  c.outputs[0] = unknown_shape(DType::float32);
  if (c.input(0).has_rank && c.input(1).has_rank && c.input(1).shape.size() == 2 && !c.input(0).shape.empty()) {
    c.outputs[0] = c.input(0);
    c.outputs[0].dtype = DType::float32;
    c.outputs[0].shape.back() = c.input(1).shape[1];
  }
}

// Inputs: A, scale, zero; B, scale, zero; C (int32); the result's scale and zero, without which it is float32.
void qgemm(KernelContext& c) {
  const auto turned = [&](std::size_t i, std::string_view flag) {
    if (c.input(i).rank() != 2) c.fail(Code::mismatch, format("input {} of shape {}", i, text_of(c.input(i).shape())));
    return c.integer(flag, 0) != 0 ? run_op(c, "Transpose", {&c.input(i)})[0] : c.input(i);
  };
  const Tensor a = turned(0, "transA"), b = turned(3, "transB");
  Tensor sum = integer_product(c, a, b, &c.input(2), &c.input(5));
  if (c.has_input(6)) sum = run_op(c, "Add", {&sum, &c.input(6)})[0];
  const Shape shape{a.dim(0), b.dim(1)};
  if (sum.shape() != shape) c.fail(Code::mismatch, format("C of shape {}", text_of(c.input(6).shape())));
  const Tensor& b_scale = c.input(4);
  const float factor = scale_of(c, 1) * static_cast<float>(c.real("alpha", 1));
  if (b_scale.dtype() != DType::float32 || (b_scale.size() != 1 && static_cast<std::int64_t>(b_scale.size()) != shape[1])) c.fail(Code::mismatch, format("scales {} for {}", text_of(b_scale.shape()), text_of(shape)));
  Tensor out(DType::float32, shape);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out.mutable_data<float>()[i] = static_cast<float>(sum.data<std::int32_t>()[i]) * (factor * b_scale.data<float>()[b_scale.size() == 1 ? 0 : i % z(shape[1])]);
  }
  if (c.has_input(7)) quantized(c, out, 7, 8, c.input(0).dtype());
  else c.set_output(0, std::move(out));
}
void infer_qgemm(InferContext& c) { c.outputs[0] = ranked(c.has_input(7) ? (c.has_input(8) ? c.input(8).dtype : c.input(0).dtype) : DType::float32, 2); }

// --- MatMulNBits: A times the transposed of B [N, blocks, bytes], whose numbers have 2, 4 or 8 bits -------------------------------------------

void matmul_nbits(KernelContext& c) {
  const std::int64_t k = c.integer("K"), n = c.integer("N"), bits = c.integer("bits", 4), block = c.integer("block_size");
  if ((bits != 2 && bits != 4 && bits != 8) || block < 1 || block > (1 << 20) || k < 1 || n < 1 || k > (1 << 24) || n > (1 << 24)) c.fail(Code::unsupported, format("{} bits in blocks of {}", bits, block));
  const Tensor &a = c.input(0), &b = c.input(1);
  const std::int64_t blocks = (k + block - 1) / block, bytes = (block * bits + 7) / 8;
  if (b.dtype() != DType::uint8 || static_cast<std::int64_t>(b.size()) != n * blocks * bytes) c.fail(Code::mismatch, format("weights {}{} for {} x {}", name_of(b.dtype()), text_of(b.shape()), n, k));
  if (a.rank() == 0 || a.shape().back() != k) c.fail(Code::mismatch, format("an input {} for {} columns", text_of(a.shape()), k));
  const Tensor scales = as_real(c, c.input(2), DType::float32);
  if (static_cast<std::int64_t>(scales.size()) != n * blocks) c.fail(Code::mismatch, format("scales {} for {} blocks", text_of(scales.shape()), n * blocks));
  const bool has_zero = c.has_input(3), packed = has_zero && c.input(3).dtype() == DType::uint8;
  const std::int64_t zero_bytes = (blocks * bits + 7) / 8;
  if (has_zero && static_cast<std::int64_t>(c.input(3).size()) != n * (packed ? zero_bytes : blocks)) c.fail(Code::mismatch, format("zero points {}", text_of(c.input(3).shape())));
  const Tensor zeros = has_zero && !packed ? as_real(c, c.input(3), DType::float32) : Tensor();
  // Which block's scale and zero point each number has, where they are not those of the block that it stands in.
  // (onnxruntime 1.31 then takes no notice of zero points; here they count, as the operator's definition says.)
  std::vector<std::int64_t> group;
  if (c.has_input(4)) {
    group = integers_of(c, c.input(4));
    if (group.size() < z(k) || group.size() > z(blocks * block)) c.fail(Code::mismatch, format("{} groups for {} numbers", group.size(), k));
    for (const std::int64_t g : group) {
      if (g < 0 || g >= blocks) c.fail(Code::mismatch, format("group {} of {}", g, blocks));
    }
  }
  const unsigned mask = (1u << bits) - 1;
  const auto code = [&](const std::uint8_t* from, std::int64_t i) { return (from[i * bits / 8] >> (i * bits % 8)) & mask; };
  const Tensor wide = as_real(c, a, DType::float32);
  const std::int64_t rows = static_cast<std::int64_t>(a.size()) / k;
  Shape shape = a.shape();
  shape.back() = n;
  const Tensor bias = c.has_input(5) ? as_real(c, c.input(5), DType::float32) : Tensor();
  if (bias.defined() && bias.shape() != Shape{n}) c.fail(Code::mismatch, format("a bias {}", text_of(bias.shape())));
  Tensor out(DType::float32, shape);
  std::vector<float> line(z(k)), scale(z(blocks)), zero(z(blocks));
  for (std::int64_t j = 0; j < n; ++j) {
    for (std::int64_t g = 0; g < blocks; ++g) {
      scale[z(g)] = scales.data<float>()[z(j * blocks + g)];
      zero[z(g)] = packed ? static_cast<float>(code(c.input(3).data<std::uint8_t>().data() + j * zero_bytes, g)) : has_zero ? zeros.data<float>()[z(j * blocks + g)] : static_cast<float>(1u << (bits - 1));
    }
    for (std::int64_t i = 0; i < k; ++i) {
      const std::size_t g = group.empty() ? z(i / block) : z(group[z(i)]);
      line[z(i)] = (static_cast<float>(code(b.data<std::uint8_t>().data() + (j * blocks + i / block) * bytes, i % block)) - zero[g]) * scale[g];
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* x = wide.data<float>().data() + r * k;
      float sum[8] = {};
      std::int64_t i = 0;
      for (; i + 8 <= k; i += 8) {
        for (std::int64_t lane = 0; lane < 8; ++lane) sum[lane] += x[i + lane] * line[z(i + lane)];
      }
      float total = bias.defined() ? bias.data<float>()[z(j)] : 0.0f;
      for (; i < k; ++i) total += x[i] * line[z(i)];
      for (const float s : sum) total += s;
      out.mutable_data<float>()[z(r * n + j)] = total;
    }
  }
  c.set_output(0, narrowed(out, a.dtype()));
}
void infer_matmul_nbits(InferContext& c) {
  c.outputs[0] = c.input(0);
  if (!c.outputs[0].shape.empty()) c.outputs[0].shape.back() = dim(std::max<std::int64_t>(c.integer("N"), -1));
}

// --- DynamicQuantizeLSTM: inputs as LSTM's, but weights [D, I, 4 H] and [D, H, 4 H] of 8 bits, then for both of them their scale and zero
// points, one or one for each column. What is multiplied is quantized by its own range, all rows of one product together. -----------------

GateProduct<float> quantized_product(const KernelContext& c, std::size_t weights_at, std::size_t scale_at) {
  want(c, scale_at, DType::float32);
  const Tensor &weights = c.input(weights_at), &scales = c.input(scale_at), &zeros = c.input(scale_at + 1);
  const std::int64_t directions = weights.dim(0), depth = weights.dim(1), width = weights.dim(2);
  const auto fits = [&](const Tensor& t) { return t.shape() == Shape{directions} || t.shape() == Shape{directions, width}; };
  if ((weights.dtype() != DType::int8 && weights.dtype() != DType::uint8) || !fits(scales) || !fits(zeros) || zeros.dtype() != weights.dtype()) {
    c.fail(Code::mismatch, format("scales {} and zero points {}{} for weights {}{}", text_of(scales.shape()), name_of(zeros.dtype()), text_of(zeros.shape()), name_of(weights.dtype()), text_of(weights.shape())));
  }
  struct One {
    Tensor matrix, zero;
    std::span<const float> scale;  // one, or one for each column
  };
  std::vector<One> all;
  const std::size_t bytes = z(depth * width), zero_each = zeros.size() / std::max<std::size_t>(z(directions), 1), scale_each = scales.size() / std::max<std::size_t>(z(directions), 1);
  for (std::size_t d = 0; d < z(directions); ++d) {
    all.push_back({Tensor(weights.dtype(), {depth, width}, weights.blob().slice(d * bytes, bytes)),
                   Tensor(zeros.dtype(), zeros.rank() == 1 ? Shape{} : Shape{width}, zeros.blob().slice(d * zero_each, zero_each)), scales.data<float>().subspan(d * scale_each, scale_each)});
  }
  return [&c, all = std::move(all), depth, width](std::int64_t d, std::int64_t rows, const float* x, float* out) {
    const std::span<const float> from(x, z(rows * depth));
    const DynamicScale q = dynamic_scale(from);
    Tensor left(DType::uint8, {rows, depth});
    for (std::size_t i = 0; i < from.size(); ++i) left.mutable_data<std::uint8_t>()[i] = q.quantize(from[i]);
    const Tensor zero = Tensor::scalar<std::uint8_t>(q.zero);
    const One& one = all[z(d)];
    const Tensor product = integer_product(c, left, one.matrix, &zero, &one.zero);
    for (std::size_t i = 0; i < product.size(); ++i) out[i] = static_cast<float>(product.data<std::int32_t>()[i]) * (q.scale * one.scale[one.scale.size() == 1 ? 0 : i % z(width)]);
  };
}
void dynamic_quantize_lstm(KernelContext& c) {
  const Tensor &x = c.input(0), &w = c.input(1), &r = c.input(2);
  const std::int64_t directions = c.text("direction", "forward") == "bidirectional" ? 2 : 1;
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3 || w.shape() != Shape{directions, x.dim(2), w.dim(2)} || r.shape() != Shape{directions, r.dim(1), w.dim(2)} || w.dim(2) % 4 != 0 || w.dim(2) / 4 != r.dim(1)) {
    c.fail(Code::mismatch, format("an input {} with weights {} and {}", text_of(x.shape()), text_of(w.shape()), text_of(r.shape())));
  }
  run_lstm(c, r.dim(1), quantized_product(c, 1, 8), quantized_product(c, 2, 10));
}
void infer_quantized_lstm(InferContext& c) {
  const Type &x = c.input(0), &r = c.input(2);
  const Dim directions = dim(c.text("direction", "forward") == "bidirectional" ? 2 : 1);
  const Dim hidden = r.has_rank && r.shape.size() == 3 ? r.shape[1] : any_dim();
  const bool known = x.has_rank && x.shape.size() == 3;
  const Dim steps = known ? x.shape[0] : any_dim(), batch = known ? x.shape[1] : any_dim();
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    c.outputs[i] = Type::tensor(DType::float32, i == 0 ? std::vector<Dim>{steps, directions, batch, hidden} : std::vector<Dim>{directions, batch, hidden});
  }
}

constexpr std::string_view kMs = "com.microsoft";
constexpr Op kOps[] = {
    {kMs, "QLinearAdd", "A sum of quantized numbers, quantized again.", infer_pair, qlinear_pair<false>},
    {kMs, "QLinearMul", "A product of quantized numbers, element by element, quantized again.", infer_pair, qlinear_pair<true>},
    {kMs, "QLinearSigmoid", "Sigmoid of quantized numbers.", infer_same, qlinear_unary<Unary::sigmoid>},
    {kMs, "QLinearLeakyRelu", "LeakyRelu of quantized numbers.", infer_same, qlinear_unary<Unary::leaky_relu>},
    {kMs, "QLinearSoftmax", "Softmax of quantized numbers.", infer_same, qlinear_unary<Unary::softmax>},
    {kMs, "QLinearAveragePool", "AveragePool of quantized numbers.", infer_ranked, qlinear_unary<Unary::average_pool>},
    {kMs, "QLinearGlobalAveragePool", "GlobalAveragePool of quantized numbers.", infer_ranked, qlinear_unary<Unary::global_average_pool>},
    {kMs, "QLinearConcat", "Quantized numbers of several scales joined in one.", infer_qlinear_concat, qlinear_concat},
    {kMs, "MatMulIntegerToFloat", "The product of quantized matrices as float32.", infer_product, matmul_integer_to_float},
    {kMs, "DynamicQuantizeMatMul", "The product of a matrix, quantized by its own range, and a quantized one, as float32.", infer_product, dynamic_quantize_matmul},
    {kMs, "DynamicQuantizeLSTM", "LSTM with quantized weights; what is multiplied with them is quantized by its own range.", infer_quantized_lstm, dynamic_quantize_lstm},
    {kMs, "QGemm", "Gemm of quantized matrices.", infer_qgemm, qgemm},
    {kMs, "MatMulNBits", "The product with a matrix of 2, 4 or 8 bits a number, with a scale for each block.", infer_matmul_nbits, matmul_nbits},
};

}  // namespace

DECANT_AT_START std::span<const Op> ms_integer_ops() { return kOps; }

}  // namespace decant
