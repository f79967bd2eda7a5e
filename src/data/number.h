// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace decant {

/// A cell as a number: NaN where it is missing (empty, N/A and what pandas takes for missing), 1 and 0 for True and False; nothing
/// where it is no number.
std::optional<double> parse_number(std::string_view text);

}  // namespace decant
