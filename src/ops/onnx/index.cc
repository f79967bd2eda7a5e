// SPDX-License-Identifier: Apache-2.0
// Operators by index (ai.onnx): Gather, GatherElements, GatherND, ScatterElements, ScatterND, OneHot, NonZero, TopK, Compress, Unique.
// Every index is checked against its dimension before it is used.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/bounded.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// Indices as positions in a dimension of `length`; negative ones count from the end.
std::vector<std::int64_t> positions(const KernelContext& c, const Tensor& indices, std::int64_t length) {
  if (indices.dtype() != DType::int64 && indices.dtype() != DType::int32) c.fail(Code::mismatch, format("indices of {}", name_of(indices.dtype())));
  std::vector<std::int64_t> out(indices.size());
  const auto fill = [&](const auto& from) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::int64_t at = from[i];
      if (at < -length || at >= length) c.fail(Code::mismatch, format("index {} in a dimension of {}", at, length));
      out[i] = at < 0 ? at + length : at;
    }
  };
  indices.dtype() == DType::int64 ? fill(indices.data<std::int64_t>()) : fill(indices.data<std::int32_t>());
  return out;
}

void gather(KernelContext& c) {
  const Tensor &in = c.input(0), &indices = c.input(1);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.rank());
  const std::vector<std::int64_t> at = positions(c, indices, in.dim(axis));
  Shape shape(in.shape().begin(), in.shape().begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape().begin(), indices.shape().end());
  shape.insert(shape.end(), in.shape().begin() + static_cast<std::ptrdiff_t>(axis) + 1, in.shape().end());
  Tensor& out = c.output(0, in.dtype(), shape);
  const Around a = around(in.shape(), axis);
  if (out.size() == 0) return;
  dispatch_move(c, in.dtype(), [&]<class T>() {
    const T* from = raw<T>(in);
    T* to = raw<T>(out);
    for (std::int64_t o = 0; o < a.outer; ++o, from += a.length * a.inner) {
      if (a.inner == 1) {
        for (const std::int64_t i : at) *to++ = from[i];
      } else {
        for (const std::int64_t i : at) to = std::copy_n(from + i * a.inner, a.inner, to);
      }
    }
  });
}
void infer_gather(InferContext& c) {
  const Type &in = c.input(0), &indices = c.input(1);
  if (!in.has_rank || !indices.has_rank) {
    c.outputs[0] = unknown_shape(in.dtype);
    return;
  }
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.shape.size());
  std::vector<Dim> dims(in.shape.begin(), in.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.shape.begin(), indices.shape.end());
  dims.insert(dims.end(), in.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, in.shape.end());
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

// Walks `shape`, giving each element's offset in an array of `strides` with the step along `axis` left out.
template <class F>
void each_element(const Shape& shape, const std::vector<std::int64_t>& strides, std::size_t axis, F&& f) {
  const std::uint64_t count = count_of(shape);
  std::vector<std::int64_t> index(shape.size(), 0);
  std::int64_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    f(static_cast<std::size_t>(i), at);
    for (std::size_t d = shape.size(); d-- > 0;) {
      const std::int64_t step = d == axis ? 0 : strides[d];
      at += step;
      if (++index[d] < shape[d]) break;
      at -= step * shape[d];
      index[d] = 0;
    }
  }
}

void check_elementwise(const KernelContext& c, const Tensor& data, const Tensor& indices, std::size_t axis) {
  bool fits = data.rank() == indices.rank();
  for (std::size_t i = 0; i < data.rank() && fits; ++i) fits = i == axis || indices.dim(i) <= data.dim(i);
  if (!fits) c.fail(Code::mismatch, format("indices of shape {} into {}", text_of(indices.shape()), text_of(data.shape())));
}

void gather_elements(KernelContext& c) {
  const Tensor &in = c.input(0), &indices = c.input(1);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.rank());
  check_elementwise(c, in, indices, axis);
  const std::vector<std::int64_t> at = positions(c, indices, in.dim(axis));
  const std::vector<std::int64_t> strides = strides_of(in.shape());
  Tensor& out = c.output(0, in.dtype(), indices.shape());
  dispatch_move(c, in.dtype(), [&]<class T>() {
    each_element(indices.shape(), strides, axis, [&](std::size_t i, std::int64_t base) { raw<T>(out)[i] = raw<T>(in)[base + at[i] * strides[axis]]; });
  });
}
void infer_gather_elements(InferContext& c) {
  c.outputs[0] = c.input(1);
  c.outputs[0].dtype = c.input(0).dtype;
}

// A copy of input 0 that may be written to.
Tensor copy_of(const Tensor& in) {
  Tensor out(in.dtype(), in.shape());
  if (in.dtype() == DType::string) std::ranges::copy(in.data<std::string>(), out.mutable_data<std::string>().begin());
  else std::ranges::copy(in.blob().bytes, raw<std::byte>(out));
  return out;
}

// put(to, value) joins an update with what is there.
template <class F>
void scatter_with(const KernelContext& c, std::string_view reduction, DType dtype, F&& f) {
  if (reduction == "none") {
    return dispatch_move(c, dtype, [&]<class T>() { f.template operator()<T>([](T& to, const T& value) { to = value; }); });
  }
  dispatch(c, dtype, NumberTypes{}, [&]<class T>() {
    using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, Wide<T>>;
    using W = Wide<T>;
    if (reduction == "add") f.template operator()<T>([](T& to, const T& v) { to = static_cast<T>(static_cast<U>(to) + static_cast<U>(v)); });
    else if (reduction == "mul") f.template operator()<T>([](T& to, const T& v) { to = static_cast<T>(static_cast<U>(to) * static_cast<U>(v)); });
    else if (reduction == "max") f.template operator()<T>([](T& to, const T& v) { to = static_cast<W>(to) < static_cast<W>(v) ? v : to; });
    else if (reduction == "min") f.template operator()<T>([](T& to, const T& v) { to = static_cast<W>(v) < static_cast<W>(to) ? v : to; });
    else c.fail(Code::unsupported, format("reduction {}", reduction));
  });
}

void scatter_elements(KernelContext& c) {
  const Tensor &in = c.input(0), &indices = c.input(1), &updates = c.input(2);
  want_same(c, 0, 2);
  const std::size_t axis = axis_of(c, c.integer("axis", 0), in.rank());
  check_elementwise(c, in, indices, axis);
  if (updates.shape() != indices.shape()) c.fail(Code::mismatch, "updates and indices differ in shape");
  const std::vector<std::int64_t> at = positions(c, indices, in.dim(axis));
  const std::vector<std::int64_t> strides = strides_of(in.shape());
  Tensor out = copy_of(in);
  scatter_with(c, c.text("reduction", "none"), in.dtype(), [&]<class T>(auto put) {
    each_element(indices.shape(), strides, axis, [&](std::size_t i, std::int64_t base) { put(raw<T>(out)[base + at[i] * strides[axis]], raw<T>(updates)[i]); });
  });
  c.set_output(0, std::move(out));
}

// The offsets that rows of `indices` (from its last dimension) name in `data`, `batch` leading dimensions apart.
struct Rows {
  std::vector<std::int64_t> offsets;
  std::int64_t run = 1;  // elements at each offset
};
Rows rows_of(const KernelContext& c, const Tensor& data, const Tensor& indices, std::size_t batch) {
  if (indices.dtype() != DType::int64) c.fail(Code::mismatch, "indices are not int64");
  if (indices.rank() == 0 || indices.rank() <= batch || data.rank() <= batch) c.fail(Code::mismatch, "the rank is too small");
  const auto depth = static_cast<std::size_t>(indices.shape().back());
  if (batch + depth > data.rank()) c.fail(Code::mismatch, format("indices of {} dimensions into {}", depth, text_of(data.shape())));
  for (std::size_t i = 0; i < batch; ++i) {
    if (data.dim(i) != indices.dim(i)) c.fail(Code::mismatch, "batch dimensions differ");
  }
  const std::vector<std::int64_t> strides = strides_of(data.shape());
  Rows out;
  for (std::size_t i = batch + depth; i < data.rank(); ++i) out.run *= data.dim(i);
  Shape lead(indices.shape().begin(), indices.shape().end() - 1);
  const auto count = static_cast<std::size_t>(count_of(lead));
  std::size_t batches = 1;
  for (std::size_t i = 0; i < batch; ++i) batches *= static_cast<std::size_t>(data.dim(i));
  const std::size_t per_batch = batches == 0 ? 0 : count / batches;
  const std::int64_t batch_stride = batch == 0 ? 0 : strides[batch - 1];
  const std::int64_t* index = indices.data<std::int64_t>().data();
  out.offsets.resize(count);
  for (std::size_t r = 0; r < count; ++r) {
    std::int64_t at = per_batch == 0 ? 0 : static_cast<std::int64_t>(r / per_batch) * batch_stride;
    for (std::size_t d = 0; d < depth; ++d) {
      const std::int64_t length = data.dim(batch + d);
      std::int64_t i = index[r * depth + d];
      if (i < -length || i >= length) c.fail(Code::mismatch, format("index {} in a dimension of {}", i, length));
      if (i < 0) i += length;
      at += i * strides[batch + d];
    }
    out.offsets[r] = at;
  }
  return out;
}

void gather_nd(KernelContext& c) {
  const Tensor &in = c.input(0), &indices = c.input(1);
  const std::int64_t batch = c.integer("batch_dims", 0);
  if (batch < 0 || batch > 64) c.fail(Code::corrupt, format("batch_dims {}", batch));
  const Rows rows = rows_of(c, in, indices, static_cast<std::size_t>(batch));
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  shape.insert(shape.end(), in.shape().begin() + batch + indices.shape().back(), in.shape().end());
  Tensor& out = c.output(0, in.dtype(), shape);
  dispatch_move(c, in.dtype(), [&]<class T>() {
    T* to = raw<T>(out);
    for (const std::int64_t at : rows.offsets) to = std::copy_n(raw<T>(in) + at, rows.run, to);
  });
}
void infer_gather_nd(InferContext& c) {
  const Type &in = c.input(0), &indices = c.input(1);
  c.outputs[0] = unknown_shape(in.dtype);
  const std::int64_t batch = c.integer("batch_dims", 0);
  if (!in.has_rank || !indices.has_rank || indices.shape.empty() || !indices.shape.back().known()) return;
  const std::int64_t from = batch + indices.shape.back().value;
  if (batch < 0 || from > static_cast<std::int64_t>(in.shape.size())) c.fail(Code::corrupt, "indices reach beyond the rank");
  std::vector<Dim> dims(indices.shape.begin(), indices.shape.end() - 1);
  dims.insert(dims.end(), in.shape.begin() + from, in.shape.end());
  c.outputs[0] = Type::tensor(in.dtype, std::move(dims));
}

void scatter_nd(KernelContext& c) {
  const Tensor &in = c.input(0), &indices = c.input(1), &updates = c.input(2);
  want_same(c, 0, 2);
  const Rows rows = rows_of(c, in, indices, 0);
  if (updates.size() != rows.offsets.size() * static_cast<std::size_t>(rows.run)) c.fail(Code::mismatch, format("updates of shape {}", text_of(updates.shape())));
  Tensor out = copy_of(in);
  scatter_with(c, c.text("reduction", "none"), in.dtype(), [&]<class T>(auto put) {
    const T* from = raw<T>(updates);
    for (const std::int64_t at : rows.offsets) {
      for (std::int64_t i = 0; i < rows.run; ++i) put(raw<T>(out)[at + i], *from++);
    }
  });
  c.set_output(0, std::move(out));
}

// Indices outside [-depth, depth) give a row of off values (OneHot-11).
void one_hot(KernelContext& c) {
  const Tensor &indices = c.input(0), &depth_of = c.input(1), &values = c.input(2);
  if (depth_of.size() != 1 || values.size() != 2) c.fail(Code::mismatch, "depth is no scalar, or values are not two");
  const double wanted = depth_of.number(0);
  if (!(wanted >= 0 && wanted < 0x1p40)) c.fail(Code::mismatch, format("a depth of {}", wanted));
  const auto depth = static_cast<std::int64_t>(wanted);
  const std::size_t axis = axis_of(c, c.integer("axis", -1), indices.rank() + 1);
  Shape shape = indices.shape();
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  Tensor& out = output_by_value(c, 0, values.dtype(), shape);
  const Around a = around(shape, axis);
  dispatch_move(c, values.dtype(), [&]<class T>() {
    T* to = raw<T>(out);
    std::fill_n(to, out.size(), raw<T>(values)[0]);
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t i = 0; i < a.inner; ++i) {
        const double v = indices.number(static_cast<std::size_t>(o * a.inner + i));
        if (!(v >= -wanted && v < wanted)) continue;
        auto at = static_cast<std::int64_t>(v);
        if (at < 0) at += depth;
        if (at < 0 || at >= depth) continue;  // a depth that is no whole number
        to[(o * depth + at) * a.inner + i] = raw<T>(values)[1];
      }
    }
  });
}
void infer_one_hot(InferContext& c) {
  const Type& indices = c.input(0);
  const DType dtype = c.input(2).dtype;
  c.outputs[0] = unknown_shape(dtype);
  if (!indices.has_rank) return;
  std::vector<Dim> dims = indices.shape;
  const std::size_t axis = axis_of(c, c.integer("axis", -1), dims.size() + 1);
  const Tensor* depth = c.constant(1);
  const bool known = depth != nullptr && depth->size() == 1 && depth->dtype() != DType::string && depth->number(0) >= 0 && depth->number(0) < 0x1p40;
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), known ? dim(depth->integer(0)) : Dim{});
  c.outputs[0] = Type::tensor(dtype, std::move(dims));
}

void non_zero(KernelContext& c) {
  const Tensor& in = c.input(0);
  std::vector<std::int64_t> found;
  dispatch(c, in.dtype(), AllTypes{}, [&]<class T>() {
    const std::span<const T> from = in.data<T>();
    for (std::size_t i = 0; i < from.size(); ++i) {
      if constexpr (std::is_same_v<T, std::string>) {
        if (!from[i].empty()) found.push_back(static_cast<std::int64_t>(i));
      } else {
        if (from[i] != T{0}) found.push_back(static_cast<std::int64_t>(i));
      }
    }
  });
  const auto count = static_cast<std::int64_t>(found.size());
  const std::span<std::int64_t> to = c.output(0, DType::int64, {static_cast<std::int64_t>(in.rank()), count}).mutable_data<std::int64_t>();
  const std::vector<std::int64_t> strides = strides_of(in.shape());
  for (std::size_t d = 0; d < in.rank(); ++d) {
    for (std::size_t i = 0; i < found.size(); ++i) to[d * found.size() + i] = found[i] / strides[d] % in.dim(d);
  }
}
void infer_non_zero(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = Type::tensor(DType::int64, {in.has_rank ? dim(static_cast<std::int64_t>(in.shape.size())) : any_dim(), any_dim()});
}

// Equal elements keep their order; NaN counts as the largest, as in NumPy's sort (ONNX is silent).
void top_k(KernelContext& c) {
  const Tensor& in = c.input(0);
  const std::vector<std::int64_t> wanted = integers_of(c, c.input(1));
  const std::size_t axis = axis_of(c, c.integer("axis", -1), in.rank());
  const Around a = around(in.shape(), axis);
  if (wanted.size() != 1 || wanted[0] < 0 || wanted[0] > a.length) c.fail(Code::mismatch, format("the first {} of {}", text_of(wanted), a.length));
  const std::int64_t k = wanted[0];
  const bool largest = c.integer("largest", 1) != 0;
  Shape shape = in.shape();
  shape[axis] = k;
  Tensor values(in.dtype(), shape);
  Tensor where(DType::int64, shape);
  dispatch(c, in.dtype(), NumberTypes{}, [&]<class T>() {
    using W = Wide<T>;
    const T* from = in.data<T>().data();
    T* to = values.mutable_data<T>().data();
    std::int64_t* at = where.mutable_data<std::int64_t>().data();
    std::vector<std::int64_t> order(static_cast<std::size_t>(a.length));
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t i = 0; i < a.inner; ++i) {
        const T* x = from + o * a.length * a.inner + i;
        const auto below = [](W p, W q) {
          if constexpr (is_real<T>) {
            if (std::isnan(p) || std::isnan(q)) return !std::isnan(p) && std::isnan(q);
          }
          return p < q;
        };
        const auto before = [&](std::int64_t p, std::int64_t q) {
          const W vp = x[p * a.inner], vq = x[q * a.inner];
          if (largest ? below(vq, vp) : below(vp, vq)) return true;
          if (largest ? below(vp, vq) : below(vq, vp)) return false;
          return p < q;
        };
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
        for (std::int64_t j = 0; j < k; ++j) {
          const std::int64_t slot = (o * k + j) * a.inner + i;
          at[slot] = order[static_cast<std::size_t>(j)];
          to[slot] = x[order[static_cast<std::size_t>(j)] * a.inner];
        }
      }
    }
  });
  c.set_output(0, std::move(values));
  if (c.wants_output(1)) c.set_output(1, std::move(where));
}
void infer_top_k(InferContext& c) {
  Type out = c.input(0);
  if (out.has_rank) {
    const std::size_t axis = axis_of(c, c.integer("axis", -1), out.shape.size());
    const auto k = constant_integers(c, 1);
    out.shape[axis] = k && k->size() == 1 && (*k)[0] >= 0 ? dim((*k)[0]) : Dim{};
  }
  c.outputs[0] = out;
  out.dtype = DType::int64;
  if (c.outputs.size() > 1) c.outputs[1] = std::move(out);
}

void compress(KernelContext& c) {
  want(c, 1, DType::boolean);
  const bool flat = !c.has("axis");
  const Tensor in = flat ? c.input(0).reshaped({static_cast<std::int64_t>(c.input(0).size())}) : c.input(0);
  const std::size_t axis = flat ? 0 : axis_of(c, c.integer("axis"), in.rank());
  const std::span<const bool> keep = c.input(1).data<bool>();
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < std::min(keep.size(), static_cast<std::size_t>(in.dim(axis))); ++i) {
    if (keep[i]) kept.push_back(static_cast<std::int64_t>(i));
  }
  Shape shape = in.shape();
  shape[axis] = static_cast<std::int64_t>(kept.size());
  Tensor& out = c.output(0, in.dtype(), shape);
  const Around a = around(in.shape(), axis);
  dispatch_move(c, in.dtype(), [&]<class T>() {
    T* to = raw<T>(out);
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (const std::int64_t i : kept) to = std::copy_n(raw<T>(in) + (o * a.length + i) * a.inner, a.inner, to);
    }
  });
}
void infer_compress(InferContext& c) {
  const Type& in = c.input(0);
  if (!c.has("axis")) {
    c.outputs[0] = ranked(in.dtype, 1);
    return;
  }
  c.outputs[0] = in;
  if (in.has_rank) c.outputs[0].shape[axis_of(c, c.integer("axis"), in.shape.size())] = Dim{};
}

constexpr Op kOps[] = {
    {"", "Gather", "Slices of the data along `axis`, by index.", infer_gather, gather},
    {"", "GatherElements", "One element for each index, along `axis`.", infer_gather_elements, gather_elements},
    {"", "GatherND", "Slices by rows of indices, after batch_dims.", infer_gather_nd, gather_nd},
    {"", "ScatterElements", "The data with one element set for each index; reduction none, add, mul, max, min.", infer_same, scatter_elements},
    {"", "ScatterND", "The data with slices set by rows of indices; reduction none, add, mul, max, min.", infer_same, scatter_nd},
    {"", "OneHot", "Along `axis` the on value at the index, the off value elsewhere.", infer_one_hot, one_hot},
    {"", "NonZero", "The indices of the elements that are not zero, one column each.", infer_non_zero, non_zero},
    {"", "TopK", "The k largest (or smallest) along `axis` with their indices, in order; equal elements by index.", infer_top_k, top_k},
    {"", "Compress", "The slices along `axis` for which the condition is true.", infer_compress, compress},
};

}  // namespace

DECANT_AT_START std::span<const Op> index_ops() { return kOps; }

}  // namespace decant
