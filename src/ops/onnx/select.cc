// SPDX-License-Identifier: Apache-2.0
// Operators that choose among elements by their values (ai.onnx): Unique, NonMaxSuppression; and some that stand alone: Det, BitCast, SwiGLU.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/bounded.h"
#include "ops/widen.h"

namespace decant {
namespace {

// --- Unique (11) --------------------------------------------------------------------------------------------------------------------------------

// Elements, or slices of an axis, compared one number after the other; NaN after all others.
void unique(KernelContext& c) {
  const Tensor& whole = c.input(0);
  const bool by_axis = c.has("axis"), sorted = c.integer("sorted", 1) != 0;
  const Tensor x = by_axis ? whole : whole.reshaped({static_cast<std::int64_t>(whole.size())});
  const std::size_t axis = by_axis ? axis_of(c, c.integer("axis"), x.rank()) : 0;
  const Around a = around(x.shape(), axis);
  const std::size_t n = z(a.length);
  dispatch(c, x.dtype(), AllTypes{}, [&]<class T>() {
    const T* from = x.data<T>().data();
    const auto compare = [&](std::size_t p, std::size_t q) {
      for (std::int64_t o = 0; o < a.outer; ++o) {
        for (std::int64_t i = 0; i < a.inner; ++i) {
          const T &left = from[(o * a.length + static_cast<std::int64_t>(p)) * a.inner + i], &right = from[(o * a.length + static_cast<std::int64_t>(q)) * a.inner + i];
          if constexpr (is_real<T>) {
            const auto l = static_cast<Wide<T>>(left), r = static_cast<Wide<T>>(right);
            if (std::isnan(l) != std::isnan(r)) return std::isnan(l) ? 1 : -1;
            if (l < r) return -1;
            if (r < l) return 1;
          } else {
            if (left < right) return -1;
            if (right < left) return 1;
          }
        }
      }
      return 0;
    };
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (a.outer * a.inner == 0) order.resize(std::min<std::size_t>(n, 1));
    std::ranges::stable_sort(order, [&](std::size_t p, std::size_t q) { return compare(p, q) < 0; });
    std::vector<std::size_t> firsts;                  // of each group, the element that is first in the input
    std::vector<std::int64_t> group(n, 0), counts;
    for (const std::size_t i : order) {
      if (firsts.empty() || compare(firsts.back(), i) != 0) firsts.push_back(i), counts.push_back(0);
      group[i] = static_cast<std::int64_t>(firsts.size()) - 1;
      ++counts.back();
    }
    if (!sorted) {
      std::vector<std::size_t> by_place(firsts.size());
      std::iota(by_place.begin(), by_place.end(), std::size_t{0});
      std::ranges::sort(by_place, {}, [&](std::size_t g) { return firsts[g]; });
      std::vector<std::int64_t> moved(firsts.size()), new_counts;
      std::vector<std::size_t> new_firsts;
      for (std::size_t k = 0; k < by_place.size(); ++k) {
        moved[by_place[k]] = static_cast<std::int64_t>(k);
        new_firsts.push_back(firsts[by_place[k]]);
        new_counts.push_back(counts[by_place[k]]);
      }
      firsts = std::move(new_firsts), counts = std::move(new_counts);
      for (std::int64_t& g : group) g = moved.empty() ? 0 : moved[z(g)];
    }
    Shape shape = x.shape();
    shape[axis] = static_cast<std::int64_t>(firsts.size());
    Tensor& out = c.output(0, x.dtype(), shape);
    T* to = out.mutable_data<T>().data();
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (const std::size_t f : firsts) to = std::copy_n(from + (o * a.length + static_cast<std::int64_t>(f)) * a.inner, a.inner, to);
    }
    if (c.wants_output(1)) c.set_output(1, Tensor::vector(std::vector<std::int64_t>(firsts.begin(), firsts.end())));
    if (c.wants_output(2)) c.set_output(2, Tensor::vector(group));
    if (c.wants_output(3)) c.set_output(3, Tensor::vector(counts));
  });
}
void infer_unique(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = c.has("axis") ? (x.has_rank ? ranked(x.dtype, x.shape.size()) : unknown_shape(x.dtype)) : ranked(x.dtype, 1);
  for (std::size_t i = 1; i < c.outputs.size(); ++i) c.outputs[i] = ranked(DType::int64, 1);
}

// --- NonMaxSuppression (11) -----------------------------------------------------------------------------------------------------------------------

struct Box {
  float y1, x1, y2, x2;
  float area() const { return (y2 - y1) * (x2 - x1); }
};
float overlap(const Box& a, const Box& b) {
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1), width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (!(height > 0) || !(width > 0)) return 0;
  const float both = height * width, all = a.area() + b.area() - both;
  return all > 0 ? both / all : 0;
}
void non_max_suppression(KernelContext& c) {
  const Tensor &boxes = c.input(0), &scores = c.input(1);
  want(c, 0, DType::float32);
  want(c, 1, DType::float32);
  if (boxes.rank() != 3 || boxes.dim(2) != 4 || scores.rank() != 3 || scores.dim(0) != boxes.dim(0) || scores.dim(2) != boxes.dim(1)) {
    c.fail(Code::mismatch, format("boxes {} and scores {}", text_of(boxes.shape()), text_of(scores.shape())));
  }
  const auto option = [&](std::size_t i, double otherwise) {
    if (!c.has_input(i)) return otherwise;
    if (c.input(i).size() != 1) c.fail(Code::mismatch, format("input {} is no scalar", i));
    return c.input(i).number(0);
  };
  const double most = option(2, 0);
  const auto limit = static_cast<float>(option(3, 0)), least = static_cast<float>(option(4, 0));
  const bool has_least = c.has_input(4), centred = c.integer("center_point_box", 0) != 0;
  const std::int64_t n = boxes.dim(1);
  std::vector<std::int64_t> found;
  for (std::int64_t b = 0; b < boxes.dim(0); ++b) {
    std::vector<Box> all;
    for (std::int64_t i = 0; i < n; ++i) {
      const float* p = boxes.data<float>().data() + (b * n + i) * 4;
      if (centred) all.push_back({p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2});  // x, y, width, height
      else all.push_back({std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])});
    }
    for (std::int64_t k = 0; k < scores.dim(1); ++k) {
      const float* score = scores.data<float>().data() + (b * scores.dim(1) + k) * n;
      std::vector<std::int64_t> order, kept;
      for (std::int64_t i = 0; i < n; ++i) {
        if (!has_least || score[i] > least) order.push_back(i);
      }
      std::ranges::stable_sort(order, [&](std::int64_t p, std::int64_t q) { return score[p] > score[q]; });
      for (const std::int64_t i : order) {
        if (static_cast<double>(kept.size()) >= most) break;
        if (std::ranges::any_of(kept, [&](std::int64_t j) { return overlap(all[z(i)], all[z(j)]) > limit; })) continue;
        kept.push_back(i);
        found.insert(found.end(), {b, k, i});
      }
    }
  }
  c.set_output(0, Tensor::vector(found).reshaped({static_cast<std::int64_t>(found.size() / 3), 3}));
}
void infer_non_max_suppression(InferContext& c) { c.outputs[0] = Type::tensor(DType::int64, {any_dim(), dim(3)}); }

// --- Det (22): by elimination with pivots -------------------------------------------------------------------------------------------------------------

void det(KernelContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2 || x.dim(x.rank() - 1) != x.dim(x.rank() - 2)) c.fail(Code::mismatch, format("matrices {}", text_of(x.shape())));
  const std::int64_t n = x.shape().back();
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const std::span<T> out = c.output(0, x.dtype(), Shape(x.shape().begin(), x.shape().end() - 2)).template mutable_data<T>();
    std::vector<double> m(z(n * n));
    for (std::size_t k = 0; k < out.size(); ++k) {
      std::copy_n(x.data<T>().data() + k * z(n * n), n * n, m.begin());
      double value = 1;
      for (std::int64_t i = 0; i < n && value != 0; ++i) {
        std::int64_t pivot = i;
        for (std::int64_t r = i + 1; r < n; ++r) {
          if (std::fabs(m[z(r * n + i)]) > std::fabs(m[z(pivot * n + i)])) pivot = r;
        }
        if (pivot != i) {
          std::swap_ranges(m.begin() + i * n, m.begin() + (i + 1) * n, m.begin() + pivot * n);
          value = -value;
        }
        value *= m[z(i * n + i)];
        for (std::int64_t r = i + 1; r < n && value != 0; ++r) {
          const double factor = m[z(r * n + i)] / m[z(i * n + i)];
          for (std::int64_t j = i; j < n; ++j) m[z(r * n + j)] -= factor * m[z(i * n + j)];
        }
      }
      out[k] = static_cast<T>(value);
    }
  });
}
void infer_det(InferContext& c) {
  c.outputs[0] = c.input(0);
  if (c.outputs[0].shape.size() >= 2) c.outputs[0].shape.resize(c.outputs[0].shape.size() - 2);
}

// --- BitCast (26) -----------------------------------------------------------------------------------------------------------------------------------

DType cast_target(const AttributeView& c) {
  const std::int64_t to = c.integer("to");
  if (to < 1 || to > static_cast<std::int64_t>(kLastElementType)) c.fail(Code::corrupt, format("to {}", to));
  return static_cast<DType>(to);
}
void bit_cast(KernelContext& c) {
  const Tensor& x = c.input(0);
  const DType to = cast_target(c);
  if (x.dtype() == DType::string || to == DType::string || bits_of(x.dtype()) != bits_of(to)) c.fail(Code::mismatch, format("{} as {}", name_of(x.dtype()), name_of(to)));
  if (to == DType::boolean && x.dtype() != to) {  // anything but 0 and 1 is no bool in C++
    for (const std::byte b : x.blob().bytes) {
      if (b != std::byte{0} && b != std::byte{1}) c.fail(Code::mismatch, format("a truth value of {}", static_cast<int>(b)));
    }
  }
  c.set_output(0, Tensor(to, x.shape(), x.blob()));
}
void infer_bit_cast(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = cast_target(c);
}

// --- SwiGLU (28) --------------------------------------------------------------------------------------------------------------------------------------

void swiglu(KernelContext& c) {
  want_same(c, 0, 1);
  if (c.input(0).shape() != c.input(1).shape()) c.fail(Code::mismatch, format("inputs {} and {}", text_of(c.input(0).shape()), text_of(c.input(1).shape())));
  dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() {
    const std::span<const T> a = c.input(0).data<T>(), b = c.input(1).data<T>();
    const std::span<T> to = c.output(0, c.input(0).dtype(), c.input(0).shape()).template mutable_data<T>();
    const T alpha = static_cast<T>(c.real("alpha", 1));
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = a[i] / (1 + std::exp(-alpha * a[i])) * b[i];
  });
}

constexpr Op kOps[] = {
    {"", "Unique", "The different elements, or slices of an axis, in order or as they come; where they are and how many (Unique-11).", infer_unique, unique},
    {"", "NonMaxSuppression", "The boxes with the highest scores that do not overlap too much (NonMaxSuppression-11).", infer_non_max_suppression, non_max_suppression},
    {"", "Det", "The determinants of square matrices.", infer_det, in_float<det>},
    {"", "BitCast", "The same bits as another element type of the same size (BitCast-26).", infer_bit_cast, bit_cast},
    {"", "SwiGLU", "a * sigmoid(alpha * a) * b (SwiGLU-28).", infer_same, in_float<swiglu>},
};

}  // namespace

DECANT_AT_START std::span<const Op> select_ops() { return kOps; }

}  // namespace decant
