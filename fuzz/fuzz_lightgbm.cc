// SPDX-License-Identifier: Apache-2.0
// The text of LightGBM, up to the graph.
#include "frameworks/lightgbm/booster.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Model model = lightgbm::read(lightgbm::parse(fuzz::source(data, size)));
    fuzz::require(!model.signature.outputs.empty());
  });
}
