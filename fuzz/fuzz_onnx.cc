// SPDX-License-Identifier: Apache-2.0
// What opens must print, and survive being written and read again.
#include "formats/onnx/onnx_reader.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Model model = onnx::read(fuzz::source(data, size));
    fuzz::require(!print(model.graph).empty() || model.graph.nodes.empty());
    for (const Node& node : model.graph.nodes) {
      for (const ValueId id : node.inputs) fuzz::require(id == kNoValue || static_cast<std::size_t>(id) < model.graph.values.size());
      fuzz::require(!node.outputs.empty());
    }
  });
}
