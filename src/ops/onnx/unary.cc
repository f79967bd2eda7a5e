// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of one input (ai.onnx): arithmetic, elementary functions, activations, tests of one value.
#include <cmath>
#include <numbers>

#include "ops/kernel.h"

namespace decant {
namespace {

template <class In, class Out, class F>
void map(KernelContext& c, F&& f) {
  const std::span<const In> in = c.input(0).data<In>();
  const std::span<Out> out = c.output(0, dtype_of<Out>, c.input(0).shape()).template mutable_data<Out>();
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = f(in[i]);
}

// F takes and returns the type that T is computed in.
template <class List, auto F>
void run(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), List{}, [&]<class T>() {
    map<T, T>(c, [](const T& x) { return static_cast<T>(F(static_cast<Wide<T>>(x))); });
  });
}

template <class List, auto F>
void run_bool(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), List{}, [&]<class T>() {
    map<T, bool>(c, [](const T& x) { return static_cast<bool>(F(static_cast<Wide<T>>(x))); });
  });
}

// F takes a parameter read from the node as well.
template <auto Read, auto F>
void run_with(KernelContext& c) {
  const auto parameters = Read(c);
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    map<T, T>(c, [&](const T& x) { return static_cast<T>(F(static_cast<Wide<T>>(x), parameters)); });
  });
}

constexpr auto negate = []<class T>(T x) -> T {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x));
  else return -x;
};
constexpr auto absolute = []<class T>(T x) -> T {
  if constexpr (std::is_unsigned_v<T>) return x;
  else if constexpr (std::is_integral_v<T>) return x < 0 ? static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x)) : x;
  else return std::fabs(x);
};
constexpr auto sign = []<class T>(T x) -> T {
  if constexpr (is_real<T>) {
    if (std::isnan(x)) return x;
  }
  return static_cast<T>((T{0} < x) - (x < T{0}));
};
// Both forms are accurate for their sign and never overflow; scipy.special.expit does the same.
constexpr auto sigmoid_of = []<class T>(T x) -> T {
  if (x >= 0) return T{1} / (T{1} + std::exp(-x));
  const T e = std::exp(x);
  return e / (T{1} + e);
};
constexpr auto softplus = []<class T>(T x) -> T { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); };
constexpr auto relu_of = []<class T>(T x) -> T { return x < T{0} ? T{0} : x; };  // NaN stays NaN

struct AlphaBeta {
  double alpha, beta;
};
template <int AlphaMilli, int BetaMilli>
AlphaBeta alpha_beta(const KernelContext& c) {
  // ONNX attributes are binary32: 0.2 means the float nearest to it.
  return {c.real("alpha", static_cast<double>(static_cast<float>(AlphaMilli / 1000.0))),
          c.real("beta", static_cast<double>(static_cast<float>(BetaMilli / 1000.0)))};
}
AlphaBeta selu_parameters(const KernelContext& c) {
  return {c.real("alpha", 1.67326319217681884765625), c.real("gamma", 1.05070102214813232421875)};  // the defaults of Selu-6, as binary32
}
AlphaBeta shrink_parameters(const KernelContext& c) { return {c.real("lambd", 0.5), c.real("bias", 0.0)}; }

void gelu(KernelContext& c) {
  const bool by_tanh = c.text("approximate", "none") == "tanh";
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    using W = Wide<T>;
    map<T, T>(c, [&](const T& value) {
      const W x = value;
      if (!by_tanh) return static_cast<T>(W(0.5) * x * (W(1) + std::erf(x / std::numbers::sqrt2_v<W>)));
      const W k = std::sqrt(W(2) / std::numbers::pi_v<W>);
      return static_cast<T>(W(0.5) * x * (W(1) + std::tanh(k * (x + W(0.044715) * x * x * x))));
    });
  });
}

void is_inf(KernelContext& c) {
  const bool positive = c.integer("detect_positive", 1) != 0, negative = c.integer("detect_negative", 1) != 0;
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    map<T, bool>(c, [&](const T& x) {
      const Wide<T> v = x;
      return std::isinf(v) && (v > 0 ? positive : negative);
    });
  });
}

#define DECANT_FLOAT_OP(name, doc, ...) {"", name, doc, infer_same, run<FloatTypes, [](auto x) { return (__VA_ARGS__); }>}
#define DECANT_PARAMETER_OP(name, doc, read, ...) \
  {"", name, doc, infer_same, run_with<read, []<class T>(T x, [[maybe_unused]] const AlphaBeta& p) -> T { return (__VA_ARGS__); }>}

constexpr Op kOps[] = {
    {"", "Neg", "-x, element by element.", infer_same, run<SignedNumberTypes, negate>},
    {"", "Abs", "The absolute value.", infer_same, run<NumberTypes, absolute>},
    {"", "Sign", "-1, 0 or 1; NaN stays NaN.", infer_same, run<NumberTypes, sign>},
    {"", "Relu", "max(x, 0); NaN stays NaN.", infer_same, run<NumberTypes, relu_of>},
    {"", "Sigmoid", "1 / (1 + exp(-x)).", infer_same, run<FloatTypes, sigmoid_of>},
    {"", "Softplus", "log(1 + exp(x)), without overflow.", infer_same, run<FloatTypes, softplus>},
    {"", "Not", "Logical negation.", infer_same, run<BoolTypes, [](bool x) { return !x; }>},
    {"", "BitwiseNot", "Every bit inverted.", infer_same, run<IntegerTypes, []<class T>(T x) { return static_cast<T>(~x); }>},
    {"", "IsNaN", "Whether an element is NaN.", infer_same_bool, run_bool<FloatTypes, [](auto x) { return std::isnan(x); }>},
    {"", "IsInf", "Whether an element is infinite; detect_positive, detect_negative.", infer_same_bool, is_inf},
    {"", "Gelu", "x * normal_cdf(x) by erf, or by tanh where approximate is \"tanh\" (Gelu-20).", infer_same, gelu},
    // nearbyint and not round: ties go to even.
    DECANT_FLOAT_OP("Round", "To the nearest integer, ties to even.", std::nearbyint(x)),
    DECANT_FLOAT_OP("Floor", "Down to an integer.", std::floor(x)),
    DECANT_FLOAT_OP("Ceil", "Up to an integer.", std::ceil(x)),
    DECANT_FLOAT_OP("Sqrt", "The square root; NaN below 0.", std::sqrt(x)),
    DECANT_FLOAT_OP("Reciprocal", "1 / x.", 1 / x),
    DECANT_FLOAT_OP("Exp", "The exponential.", std::exp(x)),
    DECANT_FLOAT_OP("Log", "The natural logarithm.", std::log(x)),
    DECANT_FLOAT_OP("Sin", "Sine.", std::sin(x)),
    DECANT_FLOAT_OP("Cos", "Cosine.", std::cos(x)),
    DECANT_FLOAT_OP("Tan", "Tangent.", std::tan(x)),
    DECANT_FLOAT_OP("Asin", "Inverse sine.", std::asin(x)),
    DECANT_FLOAT_OP("Acos", "Inverse cosine.", std::acos(x)),
    DECANT_FLOAT_OP("Atan", "Inverse tangent.", std::atan(x)),
    DECANT_FLOAT_OP("Sinh", "Hyperbolic sine.", std::sinh(x)),
    DECANT_FLOAT_OP("Cosh", "Hyperbolic cosine.", std::cosh(x)),
    DECANT_FLOAT_OP("Tanh", "Hyperbolic tangent.", std::tanh(x)),
    DECANT_FLOAT_OP("Asinh", "Inverse hyperbolic sine.", std::asinh(x)),
    DECANT_FLOAT_OP("Acosh", "Inverse hyperbolic cosine.", std::acosh(x)),
    DECANT_FLOAT_OP("Atanh", "Inverse hyperbolic tangent.", std::atanh(x)),
    DECANT_FLOAT_OP("Erf", "The error function.", std::erf(x)),
    DECANT_FLOAT_OP("Softsign", "x / (1 + |x|).", x / (1 + std::fabs(x))),
    DECANT_FLOAT_OP("HardSwish", "x * max(0, min(1, x / 6 + 0.5)) (HardSwish-14).",
                    x * std::fmax(decltype(x)(0), std::fmin(decltype(x)(1), x / 6 + decltype(x)(0.5)))),
    DECANT_FLOAT_OP("Mish", "x * tanh(softplus(x)) (Mish-18).", x * std::tanh(softplus(x))),
    DECANT_PARAMETER_OP("LeakyRelu", "x, or alpha * x below 0.", (alpha_beta<10, 0>), x < 0 ? static_cast<T>(p.alpha) * x : x),
    DECANT_PARAMETER_OP("Elu", "x, or alpha * (exp(x) - 1) below 0.", (alpha_beta<1000, 0>), x < 0 ? static_cast<T>(p.alpha) * std::expm1(x) : x),
    DECANT_PARAMETER_OP("Celu", "max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).", (alpha_beta<1000, 0>),
                        std::fmax(T{0}, x) + std::fmin(T{0}, static_cast<T>(p.alpha) * std::expm1(x / static_cast<T>(p.alpha)))),
    DECANT_PARAMETER_OP("Selu", "gamma * x, or gamma * alpha * (exp(x) - 1) at or below 0.", selu_parameters,
                        static_cast<T>(p.beta) * (x > 0 ? x : static_cast<T>(p.alpha) * std::expm1(x))),
    DECANT_PARAMETER_OP("HardSigmoid", "max(0, min(1, alpha * x + beta)).", (alpha_beta<200, 500>),
                        std::fmax(T{0}, std::fmin(T{1}, static_cast<T>(p.alpha) * x + static_cast<T>(p.beta)))),
    DECANT_PARAMETER_OP("ThresholdedRelu", "x above alpha, else 0.", (alpha_beta<1000, 0>), x > static_cast<T>(p.alpha) ? x : T{0}),
    DECANT_PARAMETER_OP("Swish", "x * sigmoid(alpha * x) (Swish-24).", (alpha_beta<1000, 0>), x * sigmoid_of(static_cast<T>(p.alpha) * x)),
    DECANT_PARAMETER_OP("Shrink", "x + bias below -lambd, x - bias above lambd, else 0 (Shrink-9).", shrink_parameters,
                        x < -static_cast<T>(p.alpha) ? x + static_cast<T>(p.beta) : x > static_cast<T>(p.alpha) ? x - static_cast<T>(p.beta) : T{0}),
};
#undef DECANT_FLOAT_OP
#undef DECANT_PARAMETER_OP

}  // namespace

DECANT_AT_START std::span<const Op> unary_ops() { return kOps; }

}  // namespace decant
