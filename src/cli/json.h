// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace decant::cli {

/// `text` as a JSON string, quotes included; what is no UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text);

}  // namespace decant::cli
