// SPDX-License-Identifier: Apache-2.0
// The closed list of genuine constructors, one table per library (<library>/globals.inc): exact module and exact name, never a prefix.
// Readers and scan ask the same list. What is on no list is unknown; what is known to do harm (dangerous.cc) is said by name.
#pragma once

#include <cstdint>
#include <string_view>

namespace decant {

/// Whether pickles of `library` ("sklearn", "numpy", …) genuinely contain this global.
bool is_genuine(std::string_view library, std::string_view module, std::string_view name);

enum class Known : std::uint8_t { harmless, dangerous, unknown };

struct Judgement {
  Known known = Known::unknown;
  std::string_view what;  // of a dangerous one: what it does, "runs commands"
};

/// Harmless: in one of the tables, whichever library's, exactly. Dangerous: reaches, by its module or through the dots of its name,
/// something that runs code, reads or writes files, or opens connections. The tables come first.
Judgement judge(std::string_view module, std::string_view name);

}  // namespace decant
