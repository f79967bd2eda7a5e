// SPDX-License-Identifier: Apache-2.0
// JPEG 2000 (ISO/IEC 15444-1), a codestream or a JP2 file, by OpenJPEG. Its headers are read here first, because they alone decide how much
// OpenJPEG allocates: tiles, precincts, code blocks and layers, all of which a few bytes can ask millions of. Depths other than 8 bits
// are shifted, and rounded where bits go, as Pillow 12.0 does (Jpeg2KDecode.c).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include <openjpeg.h>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

constexpr std::string_view kCodestream = "\xFF\x4F\xFF\x51";
constexpr std::string_view kJp2("\0\0\0\x0CjP  \r\n\x87\n", 12);

// The codestream inside of a JP2 file: the contents of its box jp2c.
Bytes codestream(Bytes data) {
  if (starts_with(data, kCodestream)) return data;
  for (std::size_t at = 0; at + 8 <= data.size();) {
    std::uint64_t length = be32(data, at), head = 8;
    if (length == 1) {
      length = std::uint64_t{be32(data, at + 8)} << 32 | be32(data, at + 12);
      head = 16;
    } else if (length == 0) {
      length = data.size() - at;
    }
    if (length < head || length > data.size() - at) length = data.size() - at;  // cut off: what is there
    if (text_of(data).substr(at + 4, 4) == "jp2c") return data.subspan(std::min<std::size_t>(at + head, data.size()));
    at += length;
  }
  bad("JPEG 2000: a file without a codestream");
}

// What the marker segments of a codestream ask for at most.
struct Demands {
  std::uint64_t width = 0, height = 0, components = 0, tiles = 0, layers = 0, resolutions = 1;
  double precincts = 0, blocks = 0;  // of one component, over all resolutions
};

constexpr std::uint32_t kSiz = 0xFF51, kCod = 0xFF52, kCoc = 0xFF53, kSot = 0xFF90, kSod = 0xFF93, kEoc = 0xFFD9;

// The part that COD and COC share: levels, size of a code block, style, transform, sizes of precincts (Annex A.6.1).
void coding_style(Bytes b, std::size_t at, bool own_precincts, Demands& d) {
  const Bytes p = part(b, at, 5);
  const int levels = p[0], wide = (p[1] & 15) + 2, high = (p[2] & 15) + 2;
  if (levels > 32) bad("JPEG 2000: " + std::to_string(levels) + " levels");
  d.resolutions = std::max<std::uint64_t>(d.resolutions, static_cast<std::uint64_t>(levels) + 1);
  const Bytes sizes = own_precincts ? part(b, at + 5, static_cast<std::size_t>(levels) + 1) : Bytes();
  double precincts = 0, blocks = 0;
  for (int r = 0; r <= levels; ++r) {  // from the smallest picture on
    const double w = std::ldexp(static_cast<double>(d.width), r - levels) + 1, h = std::ldexp(static_cast<double>(d.height), r - levels) + 1;
    const int x = own_precincts ? sizes[static_cast<std::size_t>(r)] & 15 : 15, y = own_precincts ? sizes[static_cast<std::size_t>(r)] >> 4 : 15;
    precincts += (std::ldexp(w, -x) + 1) * (std::ldexp(h, -y) + 1);
    // Of the bands of a picture: half as wide and high as its precincts, but for the smallest.
    const int half = r == 0 ? 0 : 1;
    blocks += (std::ldexp(w, -std::max(0, std::min(wide, x - half))) + 1) * (std::ldexp(h, -std::max(0, std::min(high, y - half))) + 1);
  }
  d.precincts = std::max(d.precincts, precincts);
  d.blocks = std::max(d.blocks, blocks);
}

Demands demands(Bytes all) {
  const Bytes b = codestream(all);
  if (be32(b, 0) != 0xFF4FFF51) bad("JPEG 2000: no start of a codestream");
  Demands d;
  for (std::size_t at = 2; at + 4 <= b.size();) {
    const std::uint32_t marker = be16(b, at);
    if (marker == kEoc) break;
    const std::uint32_t length = be16(b, at + 2);
    if (marker >> 8 != 0xFF || length < 2) bad("JPEG 2000: no marker at " + std::to_string(at) + " of the codestream");
    const Bytes segment = part(b, at + 2, length);
    if (marker == kSiz) {
      const std::uint64_t x1 = be32(segment, 4), y1 = be32(segment, 8), x0 = be32(segment, 12), y0 = be32(segment, 16);
      const std::uint64_t tw = be32(segment, 20), th = be32(segment, 24), tx = be32(segment, 28), ty = be32(segment, 32);
      if (x1 <= x0 || y1 <= y0 || tw == 0 || th == 0 || tx > x0 || ty > y0) bad("JPEG 2000: an image or tiles of no size");
      d.width = x1 - x0, d.height = y1 - y0, d.components = be16(segment, 36);
      d.tiles = ((x1 - tx + tw - 1) / tw) * ((y1 - ty + th - 1) / th);
    } else if (marker == kCod) {
      d.layers = std::max<std::uint64_t>(d.layers, be16(segment, 4));
      coding_style(segment, 7, (part(segment, 2, 1)[0] & 1) != 0, d);
    } else if (marker == kCoc) {
      const std::size_t wide = d.components < 257 ? 1 : 2;
      coding_style(segment, 3 + wide, (part(segment, 2 + wide, 1)[0] & 1) != 0, d);
    } else if (marker == kSot) {
      // The headers of tiles may say something else again: from one to the next, as far as their lengths lead.
      const std::uint64_t tile_part = be32(segment, 4);
      std::size_t inner = at + 2 + length;
      while (inner + 4 <= b.size() && be16(b, inner) != kSod) {
        const std::uint32_t size = be16(b, inner + 2);
        if (size < 2) bad("JPEG 2000: a segment of no size in a tile");
        const Bytes s = part(b, inner + 2, size);
        if (be16(b, inner) == kCod) {
          d.layers = std::max<std::uint64_t>(d.layers, be16(s, 4));
          coding_style(s, 7, (part(s, 2, 1)[0] & 1) != 0, d);
        } else if (be16(b, inner) == kCoc) {
          const std::size_t wide = d.components < 257 ? 1 : 2;
          coding_style(s, 3 + wide, (part(s, 2 + wide, 1)[0] & 1) != 0, d);
        }
        inner += 2 + size;
      }
      if (tile_part == 0) break;  // to the end of the codestream
      if (tile_part < 14 || tile_part > b.size() - at) break;  // cut off: OpenJPEG says so
      at += tile_part;
      continue;
    }
    at += 2 + std::size_t{length};
  }
  if (d.width == 0) bad("JPEG 2000: no size");
  return d;
}

Header probe(Bytes data) {
  const Demands d = demands(data);
  if (d.width > 0x7fffffff || d.height > 0x7fffffff || d.components == 0 || d.components > 8) bad("JPEG 2000: " + std::to_string(d.width) + " x " + std::to_string(d.height) + " pixels of " + std::to_string(d.components) + " components");
  // In double, because only the order of magnitude matters and nothing can wrap. Figures: sizes of OpenJPEG 2.5's structures, rounded up.
  const double pixels = static_cast<double>(d.width) * static_cast<double>(d.height), components = static_cast<double>(d.components);
  const double precincts = components * (d.precincts + 4 * static_cast<double>(d.tiles) * static_cast<double>(d.resolutions));  // cut at the borders of tiles
  const double working = 8.0 * components * pixels + 512 * precincts + 256 * (components * d.blocks + 3 * precincts) + 8192.0 * static_cast<double>(d.tiles) +
                         2 * static_cast<double>(d.layers) * precincts * static_cast<double>(d.resolutions) + 2.0 * static_cast<double>(data.size()) + (4 << 20);
  Header out{static_cast<std::uint32_t>(d.width), static_cast<std::uint32_t>(d.height), d.components <= 2 ? 1u : 3u, working < 1e18 ? static_cast<std::uint64_t>(working) : ~std::uint64_t{0}};
  // A palette makes three colours of one component; which it is, only the boxes say.
  if (out.channels == 1 && text_of(data).substr(0, data.size() - codestream(data).size()).find("pclr") != std::string_view::npos) out.channels = 3;
  return out;
}

struct Stream {
  Bytes data;
  std::size_t at = 0;
};
OPJ_SIZE_T take(void* to, OPJ_SIZE_T size, void* user) {
  auto& s = *static_cast<Stream*>(user);
  if (s.at >= s.data.size()) return static_cast<OPJ_SIZE_T>(-1);
  const std::size_t n = std::min<std::size_t>(size, s.data.size() - s.at);
  std::memcpy(to, s.data.data() + s.at, n);
  s.at += n;
  return n;
}
OPJ_OFF_T skip(OPJ_OFF_T size, void* user) {
  auto& s = *static_cast<Stream*>(user);
  if (size < 0 || static_cast<std::uint64_t>(size) > s.data.size() - s.at) return -1;
  s.at += static_cast<std::size_t>(size);
  return size;
}
OPJ_BOOL seek(OPJ_OFF_T to, void* user) {
  auto& s = *static_cast<Stream*>(user);
  if (to < 0 || static_cast<std::uint64_t>(to) > s.data.size()) return OPJ_FALSE;
  s.at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}
void keep_first(const char* text, void* user) {
  auto& first = *static_cast<std::string*>(user);
  if (first.empty()) first = text;
}
void ignore(const char*, void*) {}

// One component as bytes: value() of a pixel of the image, whatever the component's own grid.
struct Component {
  const opj_image_comp_t* c;
  int offset, shift;  // shift: to the left where positive
  explicit Component(const opj_image_comp_t& comp) : c(&comp), offset(comp.sgnd != 0 ? 1 << (comp.prec - 1) : 0), shift(8 - static_cast<int>(comp.prec)) {
    if (shift < 0) offset += 1 << (-shift - 1);
  }
  std::uint8_t at(std::size_t x, std::size_t y) const {
    const std::int64_t v = std::int64_t{c->data[std::min<std::size_t>(y / c->dy, c->h - 1) * c->w + std::min<std::size_t>(x / c->dx, c->w - 1)]} + offset;
    return static_cast<std::uint8_t>(std::clamp<std::int64_t>(shift < 0 ? v >> -shift : v << shift, 0, 255));
  }
};

void decode(Bytes data, const Header& header, std::uint64_t, std::uint8_t* out) {
  const bool plain = starts_with(data, kCodestream);
  std::string why;
  const std::unique_ptr<opj_codec_t, void (*)(opj_codec_t*)> codec(opj_create_decompress(plain ? OPJ_CODEC_J2K : OPJ_CODEC_JP2), opj_destroy_codec);
  const std::unique_ptr<opj_stream_t, void (*)(opj_stream_t*)> stream(opj_stream_create(1 << 16, OPJ_TRUE), opj_stream_destroy);
  if (codec == nullptr || stream == nullptr) throw std::bad_alloc();
  opj_set_error_handler(codec.get(), keep_first, &why);
  opj_set_warning_handler(codec.get(), ignore, nullptr);
  opj_set_info_handler(codec.get(), ignore, nullptr);
  Stream from{data};
  opj_stream_set_user_data(stream.get(), &from, nullptr);
  opj_stream_set_user_data_length(stream.get(), data.size());
  opj_stream_set_read_function(stream.get(), take);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* raw = nullptr;
  const bool ready = opj_setup_decoder(codec.get(), &parameters) != 0 && opj_read_header(stream.get(), codec.get(), &raw) != 0;
  const std::unique_ptr<opj_image_t, void (*)(opj_image_t*)> image(raw, opj_image_destroy);
  const auto fail = [&] {
    while (!why.empty() && (why.back() == '\n' || why.back() == '.')) why.pop_back();
    bad("JPEG 2000: " + (why.empty() ? std::string("a damaged codestream") : why));
  };
  if (!ready || image == nullptr || opj_decode(codec.get(), stream.get(), image.get()) == 0 || opj_end_decompress(codec.get(), stream.get()) == 0) fail();
  const opj_image_t& i = *image;
  if (i.x1 - i.x0 != header.width || i.y1 - i.y0 != header.height) bad("JPEG 2000: another size than its header says");
  const std::uint32_t colours = i.numcomps <= 2 ? 1 : 3;
  if (i.numcomps == 0 || i.numcomps > 4 || colours != header.channels || i.color_space == OPJ_CLRSPC_CMYK || i.color_space == OPJ_CLRSPC_EYCC) bad("JPEG 2000: " + std::to_string(i.numcomps) + " components of an unknown kind");
  std::vector<Component> components;
  for (std::uint32_t k = 0; k < colours; ++k) {
    const opj_image_comp_t& c = i.comps[k];
    if (c.data == nullptr || c.w == 0 || c.h == 0 || c.dx == 0 || c.dy == 0 || c.prec == 0 || c.prec > 31) bad("JPEG 2000: a component that cannot be read");
    components.emplace_back(c);
  }
  const bool ycc = i.color_space == OPJ_CLRSPC_SYCC && colours == 3;
  for (std::size_t y = 0; y < header.height; ++y) {
    for (std::size_t x = 0; x < header.width; ++x, out += colours) {
      for (std::uint32_t k = 0; k < colours; ++k) out[k] = components[k].at(x, y);
      if (!ycc) continue;
      const double light = out[0], blue = out[1] - 128.0, red = out[2] - 128.0;  // ITU-T T.871
      const double rgb[3] = {light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue};
      for (int k = 0; k < 3; ++k) out[k] = static_cast<std::uint8_t>(std::clamp(std::lround(rgb[k]), 0L, 255L));
    }
  }
}

bool mine(Bytes data) { return starts_with(data, kCodestream) || starts_with(data, kJp2); }

}  // namespace

const Codec kJpeg2000{"JPEG 2000", mine, probe, decode};

}  // namespace decant::images
