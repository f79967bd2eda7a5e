// SPDX-License-Identifier: Apache-2.0
// The first byte chooses the method, and whether a size is promised.
#include "codecs/compress/compress.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto method = static_cast<compress::Method>(data[0] % 9);
  const bool promised = (data[0] & 0x80) != 0;
  const std::uint64_t expected = promised ? data[1] * 256u + data[2] : 0;
  return fuzz::accept([&] {
    const Source source = fuzz::source(data + 3, size - 3);
    Cursor cursor(source);
    const compress::Unpacked out = compress::unpack(cursor, method, promised ? std::optional(expected) : std::nullopt);
    fuzz::require(out.end == cursor.offset() && out.end <= size);
    fuzz::require(!promised || out.data.size() == expected);
    fuzz::require(out.data.size() <= fuzz::kMemory);
  });
}
