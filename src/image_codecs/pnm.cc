// SPDX-License-Identifier: Apache-2.0
// PBM, PGM and PPM, plain and binary (netpbm.sourceforge.net/doc/{pbm,pgm,ppm}.html). Values of another maximum than 255 are scaled to it and
// rounded to the even neighbour, as Pillow 12.0 does (PpmImagePlugin.py).
#include <charconv>
#include <cmath>
#include <cstring>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

constexpr const char* kSpace = " \t\n\r\v\f";

struct Text {
  Bytes data;
  std::size_t at = 0;

  /// Past white space and comments, which end with their line.
  void skip() {
    while (at < data.size()) {
      const char c = static_cast<char>(data[at]);
      if (c == '#') {
        while (at < data.size() && data[at] != '\n' && data[at] != '\r') ++at;
      } else if (c != '\0' && std::strchr(kSpace, c) != nullptr) {
        ++at;
      } else {
        return;
      }
    }
  }
  std::uint32_t number() {
    skip();
    std::uint32_t out = 0;
    const char* begin = reinterpret_cast<const char*>(data.data()) + at;
    const auto [end, error] = std::from_chars(begin, reinterpret_cast<const char*>(data.data()) + data.size(), out);
    if (error != std::errc()) bad("PNM: no number at " + std::to_string(at));
    at += static_cast<std::size_t>(end - begin);
    return out;
  }
};

struct Start {
  int kind = 0;  // of P1 to P6
  std::uint32_t width = 0, height = 0, most = 1;
  Text text;
};

Start start_of(Bytes data) {
  Start out;
  out.kind = data[1] - '0';
  out.text = {data, 2};
  out.width = out.text.number();
  out.height = out.text.number();
  if (out.kind != 1 && out.kind != 4) out.most = out.text.number();
  if (out.most == 0 || out.most > 65535) bad("PNM: a maximum of " + std::to_string(out.most));
  if (out.kind >= 4) {  // one white space, then the pixels
    part(data, out.text.at, 1);
    ++out.text.at;
  }
  return out;
}

Header probe(Bytes data) {
  const Start s = start_of(data);
  const std::uint32_t channels = s.kind % 3 == 0 ? 3 : 1;
  // What lies there is at least a bit, a byte or a digit for each value: a header of large numbers alone is refused here.
  const std::uint64_t values = std::uint64_t{s.width} * s.height;
  const std::uint64_t least = s.kind == 4 ? std::uint64_t{(s.width + std::uint64_t{7}) / 8} * s.height : values;
  if (least > data.size() - s.text.at) bad("PNM: " + std::to_string(data.size() - s.text.at) + " bytes for " + std::to_string(s.width) + " x " + std::to_string(s.height) + " pixels");
  return {s.width, s.height, channels, std::uint64_t{1} << 16};
}

void decode(Bytes data, const Header& header, std::uint64_t, std::uint8_t* out) {
  Start s = start_of(data);
  const std::size_t count = std::size_t{header.width} * header.height * header.channels;
  if (s.kind == 4) {  // rows of whole bytes, 1 is black
    const std::size_t row = (std::size_t{header.width} + 7) / 8;
    const Bytes bits = part(data, s.text.at, row * header.height);
    for (std::size_t y = 0; y < header.height; ++y) {
      for (std::size_t x = 0; x < header.width; ++x) *out++ = (bits[y * row + x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
    return;
  }
  if (s.kind == 1) {
    for (std::size_t i = 0; i < count; ++i) {
      s.text.skip();
      const std::uint8_t digit = part(data, s.text.at++, 1)[0];
      if (digit != '0' && digit != '1') bad("PNM: neither 0 nor 1 at " + std::to_string(s.text.at - 1));
      out[i] = digit == '1' ? 0 : 255;
    }
    return;
  }
  std::vector<std::uint8_t> scaled(s.most + 1);
  for (std::uint32_t v = 0; v <= s.most; ++v) scaled[v] = static_cast<std::uint8_t>(std::nearbyint(static_cast<double>(v) / s.most * 255.0));
  if (s.kind <= 3) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t v = s.text.number();
      if (v > s.most) bad("PNM: " + std::to_string(v) + " is more than the maximum of " + std::to_string(s.most));
      out[i] = scaled[v];
    }
    return;
  }
  const std::size_t width = s.most > 255 ? 2 : 1;
  const Bytes values = part(data, s.text.at, count * width);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t v = width == 2 ? std::uint32_t{values[2 * i]} << 8 | values[2 * i + 1] : values[i];
    out[i] = scaled[v > s.most ? s.most : v];
  }
}

bool mine(Bytes data) { return data.size() > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && std::strchr(" \t\n\r\v\f#", data[2]) != nullptr && data[2] != 0; }

}  // namespace

const Codec kPnm{"PNM", mine, probe, decode};

}  // namespace decant::images
