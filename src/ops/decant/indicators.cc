// SPDX-License-Identifier: Apache-2.0
// decant.Indicators: which of the known values each element is, as zeros and ones side by side: one-hot codes. Where many values are known,
// an element is looked up instead of compared with each.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ops/expr.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// Up to so many numbers are compared one by one.
constexpr std::size_t kFew = 16;

/// The known values of one column.
template <class T>
struct Known {
  std::vector<T> values;
  std::vector<std::pair<T, std::size_t>> sorted;  // numbers that are too many to be compared one by one
  std::size_t size() const { return values.size(); }

  void add(std::span<const T> some) {
    values.assign(some.begin(), some.end());
    if (values.size() <= kFew) return;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] == values[k]) sorted.emplace_back(values[k], k);  // a NaN equals nothing
    }
    std::ranges::sort(sorted);
  }
  void mark(const T& v, double* out) const {
    if (values.size() <= kFew) {
      for (std::size_t k = 0; k < values.size(); ++k) out[k] = v == values[k] ? 1.0 : 0.0;
      return;
    }
    std::fill_n(out, values.size(), 0.0);
    auto at = std::ranges::lower_bound(sorted, v, {}, &std::pair<T, std::size_t>::first);
    for (; at != sorted.end() && at->first == v; ++at) out[at->second] = 1;
  }
};

template <>
struct Known<std::string> {
  std::vector<std::string> values;
  std::unordered_multimap<std::string_view, std::size_t> places;
  std::size_t size() const { return values.size(); }

  Known() = default;
  Known(Known&&) = default;  // the strings stay where they are, and so do the views
  Known(const Known&) = delete;
  void add(std::span<const std::string> some) {
    values.assign(some.begin(), some.end());
    for (std::size_t k = 0; k < values.size(); ++k) places.emplace(values[k], k);
  }
  void mark(const std::string& v, double* out) const {
    std::fill_n(out, values.size(), 0.0);
    for (auto [at, end] = places.equal_range(v); at != end; ++at) out[at->second] = 1;
  }
};

template <class T>
struct Group {
  std::vector<Known<T>> columns;  // of one input
  std::size_t width = 0;
};
using AnyGroup = std::variant<Group<std::string>, Group<double>, Group<std::int64_t>>;

struct Groups {
  std::vector<AnyGroup> groups;
  std::size_t width = 0;  // of the answer
};

std::size_t width_of(const AnyGroup& group) {
  return std::visit([](const auto& g) { return g.width; }, group);
}

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Groups>();
  for (std::size_t i = 1; i < c.inputs.size(); i += 2) {
    const Tensor* known = c.constants[i];
    if (known == nullptr || known->rank() != 2 || known->size() == 0) c.fail(Code::corrupt, "the known values must be a constant matrix that is not empty");
    dispatch(c, known->dtype(), Types<std::string, double, std::int64_t>{}, [&]<class T>() {
      Group<T> group;
      const auto n = static_cast<std::size_t>(known->dim(1));
      for (std::size_t f = 0; f < static_cast<std::size_t>(known->dim(0)); ++f) group.columns.emplace_back().add(known->data<T>().subspan(f * n, n));
      group.width = known->size();
      out->groups.emplace_back(std::move(group));
    });
    out->width += width_of(out->groups.back());
  }
  return out;
}

void run(KernelContext& c) {
  const auto& known = c.state<Groups>();
  const Tensor& first = c.input(0);
  if (first.rank() != 2) c.fail(Code::mismatch, format("values of shape {}, a matrix is needed", text_of(first.shape())));
  const auto rows = static_cast<std::size_t>(first.dim(0));
  double* out = c.output(0, DType::float64, {first.dim(0), static_cast<std::int64_t>(known.width)}).mutable_data<double>().data();
  // A few rows at a time, so that what they write is still near when the next column comes.
  constexpr std::size_t kRows = 64;
  for (std::size_t i = 0; i < known.groups.size(); ++i) {
    want_same(c, 2 * i, 2 * i + 1);
    const Tensor &x = c.input(2 * i), &values = c.input(2 * i + 1);
    if (x.rank() != 2 || x.dim(0) != first.dim(0) || x.dim(1) != values.dim(0)) c.fail(Code::mismatch, format("values of shape {} beside {} rows, known ones of shape {}", text_of(x.shape()), rows, text_of(values.shape())));
  }
  for (std::size_t begin = 0; begin < rows; begin += kRows) {
    const std::size_t end = std::min(rows, begin + kRows);
    std::size_t done = 0;
    for (std::size_t i = 0; i < known.groups.size(); ++i) {
      std::visit(
          [&]<class T>(const Group<T>& group) {
            const T* x = c.input(2 * i).template data<T>().data();
            const std::size_t columns = group.columns.size();
            for (std::size_t r = begin; r < end; ++r) {
              double* to = out + r * known.width + done;
              for (std::size_t f = 0; f < columns; ++f) {
                group.columns[f].mark(x[r * columns + f], to);
                to += group.columns[f].size();
              }
            }
            done += group.width;
          },
          known.groups[i]);
    }
  }
}

void infer(InferContext& c) {
  if (c.input_count() < 2 || c.input_count() % 2 != 0) c.fail(Code::corrupt, format("{} inputs, where values and known values alternate", c.input_count()));
  const Type& x = c.input(0);
  std::int64_t width = 0;
  for (std::size_t i = 1; i < c.input_count(); i += 2) {
    const Tensor* known = c.constant(i);
    if (known == nullptr || known->rank() != 2 || known->size() == 0) c.fail(Code::corrupt, "the known values must be a constant matrix that is not empty");
    width += static_cast<std::int64_t>(known->size());
  }
  c.outputs[0] = Type::tensor(DType::float64, {x.has_rank && !x.shape.empty() ? x.shape[0] : any_dim(), dim(width)});
}

std::vector<ValueId> lower(Builder& b, const Node&, const std::vector<ValueId>& inputs) {
  std::vector<Expr> parts;
  for (std::size_t i = 0; i + 1 < inputs.size(); i += 2) {
    const Expr x(b, inputs[i]), known(b, inputs[i + 1]);
    const std::int64_t columns = known.dim(0), n = known.dim(1);
    if (columns == 1) parts.push_back(cast(equal(x, known), DType::float64));
    else parts.push_back(reshape(cast(equal(unsqueeze(x, 2), known), DType::float64), {-1, columns * n}));
  }
  return {(parts.size() == 1 ? parts[0] : concat(parts, 1)).id()};
}

constexpr Op kOps[] = {
    {"decant", "Indicators",
     "Inputs in pairs: X [N, F] and constant known values [F, K] of the same type (string, float64, int64). For each pair, row and column K numbers, 1 where the element equals the known "
     "value, else 0; side by side, float64.",
     infer, run, prepare, lower},
};

}  // namespace

DECANT_AT_START std::span<const Op> indicators_ops() { return kOps; }

}  // namespace decant
