// SPDX-License-Identifier: Apache-2.0
// TIFF 6.0 and BigTIFF by libtiff, the first picture of a file. Samples of 1 to 16 bits of gray, palette, RGB and ink are put together here (of
// 16 bits the upper 8, alpha dropped, as Pillow does); what is rarer (YCbCr, L*a*b*) by libtiff's own TIFFReadRGBAImage. The orientation is
// applied, as Pillow 12.0 does for TIFF alone (TiffImagePlugin.py, load_end).
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include <tiffio.h>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

// What libtiff reads from, and the first thing that it said.
struct File {
  Bytes data;
  std::size_t at = 0;
  char message[200] = "";
};

File& file_of(thandle_t h) { return *static_cast<File*>(h); }
tmsize_t take(thandle_t h, void* to, tmsize_t size) {
  File& f = file_of(h);
  if (size < 0 || f.at > f.data.size()) return -1;
  const std::size_t n = std::min(static_cast<std::size_t>(size), f.data.size() - f.at);
  std::memcpy(to, f.data.data() + f.at, n);
  f.at += n;
  return static_cast<tmsize_t>(n);
}
tmsize_t refuse(thandle_t, void*, tmsize_t) { return -1; }
toff_t seek(thandle_t h, toff_t to, int whence) {
  File& f = file_of(h);
  f.at = static_cast<std::size_t>(whence == SEEK_SET ? to : whence == SEEK_CUR ? f.at + to : f.data.size() + to);
  return f.at;
}
int nothing(thandle_t) { return 0; }
toff_t size_of(thandle_t h) { return file_of(h).data.size(); }
int map(thandle_t h, void** base, toff_t* size) {
  *base = const_cast<std::uint8_t*>(file_of(h).data.data());
  *size = file_of(h).data.size();
  return 1;
}
void unmap(thandle_t, void*, toff_t) {}
int keep_first(TIFF*, void* user, const char*, const char* text, va_list list) {
  File& f = *static_cast<File*>(user);
  if (f.message[0] == '\0') std::vsnprintf(f.message, sizeof f.message, text, list);
  return 1;
}
int ignore(TIFF*, void*, const char*, const char*, va_list) { return 1; }

using Tiff = std::unique_ptr<TIFF, void (*)(TIFF*)>;

Tiff open(File& file, std::uint64_t largest) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_first, &file);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(std::min<std::uint64_t>(largest, std::uint64_t{1} << 40)));
  Tiff out(TIFFClientOpenExt("image", "r", &file, take, refuse, seek, nothing, size_of, map, unmap, options.get()), TIFFClose);
  if (out == nullptr) bad(std::string("TIFF: ") + (file.message[0] != '\0' ? file.message : "a damaged header"));
  return out;
}

struct Layout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = 0, planar = PLANARCONFIG_CONTIG, orientation = ORIENTATION_TOPLEFT, compression = COMPRESSION_NONE;
  std::uint32_t channels = 3;
  bool own = false;         // put together here
  std::uint64_t chunk = 0;  // bytes of a strip or tile
};

constexpr std::uint16_t kCompressions[] = {COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4, COMPRESSION_LZW, COMPRESSION_JPEG, COMPRESSION_ADOBE_DEFLATE,
                                           COMPRESSION_DEFLATE, COMPRESSION_PACKBITS, COMPRESSION_LZMA, COMPRESSION_ZSTD, COMPRESSION_WEBP};

Layout layout_of(TIFF* t) {
  Layout l;
  std::uint16_t format = SAMPLEFORMAT_UINT;
  if (TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &l.width) == 0 || TIFFGetField(t, TIFFTAG_IMAGELENGTH, &l.height) == 0 || TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &l.photometric) == 0) bad("TIFF: no size or no photometric interpretation");
  TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &l.bits);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &l.samples);
  TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &l.planar);
  TIFFGetFieldDefaulted(t, TIFFTAG_ORIENTATION, &l.orientation);
  TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &l.compression);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &format);
  if (std::ranges::find(kCompressions, l.compression) == std::end(kCompressions)) bad("TIFF: compression " + std::to_string(l.compression));
  if (l.width > 0x7fffffff || l.height > 0x7fffffff || l.samples == 0 || l.samples > 64) bad("TIFF: " + std::to_string(l.samples) + " samples of " + std::to_string(l.width) + " x " + std::to_string(l.height) + " pixels");
  if (l.orientation < 1 || l.orientation > 8) l.orientation = ORIENTATION_TOPLEFT;
  // JPEG inside: libtiff turns chroma into colours.
  if (l.photometric == PHOTOMETRIC_YCBCR && l.compression == COMPRESSION_JPEG && l.planar == PLANARCONFIG_CONTIG) {
    TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    l.photometric = PHOTOMETRIC_RGB;
  }
  std::uint16_t inks = INKSET_CMYK;
  if (l.photometric == PHOTOMETRIC_SEPARATED) TIFFGetFieldDefaulted(t, TIFFTAG_INKSET, &inks);
  const bool gray = l.photometric == PHOTOMETRIC_MINISBLACK || l.photometric == PHOTOMETRIC_MINISWHITE;
  const bool whole = l.bits == 1 || l.bits == 2 || l.bits == 4 || l.bits == 8 || l.bits == 16;
  const bool plain = whole && (format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID);
  const bool colours = (l.photometric == PHOTOMETRIC_RGB && l.samples >= 3) || (l.photometric == PHOTOMETRIC_SEPARATED && l.samples >= 4 && l.planar == PLANARCONFIG_CONTIG && inks == INKSET_CMYK);
  l.own = plain && (gray || colours || (l.photometric == PHOTOMETRIC_PALETTE && l.bits <= 8));
  if (!plain || (!l.own && l.photometric != PHOTOMETRIC_YCBCR && l.photometric != PHOTOMETRIC_CIELAB)) {
    bad("TIFF: photometric interpretation " + std::to_string(l.photometric) + " of " + std::to_string(l.bits) + " bits");
  }
  l.channels = gray ? 1 : 3;
  l.chunk = TIFFIsTiled(t) != 0 ? TIFFTileSize64(t) : TIFFStripSize64(t);
  if (l.chunk == 0) bad("TIFF: strips or tiles of no size");
  return l;
}

// libtiff's tables of strips, and what its decoders keep.
std::uint64_t tables(Bytes data) { return (std::uint64_t{32} << 20) + 8 * std::uint64_t{data.size()}; }

std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }

Header probe(Bytes data) {
  File file{data};
  const Tiff tiff = open(file, tables(data));
  const Layout l = layout_of(tiff.get());
  const std::uint64_t pixels = std::uint64_t{l.width} * l.height;
  std::uint64_t working = plus(tables(data), plus(l.chunk, l.chunk));
  if (!l.own) working = plus(working, pixels * 4);
  if (l.orientation != ORIENTATION_TOPLEFT) working = plus(working, pixels * l.channels);
  Header out{l.width, l.height, l.channels, working};
  if (l.orientation >= ORIENTATION_LEFTTOP) std::swap(out.width, out.height);
  return out;
}

// Sample `i` of a row of packed samples; of 16 bits (in the machine's order, as libtiff gives them) the upper 8.
std::uint32_t sample(const std::uint8_t* row, std::size_t i, unsigned bits) {
  if (bits == 8) return row[i];
  if (bits == 16) {
    std::uint16_t v;
    std::memcpy(&v, row + 2 * i, 2);
    return v >> 8;
  }
  const std::size_t per = 8 / bits;
  return row[i / per] >> (8 - bits * (i % per + 1)) & ((1u << bits) - 1u);
}

class Assembler {
 public:
  Assembler(TIFF* t, const Layout& l, std::uint8_t* out) : tiff_(t), l_(l), out_(out) {
    if (l.photometric != PHOTOMETRIC_PALETTE) return;
    std::uint16_t *r = nullptr, *g = nullptr, *b = nullptr;
    if (TIFFGetField(t, TIFFTAG_COLORMAP, &r, &g, &b) == 0) bad("TIFF: a palette image without a palette");
    for (std::size_t i = 0; i < std::size_t{1} << l.bits; ++i) {
      palette_.insert(palette_.end(), {static_cast<std::uint8_t>(r[i] >> 8), static_cast<std::uint8_t>(g[i] >> 8), static_cast<std::uint8_t>(b[i] >> 8)});
    }
  }

  void run(const File& file) {
    std::vector<std::uint8_t> chunk(l_.chunk);
    const bool separate = l_.planar == PLANARCONFIG_SEPARATE, tiled = TIFFIsTiled(tiff_) != 0;
    std::uint32_t wide = l_.width, high = 0;
    if (tiled) {
      TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &wide);
      TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &high);
    } else {
      TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &high);
      high = std::min(high, l_.height);
    }
    const std::size_t in_chunk = separate ? 1 : l_.samples;
    const std::uint64_t row = (std::uint64_t{wide} * in_chunk * l_.bits + 7) / 8;
    if (wide == 0 || high == 0 || row * high > l_.chunk) bad("TIFF: strips or tiles of another size than the image says");
    for (std::uint16_t plane = 0; plane < (separate ? l_.channels == 3 && palette_.empty() ? 3 : 1 : 1); ++plane) {
      for (std::uint64_t y = 0; y < l_.height; y += high) {
        for (std::uint64_t x = 0; x < l_.width; x += wide) {
          const auto rows = static_cast<std::size_t>(std::min<std::uint64_t>(high, l_.height - y)), columns = static_cast<std::size_t>(std::min<std::uint64_t>(wide, l_.width - x));
          const auto x32 = static_cast<std::uint32_t>(x), y32 = static_cast<std::uint32_t>(y);
          const tmsize_t need = tiled ? static_cast<tmsize_t>(l_.chunk) : static_cast<tmsize_t>(row * rows);
          const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff_, TIFFComputeTile(tiff_, x32, y32, 0, plane), chunk.data(), need)
                                     : TIFFReadEncodedStrip(tiff_, TIFFComputeStrip(tiff_, y32, plane), chunk.data(), need);
          if (got < static_cast<tmsize_t>(row * rows)) bad(std::string("TIFF: ") + (file.message[0] != '\0' ? file.message : "the pixels end"));
          for (std::size_t r = 0; r < rows; ++r) put(chunk.data() + r * row, columns, in_chunk, plane, out_ + ((y32 + r) * l_.width + x32) * l_.channels);
        }
      }
    }
  }

 private:
  void put(const std::uint8_t* from, std::size_t columns, std::size_t step, std::size_t plane, std::uint8_t* to) const {
    const unsigned bits = l_.bits, shown = bits == 16 ? 8 : bits;  // of what sample() gives
    const std::uint8_t flip = l_.photometric == PHOTOMETRIC_MINISWHITE ? 255 : 0;
    for (std::size_t x = 0; x < columns; ++x, to += l_.channels) {
      const auto light = [&](std::size_t k) { return spread(sample(from, x * step + k, bits), shown); };
      if (!palette_.empty()) {
        std::copy_n(palette_.data() + 3 * std::size_t{sample(from, x * step, bits)}, 3, to);
      } else if (l_.channels == 1) {
        to[0] = light(0) ^ flip;
      } else if (l_.photometric == PHOTOMETRIC_SEPARATED) {
        const std::uint8_t ink[4] = {light(0), light(1), light(2), light(3)};
        cmyk_to_rgb(ink, to, 1);
      } else if (step == 1) {
        to[plane] = light(0);
      } else {
        for (std::size_t k = 0; k < 3; ++k) to[k] = light(k);
      }
    }
  }

  TIFF* tiff_;
  const Layout& l_;
  std::uint8_t* out_;
  std::vector<std::uint8_t> palette_;
};

// Where the pixel (x, y) of the file is seen (TIFF 6.0, Orientation).
void orient(const std::vector<std::uint8_t>& from, const Layout& l, std::uint8_t* out) {
  const std::size_t w = l.width, h = l.height, n = l.channels, wide = l.orientation >= ORIENTATION_LEFTTOP ? h : w;
  for (std::size_t y = 0; y < h; ++y) {
    for (std::size_t x = 0; x < w; ++x) {
      std::size_t to_x = x, to_y = y;
      switch (l.orientation) {
        case ORIENTATION_TOPRIGHT: to_x = w - 1 - x; break;
        case ORIENTATION_BOTRIGHT: to_x = w - 1 - x, to_y = h - 1 - y; break;
        case ORIENTATION_BOTLEFT: to_y = h - 1 - y; break;
        case ORIENTATION_LEFTTOP: to_x = y, to_y = x; break;
        case ORIENTATION_RIGHTTOP: to_x = h - 1 - y, to_y = x; break;
        case ORIENTATION_RIGHTBOT: to_x = h - 1 - y, to_y = w - 1 - x; break;
        case ORIENTATION_LEFTBOT: to_x = y, to_y = w - 1 - x; break;
        default: break;
      }
      std::copy_n(from.data() + (y * w + x) * n, n, out + (to_y * wide + to_x) * n);
    }
  }
}

void decode(Bytes data, const Header&, std::uint64_t memory, std::uint8_t* out) {
  File file{data};
  const Tiff tiff = open(file, memory);
  const Layout l = layout_of(tiff.get());
  const std::size_t pixels = std::size_t{l.width} * l.height;
  std::vector<std::uint8_t> turned(l.orientation != ORIENTATION_TOPLEFT ? pixels * l.channels : 0);
  std::uint8_t* to = turned.empty() ? out : turned.data();
  file.message[0] = '\0';
  if (l.own) {
    Assembler(tiff.get(), l, to).run(file);
  } else {
    std::vector<std::uint32_t> raster(pixels);
    // Into the file's own orientation: what is left of it is done below.
    if (TIFFReadRGBAImageOriented(tiff.get(), l.width, l.height, raster.data(), l.orientation, 1) == 0) bad(std::string("TIFF: ") + (file.message[0] != '\0' ? file.message : "damaged pixels"));
    for (std::size_t i = 0; i < pixels; ++i) {
      const std::uint8_t rgb[3] = {static_cast<std::uint8_t>(TIFFGetR(raster[i])), static_cast<std::uint8_t>(TIFFGetG(raster[i])), static_cast<std::uint8_t>(TIFFGetB(raster[i]))};
      std::copy_n(rgb, 3, to + 3 * i);
    }
  }
  if (!turned.empty()) orient(turned, l, out);
}

bool mine(Bytes data) {
  const std::string_view magic = text_of(data).substr(0, std::min<std::size_t>(4, data.size()));
  return magic == std::string_view("II*\0", 4) || magic == std::string_view("MM\0*", 4) || magic == std::string_view("II+\0", 4) || magic == std::string_view("MM\0+", 4);
}

}  // namespace

const Codec kTiff{"TIFF", mine, probe, decode};

}  // namespace decant::images
