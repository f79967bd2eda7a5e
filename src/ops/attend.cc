// SPDX-License-Identifier: Apache-2.0
#include "ops/attend.h"

#include <cmath>
#include <limits>

#include "ops/gemm.h"

namespace decant {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

// [B, a, b, D] as [B, b, a, D]
Tensor swapped(const Tensor& t) {
  const std::int64_t batch = t.dim(0), a = t.dim(1), b = t.dim(2), bytes = t.dim(3) * static_cast<std::int64_t>(size_of(t.dtype()));
  Tensor out(t.dtype(), {batch, b, a, t.dim(3)});
  auto* to = const_cast<std::byte*>(out.blob().bytes.data());
  const std::byte* from = t.blob().bytes.data();
  for (std::int64_t n = 0; n < batch; ++n) {
    for (std::int64_t j = 0; j < b; ++j) {
      for (std::int64_t i = 0; i < a; ++i, to += bytes) std::copy_n(from + ((n * a + i) * b + j) * bytes, bytes, to);
    }
  }
  return out;
}

}  // namespace

Tensor split_heads(const AttributeView& c, const Tensor& t, std::int64_t heads) {
  if (t.rank() == 4) return t;
  if (t.rank() != 3 || heads < 1 || t.dim(2) % heads != 0) c.fail(Code::mismatch, format("{} heads of a value {}", heads, text_of(t.shape())));
  return swapped(t.reshaped({t.dim(0), t.dim(1), heads, t.dim(2) / heads}));
}

Tensor joined_heads(const Tensor& t) { return swapped(t).reshaped({t.dim(0), t.dim(2), t.dim(1) * t.dim(3)}); }

Tensor joined_lengths(const AttributeView& c, const Tensor& past, const Tensor& now) {
  if (past.rank() != 4 || now.rank() != 4 || past.dtype() != now.dtype() || past.dim(0) != now.dim(0) || past.dim(1) != now.dim(1) || past.dim(3) != now.dim(3)) {
    c.fail(Code::mismatch, format("what is past is {}{}, what is new {}{}", name_of(past.dtype()), text_of(past.shape()), name_of(now.dtype()), text_of(now.shape())));
  }
  Tensor out(now.dtype(), {now.dim(0), now.dim(1), past.dim(2) + now.dim(2), now.dim(3)});
  const std::size_t a = z(past.dim(2) * past.dim(3)) * size_of(now.dtype()), b = z(now.dim(2) * now.dim(3)) * size_of(now.dtype());
  auto* to = const_cast<std::byte*>(out.blob().bytes.data());
  for (std::size_t i = 0; i < z(now.dim(0) * now.dim(1)); ++i, to += a + b) {
    std::copy_n(past.blob().bytes.data() + i * a, a, to);
    std::copy_n(now.blob().bytes.data() + i * b, b, to + a);
  }
  return out;
}

Mask::Mask(const AttributeView& c, const Tensor& mask, const Heads& h) {
  if (mask.rank() > 4 || mask.rank() == 0) c.fail(Code::mismatch, format("a mask of shape {}", text_of(mask.shape())));
  values_ = Tensor(DType::float64, mask.shape());
  if (mask.dtype() == DType::boolean) {
    for (std::size_t i = 0; i < mask.size(); ++i) values_.mutable_data<double>()[i] = mask.data<bool>()[i] ? 0 : kHidden;
  } else {
    values_ = as_real(c, mask, DType::float64);
  }
  const std::int64_t want[3] = {h.batch, h.q, h.q_length};
  Shape shape(4 - mask.rank(), 1);
  shape.insert(shape.end(), mask.shape().begin(), mask.shape().end());
  const std::vector<std::int64_t> steps = strides_of(shape);
  for (std::size_t d = 0; d < 3; ++d) {
    if (shape[d] != 1 && shape[d] != want[d]) c.fail(Code::mismatch, format("a mask {} for scores [{}, {}, {}, {}]", text_of(mask.shape()), h.batch, h.q, h.q_length, h.kv_length));
    step_[d] = shape[d] == 1 ? 0 : steps[d];
  }
  width_ = shape[3];
  one_ = width_ == 1 && h.kv_length != 1;
  if (width_ > h.kv_length) c.fail(Code::mismatch, format("a mask {} for {} keys", text_of(mask.shape()), h.kv_length));
}

void Mask::add(std::int64_t b, std::int64_t h, std::int64_t i, std::span<double> row) const {
  const double* from = values_.data<double>().data() + b * step_[0] + h * step_[1] + i * step_[2];
  for (std::size_t j = 0; j < row.size(); ++j) row[j] += one_ ? from[0] : j < z(width_) ? from[j] : kHidden;
}

namespace {

template <class T>
Tensor attend_of(const AttributeView& c, const Tensor& q, const Tensor& k, const Tensor& v, const AttendOptions& o, const RowBias& bias, Tensor* kept) {
  const std::int64_t batch = q.dim(0), heads = q.dim(1), rows = q.dim(2), size = q.dim(3), kv_heads = k.dim(1), columns = k.dim(2), v_size = v.dim(3);
  if (kv_heads == 0 || heads % kv_heads != 0 || k.dim(0) != batch || v.dim(0) != batch || v.dim(1) != kv_heads || k.dim(3) != size || v.dim(2) != columns) {
    c.fail(Code::mismatch, format("queries {}, keys {}, values {}", text_of(q.shape()), text_of(k.shape()), text_of(v.shape())));
  }
  if (sat_mul(static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns)) > (std::uint64_t{1} << 28)) c.fail(Code::limit, format("{} queries for {} keys", rows, columns));
  // Half of the scale on each side: products of large numbers stay finite.
  const T root = static_cast<T>(std::sqrt(o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<double>(size))));
  Tensor out(q.dtype(), {batch, heads, rows, v_size});
  if (kept != nullptr) *kept = Tensor(q.dtype(), {batch, heads, rows, columns});
  std::vector<T> scaled_q(z(rows * size)), turned(z(size * columns)), scores(z(rows * columns));
  std::vector<double> row(z(columns));
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const std::int64_t at = b * heads + h, kv = b * kv_heads + h / (heads / kv_heads);
      const T* from = q.data<T>().data() + at * rows * size;
      for (std::size_t i = 0; i < scaled_q.size(); ++i) scaled_q[i] = from[i] * root;
      transpose<T>(columns, size, k.data<T>().data() + kv * columns * size, turned.data());
      for (T& x : turned) x *= root;
      std::ranges::fill(scores, T{});
      multiply<T>(rows, columns, size, scaled_q.data(), turned.data(), scores.data());
      T* keep = kept != nullptr ? kept->mutable_data<T>().data() + at * rows * columns : nullptr;
      if (o.keep == 0 && keep != nullptr) std::ranges::copy(scores, keep);
      if (o.softcap > 0) {
        for (T& x : scores) x = static_cast<T>(o.softcap) * std::tanh(x / static_cast<T>(o.softcap));
      }
      if (o.keep == 1 && keep != nullptr) std::ranges::copy(scores, keep);
      for (std::int64_t i = 0; i < rows; ++i) {
        T* line = scores.data() + i * columns;
        std::ranges::fill(row, 0.0);
        if (bias) bias(b, h, i, row);
        bool any = false;
        T most = -std::numeric_limits<T>::infinity();
        for (std::int64_t j = 0; j < columns; ++j) {
          any = any || row[z(j)] != kHidden;
          line[j] += static_cast<T>(row[z(j)]);
          most = std::max(most, line[j]);
        }
        if (o.keep == 2 && keep != nullptr) std::copy_n(line, columns, keep + i * columns);
        T sum = 0;
        for (std::int64_t j = 0; j < columns; ++j) {
          line[j] = any && most != -std::numeric_limits<T>::infinity() ? std::exp(line[j] - most) : T{0};
          sum += line[j];
        }
        for (std::int64_t j = 0; j < columns && sum != 0; ++j) line[j] /= sum;
        if (o.keep == 3 && keep != nullptr) std::copy_n(line, columns, keep + i * columns);
      }
      T* to = out.mutable_data<T>().data() + at * rows * v_size;
      std::fill_n(to, rows * v_size, T{});
      multiply<T>(rows, v_size, columns, scores.data(), v.data<T>().data() + kv * columns * v_size, to);
    }
  }
  return out;
}

}  // namespace

Tensor attend(const AttributeView& c, const Tensor& q, const Tensor& k, const Tensor& v, const AttendOptions& o, const RowBias& bias, Tensor* kept) {
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || k.dtype() != q.dtype() || v.dtype() != q.dtype()) {
    c.fail(Code::mismatch, format("queries {}{}, keys {}{}, values {}{}", name_of(q.dtype()), text_of(q.shape()), name_of(k.dtype()), text_of(k.shape()), name_of(v.dtype()), text_of(v.shape())));
  }
  Tensor out;
  dispatch(c, q.dtype(), RealTypes{}, [&]<class T>() { out = attend_of<T>(c, q, k, v, o, bias, kept); });
  return out;
}

}  // namespace decant
