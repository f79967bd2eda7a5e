// SPDX-License-Identifier: Apache-2.0
// Reductions over axes (ai.onnx, axes as an input as since opset 18), ArgMax and ArgMin.
// Sums over the last axis are formed as NumPy forms them (numpy/_core/src/umath/loops_utils.h.src, pairwise summation: eight running
// sums in blocks of at most 128), which is both more exact and, for float64, the very same number; over other axes one after the other.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/kernel.h"

namespace decant {
namespace {

// f(i) is the i-th term.
template <class T, class F>
T pairwise(std::int64_t begin, std::int64_t n, const F& f) {
  if constexpr (!std::is_floating_point_v<T>) {
    T sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum = static_cast<T>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(f(begin + i)));
    return sum;
  } else {
    if (n < 8) {
      T sum = n > 0 ? f(begin) : T{0};
      for (std::int64_t i = 1; i < n; ++i) sum += f(begin + i);
      return sum;
    }
    if (n <= 128) {
      T r[8];
      for (int j = 0; j < 8; ++j) r[j] = f(begin + j);
      std::int64_t i = 8;
      for (; i < n - n % 8; i += 8) {
        for (int j = 0; j < 8; ++j) r[j] += f(begin + i + j);
      }
      T sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      for (; i < n; ++i) sum += f(begin + i);
      return sum;
    }
    const std::int64_t half = n / 2 - (n / 2) % 8;
    return pairwise<T>(begin, half, f) + pairwise<T>(begin + half, n - half, f);
  }
}

struct Axes {
  std::vector<bool> reduced;
  bool keep = true, none = false;
};

Axes axes_for(const AttributeView& c, std::size_t rank, const std::optional<std::vector<std::int64_t>>& given) {
  Axes out;
  out.keep = c.integer("keepdims", 1) != 0;
  out.reduced.assign(rank, false);
  if (!given || given->empty()) {
    out.none = c.integer("noop_with_empty_axes", 0) != 0;
    if (!out.none) out.reduced.assign(rank, true);
    return out;
  }
  for (const std::size_t a : axes_of(c, *given, rank)) out.reduced[a] = true;
  return out;
}

Shape reduced_shape(const Shape& shape, const Axes& axes) {
  Shape out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!axes.reduced[i]) out.push_back(shape[i]);
    else if (axes.keep) out.push_back(1);
  }
  return out;
}

// A reduction R has: start(), term(x), join(a, b), is_sum (join is +), finish(acc, count), two_pass data in the object itself.
template <class T>
struct SumOf {
  static constexpr bool is_sum = true;
  static constexpr bool needs_items = false;
  T start() const { return T{0}; }
  T term(T x) const { return x; }
  T finish(T a, std::int64_t) const { return a; }
};
template <class T>
struct MeanOf : SumOf<T> {
  T finish(T a, std::int64_t n) const {
    if constexpr (std::is_integral_v<T>) return n == 0 ? T{0} : static_cast<T>(a / static_cast<T>(n));
    else return a / static_cast<T>(n);
  }
};
template <class T>
struct L1Of : SumOf<T> {
  T term(T x) const {
    if constexpr (std::is_unsigned_v<T>) return x;
    else return x < 0 ? static_cast<T>(-x) : x;
  }
};
template <class T>
struct SquareOf : SumOf<T> {
  T term(T x) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(x));
    else return x * x;
  }
};
template <class T>
struct L2Of : SquareOf<T> {
  T finish(T a, std::int64_t) const { return static_cast<T>(std::sqrt(a)); }
};
template <class T>
struct LogSumOf : SumOf<T> {
  T finish(T a, std::int64_t) const { return static_cast<T>(std::log(a)); }
};
template <class T>
struct ProdOf {
  static constexpr bool is_sum = false;
  static constexpr bool needs_items = false;
  T start() const { return T{1}; }
  T term(T x) const { return x; }
  T join(T a, T b) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else return a * b;
  }
  T finish(T a, std::int64_t) const { return a; }
};
template <class T>
struct MaxOf {
  static constexpr bool is_sum = false;
  static constexpr bool needs_items = false;  // of nothing: the smallest value there is (ReduceMax-20)
  T start() const { return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest(); }
  T term(T x) const { return x; }
  T join(T a, T b) const {
    if constexpr (is_real<T>) {
      if (std::isnan(a)) return a;
      if (std::isnan(b)) return b;
    }
    return a < b ? b : a;
  }
  T finish(T a, std::int64_t) const { return a; }
};
template <class T>
struct MinOf : MaxOf<T> {
  T start() const { return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max(); }
  T join(T a, T b) const {
    if constexpr (is_real<T>) {
      if (std::isnan(a)) return a;
      if (std::isnan(b)) return b;
    }
    return b < a ? b : a;
  }
};

template <template <class> class R, class T>
void reduce_of(KernelContext& c, const Axes& axes) {
  using W = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, Wide<T>>;  // vector<bool> has no elements to refer to
  const R<W> r;
  const Tensor& in = c.input(0);
  const Shape& shape = in.shape();
  const std::span<const T> from = in.data<T>();
  const std::span<T> to = c.output(0, dtype_of<T>, reduced_shape(shape, axes)).template mutable_data<T>();
  std::int64_t count = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) count *= axes.reduced[i] ? shape[i] : 1;

  // [kept..., reduced...] with every reduced axis last: each result is one run.
  std::size_t last_kept = 0;
  bool trailing = true;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (!axes.reduced[i]) {
      last_kept = i + 1;
      break;
    }
  }
  for (std::size_t i = 0; i < last_kept; ++i) trailing = trailing && !axes.reduced[i];
  if (trailing) {
    for (std::size_t o = 0; o < to.size(); ++o) {
      const T* x = from.data() + static_cast<std::int64_t>(o) * count;
      W acc;
      if constexpr (R<W>::is_sum) {
        acc = pairwise<W>(0, count, [&](std::int64_t i) { return r.term(static_cast<W>(x[i])); });
      } else {
        acc = r.start();
        for (std::int64_t i = 0; i < count; ++i) acc = r.join(acc, r.term(static_cast<W>(x[i])));
      }
      to[o] = static_cast<T>(r.finish(acc, count));
    }
    return;
  }

  // Otherwise the input is walked once in its own order, and each element joins its result.
  const auto acc = std::make_unique<W[]>(to.size());  // no vector: one of bools would hold bits
  std::fill_n(acc.get(), to.size(), r.start());
  Shape kept = shape;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = axes.reduced[i] ? 1 : kept[i];
  const Broadcast<2> loop = broadcast<2>(c, {&shape, &kept});
  loop.each_row([&](std::int64_t, const auto& at, std::int64_t n, const auto& step) {
    for (std::int64_t i = 0; i < n; ++i) {
      auto&& a = acc[static_cast<std::size_t>(at[1] + i * step[1])];
      const W x = r.term(static_cast<W>(from[static_cast<std::size_t>(at[0] + i * step[0])]));
      if constexpr (R<W>::is_sum) {
        if constexpr (std::is_integral_v<W>) a = static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(x));
        else a += x;
      } else {
        a = r.join(a, x);
      }
    }
  });
  for (std::size_t o = 0; o < to.size(); ++o) to[o] = static_cast<T>(r.finish(acc[o], count));
}

std::optional<std::vector<std::int64_t>> axes_input(const KernelContext& c) {
  if (!c.has_input(1)) return std::nullopt;
  return integers_of(c, c.input(1));
}

template <template <class> class R, class List>
void reduce(KernelContext& c) {
  const Axes axes = axes_for(c, c.input(0).rank(), axes_input(c));
  if (axes.none) return c.set_output(0, c.input(0));
  dispatch(c, c.input(0).dtype(), List{}, [&]<class T>() { reduce_of<R, T>(c, axes); });
}

// Subtracting the largest element first keeps exp from overflowing; an infinite maximum is left in, as scipy.special.logsumexp does.
void log_sum_exp(KernelContext& c) {
  const Axes axes = axes_for(c, c.input(0).rank(), axes_input(c));
  if (axes.none) return c.set_output(0, c.input(0));
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() {
    using W = Wide<T>;
    const Tensor& in = c.input(0);
    const Shape& shape = in.shape();
    Shape kept = shape;
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = axes.reduced[i] ? 1 : kept[i];
    const Broadcast<2> loop = broadcast<2>(c, {&shape, &kept});
    const std::span<const T> from = in.data<T>();
    const std::span<T> to = c.output(0, in.dtype(), reduced_shape(shape, axes)).template mutable_data<T>();
    const MaxOf<W> larger;
    std::vector<W> most(to.size(), larger.start()), sum(to.size(), W{0});
    const auto walk = [&](auto f) {
      loop.each_row([&](std::int64_t, const auto& at, std::int64_t n, const auto& step) {
        for (std::int64_t i = 0; i < n; ++i) f(static_cast<W>(from[static_cast<std::size_t>(at[0] + i * step[0])]), static_cast<std::size_t>(at[1] + i * step[1]));
      });
    };
    walk([&](W x, std::size_t o) { most[o] = larger.join(most[o], x); });
    for (W& m : most) m = std::isfinite(m) ? m : W{0};
    walk([&](W x, std::size_t o) { sum[o] += std::exp(x - most[o]); });
    for (std::size_t o = 0; o < to.size(); ++o) to[o] = static_cast<T>(std::log(sum[o]) + most[o]);
  });
}

template <bool Max>
void arg(KernelContext& c) {
  const Tensor& in = c.input(0);
  if (in.rank() == 0) return void(c.output(0, DType::int64, {}).mutable_data<std::int64_t>()[0] = 0);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.rank());
  const bool keep = c.integer("keepdims", 1) != 0, last = c.integer("select_last_index", 0) != 0;
  const Around a = around(in.shape(), axis);
  if (a.length == 0 && a.outer * a.inner != 0) c.fail(Code::mismatch, "nothing along the axis");
  Shape shape = in.shape();
  if (keep) shape[axis] = 1;
  else shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const std::span<std::int64_t> to = c.output(0, DType::int64, shape).mutable_data<std::int64_t>();
  dispatch(c, in.dtype(), Join<NumberTypes, BoolTypes>{}, [&]<class T>() {
    const T* from = in.data<T>().data();
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t i = 0; i < a.inner; ++i) {
        const T* x = from + o * a.length * a.inner + i;
        std::int64_t best = 0;
        Wide<T> value = x[0];
        for (std::int64_t k = 1; k < a.length; ++k) {
          const Wide<T> next = x[k * a.inner];
          if constexpr (is_real<T>) {  // the first NaN wins, as in numpy.argmax
            if (std::isnan(value)) break;
            if (std::isnan(next)) {
              best = k;
              break;
            }
          }
          if ((Max ? next > value : next < value) || (last && next == value)) value = next, best = k;
        }
        to[static_cast<std::size_t>(o * a.inner + i)] = best;
      }
    }
  });
}

void infer_reduce(InferContext& c) {
  const Type& in = c.input(0);
  const bool has_axes = c.has_input(1);
  const auto given = has_axes ? constant_integers(c, 1) : std::nullopt;
  if (!in.has_rank) {
    c.outputs[0] = unknown_shape(in.dtype);
    return;
  }
  if (has_axes && !given) {
    c.outputs[0] = c.integer("keepdims", 1) != 0 ? ranked(in.dtype, in.shape.size()) : unknown_shape(in.dtype);
    return;
  }
  const Axes axes = axes_for(c, in.shape.size(), given);
  std::vector<Dim> dims;
  for (std::size_t i = 0; i < in.shape.size(); ++i) {
    if (!axes.reduced[i]) dims.push_back(in.shape[i]);
    else if (axes.keep) dims.push_back(dim(1));
  }
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

void infer_arg(InferContext& c) {
  const Type& in = c.input(0);
  if (!in.has_rank || in.shape.empty()) {
    c.outputs[0] = in.has_rank ? Type::tensor(DType::int64, {}) : unknown_shape(DType::int64);
    return;
  }
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.shape.size());
  std::vector<Dim> dims = in.shape;
  if (c.integer("keepdims", 1) != 0) dims[axis] = dim(1);
  else dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  c.outputs[0] = Type::tensor(DType::int64, std::move(dims));
}

constexpr Op kOps[] = {
    {"", "ReduceSum", "The sum over axes.", infer_reduce, reduce<SumOf, NumberTypes>},
    {"", "ReduceMean", "The mean over axes.", infer_reduce, reduce<MeanOf, NumberTypes>},
    {"", "ReduceMax", "The largest over axes; NaN wins.", infer_reduce, reduce<MaxOf, Join<NumberTypes, BoolTypes>>},
    {"", "ReduceMin", "The smallest over axes; NaN wins.", infer_reduce, reduce<MinOf, Join<NumberTypes, BoolTypes>>},
    {"", "ReduceProd", "The product over axes.", infer_reduce, reduce<ProdOf, NumberTypes>},
    {"", "ReduceL1", "The sum of absolute values over axes.", infer_reduce, reduce<L1Of, NumberTypes>},
    {"", "ReduceL2", "The root of the sum of squares over axes.", infer_reduce, reduce<L2Of, NumberTypes>},
    {"", "ReduceSumSquare", "The sum of squares over axes.", infer_reduce, reduce<SquareOf, NumberTypes>},
    {"", "ReduceLogSum", "The logarithm of the sum over axes.", infer_reduce, reduce<LogSumOf, NumberTypes>},
    {"", "ReduceLogSumExp", "log(sum(exp(x))) over axes, without overflow.", infer_reduce, log_sum_exp},
    {"", "ArgMax", "Where the largest element along `axis` is: the first of equals, or the last where select_last_index is 1.", infer_arg, arg<true>},
    {"", "ArgMin", "Where the smallest element along `axis` is: the first of equals, or the last where select_last_index is 1.", infer_arg, arg<false>},
};

}  // namespace

DECANT_AT_START std::span<const Op> reduce_ops() { return kOps; }

}  // namespace decant
