// SPDX-License-Identifier: Apache-2.0
// Where bytes come from. Files are opened here and nowhere else; everything above sees one contiguous, read-only run of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/budget.h"

namespace decant {

using Bytes = std::span<const std::byte>;

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// Bytes together with what keeps them alive: a mapping, a buffer. Copies are views of the same bytes.
struct Blob {
  std::shared_ptr<const void> owner;
  Bytes bytes;

  std::size_t size() const { return bytes.size(); }
  Blob slice(std::size_t offset, std::size_t length) const { return {owner, bytes.subspan(offset, length)}; }
  /// Uninitialised memory of `size` bytes, aligned to 64; `fill` writes through `data`.
  static Blob allocate(std::size_t size, std::byte*& data);
  static Blob copy_of(Bytes bytes);
};

/// One file, stream or archive member. Cheap to copy.
class Source {
 public:
  /// Maps a regular file. Throws `io` when it cannot be opened or is no regular file; `memory` of 0 means Limits::for_size.
  static Source open(const std::string& path, std::uint64_t memory = 0);
  /// Everything that standard input holds.
  static Source standard_input(std::uint64_t memory = 0);
  static Source memory(Blob data, std::string name, std::uint64_t memory = 0);

  /// An archive member or a decompressed stream: other bytes, same file, same budget. Its offsets count from its own start.
  Source member(std::string_view name, Blob data) const;
  /// The same for a file that is compressed as a whole: it still has the files beside it.
  Source unpacked(std::string_view method, Blob data) const;

  /// Opens a file beside this one, as multi-file formats need. Refuses absolute names, "..", links and anything that is no
  /// regular file; nothing when there is no such file, or when this source is not a file.
  std::optional<Source> sibling(std::string_view name) const;

  /// Tells the kernel that these bytes have been read and their pages can go: keeps resident memory small while a large file is
  /// turned into something smaller. The bytes stay valid.
  void release(Bytes read) const;

  const Blob& data() const { return data_; }
  Bytes bytes() const { return data_.bytes; }
  std::size_t size() const { return data_.bytes.size(); }
  const std::string& file() const { return file_; }
  const std::string& member_name() const { return member_; }
  Budget& budget() const { return *budget_; }

  Where where(std::uint64_t offset = Where::kNoOffset, std::string item = {}) const { return {file_, member_, std::move(item), offset}; }

 private:
  Blob data_;
  std::string file_, member_;
  bool mapped_ = false;    // the bytes are the file's pages
  bool has_siblings_ = false;
  std::shared_ptr<Budget> budget_;
};

}  // namespace decant
