// SPDX-License-Identifier: Apache-2.0
// Whatever opens is planned and run on two rows of zeros, by the fast kernels and by the reference ones: an answer or an Error, never a crash
// and never for ever.
#include "base/checked.h"
#include "exec/session.h"
#include "formats/format.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const auto model = std::make_shared<const Model>(read_model(fuzz::source(data, size)));
    std::vector<Tensor> inputs;
    for (const Input& input : model->signature.inputs) {
      Shape shape;
      std::uint64_t count = 1;
      for (const Dim& d : input.type.shape) {
        shape.push_back(d.known() ? d.value : 2);
        count = sat_mul(count, static_cast<std::uint64_t>(shape.back()));
      }
      if (count > (1u << 20) || input.type.dtype == DType::undefined) return;  // wide on purpose: nothing to learn from waiting
      inputs.emplace_back(input.type.dtype, std::move(shape));
    }
    for (const bool reference : {false, true}) {
      fuzz::accept([&] {
        SessionOptions how;
        how.threads = 1;
        how.reference_kernels = reference;
        const Session session(model, how);
        fuzz::require(session.run(inputs, {}).size() == model->signature.outputs.size());
      });
    }
  });
}
