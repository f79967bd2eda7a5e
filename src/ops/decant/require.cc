// SPDX-License-Identifier: Apache-2.0
// Require: a value that is only right where a condition holds, as a framework that refuses bad input has it.
#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void run(KernelContext& c) {
  want(c, 1, DType::boolean);
  const std::span<const bool> holds = c.input(1).data<bool>();
  for (std::size_t i = 0; i < holds.size(); ++i) {
    if (holds[i]) continue;
    const auto& shape = c.input(1).shape();
    const std::size_t width = shape.empty() || shape[0] == 0 ? 1 : holds.size() / static_cast<std::size_t>(shape[0]);
    c.fail(Code::mismatch, format("row {}: {}", i / width, c.text("message")));
  }
  c.set_output(0, c.input(0));
}

std::vector<ValueId> lower(Builder&, const Node&, const std::vector<ValueId>& inputs) { return {inputs.at(0)}; }

constexpr Op kOps[] = {
    {"decant", "Require", "The first input as it is, where every element of the second holds (boolean, rows first); else an error with `message`.", infer_same, run,
     nullptr, lower, "bad input that the framework refuses is not refused"},
};

}  // namespace

std::span<const Op> require_ops() { return kOps; }

}  // namespace decant
