// SPDX-License-Identifier: Apache-2.0
// Images of any format: the memory that a header asks for is known before anything is decoded, and every pixel of the result is written.
#include <vector>

#include "fuzz.h"
#include "image_codecs/api.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const decant_image_api& api = images::api();
  decant_image_info info{};
  char why[200] = "";
  if (api.probe(data, size, &info, why, sizeof why) != DECANT_IMAGE_DONE) {
    fuzz::require(why[0] != '\0');
    return 0;
  }
  fuzz::require(info.width > 0 && info.height > 0 && (info.channels == 1 || info.channels == 3));
  // Few pixels: what is looked for here is what a header does, not how long a large image takes.
  const std::uint64_t pixels = std::uint64_t{info.width} * info.height;
  if (pixels > (std::uint64_t{1} << 20) || info.working > fuzz::kMemory) return 0;
  std::vector<std::uint8_t> out(pixels * info.channels);
  const decant_image_result result = api.decode(data, size, &info, fuzz::kMemory, out.data(), why, sizeof why);
  fuzz::require(result == DECANT_IMAGE_DONE || why[0] != '\0');
  return 0;
}
