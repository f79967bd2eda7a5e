// SPDX-License-Identifier: Apache-2.0
// Protocol buffers, the wire format alone (https://protobuf.dev/programming-guides/encoding/): fields of a message one after the other,
// every length checked against the bytes that are left, and bytes for writing. No schema: a format's own structs say what fields mean.
// Groups (wire types 3 and 4) are refused: proto2 dropped them before the formats that we read were made.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "io/cursor.h"

namespace decant::protobuf {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Walks the fields of one message. Offsets in errors are those of the file.
class Reader {
 public:
  /// The whole source is one message.
  explicit Reader(const Source& source) : source_(&source), end_(source.size()) {}

  /// Moves to the next field; false at the end of the message. A value that was not taken is skipped.
  bool next();
  std::uint32_t field() const { return field_; }
  Wire wire() const { return wire_; }
  std::uint64_t offset() const { return start_; }

  // The value of the current field, which must be of that wire type: each throws corrupt otherwise.
  std::uint64_t varint();
  std::int64_t int64() { return static_cast<std::int64_t>(varint()); }
  float fixed_float();
  double fixed_double();
  Blob blob();
  std::string_view text();   // not checked to be UTF-8
  Reader message();          // one level deeper; throws limit beyond the budget's depth

  // A repeated number, packed or not, appended to `out`.
  void varints(std::vector<std::int64_t>& out);
  void floats(std::vector<float>& out);
  void doubles(std::vector<double>& out);

  [[noreturn]] void fail(Code code, std::string_view text) const { throw Error(code, source_->where(start_), text); }
  const Source& source() const { return *source_; }

 private:
  Reader(const Source& source, std::uint64_t begin, std::uint64_t end, std::uint32_t depth) : source_(&source), at_(begin), end_(end), depth_(depth) {}
  std::uint64_t raw_varint();
  std::uint64_t length();
  template <class T>
  T fixed();
  void want(Wire wire) const;

  const Source* source_;
  std::uint64_t at_ = 0, end_ = 0, start_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  bool taken_ = true;
};

/// Bytes of a message that is being written. Large blobs are kept as they are and never copied.
class Writer {
 public:
  void varint(std::uint32_t field, std::uint64_t value);
  void int64(std::uint32_t field, std::int64_t value) { varint(field, static_cast<std::uint64_t>(value)); }
  void fixed_float(std::uint32_t field, float value);
  void text(std::uint32_t field, std::string_view value);
  void blob(std::uint32_t field, const Blob& value);
  void message(std::uint32_t field, Writer&& value);
  void packed(std::uint32_t field, const std::vector<std::int64_t>& values);
  void packed(std::uint32_t field, const std::vector<float>& values);

  std::uint64_t size() const { return size_; }
  /// piece(bytes) for each run of bytes, in order.
  template <class F>
  void each(F&& piece) const {
    for (const Piece& p : pieces_) {
      if (!p.small.empty()) piece(as_bytes(p.small));
      if (p.large.size() != 0) piece(p.large.bytes);
    }
  }

 private:
  struct Piece {
    std::string small;  // first these bytes
    Blob large;         // then those
  };
  std::string& buffer();
  void key(std::uint32_t field, Wire wire);
  void put(std::uint64_t value);
  void append(std::string_view bytes);

  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace decant::protobuf
