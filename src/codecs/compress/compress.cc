// SPDX-License-Identifier: Apache-2.0
#include "codecs/compress/compress.h"

#include <charconv>
#include <cstdlib>
#include <new>

#include "codecs/compress/methods.h"

namespace decant::compress {
namespace {

constexpr std::string_view kZfile = "ZF0x";
constexpr std::size_t kZfileDigits = 19;  // hex(2 ** 64) of Python, without an L

// joblib/numpy_pickle_compat.py, read_zfile: "ZF", the size as hex() writes it, padded to 19 characters; joblib up to 0.8.4 under
// Python 2 wrote one blank more. A zlib stream follows.
std::uint64_t zfile_size(Cursor& cursor) {
  const std::uint64_t start = cursor.offset();
  std::string_view text = cursor.text(2 + kZfileDigits);
  const std::string_view digits = text.substr(kZfile.size(), text.find_first_of(" L", kZfile.size()) - kZfile.size());
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (error != std::errc() || end != digits.data() + digits.size())
    cursor.fail_at(start, Code::corrupt, "the size in the header is no number");
  if (starts_with(cursor, " ")) cursor.skip(1);
  return size;
}

bool is_zlib(Bytes first) {
  if (first.size() < 2) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(first[i]); };
  // RFC 1950: method 8, window of at most 32 KiB, check bits, no preset dictionary. 0x78 (32 KiB) is all that is found in practice.
  return at(0) == 0x78 && (at(0) * 256 + at(1)) % 31 == 0 && (at(1) & 0x20) == 0;
}

bool is_lzma(Bytes first) {
  if (first.size() < 13) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint64_t>(first[i]); };
  if (at(0) != 0x5D) return false;  // lc=3, lp=0, pb=2: what every encoder writes
  std::uint64_t dictionary = 0, size = 0;
  for (std::size_t i = 4; i >= 1; --i) dictionary = dictionary << 8 | at(i);
  for (std::size_t i = 12; i >= 5; --i) size = size << 8 | at(i);
  const bool round =
      std::has_single_bit(dictionary) || (dictionary % 3 == 0 && std::has_single_bit(dictionary / 3)) || dictionary == 0xFFFFFFFF;
  return round && (size == ~std::uint64_t{0} || size < std::uint64_t{1} << 38);
}

}  // namespace

void Output::Free::operator()(std::byte* p) const { std::free(p); }

Output::Output(const Cursor& cursor, std::optional<std::uint64_t> expected) : budget_(cursor.budget()), expected_(expected) {
  if (!expected) return;
  budget_.charge_inflate(*expected, cursor.where());
  capacity_ = *expected + 1;  // one more, so that a stream that is too long is seen
  data_.reset(static_cast<std::byte*>(std::malloc(capacity_)));
  if (!data_) throw std::bad_alloc();
}

std::span<std::byte> Output::room() {
  if (size_ == capacity_) {
    if (expected_) return {data_.get() + size_, 0};
    // realloc moves pages instead of bytes once the block is large, and pages that nothing was written to cost nothing.
    const std::size_t grown = std::max(2 * capacity_, kStep / 4);
    auto* data = static_cast<std::byte*>(std::realloc(data_.get(), grown));
    if (data == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(data);
    capacity_ = grown;
  }
  return {data_.get() + size_, std::min(kStep, capacity_ - size_)};
}

void Output::wrote(std::size_t n, const Where& where) {
  size_ += n;
  if (!expected_) {
    budget_.charge_inflate(n, where);
  } else if (size_ > *expected_) {
    throw Error(Code::corrupt, where, format("unpacks to more than the {} bytes that were promised", *expected_));
  }
}

Blob Output::finish(const Where& where) {
  if (expected_ && size_ != *expected_)
    throw Error(Code::corrupt, where, format("unpacks to {} bytes, {} were promised", size_, *expected_));
  if (size_ == 0) return {};
  if (!expected_ && size_ < capacity_) {
    if (auto* data = static_cast<std::byte*>(std::realloc(data_.get(), size_)); data != nullptr) {
      static_cast<void>(data_.release());
      data_.reset(data);
    }
  }
  std::byte* data = data_.release();
  return {std::shared_ptr<const void>(data, [](const void* p) { std::free(const_cast<void*>(p)); }), {data, size_}};
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::gzip:
      return "gzip";
    case Method::zlib:
      return "zlib";
    case Method::deflate:
      return "deflate";
    case Method::bzip2:
      return "bzip2";
    case Method::xz:
      return "xz";
    case Method::lzma:
      return "lzma";
    case Method::lz4:
      return "lz4";
    case Method::zstd:
      return "zstd";
    case Method::zfile:
      return "zfile";
  }
  return "?";
}

std::optional<Method> recognise(Bytes first) {
  const std::string_view text = as_text(first);
  using namespace std::string_view_literals;
  if (text.starts_with("\x1f\x8b\x08"sv)) return Method::gzip;
  if (text.starts_with("BZh"sv) && text.size() >= 10 && text[3] >= '1' && text[3] <= '9' &&
      (text.substr(4, 6) == "1AY&SY"sv || text.substr(4, 6) == "\x17\x72\x45\x38\x50\x90"sv)) {
    return Method::bzip2;
  }
  if (text.starts_with("\xfd"
                       "7zXZ\0"sv))
    return Method::xz;
  if (text.starts_with("\x04\x22\x4d\x18"sv)) return Method::lz4;
  if (text.starts_with("\x28\xb5\x2f\xfd"sv)) return Method::zstd;
  if (text.starts_with(kZfile)) return Method::zfile;
  if (is_zlib(first)) return Method::zlib;
  if (is_lzma(first)) return Method::lzma;
  return std::nullopt;
}

Unpacked unpack(Cursor& cursor, Method method, std::optional<std::uint64_t> expected) {
  if (method == Method::zfile) {
    const std::uint64_t size = zfile_size(cursor);
    if (expected && *expected != size) cursor.fail(Code::corrupt, format("states a size of {} bytes, {} were promised", size, *expected));
    return unpack(cursor, Method::zlib, size);
  }
  Output out(cursor, expected);
  Unpacked result;
  switch (method) {
    case Method::deflate:
      result.members = expected ? unpack_deflate_at_once(cursor, out) : unpack_zlib(cursor, method, out);
      break;
    case Method::bzip2:
      result.members = unpack_bzip2(cursor, out);
      break;
    case Method::xz:
    case Method::lzma:
      result.members = unpack_xz(cursor, method, out);
      break;
    case Method::lz4:
      result.members = unpack_lz4(cursor, out);
      break;
    case Method::zstd:
      result.members = unpack_zstd(cursor, out);
      break;
    default:
      result.members = unpack_zlib(cursor, method, out);
  }
  result.end = cursor.offset();
  result.data = out.finish(cursor.where());
  return result;
}

Source unpack_all(const Source& source) {
  Cursor cursor(source);
  const std::optional<Method> method = recognise(cursor.peek(16));
  if (!method) cursor.fail(Code::unsupported, "is not compressed in a way that is known");
  Unpacked unpacked = unpack(cursor, *method);
  if (!cursor.at_end()) cursor.fail(Code::corrupt, format("{} bytes follow the compressed data", cursor.left()));
  return source.unpacked(name_of(*method), std::move(unpacked.data));
}

}  // namespace decant::compress
