// SPDX-License-Identifier: Apache-2.0
#include "codecs/zip/zip.h"

#include <libdeflate.h>

#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "codecs/compress/compress.h"

namespace decant::zip {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kLocal = "PK\x03\x04"sv, kCentral = "PK\x01\x02"sv, kEnd = "PK\x05\x06"sv, kEnd64 = "PK\x06\x06"sv,
                           kLocator64 = "PK\x06\x07"sv, kDescriptor = "PK\x07\x08"sv;
constexpr std::uint64_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46, kLocalSize = 30;
constexpr std::uint16_t kFlagDescriptor = 0x0008, kFlagPatched = 0x0020;

std::uint32_t crc_of(Bytes bytes) { return ::libdeflate_crc32(0, bytes.data(), bytes.size()); }

std::uint64_t number(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return out;
}

bool at_is(Bytes bytes, std::uint64_t at, std::string_view magic) {
  return at <= bytes.size() && bytes.size() - at >= magic.size() && as_text(bytes.subspan(at, magic.size())) == magic;
}

// The zip64 extra field (APPNOTE 4.5.3) holds, in this order, those of the four numbers that do not fit in the header.
void read_zip64(Bytes extra, std::uint64_t* size, std::uint64_t* packed, std::uint64_t* offset) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::uint64_t id = number(extra, at, 2), length = number(extra, at + 2, 2);
    if (length > extra.size() - at - 4) return;
    if (id == 0x0001) {
      std::size_t field = at + 4;
      const std::size_t end = field + length;
      for (std::uint64_t* value : {size, packed, offset}) {
        if (value == nullptr || *value != 0xFFFFFFFF || end - field < 8) continue;
        *value = number(extra, field, 8);
        field += 8;
      }
      return;
    }
    at += 4 + length;
  }
}

}  // namespace

bool looks_like(Bytes first) { return at_is(first, 0, kLocal) || at_is(first, 0, kEnd); }

void Archive::odd(std::string_view rule, std::string text, std::uint64_t offset) {
  constexpr std::size_t kMost = 256;
  if (oddities_.size() < kMost) oddities_.push_back({std::string(rule), std::move(text), offset});
}

Archive::Archive(const Source& source) : source_(source) {
  const Bytes bytes = source.bytes();
  const auto fail = [&](std::uint64_t at, Code code, std::string_view text) -> Error { return Error(code, source.where(at), text); };
  if (bytes.size() < kEndSize) throw fail(0, Code::truncated, "too short for a zip archive");
  // The end record is the last one whose signature stands in the last 64 KiB (a comment may follow it), as in Python's zipfile.
  const std::uint64_t lowest = bytes.size() - std::min<std::uint64_t>(bytes.size(), kEndSize + 0xFFFF);
  const std::string_view tail = as_text(bytes.subspan(lowest));
  const std::size_t found = tail.rfind(kEnd, tail.size() - kEndSize);
  if (found == std::string_view::npos)
    throw fail(bytes.size(), Code::truncated, "the zip archive has no end record: it is cut off, or no zip archive");
  const std::uint64_t end = lowest + found;
  const std::uint64_t comment_size = number(bytes, end + 20, 2);
  std::uint64_t behind = bytes.size() - end - kEndSize;
  comment_ = bytes.subspan(end + kEndSize, std::min(comment_size, behind));
  if (comment_size > behind) throw fail(end, Code::truncated, format("the comment of {} bytes is cut off after {}", comment_size, behind));
  if (behind > comment_size) {
    odd("trailing-data", format("{} bytes follow the archive", behind - comment_size), end + kEndSize + comment_size);
    gaps_.push_back({end + kEndSize + comment_size, behind - comment_size});
  }
  if (const std::size_t other = tail.rfind(kEnd, found == 0 ? 0 : found - 1);
      other != std::string_view::npos && other < found && found != 0) {
    const std::uint64_t at = lowest + other;
    if (at + kEndSize + number(bytes, at + 20, 2) == bytes.size())
      odd("several-directories", "the archive has two end records that both fit: readers choose different ones", at);
  }

  std::uint64_t disks = number(bytes, end + 4, 2) | number(bytes, end + 6, 2);
  std::uint64_t count = number(bytes, end + 10, 2), size = number(bytes, end + 12, 4), offset = number(bytes, end + 16, 4);
  const std::uint64_t count_here = number(bytes, end + 8, 2);
  std::uint64_t directory_end = end;
  const bool wide = end >= kLocatorSize && at_is(bytes, end - kLocatorSize, kLocator64);
  if (wide) {
    // The record stands right before its locator; the locator's own offset is wrong when something was put before the archive.
    const std::uint64_t locator = end - kLocatorSize;
    std::uint64_t record = number(bytes, locator + 8, 8);
    if (!at_is(bytes, record, kEnd64) && locator >= kEnd64Size) record = locator - kEnd64Size;
    if (!at_is(bytes, record, kEnd64) || bytes.size() - record < kEnd64Size)
      throw fail(locator, Code::corrupt, "the zip64 end record is not where its locator says");
    disks = number(bytes, record + 16, 4) | number(bytes, record + 20, 4);
    const std::uint64_t wide_count = number(bytes, record + 32, 8), wide_size = number(bytes, record + 40, 8),
                        wide_offset = number(bytes, record + 48, 8);
    if ((count != 0xFFFF && count != wide_count) || (size != 0xFFFFFFFF && size != wide_size) ||
        (offset != 0xFFFFFFFF && offset != wide_offset)) {
      odd("several-directories", "the end record and the zip64 end record disagree", record);
    }
    count = wide_count;
    size = wide_size;
    offset = wide_offset;
    directory_end = record;
  } else if (count_here != count) {
    throw fail(end, Code::unsupported, "an archive that is split over several files");
  }
  if (disks != 0 && !(disks == 0xFFFF && wide)) throw fail(end, Code::unsupported, "an archive that is split over several files");
  if (size > directory_end) throw fail(end, Code::corrupt, format("a directory of {} bytes before offset {:#x}", size, directory_end));
  if (count > size / kCentralSize) throw fail(end, Code::corrupt, format("states {} entries in a directory of {} bytes", count, size));
  const std::uint64_t directory = directory_end - size;
  std::uint64_t prefix = 0;
  if (offset > directory) {
    throw fail(end, Code::corrupt,
               format("the directory should be at {:#x}, but it must end at {:#x} after {} bytes", offset, directory_end, size));
  }
  if (offset < directory) {
    // Python's zipfile moves all offsets by what stands before the archive; others trust the offset.
    if (at_is(bytes, offset, kCentral)) {
      odd("several-directories", "two directories: one where the end record points, one right before it", offset);
    }
    prefix = directory - offset;
    odd("prefix", format("{} bytes stand before the archive", prefix), 0);
  }
  read_directory(directory, size, count, prefix);
  find_gaps(directory, size, end);
}

void Archive::read_directory(std::uint64_t at, std::uint64_t size, std::uint64_t count, std::uint64_t prefix) {
  source_.budget().charge_items(count, source_.where(at));
  source_.budget().charge(sat_mul(count, sizeof(Entry) + 64), "the directory of an archive", source_.where(at));
  entries_.reserve(count);
  Cursor cursor(source_, at);
  const std::uint64_t end = at + size;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t start = cursor.offset();
    if (end - start < kCentralSize)
      throw Error(Code::corrupt, source_.where(start), format("the directory ends after {} of {} entries", i, count));
    const Bytes header = cursor.bytes(kCentralSize);
    if (!at_is(header, 0, kCentral)) throw Error(Code::corrupt, source_.where(start), "no entry where the directory should have one");
    Entry entry;
    entry.flags = static_cast<std::uint16_t>(number(header, 8, 2));
    entry.method = static_cast<std::uint16_t>(number(header, 10, 2));
    entry.crc = static_cast<std::uint32_t>(number(header, 16, 4));
    entry.packed = number(header, 20, 4);
    entry.size = number(header, 24, 4);
    entry.offset = number(header, 42, 4);
    const std::uint64_t name_size = number(header, 28, 2), extra_size = number(header, 30, 2), comment_size = number(header, 32, 2);
    if (end - cursor.offset() < name_size + extra_size + comment_size)
      throw Error(Code::corrupt, source_.where(start), "an entry goes over the end of the directory");
    source_.budget().charge(name_size, "the directory of an archive", source_.where(start));
    entry.name = std::string(cursor.text(name_size));
    read_zip64(cursor.bytes(extra_size), &entry.size, &entry.packed, &entry.offset);
    cursor.skip(comment_size);
    entry.offset = sat_add(entry.offset, prefix);
    if (number(header, 34, 2) != 0 && number(header, 34, 2) != 0xFFFF)
      throw Error(Code::unsupported, source_.where(start), "an archive that is split over several files");
    const std::uint64_t unix_mode = number(header, 38, 4) >> 16;
    if (number(header, 5, 1) == 3 && (unix_mode & 0170000) == 0120000)
      odd("link", format("\"{}\" is a symbolic link", printable(entry.name, 80)), start);
    read_local(entry);
    check_name(entry);
    entries_.push_back(std::move(entry));
  }
  if (cursor.offset() != end) {
    odd("hidden-data", format("{} bytes follow the last entry of the directory", end - cursor.offset()), cursor.offset());
    gaps_.push_back({cursor.offset(), end - cursor.offset()});
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!by_name_.insert_or_assign(entries_[i].name, i).second) {
      odd("duplicate-name", format("\"{}\" is there twice: readers choose different ones", printable(entries_[i].name, 80)),
          entries_[i].offset);
    }
  }
}

void Archive::read_local(Entry& entry) {
  const Bytes bytes = source_.bytes();
  const Where where = source_.where(entry.offset);
  const std::string shown = printable(entry.name, 80);
  if (!at_is(bytes, entry.offset, kLocal) || bytes.size() - entry.offset < kLocalSize)
    throw Error(Code::corrupt, where, format("no local header for \"{}\"", shown));
  const Bytes header = bytes.subspan(entry.offset, kLocalSize);
  const std::uint64_t name_size = number(header, 26, 2), extra_size = number(header, 28, 2);
  entry.data_offset = entry.offset + kLocalSize + name_size + extra_size;
  if (entry.data_offset > bytes.size() || entry.packed > bytes.size() - entry.data_offset) {
    throw Error(Code::truncated, where,
                format("\"{}\" states {} bytes, only {} left", shown, entry.packed,
                       bytes.size() - std::min<std::uint64_t>(entry.data_offset, bytes.size())));
  }
  const auto differs = [&](const char* what) {
    odd("local-mismatch", format("the {} of \"{}\" differs between its local header and the directory", what, shown), entry.offset);
  };
  if (as_text(bytes.subspan(entry.offset + kLocalSize, name_size)) != entry.name) differs("name");
  const auto flags = static_cast<std::uint16_t>(number(header, 6, 2));
  if (number(header, 8, 2) != entry.method) differs("method");
  if ((flags ^ entry.flags) & (0x2041 | kFlagDescriptor | kFlagPatched)) differs("flags");
  if (entry.encrypted()) odd("encrypted", format("\"{}\" says that it is encrypted", shown), entry.offset);
  if (entry.flags & kFlagPatched) odd("patched", format("\"{}\" says that it is a patch", shown), entry.offset);
  if (!(flags & kFlagDescriptor)) {
    std::uint64_t packed = number(header, 18, 4), size = number(header, 22, 4);
    read_zip64(bytes.subspan(entry.offset + kLocalSize + name_size, extra_size), &size, &packed, nullptr);
    if (packed != entry.packed || size != entry.size) differs("size");
    if (static_cast<std::uint32_t>(number(header, 14, 4)) != entry.crc) differs("checksum");
  }
  if (entry.method == 0 && entry.size != entry.packed)
    odd("size-mismatch", format("\"{}\" is stored, but its two sizes differ: {} and {}", shown, entry.packed, entry.size), entry.offset);
}

void Archive::check_name(const Entry& entry) {
  const std::string_view name = entry.name;
  bool bad = name.empty() || name.front() == '/' || name.find('\0') != std::string_view::npos ||
             name.find('\\') != std::string_view::npos || (name.size() > 1 && name[1] == ':');
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t slash = std::min(name.find('/', at), name.size());
    bad = bad || name.substr(at, slash - at) == "..";
    at = slash + 1;
  }
  if (bad) odd("unsafe-name", format("\"{}\" is a name that leads out of the archive", printable(name, 80)), entry.offset);
}

// What no entry covers. Data descriptors (4.3.9) follow their data, with or without a signature, with sizes of 4 or 8 bytes.
void Archive::find_gaps(std::uint64_t directory, std::uint64_t directory_size, std::uint64_t end) {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries_) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) { return a->offset < b->offset; });
  const Bytes bytes = source_.bytes();
  std::uint64_t at = 0;
  const auto gap = [&](std::uint64_t to, const Entry* before) {
    if (at >= to) return;
    std::uint64_t size = to - at;
    if (before != nullptr && (before->flags & kFlagDescriptor)) {
      const std::uint64_t signature = at_is(bytes, at, kDescriptor) ? 4 : 0;
      if (size >= signature + 12 && number(bytes, at + signature, 4) == before->crc) {
        const std::uint64_t descriptor = signature + (size >= signature + 20 && number(bytes, at + signature + 4, 8) == before->packed &&
                                                              number(bytes, at + signature + 12, 8) == before->size
                                                          ? 20
                                                          : 12);
        at += descriptor;
        size -= descriptor;
      }
    }
    const Bytes rest = bytes.subspan(at, size);
    if (std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{0}; })) return;
    odd("hidden-data", format("{} bytes at {:#x} belong to no entry", size, at), at);
    gaps_.push_back({at, size});
  };
  const Entry* before = nullptr;
  for (const Entry* entry : order) {
    if (entry->offset < at)
      throw Error(Code::corrupt, source_.where(entry->offset), format("\"{}\" overlaps another entry", printable(entry->name, 80)));
    gap(entry->offset, before);
    at = entry->data_offset + entry->packed;
    before = entry;
  }
  if (at > directory) throw Error(Code::corrupt, source_.where(directory), "the last entry overlaps the directory");
  gap(directory, before);
  at = directory + directory_size;
  // The zip64 end record and its locator lie between the directory and the end record.
  if (end - at != 0 && end - at != kEnd64Size + kLocatorSize) gap(end, nullptr);
}

const Entry* Archive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

Source Archive::read(const Entry& entry) const {
  const Where where = source_.where(entry.offset, entry.name);
  if (entry.encrypted()) throw Error(Code::unsupported, where, "the entry is encrypted");
  if (entry.method == 0 && entry.size != entry.packed)
    throw Error(Code::corrupt, where, format("the entry is stored, but its two sizes differ: {} and {}", entry.packed, entry.size));
  const Blob packed = source_.data().slice(entry.data_offset, entry.packed);
  Blob data;
  if (entry.method == 0) {
    data = packed;
  } else {
    const Source inner = source_.member(entry.name, packed);
    Cursor cursor(inner);
    compress::Method method{};
    switch (entry.method) {
      case 8:
        method = compress::Method::deflate;
        break;
      case 12:
        method = compress::Method::bzip2;
        break;
      case 93:
        method = compress::Method::zstd;
        break;
      case 95:
        method = compress::Method::xz;
        break;
      default:
        throw Error(Code::unsupported, where, format("compression method {}", entry.method));
    }
    data = compress::unpack(cursor, method, entry.size).data;
    if (!cursor.at_end()) throw Error(Code::corrupt, where, format("{} bytes follow the compressed data of the entry", cursor.left()));
  }
  const std::uint32_t crc = crc_of(data.bytes);
  if (crc != entry.crc) throw Error(Code::corrupt, where, format("checksum {:08x}, the archive states {:08x}", crc, entry.crc));
  return source_.member(entry.name, std::move(data));
}

Source Archive::read_unchecked(const Entry& entry) const {
  const Source inner = source_.member(entry.name, source_.data().slice(entry.data_offset, entry.packed));
  if (entry.method == 0) return inner;
  Cursor cursor(inner);
  const compress::Method method = entry.method == 8    ? compress::Method::deflate
                                  : entry.method == 12 ? compress::Method::bzip2
                                  : entry.method == 93 ? compress::Method::zstd
                                                       : compress::Method::xz;
  if (entry.method != 8 && entry.method != 12 && entry.method != 93 && entry.method != 95)
    throw Error(Code::unsupported, source_.where(entry.offset, entry.name), format("compression method {}", entry.method));
  return source_.member(entry.name, compress::unpack(cursor, method).data);
}

// ---- writing --------------------------------------------------------------------------------------------------------------------

namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i & 0xFF));
}

constexpr std::uint64_t kDosDate = 0x21;  // 1 January 1980, the first day that the format can say
constexpr std::uint64_t kWide = 0xFFFFFFFF;

}  // namespace

void Writer::add(std::string_view name, Bytes data, bool deflate, std::uint32_t align) {
  Done done;
  done.name = std::string(name);
  if (name.size() > 0xFFFF) throw Error(Code::usage, "a name of more than 64 KiB in an archive");
  done.size = done.packed = data.size();
  done.crc = crc_of(data);
  done.offset = sink_.written() - start_;
  std::string packed;
  if (deflate) {
    const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> encoder(::libdeflate_alloc_compressor(6),
                                                                                           ::libdeflate_free_compressor);
    if (!encoder) throw std::bad_alloc();
    packed.resize(::libdeflate_deflate_compress_bound(encoder.get(), data.size()));
    packed.resize(::libdeflate_deflate_compress(encoder.get(), data.data(), data.size(), packed.data(), packed.size()));
    done.packed = packed.size();
    done.method = 8;
  }
  const bool wide = done.size >= kWide || done.packed >= kWide;
  std::string extra;
  if (wide) put(extra, 1, 2), put(extra, 16, 2), put(extra, done.size, 8), put(extra, done.packed, 8);
  if (align > 1 && !deflate) {
    // An extra field of its own kind ("FB", as PyTorch pads) moves the data to the next multiple.
    const std::uint64_t at = done.offset + kLocalSize + name.size() + extra.size() + 4;
    const std::uint64_t pad = (align - at % align) % align;
    put(extra, 0x4246, 2), put(extra, pad, 2);
    extra.append(pad, '\0');
  }
  std::string header(kLocal);
  put(header, wide ? 45 : 20, 2), put(header, 0x0800, 2), put(header, done.method, 2), put(header, 0, 2), put(header, kDosDate, 2),
      put(header, done.crc, 4);
  put(header, wide ? kWide : done.packed, 4), put(header, wide ? kWide : done.size, 4), put(header, name.size(), 2),
      put(header, extra.size(), 2);
  sink_.write(header);
  sink_.write(name);
  sink_.write(extra);
  if (deflate) {
    sink_.write(packed);
  } else {
    sink_.write(data);
  }
  done_.push_back(std::move(done));
}

void Writer::finish() {
  const std::uint64_t directory = sink_.written() - start_;
  for (const Done& done : done_) {
    std::string extra;
    if (done.size >= kWide) put(extra, done.size, 8);
    if (done.packed >= kWide) put(extra, done.packed, 8);
    if (done.offset >= kWide) put(extra, done.offset, 8);
    std::string header(kCentral);
    put(header, extra.empty() ? 20 : 45, 2), put(header, extra.empty() ? 20 : 45, 2), put(header, 0x0800, 2), put(header, done.method, 2);
    put(header, 0, 2), put(header, kDosDate, 2), put(header, done.crc, 4);
    put(header, std::min(done.packed, kWide), 4), put(header, std::min(done.size, kWide), 4), put(header, done.name.size(), 2);
    put(header, extra.empty() ? 0 : extra.size() + 4, 2), put(header, 0, 2), put(header, 0, 2), put(header, 0, 2), put(header, 0, 4);
    put(header, std::min(done.offset, kWide), 4);
    header += done.name;
    if (!extra.empty()) put(header, 1, 2), put(header, extra.size(), 2);
    sink_.write(header + extra);
  }
  const std::uint64_t end = sink_.written() - start_, size = end - directory, count = done_.size();
  std::string tail;
  if (count >= 0xFFFF || size >= kWide || directory >= kWide) {
    tail += kEnd64;
    put(tail, kEnd64Size - 12, 8), put(tail, 45, 2), put(tail, 45, 2), put(tail, 0, 4), put(tail, 0, 4), put(tail, count, 8),
        put(tail, count, 8);
    put(tail, size, 8), put(tail, directory, 8);
    tail += kLocator64;
    put(tail, 0, 4), put(tail, end, 8), put(tail, 1, 4);
  }
  tail += kEnd;
  put(tail, 0, 2), put(tail, 0, 2), put(tail, std::min<std::uint64_t>(count, 0xFFFF), 2),
      put(tail, std::min<std::uint64_t>(count, 0xFFFF), 2);
  put(tail, std::min(size, kWide), 4), put(tail, std::min(directory, kWide), 4), put(tail, 0, 2);
  sink_.write(tail);
}

}  // namespace decant::zip
