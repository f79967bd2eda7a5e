// SPDX-License-Identifier: Apache-2.0
// Follows int() and float() of CPython 3.13 (Objects/longobject.c, Python/pystrtod.c), bytes literals (_PyBytes_DecodeEscape) and
// raw-unicode-escape (Objects/unicodeobject.c). Left out: underscores in float(), which the C and the Python loader read differently.
#include "codecs/pickle/literals.h"

#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

namespace decant::pickle {
namespace {

constexpr std::size_t kMostDigits = 4300;  // sys.int_info.default_max_str_digits

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

// Reads exactly `n` hexadecimal digits at `at`.
std::optional<std::uint32_t> hex_at(std::string_view text, std::size_t at, std::size_t n) {
  if (text.size() - at < n) return std::nullopt;
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const int d = digit_of(text[at + i]);
    if (d > 15) return std::nullopt;
    out = out << 4 | static_cast<std::uint32_t>(d);
  }
  return out;
}

}  // namespace

void append_utf8(std::uint32_t c, std::string& out) {
  const auto put = [&](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

std::optional<Integer> parse_integer(std::string_view text, int base, bool c_octal) {
  Integer out;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (!digits.empty() && digits.size() <= 18 && (digits.front() != '0' || text == "0")) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) {
      out.small = value;
      return out;
    }
  }
  const auto odd = [&] { out.canonical = false; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1), odd();
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1), odd();
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    if (!negative) odd();
    text.remove_prefix(1);
  }
  unsigned radix = 10;
  if (base == 0 && text.size() > 1 && text[0] == '0') {
    const char mark = text[1];
    const unsigned prefixed = mark == 'x' || mark == 'X' ? 16 : mark == 'o' || mark == 'O' ? 8 : mark == 'b' || mark == 'B' ? 2 : 0;
    if (prefixed != 0) {
      radix = prefixed;
      text.remove_prefix(2);
      if (!text.empty() && text.front() == '_') text.remove_prefix(1);
    } else if (c_octal) {
      radix = 8;
    } else if (text.find_first_not_of("0_") != std::string_view::npos) {
      return std::nullopt;
    }
    odd();
  } else if (text.size() > 1 && text[0] == '0') {
    odd();
  }
  if (text.empty() || text.size() > kMostDigits || text.front() == '_' || text.back() == '_') return std::nullopt;
  std::vector<std::uint32_t> limbs;  // little endian
  bool underscore = false;
  for (const char c : text) {
    if (c == '_') {
      if (underscore) return std::nullopt;
      underscore = true;
      odd();
      continue;
    }
    underscore = false;
    const auto d = static_cast<unsigned>(digit_of(c));
    if (d >= radix) return std::nullopt;
    std::uint64_t carry = d;
    for (std::uint32_t& limb : limbs) {
      carry += static_cast<std::uint64_t>(limb) * radix;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
  }
  if (limbs.size() <= 2) {
    std::uint64_t magnitude = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) magnitude = magnitude << 32 | limbs[i];
    if (magnitude == 0 && negative) odd();
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (magnitude <= kMost + (negative ? 1 : 0)) {
      out.small = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
      return out;
    }
  }
  limbs.push_back(0);  // room for the sign
  if (negative) {
    std::uint64_t carry = 1;
    for (std::uint32_t& limb : limbs) {
      carry += static_cast<std::uint32_t>(~limb);
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  for (const std::uint32_t limb : limbs) {
    for (int i = 0; i < 4; ++i) out.big.push_back(static_cast<char>(limb >> 8 * i & 0xFF));
  }
  // As few bytes as hold the sign, as LONG1 has them: then equal numbers are equal bytes.
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(out.big[i]); };
  const unsigned char fill = negative ? 0xFF : 0;
  while (out.big.size() > 1 && at(out.big.size() - 1) == fill && (at(out.big.size() - 2) & 0x80) == (fill & 0x80)) out.big.pop_back();
  return out;
}

std::optional<double> parse_real(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty() || text.find('(') != std::string_view::npos) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars leaves the value alone; float() gives an infinity or the nearest denormal or zero. The exponent's sign tells.
    const std::size_t exponent = text.find_first_of("eE");
    const bool tiny =
        exponent != std::string_view::npos ? text.substr(exponent + 1).starts_with('-') : text.find('.') <= (text.front() == '-' ? 2u : 1u);
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return text.front() == '-' ? -value : value;
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

bool unescape_bytes(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    if (++i == text.size()) return false;
    const char c = text[i];
    switch (c) {
      case '\n':
        break;
      case '\\':
      case '\'':
      case '"':
        out.push_back(c);
        break;
      case 'a':
        out.push_back('\a');
        break;
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'v':
        out.push_back('\v');
        break;
      case 'x': {
        const auto value = hex_at(text, i + 1, 2);
        if (!value) return false;
        out.push_back(static_cast<char>(*value));
        i += 2;
        break;
      }
      default:
        if (c >= '0' && c <= '7') {
          unsigned value = 0;
          std::size_t n = 0;
          for (; n < 3 && i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '7'; ++n) {
            value = value << 3 | static_cast<unsigned>(text[i + n] - '0');
          }
          out.push_back(static_cast<char>(value & 0xFF));
          i += n - 1;
        } else {
          out.push_back('\\');
          out.push_back(c);
        }
    }
  }
  return true;
}

bool unescape_unicode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c != '\\' || i + 1 == text.size()) {
      append_utf8(c, out);
      continue;
    }
    const char mark = text[++i];
    if (mark != 'u' && mark != 'U') {
      out.push_back('\\');
      append_utf8(static_cast<unsigned char>(mark), out);
      continue;
    }
    const std::size_t digits = mark == 'u' ? 4 : 8;
    const auto value = hex_at(text, i + 1, digits);
    if (!value || *value > 0x10FFFF) return false;
    append_utf8(*value, out);
    i += digits;
  }
  return true;
}

bool is_utf8(std::string_view text, bool surrogates) {
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t n = text.size();
  for (std::size_t i = 0; i < n;) {
    if (n - i >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, s + i, 8);
      if ((word & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const unsigned b = s[i];
    if (b < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = b >= 0xC2 && b <= 0xDF ? 2 : b >= 0xE0 && b <= 0xEF ? 3 : b >= 0xF0 && b <= 0xF4 ? 4 : 0;
    if (length == 0 || n - i < length) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((s[i + k] & 0xC0u) != 0x80u) return false;
    }
    const unsigned second = s[i + 1];
    if ((b == 0xE0 && second < 0xA0) || (b == 0xF0 && second < 0x90) || (b == 0xF4 && second > 0x8F)) return false;
    if (!surrogates && b == 0xED && second > 0x9F) return false;
    i += length;
  }
  return true;
}

}  // namespace decant::pickle
