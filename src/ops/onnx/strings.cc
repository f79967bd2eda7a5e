// SPDX-License-Identifier: Apache-2.0
// StringConcat (ai.onnx, 20).
#include "ops/kernel.h"

namespace decant {
namespace {

void string_concat(KernelContext& c) {
  want(c, 0, DType::string);
  want(c, 1, DType::string);
  const auto loop = broadcast<2>(c, {&c.input(0).shape(), &c.input(1).shape()});
  const std::span<const std::string> a = c.input(0).data<std::string>(), b = c.input(1).data<std::string>();
  const std::span<std::string> out = c.output(0, DType::string, loop.shape).mutable_data<std::string>();
  loop.each_row([&](std::int64_t at, const auto& from, std::int64_t n, const auto& step) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[static_cast<std::size_t>(at + i)] = a[static_cast<std::size_t>(from[0] + i * step[0])] + b[static_cast<std::size_t>(from[1] + i * step[1])];
    }
  });
}

constexpr Op kOps[] = {{"", "StringConcat", "Texts of A and B joined, element by element.", infer_broadcast, string_concat}};

}  // namespace

std::span<const Op> strings_ops() { return kOps; }

}  // namespace decant
