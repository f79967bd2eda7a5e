// SPDX-License-Identifier: Apache-2.0
// The closed list of genuine constructors, one table per library (<library>/globals.inc): exact module and exact name, never a prefix.
// Readers and scan ask the same list.
#pragma once

#include <string_view>

namespace decant {

/// Whether pickles of `library` ("sklearn", "numpy", …) genuinely contain this global.
bool is_genuine(std::string_view library, std::string_view module, std::string_view name);

}  // namespace decant
