// SPDX-License-Identifier: Apache-2.0
// skops archives, up to the graph.
#include "formats/format.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Model model = find_format("skops")->read(fuzz::source(data, size), {});
    fuzz::require(!model.signature.outputs.empty());
  });
}
