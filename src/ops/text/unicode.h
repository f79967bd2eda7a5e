// SPDX-License-Identifier: Apache-2.0
// Text as Python sees it: code points, str.lower, str.isspace, re's \w and \d, and unicodedata's NFKD. Character data are utf8proc's.
#pragma once

#include <string>
#include <string_view>

namespace decant {

using Points = std::u32string;
using PointsView = std::u32string_view;

/// The code points of UTF-8. Throws mismatch where it is not valid (overlong forms, surrogates and what lies above U+10FFFF included).
Points points_of(std::string_view utf8);
void append_utf8(std::string& out, char32_t c);
std::string utf8_of(PointsView text);

bool is_word(char32_t c);   // \w: letters, numbers of every kind, and _
bool is_digit(char32_t c);  // \d
bool is_space(char32_t c);  // \s and str.isspace
bool is_punctuation(char32_t c);  // a general category of P (unicodedata.category)
char32_t simple_lower(char32_t c);
char32_t simple_upper(char32_t c);

/// str.lower: the full mapping, with the final sigma.
Points lower_text(PointsView text);
/// NFKD without combining characters (sklearn.feature_extraction.text.strip_accents_unicode).
Points without_accents(PointsView text);
/// What of NFKD is ASCII (strip_accents_ascii).
Points ascii_only(PointsView text);

}  // namespace decant
