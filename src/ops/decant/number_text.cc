// SPDX-License-Identifier: Apache-2.0
// NumberText: numbers as the texts that Python prints, for tables in which they stand beside texts. ONNX leaves open how Cast spells a real.
#include "base/number.h"
#include "ops/builder.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void run(KernelContext& c) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  Tensor& out = c.output(0, DType::string, x.shape());
  const std::span<std::string> to = out.mutable_data<std::string>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = number_text(x.data<double>()[i]);
}

void infer(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::string;
}

std::vector<ValueId> lower(Builder& b, const Node&, const std::vector<ValueId>& inputs) {
  return {b.op("Cast", {inputs.at(0)}, {{"to", std::int64_t{8}}})};  // TensorProto.STRING
}

constexpr Op kOps[] = {
    {"decant", "NumberText", "float64 as the shortest texts that read back as the same numbers, spelled as Python does it.", infer, run, nullptr, lower,
     "numbers beside texts may be spelled otherwise"},
};

}  // namespace

DECANT_AT_START std::span<const Op> number_text_ops() { return kOps; }

}  // namespace decant
