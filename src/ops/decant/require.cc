// SPDX-License-Identifier: Apache-2.0
// Require: a value that is only right where a condition holds, as a framework that refuses bad input has it.
#include <algorithm>
#include <functional>

#include "ops/builder.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void run(KernelContext& c) {
  want(c, 1, DType::boolean);
  const std::span<const bool> holds = c.input(1).data<bool>();
  // Which row it is cannot be said here: a model's rows come in blocks.
  if (!std::ranges::all_of(holds, std::identity{})) c.fail(Code::mismatch, c.text("message"));
  c.set_output(0, c.input(0));
}

std::vector<ValueId> lower(Builder& b, const Node&, const std::vector<ValueId>& inputs) { return {b.op("Identity", {inputs.at(0)})}; }

constexpr Op kOps[] = {
    {"decant", "Require", "The first input as it is, where every element of the second holds (boolean, rows first); else an error with `message`.", infer_same, run,
     nullptr, lower, "bad input that the framework refuses is not refused"},
};

}  // namespace

DECANT_AT_START std::span<const Op> require_ops() { return kOps; }

}  // namespace decant
