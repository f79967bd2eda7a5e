// SPDX-License-Identifier: Apache-2.0
// A pattern up to the first line break, and behind it the text that it is tried on. Token patterns come out of model files.
#include "fuzz.h"
#include "ops/text/pattern.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::accept([&] {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = std::min(all.find('\n'), all.size());
    const Pattern pattern(all.substr(0, cut));
    const Points text = points_of(all.substr(std::min(cut + 1, all.size())).substr(0, 200));
    std::size_t found = 0;
    pattern.find_all(text, [&](PointsView match) {
      fuzz::require(match.size() <= text.size());
      ++found;
    });
    fuzz::require(found <= 2 * text.size() + 1);
  });
}
