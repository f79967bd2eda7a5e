// SPDX-License-Identifier: Apache-2.0
#include "codecs/npy/literal.h"

#include <charconv>

#include "base/text.h"

namespace decant::npy {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const Source& source, std::uint64_t base) : text_(text), source_(source), base_(base) {}

  Literal whole() {
    Literal out = value(0);
    space();
    if (at_ != text_.size()) fail("something follows the literal");
    return out;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(Code::corrupt, source_.where(base_ + at_), format("a header that is no Python literal: {}", what));
  }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool accept(char c) {
    space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(format("expected '{}'", c));
  }
  bool word(std::string_view w) {
    if (!text_.substr(at_).starts_with(w)) return false;
    at_ += w.size();
    return true;
  }

  Literal value(std::uint32_t depth) {
    source_.budget().check_depth(depth, source_.where(base_ + at_));
    source_.budget().charge(sizeof(Literal), "a header", source_.where(base_ + at_));
    space();
    if (at_ == text_.size()) fail("it ends too early");
    Literal out;
    const char c = text_[at_];
    if (c == '{') {
      ++at_;
      out.kind = Literal::Kind::dict;
      while (!accept('}')) {
        out.items.push_back(value(depth + 1));
        expect(':');
        out.items.push_back(value(depth + 1));
        if (!accept(',')) {
          expect('}');
          break;
        }
      }
    } else if (c == '(' || c == '[') {
      ++at_;
      const char close = c == '(' ? ')' : ']';
      out.kind = c == '(' ? Literal::Kind::tuple : Literal::Kind::list;
      bool comma = true;
      while (!accept(close)) {
        if (!comma) fail("expected ','");
        out.items.push_back(value(depth + 1));
        comma = accept(',');
      }
      if (c == '(' && out.items.size() == 1 && !comma) return std::move(out.items[0]);  // only brackets around a value
    } else if (c == '\'' || c == '"' ||
               ((c == 'u' || c == 'b') && at_ + 1 < text_.size() && (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"'))) {
      out.kind = Literal::Kind::text;
      out.text = string();
    } else if (word("True") || word("False")) {
      out.kind = Literal::Kind::boolean;
      out.integer = c == 'T';
    } else if (word("None")) {
      out.kind = Literal::Kind::none;
    } else {
      out.kind = Literal::Kind::integer;
      const char* first = text_.data() + at_;
      const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), out.integer);
      if (error != std::errc()) fail("expected a value");
      at_ += static_cast<std::size_t>(end - first);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // a long of Python 2
    }
    return out;
  }

  std::string string() {
    if (text_[at_] == 'u' || text_[at_] == 'b') ++at_;
    const char quote = text_[at_++];
    std::string out;
    for (;; ++at_) {
      if (at_ == text_.size()) fail("a text does not end");
      const char c = text_[at_];
      if (c == quote) break;
      if (c == '\n') fail("a text goes over the end of its line");
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (++at_ == text_.size()) fail("a text does not end");
      const char escaped = text_[at_];
      if (escaped == '\\' || escaped == '\'' || escaped == '"') {
        out.push_back(escaped);
      } else if (escaped == 'n' || escaped == 't' || escaped == 'r') {
        out.push_back(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : '\r');
      } else if (escaped == 'x' || escaped == 'u') {
        const std::size_t digits = escaped == 'x' ? 2 : 4;
        unsigned value = 0;
        const char* first = text_.data() + at_ + 1;
        if (text_.size() - at_ - 1 < digits) fail("a broken escape");
        const auto [end, error] = std::from_chars(first, first + digits, value, 16);
        if (error != std::errc() || end != first + digits) fail("a broken escape");
        at_ += digits;
        if (value < 0x80) {
          out.push_back(static_cast<char>(value));
        } else if (value < 0x800) {
          out.push_back(static_cast<char>(0xC0 | value >> 6)), out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
        } else {
          out.push_back(static_cast<char>(0xE0 | value >> 12)), out.push_back(static_cast<char>(0x80 | (value >> 6 & 0x3F)));
          out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
        }
      } else {
        fail("an escape that no header has");
      }
    }
    ++at_;
    return out;
  }

  std::string_view text_;
  const Source& source_;
  std::uint64_t base_;
  std::size_t at_ = 0;
};

}  // namespace

Literal parse_literal(std::string_view text, const Source& source, std::uint64_t base) { return Parser(text, source, base).whole(); }

}  // namespace decant::npy
