// SPDX-License-Identifier: Apache-2.0
// MatMul and Gemm (ai.onnx).
#include <algorithm>
#include <array>

#include "ops/gemm.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// The elements as the type they are computed in: a view where that is their own type.
template <class T>
class Widened {
 public:
  explicit Widened(const Tensor& t) : Widened(t.data<T>()) {}
  explicit Widened(std::span<const T> in) {
    if constexpr (std::is_same_v<T, Wide<T>>) {
      view_ = in;
    } else {
      copy_.assign(in.begin(), in.end());
      view_ = copy_;
    }
  }
  const Wide<T>* data() const { return view_.data(); }

 private:
  std::vector<Wide<T>> copy_;
  std::span<const Wide<T>> view_;
};

using MatMulTypes = Types<float, double, Half, BFloat16, std::int64_t, std::int32_t, std::uint64_t, std::uint32_t>;
// Integers wrap around: computed unsigned.
template <class T>
using Unsigned = std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<Wide<T>>>;

template <class T>
void matmul_of(KernelContext& c) {
  const Tensor &a = c.input(0), &b = c.input(1);
  if (a.rank() == 0 || b.rank() == 0) c.fail(Code::mismatch, "an input is a scalar");
  Shape as = a.shape(), bs = b.shape();
  const bool row = as.size() == 1, column = bs.size() == 1;  // as numpy.matmul: a vector gains a dimension and loses it again
  if (row) as.insert(as.begin(), 1);
  if (column) bs.push_back(1);
  const std::int64_t m = as[as.size() - 2], k = as.back(), n = bs.back();
  if (bs[bs.size() - 2] != k) c.fail(Code::mismatch, format("cannot multiply {} by {}", text_of(a.shape()), text_of(b.shape())));
  const Shape batch_a(as.begin(), as.end() - 2), batch_b(bs.begin(), bs.end() - 2);
  const Broadcast<2> loop = broadcast<2>(c, {&batch_a, &batch_b});
  Shape shape = loop.shape;
  if (!row) shape.push_back(m);
  if (!column) shape.push_back(n);
  using U = typename Unsigned<T>::type;
  const std::span<T> to = c.output(0, dtype_of<T>, shape).template mutable_data<T>();
  const Widened<T> wa(a), wb(b);
  const auto *pa = reinterpret_cast<const U*>(wa.data()), *pb = reinterpret_cast<const U*>(wb.data());
  std::vector<U> wide;
  U* out = reinterpret_cast<U*>(to.data());
  if constexpr (!std::is_same_v<T, Wide<T>>) {
    wide.resize(to.size());
    out = wide.data();
  }
  std::fill(out, out + to.size(), U{0});
  loop.each_row([&](std::int64_t at, const auto& from, std::int64_t count, const auto& step) {
    if (step[1] == 0 && step[0] == 1) {  // one right side for all: a taller left side
      multiply<U>(m * count, n, k, pa + from[0] * m * k, pb + from[1] * k * n, out + at * m * n);
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      multiply<U>(m, n, k, pa + (from[0] + i * step[0]) * m * k, pb + (from[1] + i * step[1]) * k * n, out + (at + i) * m * n);
    }
  });
  if constexpr (!std::is_same_v<T, Wide<T>>) std::copy(wide.begin(), wide.end(), to.begin());
}

void matmul(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), MatMulTypes{}, [&]<class T>() { matmul_of<T>(c); });
}

void infer_matmul(InferContext& c) {
  const Type &a = c.input(0), &b = c.input(1);
  if (!a.has_rank || !b.has_rank) {
    c.outputs[0] = unknown_shape(a.dtype);
    return;
  }
  if (a.shape.empty() || b.shape.empty()) c.fail(Code::corrupt, "an input is a scalar");
  Type left = a, right = b;
  const bool row = a.shape.size() == 1, column = b.shape.size() == 1;
  if (row) left.shape.insert(left.shape.begin(), dim(1));
  if (column) right.shape.push_back(dim(1));
  const Dim m = left.shape[left.shape.size() - 2], n = right.shape.back();
  const Dim &k = left.shape.back(), &k2 = right.shape[right.shape.size() - 2];
  if (k.known() && k2.known() && k.value != k2.value) c.fail(Code::mismatch, format("cannot multiply {} by {}", a.text(), b.text()));
  left.shape.resize(left.shape.size() - 2);
  right.shape.resize(right.shape.size() - 2);
  bool known = false;
  std::vector<Dim> dims = broadcast_dims(c, {&left, &right}, known);
  if (!row) dims.push_back(m);
  if (!column) dims.push_back(n);
  c.outputs[0] = Type::tensor(a.dtype, std::move(dims));
}

// alpha * A' * B' + beta * C, where ' transposes when transA, transB say so and C broadcasts to [M, N] (Gemm-13).
template <class T>
void gemm_of(KernelContext& c) {
  const Tensor &a = c.input(0), &b = c.input(1);
  if (a.rank() != 2 || b.rank() != 2) c.fail(Code::mismatch, format("inputs have shapes {} and {}", text_of(a.shape()), text_of(b.shape())));
  const bool ta = c.integer("transA", 0) != 0, tb = c.integer("transB", 0) != 0;
  const std::int64_t m = a.dim(ta), k = a.dim(!ta), n = b.dim(!tb);
  if (b.dim(tb) != k) c.fail(Code::mismatch, format("cannot multiply {} by {}", text_of(a.shape()), text_of(b.shape())));
  using W = Wide<T>;
  const auto alpha = static_cast<W>(c.real("alpha", 1.0)), beta = static_cast<W>(c.real("beta", 1.0));
  const std::span<T> to = c.output(0, dtype_of<T>, {m, n}).template mutable_data<T>();
  const Widened<T> wa(a), wb(b);
  std::vector<W> turned_a, turned_b, sum(to.size(), W{0});
  const W *pa = wa.data(), *pb = wb.data();
  if (ta) {
    turned_a.resize(a.size());
    transpose(k, m, pa, turned_a.data());
    pa = turned_a.data();
  }
  if (tb) {
    turned_b.resize(b.size());
    transpose(n, k, pb, turned_b.data());
    pb = turned_b.data();
  }
  multiply<W>(m, n, k, pa, pb, sum.data());
  if (!c.has_input(2) || beta == W{0}) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(alpha == W{1} ? sum[i] : alpha * sum[i]);
    return;
  }
  want_same(c, 0, 2);
  const Shape shape{m, n};
  const Broadcast<2> loop = broadcast<2>(c, {&shape, &c.input(2).shape()});
  if (loop.shape != shape) c.fail(Code::mismatch, format("C of shape {} for a result of {}", text_of(c.input(2).shape()), text_of(shape)));
  const T* add = c.input(2).data<T>().data();
  loop.each_row([&](std::int64_t at, const auto& from, std::int64_t count, const auto& step) {
    for (std::int64_t i = 0; i < count; ++i) {
      const W product = sum[at + i], x = add[from[1] + i * step[1]];
      to[at + i] = static_cast<T>((alpha == W{1} ? product : alpha * product) + (beta == W{1} ? x : beta * x));
    }
  });
}

void gemm(KernelContext& c) {
  want_same(c, 0, 1);
  dispatch(c, c.input(0).dtype(), FloatTypes{}, [&]<class T>() { gemm_of<T>(c); });
}

void infer_gemm(InferContext& c) {
  const Type &a = c.input(0), &b = c.input(1);
  if ((a.has_rank && a.shape.size() != 2) || (b.has_rank && b.shape.size() != 2)) c.fail(Code::corrupt, "an input is no matrix");
  const std::size_t ta = c.integer("transA", 0) != 0, tb = c.integer("transB", 0) != 0;
  c.outputs[0] = Type::tensor(a.dtype, {a.has_rank ? a.shape[ta] : any_dim(), b.has_rank ? b.shape[1 - tb] : any_dim()});
}

constexpr Op kOps[] = {
    {"", "MatMul", "The matrix product, batched and broadcast as numpy.matmul.", infer_matmul, matmul},
    {"", "Gemm", "alpha * A * B + beta * C with transA, transB; C broadcasts to the product.", infer_gemm, gemm},
};

}  // namespace

DECANT_AT_START std::span<const Op> matmul_ops() { return kOps; }

}  // namespace decant
