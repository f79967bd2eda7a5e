// SPDX-License-Identifier: Apache-2.0
// ZIP archives (PKWARE APPNOTE 6.3.10; zip64): .npz, PyTorch's .pt, .keras, skops. Members are views of the file where they are stored,
// unpacked where they are not. What readers take differently is kept as an oddity: scan reports it, readers of models may refuse it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/cursor.h"
#include "io/sink.h"

namespace decant::zip {

struct Entry {
  std::string name;
  std::uint16_t method = 0;  // 0 stored, 8 deflate, 12 bzip2, 93 zstd, 95 xz
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0, size = 0;
  std::uint64_t offset = 0;       // of the local header
  std::uint64_t data_offset = 0;  // of the packed bytes
  bool encrypted() const { return (flags & 0x2041) != 0; }
  bool is_folder() const { return name.ends_with('/'); }
};

struct Oddity {
  std::string rule;  // "duplicate-name", "local-mismatch", "unsafe-name", "encrypted", "prefix", "hidden-data", …
  std::string text;
  std::uint64_t offset = 0;
};

/// Whether a local header, or the end of an empty archive, stands at the very start.
bool looks_like(Bytes first);

class Archive {
 public:
  /// Reads the central directory. Throws truncated, corrupt, limit or unsupported.
  explicit Archive(const Source& source);
  Archive(Archive&&) = default;
  Archive(const Archive&) = delete;  // the index of names points into the entries

  const std::vector<Entry>& entries() const { return entries_; }
  /// The last entry of that name, as every reader of dictionaries has it; null when there is none.
  const Entry* find(std::string_view name) const;

  /// The content of an entry: a view where it is stored. Size and CRC-32 are checked; encrypted and unknown methods are unsupported.
  Source read(const Entry& entry) const;
  /// What a loader that checks neither sizes nor checksums would see. For scan.
  Source read_unchecked(const Entry& entry) const;

  const std::vector<Oddity>& oddities() const { return oddities_; }
  /// Parts of the file that belong to no entry and are not empty: scan looks into them.
  struct Gap {
    std::uint64_t offset = 0, size = 0;
  };
  const std::vector<Gap>& gaps() const { return gaps_; }
  Bytes comment() const { return comment_; }
  const Source& source() const { return source_; }

 private:
  void odd(std::string_view rule, std::string text, std::uint64_t offset);
  void read_directory(std::uint64_t at, std::uint64_t size, std::uint64_t count, std::uint64_t prefix);
  void read_local(Entry& entry);
  void find_gaps(std::uint64_t directory, std::uint64_t directory_size, std::uint64_t end);
  void check_name(const Entry& entry);

  Source source_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<Oddity> oddities_;
  std::vector<Gap> gaps_;
  Bytes comment_;
};

/// Writes an archive front to back, the same bytes for the same input: no times, no host.
class Writer {
 public:
  explicit Writer(Sink& sink) : sink_(sink), start_(sink.written()) {}
  /// `align`: stored data begin at a multiple of it (for mapping), by way of an extra field.
  void add(std::string_view name, Bytes data, bool deflate = false, std::uint32_t align = 1);
  /// The central directory. Nothing may be added after.
  void finish();

 private:
  struct Done {
    std::string name;
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, size = 0, offset = 0;
  };
  Sink& sink_;
  std::uint64_t start_;
  std::vector<Done> done_;
};

}  // namespace decant::zip
