// SPDX-License-Identifier: Apache-2.0
// Along one axis (ai.onnx): Softmax, LogSoftmax, Hardmax, CumSum, CumProd, LpNormalization.
#include <cmath>

#include "ops/kernel.h"

namespace decant {
namespace {

// f(from, to, length, step) for each line along `axis`.
template <class T, class F>
void each_line(KernelContext& c, std::size_t axis, F&& f) {
  const Tensor& in = c.input(0);
  const Around a = around(in.shape(), axis);
  const T* from = in.data<T>().data();
  T* to = c.output(0, in.dtype(), in.shape()).template mutable_data<T>().data();
  if (in.size() == 0) return;
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t i = 0; i < a.inner; ++i) f(from + o * a.length * a.inner + i, to + o * a.length * a.inner + i, a.length, a.inner);
  }
}

template <class T>
Wide<T> largest(const T* x, std::int64_t n, std::int64_t step) {
  Wide<T> most = x[0];
  for (std::int64_t k = 1; k < n; ++k) {
    if (static_cast<Wide<T>>(x[k * step]) > most) most = x[k * step];
  }
  return most;
}

std::size_t axis_attribute(const KernelContext& c, std::int64_t otherwise) {
  if (c.input(0).rank() == 0) c.fail(Code::mismatch, "the input is a scalar");
  return axis_of(c, c.integer("axis", otherwise), c.input(0).rank());
}

template <bool Log>
void softmax(KernelContext& c) {
  const std::size_t axis = axis_attribute(c, -1);
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    using W = Wide<T>;
    std::vector<W> line;  // in the type it is computed in: 16-bit results are rounded once
    each_line<T>(c, axis, [&](const T* x, T* y, std::int64_t n, std::int64_t step) {
      const W most = largest(x, n, step);
      W sum = 0;
      line.resize(static_cast<std::size_t>(n));
      for (std::int64_t k = 0; k < n; ++k) {
        const W e = std::exp(static_cast<W>(x[k * step]) - most);
        sum += e;
        line[static_cast<std::size_t>(k)] = e;
      }
      const W log_sum = Log ? std::log(sum) : W{0};
      for (std::int64_t k = 0; k < n; ++k) {
        if constexpr (Log) y[k * step] = static_cast<T>(static_cast<W>(x[k * step]) - most - log_sum);
        else y[k * step] = static_cast<T>(line[static_cast<std::size_t>(k)] / sum);
      }
    });
  });
}

void hardmax(KernelContext& c) {
  const std::size_t axis = axis_attribute(c, -1);
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    each_line<T>(c, axis, [](const T* x, T* y, std::int64_t n, std::int64_t step) {
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < n; ++k) {
        if (static_cast<Wide<T>>(x[k * step]) > static_cast<Wide<T>>(x[best * step])) best = k;
      }
      for (std::int64_t k = 0; k < n; ++k) y[k * step] = T(k == best ? 1.0f : 0.0f);
    });
  });
}

void lp_normalization(KernelContext& c) {
  const std::size_t axis = axis_attribute(c, -1);
  const bool one = c.integer("p", 2) == 1;
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    using W = Wide<T>;
    each_line<T>(c, axis, [&](const T* x, T* y, std::int64_t n, std::int64_t step) {
      W norm = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        const W v = x[k * step];
        norm += one ? std::fabs(v) : v * v;
      }
      if (!one) norm = std::sqrt(norm);
      for (std::int64_t k = 0; k < n; ++k) y[k * step] = static_cast<T>(norm == 0 ? W{0} : static_cast<W>(x[k * step]) / norm);
    });
  });
}

template <bool Product>
void running(KernelContext& c) {
  if (c.input(0).rank() == 0) c.fail(Code::mismatch, "the input is a scalar");
  const std::vector<std::int64_t> given = integers_of(c, c.input(1));
  if (given.size() != 1) c.fail(Code::mismatch, "axis is no scalar");
  const std::size_t axis = axis_of(c, given[0], c.input(0).rank());
  const bool exclusive = c.integer("exclusive", 0) != 0, reverse = c.integer("reverse", 0) != 0;
  dispatch(c, c.input(0).dtype(), NumberTypes{}, [&]<class T>() {
    using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, Wide<T>>;  // integers wrap around
    each_line<T>(c, axis, [&](const T* x, T* y, std::int64_t n, std::int64_t step) {
      U now = Product ? 1 : 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t k = (reverse ? n - 1 - i : i) * step;
        if (exclusive) y[k] = static_cast<T>(now);
        if constexpr (Product) now *= static_cast<U>(x[k]);
        else now += static_cast<U>(x[k]);
        if (!exclusive) y[k] = static_cast<T>(now);
      }
    });
  });
}

constexpr Op kOps[] = {
    {"", "Softmax", "exp(x) / sum(exp(x)) along `axis` (Softmax-13).", infer_same, softmax<false>},
    {"", "LogSoftmax", "log(Softmax(x)) along `axis`, without loss.", infer_same, softmax<true>},
    {"", "Hardmax", "1 at the first largest element along `axis`, else 0.", infer_same, hardmax},
    {"", "LpNormalization", "x divided by its p-norm along `axis`; zeros stay zeros.", infer_same, lp_normalization},
    {"", "CumSum", "Running sums along `axis` (an input); exclusive, reverse.", infer_same, running<false>},
    {"", "CumProd", "Running products along `axis` (an input); exclusive, reverse (CumProd-26).", infer_same, running<true>},
};

}  // namespace

DECANT_AT_START std::span<const Op> softmax_ops() { return kOps; }

}  // namespace decant
