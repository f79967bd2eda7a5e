// SPDX-License-Identifier: Apache-2.0
// What an image format is to decant_images.so: one constant, in a file of its own. Sizes are checked before anything is allocated; the
// libraries' own messages end in Failure, never on stderr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "images/image_api.h"

namespace decant::images {

using Bytes = std::span<const std::uint8_t>;

struct Failure : std::exception {
  Failure(decant_image_result r, std::string why) : result(r), text(std::move(why)) {}
  const char* what() const noexcept override { return text.c_str(); }
  decant_image_result result;
  std::string text;
};
[[noreturn]] void bad(std::string why);         // the bytes are no image
[[noreturn]] void too_large(std::string why);   // it could be decoded with more memory

struct Header {
  std::uint32_t width = 0, height = 0, channels = 3;
  std::uint64_t working = 0;
};

struct Codec {
  const char* name;
  bool (*mine)(Bytes);
  Header (*probe)(Bytes);
  /// `out` holds what the header says; `memory` is what may be allocated beside it.
  void (*decode)(Bytes, const Header&, std::uint64_t memory, std::uint8_t* out);
};
extern const Codec kBmp, kJpeg, kJpeg2000, kPng, kPnm, kTiff, kWebp;

inline std::string_view text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline bool starts_with(Bytes b, std::string_view magic) { return text_of(b).starts_with(magic); }

/// Numbers at a place; `bad` where the bytes end before.
Bytes part(Bytes b, std::size_t at, std::size_t size);
std::uint32_t le16(Bytes b, std::size_t at);
std::uint32_t le32(Bytes b, std::size_t at);
std::uint32_t be16(Bytes b, std::size_t at);
std::uint32_t be32(Bytes b, std::size_t at);

/// Ink to light, as Pillow's Convert.c (12.0, cmyk2rgb) does it: what is left of the white that black leaves.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t pixels);
/// A value of `bits` bits spread over 0 to 255.
inline std::uint8_t spread(std::uint32_t value, unsigned bits) { return static_cast<std::uint8_t>(value * 255u / ((1u << bits) - 1u)); }

}  // namespace decant::images
