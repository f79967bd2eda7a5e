// SPDX-License-Identifier: Apache-2.0
// Compressed streams: gzip, zlib, raw deflate, bzip2, xz, LZMA alone, LZ4 frames, Zstandard, and joblib's own ZF (before 0.10).
// Output is charged to the budget before memory for it grows, so a bomb is refused, not unpacked.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/cursor.h"

namespace decant::compress {

enum class Method : std::uint8_t { gzip, zlib, deflate, bzip2, xz, lzma, lz4, zstd, zfile };

std::string_view name_of(Method method);

/// The method whose magic number `first` begins with. Never deflate, which has none; zlib and lzma only when their headers check out.
std::optional<Method> recognise(Bytes first);

struct Unpacked {
  Blob data;
  std::uint64_t end = 0;      // offset just behind the compressed data, concatenated members included
  std::uint64_t members = 0;  // gzip, bzip2, xz, lz4 and zstd streams may be several in a row; what they hold is one after another
};

/// Unpacks from the cursor's position and leaves the cursor behind the compressed data: what follows is the caller's to judge.
/// Checksums are checked. `expected`: the exact size where a container states it; memory is then taken once, and any other size is
/// corrupt.
Unpacked unpack(Cursor& cursor, Method method, std::optional<std::uint64_t> expected = std::nullopt);

/// A whole compressed file as a Source of its own; throws corrupt when something follows, unsupported when it is not compressed.
Source unpack_all(const Source& source);

}  // namespace decant::compress
