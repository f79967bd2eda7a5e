// SPDX-License-Identifier: Apache-2.0
#include "frameworks/python/numpy.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const Source source = fuzz::source(data, size);
    Cursor cursor(source);
    const python::NpyFile file = python::read_npy(cursor);
    // What was read can be written, and reads as the same type and shape.
    if (!file.array.type.has_objects()) {
      const std::string header = npy::write_header(file.array.type, file.array.shape);
      const Blob copy = Blob::copy_of(as_bytes(header + std::string(as_text(file.array.data.bytes))));
      Cursor again(Source::memory(copy, "again", fuzz::kMemory));
      const npy::Header second = npy::read_header(again);
      fuzz::require(second.shape == file.array.shape && second.type.itemsize == file.array.type.itemsize &&
                    second.type.kind == file.array.type.kind);
    }
    fuzz::require(file.array.tensor().size() == file.array.count());
  });
}
