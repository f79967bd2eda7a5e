// SPDX-License-Identifier: Apache-2.0
// The C interface over the codecs: the only place where a Failure is caught.
#include "image_codecs/api.h"

#include <cstdio>
#include <new>

#include "image_codecs/codec.h"

namespace decant::images {
namespace {

constexpr const Codec* kCodecs[] = {&kBmp, &kJpeg, &kJpeg2000, &kPng, &kPnm, &kTiff, &kWebp};

const Codec& codec_of(Bytes data) {
  for (const Codec* codec : kCodecs) {
    if (codec->mine(data)) return *codec;
  }
  bad("not an image of a known format (BMP, JPEG, JPEG 2000, PNG, PNM, TIFF, WebP)");
}

template <class F>
decant_image_result guarded(char* why, std::size_t why_size, F&& f) {
  const auto say = [&](const char* text) {
    if (why_size > 0) std::snprintf(why, why_size, "%s", text);
  };
  try {
    f();
    return DECANT_IMAGE_DONE;
  } catch (const Failure& failure) {
    say(failure.what());
    return failure.result;
  } catch (const std::bad_alloc&) {
    say("out of memory");
    return DECANT_IMAGE_LIMIT;
  } catch (const std::exception& e) {
    say(e.what());
    return DECANT_IMAGE_BAD;
  }
}

Header header_of(const Codec& codec, Bytes data) {
  const Header header = codec.probe(data);
  if (header.width == 0 || header.height == 0) bad(std::string(codec.name) + ": an image of " + std::to_string(header.width) + " x " + std::to_string(header.height));
  return header;
}

decant_image_result probe(const std::uint8_t* data, std::size_t size, decant_image_info* info, char* why, std::size_t why_size) {
  return guarded(why, why_size, [&] {
    const Codec& codec = codec_of({data, size});
    const Header header = header_of(codec, {data, size});
    *info = {header.width, header.height, header.channels, header.working, codec.name};
  });
}

decant_image_result decode(const std::uint8_t* data, std::size_t size, const decant_image_info* info, std::uint64_t memory, std::uint8_t* pixels, char* why, std::size_t why_size) {
  return guarded(why, why_size, [&] {
    const Codec& codec = codec_of({data, size});
    const Header header = header_of(codec, {data, size});
    if (header.width != info->width || header.height != info->height || header.channels != info->channels) bad("the header is not the one that was probed");
    if (header.working > memory) too_large(std::string(codec.name) + ": decoding takes " + std::to_string(header.working) + " bytes, " + std::to_string(memory) + " are allowed");
    codec.decode({data, size}, header, memory, pixels);
  });
}

}  // namespace

const decant_image_api& api() {
  static const decant_image_api out{DECANT_IMAGE_API_VERSION, probe, decode};
  return out;
}

}  // namespace decant::images
