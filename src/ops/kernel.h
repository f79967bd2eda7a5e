// SPDX-License-Identifier: Apache-2.0
// What reference kernels and type rules share: one dispatch over element types, ONNX's multidirectional broadcasting
// (onnx/docs/Broadcasting.md), axes, and the usual type rules.
#pragma once

#include <array>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "ir/half.h"
#include "ir/small.h"
#include "ops/op.h"

namespace decant {

template <class... T>
struct Types {};
template <class A, class B>
struct JoinTypes;
template <class... A, class... B>
struct JoinTypes<Types<A...>, Types<B...>> {
  using type = Types<A..., B...>;
};
template <class A, class B>
using Join = typename JoinTypes<A, B>::type;

using FloatTypes = Types<float, double, Half, BFloat16>;
using SignedTypes = Types<std::int64_t, std::int32_t, std::int16_t, std::int8_t>;
using UnsignedTypes = Types<std::uint64_t, std::uint32_t, std::uint16_t, std::uint8_t>;
using IntegerTypes = Join<SignedTypes, UnsignedTypes>;
using NumberTypes = Join<FloatTypes, IntegerTypes>;
using SignedNumberTypes = Join<FloatTypes, SignedTypes>;
using BoolTypes = Types<bool>;
using AllTypes = Join<NumberTypes, Types<bool, std::string>>;
using SmallFloatTypes = Types<Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0, Float4E2M1, Float6E2M3, Float6E3M2>;
using SmallIntegerTypes = Types<Int4, UInt4, Int2, UInt2>;
using SmallTypes = Join<SmallFloatTypes, SmallIntegerTypes>;

/// What a value of T is computed in: float or int for the types that C++ has not, T itself for the others.
template <class T>
using Wide = std::conditional_t<std::is_arithmetic_v<T> || std::is_same_v<T, std::string>, T,
                                std::conditional_t<std::is_convertible_v<const T&, float> && !std::is_same_v<T, Int4> && !std::is_same_v<T, UInt4> &&
                                                       !std::is_same_v<T, Int2> && !std::is_same_v<T, UInt2>,
                                                   float, std::int32_t>>;
template <class T>
inline constexpr bool is_real = std::is_floating_point_v<Wide<T>>;

/// Calls f.template operator()<T>() for the T of `dtype`; an element type outside the list is an Error that names the node.
template <class F, class... T>
void dispatch(const AttributeView& node, DType dtype, Types<T...>, F&& f) {
  const bool done = ((dtype_of<T> == dtype ? (f.template operator()<T>(), true) : false) || ...);
  if (!done) node.fail(Code::unsupported, format("element type {} is not supported here", name_of(dtype)));
}

/// Types of the same size share one copy loop: for kernels that only move elements.
using MoveTypes = Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, std::string>;
/// Calls f<T>(stand-in) with the unsigned type of the element's size, or std::string; for kernels that only move elements.
template <class F>
void dispatch_move(const AttributeView& node, DType dtype, F&& f) {
  if (dtype == DType::string) return f.template operator()<std::string>();
  switch (is_tensor(dtype) ? size_of(dtype) : 0) {
    case 1: return f.template operator()<std::uint8_t>();
    case 2: return f.template operator()<std::uint16_t>();
    case 4: return f.template operator()<std::uint32_t>();
    case 8: return f.template operator()<std::uint64_t>();
    case 16: return f.template operator()<std::array<std::uint64_t, 2>>();
    default: node.fail(Code::unsupported, format("element type {} is not supported here", name_of(dtype)));
  }
}
/// The elements as raw units, for dispatch_move.
template <class T>
const T* raw(const Tensor& t) {
  return reinterpret_cast<const T*>(t.blob().bytes.data());
}
template <class T>
T* raw(Tensor& t) {
  return reinterpret_cast<T*>(const_cast<std::byte*>(t.blob().bytes.data()));
}

/// Row-major strides in elements.
std::vector<std::int64_t> strides_of(const Shape& shape);

/// K arrays walked together under one broadcast shape. Neighbouring dimensions that every array walks alike are merged, so that
/// equal shapes become one run.
template <std::size_t K>
struct Broadcast {
  Shape shape;   // of the result
  Shape loops;   // merged
  std::array<std::vector<std::int64_t>, K> strides;

  /// row(position in the result, offsets, length, steps) for each innermost run.
  template <class F>
  void each_row(F&& row) const {
    const std::size_t rank = loops.size();
    std::array<std::int64_t, K> at{}, step{};
    if (count_of(loops) == 0) return;
    if (rank == 0) return row(std::int64_t{0}, at, std::int64_t{1}, step);
    const std::int64_t n = loops[rank - 1];
    for (std::size_t k = 0; k < K; ++k) step[k] = strides[k][rank - 1];
    std::vector<std::int64_t> index(rank, 0);
    for (std::int64_t out = 0;; out += n) {
      row(out, at, n, step);
      std::size_t d = rank - 1;
      for (;;) {
        if (d == 0) return;
        --d;
        for (std::size_t k = 0; k < K; ++k) at[k] += strides[k][d];
        if (++index[d] < loops[d]) break;
        for (std::size_t k = 0; k < K; ++k) at[k] -= strides[k][d] * loops[d];
        index[d] = 0;
      }
    }
  }
};

/// Throws mismatch, naming the node, where the shapes do not broadcast.
Shape broadcast_shape(const AttributeView& node, std::span<const Shape* const> shapes);
void merge_loops(const Shape& shape, std::span<const Shape* const> inputs, Shape& loops, std::span<std::vector<std::int64_t>> strides);

template <std::size_t K>
Broadcast<K> broadcast(const AttributeView& node, std::array<const Shape*, K> shapes) {
  Broadcast<K> out;
  out.shape = broadcast_shape(node, shapes);
  merge_loops(out.shape, shapes, out.loops, out.strides);
  return out;
}

/// `axis` counted from the front; refused when it is outside [-rank, rank).
std::size_t axis_of(const AttributeView& node, std::int64_t axis, std::size_t rank);
/// Sorted, without repeats.
std::vector<std::size_t> axes_of(const AttributeView& node, const std::vector<std::int64_t>& axes, std::size_t rank);
/// The elements of an int32 or int64 tensor of rank 0 or 1.
std::vector<std::int64_t> integers_of(const AttributeView& node, const Tensor& tensor);

/// `shape` seen as [outer, shape[axis], inner].
struct Around {
  std::int64_t outer = 1, length = 1, inner = 1;
};
Around around(const Shape& shape, std::size_t axis);

/// The tensor that the attributes of a Constant node hold, whichever of the seven it is.
Tensor constant_value(const AttributeView& node);

/// Refuses an input whose element type is not `dtype`.
void want(const KernelContext& c, std::size_t input, DType dtype);
/// Refuses inputs of different element types.
void want_same(const KernelContext& c, std::size_t a, std::size_t b);

// --- type rules -----------------------------------------------------------------------------------------------------------------

void infer_same(InferContext& c);          // as input 0
void infer_broadcast(InferContext& c);     // element type of input 0, shapes of all inputs broadcast
void infer_compare(InferContext& c);       // boolean, shapes broadcast
void infer_same_bool(InferContext& c);     // boolean, shape of input 0
std::vector<Dim> broadcast_dims(const AttributeView& node, const std::vector<const Type*>& types, bool& known);
/// A known dimension, or none.
inline Dim dim(std::int64_t value) { return {value, {}}; }
inline Dim any_dim() { return {}; }
Type unknown_shape(DType dtype);
Type ranked(DType dtype, std::size_t rank);  // every dimension unknown
/// Int64 elements of a constant input, nothing where it is not constant.
std::optional<std::vector<std::int64_t>> constant_integers(const InferContext& c, std::size_t input);

}  // namespace decant
