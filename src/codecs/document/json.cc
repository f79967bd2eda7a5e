// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "codecs/document/document.h"

namespace decant::document {
namespace {

bool is_number_character(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(const Source& source) : cursor_(source), maker_(source), text_(as_text(source.bytes())) {}

  DocumentPtr run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    Node root = value(0);
    skip_spaces();
    if (at_ != text_.size()) fail(format("{} bytes follow the value", text_.size() - at_));
    return maker_.finish(std::move(root));
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { cursor_.fail_at(at_, Code::corrupt, format("is no JSON: {}", what)); }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  char next() {
    skip_spaces();
    if (at_ == text_.size()) cursor_.fail_at(at_, Code::truncated, "the JSON ends in the middle");
    return text_[at_];
  }
  void expect(char c) {
    if (next() != c) fail(format("'{}' is expected", c));
    ++at_;
  }

  Node value(std::uint32_t depth) {
    cursor_.budget().check_depth(depth, cursor_.source().where(at_));
    const char c = next();
    if (c == '{') return object(depth);
    if (c == '[') return array(depth);
    if (c == '"') {
      Node out = maker_.node(Kind::text, cursor_, at_);
      out.raw = string();
      return out;
    }
    const std::size_t begin = at_;
    const std::string_view word = token();
    Node out = maker_.node(Kind::number, cursor_, begin);
    if (word == "null") {
      out.kind = Kind::null;
    } else if (word == "true" || word == "false") {
      out.kind = Kind::boolean;
      out.type = word == "true";
    } else {
      if (!number_of<double>(word)) fail("a value is expected");
      out.type = 't';
      out.raw = word;
    }
    return out;
  }

  std::string_view token() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_number_character(text_[at_])) ++at_;
    if (at_ == begin) fail("a value is expected");
    return text_.substr(begin, at_ - begin);
  }

  // An array of numbers alone is not taken apart: what its elements are is checked when they are asked for.
  Node array(std::uint32_t depth) {
    Node out = maker_.node(Kind::numbers, cursor_, at_);
    const std::size_t begin = ++at_;
    if (next() == ']') {
      ++at_;
      out.type = 't';
      return out;
    }
    std::uint64_t count = 0;
    for (;;) {
      const char c = next();
      if (c == '{' || c == '[' || c == '"' || c == 'n') break;
      token();
      ++count;
      if (next() == ']') {
        out.type = 't';
        out.count = count;
        out.raw = text_.substr(begin, at_ - begin);
        cursor_.budget().charge_items(count, cursor_.source().where(at_));
        ++at_;
        return out;
      }
      expect(',');
    }
    out.kind = Kind::array;
    at_ = begin;
    for (;;) {
      out.items.push_back(value(depth + 1));
      if (next() == ']') break;
      expect(',');
    }
    ++at_;
    return out;
  }

  Node object(std::uint32_t depth) {
    Node out = maker_.node(Kind::object, cursor_, at_);
    ++at_;
    if (next() == '}') {
      ++at_;
      return out;
    }
    for (;;) {
      if (next() != '"') fail("a key is expected");
      const std::string_view key = string();
      expect(':');
      out.items.push_back(value(depth + 1));
      out.items.back().key = key;
      if (next() == '}') break;
      expect(',');
    }
    ++at_;
    return out;
  }

  std::string_view string() {
    const std::size_t begin = ++at_;
    at_ = text_.find_first_of("\"\\", at_);
    if (at_ == std::string_view::npos) cursor_.fail_at(begin, Code::truncated, "the JSON ends within a text");
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    std::string out(text_.substr(begin, at_ - begin));
    for (;;) {
      if (at_ >= text_.size()) cursor_.fail_at(begin, Code::truncated, "the JSON ends within a text");
      const char c = text_[at_++];
      if (c == '"') break;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ >= text_.size()) cursor_.fail_at(begin, Code::truncated, "the JSON ends within a text");
      const char escape = text_[at_++];
      static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      if (const std::size_t which = kFrom.find(escape); which != std::string_view::npos) out += kTo[which];
      else if (escape == 'u') append_utf8(out, code_point());
      else fail("an unknown escape");
    }
    cursor_.budget().charge(out.size() + sizeof(std::string), "a text", cursor_.source().where(begin));
    return maker_.keep(std::move(out));
  }

  std::uint32_t code_unit() {
    std::uint32_t out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = at_ < text_.size() ? text_[at_++] : '\0';
      const bool digit = c >= '0' && c <= '9', low = c >= 'a' && c <= 'f', high = c >= 'A' && c <= 'F';
      if (!digit && !low && !high) fail("four hexadecimal digits are expected");
      out = out << 4 | static_cast<std::uint32_t>(digit ? c - '0' : low ? c - 'a' + 10 : c - 'A' + 10);
    }
    return out;
  }
  std::uint32_t code_point() {
    const std::uint32_t first = code_unit();
    if (first < 0xD800 || first > 0xDBFF || text_.substr(at_, 2) != "\\u") return first;
    const std::size_t back = at_;
    at_ += 2;
    const std::uint32_t second = code_unit();
    if (second >= 0xDC00 && second <= 0xDFFF) return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    at_ = back;  // a lone surrogate: kept as Python keeps it
    return first;
  }

  Cursor cursor_;
  Maker maker_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

DocumentPtr parse_json(const Source& source) { return Parser(source).run(); }

}  // namespace decant::document
