// SPDX-License-Identifier: Apache-2.0
// Reads a Source from front to back. Every failure names file, member and offset, because only the Cursor fills them in.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "base/text.h"
#include "io/source.h"

namespace decant {

class Cursor {
 public:
  explicit Cursor(Source source, std::uint64_t at = 0) : source_(std::move(source)), at_(at) {}

  std::uint64_t offset() const { return at_; }
  std::uint64_t left() const { return source_.size() - at_; }
  bool at_end() const { return at_ == source_.size(); }
  const Source& source() const { return source_; }
  Budget& budget() const { return source_.budget(); }

  /// A little-endian number; `be` a big-endian one.
  template <class T>
  T le() {
    return number<T>(std::endian::native == std::endian::big);
  }
  template <class T>
  T be() {
    return number<T>(std::endian::native == std::endian::little);
  }

  std::uint8_t byte() { return le<std::uint8_t>(); }

  Bytes bytes(std::uint64_t n) {
    need(n);
    const Bytes out = source_.bytes().subspan(at_, n);
    at_ += n;
    return out;
  }
  std::string_view text(std::uint64_t n) { return as_text(bytes(n)); }
  Blob take(std::uint64_t n) {
    need(n);
    Blob out = source_.data().slice(at_, n);
    at_ += n;
    return out;
  }
  Bytes peek(std::uint64_t n) const { return source_.bytes().subspan(at_, std::min(n, left())); }
  void skip(std::uint64_t n) { bytes(n); }
  void seek(std::uint64_t at) {
    if (at > source_.size()) fail(Code::truncated, format("offset {:#x} lies beyond the end at {:#x}", at, source_.size()));
    at_ = at;
  }

  /// A count of items that the file states: refused when the bytes that are left cannot hold `n` items of `min_item_bytes` each.
  std::size_t count(std::uint64_t n, std::uint64_t min_item_bytes) {
    if (min_item_bytes != 0 && n > left() / min_item_bytes) {
      fail(Code::truncated, format("states {} items of at least {} bytes, only {} bytes left", n, min_item_bytes, left()));
    }
    return static_cast<std::size_t>(n);
  }

  Where where() const { return source_.where(at_); }
  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, where(), text); }
  [[noreturn]] void fail_at(std::uint64_t offset, Code code, std::string_view text) const { throw Error(code, source_.where(offset), text); }

 private:
  void need(std::uint64_t n) const {
    if (n > left()) fail(Code::truncated, format("needs {} bytes, only {} left", n, left()));
  }
  template <class T>
  T number(bool swap) {
    static_assert(std::is_arithmetic_v<T>);
    std::byte raw[sizeof(T)];
    std::memcpy(raw, bytes(sizeof(T)).data(), sizeof(T));
    if (swap) {
      for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    }
    T out;
    std::memcpy(&out, raw, sizeof(T));
    return out;
  }

  Source source_;
  std::uint64_t at_;
};

}  // namespace decant
