// SPDX-License-Identifier: Apache-2.0
// Rows in JSON, as one list and as one value a line.
#include "data/data.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Signature signature;
  signature.inputs.push_back({"a", Type::tensor(DType::string, {Dim{}, Dim{1, {}}}), {}});
  signature.inputs.push_back({"b", Type::tensor(DType::float64, {Dim{}, Dim{1, {}}}), {}});
  for (const bool lines : {false, true}) {
    fuzz::accept([&] {
      const Frame frame = read_json(fuzz::source(data, size), lines);
      fuzz::require(frame.cells.size() == frame.rows * frame.width);
      fuzz::require(frame.names.empty() || frame.names.size() == frame.width);
      bind(frame, signature, "fuzz");
    });
  }
  return 0;
}
