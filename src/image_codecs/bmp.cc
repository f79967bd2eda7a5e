// SPDX-License-Identifier: Apache-2.0
// Windows and OS/2 bitmaps of 1 to 32 bits, with palettes, bit fields and both run lengths, as [MS-WMF] 2.2.2.9 and "Bitmap Storage" of the
// Windows documentation describe them. Left out: JPEG or PNG inside of a bitmap. Alpha is dropped.
#include <algorithm>
#include <array>
#include <bit>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

struct Field {
  std::uint32_t mask = 0;
  std::uint8_t of(std::uint32_t pixel) const {
    if (mask == 0) return 0;
    const auto bits = static_cast<unsigned>(std::popcount(mask));
    const std::uint32_t v = (pixel & mask) >> std::countr_zero(mask);
    return bits > 8 ? static_cast<std::uint8_t>(v >> (bits - 8)) : spread(v, bits);
  }
};

struct Start {
  std::uint32_t width = 0, height = 0, bits = 0, compression = 0, pixels = 0;
  bool top_down = false;
  std::array<Field, 3> fields;
  std::vector<std::array<std::uint8_t, 3>> palette;
};

constexpr std::uint32_t kPlain = 0, kRle8 = 1, kRle4 = 2, kFields = 3, kAlphaFields = 6;

Start start_of(Bytes data) {
  Start s;
  const std::uint32_t size = le32(data, 14);
  s.pixels = le32(data, 10);
  std::uint32_t colours = 0;
  if (size == 12) {
    s.width = le16(data, 18);
    s.height = le16(data, 20);
    s.bits = le16(data, 24);
  } else if (size >= 16 && size <= 4096) {
    s.width = le32(data, 18);
    s.height = le32(data, 22);
    if (s.height >> 31 != 0) {
      s.top_down = true;
      s.height = 0u - s.height;
    }
    s.bits = le16(data, 28);
    if (size >= 40) {
      s.compression = le32(data, 30);
      colours = le32(data, 46);
    }
  } else {
    bad("BMP: a header of " + std::to_string(size) + " bytes");
  }
  if (s.width >> 31 != 0 || s.height >> 31 != 0) bad("BMP: a width or height of 2^31 or more");
  const bool runs = (s.compression == kRle8 && s.bits == 8) || (s.compression == kRle4 && s.bits == 4);
  const bool fields = (s.compression == kFields || s.compression == kAlphaFields) && (s.bits == 16 || s.bits == 32);
  const bool known = s.bits == 1 || s.bits == 2 || s.bits == 4 || s.bits == 8 || s.bits == 16 || s.bits == 24 || s.bits == 32;
  if (!known || (s.compression != kPlain && !runs && !fields)) bad("BMP: " + std::to_string(s.bits) + " bits of compression " + std::to_string(s.compression));
  if (runs && s.top_down) bad("BMP: run lengths from the top");
  if (fields) {  // inside of a long header, or behind the short one: at the same place
    for (std::size_t k = 0; k < 3; ++k) s.fields[k].mask = le32(data, 54 + 4 * k);
    for (const Field& f : s.fields) {
      const std::uint32_t v = f.mask == 0 ? 0 : f.mask >> std::countr_zero(f.mask);
      if ((v & (v + 1)) != 0) bad("BMP: a colour of bits that do not lie side by side");
    }
  } else if (s.bits == 16) {
    s.fields = {Field{0x7C00}, Field{0x03E0}, Field{0x001F}};
  } else {
    s.fields = {Field{0xFF0000}, Field{0xFF00}, Field{0xFF}};
  }
  if (s.bits <= 8) {
    const std::size_t entry = size == 12 ? 3 : 4, most = std::size_t{1} << s.bits;
    const std::size_t n = colours == 0 ? most : std::min<std::size_t>(colours, most);
    const Bytes table = part(data, 14 + std::size_t{size}, n * entry);
    for (std::size_t i = 0; i < n; ++i) s.palette.push_back({table[i * entry + 2], table[i * entry + 1], table[i * entry]});
    s.palette.resize(256);
  }
  return s;
}

std::size_t row_bytes(const Start& s) { return (std::size_t{s.width} * s.bits + 31) / 32 * 4; }

Header probe(Bytes data) {
  const Start s = start_of(data);
  if (s.compression != kRle8 && s.compression != kRle4) {
    const std::uint64_t have = s.pixels < data.size() ? data.size() - s.pixels : 0;
    // Some writers leave the padding of the last row away.
    const std::uint64_t last = (std::uint64_t{s.width} * s.bits + 7) / 8;
    if (s.height > 0 && (s.height - 1 > have / std::max<std::uint64_t>(row_bytes(s), 1) || (s.height - 1) * std::uint64_t{row_bytes(s)} + last > have)) {
      bad("BMP: " + std::to_string(have) + " bytes for " + std::to_string(s.width) + " x " + std::to_string(s.height) + " pixels of " + std::to_string(s.bits) + " bits");
    }
    return {s.width, s.height, 3, 4096};
  }
  return {s.width, s.height, 3, 4096 + std::uint64_t{s.width} * s.height};
}

std::size_t row_of(const Start& s, std::size_t y) { return s.top_down ? y : s.height - 1 - y; }

// Run lengths: pairs of a count and an index; after a 0 the end of a row (0) or of the image (1), a step (2), or so many plain indices.
void decode_runs(Bytes data, const Start& s, std::uint8_t* out) {
  std::vector<std::uint8_t> index(std::size_t{s.width} * s.height, 0);
  std::size_t x = 0, y = 0, at = s.pixels;
  const bool four = s.compression == kRle4;
  const auto put = [&](std::uint8_t value) {
    if (x < s.width && y < s.height) index[y * s.width + x] = value;
    ++x;
  };
  for (;;) {
    if (y >= s.height) break;
    const std::uint8_t count = part(data, at, 2)[0], value = data[at + 1];
    at += 2;
    if (count > 0) {
      for (std::size_t i = 0; i < count; ++i) put(!four ? value : i % 2 == 0 ? value >> 4 : value & 15);
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      break;
    } else if (value == 2) {
      const Bytes step = part(data, at, 2);
      x += step[0];
      y += step[1];
      at += 2;
    } else {
      const std::size_t bytes = four ? (value + std::size_t{1}) / 2 : value;
      const Bytes plain = part(data, at, bytes);
      for (std::size_t i = 0; i < value; ++i) put(!four ? plain[i] : i % 2 == 0 ? plain[i / 2] >> 4 : plain[i / 2] & 15);
      at += (bytes + 1) / 2 * 2;
    }
  }
  for (std::size_t row = 0; row < s.height; ++row) {
    std::uint8_t* to = out + row_of(s, row) * s.width * 3;
    for (std::size_t i = 0; i < s.width; ++i, to += 3) std::ranges::copy(s.palette[index[row * s.width + i]], to);
  }
}

void decode(Bytes data, const Header&, std::uint64_t, std::uint8_t* out) {
  const Start s = start_of(data);
  if (s.compression == kRle8 || s.compression == kRle4) return decode_runs(data, s, out);
  const std::size_t row = row_bytes(s), used = (std::size_t{s.width} * s.bits + 7) / 8;
  for (std::size_t y = 0; y < s.height; ++y) {
    const Bytes from = part(data, s.pixels + y * row, used);
    std::uint8_t* to = out + row_of(s, y) * s.width * 3;
    for (std::size_t x = 0; x < s.width; ++x, to += 3) {
      if (s.bits <= 8) {
        const std::size_t per = 8 / s.bits;
        const auto v = static_cast<std::size_t>(from[x / per] >> (8 - s.bits * (x % per + 1)) & ((1u << s.bits) - 1));
        std::ranges::copy(s.palette[v], to);
      } else if (s.bits == 24) {
        to[0] = from[3 * x + 2], to[1] = from[3 * x + 1], to[2] = from[3 * x];
      } else {
        const std::uint32_t pixel = s.bits == 16 ? le16(from, 2 * x) : le32(from, 4 * x);
        for (std::size_t k = 0; k < 3; ++k) to[k] = s.fields[k].of(pixel);
      }
    }
  }
}

bool mine(Bytes data) { return data.size() >= 26 && starts_with(data, "BM"); }

}  // namespace

const Codec kBmp{"BMP", mine, probe, decode};

}  // namespace decant::images
