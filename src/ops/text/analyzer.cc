// SPDX-License-Identifier: Apache-2.0
#include "ops/text/analyzer.h"

#include <bit>

#include "base/text.h"

namespace decant {

Analyzer::Analyzer(const AttributeView& node) {
  const std::string_view unit = node.text("analyzer", "word");
  if (unit == "char") unit_ = Unit::character;
  else if (unit == "char_wb") unit_ = Unit::character_in_word;
  else if (unit != "word") node.fail(Code::corrupt, format("analyzer {}", printable(unit)));
  lower_ = node.integer("lowercase", 1) != 0;
  accents_ = node.text("strip_accents", "");
  if (!accents_.empty() && accents_ != "ascii" && accents_ != "unicode") node.fail(Code::corrupt, format("strip_accents {}", printable(accents_)));
  const std::vector<std::int64_t> range = node.integers("ngram_range");
  if (range.size() == 2) {
    if (range[0] < 1 || range[1] < range[0] || range[1] > 10'000) node.fail(Code::corrupt, format("ngram_range ({}, {})", range[0], range[1]));
    shortest_ = static_cast<std::size_t>(range[0]);
    longest_ = static_cast<std::size_t>(range[1]);
  }
  if (unit_ == Unit::word) {
    pattern_.emplace(node.text("token_pattern"));
    if (pattern_->groups() > 1) node.fail(Code::unsupported, "a token_pattern of several groups");
    for (std::string& word : node.texts("stop_words")) stop_.insert(std::move(word));
  }
}

void Analyzer::each(std::string_view text, const std::function<void(std::string_view)>& found) const {
  Points points = points_of(text);
  if (lower_) points = lower_text(points);
  if (accents_ == "unicode") points = without_accents(points);
  if (accents_ == "ascii") points = ascii_only(points);
  switch (unit_) {
    case Unit::word: return words(points, found);
    case Unit::character: return characters(points, found);
    case Unit::character_in_word: return characters_in_words(points, found);
  }
}

void Analyzer::words(PointsView text, const std::function<void(std::string_view)>& found) const {
  std::vector<std::string> tokens;
  pattern_->find_all(text, [&](PointsView token) {
    std::string word = utf8_of(token);
    if (!stop_.empty() && stop_.contains(word)) return;
    if (longest_ == 1) found(word);
    else tokens.push_back(std::move(word));
  });
  if (longest_ == 1) return;
  std::string term;
  for (std::size_t n = shortest_; n <= std::min(longest_, tokens.size()); ++n) {
    for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
      term = tokens[i];
      for (std::size_t k = 1; k < n; ++k) term.append(" ").append(tokens[i + k]);
      found(term);
    }
  }
}

namespace {

/// Two and more characters of white space as one blank.
Points squeezed(PointsView text) {
  Points out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_space(text[end])) ++end;
    if (end - i >= 2) out += U' ';
    else out += text[i], end = i + 1;
    i = end;
  }
  return out;
}

}  // namespace

void Analyzer::characters(PointsView given, const std::function<void(std::string_view)>& found) const {
  const Points text = squeezed(given);
  for (std::size_t n = shortest_; n <= std::min(longest_, text.size()); ++n) {
    for (std::size_t i = 0; i + n <= text.size(); ++i) found(utf8_of(PointsView(text).substr(i, n)));
  }
}

void Analyzer::characters_in_words(PointsView given, const std::function<void(std::string_view)>& found) const {
  for (std::size_t i = 0; i < given.size();) {
    if (is_space(given[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < given.size() && !is_space(given[end])) ++end;
    Points word(1, U' ');
    word.append(given.substr(i, end - i)).append(1, U' ');
    i = end;
    for (std::size_t n = shortest_; n <= longest_; ++n) {
      if (n >= word.size()) {  // the whole of a short word counts once
        found(utf8_of(word));
        break;
      }
      for (std::size_t at = 0; at + n <= word.size(); ++at) found(utf8_of(PointsView(word).substr(at, n)));
    }
  }
}

std::int32_t murmur3(std::string_view bytes, std::uint32_t seed) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  const auto mixed = [](std::uint32_t k) { return std::rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u; };
  std::uint32_t h = seed;
  const std::size_t blocks = bytes.size() / 4 * 4;
  for (std::size_t i = 0; i < blocks; i += 4) {
    h ^= mixed(byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    h = std::rotl(h, 13) * 5 + 0xe6546b64u;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = bytes.size(); i-- > blocks;) tail = tail << 8 | byte(i);
  if (bytes.size() > blocks) h ^= mixed(tail);
  h ^= static_cast<std::uint32_t>(bytes.size());
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return static_cast<std::int32_t>(h ^ h >> 16);
}

Slot slot_of(std::string_view name, std::int64_t n_features, bool alternate_sign) {
  const std::int64_t h = murmur3(name);
  return {(h < 0 ? -h : h) % n_features, alternate_sign && h < 0 ? -1.0 : 1.0};
}

}  // namespace decant
