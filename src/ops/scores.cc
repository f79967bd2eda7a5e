// SPDX-License-Identifier: Apache-2.0
#include "ops/scores.h"

#include <numbers>

namespace decant {

PostTransform transform_named(const AttributeView& c, std::string_view name) {
  static constexpr std::string_view kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  const auto* at = std::ranges::find(kNames, name);
  if (at == std::end(kNames)) c.fail(Code::corrupt, format("post_transform {}", printable(name, 40)));
  return static_cast<PostTransform>(at - std::begin(kNames));
}

double erf_inverse(double x) {
  const double log = std::log((1 - x) * (1 + x)), a = 2 / (std::numbers::pi * 0.147) + 0.5 * log, b = log / 0.147;
  return (x < 0 ? -1.0 : 1.0) * std::sqrt(-a + std::sqrt(a * a - b));
}

Tensor Labels::pick(const std::vector<std::int64_t>& winners) const {
  const auto rows = static_cast<std::int64_t>(winners.size());
  Tensor out(dtype(), {rows});
  for (std::size_t i = 0; i < winners.size(); ++i) {
    const auto w = static_cast<std::size_t>(winners[i]);
    if (!texts.empty()) out.mutable_data<std::string>()[i] = w < texts.size() ? texts[w] : format("{}", w);
    else out.mutable_data<std::int64_t>()[i] = w < numbers.size() ? numbers[w] : winners[i];
  }
  return out;
}

Labels labels_of(const AttributeView& c) {
  Labels out{c.texts("classlabels_strings"), c.integers("classlabels_int64s")};
  if (out.numbers.empty()) out.numbers = c.integers("classlabels_ints");
  if (out.texts.empty() && out.numbers.empty()) c.fail(Code::corrupt, "no class labels");
  return out;
}

}  // namespace decant
