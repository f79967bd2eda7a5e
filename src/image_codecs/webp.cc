// SPDX-License-Identifier: Apache-2.0
// WebP by libwebp; of an animation the first picture, on the canvas. Alpha is dropped.
#include <algorithm>
#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

WebPBitstreamFeatures features_of(Bytes data) {
  WebPBitstreamFeatures out;
  if (WebPGetFeatures(data.data(), data.size(), &out) != VP8_STATUS_OK || out.width <= 0 || out.height <= 0) bad("WebP: no header that can be read");
  return out;
}

Header probe(Bytes data) {
  const WebPBitstreamFeatures f = features_of(data);
  const auto width = static_cast<std::uint32_t>(f.width), height = static_cast<std::uint32_t>(f.height);
  // A lossless picture is kept as 4 bytes a pixel; the picture of an animation has its own pixels.
  const std::uint64_t pixels = std::uint64_t{width} * height;
  return {width, height, 3, (std::uint64_t{8} << 20) + pixels * 5 + (f.has_animation != 0 ? pixels * 3 : 0)};
}

void decode_into(Bytes data, std::uint8_t* out, std::size_t size, std::uint32_t width) {
  if (WebPDecodeRGBInto(data.data(), data.size(), out, size, static_cast<int>(width * 3)) == nullptr) bad("WebP: a damaged picture");
}

void decode(Bytes data, const Header& header, std::uint64_t, std::uint8_t* out) {
  const std::size_t size = std::size_t{header.width} * header.height * 3;
  if (features_of(data).has_animation == 0) return decode_into(data, out, size, header.width);
  const WebPData all{data.data(), data.size()};
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&all), WebPDemuxDelete);
  WebPIterator frame;
  if (demuxer == nullptr || WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) bad("WebP: an animation without a picture");
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  const auto x = static_cast<std::size_t>(frame.x_offset), y = static_cast<std::size_t>(frame.y_offset);
  const auto w = static_cast<std::size_t>(frame.width), h = static_cast<std::size_t>(frame.height);
  if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width <= 0 || frame.height <= 0 || x + w > header.width || y + h > header.height) bad("WebP: a picture outside of its canvas");
  const Bytes picture(frame.fragment.bytes, frame.fragment.size);
  const WebPBitstreamFeatures inner = features_of(picture);
  if (static_cast<std::size_t>(inner.width) != w || static_cast<std::size_t>(inner.height) != h) bad("WebP: a picture of another size than its frame");
  std::vector<std::uint8_t> pixels(w * h * 3);
  decode_into(picture, pixels.data(), pixels.size(), static_cast<std::uint32_t>(w));
  std::fill_n(out, size, std::uint8_t{0});
  for (std::size_t row = 0; row < h; ++row) std::copy_n(pixels.data() + row * w * 3, w * 3, out + ((y + row) * header.width + x) * 3);
}

bool mine(Bytes data) { return data.size() >= 12 && starts_with(data, "RIFF") && text_of(data).substr(8, 4) == "WEBP"; }

}  // namespace

const Codec kWebp{"WebP", mine, probe, decode};

}  // namespace decant::images
