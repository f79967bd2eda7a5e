// SPDX-License-Identifier: Apache-2.0
// ImageDecoder against what Pillow reads in the images of tests/golden/images (make.py there says how), and images that ask for much.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "images/images.h"
#include "io/source.h"
#include "ops/op_testing.h"

namespace decant {
namespace {

using namespace testing;

const std::string kFolder = DECANT_SOURCE_DIR "/tests/golden/images/";

Tensor bytes_tensor(Bytes bytes) { return {DType::uint8, {static_cast<std::int64_t>(bytes.size())}, Blob::copy_of(bytes)}; }
Tensor decoded(const Tensor& data, const char* pixels) { return run1("ImageDecoder", {data}, {{"pixel_format", std::string(pixels)}}); }

void expect_pixels(const Tensor& got, std::span<const std::byte> wanted, std::size_t width, std::size_t height, std::int64_t channels, int difference, bool reversed) {
  ASSERT_EQ(got.shape(), (Shape{static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), channels}));
  ASSERT_EQ(got.blob().size(), wanted.size());
  int apart = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::size_t from = reversed ? i / 3 * 3 + 2 - i % 3 : i;
    apart = std::max(apart, std::abs(std::to_integer<int>(got.blob().bytes[from]) - std::to_integer<int>(wanted[i])));
  }
  EXPECT_LE(apart, difference);
}

TEST(ImageDecoder, AnswersAsPillow) {
  std::ifstream list(kFolder + "cases.tsv");
  std::string line, file;
  std::getline(list, line);
  const Source answers = Source::open(kFolder + "answers.bin");
  std::size_t at = 0, cases = 0;
  while (std::getline(list, line)) {
    std::istringstream fields(line);
    std::size_t width = 0, height = 0;
    int difference = 0;
    std::getline(fields, file, '\t');
    fields >> width >> height >> difference;
    SCOPED_TRACE(file);
    const Tensor data = file == "nothing.bin" ? Tensor(DType::uint8, {0}) : bytes_tensor(Source::open(kFolder + file).bytes());
    const std::size_t colours = width * height * 3, luminance = width * height;
    ASSERT_LE(at + colours + luminance, answers.size());
    expect_pixels(decoded(data, "RGB"), answers.bytes().subspan(at, colours), width, height, 3, difference, false);
    expect_pixels(decoded(data, "BGR"), answers.bytes().subspan(at, colours), width, height, 3, difference, true);
    expect_pixels(decoded(data, "Grayscale"), answers.bytes().subspan(at + colours, luminance), width, height, 1, difference, false);
    at += colours + luminance;
    ++cases;
  }
  EXPECT_EQ(at, answers.size());
  EXPECT_GT(cases, 100u);
}

// Headers of few bytes that ask for many pixels, or for much memory beside them.
TEST(ImageDecoder, RefusesWhatIsTooLarge) {
  const auto with = [](const char* file, std::size_t place, std::string_view bytes) {
    std::string data(as_text(Source::open(kFolder + file).bytes()));
    data.replace(place, bytes.size(), bytes);
    return bytes_tensor(as_bytes(data));
  };
  using namespace std::string_view_literals;
  expect_error(Code::limit, [&] { decoded(with("rgb.jpg", std::string(as_text(Source::open(kFolder + "rgb.jpg").bytes())).find("\xff\xc0") + 5, "\xff\xdc\xff\xdc"sv), "RGB"); });
  expect_error(Code::limit, [&] { decoded(with("runs_8.bmp", 18, "\xff\xff\xff\x7f"sv), "RGB"); });
  expect_error(Code::limit, [&] { decoded(with("rgb.j2k", 8, "\x00\x00\xea\x60\x00\x00\xea\x60"sv), "RGB"); });
  // Tiles of one pixel: a small image of which OpenJPEG would keep 4 million.
  expect_error(Code::limit, [&] { decoded(with("rgb.j2k", 8, "\0\0\x08\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1"sv), "RGB"); });
}

TEST(ImageDecoder, RefusesOtherInputs) {
  expect_error(Code::corrupt, [] { decoded(Tensor(DType::uint8, {4}), "HSV"); });
  expect_error(Code::mismatch, [] { decoded(Tensor(DType::float32, {4}), "RGB"); });
}

TEST(ImageModule, LiesAtAbsolutePlaces) {
  ASSERT_FALSE(image_module_places().empty());
  for (const std::string& place : image_module_places()) EXPECT_EQ(place[0], '/');
}

}  // namespace
}  // namespace decant
