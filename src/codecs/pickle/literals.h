// SPDX-License-Identifier: Apache-2.0
// The text arguments of protocol 0: numbers and strings as Python writes them in source code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace decant::pickle {

/// A whole number as int(text, base) reads it. `small` where it fits, else `big`: little-endian two's complement.
struct Integer {
  std::optional<std::int64_t> small;
  std::string big;
  bool canonical = true;  // as repr() writes it: loaders agree about nothing else
};

/// `base` 10 or 0 (then 0x, 0o, 0b count). Nothing when it is no number, or of more digits than Python itself reads (4,300).
/// `c_octal`: a leading zero means octal, as strtol(…, 0) of the C loader has it.
std::optional<Integer> parse_integer(std::string_view text, int base, bool c_octal = false);

/// float(text).
std::optional<double> parse_real(std::string_view text);

/// The inside of a bytes literal, appended to `out`; false for a broken escape.
bool unescape_bytes(std::string_view text, std::string& out);

/// The codec raw-unicode-escape, appended to `out` as UTF-8; false for a broken escape.
bool unescape_unicode(std::string_view text, std::string& out);

/// Appends one code point; lone surrogates as they are.
void append_utf8(std::uint32_t code, std::string& out);

/// UTF-8, with lone surrogates allowed where `surrogates` (Python's surrogatepass).
bool is_utf8(std::string_view text, bool surrogates);

}  // namespace decant::pickle
