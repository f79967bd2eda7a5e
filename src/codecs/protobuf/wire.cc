// SPDX-License-Identifier: Apache-2.0
#include "codecs/protobuf/wire.h"

namespace decant::protobuf {

std::uint64_t Reader::raw_varint() {
  const Bytes bytes = source_->bytes();
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ >= end_) fail(Code::truncated, "the message ends inside a number");
    const auto b = static_cast<std::uint8_t>(bytes[at_++]);
    if (shift == 63 && b > 1) fail(Code::corrupt, "a number of more than 64 bits");
    out |= static_cast<std::uint64_t>(b & 0x7Fu) << shift;
    if (b < 0x80) return out;
  }
  fail(Code::corrupt, "a number of more than ten bytes");
}

std::uint64_t Reader::length() {
  const std::uint64_t n = raw_varint();
  if (n > end_ - at_) fail(Code::truncated, format("field {} states {} bytes, {} are left", field_, n, end_ - at_));
  return n;
}

bool Reader::next() {
  if (!taken_) {
    taken_ = true;
    switch (wire_) {
      case Wire::varint: raw_varint(); break;
      case Wire::fixed64: fixed<std::uint64_t>(); break;
      case Wire::fixed32: fixed<std::uint32_t>(); break;
      case Wire::bytes: at_ += length(); break;
    }
  }
  if (at_ == end_) return false;
  start_ = at_;
  const std::uint64_t key = raw_varint();
  if ((key >> 3) == 0 || (key >> 3) > 0x1FFFFFFFu) fail(Code::corrupt, format("field number {}", key >> 3));
  field_ = static_cast<std::uint32_t>(key >> 3);
  const auto wire = static_cast<std::uint8_t>(key & 7u);
  if (wire != 0 && wire != 1 && wire != 2 && wire != 5) fail(Code::corrupt, format("field {} has wire type {}", field_, wire));
  wire_ = static_cast<Wire>(wire);
  taken_ = false;
  return true;
}

void Reader::want(Wire wire) const {
  if (wire_ != wire) fail(Code::corrupt, format("field {} has wire type {}, not {}", field_, static_cast<int>(wire_), static_cast<int>(wire)));
}

std::uint64_t Reader::varint() {
  want(Wire::varint);
  taken_ = true;
  return raw_varint();
}

template <class T>
T Reader::fixed() {
  if (end_ - at_ < sizeof(T)) fail(Code::truncated, "the message ends inside a number");
  const T out = Cursor(*source_, at_).le<T>();
  at_ += sizeof(T);
  return out;
}

float Reader::fixed_float() {
  want(Wire::fixed32);
  taken_ = true;
  return fixed<float>();
}

double Reader::fixed_double() {
  want(Wire::fixed64);
  taken_ = true;
  return fixed<double>();
}

Blob Reader::blob() {
  want(Wire::bytes);
  taken_ = true;
  const std::uint64_t n = length();
  Blob out = source_->data().slice(at_, n);
  at_ += n;
  return out;
}

std::string_view Reader::text() {
  want(Wire::bytes);
  taken_ = true;
  const std::uint64_t n = length();
  const std::string_view out = as_text(source_->bytes().subspan(at_, n));
  at_ += n;
  return out;
}

Reader Reader::message() {
  want(Wire::bytes);
  taken_ = true;
  const std::uint64_t n = length();
  source_->budget().check_depth(depth_ + 1, source_->where(start_));
  source_->budget().charge_items(1, source_->where(start_));
  Reader out(*source_, at_, at_ + n, depth_ + 1);
  at_ += n;
  return out;
}

void Reader::varints(std::vector<std::int64_t>& out) {
  if (wire_ != Wire::bytes) return out.push_back(int64());
  Reader packed = message();
  // At least one byte each: the count is bounded by the bytes that are there, the memory by the budget.
  source_->budget().charge((packed.end_ - packed.at_) * sizeof(std::int64_t), "a list of numbers", source_->where(start_));
  packed.start_ = start_;
  packed.field_ = field_;
  while (packed.at_ != packed.end_) out.push_back(static_cast<std::int64_t>(packed.raw_varint()));
}

void Reader::floats(std::vector<float>& out) {
  if (wire_ != Wire::bytes) return out.push_back(fixed_float());
  const Blob b = blob();
  if (b.size() % sizeof(float) != 0) fail(Code::corrupt, format("{} bytes of packed floats", b.size()));
  source_->budget().charge(b.size(), "a list of numbers", source_->where(start_));
  const std::size_t before = out.size();
  out.resize(before + b.size() / sizeof(float));
  if (b.size() != 0) std::memcpy(out.data() + before, b.bytes.data(), b.size());
}

void Reader::doubles(std::vector<double>& out) {
  if (wire_ != Wire::bytes) return out.push_back(fixed_double());
  const Blob b = blob();
  if (b.size() % sizeof(double) != 0) fail(Code::corrupt, format("{} bytes of packed doubles", b.size()));
  source_->budget().charge(b.size(), "a list of numbers", source_->where(start_));
  const std::size_t before = out.size();
  out.resize(before + b.size() / sizeof(double));
  if (b.size() != 0) std::memcpy(out.data() + before, b.bytes.data(), b.size());
}

// --- writing ----------------------------------------------------------------------------------------------------------------------------

namespace {
std::string encoded(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7Fu) | 0x80u);
  out += static_cast<char>(value);
  return out;
}
}  // namespace

std::string& Writer::buffer() {
  if (pieces_.empty() || pieces_.back().large.size() != 0) pieces_.emplace_back();
  return pieces_.back().small;
}

void Writer::append(std::string_view bytes) {
  buffer().append(bytes);
  size_ += bytes.size();
}

void Writer::put(std::uint64_t value) { append(encoded(value)); }
void Writer::key(std::uint32_t field, Wire wire) { put((std::uint64_t{field} << 3) | static_cast<std::uint64_t>(wire)); }

void Writer::varint(std::uint32_t field, std::uint64_t value) {
  key(field, Wire::varint);
  put(value);
}

void Writer::fixed_float(std::uint32_t field, float value) {
  static_assert(std::endian::native == std::endian::little);
  key(field, Wire::fixed32);
  append(as_text(std::as_bytes(std::span(&value, 1))));
}

void Writer::text(std::uint32_t field, std::string_view value) {
  key(field, Wire::bytes);
  put(value.size());
  append(value);
}

void Writer::blob(std::uint32_t field, const Blob& value) {
  constexpr std::size_t kSmall = 4096;
  if (value.size() < kSmall) return text(field, as_text(value.bytes));
  key(field, Wire::bytes);
  put(value.size());
  buffer();
  pieces_.back().large = value;
  size_ += value.size();
}

void Writer::message(std::uint32_t field, Writer&& value) {
  key(field, Wire::bytes);
  put(value.size_);
  size_ += value.size_;
  for (Piece& p : value.pieces_) {
    buffer().append(p.small);
    if (p.large.size() != 0) pieces_.back().large = std::move(p.large);
  }
}

void Writer::packed(std::uint32_t field, const std::vector<std::int64_t>& values) {
  std::string bytes;
  bytes.reserve(values.size() * 2);
  for (const std::int64_t v : values) {
    auto u = static_cast<std::uint64_t>(v);
    for (; u >= 0x80; u >>= 7) bytes += static_cast<char>((u & 0x7Fu) | 0x80u);
    bytes += static_cast<char>(u);
  }
  text(field, bytes);
}

void Writer::packed(std::uint32_t field, const std::vector<float>& values) { text(field, as_text(std::as_bytes(std::span(values)))); }

}  // namespace decant::protobuf
