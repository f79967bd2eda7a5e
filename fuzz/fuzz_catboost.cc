// SPDX-License-Identifier: Apache-2.0
// Both encodings of CatBoost, up to the graph.
#include "frameworks/catboost/booster.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Model model = catboost::read(catboost::parse(fuzz::source(data, size)));
    fuzz::require(!model.signature.outputs.empty());
  });
}
