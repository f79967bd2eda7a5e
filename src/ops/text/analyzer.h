// SPDX-License-Identifier: Apache-2.0
// From a text to its terms, as scikit-learn's vectorizers do it (sklearn/feature_extraction/text.py, _VectorizerMixin).
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "ops/op.h"
#include "ops/text/pattern.h"

namespace decant {

/// What a node's attributes say about terms: analyzer (word, char, char_wb), lowercase, strip_accents ("", ascii, unicode),
/// token_pattern, stop_words, ngram_range.
class Analyzer {
 public:
  explicit Analyzer(const AttributeView& node);
  /// Calls `found` for every term, as UTF-8.
  void each(std::string_view text, const std::function<void(std::string_view)>& found) const;

 private:
  void words(PointsView text, const std::function<void(std::string_view)>& found) const;
  void characters(PointsView text, const std::function<void(std::string_view)>& found) const;
  void characters_in_words(PointsView text, const std::function<void(std::string_view)>& found) const;

  enum class Unit : std::uint8_t { word, character, character_in_word } unit_ = Unit::word;
  bool lower_ = true;
  std::string accents_;
  std::optional<Pattern> pattern_;
  std::unordered_set<std::string> stop_;
  std::size_t shortest_ = 1, longest_ = 1;
};

/// MurmurHash3_x86_32 (A. Appleby, public domain) of the bytes, as a signed number.
std::int32_t murmur3(std::string_view bytes, std::uint32_t seed = 0);

/// Where the hash of a feature's name puts it (sklearn/feature_extraction/_hashing_fast.pyx).
struct Slot {
  std::int64_t index = 0;
  double sign = 1;
};
Slot slot_of(std::string_view name, std::int64_t n_features, bool alternate_sign);

}  // namespace decant
