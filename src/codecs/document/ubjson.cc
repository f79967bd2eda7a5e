// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "codecs/document/document.h"

namespace decant::document {
namespace {

class Parser {
 public:
  explicit Parser(const Source& source) : cursor_(source), maker_(source) {}

  DocumentPtr run() {
    Node root = value(marker(), 0);
    if (!cursor_.at_end()) cursor_.fail(Code::corrupt, format("{} bytes follow the UBJSON", cursor_.left()));
    return maker_.finish(std::move(root));
  }

 private:
  char marker() {
    char c = 'N';
    while (c == 'N') c = static_cast<char>(cursor_.byte());  // no-op
    return c;
  }
  char peek() {
    if (cursor_.at_end()) cursor_.fail(Code::truncated, "the UBJSON ends in the middle");
    return static_cast<char>(cursor_.peek(1)[0]);
  }

  std::uint64_t length(char type) {
    std::int64_t n = -1;
    switch (type) {
      case 'i': n = cursor_.be<std::int8_t>(); break;
      case 'U': n = cursor_.be<std::uint8_t>(); break;
      case 'I': n = cursor_.be<std::int16_t>(); break;
      case 'u': n = cursor_.be<std::uint16_t>(); break;
      case 'l': n = cursor_.be<std::int32_t>(); break;
      case 'm': n = cursor_.be<std::uint32_t>(); break;
      case 'L': n = cursor_.be<std::int64_t>(); break;
      default: cursor_.fail(Code::corrupt, format("byte {:#x} where a length is expected", static_cast<unsigned>(static_cast<unsigned char>(type))));
    }
    if (n < 0) cursor_.fail(Code::corrupt, format("a length of {}", n));
    return static_cast<std::uint64_t>(n);
  }
  std::string_view text(char type) {
    const std::uint64_t n = length(type);
    return cursor_.text(n);
  }

  Node value(char type, std::uint32_t depth) {
    cursor_.budget().check_depth(depth, cursor_.where());
    const std::uint64_t offset = cursor_.offset() == 0 ? 0 : cursor_.offset() - 1;
    Node out = maker_.node(Kind::null, cursor_, offset);
    if (type == '{') {
      object(out, depth);
    } else if (type == '[') {
      array(out, depth);
    } else if (type == 'S' || type == 'H') {  // H: a number of many digits, as its text
      out.kind = type == 'S' ? Kind::text : Kind::number;
      out.raw = text(marker());
      out.type = 't';
    } else if (type == 'C') {
      out.kind = Kind::text;
      out.raw = cursor_.text(1);
    } else if (type == 'T' || type == 'F') {
      out.kind = Kind::boolean;
      out.type = type == 'T';
    } else if (const std::size_t width = width_of(type); width != 0) {
      out.kind = Kind::number;
      out.type = type;
      out.raw = cursor_.text(width);
    } else if (type != 'Z') {
      cursor_.fail_at(offset, Code::corrupt, format("byte {:#x} where a value is expected", static_cast<unsigned>(static_cast<unsigned char>(type))));
    }
    return out;
  }

  // The optional head of a container: $type, then #count.
  struct Head {
    char type = 0;
    std::optional<std::uint64_t> count;
  };
  Head head() {
    Head out;
    if (peek() == '$') {
      cursor_.skip(1);
      out.type = static_cast<char>(cursor_.byte());
      if (peek() != '#') cursor_.fail(Code::corrupt, "a container with a type and no count");
    }
    if (peek() == '#') {
      cursor_.skip(1);
      out.count = length(marker());
    }
    return out;
  }

  void array(Node& out, std::uint32_t depth) {
    const Head h = head();
    if (const std::size_t width = width_of(h.type); width != 0) {
      out.kind = Kind::numbers;
      out.type = h.type;
      out.count = cursor_.count(*h.count, width);
      out.raw = cursor_.text(out.count * width);
      return;
    }
    out.kind = Kind::array;
    if (h.count) {
      const std::uint64_t n = cursor_.count(*h.count, h.type == 0 ? 1 : h.type == 'T' || h.type == 'F' || h.type == 'Z' ? 0 : 1);
      for (std::uint64_t i = 0; i < n; ++i) out.items.push_back(value(h.type != 0 ? h.type : marker(), depth + 1));
      return;
    }
    for (char type = marker(); type != ']'; type = marker()) out.items.push_back(value(type, depth + 1));
  }

  void object(Node& out, std::uint32_t depth) {
    const Head h = head();
    out.kind = Kind::object;
    const auto entry = [&](char first) {
      const std::string_view key = text(first);
      out.items.push_back(value(h.type != 0 ? h.type : marker(), depth + 1));
      out.items.back().key = key;
    };
    if (h.count) {
      const std::uint64_t n = cursor_.count(*h.count, 2);
      for (std::uint64_t i = 0; i < n; ++i) entry(marker());
      return;
    }
    for (char type = marker(); type != '}'; type = marker()) entry(type);
  }

  Cursor cursor_;
  Maker maker_;
};

}  // namespace

DocumentPtr parse_ubjson(const Source& source) { return Parser(source).run(); }

}  // namespace decant::document
