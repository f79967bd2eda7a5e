// SPDX-License-Identifier: Apache-2.0
// Text for people. The fmt library is hidden here: g++ 12 has no <format>.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace decant {

using fmt::format;

/// Text out of a file, made fit for one line of a terminal: control and non-UTF-8 bytes as \xNN, cut at `most` bytes.
std::string printable(std::string_view text, std::size_t most = 200);

/// The same as a JSON literal, with its quotes.
std::string json_text(std::string_view text);

/// 8589934592 → "8.0 GiB"
std::string human_bytes(std::uint64_t bytes);

/// The entry of `known` nearest to `word` (edit distance at most a third of its length), or "" : for "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace decant
