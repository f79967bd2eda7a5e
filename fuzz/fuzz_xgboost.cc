// SPDX-License-Identifier: Apache-2.0
// Every encoding of XGBoost, up to the graph.
#include "frameworks/xgboost/booster.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Model model = xgboost::read(xgboost::parse(fuzz::source(data, size)));
    fuzz::require(!model.signature.outputs.empty());
  });
}
