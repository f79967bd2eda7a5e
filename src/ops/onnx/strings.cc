// SPDX-License-Identifier: Apache-2.0
// Texts (ai.onnx): StringConcat, StringSplit, StringNormalizer, RegexFullMatch, TfIdfVectorizer.
#include <algorithm>
#include <map>
#include <unordered_set>

#include <re2/re2.h>

#include "ops/bounded.h"
#include "ops/kernel.h"

namespace decant {
namespace {

void string_concat(KernelContext& c) {
  want(c, 0, DType::string);
  want(c, 1, DType::string);
  const auto loop = broadcast<2>(c, {&c.input(0).shape(), &c.input(1).shape()});
  const std::span<const std::string> a = c.input(0).data<std::string>(), b = c.input(1).data<std::string>();
  const std::span<std::string> out = c.output(0, DType::string, loop.shape).mutable_data<std::string>();
  loop.each_row([&](std::int64_t at, const auto& from, std::int64_t n, const auto& step) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[static_cast<std::size_t>(at + i)] = a[static_cast<std::size_t>(from[0] + i * step[0])] + b[static_cast<std::size_t>(from[1] + i * step[1])];
    }
  });
}

// --- StringSplit (20) -----------------------------------------------------------------------------------------------------------------------

std::vector<std::string> split(const std::string& text, std::string_view delimiter, std::int64_t most) {
  std::vector<std::string> out;
  std::size_t at = 0;
  if (delimiter.empty()) {  // runs of white space
    constexpr std::string_view kSpace = " \t\n\r\f\v";
    for (;;) {
      at = text.find_first_not_of(kSpace, at);
      if (at == std::string::npos) return out;
      std::size_t end = text.find_first_of(kSpace, at);
      if (end == std::string::npos) end = text.size();
      if (static_cast<std::int64_t>(out.size()) == most) {  // the rest, without what is white at its end
        out.push_back(text.substr(at, text.find_last_not_of(kSpace) + 1 - at));
        return out;
      }
      out.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  for (std::size_t end; static_cast<std::int64_t>(out.size()) != most && (end = text.find(delimiter, at)) != std::string::npos; at = end + delimiter.size()) {
    out.push_back(text.substr(at, end - at));
  }
  out.push_back(text.substr(at));
  return out;
}
void string_split(KernelContext& c) {
  want(c, 0, DType::string);
  const Tensor& x = c.input(0);
  const std::string_view delimiter = c.text("delimiter", "");
  const std::int64_t most = c.integer("maxsplit", -1);
  std::vector<std::vector<std::string>> parts;
  std::size_t width = 0;
  for (const std::string& s : x.data<std::string>()) {
    parts.push_back(split(s, delimiter, most));
    width = std::max(width, parts.back().size());
  }
  Shape shape = x.shape();
  shape.push_back(static_cast<std::int64_t>(width));
  const std::span<std::string> out = output_by_value(c, 0, DType::string, shape).mutable_data<std::string>();
  Tensor counts(DType::int64, x.shape());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    counts.mutable_data<std::int64_t>()[i] = static_cast<std::int64_t>(parts[i].size());
    std::ranges::move(parts[i], out.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  if (c.wants_output(1)) c.set_output(1, std::move(counts));
}
void infer_string_split(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::string;
  if (c.outputs[0].has_rank) c.outputs[0].shape.push_back(any_dim());
  if (c.outputs.size() > 1) {
    c.outputs[1] = c.input(0);
    c.outputs[1].dtype = DType::int64;
  }
}

// --- StringNormalizer (10) -------------------------------------------------------------------------------------------------------------------

// ASCII, Latin-1, Greek and Cyrillic letters, whatever the locale: its other letters keep their case.
std::string changed(std::string_view text, bool upper) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto b = static_cast<unsigned char>(text[i]);
    if (b < 0x80) {
      out += static_cast<char>(upper ? (b >= 'a' && b <= 'z' ? b - 32 : b) : (b >= 'A' && b <= 'Z' ? b + 32 : b));
      continue;
    }
    if (b < 0xC2 || b > 0xDF || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    unsigned code = (b & 0x1Fu) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3Fu);
    const auto shift = [&](unsigned low, unsigned high, unsigned by) {  // [low, high] are the capitals
      if (upper && code >= low + by && code <= high + by) code -= by;
      else if (!upper && code >= low && code <= high) code += by;
      else return false;
      return true;
    };
    if (code != 0xD7 && code != 0xF7) shift(0xC0, 0xDE, 32) || shift(0x391, 0x3A9, 32) || shift(0x410, 0x42F, 32) || shift(0x400, 0x40F, 80);
    out += static_cast<char>(0xC0u | (code >> 6));
    out += static_cast<char>(0x80u | (code & 0x3Fu));
  }
  return out;
}
void string_normalizer(KernelContext& c) {
  want(c, 0, DType::string);
  const Tensor& x = c.input(0);
  if (x.rank() != 1 && (x.rank() != 2 || x.dim(0) != 1)) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  const std::string_view action = c.text("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER") c.fail(Code::corrupt, format("case_change_action \"{}\"", printable(action, 40)));
  const bool exact = c.integer("is_case_sensitive", 0) != 0;
  std::unordered_set<std::string> stop;
  for (const std::string& word : c.texts("stopwords")) stop.insert(exact ? word : changed(word, false));
  std::vector<std::string> kept;
  for (const std::string& word : x.data<std::string>()) {
    if (stop.contains(exact ? word : changed(word, false))) continue;
    kept.push_back(action == "NONE" ? word : changed(word, action == "UPPER"));
  }
  if (kept.empty()) kept.emplace_back();
  const auto n = static_cast<std::int64_t>(kept.size());
  std::ranges::move(kept, c.output(0, DType::string, x.rank() == 1 ? Shape{n} : Shape{1, n}).mutable_data<std::string>().begin());
}
void infer_string_normalizer(InferContext& c) { c.outputs[0] = c.input(0).has_rank ? ranked(DType::string, c.input(0).shape.size()) : unknown_shape(DType::string); }

// --- RegexFullMatch (20) ---------------------------------------------------------------------------------------------------------------------

State prepare_regex(const PrepareContext& c) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const std::string_view pattern = c.text("pattern");
  auto out = std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), quiet);
  if (!out->ok()) c.fail(Code::corrupt, format("pattern {}: {}", printable(pattern, 60), printable(out->error())));
  return out;
}
void regex_full_match(KernelContext& c) {
  want(c, 0, DType::string);
  const auto& pattern = c.state<re2::RE2>();
  const std::span<const std::string> x = c.input(0).data<std::string>();
  const std::span<bool> out = c.output(0, DType::boolean, c.input(0).shape()).mutable_data<bool>();
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = re2::RE2::FullMatch(x[i], pattern);
}

// --- TfIdfVectorizer (9) ---------------------------------------------------------------------------------------------------------------------

struct Grams {
  std::map<std::vector<std::int64_t>, std::size_t> places;  // n-grams of numbers, or of the numbers of words
  std::map<std::string, std::int64_t, std::less<>> words;
  std::vector<std::int64_t> columns;
  std::vector<double> weights;
  std::int64_t least = 1, most = 1, skips = 0, width = 0;
  bool weigh = false, count = true, of_text = false;
};
State prepare_grams(const PrepareContext& c) {
  auto out = std::make_shared<Grams>();
  const std::string_view mode = c.text("mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") c.fail(Code::corrupt, format("mode \"{}\"", printable(mode, 40)));
  out->count = mode != "IDF";
  out->weigh = mode != "TF";
  out->least = c.integer("min_gram_length");
  out->most = c.integer("max_gram_length");
  out->skips = c.integer("max_skip_count");
  if (out->least < 1 || out->most < out->least || out->most > 64 || out->skips < 0 || out->skips > (1 << 20)) c.fail(Code::corrupt, format("n-grams of {} to {} with {} skips", out->least, out->most, out->skips));
  const std::vector<std::string> texts = c.texts("pool_strings");
  std::vector<std::int64_t> pool = c.integers("pool_int64s");
  out->of_text = !texts.empty();
  for (const std::string& t : texts) pool.push_back(out->words.emplace(t, static_cast<std::int64_t>(out->words.size())).first->second);
  const std::vector<std::int64_t> starts = c.integers("ngram_counts");
  out->columns = c.integers("ngram_indexes");
  out->weights = c.reals("weights");
  if (!out->weights.empty() && out->weights.size() != out->columns.size()) c.fail(Code::corrupt, format("{} weights for {} n-grams", out->weights.size(), out->columns.size()));
  for (const std::int64_t k : out->columns) {
    if (k < 0 || k > (1 << 28)) c.fail(Code::corrupt, format("column {}", k));
    out->width = std::max(out->width, k + 1);
  }
  std::size_t place = 0;
  for (std::size_t n = 1; n <= starts.size(); ++n) {
    const std::int64_t begin = starts[n - 1], end = n < starts.size() ? starts[n] : static_cast<std::int64_t>(pool.size());
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(pool.size()) || (end - begin) % static_cast<std::int64_t>(n) != 0) c.fail(Code::corrupt, format("ngram_counts {}", text_of(starts)));
    for (std::int64_t at = begin; at < end; at += static_cast<std::int64_t>(n)) {
      out->places.emplace(std::vector<std::int64_t>(pool.begin() + at, pool.begin() + at + static_cast<std::int64_t>(n)), place++);
    }
  }
  if (place > out->columns.size()) c.fail(Code::corrupt, format("{} n-grams, {} columns", place, out->columns.size()));
  return out;
}
void tf_idf(KernelContext& c) {
  const auto& g = c.state<Grams>();
  const Tensor& x = c.input(0);
  if (x.rank() != 1 && x.rank() != 2) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  if ((x.dtype() == DType::string) != g.of_text) c.fail(Code::mismatch, format("n-grams of {} and an input of {}", g.of_text ? "texts" : "integers", name_of(x.dtype())));
  const std::int64_t rows = x.rank() == 2 ? x.dim(0) : 1, length = x.shape().back();
  const std::span<float> out = output_by_value(c, 0, DType::float32, x.rank() == 2 ? Shape{rows, g.width} : Shape{g.width}).mutable_data<float>();
  std::ranges::fill(out, 0.0f);
  std::vector<std::int64_t> line(static_cast<std::size_t>(length)), gram;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<std::size_t>(r * length + i);
      if (g.of_text) {
        const auto word = g.words.find(x.data<std::string>()[at]);
        line[static_cast<std::size_t>(i)] = word == g.words.end() ? -1 : word->second;
      } else {
        line[static_cast<std::size_t>(i)] = x.integer(at);
      }
    }
    float* to = out.data() + r * g.width;
    // Single items are counted once, not once for each distance (TfIdfVectorizer of onnx 1.23's reference).
    for (std::int64_t n = g.least; n <= g.most; ++n) {
      for (std::int64_t step = 1; step <= (n == 1 ? 1 : g.skips + 1); ++step) {
        for (std::int64_t i = 0; i + (n - 1) * step < length; ++i) {
          gram.clear();
          for (std::int64_t k = 0; k < n; ++k) gram.push_back(line[static_cast<std::size_t>(i + k * step)]);
          const auto place = g.places.find(gram);
          if (place != g.places.end()) to[g.columns[place->second]] += 1;
        }
      }
    }
    if (!g.count) {
      for (std::int64_t k = 0; k < g.width; ++k) to[k] = to[k] > 0 ? 1.0f : 0.0f;
    }
    if (g.weigh && !g.weights.empty()) {
      std::vector<float> factor(static_cast<std::size_t>(g.width), 1.0f);
      for (std::size_t k = 0; k < g.columns.size(); ++k) factor[static_cast<std::size_t>(g.columns[k])] = static_cast<float>(g.weights[k]);
      for (std::int64_t k = 0; k < g.width; ++k) to[k] *= factor[static_cast<std::size_t>(k)];
    }
  }
}
void infer_tf_idf(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::float32;
  if (!c.outputs[0].has_rank || c.outputs[0].shape.empty()) return;
  const std::vector<std::int64_t> columns = c.integers("ngram_indexes");
  const std::int64_t most = columns.empty() ? -1 : *std::ranges::max_element(columns);
  c.outputs[0].shape.back() = most >= 0 && most < (1 << 28) ? dim(most + 1) : any_dim();
}

constexpr Op kOps[] = {
    {"", "StringConcat", "Texts of A and B joined, element by element.", infer_broadcast, string_concat},
    {"", "StringSplit", "Texts cut at a delimiter, or at white space; how many parts each has (StringSplit-20).", infer_string_split, string_split},
    {"", "StringNormalizer", "Texts without stop words, in lower or upper case (StringNormalizer-10).", infer_string_normalizer, string_normalizer},
    {"", "RegexFullMatch", "Whether a whole text matches a pattern in the syntax of RE2 (RegexFullMatch-20).", infer_same_bool, regex_full_match, prepare_regex},
    {"", "TfIdfVectorizer", "How often known n-grams are there, weighed (TfIdfVectorizer-9).", infer_tf_idf, tf_idf, prepare_grams},
};

}  // namespace

DECANT_AT_START std::span<const Op> strings_ops() { return kOps; }

}  // namespace decant
