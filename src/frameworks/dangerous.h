// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace decant {

/// What calling this global, or anything below it, can do: "runs commands", "opens connections"; "" when nothing is known against it.
std::string_view danger_of(std::string_view module, std::string_view name);

}  // namespace decant
