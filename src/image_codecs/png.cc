// SPDX-License-Identifier: Apache-2.0
// PNG by libpng: colours as they stand (no gamma, no profile), alpha and transparency dropped, of 16 bits the upper 8. libpng leaves an
// error by longjmp: only functions without destructors lie between.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::uint8_t* at = nullptr;
  std::size_t left = 0;
  std::jmp_buf escape;
  char message[200] = "";

  Reader() = default;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

[[noreturn]] void leave(png_structp png, png_const_charp why) {
  auto& r = *static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(r.message, sizeof r.message, "%s", why);
  std::longjmp(r.escape, 1);
}
void ignore(png_structp, png_const_charp) {}
void take(png_structp png, png_bytep to, std::size_t n) {
  auto& r = *static_cast<Reader*>(png_get_io_ptr(png));
  if (n > r.left) png_error(png, "the bytes end");
  std::memcpy(to, r.at, n);
  r.at += n;
  r.left -= n;
}

// Text, profiles and times are not needed, and may be bombs of their own.
constexpr png_byte kLeftOut[] = "iCCP\0iTXt\0tEXt\0zTXt\0eXIf\0hIST\0oFFs\0pCAL\0pHYs\0sCAL\0sPLT\0tIME\0tRNS\0gAMA\0cHRM\0sRGB\0bKGD\0sBIT";

bool open(Reader& r, const std::uint8_t* data, std::size_t size) {
  r.at = data;
  r.left = size;
  if (setjmp(r.escape) != 0) return false;
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, leave, ignore);
  if (r.png == nullptr) return false;
  r.info = png_create_info_struct(r.png);
  if (r.info == nullptr) return false;
  png_set_user_limits(r.png, 0x7fffffff, 0x7fffffff);  // the caller's limit is one of memory
  png_set_chunk_malloc_max(r.png, 1 << 20);
  png_set_chunk_cache_max(r.png, 100);
  png_set_keep_unknown_chunks(r.png, PNG_HANDLE_CHUNK_NEVER, kLeftOut, static_cast<int>(sizeof kLeftOut / 5));
  png_set_read_fn(r.png, &r, take);
  png_read_info(r.png, r.info);
  return true;
}

bool read(Reader& r, png_bytep* rows) {
  if (setjmp(r.escape) != 0) return false;
  const png_byte colour = png_get_color_type(r.png, r.info);
  png_set_strip_16(r.png);
  png_set_packing(r.png);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r.png);
  else if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(r.png);
  if ((colour & PNG_COLOR_MASK_ALPHA) != 0) png_set_strip_alpha(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  png_read_image(r.png, rows);
  return true;
}

void start(Reader& r, Bytes data) {
  if (!open(r, data.data(), data.size())) bad(std::string("PNG: ") + (r.message[0] != '\0' ? r.message : "out of memory"));
}

Header probe(Bytes data) {
  Reader r;
  start(r, data);
  const bool gray = (png_get_color_type(r.png, r.info) & PNG_COLOR_MASK_COLOR) == 0;
  // Rows as they are in the file, before anything is dropped, and where the rows of the result begin.
  const std::uint64_t width = png_get_image_width(r.png, r.info), height = png_get_image_height(r.png, r.info);
  return {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), gray ? 1u : 3u, (std::uint64_t{1} << 20) + width * 8 * 4 + height * sizeof(png_bytep)};
}

void decode(Bytes data, const Header& header, std::uint64_t, std::uint8_t* out) {
  std::vector<png_bytep> rows(header.height);
  const std::size_t row = std::size_t{header.width} * header.channels;
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = out + y * row;
  Reader r;
  start(r, data);
  if (!read(r, rows.data())) bad(std::string("PNG: ") + r.message);
}

bool mine(Bytes data) { return starts_with(data, "\x89PNG\r\n\x1a\n"); }

}  // namespace

const Codec kPng{"PNG", mine, probe, decode};

}  // namespace decant::images
