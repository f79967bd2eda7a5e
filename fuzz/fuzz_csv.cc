// SPDX-License-Identifier: Apache-2.0
// A table has as many cells as its rows and columns say, whatever the header is taken for; binding it to a model is an answer or an Error.
#include "data/data.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Signature numbers, columns;
  numbers.inputs.push_back({"X", Type::tensor(DType::float64, {Dim{}, Dim{}}), {"a", "b"}});
  columns.inputs.push_back({"a", Type::tensor(DType::string, {Dim{}, Dim{1, {}}}), {}});
  columns.inputs.push_back({"b", Type::tensor(DType::float64, {Dim{}, Dim{1, {}}}), {}});
  for (const std::optional<bool> header : {std::optional<bool>(), std::optional(true), std::optional(false)}) {
    fuzz::accept([&] {
      const Frame frame = read_csv(fuzz::source(data, size), header);
      fuzz::require(frame.cells.size() == frame.rows * frame.width);
      fuzz::require(frame.names.empty() || frame.names.size() == frame.width);
      fuzz::accept([&] { fuzz::require(bind(frame, columns, "fuzz").size() == 2); });
      bind(frame, numbers, "fuzz");
    });
  }
  return 0;
}
