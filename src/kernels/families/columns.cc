// SPDX-License-Identifier: Apache-2.0
// What tables of columns are made with: texts against all that an encoder knows, truth values and codes as float64, choices between
// float64 numbers.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/kernels.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// --- Equal of texts [N, 1] with constant ones [1, K] ---------------------------------------------------------------------------------------

struct Known {
  Tensor texts;  // which the views are of
  std::unordered_map<std::string_view, std::size_t> positions;
};

std::optional<State> prepare_equal(const PrepareContext& c) {
  if (c.inputs.size() != 2 || c.inputs[0] == nullptr || c.inputs[0]->dtype != DType::string || c.constants[1] == nullptr || c.constants[0] != nullptr) return std::nullopt;
  const Tensor& known = *c.constants[1];
  const bool row = known.rank() == 1 || (known.rank() == 2 && known.dim(0) == 1);
  const Type& x = *c.inputs[0];
  if (!row || known.dtype() != DType::string || known.size() < 2 || x.rank() != std::size_t{2} || x.shape[1].value != 1) return std::nullopt;
  auto out = std::make_shared<Known>();
  out->texts = known;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!out->positions.emplace(out->texts.data<std::string>()[i], i).second) return std::nullopt;  // one that is there twice hits twice
  }
  return out;
}

void equal_texts(KernelContext& c) {
  const auto& known = c.state<Known>();
  want(c, 0, DType::string);
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || x.dim(1) != 1) c.fail(Code::mismatch, format("texts of shape {}, where one column is taken", text_of(x.shape())));
  const std::size_t width = known.texts.size();
  const std::span<bool> out = c.output(0, DType::boolean, {x.dim(0), static_cast<std::int64_t>(width)}).mutable_data<bool>();
  std::ranges::fill(out, false);
  const std::span<const std::string> texts = x.data<std::string>();
  for (std::size_t r = 0; r < texts.size(); ++r) {
    const auto at = known.positions.find(texts[r]);
    if (at != known.positions.end()) out[r * width + at->second] = true;
  }
}

// --- Cast to float64 ------------------------------------------------------------------------------------------------------------------------

std::optional<State> prepare_cast(const PrepareContext& c) {
  const bool known = !c.inputs.empty() && c.inputs[0] != nullptr && (c.inputs[0]->dtype == DType::boolean || c.inputs[0]->dtype == DType::int64 || c.inputs[0]->dtype == DType::float32);
  return known && c.integer("to", 0) == static_cast<std::int64_t>(DType::float64) ? std::optional<State>(nullptr) : std::nullopt;
}

void cast_to_double(KernelContext& c) {
  const Tensor& x = c.input(0);
  double* out = c.output(0, DType::float64, x.shape()).mutable_data<double>().data();
  dispatch(c, x.dtype(), Types<bool, std::int64_t, float>{}, [&]<class T>() {
    const T* in = x.data<T>().data();
    for (std::size_t i = 0, n = x.size(); i < n; ++i) out[i] = static_cast<double>(in[i]);
  });
}

// --- Where --------------------------------------------------------------------------------------------------------------------------------

std::optional<State> prepare_where(const PrepareContext& c) {
  const bool fits = c.inputs.size() == 3 && c.inputs[1] != nullptr && c.inputs[2] != nullptr && c.inputs[1]->dtype == DType::float64 && c.inputs[2]->dtype == DType::float64;
  return fits ? std::optional<State>(nullptr) : std::nullopt;
}

void where_double(KernelContext& c) {
  want(c, 0, DType::boolean);
  want(c, 1, DType::float64);
  want(c, 2, DType::float64);
  const Tensor &condition = c.input(0), &yes = c.input(1), &no = c.input(2);
  const Broadcast<3> loop = broadcast<3>(c, {&condition.shape(), &yes.shape(), &no.shape()});
  const bool* p = condition.data<bool>().data();
  const double *y = yes.data<double>().data(), *n = no.data<double>().data();
  double* out = c.output(0, DType::float64, loop.shape).mutable_data<double>().data();
  loop.each_row([&](std::int64_t to, const std::array<std::int64_t, 3>& at, std::int64_t count, const std::array<std::int64_t, 3>& step) {
    const bool* a = p + at[0];
    const double *b = y + at[1], *d = n + at[2];
    double* z = out + to;
    if (step[0] == 1 && step[1] == 1 && step[2] == 1) {
      for (std::int64_t i = 0; i < count; ++i) z[i] = a[i] ? b[i] : d[i];
    } else if (step[0] == 1 && step[1] == 1 && step[2] == 0) {
      const double other = *d;
      for (std::int64_t i = 0; i < count; ++i) z[i] = a[i] ? b[i] : other;
    } else if (step[0] == 1 && step[1] == 0 && step[2] == 1) {
      const double other = *b;
      for (std::int64_t i = 0; i < count; ++i) z[i] = a[i] ? other : d[i];
    } else {
      for (std::int64_t i = 0; i < count; ++i) z[i] = a[i * step[0]] ? b[i * step[1]] : d[i * step[2]];
    }
  });
}

// float64 to float32, as trees take their rows.
std::optional<State> prepare_narrow(const PrepareContext& c) {
  const bool fits = !c.inputs.empty() && c.inputs[0] != nullptr && c.inputs[0]->dtype == DType::float64 && c.integer("to", 0) == static_cast<std::int64_t>(DType::float32);
  return fits ? std::optional<State>(nullptr) : std::nullopt;
}

void cast_to_float(KernelContext& c) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  const double* in = x.data<double>().data();
  float* out = c.output(0, DType::float32, x.shape()).mutable_data<float>().data();
  for (std::size_t i = 0, n = x.size(); i < n; ++i) out[i] = static_cast<float>(in[i]);
}

constexpr FastKernel kKernels[] = {{"", "Equal", prepare_equal, equal_texts}, {"", "Cast", prepare_cast, cast_to_double}, {"", "Cast", prepare_narrow, cast_to_float}, {"", "Where", prepare_where, where_double}};

}  // namespace

DECANT_AT_START std::span<const FastKernel> columns_kernels() { return kKernels; }

}  // namespace decant
