// SPDX-License-Identifier: Apache-2.0
// ImagePatches: rectangles out of images, all of them or some that NumPy's legacy generator draws (sklearn/feature_extraction/image.py,
// PatchExtractor.transform). There is no body in standard ONNX: the drawing, and a size that follows from the image's.
#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "ops/decant/legacy_random.h"
#include "ops/kernel.h"

namespace decant {
namespace {

/// _compute_n_patches: `most` a number of patches, `part` a part of all; neither: all.
std::size_t count_of(const AttributeView& node, std::size_t all) {
  const std::int64_t most = node.integer("max_patches", 0);
  const double part = node.real("part", 0);
  if (most > 0) return std::min<std::size_t>(static_cast<std::size_t>(most), all);
  if (part == 0) return all;
  if (!(part > 0 && part < 1)) node.fail(Code::corrupt, format("part {} of all patches", part));
  return static_cast<std::size_t>(part * static_cast<double>(all));
}

void run(KernelContext& c) {
  want(c, 0, DType::float64);
  const Tensor& x = c.input(0);
  if (x.rank() != 3 && x.rank() != 4) c.fail(Code::mismatch, format("images of shape {}; [N, height, width] or [N, height, width, channels] is taken", text_of(x.shape())));
  const auto extent = [&](std::size_t d) { return static_cast<std::size_t>(x.dim(d)); };
  const std::size_t images = extent(0), height = extent(1), width = extent(2), channels = x.rank() == 4 ? extent(3) : 1;
  std::vector<std::int64_t> size = c.integers("patch_size");
  if (size.empty()) size = {x.dim(1) / 10, x.dim(2) / 10};
  if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > x.dim(1) || size[1] > x.dim(2)) {
    c.fail(Code::mismatch, format("patches of {} out of images of {} by {}", text_of(size), height, width));
  }
  const auto rows = static_cast<std::size_t>(size[0]), columns = static_cast<std::size_t>(size[1]);
  const std::size_t down = height - rows + 1, across = width - columns + 1, count = count_of(c, down * across);
  const bool drawn = c.integer("max_patches", 0) > 0 || c.real("part", 0) != 0;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 34;
  if (sat_mul(sat_mul(sat_mul(images, count), sat_mul(rows, columns)), sat_mul(channels, 8)) > kMost) {
    c.fail(Code::limit, format("{} patches of each of {} images take more than 16 GiB; ask for fewer images at a time", count, images));
  }
  Shape shape{static_cast<std::int64_t>(images * count), size[0], size[1]};
  if (channels > 1) shape.push_back(static_cast<std::int64_t>(channels));
  const std::span<const double> in = x.data<double>();
  const std::span<double> out = c.output(0, DType::float64, shape).mutable_data<double>();
  LegacyRandom draws(c.integer("seed", 0));
  std::vector<std::size_t> top(count), left(count);
  std::size_t at = 0;
  for (std::size_t image = 0; image < images; ++image) {
    for (std::size_t k = 0; k < count; ++k) top[k] = drawn ? draws.below(down) : k / across;
    for (std::size_t k = 0; k < count; ++k) left[k] = drawn ? draws.below(across) : k % across;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t from = ((image * height + top[k] + r) * width + left[k]) * channels;
        std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(from), columns * channels, out.begin() + static_cast<std::ptrdiff_t>(at));
        at += columns * channels;
      }
    }
  }
}

void infer(InferContext& c) { c.outputs[0] = {DType::float64, false, {}, DType::undefined}; }

constexpr std::string_view kNoBody = "no standard operator draws patches: written as decant's own operator, which other runtimes do not know";

constexpr Op kOps[] = {
    {"decant", "ImagePatches", "Rectangles of patch_size (height, width; absent: a tenth of the image) out of images [N, H, W] or [N, H, W, C]: all, or max_patches (`part`: a part of "
     "all) of each, drawn by numpy.random.RandomState(seed).", infer, run, nullptr, nullptr, kNoBody},
};

}  // namespace

DECANT_AT_START std::span<const Op> patches_ops() { return kOps; }

}  // namespace decant
