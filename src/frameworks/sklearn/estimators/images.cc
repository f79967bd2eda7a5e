// SPDX-License-Identifier: Apache-2.0
// PatchExtractor (sklearn/feature_extraction/image.py): images, not rows of a table, come in.
#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

Result patch_extractor(Context& context, const Object& self, Method, const Table& x) {
  Attributes attributes;
  if (self.set("patch_size")) attributes["patch_size"] = std::vector<std::int64_t>{self["patch_size"].item(0).integer(), self["patch_size"].item(1).integer()};
  if (self.set("max_patches")) {
    attributes["seed"] = seed_of(self, "the choice of max_patches");
    const double most = self["max_patches"].real();
    if (most >= 1) attributes["max_patches"] = self["max_patches"].integer();
    else if (most > 0) attributes["part"] = most;
    else self.fail(Code::corrupt, format("max_patches={}", most));
  }
  context.row_wise = false;
  return Table::whole(apply("decant", "ImagePatches", {x.matrix()}, std::move(attributes)));
}

}  // namespace

DECANT_AT_START std::span<const Estimator> images_estimators() {
  static constexpr Estimator kEstimators[] = {{"PatchExtractor", kTransformer, patch_extractor}};
  return kEstimators;
}

}  // namespace decant::sklearn
