// SPDX-License-Identifier: Apache-2.0
// Quantized numbers (ai.onnx): QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, and products of integers: MatMulInteger,
// QLinearMatMul, ConvInteger, QLinearConv.
#include "ops/quantized.h"

#include <cmath>
#include <limits>

#include "ops/convolve.h"
#include "ops/widen.h"

namespace decant {

// --- scales -----------------------------------------------------------------------------------------------------------------------------------

ScaleMap scale_map(const AttributeView& c, const Shape& x, const Shape& scale, std::int64_t axis, std::int64_t block) {
  ScaleMap out;
  out.total = static_cast<std::int64_t>(count_of(x));
  if (count_of(scale) == 1 && (block == 0 || scale.size() != x.size())) return out;  // one for all
  const std::size_t a = axis_of(c, axis, x.size());
  const Around around_axis = around(x, a);
  out.inner = around_axis.inner;
  out.length = around_axis.length;
  out.block = 1;
  if (block == 0) {
    if (scale.size() != 1 || scale[0] != x[a]) c.fail(Code::mismatch, format("scales {} for axis {} of {}", text_of(scale), a, text_of(x)));
    out.kind = ScaleMap::per_axis;
    return out;
  }
  if (block < 0) c.fail(Code::corrupt, format("block_size {}", block));
  out.kind = ScaleMap::blocked;
  out.block = block;
  out.blocks = x[a] / block + (x[a] % block != 0);
  bool fits = scale.size() == x.size();
  for (std::size_t d = 0; fits && d < x.size(); ++d) fits = scale[d] == (d == a ? out.blocks : x[d]);
  if (!fits) c.fail(Code::mismatch, format("scales {} for blocks of {} along axis {} of {}", text_of(scale), block, a, text_of(x)));
  return out;
}

namespace {

struct Range {
  double low = 0, high = 0;
};
// Of an integer type.
Range range_of(DType dtype) {
  switch (dtype) {
    case DType::uint8: return {0, 255};
    case DType::int8: return {-128, 127};
    case DType::uint16: return {0, 65535};
    case DType::int16: return {-32768, 32767};
    case DType::int32: return {-2147483648.0, 2147483647.0};
    case DType::uint4: return {0, 15};
    case DType::int4: return {-8, 7};
    case DType::uint2: return {0, 3};
    default: return {-2, 1};
  }
}
using QuantizedIntegers = Join<Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>, SmallIntegerTypes>;

// --- QuantizeLinear (25) ------------------------------------------------------------------------------------------------------------------------

DType quantized_type(const AttributeView& c, DType zero_point) {
  const std::int64_t stated = c.integer("output_dtype", 0);
  if (stated < 0 || stated > static_cast<std::int64_t>(kLastElementType)) c.fail(Code::unsupported, format("output_dtype {}", stated));
  const auto dtype = static_cast<DType>(stated);
  if (zero_point != DType::undefined && dtype != DType::undefined && zero_point != dtype) c.fail(Code::mismatch, format("a zero point of {} for {}", name_of(zero_point), name_of(dtype)));
  return zero_point != DType::undefined ? zero_point : dtype != DType::undefined ? dtype : DType::uint8;
}

void quantize_linear(KernelContext& c) {
  const Tensor &x = c.input(0), &scale = c.input(1);
  const bool has_zero = c.has_input(2);
  if (has_zero && c.input(2).shape() != scale.shape() && (c.input(2).size() != 1 || scale.size() != 1)) c.fail(Code::mismatch, format("zero points {} for scales {}", text_of(c.input(2).shape()), text_of(scale.shape())));
  const DType dtype = quantized_type(c, has_zero ? c.input(2).dtype() : DType::undefined);
  const ScaleMap map = scale_map(c, x.shape(), scale.shape(), c.integer("axis", 1), c.integer("block_size", 0));
  // The quotient is of the type `precision`, else of the scale's.
  const std::int64_t precision = c.integer("precision", 0);
  const DType quotient = precision != 0 && precision <= static_cast<std::int64_t>(kLastElementType) && precision > 0 ? static_cast<DType>(precision) : scale.dtype();
  const Tensor wide = as_real(c, x, DType::float32), factor = as_real(c, scale, DType::float32);
  const Tensor zero = has_zero ? as_real(c, c.input(2), DType::float32) : Tensor();
  const std::span<const float> from = wide.data<float>(), by = factor.data<float>();
  const bool saturate = c.integer("saturate", 1) != 0;
  const Range range = range_of(dtype);
  Tensor& out = c.output(0, dtype, x.shape());
  dispatch(c, dtype, Join<QuantizedIntegers, SmallFloatTypes>{}, [&]<class T>() {
    const std::span<T> to = out.mutable_data<T>();
    map.each([&](std::size_t i, std::size_t k) {
      float q = from[i] / by[k];
      if (quotient == DType::float16) q = Half(q);
      else if (quotient == DType::bfloat16) q = BFloat16(q);
      const float add = has_zero ? zero.data<float>()[k] : 0.0f;
      if constexpr (std::is_same_v<T, Float8E8M0>) {
        to[i] = T(q + add);
      } else if constexpr (is_real<T>) {
        to[i] = T::from(q + add, saturate);
      } else {
        const double rounded = std::nearbyint(static_cast<double>(q)) + static_cast<double>(add);
        to[i] = T(static_cast<Wide<T>>(std::isnan(rounded) ? 0 : std::clamp(rounded, range.low, range.high)));
      }
    });
  });
}
void infer_quantize(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = quantized_type(c, c.has_input(2) ? c.input(2).dtype : DType::undefined);
}

void dequantize_linear(KernelContext& c) {
  const Tensor &x = c.input(0), &scale = c.input(1);
  const bool has_zero = c.has_input(2);
  if (has_zero && c.input(2).shape() != scale.shape() && (c.input(2).size() != 1 || scale.size() != 1)) c.fail(Code::mismatch, format("zero points {} for scales {}", text_of(c.input(2).shape()), text_of(scale.shape())));
  if (has_zero) want_same(c, 0, 2);
  const ScaleMap map = scale_map(c, x.shape(), scale.shape(), c.integer("axis", 1), c.integer("block_size", 0));
  const std::int64_t stated = c.integer("output_dtype", 0);
  const DType dtype = stated > 0 && stated <= static_cast<std::int64_t>(kLastElementType) ? static_cast<DType>(stated) : scale.dtype();
  const Tensor factor = as_real(c, scale, DType::float32);
  const std::span<const float> by = factor.data<float>();
  Tensor out(DType::float32, x.shape());
  const std::span<float> to = out.mutable_data<float>();
  dispatch(c, x.dtype(), Join<QuantizedIntegers, SmallFloatTypes>{}, [&]<class T>() {
    const std::span<const T> from = x.data<T>();
    const T* zero = has_zero ? c.input(2).data<T>().data() : nullptr;
    map.each([&](std::size_t i, std::size_t k) {
      // Integers are subtracted exactly.
      if constexpr (is_real<T>) {
        to[i] = (static_cast<float>(from[i]) - (zero != nullptr ? static_cast<float>(zero[k]) : 0.0f)) * by[k];
      } else {
        const std::int64_t difference = static_cast<std::int64_t>(static_cast<Wide<T>>(from[i])) - (zero != nullptr ? static_cast<std::int64_t>(static_cast<Wide<T>>(zero[k])) : 0);
        to[i] = static_cast<float>(difference) * by[k];
      }
    });
  });
  if (dtype == DType::float32) c.set_output(0, std::move(out));
  else if (dtype == DType::float16 || dtype == DType::bfloat16) c.set_output(0, narrowed(out, dtype));
  else if (dtype == DType::float64) c.set_output(0, as_real(c, out, dtype));
  else c.fail(Code::unsupported, format("dequantized to {}", name_of(dtype)));
}
void infer_dequantize(InferContext& c) {
  c.outputs[0] = c.input(0);
  const std::int64_t stated = c.integer("output_dtype", 0);
  c.outputs[0].dtype = stated > 0 && stated <= static_cast<std::int64_t>(kLastElementType) ? static_cast<DType>(stated) : c.input(1).dtype;
}

// --- DynamicQuantizeLinear (11) -------------------------------------------------------------------------------------------------------------------

void dynamic_quantize_linear(KernelContext& c) {
  want(c, 0, DType::float32);
  const std::span<const float> x = c.input(0).data<float>();
  const DynamicScale q = dynamic_scale(x);
  const std::span<std::uint8_t> to = c.output(0, DType::uint8, c.input(0).shape()).mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < x.size(); ++i) to[i] = q.quantize(x[i]);
  if (c.wants_output(1)) c.set_output(1, Tensor::scalar<float>(q.scale));
  if (c.wants_output(2)) c.set_output(2, Tensor::scalar<std::uint8_t>(q.zero));
}
void infer_dynamic(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::uint8;
  if (c.outputs.size() > 1) c.outputs[1] = Type::tensor(DType::float32, {});
  if (c.outputs.size() > 2) c.outputs[2] = Type::tensor(DType::uint8, {});
}

// --- products -----------------------------------------------------------------------------------------------------------------------------------

void matmul_integer(KernelContext& c) {
  c.set_output(0, integer_product(c, c.input(0), c.input(1), c.has_input(2) ? &c.input(2) : nullptr, c.has_input(3) ? &c.input(3) : nullptr));
}
Type product_type(InferContext& c, std::size_t a, std::size_t b, DType dtype) {
  const Type &left = c.input(a), &right = c.input(b);
  if (!left.has_rank || !right.has_rank || left.shape.size() < 2 || right.shape.size() < 2) return unknown_shape(dtype);
  Type out = ranked(dtype, std::max(left.shape.size(), right.shape.size()));
  out.shape[out.shape.size() - 2] = left.shape[left.shape.size() - 2];
  out.shape.back() = right.shape.back();
  if (right.shape.size() == 2) std::copy(left.shape.begin(), left.shape.end() - 2, out.shape.begin());
  return out;
}
void infer_matmul_integer(InferContext& c) { c.outputs[0] = product_type(c, 0, 1, DType::int32); }

// Inputs: a, its scale and zero point; b, its scale and zero point; the scale and zero point of the result.
void qlinear_matmul(KernelContext& c) {
  const Tensor product = integer_product(c, c.input(0), c.input(3), &c.input(2), &c.input(5));
  const Tensor a_scale = as_real(c, c.input(1), DType::float32), b_scale = as_real(c, c.input(4), DType::float32), y_scale = as_real(c, c.input(6), DType::float32);
  const std::int64_t columns = product.rank() == 0 ? 1 : product.shape().back();
  const std::int64_t rows = product.rank() < 2 ? 1 : product.dim(product.rank() - 2);
  // One number, or one for each row of a or column of b.
  const auto check = [&](const Tensor& t, std::int64_t n) {
    if (t.size() != 1 && static_cast<std::int64_t>(t.size()) != n) c.fail(Code::mismatch, format("scales of shape {} for {}", text_of(t.shape()), n));
  };
  check(a_scale, rows), check(b_scale, columns);
  if (y_scale.size() != 1 || c.input(7).size() != 1) c.fail(Code::mismatch, "the scale of the result is no scalar");
  const std::span<const std::int32_t> from = product.data<std::int32_t>();
  requantize(c, c.input(7), product.shape(), [&](std::size_t i) {
    const std::size_t column = i % z(columns), row = i / z(columns) % z(rows);
    const float factor = a_scale.data<float>()[a_scale.size() == 1 ? 0 : row] * b_scale.data<float>()[b_scale.size() == 1 ? 0 : column] / y_scale.data<float>()[0];
    return static_cast<float>(from[i]) * factor;
  });
}
void infer_qlinear_matmul(InferContext& c) { c.outputs[0] = product_type(c, 0, 3, c.input(7).dtype); }

Tensor convolved(const KernelContext& c, const Tensor& x, const Tensor& w, const Tensor* x_zero, const Tensor* w_zero) {
  const Convolution convolution = convolution_of(c, x.shape(), w.shape());
  if (x_zero != nullptr && x_zero->size() != 1) c.fail(Code::mismatch, "the input's zero point is no scalar");
  const Tensor left = shifted(c, x, x_zero, 0), right = shifted(c, w, w_zero, 0);
  const std::uint64_t bytes = sat_mul(count_of(convolution.shape()), 4);
  if (bytes > sat_add(std::uint64_t{256} << 20, sat_mul(16, x.blob().size()))) c.fail(Code::limit, format("a result of shape {}", text_of(convolution.shape())));
  Tensor out(DType::int32, convolution.shape());
  // Unsigned, because sums may wrap around.
  convolve<std::uint32_t>(convolution, reinterpret_cast<const std::uint32_t*>(left.data<std::int32_t>().data()), reinterpret_cast<const std::uint32_t*>(right.data<std::int32_t>().data()),
                          reinterpret_cast<std::uint32_t*>(out.mutable_data<std::int32_t>().data()));
  return out;
}

void conv_integer(KernelContext& c) { c.set_output(0, convolved(c, c.input(0), c.input(1), c.has_input(2) ? &c.input(2) : nullptr, c.has_input(3) ? &c.input(3) : nullptr)); }
void infer_conv_integer(InferContext& c) { c.outputs[0] = convolution_type(c, 0, 1, DType::int32); }

// Inputs: x, scale, zero; w, scale, zero; scale and zero of the result; a bias of int32.
void qlinear_conv(KernelContext& c) {
  Tensor sum = convolved(c, c.input(0), c.input(3), &c.input(2), &c.input(5));
  const Tensor x_scale = as_real(c, c.input(1), DType::float32), w_scale = as_real(c, c.input(4), DType::float32), y_scale = as_real(c, c.input(6), DType::float32);
  const Around a = around(sum.shape(), 1);
  if (w_scale.size() != 1 && static_cast<std::int64_t>(w_scale.size()) != a.length) c.fail(Code::mismatch, format("scales of shape {} for {} filters", text_of(w_scale.shape()), a.length));
  if (x_scale.size() != 1 || y_scale.size() != 1 || c.input(7).size() != 1) c.fail(Code::mismatch, "a scale is no scalar");
  const std::int32_t* bias = nullptr;
  if (c.has_input(8)) {
    want(c, 8, DType::int32);
    if (c.input(8).shape() != Shape{a.length}) c.fail(Code::mismatch, format("a bias of shape {}", text_of(c.input(8).shape())));
    bias = c.input(8).data<std::int32_t>().data();
  }
  const std::span<const std::int32_t> from = sum.data<std::int32_t>();
  requantize(c, c.input(7), sum.shape(), [&](std::size_t i) {
    const std::size_t m = i / z(a.inner) % z(a.length);
    const float factor = x_scale.data<float>()[0] * w_scale.data<float>()[w_scale.size() == 1 ? 0 : m] / y_scale.data<float>()[0];
    return static_cast<float>(static_cast<std::int64_t>(from[i]) + (bias != nullptr ? bias[m] : 0)) * factor;
  });
}
void infer_qlinear_conv(InferContext& c) { c.outputs[0] = convolution_type(c, 0, 3, c.input(7).dtype); }

constexpr Op kOps[] = {
    {"", "QuantizeLinear", "x / scale + zero point, rounded to even and kept in range; one scale, one for each index of an axis, or one for each block (QuantizeLinear-25).",
     infer_quantize, quantize_linear},
    {"", "DequantizeLinear", "(x - zero point) * scale (DequantizeLinear-25).", infer_dequantize, dequantize_linear},
    {"", "DynamicQuantizeLinear", "x as uint8 with a scale and a zero point of its own range (DynamicQuantizeLinear-11).", infer_dynamic, dynamic_quantize_linear},
    {"", "MatMulInteger", "The product of 8-bit matrices less their zero points, as int32 (MatMulInteger-10).", infer_matmul_integer, matmul_integer},
    {"", "QLinearMatMul", "The product of quantized matrices, quantized again (QLinearMatMul-21).", infer_qlinear_matmul, qlinear_matmul},
    {"", "ConvInteger", "The convolution of 8-bit values less their zero points, as int32 (ConvInteger-10).", infer_conv_integer, conv_integer},
    {"", "QLinearConv", "The convolution of quantized values, quantized again (QLinearConv-10).", infer_qlinear_conv, qlinear_conv},
};

}  // namespace

DynamicScale dynamic_scale(std::span<const float> x) {
  float low = 0, high = 0;
  for (const float v : x) low = std::min(low, v), high = std::max(high, v);
  DynamicScale out;
  out.scale = (high - low) / 255.0f;
  if (!(out.scale > 0)) out.scale = 1;  // all numbers are 0
  const float zero = std::nearbyint(std::clamp(0.0f - low / out.scale, 0.0f, 255.0f));
  out.zero = std::isnan(zero) ? std::uint8_t{0} : static_cast<std::uint8_t>(zero);
  return out;
}

Tensor shifted(const AttributeView& c, const Tensor& x, const Tensor* zero, std::size_t axis) {
  Tensor out(DType::int32, x.shape());
  const std::span<std::int32_t> to = out.mutable_data<std::int32_t>();
  if (zero != nullptr && zero->dtype() != x.dtype()) c.fail(Code::mismatch, format("a zero point of {} for {}", name_of(zero->dtype()), name_of(x.dtype())));
  dispatch(c, x.dtype(), Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t>{}, [&]<class T>() {
    const std::span<const T> from = x.data<T>();
    if (zero == nullptr) {
      std::ranges::copy(from, to.begin());
    } else if (zero->size() == 1) {
      const std::int32_t shift = zero->data<T>()[0];
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] - shift;
    } else {
      // One for each index of the axis; or for each row of each matrix of a batch: then it broadcasts by itself.
      if (zero->rank() == 1 && axis < x.rank() && zero->dim(0) == x.dim(axis)) {
        const Around a = around(x.shape(), axis);
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] - zero->data<T>()[i / z(a.inner) % z(a.length)];
      } else {
        const Broadcast<2> loop = broadcast<2>(c, {&x.shape(), &zero->shape()});
        if (loop.shape != x.shape()) c.fail(Code::mismatch, format("zero points {} for {}", text_of(zero->shape()), text_of(x.shape())));
        loop.each_row([&](std::int64_t at, const auto& start, std::int64_t n, const auto& step) {
          for (std::int64_t i = 0; i < n; ++i) to[z(at + i)] = from[z(at + i)] - zero->data<T>()[z(start[1] + i * step[1])];
        });
      }
    }
  });
  return out;
}

Tensor integer_product(const AttributeView& c, const Tensor& a, const Tensor& b, const Tensor* a_zero, const Tensor* b_zero) {
  if (a.rank() == 0 || b.rank() == 0) c.fail(Code::mismatch, "an input is a scalar");
  const Tensor left = shifted(c, a, a_zero, a.rank() >= 2 ? a.rank() - 2 : 0), right = shifted(c, b, b_zero, b.rank() - 1);
  const Op* product = find_op("", "MatMul");  // which wraps around in int32, as it should
  const Node node{"", "MatMul", c.node().name, {}, {0}, {}, {}};
  const Tensor* inputs[] = {&left, &right};
  std::vector<Tensor> out(1);
  KernelContext inner(node, inputs, out, nullptr, nullptr);
  product->run(inner);
  return out[0];
}

DECANT_AT_START std::span<const Op> quantize_ops() { return kOps; }

}  // namespace decant
