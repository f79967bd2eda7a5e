// SPDX-License-Identifier: Apache-2.0
// Rules: CPython 3.11, Objects/unicodeobject.c (handle_capital_sigma, do_lower) and Modules/_sre; Unicode, chapter 3.13.
#include "ops/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace decant {
namespace {

utf8proc_int32_t point(char32_t c) { return static_cast<utf8proc_int32_t>(c); }

bool is_cased(char32_t c) {
  const auto category = utf8proc_category(point(c));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT || c == 0xAA || c == 0xBA ||
         utf8proc_tolower(point(c)) != point(c) || utf8proc_toupper(point(c)) != point(c) || (c >= 0x2B0 && c <= 0x2B8) || (c >= 0x2C0 && c <= 0x2C1) ||
         (c >= 0x2E0 && c <= 0x2E4) || (c >= 0x1D2C && c <= 0x1D6A) || c == 0x1D78 || (c >= 0x1D9B && c <= 0x1DBF) || c == 0x2071 || c == 0x207F ||
         (c >= 0x2090 && c <= 0x209C);  // the letters of Other_Lowercase
}

bool is_case_ignorable(char32_t c) {
  static constexpr char32_t kMarks[] = {0x27, 0x2E, 0x3A, 0xB7, 0x387, 0x55F, 0x5F4, 0x2018, 0x2019, 0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  const auto category = utf8proc_category(point(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
         category == UTF8PROC_CATEGORY_SK || std::ranges::find(kMarks, c) != std::end(kMarks);
}

/// Whether the capital sigma at `at` ends a word.
bool ends_word(PointsView text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

bool is_ascii(PointsView text) {
  return std::ranges::all_of(text, [](char32_t c) { return c < 0x80; });
}

Points decomposed(PointsView text) {
  Points out;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  utf8proc_int32_t buffer[32];  // the longest decomposition has 18 code points
  for (const char32_t c : text) {
    const utf8proc_ssize_t n = utf8proc_decompose_char(point(c), buffer, 32, options, nullptr);
    if (n < 0 || n > 32) out += c;
    for (utf8proc_ssize_t i = 0; i < n && n <= 32; ++i) out += static_cast<char32_t>(buffer[i]);
  }
  return out;  // the order of combining characters does not matter: they are dropped
}

}  // namespace

Points points_of(std::string_view utf8) {
  Points out;
  out.reserve(utf8.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(utf8.data());
  for (std::size_t i = 0; i < utf8.size();) {
    if (at[i] < 0x80) {
      out += at[i++];
      continue;
    }
    utf8proc_int32_t c = -1;
    const utf8proc_ssize_t used = utf8proc_iterate(at + i, static_cast<utf8proc_ssize_t>(utf8.size() - i), &c);
    if (used <= 0) throw Error(Code::mismatch, format("a text that is not UTF-8: byte {} of \"{}\"", i, printable(utf8, 40)));
    out += static_cast<char32_t>(c);
    i += static_cast<std::size_t>(used);
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t n = utf8proc_encode_char(point(c), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max<utf8proc_ssize_t>(n, 0)));
}

std::string utf8_of(PointsView text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  const auto category = utf8proc_category(point(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) || (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

bool is_digit(char32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : utf8proc_category(point(c)) == UTF8PROC_CATEGORY_ND; }

bool is_punctuation(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

char32_t simple_lower(char32_t c) { return static_cast<char32_t>(utf8proc_tolower(point(c))); }
char32_t simple_upper(char32_t c) { return static_cast<char32_t>(utf8proc_toupper(point(c))); }

Points lower_text(PointsView text) {
  Points out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c < 0x80) out += c >= 'A' && c <= 'Z' ? c + 32 : c;
    else if (c == 0x130) out += {0x69, 0x307};  // the only character whose lower case is two
    else if (c == 0x3A3) out += ends_word(text, i) ? char32_t{0x3C2} : char32_t{0x3C3};
    else out += simple_lower(c);
  }
  return out;
}

Points without_accents(PointsView text) {
  if (is_ascii(text)) return Points(text);
  Points out = decomposed(text);
  std::erase_if(out, [](char32_t c) { return utf8proc_get_property(point(c))->combining_class != 0; });
  return out;
}

Points ascii_only(PointsView text) {
  Points out = decomposed(text);
  std::erase_if(out, [](char32_t c) { return c >= 0x80; });
  return out;
}

}  // namespace decant
