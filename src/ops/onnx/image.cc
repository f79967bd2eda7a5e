// SPDX-License-Identifier: Apache-2.0
// ImageDecoder (ai.onnx 20): the bytes of an image file to pixels of 8 bits, rows from the top, channels last. What cannot be decoded gives
// an empty matrix, as the specification says; an image that is only too large, or a decoder that is not there, is an error. The
// specification wants three channels for RGB and BGR and one for Grayscale whatever the file holds, and so it is here (the package's own
// reference gives what Pillow's mode has). Luminance is that of Pillow's Convert.c: ITU-R 601-2 in 16 bits of fraction.
#include "base/checked.h"
#include "images/images.h"
#include "ops/bounded.h"
#include "ops/kernel.h"

namespace decant {
namespace {

enum class Pixels { rgb, bgr, gray };

Pixels pixels_of(const AttributeView& node) {
  const std::string_view name = node.text("pixel_format", "RGB");
  if (name == "RGB") return Pixels::rgb;
  if (name == "BGR") return Pixels::bgr;
  if (name == "Grayscale") return Pixels::gray;
  node.fail(Code::corrupt, format("pixel_format \"{}\" is none of RGB, BGR and Grayscale", printable(name, 40)));
}

void convert(std::span<const std::uint8_t> from, bool gray, Pixels wanted, std::span<std::uint8_t> to) {
  const std::size_t count = from.size() / (gray ? 1 : 3);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* p = from.data() + (gray ? i : 3 * i);
    if (gray) {
      for (std::size_t k = 0; k < 3; ++k) to[3 * i + k] = p[0];
    } else if (wanted == Pixels::gray) {
      to[i] = static_cast<std::uint8_t>((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
    } else {
      for (std::size_t k = 0; k < 3; ++k) to[3 * i + k] = p[2 - k];
    }
  }
}

void image_decoder(KernelContext& c) {
  want(c, 0, DType::uint8);
  const Pixels wanted = pixels_of(c);
  const std::span<const std::uint8_t> data = c.input(0).data<std::uint8_t>();
  const decant_image_api& api = image_api();
  const std::int64_t channels = wanted == Pixels::gray ? 1 : 3;
  char why[300] = "";
  const auto answer = [&](decant_image_result result) {
    if (result == DECANT_IMAGE_LIMIT) c.fail(Code::limit, printable(why, 300));
    if (result == DECANT_IMAGE_BAD) c.output(0, DType::uint8, {0, 0, channels});
    return result == DECANT_IMAGE_DONE;
  };
  decant_image_info info{};
  if (!answer(api.probe(data.data(), data.size(), &info, why, sizeof why))) return;
  const std::uint64_t pixels = std::uint64_t{info.width} * info.height, raw = sat_mul(pixels, info.channels);
  const bool gray = info.channels == 1, direct = gray ? wanted == Pixels::gray : wanted == Pixels::rgb;
  const std::uint64_t most = most_by_value(c), needed = sat_add(sat_add(sat_mul(pixels, static_cast<std::uint64_t>(channels)), direct ? 0 : raw), info.working);
  if (needed > most) {
    c.fail(Code::limit, format("a {} image of {} x {} pixels needs {} to be decoded, {} are allowed here; raise --max-memory if you trust it", info.format, info.width, info.height, human_bytes(needed), human_bytes(most)));
  }
  Tensor& out = c.output(0, DType::uint8, {info.height, info.width, channels});
  const std::span<std::uint8_t> to = out.mutable_data<std::uint8_t>();
  std::vector<std::uint8_t> own(direct ? 0 : raw);
  if (!answer(api.decode(data.data(), data.size(), &info, info.working, direct ? to.data() : own.data(), why, sizeof why))) return;
  if (!direct) convert(own, gray, wanted, to);
}

void infer_image_decoder(InferContext& c) {
  c.outputs[0] = ranked(DType::uint8, 3);
  c.outputs[0].shape[2] = dim(pixels_of(c) == Pixels::gray ? 1 : 3);
}

constexpr Op kOps[] = {
    {"", "ImageDecoder", "An image file as rows of pixels, by decant_images.so (ImageDecoder-20).", infer_image_decoder, image_decoder},
};

}  // namespace

DECANT_AT_START std::span<const Op> image_ops() { return kOps; }

}  // namespace decant
