// SPDX-License-Identifier: Apache-2.0
// JPEG by libjpeg-turbo: the slow integer transform and smooth upsampling of chroma, as the operator's specification asks. Four channels
// are ink, inverted as Adobe writes it (so Pillow 12.0, JpegImagePlugin.py). The orientation that EXIF may state is not applied: the
// reference does not. libjpeg leaves an error by longjmp: only functions without destructors lie between.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

// A real progressive file has about ten; each visits every coefficient.
constexpr int kMostScans = 100;

struct Reader {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];

  Reader() { std::memset(this, 0, sizeof *this); }
  ~Reader() { jpeg_destroy_decompress(&info); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

Reader& reader_of(j_common_ptr info) { return *static_cast<Reader*>(info->client_data); }

[[noreturn]] void leave(j_common_ptr info) {
  Reader& r = reader_of(info);
  info->err->format_message(info, r.message);
  std::longjmp(r.escape, 1);
}
void ignore_message(j_common_ptr, int) {}
void ignore_output(j_common_ptr) {}
void nothing(j_decompress_ptr) {}
boolean at_end(j_decompress_ptr info) {  // the bytes end before the image
  info->err->msg_code = JERR_INPUT_EOF;
  leave(reinterpret_cast<j_common_ptr>(info));
}
void skip(j_decompress_ptr info, long n) {
  if (n <= 0) return;
  if (static_cast<std::size_t>(n) > info->src->bytes_in_buffer) at_end(info);
  info->src->next_input_byte += n;
  info->src->bytes_in_buffer -= static_cast<std::size_t>(n);
}
void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
  std::snprintf(reader_of(info).message, JMSG_LENGTH_MAX, "more than %d scans", kMostScans);
  std::longjmp(reader_of(info).escape, 1);
}

bool open(Reader& r, const std::uint8_t* data, std::size_t size) {
  r.info.err = jpeg_std_error(&r.errors);
  r.errors.error_exit = leave;
  r.errors.emit_message = ignore_message;
  r.errors.output_message = ignore_output;
  r.info.client_data = &r;
  if (setjmp(r.escape) != 0) return false;
  jpeg_create_decompress(&r.info);
  r.info.client_data = &r;
  r.source.next_input_byte = data;
  r.source.bytes_in_buffer = size;
  r.source.init_source = nothing;
  r.source.fill_input_buffer = at_end;
  r.source.skip_input_data = skip;
  r.source.resync_to_restart = jpeg_resync_to_restart;
  r.source.term_source = nothing;
  r.info.src = &r.source;
  r.progress.progress_monitor = count_scans;
  r.info.progress = &r.progress;
  jpeg_read_header(&r.info, TRUE);
  r.info.out_color_space = r.info.num_components == 1 ? JCS_GRAYSCALE : r.info.num_components == 4 ? JCS_CMYK : JCS_RGB;
  return true;
}

// Rows into `out`; of ink, through `line`.
void read_rows(jpeg_decompress_struct& info, std::uint8_t* out, std::uint8_t* line) {
  jpeg_start_decompress(&info);
  const std::size_t pixels = info.output_width;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = line != nullptr ? line : out;
    jpeg_read_scanlines(&info, &row, 1);
    if (line != nullptr) {
      for (std::size_t i = 0; i < 4 * pixels; ++i) line[i] = static_cast<std::uint8_t>(255 - line[i]);
      cmyk_to_rgb(line, out, pixels);
    }
    out += pixels * (info.num_components == 1 ? 1 : 3);
  }
  jpeg_abort_decompress(&info);
}
bool read(Reader& r, long memory, std::uint8_t* out, std::uint8_t* line) {
  if (setjmp(r.escape) != 0) return false;
  r.info.mem->max_memory_to_use = memory;
  read_rows(r.info, out, line);
  return true;
}

// Several scans keep every coefficient, of 2 bytes; else a few rows of blocks.
std::uint64_t working(const Reader& r) {
  std::uint64_t out = (std::uint64_t{4} << 20) + std::uint64_t{r.info.image_width} * 1024;
  for (int i = 0; i < r.info.num_components; ++i) {
    const jpeg_component_info& c = r.info.comp_info[i];
    if (r.info.progressive_mode || r.info.comps_in_scan < r.info.num_components) {
      out += (std::uint64_t{r.info.image_width} * static_cast<unsigned>(c.h_samp_factor) / static_cast<unsigned>(r.info.max_h_samp_factor) / 8 + 8) *
             (std::uint64_t{r.info.image_height} * static_cast<unsigned>(c.v_samp_factor) / static_cast<unsigned>(r.info.max_v_samp_factor) / 8 + 8) * sizeof(JBLOCK);
    }
  }
  return out;
}

void start(Reader& r, Bytes data) {
  if (!open(r, data.data(), data.size())) bad(std::string("JPEG: ") + r.message);
  const int n = r.info.num_components;
  if (n != 1 && n != 3 && n != 4) bad("JPEG: " + std::to_string(n) + " channels");
}

Header probe(Bytes data) {
  Reader r;
  start(r, data);
  // max_*_samp_factor are known only when decoding starts.
  int h = 1, v = 1;
  for (int i = 0; i < r.info.num_components; ++i) {
    h = std::max(h, r.info.comp_info[i].h_samp_factor);
    v = std::max(v, r.info.comp_info[i].v_samp_factor);
  }
  r.info.max_h_samp_factor = h, r.info.max_v_samp_factor = v;
  return {r.info.image_width, r.info.image_height, r.info.num_components == 1 ? 1u : 3u, working(r)};
}

void decode(Bytes data, const Header& header, std::uint64_t, std::uint8_t* out) {
  Reader r;
  std::vector<std::uint8_t> line;
  start(r, data);
  if (r.info.num_components == 4) line.resize(4 * std::size_t{header.width});
  if (!read(r, static_cast<long>(header.working), out, line.empty() ? nullptr : line.data())) bad(std::string("JPEG: ") + r.message);
}

bool mine(Bytes data) { return starts_with(data, "\xFF\xD8\xFF"); }

}  // namespace

const Codec kJpeg{"JPEG", mine, probe, decode};

}  // namespace decant::images
