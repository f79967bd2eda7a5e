// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of several inputs (ai.onnx), with multidirectional broadcasting: arithmetic, comparisons, logic, Where, Clip.
#include <cmath>

#include "ops/kernel.h"

namespace decant {
namespace {

template <class A, class B, class Out, class F>
void zip(KernelContext& c, F f) {
  const Tensor &a = c.input(0), &b = c.input(1);
  const Broadcast<2> loop = broadcast<2>(c, {&a.shape(), &b.shape()});
  const A* pa = a.data<A>().data();
  const B* pb = b.data<B>().data();
  Out* po = c.output(0, dtype_of<Out>, loop.shape).template mutable_data<Out>().data();
  loop.each_row([&](std::int64_t out, const std::array<std::int64_t, 2>& at, std::int64_t n, const std::array<std::int64_t, 2>& step) {
    const A* x = pa + at[0];
    const B* y = pb + at[1];
    Out* z = po + out;
    if (step[0] == 1 && step[1] == 1) {
      for (std::int64_t i = 0; i < n; ++i) z[i] = f(x[i], y[i]);
    } else if (step[0] == 1 && step[1] == 0) {
      const B same = y[0];
      for (std::int64_t i = 0; i < n; ++i) z[i] = f(x[i], same);
    } else if (step[0] == 0 && step[1] == 1) {
      const A same = x[0];
      for (std::int64_t i = 0; i < n; ++i) z[i] = f(same, y[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) z[i] = f(x[i * step[0]], y[i * step[1]]);
    }
  });
}

template <class List, auto F>
void run(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), List{}, [&]<class T>() {
    zip<T, T, T>(c, [](T x, T y) { return static_cast<T>(F(static_cast<Wide<T>>(x), static_cast<Wide<T>>(y))); });
  });
}

template <class List, auto F>
void compare(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), List{}, [&]<class T>() {
    zip<T, T, bool>(c, [](const T& x, const T& y) { return static_cast<bool>(F(static_cast<const Wide<T>&>(x), static_cast<const Wide<T>&>(y))); });
  });
}

// Integers wrap around, as in NumPy: computed unsigned, because signed overflow has no meaning in C++.
template <class T, class F>
T wrap(T x, T y, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
    return static_cast<T>(f(static_cast<U>(x), static_cast<U>(y)));
  } else {
    return f(x, y);
  }
}
constexpr auto add = []<class T>(T x, T y) -> T { return wrap(x, y, [](auto a, auto b) { return a + b; }); };
constexpr auto sub = []<class T>(T x, T y) -> T { return wrap(x, y, [](auto a, auto b) { return a - b; }); };
constexpr auto mul = []<class T>(T x, T y) -> T { return wrap(x, y, [](auto a, auto b) { return a * b; }); };
// Integers: towards zero (Div-14); by zero gives 0, because a file must not be able to stop the process.
constexpr auto divide = []<class T>(T x, T y) -> T {
  if constexpr (std::is_integral_v<T>) {
    if (y == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (y == -1) return wrap(T{0}, x, [](auto a, auto b) { return a - b; });
    }
    return static_cast<T>(x / y);
  } else {
    return x / y;
  }
};

// fmod=0: the sign of the divisor, as Python; fmod=1: the sign of the dividend, as C (Mod-13).
template <class T>
T modulo(T x, T y, bool c_sign) {
  if constexpr (std::is_integral_v<T>) {
    if (y == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (y == -1) return 0;
      const T r = static_cast<T>(x % y);
      return !c_sign && r != 0 && ((r < 0) != (y < 0)) ? static_cast<T>(r + y) : r;
    }
    return static_cast<T>(x % y);
  } else {
    const T r = std::fmod(x, y);
    if (c_sign) return r;
    if (r == 0) return std::copysign(T{0}, y);
    return (r < 0) != (y < 0) ? r + y : r;
  }
}

void mod(KernelContext& c) {
  want_same(c, 0, 1);
  const bool c_sign = c.integer("fmod", 0) != 0;
  dispatch(c, c.input(0).dtype(), NumberTypes{}, [&]<class T>() {
    using W = Wide<T>;
    zip<T, T, T>(c, [&](T x, T y) { return static_cast<T>(modulo<W>(x, y, c_sign)); });
  });
}

template <class T>
T integer_power(T base, std::int64_t exponent) {
  if (exponent < 0) {  // the mathematical value, towards zero
    if (base == 1) return 1;
    if constexpr (std::is_signed_v<T>) {
      if (base == -1) return exponent % 2 ? static_cast<T>(-1) : T{1};
    }
    return 0;
  }
  T out = 1;
  while (exponent > 0) {
    if (exponent & 1) out = mul(out, base);
    base = mul(base, base);
    exponent >>= 1;
  }
  return out;
}

// The result has the type of the base; the exponent may be of another (Pow-15).
void power(KernelContext& c) {
  using Bases = Types<float, double, Half, BFloat16, std::int64_t, std::int32_t>;
  using Exponents = Types<float, double, Half, BFloat16, std::int64_t, std::int32_t, std::uint64_t, std::uint32_t>;
  dispatch(c, c.input(0).dtype(), Bases{}, [&]<class A>() {
    dispatch(c, c.input(1).dtype(), Exponents{}, [&]<class B>() {
      zip<A, B, A>(c, [](A x, B y) {
        if constexpr (!is_real<A> && !is_real<B>) {
          return integer_power(x, static_cast<std::int64_t>(y));
        } else if constexpr (!is_real<A>) {
          const double r = std::pow(static_cast<double>(x), static_cast<double>(y));
          return r >= -9.2e18 && r <= 9.2e18 ? static_cast<A>(static_cast<std::int64_t>(r)) : A{0};
        } else {
          using W = Wide<A>;
          // x*x for squares, as NumPy's power does: it is exact where pow may not be.
          const W base = x, exponent = static_cast<W>(y);
          return static_cast<A>(exponent == 2 ? base * base : std::pow(base, exponent));
        }
      });
    });
  });
}

template <class List, auto F>
void fold(KernelContext& c) {
  // Max, Min, Sum, Mean, of one or more inputs, from left to right.
  if (c.input_count() == 0) c.fail(Code::corrupt, "no inputs");
  Tensor so_far = c.input(0);
  dispatch(c, so_far.dtype(), List{}, [&]<class T>() {
    for (std::size_t k = 1; k < c.input_count(); ++k) {
      const Tensor& next = c.input(k);
      if (next.dtype() != so_far.dtype()) c.fail(Code::mismatch, "inputs of different element types");
      const Broadcast<2> loop = broadcast<2>(c, {&so_far.shape(), &next.shape()});
      Tensor result(so_far.dtype(), loop.shape);
      const T *x = so_far.data<T>().data(), *y = next.data<T>().data();
      T* z = result.mutable_data<T>().data();
      loop.each_row([&](std::int64_t out, const auto& at, std::int64_t n, const auto& step) {
        for (std::int64_t i = 0; i < n; ++i) {
          z[out + i] = static_cast<T>(F(static_cast<Wide<T>>(x[at[0] + i * step[0]]), static_cast<Wide<T>>(y[at[1] + i * step[1]])));
        }
      });
      so_far = std::move(result);
    }
  });
  c.set_output(0, std::move(so_far));
}

// NaN wins, as in numpy.maximum and numpy.minimum.
constexpr auto larger = []<class T>(T x, T y) -> T {
  if constexpr (is_real<T>) {
    if (std::isnan(x)) return x;
    if (std::isnan(y)) return y;
  }
  return x < y ? y : x;
};
constexpr auto smaller = []<class T>(T x, T y) -> T {
  if constexpr (is_real<T>) {
    if (std::isnan(x)) return x;
    if (std::isnan(y)) return y;
  }
  return y < x ? y : x;
};

void mean(KernelContext& c) {
  fold<FloatTypes, add>(c);
  Tensor sum = c.take_output(0);
  const auto count = static_cast<double>(c.input_count());
  dispatch(c, sum.dtype(), FloatTypes{}, [&]<class T>() {
    const std::span<const T> in = sum.data<T>();
    const std::span<T> out = c.output(0, sum.dtype(), sum.shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<T>(static_cast<Wide<T>>(in[i]) / static_cast<Wide<T>>(count));
  });
}

void shift(KernelContext& c) {
  want_same(c, 0, 1);
  const bool left = c.text("direction") == "LEFT";
  dispatch(c, c.input(0).dtype(), IntegerTypes{}, [&]<class T>() {
    zip<T, T, T>(c, [&](T x, T y) {
      // By the width or more (or a negative number of bits): nothing is left but, to the right, the sign.
      const auto bits = static_cast<std::make_unsigned_t<T>>(y);
      if (bits >= sizeof(T) * 8) return left || x >= 0 ? T{0} : static_cast<T>(-1);
      return left ? static_cast<T>(static_cast<std::uint64_t>(x) << bits) : static_cast<T>(x >> bits);
    });
  });
}

void where(KernelContext& c) {
  want(c, 0, DType::boolean);
  want_same(c, 1, 2);
  const Tensor &condition = c.input(0), &yes = c.input(1), &no = c.input(2);
  const Broadcast<3> loop = broadcast<3>(c, {&condition.shape(), &yes.shape(), &no.shape()});
  Tensor& out = c.output(0, yes.dtype(), loop.shape);
  const bool* p = condition.data<bool>().data();
  dispatch_move(c, yes.dtype(), [&]<class T>() {
    const T *y = raw<T>(yes), *n = raw<T>(no);
    T* z = raw<T>(out);
    loop.each_row([&](std::int64_t to, const auto& at, std::int64_t count, const auto& step) {
      for (std::int64_t i = 0; i < count; ++i) z[to + i] = p[at[0] + i * step[0]] ? y[at[1] + i * step[1]] : n[at[2] + i * step[2]];
    });
  });
}
void infer_where(InferContext& c) {
  infer_broadcast(c);
  c.outputs[0].dtype = c.input(1).dtype != DType::undefined ? c.input(1).dtype : c.input(2).dtype;
}

// min(max(x, low), high) by comparisons that are false for NaN, so that NaN stays NaN; high wins where low > high (Clip-13).
void clip(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), NumberTypes{}, [&]<class T>() {
    const auto bound = [&](std::size_t i) -> std::optional<Wide<T>> {
      if (!c.has_input(i)) return std::nullopt;
      want_same(c, 0, i);
      if (c.input(i).size() != 1) c.fail(Code::mismatch, format("bound {} is no scalar", i));
      return static_cast<Wide<T>>(c.input(i).data<T>()[0]);
    };
    const auto low = bound(1), high = bound(2);
    const std::span<const T> in = c.input(0).data<T>();
    const std::span<T> out = c.output(0, dtype_of<T>, c.input(0).shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) {
      Wide<T> x = in[i];
      if (low && x < *low) x = *low;
      if (high && x > *high) x = *high;
      out[i] = static_cast<T>(x);
    }
  });
}

void prelu(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), NumberTypes{}, [&]<class T>() {
    using W = Wide<T>;
    zip<T, T, T>(c, [](T x, T slope) { return static_cast<T>(static_cast<W>(x) < W{0} ? mul(static_cast<W>(slope), static_cast<W>(x)) : static_cast<W>(x)); });
  });
}

constexpr auto both = [](bool x, bool y) { return x && y; };
constexpr auto either = [](bool x, bool y) { return x || y; };
constexpr auto differs = [](bool x, bool y) { return x != y; };
constexpr auto bit_and = []<class T>(T x, T y) { return static_cast<T>(x & y); };
constexpr auto bit_or = []<class T>(T x, T y) { return static_cast<T>(x | y); };
constexpr auto bit_xor = []<class T>(T x, T y) { return static_cast<T>(x ^ y); };
constexpr auto equal = [](const auto& x, const auto& y) { return x == y; };
constexpr auto less = [](const auto& x, const auto& y) { return x < y; };
constexpr auto less_equal = [](const auto& x, const auto& y) { return x <= y; };
constexpr auto greater = [](const auto& x, const auto& y) { return x > y; };
constexpr auto greater_equal = [](const auto& x, const auto& y) { return x >= y; };

constexpr Op kOps[] = {
    {"", "Add", "A + B; integers wrap around.", infer_broadcast, run<NumberTypes, add>},
    {"", "Sub", "A - B; integers wrap around.", infer_broadcast, run<NumberTypes, sub>},
    {"", "Mul", "A * B; integers wrap around.", infer_broadcast, run<NumberTypes, mul>},
    {"", "Div", "A / B; integers towards zero, and 0 where B is 0.", infer_broadcast, run<NumberTypes, divide>},
    {"", "Mod", "The remainder; its sign is B's, or A's where fmod is 1.", infer_broadcast, mod},
    {"", "Pow", "A to the power of B, in the type of A.", infer_broadcast, power},
    {"", "Max", "The largest of the inputs; NaN wins.", infer_broadcast, fold<NumberTypes, larger>},
    {"", "Min", "The smallest of the inputs; NaN wins.", infer_broadcast, fold<NumberTypes, smaller>},
    {"", "Sum", "The sum of the inputs, from left to right.", infer_broadcast, fold<FloatTypes, add>},
    {"", "Mean", "The mean of the inputs.", infer_broadcast, mean},
    {"", "And", "Logical and.", infer_compare, run<BoolTypes, both>},
    {"", "Or", "Logical or.", infer_compare, run<BoolTypes, either>},
    {"", "Xor", "Logical exclusive or.", infer_compare, run<BoolTypes, differs>},
    {"", "BitwiseAnd", "Bitwise and.", infer_broadcast, run<IntegerTypes, bit_and>},
    {"", "BitwiseOr", "Bitwise or.", infer_broadcast, run<IntegerTypes, bit_or>},
    {"", "BitwiseXor", "Bitwise exclusive or.", infer_broadcast, run<IntegerTypes, bit_xor>},
    {"", "BitShift", "A shifted by B bits, direction LEFT or RIGHT; the sign is kept to the right.", infer_broadcast, shift},
    {"", "Equal", "A == B, also of strings and booleans.", infer_compare, compare<AllTypes, equal>},
    {"", "Less", "A < B.", infer_compare, compare<NumberTypes, less>},
    {"", "LessOrEqual", "A <= B.", infer_compare, compare<NumberTypes, less_equal>},
    {"", "Greater", "A > B.", infer_compare, compare<NumberTypes, greater>},
    {"", "GreaterOrEqual", "A >= B.", infer_compare, compare<NumberTypes, greater_equal>},
    {"", "Where", "X where the condition holds, else Y.", infer_where, where},
    {"", "Clip", "x, at least min and at most max where these are given; NaN stays NaN.", infer_same, clip},
    {"", "PRelu", "x, or slope * x below 0.", infer_broadcast, prelu},
};

}  // namespace

DECANT_AT_START std::span<const Op> binary_ops() { return kOps; }

}  // namespace decant
