// SPDX-License-Identifier: Apache-2.0
// Operators that onnxruntime's optimizer fuses, and some that exporters name in its domain (com.microsoft 1; onnxruntime
// docs/ContribOperators.md 1.31). Each says which standard operators it stands for.
#include <cmath>
#include <numbers>

#include "ops/gemm.h"
#include "ops/widen.h"

namespace decant {
namespace {

// One standard operator run inside this one.
std::vector<Tensor> run_op(const KernelContext& c, std::string_view name, const std::vector<const Tensor*>& inputs, Attributes attributes = {}, std::size_t outputs = 1) {
  const Op* op = find_op("", name);
  const Node node{"", std::string(name), c.node().name, std::vector<ValueId>(inputs.size(), 0), std::vector<ValueId>(outputs, 0), std::move(attributes), {}};
  std::vector<Tensor> out(outputs);
  KernelContext inner(node, inputs, out, nullptr, c.around());
  op->run(inner);
  return out;
}
const Tensor* given(const KernelContext& c, std::size_t i) { return c.has_input(i) ? &c.input(i) : nullptr; }
Attributes without(const AttributeView& c, std::initializer_list<std::string_view> names) {
  Attributes out = c.node().attributes;
  for (const std::string_view name : names) {
    if (const auto at = out.find(name); at != out.end()) out.erase(at);
  }
  return out;
}

// The same operator under the name that it has in ai.onnx.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&from)[N]) { std::copy_n(from, N, text); }  // NOLINT: a template argument
};
template <Name name>
void same_as(KernelContext& c) {
  find_op("", name.text)->run(c);
}
template <Name name>
void infer_same_as(InferContext& c) {
  find_op("", name.text)->infer(c);
}

// --- activations ----------------------------------------------------------------------------------------------------------------------------------

constexpr auto gelu_erf = [](auto x) { return decltype(x)(0.5) * x * (1 + std::erf(x / std::numbers::sqrt2_v<decltype(x)>)); };
constexpr auto gelu_tanh = [](auto x) {
  using T = decltype(x);
  return T(0.5) * x * (1 + std::tanh(std::sqrt(T(2) / std::numbers::pi_v<T>) * (x + T(0.044715) * x * x * x)));
};

// F(x + bias), where there is a bias for the last dimension.
template <auto F>
void biased(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::int64_t width = x.rank() == 0 ? 1 : x.shape().back();
  if (c.has_input(1)) {
    want_same(c, 0, 1);
    if (c.input(1).shape() != Shape{width}) c.fail(Code::mismatch, format("a bias {} for {}", text_of(c.input(1).shape()), text_of(x.shape())));
  }
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<const T> from = x.data<T>();
    const T* bias = c.has_input(1) ? c.input(1).data<T>().data() : nullptr;
    const std::span<T> to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = F(from[i] + (bias != nullptr ? bias[i % z(width)] : T{0}));
  });
}
void quick_gelu(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() {
    const T alpha = static_cast<T>(c.real("alpha", static_cast<double>(1.702f)));
    const std::span<const T> from = c.input(0).data<T>();
    const std::span<T> to = c.output(0, c.input(0).dtype(), c.input(0).shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] / (1 + std::exp(-alpha * from[i]));
  });
}

// What FusedConv and FusedGemm apply at the end: the name of a standard operator and its parameters in order.
Tensor activated(const KernelContext& c, const Tensor& x, std::span<const double> parameters) {
  const std::string_view name = c.text("activation", "");
  if (name.empty()) return x;
  Attributes attributes;
  const auto take = [&](std::string_view key, std::size_t i) {
    if (i < parameters.size()) attributes.emplace(key, parameters[i]);
  };
  if (name == "LeakyRelu" || name == "ThresholdedRelu" || name == "Elu") take("alpha", 0);
  else if (name == "HardSigmoid" || name == "Affine") take("alpha", 0), take("beta", 1);
  else if (name != "Relu" && name != "Tanh" && name != "Sigmoid" && name != "Clip" && name != "Softsign" && name != "Softplus" && name != "HardSwish" && name != "Gelu") c.fail(Code::unsupported, format("activation \"{}\"", printable(name, 40)));
  if (name == "Clip") {
    const Tensor low = Tensor::scalar(static_cast<float>(!parameters.empty() ? parameters[0] : -HUGE_VAL)), high = Tensor::scalar(static_cast<float>(parameters.size() > 1 ? parameters[1] : HUGE_VAL));
    return run_op(c, "Clip", {&x, &low, &high})[0];
  }
  return run_op(c, name, {&x}, std::move(attributes))[0];
}

void fused_conv(KernelContext& c) {
  Tensor out = run_op(c, "Conv", {&c.input(0), &c.input(1), given(c, 2)}, without(c, {"activation", "activation_params"}))[0];
  if (c.has_input(3)) {  // added before the activation
    if (c.input(3).shape() != out.shape()) c.fail(Code::mismatch, format("a sum of {} and {}", text_of(out.shape()), text_of(c.input(3).shape())));
    out = run_op(c, "Add", {&out, &c.input(3)})[0];
  }
  c.set_output(0, activated(c, out, c.reals("activation_params")));
}
void fused_gemm(KernelContext& c) {
  const Tensor out = run_op(c, "Gemm", {&c.input(0), &c.input(1), given(c, 2)}, without(c, {"activation", "activation_alpha", "activation_beta", "activation_gamma"}))[0];
  std::vector<double> parameters;
  if (c.has("activation_alpha")) parameters.push_back(c.real("activation_alpha"));
  if (c.has("activation_beta")) parameters.push_back(c.real("activation_beta"));
  c.set_output(0, activated(c, out, parameters));
}

void fused_matmul(KernelContext& c) {
  if (c.integer("transBatchA", 0) != 0 || c.integer("transBatchB", 0) != 0) c.fail(Code::unsupported, "transposed batches");
  const auto turned = [&](std::size_t i, std::string_view flag) {
    const Tensor& t = c.input(i);
    if (c.integer(flag, 0) == 0 || t.rank() < 2) return t;
    std::vector<std::int64_t> perm;
    for (std::size_t d = 0; d < t.rank(); ++d) perm.push_back(static_cast<std::int64_t>(d));
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    return run_op(c, "Transpose", {&t}, {{"perm", perm}})[0];
  };
  want_same(c, 0, 1);
  const Tensor a = turned(0, "transA"), b = turned(1, "transB");
  Tensor product = run_op(c, "MatMul", {&a, &b})[0];
  const double alpha = c.real("alpha", 1);
  dispatch(c, product.dtype(), RealTypes{}, [&]<class T>() {
    if (alpha == 1) return;
    Tensor scaled(product.dtype(), product.shape());
    for (std::size_t i = 0; i < product.size(); ++i) scaled.mutable_data<T>()[i] = product.data<T>()[i] * static_cast<T>(alpha);
    product = std::move(scaled);
  });
  c.set_output(0, std::move(product));
}
void infer_fused_matmul(InferContext& c) { c.outputs[0] = unknown_shape(c.input(0).dtype); }

// --- normalizations ---------------------------------------------------------------------------------------------------------------------------------

// Over the last dimension. Scale and shift may be null; `centred`: less the mean.
template <class T>
void normalized(const T* from, T* to, std::int64_t rows, std::int64_t n, double epsilon, const T* scale, const T* shift, bool centred, T* means, T* inverses) {
  for (std::int64_t r = 0; r < rows; ++r, from += n, to += n) {
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < n && centred; ++i) sum += static_cast<double>(from[i]);
    const double mean = sum / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) squares += (static_cast<double>(from[i]) - mean) * (static_cast<double>(from[i]) - mean);
    const T m = static_cast<T>(mean), inverse = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + epsilon));
    for (std::int64_t i = 0; i < n; ++i) to[i] = (from[i] - m) * inverse * (scale != nullptr ? scale[i] : T{1}) + (shift != nullptr ? shift[i] : T{0});
    if (means != nullptr) means[r] = m;
    if (inverses != nullptr) inverses[r] = inverse;
  }
}
template <class T>
const T* vector_of(const KernelContext& c, std::size_t i, std::int64_t n) {
  if (!c.has_input(i)) return nullptr;
  want_same(c, 0, i);
  if (c.input(i).shape() != Shape{n}) c.fail(Code::mismatch, format("input {} of shape {}, not [{}]", i, text_of(c.input(i).shape()), n));
  return c.input(i).data<T>().data();
}

// Inputs: x, skip, scale, then (with Centred) shift, then a bias. Outputs: normalized, mean, inverse deviation, the sum itself.
template <bool Centred>
void skip_normalization(KernelContext& c) {
  const Tensor &x = c.input(0), &skip = c.input(1);
  want_same(c, 0, 1);
  if (x.rank() < 2) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  const std::int64_t n = x.shape().back(), rows = n == 0 ? 0 : static_cast<std::int64_t>(x.size()) / n;
  const Broadcast<2> loop = broadcast<2>(c, {&x.shape(), &skip.shape()});
  if (loop.shape != x.shape()) c.fail(Code::mismatch, format("{} beside {}", text_of(skip.shape()), text_of(x.shape())));
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T *scale = vector_of<T>(c, 2, n), *shift = Centred ? vector_of<T>(c, 3, n) : nullptr, *bias = vector_of<T>(c, Centred ? 4 : 3, n);
    Tensor sum(x.dtype(), x.shape()), mean(x.dtype(), {rows}), inverse(x.dtype(), {rows});
    T* to = sum.mutable_data<T>().data();
    loop.each_row([&](std::int64_t at, const auto& from, std::int64_t count, const auto& step) {
      for (std::int64_t i = 0; i < count; ++i) to[at + i] = x.data<T>()[z(from[0] + i * step[0])] + skip.data<T>()[z(from[1] + i * step[1])];
    });
    for (std::size_t i = 0; bias != nullptr && i < sum.size(); ++i) to[i] += bias[i % z(n)];
    Tensor& out = c.output(0, x.dtype(), x.shape());
    normalized<T>(to, out.mutable_data<T>().data(), rows, n, c.real("epsilon", static_cast<double>(Centred ? 1e-12f : 1e-5f)), scale, shift, Centred, mean.mutable_data<T>().data(), inverse.mutable_data<T>().data());
    Shape kept = x.shape();
    kept.back() = 1;
    if (c.wants_output(1)) c.set_output(1, mean.reshaped(kept));
    if (c.wants_output(2)) c.set_output(2, inverse.reshaped(kept));
    if (c.wants_output(3)) c.set_output(3, std::move(sum));
  });
}
void infer_skip(InferContext& c) {
  for (std::size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = i == 0 || i == 3 ? c.input(0) : unknown_shape(c.input(0).dtype);
}

// Of old models, in the domain of ai.onnx: RMSNormalization with the inverse deviation as a second result.
void simplified_normalization(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t axis = axis_of(c, c.integer("axis", -1), x.rank());
  std::int64_t rows = 1, n = 1;
  Shape kept = x.shape();
  for (std::size_t d = 0; d < x.rank(); ++d) (d < axis ? rows : n) *= x.dim(d);
  for (std::size_t d = axis; d < x.rank(); ++d) kept[d] = 1;
  want_same(c, 0, 1);
  if (static_cast<std::int64_t>(c.input(1).size()) != n) c.fail(Code::mismatch, format("a scale {} for {}", text_of(c.input(1).shape()), text_of(x.shape())));
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    Tensor inverse(x.dtype(), kept);
    normalized<T>(x.data<T>().data(), c.output(0, x.dtype(), x.shape()).template mutable_data<T>().data(), rows, n, c.real("epsilon", static_cast<double>(1e-5f)), c.input(1).data<T>().data(), nullptr, false, nullptr,
                  inverse.mutable_data<T>().data());
    if (c.wants_output(1)) c.set_output(1, std::move(inverse));
  });
}

// Inputs: ids, segments, tables of words, positions and segments, scale, shift, mask, positions.
void embed_layer_normalization(KernelContext& c) {
  const Tensor& ids = c.input(0);
  if (ids.rank() != 2) c.fail(Code::mismatch, format("ids {}", text_of(ids.shape())));
  const std::int64_t batch = ids.dim(0), length = ids.dim(1);
  const auto table = [&](std::size_t i) -> const Tensor& {
    const Tensor& t = c.input(i);
    if (t.rank() != 2 || t.dtype() != c.input(2).dtype() || t.dim(1) != c.input(2).dim(1)) c.fail(Code::mismatch, format("a table {}{}", name_of(t.dtype()), text_of(t.shape())));
    return t;
  };
  if (c.input(2).rank() != 2) c.fail(Code::mismatch, format("a table {}", text_of(c.input(2).shape())));
  const Tensor &words = table(2), &positions = table(3);
  const bool segmented = c.has_input(1) && c.has_input(4);
  const std::int64_t n = words.dim(1);
  const auto row = [&](const Tensor& which, std::size_t i, const Tensor& t) {
    const std::int64_t k = which.integer(i);
    if (k < 0 || k >= t.dim(0)) c.fail(Code::mismatch, format("row {} of {}", k, t.dim(0)));
    return k;
  };
  if (segmented && c.input(1).shape() != ids.shape()) c.fail(Code::mismatch, format("segments {}", text_of(c.input(1).shape())));
  if (c.has_input(8) && c.input(8).shape() != ids.shape() && c.input(8).shape() != Shape{1, length}) c.fail(Code::mismatch, format("positions {}", text_of(c.input(8).shape())));
  if (c.has_input(7) && c.input(7).shape() != ids.shape()) c.fail(Code::mismatch, format("a mask {}", text_of(c.input(7).shape())));
  if (!c.has_input(8) && length > positions.dim(0)) c.fail(Code::mismatch, format("{} positions of {}", length, positions.dim(0)));
  dispatch(c, words.dtype(), RealTypes{}, [&]<class T>() {
    Tensor sum(words.dtype(), {batch, length, n});
    T* to = sum.mutable_data<T>().data();
    for (std::int64_t i = 0; i < batch * length; ++i, to += n) {
      const std::int64_t at = c.has_input(8) ? row(c.input(8), z(c.input(8).dim(0) == 1 ? i % length : i), positions) : i % length;
      const T *w = words.data<T>().data() + row(ids, z(i), words) * n, *p = positions.data<T>().data() + at * n;
      for (std::int64_t k = 0; k < n; ++k) to[k] = w[k] + p[k];
      if (!segmented) continue;
      const Tensor& segments = table(4);
      const T* s = segments.data<T>().data() + row(c.input(1), z(i), segments) * n;
      for (std::int64_t k = 0; k < n; ++k) to[k] += s[k];
    }
    const auto vector = [&](std::size_t i) {
      if (c.input(i).dtype() != words.dtype() || c.input(i).shape() != Shape{n}) c.fail(Code::mismatch, format("input {} of shape {}", i, text_of(c.input(i).shape())));
      return c.input(i).data<T>().data();
    };
    normalized<T>(sum.data<T>().data(), c.output(0, words.dtype(), sum.shape()).template mutable_data<T>().data(), batch * length, n, c.real("epsilon", static_cast<double>(1e-12f)), vector(5), vector(6), true, nullptr, nullptr);
    if (c.wants_output(1)) {  // how many tokens of each line the mask shows
      Tensor counts(DType::int32, {batch});
      for (std::int64_t b = 0; b < batch; ++b) {
        std::int32_t count = 0;
        for (std::int64_t i = 0; i < length && c.has_input(7); ++i) count += c.input(7).integer(z(b * length + i)) == 1;
        counts.mutable_data<std::int32_t>()[z(b)] = count;
      }
      c.set_output(1, std::move(counts));
    }
    if (c.wants_output(2)) c.set_output(2, std::move(sum));
  });
}
void infer_embed(InferContext& c) {
  c.outputs[0] = ranked(c.input(2).dtype, 3);
  if (c.outputs.size() > 1) c.outputs[1] = ranked(DType::int32, 1);
  if (c.outputs.size() > 2) c.outputs[2] = c.outputs[0];
}

// --- Inverse: by elimination with pivots ---------------------------------------------------------------------------------------------------------------

void inverse(KernelContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2 || x.shape().back() != x.dim(x.rank() - 2)) c.fail(Code::mismatch, format("matrices {}", text_of(x.shape())));
  const std::int64_t n = x.shape().back();
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<T> out = c.output(0, x.dtype(), x.shape()).template mutable_data<T>();
    std::vector<double> m(z(n * n)), r(z(n * n));
    for (std::size_t at = 0; n > 0 && at < x.size(); at += z(n * n)) {
      std::copy_n(x.data<T>().begin() + static_cast<std::ptrdiff_t>(at), n * n, m.begin());
      std::ranges::fill(r, 0.0);
      for (std::int64_t i = 0; i < n; ++i) r[z(i * n + i)] = 1;
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t pivot = i;
        for (std::int64_t k = i + 1; k < n; ++k) {
          if (std::fabs(m[z(k * n + i)]) > std::fabs(m[z(pivot * n + i)])) pivot = k;
        }
        if (m[z(pivot * n + i)] == 0) c.fail(Code::mismatch, "a singular matrix has no inverse");
        for (std::int64_t j = 0; j < n && pivot != i; ++j) std::swap(m[z(i * n + j)], m[z(pivot * n + j)]), std::swap(r[z(i * n + j)], r[z(pivot * n + j)]);
        const double scale = 1 / m[z(i * n + i)];
        for (std::int64_t j = 0; j < n; ++j) m[z(i * n + j)] *= scale, r[z(i * n + j)] *= scale;
        for (std::int64_t k = 0; k < n; ++k) {
          const double factor = m[z(k * n + i)];
          if (k == i || factor == 0) continue;
          for (std::int64_t j = 0; j < n; ++j) m[z(k * n + j)] -= factor * m[z(i * n + j)], r[z(k * n + j)] -= factor * r[z(i * n + j)];
        }
      }
      for (std::size_t i = 0; i < r.size(); ++i) out[at + i] = static_cast<T>(r[i]);
    }
  });
}

constexpr std::string_view kMs = "com.microsoft";
constexpr Op kOps[] = {
    {kMs, "Gelu", "x * normal_cdf(x).", infer_same, in_float<biased<gelu_erf>>},
    {kMs, "BiasGelu", "Gelu of A + B.", infer_same, in_float<biased<gelu_erf>>},
    {kMs, "FastGelu", "Gelu by tanh of X, plus a bias where there is one.", infer_same, in_float<biased<gelu_tanh>>},
    {kMs, "QuickGelu", "x * sigmoid(alpha * x).", infer_same, in_float<quick_gelu>},
    {kMs, "FusedConv", "Conv, a sum, and an activation.", infer_same_as<"Conv">, in_float<fused_conv>},
    {kMs, "FusedGemm", "Gemm and an activation.", infer_same_as<"Gemm">, fused_gemm},
    {kMs, "FusedMatMul", "alpha * MatMul of matrices that may be transposed.", infer_fused_matmul, in_float<fused_matmul>},
    {kMs, "TransposeMatMul", "The older name of FusedMatMul.", infer_fused_matmul, in_float<fused_matmul>},
    {kMs, "SkipLayerNormalization", "LayerNormalization of a sum.", infer_skip, in_float<skip_normalization<true>>},
    {kMs, "SkipSimplifiedLayerNormalization", "RMSNormalization of a sum.", infer_skip, in_float<skip_normalization<false>>},
    {"", "SimplifiedLayerNormalization", "RMSNormalization, as onnxruntime called it before operator set 23.", infer_skip, in_float<simplified_normalization>},
    {kMs, "EmbedLayerNormalization", "Rows of tables for words, positions and segments, added up and normalized.", infer_embed, embed_layer_normalization},
    {kMs, "Inverse", "The inverses of square matrices.", infer_same, in_float<inverse>},
    {kMs, "Trilu", "Trilu-14.", infer_same_as<"Trilu">, same_as<"Trilu">},
    {kMs, "GatherND", "GatherND without batch dimensions.", infer_same_as<"GatherND">, same_as<"GatherND">},
    {kMs, "Range", "Range-11.", infer_same_as<"Range">, same_as<"Range">},
    {kMs, "GridSample", "GridSample-16.", infer_same_as<"GridSample">, same_as<"GridSample">},
    {kMs, "QuantizeLinear", "QuantizeLinear-21.", infer_same_as<"QuantizeLinear">, same_as<"QuantizeLinear">},
    {kMs, "DequantizeLinear", "DequantizeLinear-21.", infer_same_as<"DequantizeLinear">, same_as<"DequantizeLinear">},
};

}  // namespace

DECANT_AT_START std::span<const Op> ms_fused_ops() { return kOps; }

}  // namespace decant
