// SPDX-License-Identifier: Apache-2.0
// POSIX.1-2017, pax: "ustar Interchange Format" and "pax Extended Header"; GNU's 'L' and base-256 sizes as in GNU tar 1.34.
#include "codecs/tar/tar.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace decant::tar {
namespace {

constexpr std::uint64_t kBlock = 512;

std::uint64_t octal(std::string_view field, bool& good) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    std::uint64_t out = static_cast<unsigned char>(field[0]) & 0x7F;
    for (const char c : field.substr(1)) {
      if (out >> 55 != 0) good = false;
      out = out << 8 | static_cast<unsigned char>(c);
    }
    return out;
  }
  std::uint64_t out = 0;
  const std::size_t first = field.find_first_not_of(' ');
  for (const char c : first == std::string_view::npos ? std::string_view() : field.substr(first)) {
    if (c == ' ' || c == '\0') break;
    if (c < '0' || c > '7') {
      good = false;
      break;
    }
    out = out * 8 + static_cast<unsigned>(c - '0');
  }
  return out;
}

bool checksum_fits(std::string_view header) {
  bool good = true;
  const std::uint64_t stated = octal(header.substr(148, 8), good);
  std::uint64_t sum = 8 * ' ';
  for (std::size_t i = 0; i < kBlock; ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  }
  return good && stated == sum;
}

std::string_view until_nul(std::string_view field) { return field.substr(0, std::min(field.find('\0'), field.size())); }

// "27 path=some/long/name\n…"
std::optional<std::string> pax_path(std::string_view records) {
  std::optional<std::string> out;
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<std::size_t>(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 2) return out;
    std::string_view record = records.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) out = std::string(record.substr(5));
    records.remove_prefix(length);
  }
  return out;
}

}  // namespace

bool Entry::unsafe_name() const {
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string::npos) return true;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t slash = std::min(name.find('/', at), name.size());
    if (std::string_view(name).substr(at, slash - at) == "..") return true;
    at = slash + 1;
  }
  return false;
}

bool looks_like(Bytes first) {
  if (first.size() < kBlock) return false;
  const std::string_view header = as_text(first.first(kBlock));
  return header[0] != '\0' && checksum_fits(header);
}

Archive read(const Source& source) {
  Archive out;
  Cursor cursor(source);
  std::optional<std::string> long_name;
  while (cursor.left() >= kBlock) {
    const std::uint64_t start = cursor.offset();
    const std::string_view header = cursor.text(kBlock);
    if (std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; })) {
      // Two empty blocks end an archive; writers then fill up to a multiple of 10 KiB.
      while (cursor.left() >= kBlock && std::ranges::all_of(cursor.peek(kBlock), [](std::byte b) { return b == std::byte{0}; }))
        cursor.skip(kBlock);
      break;
    }
    if (!checksum_fits(header)) cursor.fail_at(start, Code::corrupt, "the checksum of a tar header is wrong");
    bool good = true;
    Entry entry;
    entry.size = octal(header.substr(124, 12), good);
    entry.type = header[156];
    if (!good) cursor.fail_at(start, Code::corrupt, "the size in a tar header is no number");
    if (entry.size > cursor.left())
      cursor.fail_at(start, Code::truncated, format("a member of {} bytes, only {} left", entry.size, cursor.left()));
    cursor.budget().charge_items(1, cursor.where());
    cursor.budget().charge(sizeof(Entry) + kBlock, "the list of an archive", cursor.where());
    entry.offset = cursor.offset();
    const std::string_view content = cursor.text(entry.size);
    const std::uint64_t pad = (kBlock - entry.size % kBlock) % kBlock;
    cursor.skip(std::min(pad, cursor.left()));
    if (entry.type == 'L' || entry.type == 'x') {
      constexpr std::size_t kMostName = 1 << 16;
      if (content.size() > kMostName) cursor.fail_at(start, Code::limit, "a name of more than 64 KiB in an archive");
      if (entry.type == 'L') {
        long_name = std::string(until_nul(content));
      } else if (auto path = pax_path(content)) {
        long_name = std::move(path);
      }
      continue;
    }
    if (entry.type == 'g') continue;
    const std::string_view prefix = header.substr(257, 5) == "ustar" ? until_nul(header.substr(345, 155)) : std::string_view();
    entry.name = long_name ? *long_name
                           : (prefix.empty() ? std::string() : std::string(prefix) + '/') + std::string(until_nul(header.substr(0, 100)));
    long_name.reset();
    out.entries.push_back(std::move(entry));
  }
  out.end = cursor.offset();
  return out;
}

Source member(const Source& source, const Entry& entry) { return source.member(entry.name, source.data().slice(entry.offset, entry.size)); }

}  // namespace decant::tar
