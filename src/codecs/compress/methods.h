// SPDX-License-Identifier: Apache-2.0
// Between compress.cc and the file of each method; nobody else includes it.
#pragma once

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "codecs/compress/compress.h"

namespace decant::compress {

/// Where unpacked bytes go: one run of memory that grows, and never holds more than the budget was charged for plus one step.
class Output {
 public:
  Output(const Cursor& cursor, std::optional<std::uint64_t> expected);

  /// Where the next bytes may be written: at least one byte, never more than kStep.
  std::span<std::byte> room();
  void wrote(std::size_t n, const Where& where);
  Blob finish(const Where& where);
  std::uint64_t size() const { return size_; }

  /// For decoders that unpack in one go: all of the memory that `expected` asked for.
  std::span<std::byte> whole() { return {data_.get(), static_cast<std::size_t>(*expected_)}; }

  static constexpr std::size_t kStep = std::size_t{1} << 18;

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  Budget& budget_;
  std::optional<std::uint64_t> expected_;
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

// Each reads streams of its method from the cursor's position, as many as follow each other, and returns their number.
std::uint64_t unpack_zlib(Cursor& cursor, Method method, Output& out);
std::uint64_t unpack_deflate_at_once(Cursor& cursor, Output& out);  // of a known size
std::uint64_t unpack_bzip2(Cursor& cursor, Output& out);
std::uint64_t unpack_xz(Cursor& cursor, Method method, Output& out);
std::uint64_t unpack_lz4(Cursor& cursor, Output& out);
std::uint64_t unpack_zstd(Cursor& cursor, Output& out);

/// The part of the input that a decoder is given at a time: their counters are 32 bits wide.
inline Bytes feed(const Cursor& cursor) { return cursor.peek(std::uint64_t{1} << 30); }

inline bool starts_with(const Cursor& cursor, std::string_view magic) { return as_text(cursor.peek(magic.size())) == magic; }

}  // namespace decant::compress
