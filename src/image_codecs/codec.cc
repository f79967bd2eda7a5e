// SPDX-License-Identifier: Apache-2.0
#include "image_codecs/codec.h"

#include <algorithm>

namespace decant::images {

void bad(std::string why) { throw Failure(DECANT_IMAGE_BAD, std::move(why)); }
void too_large(std::string why) { throw Failure(DECANT_IMAGE_LIMIT, std::move(why)); }

Bytes part(Bytes b, std::size_t at, std::size_t size) {
  if (at > b.size() || size > b.size() - at) bad("the bytes end at " + std::to_string(b.size()) + ", " + std::to_string(size) + " are needed at " + std::to_string(at));
  return b.subspan(at, size);
}

namespace {
std::uint32_t number(Bytes b, std::size_t at, std::size_t size, bool big) {
  const Bytes p = part(b, at, size);
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | p[big ? i : size - 1 - i];
  return out;
}
}  // namespace

std::uint32_t le16(Bytes b, std::size_t at) { return number(b, at, 2, false); }
std::uint32_t le32(Bytes b, std::size_t at) { return number(b, at, 4, false); }
std::uint32_t be16(Bytes b, std::size_t at) { return number(b, at, 2, true); }
std::uint32_t be32(Bytes b, std::size_t at) { return number(b, at, 4, true); }

void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i, cmyk += 4, rgb += 3) {
    const int light = 255 - cmyk[3];
    for (std::size_t k = 0; k < 3; ++k) {
      const int product = cmyk[k] * light + 128;  // a * b / 255, rounded
      rgb[k] = static_cast<std::uint8_t>(std::clamp(light - (((product >> 8) + product) >> 8), 0, 255));
    }
  }
}

}  // namespace decant::images
