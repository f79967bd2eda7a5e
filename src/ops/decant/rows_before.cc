// SPDX-License-Identifier: Apache-2.0
// RowsBefore: for each row the places of those before it with the same key, for values that lag behind and windows that roll.
// There is no body in standard ONNX: how many rows have a key depends on the data.
#include <unordered_map>

#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

template <class T>
void fill(std::span<const T> keys, std::size_t n, std::span<std::int64_t> out) {
  std::unordered_map<T, std::vector<std::int64_t>> seen;  // rows of a key so far
  for (std::size_t row = 0; row < keys.size(); ++row) {
    std::vector<std::int64_t>& rows = seen[keys[row]];
    for (std::size_t back = 0; back < n; ++back) out[row * n + back] = back < rows.size() ? rows[rows.size() - 1 - back] : -1;
    rows.push_back(static_cast<std::int64_t>(row));
  }
}

void run(KernelContext& c) {
  const Tensor& keys = c.input(0);
  if (keys.rank() != 2 || keys.dim(1) != 1) c.fail(Code::mismatch, format("keys of shape {}", text_of(keys.shape())));
  const std::int64_t n = c.integer("n");
  const std::span<std::int64_t> out = c.output(0, DType::int64, {keys.dim(0), n}).mutable_data<std::int64_t>();
  if (keys.dtype() == DType::string) return fill(keys.data<std::string>(), static_cast<std::size_t>(n), out);
  want(c, 0, DType::float64);
  fill(keys.data<double>(), static_cast<std::size_t>(n), out);
}

void infer(InferContext& c) {
  const std::int64_t n = c.integer("n");
  if (n < 1 || n > 10'000) c.fail(Code::corrupt, format("n={}", n));
  const Type& keys = c.input(0);
  if (keys.rank() != 2u) c.fail(Code::mismatch, "keys are one column [N, 1]");
  c.outputs[0] = Type::tensor(DType::int64, {keys.shape[0], {n, {}}});
}

constexpr Op kOps[] = {{"decant", "RowsBefore",
                        "Keys [N, 1] (float64 or texts) as int64 [N, n]: the rows before each row that have its key, the nearest first; -1 where there are none left.", infer, run, nullptr, nullptr,
                        "no standard operator looks back by key: written as decant's own operator, which other runtimes do not know"}};

}  // namespace

DECANT_AT_START std::span<const Op> rows_before_ops() { return kOps; }

}  // namespace decant
