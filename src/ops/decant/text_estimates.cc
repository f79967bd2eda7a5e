// SPDX-License-Identifier: Apache-2.0
// TextEstimates: a column of texts as the numbers that CatBoost makes of it. A text is cut into tokens (library/cpp/text_processing/tokenizer), a
// dictionary gives them numbers by their hashes (library/cpp/text_processing/dictionary), and an estimator makes features of the numbers
// (catboost/private/libs/text_features) of CatBoost 1.2. Standard ONNX has no operator that hashes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/text.h"
#include "ops/kernel.h"
#include "ops/text/unicode.h"

namespace decant {
namespace {

/// MurmurHash64A, as util/digest/murmur.cpp has it.
std::uint64_t murmur(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995;
  std::uint64_t h = seed ^ (bytes.size() * kFactor);
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t k = 0;
    std::memcpy(&k, bytes.data(), 8);
    k *= kFactor;
    k ^= k >> 47;
    h = (h ^ (k * kFactor)) * kFactor;
  }
  if (!bytes.empty()) {
    std::uint64_t k = 0;
    std::memcpy(&k, bytes.data(), bytes.size());
    h = (h ^ k) * kFactor;
  }
  h = (h ^ (h >> 47)) * kFactor;
  return h ^ (h >> 47);
}

/// How a text is cut (NTokenizer::TTokenizerOptions).
class Tokenizer {
 public:
  explicit Tokenizer(const AttributeView& node)
      : delimiter_(node.text("delimiter")), number_(node.text("number_token", "")), each_(node.integer("split_by_set", 0) != 0), keep_empty_(node.integer("skip_empty", 1) == 0),
        lower_(node.integer("lowercasing", 0) != 0), numbers_(node.text("numbers", "keep")) {
    if (delimiter_.empty()) node.fail(Code::corrupt, "an empty delimiter");
  }

  std::vector<std::string> cut(std::string_view text) const {
    std::vector<std::string> out;
    while (true) {
      const std::size_t at = each_ ? text.find_first_of(delimiter_) : text.find(delimiter_);
      add(text.substr(0, at), out);
      if (at == std::string_view::npos) return out;
      text.remove_prefix(at + (each_ ? 1 : delimiter_.size()));
    }
  }

 private:
  void add(std::string_view token, std::vector<std::string>& out) const {
    if (token.empty() && !keep_empty_) return;
    std::string made(token);
    if (lower_) {
      Points points = points_of(token);
      for (char32_t& c : points) c = simple_lower(c);
      made = utf8_of(points);
    }
    if (numbers_ != "keep" && !made.empty() && made.find_first_not_of("0123456789") == std::string::npos) {
      if (numbers_ == "skip") return;
      made = number_;
    }
    out.push_back(std::move(made));
  }

  std::string delimiter_, number_;
  bool each_, keep_empty_, lower_;
  std::string numbers_;  // keep, skip or replace
};

/// Hashes to numbers. What a table has twice counts once, the first.
std::unordered_map<std::uint64_t, std::uint32_t> table_of(const AttributeView& node, std::string_view hashes, std::string_view ids) {
  std::unordered_map<std::uint64_t, std::uint32_t> out;
  const auto from = node.tensor(hashes).data<std::int64_t>(), to = node.tensor(ids).data<std::int64_t>();
  if (from.size() != to.size()) node.fail(Code::corrupt, format("{} hashes of {} tokens", from.size(), to.size()));
  for (std::size_t i = 0; i < from.size(); ++i) out.emplace(static_cast<std::uint64_t>(from[i]), static_cast<std::uint32_t>(to[i]));
  return out;
}

struct Counted {
  std::uint32_t token = 0, count = 0;
};

/// Which numbers tokens have (NDictionary::TMMapDictionary). Unknown ones have none.
class Dictionary {
 public:
  explicit Dictionary(const AttributeView& node)
      : letters_(node.text("level") == "letter"), end_of_word_(node.integer("end_of_word", 0) != 0), order_(static_cast<std::size_t>(node.integer("gram_order"))),
        step_(static_cast<std::size_t>(node.integer("skip_step")) + 1), end_of_sentence_(node.integer("end_of_sentence", -1)),
        seed_(static_cast<std::uint64_t>(node.integer("seed"))), tokens_(table_of(node, "hashes", "ids")) {
    const std::int64_t order = node.integer("gram_order"), skip = node.integer("skip_step");
    if (order < 1 || order > 1000 || skip < 0 || skip > 1'000'000) node.fail(Code::corrupt, format("{} tokens in a row, {} left out", order, skip));
    if (letters_ || order == 1) return;
    grams_ = table_of(node, "gram_hashes", "gram_ids");
    gram_seed_ = static_cast<std::uint64_t>(node.integer("gram_seed"));
  }

  /// The numbers of a text's tokens, rising, and how often each is there (TText).
  std::vector<Counted> numbers(std::vector<std::string> tokens) const {
    std::vector<std::uint32_t> all;
    const auto add = [&](std::string_view token) {
      if (const auto at = tokens_.find(murmur(token, seed_)); at != tokens_.end()) all.push_back(at->second);
    };
    if (letters_) {
      for (const std::string& token : tokens) each_gram(token, add);
    } else if (order_ == 1) {
      for (const std::string& token : tokens) add(token);
      if (end_of_sentence_ >= 0) all.push_back(static_cast<std::uint32_t>(end_of_sentence_));
    } else {
      if (end_of_sentence_ >= 0) tokens.emplace_back();
      add_rows(tokens, all);
    }
    std::ranges::sort(all);
    std::vector<Counted> out;
    for (const std::uint32_t token : all) {
      if (out.empty() || out.back().token != token) out.push_back({token, 0});
      ++out.back().count;
    }
    return out;
  }

 private:
  /// Letters in a row (ApplyFuncToLetterNGrams): those at the beginning once more without the last, those at the end with a space behind.
  template <class Add>
  void each_gram(const std::string& token, Add&& add) const {
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if ((static_cast<unsigned char>(token[i]) & 0xC0) != 0x80) starts.push_back(i);
    }
    const std::size_t letters = starts.size();
    starts.push_back(token.size());
    const std::string_view text = token;
    if (order_ <= letters + 1) add(text.substr(0, starts[order_ - 1]));
    for (std::size_t i = 0; i + order_ <= letters; ++i) add(text.substr(starts[i], starts[i + order_] - starts[i]));
    if (end_of_word_ && order_ <= letters + 2) add(token.substr(starts[letters + 1 > order_ ? letters + 1 - order_ : 0]) + " ");
  }

  void add_rows(const std::vector<std::string>& tokens, std::vector<std::uint32_t>& out) const {
    std::vector<std::int64_t> own;
    for (const std::string& token : tokens) {
      const auto at = tokens_.find(murmur(token, seed_));
      own.push_back(at == tokens_.end() ? -1 : std::int64_t{at->second});
    }
    std::string key(order_ * 4, '\0');
    for (std::size_t i = 0; i + (order_ - 1) * step_ < own.size(); ++i) {
      bool known = true;
      for (std::size_t k = 0; k < order_; ++k) {
        known = known && own[i + k * step_] >= 0;
        const auto number = static_cast<std::uint32_t>(own[i + k * step_]);
        std::memcpy(key.data() + k * 4, &number, 4);
      }
      if (!known) continue;
      if (const auto at = grams_.find(murmur(key, gram_seed_)); at != grams_.end()) out.push_back(at->second);
    }
  }

  bool letters_, end_of_word_;
  std::size_t order_, step_;
  std::int64_t end_of_sentence_;  // its number; -1: it is none
  std::uint64_t seed_, gram_seed_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> tokens_, grams_;
};

/// Tokens of each class of the target, as training counted them.
struct Classes {
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> counts;
  std::vector<double> tokens, texts;  // of each class, together

  explicit Classes(const AttributeView& node) : tokens(node.reals("class_tokens")), texts(node.reals("class_texts")) {
    if (tokens.empty()) return;
    const auto offsets = node.tensor("count_offsets").data<std::int64_t>(), of = node.tensor("count_tokens").data<std::int64_t>(), how_many = node.tensor("counts").data<std::int64_t>();
    if (offsets.size() != tokens.size() + 1 || of.size() != how_many.size()) node.fail(Code::corrupt, format("counts of {} classes, of {}", offsets.size(), tokens.size()));
    for (std::size_t k = 0; k < tokens.size(); ++k) {
      if (offsets[k] < 0 || offsets[k + 1] < offsets[k] || static_cast<std::uint64_t>(offsets[k + 1]) > of.size()) node.fail(Code::corrupt, format("counts {} to {} of {}", offsets[k], offsets[k + 1], of.size()));
      auto& counted = counts.emplace_back();
      for (auto i = static_cast<std::size_t>(offsets[k]); i < static_cast<std::size_t>(offsets[k + 1]); ++i) counted.emplace(static_cast<std::uint32_t>(of[i]), static_cast<std::uint32_t>(how_many[i]));
    }
  }
  /// How often class k has a token; 0: never.
  double count(std::size_t k, std::uint32_t token) const {
    const auto at = counts[k].find(token);
    return at == counts[k].end() ? 0 : at->second;
  }
};

struct Known {
  explicit Known(const AttributeView& node) : tokenizer(node), dictionary(node), classes(node), kind(node.text("estimator")), active(node.integers("active")), parameters(node.reals("parameters")) {}
  Tokenizer tokenizer;
  Dictionary dictionary;
  Classes classes;
  std::string kind;
  std::vector<std::int64_t> active;
  std::vector<double> parameters;
};

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Known>(c);
  const std::size_t classes = out->classes.tokens.size();
  if (out->kind != "BoW" && out->kind != "NaiveBayes" && out->kind != "BM25") c.fail(Code::unsupported, format("the estimator {}", printable(out->kind, 40)));
  if (out->kind == "BoW") return out;
  if (classes == 0 || (out->kind == "NaiveBayes" && out->classes.texts.size() != classes)) c.fail(Code::corrupt, "an estimator without classes");
  if (out->parameters.size() != (out->kind == "BM25" ? classes + 4 : 3)) c.fail(Code::corrupt, format("{} parameters of {}", out->parameters.size(), out->kind));
  for (const std::int64_t k : out->active) {
    if (k < 0 || static_cast<std::uint64_t>(k) >= classes) c.fail(Code::corrupt, format("class {} of {}", k, classes));
  }
  return out;
}

/// How likely each class is, by the tokens (TMultinomialNaiveBayes).
std::vector<double> bayes(const Known& known, const std::vector<Counted>& text) {
  const double class_prior = known.parameters[0], token_prior = known.parameters[1], seen = known.parameters[2];
  std::vector<double> out;
  for (std::size_t k = 0; k < known.classes.tokens.size(); ++k) {
    double value = std::log(known.classes.texts[k] + class_prior), tokens = known.classes.tokens[k] + token_prior * (seen + 1), length = 0;
    for (const auto& [token, count] : text) {
      const double found = known.classes.count(k, token);
      if (found == 0) tokens += token_prior;
      length += count;
      value += count * std::log(token_prior + found);
    }
    out.push_back(value - length * std::log(tokens));
  }
  const double most = *std::ranges::max_element(out);
  double total = 0;
  for (double& v : out) total += v = std::exp(v - most);
  for (double& v : out) v /= total;
  return out;
}

/// How well each class fits, taken for a document (TBM25).
std::vector<double> bm25(const Known& known, const std::vector<Counted>& text) {
  const double k1 = known.parameters[0], b = known.parameters[1], total = known.parameters[2];
  const std::size_t classes = known.classes.tokens.size();
  const double mean = total / static_cast<double>(classes);
  std::vector<double> out(classes);
  for (const auto& [token, count] : text) {
    std::size_t with = 0;
    for (std::size_t k = 0; k < classes; ++k) with += known.classes.counts[k].contains(token);
    for (std::size_t k = 0; k < classes; ++k) {
      const double f = known.classes.count(k, token);
      const double score = f == 0 ? 0 : f * (k1 + 1) / (f + k1 * (1 - b + b * mean / known.classes.tokens[k]));
      out[k] += known.parameters[3 + with] * score;
    }
  }
  return out;
}

void run(KernelContext& c) {
  want(c, 0, DType::string);
  const Known& known = c.state<Known>();
  const std::span<const std::string> in = c.input(0).data<std::string>();
  const auto width = static_cast<std::int64_t>(known.active.size());
  float* out = c.output(0, DType::float32, {static_cast<std::int64_t>(in.size()), width}).mutable_data<float>().data();
  for (const std::string& cell : in) {
    const std::vector<Counted> text = known.dictionary.numbers(known.tokenizer.cut(cell));
    if (known.kind == "BoW") {
      for (const std::int64_t token : known.active) *out++ = std::ranges::binary_search(text, token, {}, [](const Counted& t) { return std::int64_t{t.token}; }) ? 1.0f : 0.0f;
    } else {
      const std::vector<double> all = known.kind == "BM25" ? bm25(known, text) : bayes(known, text);
      for (const std::int64_t k : known.active) *out++ = static_cast<float>(all[static_cast<std::size_t>(k)]);
    }
  }
}

void infer(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = Type::tensor(DType::float32, {in.has_rank && !in.shape.empty() ? in.shape[0] : Dim{}, {static_cast<std::int64_t>(c.integers("active").size()), {}}});
}

constexpr Op kOps[] = {{"decant", "TextEstimates",
                        "Texts [N, 1] as CatBoost's numbers, float32 [N, active]: how they are cut (delimiter, split_by_set, skip_empty, lowercasing, numbers, number_token), which "
                        "numbers tokens have (level, gram_order, skip_step, hashes, ids), and what is made of these (estimator BoW, NaiveBayes or BM25).",
                        infer, run, prepare, nullptr, "CatBoost knows tokens by a hash of their text, which ONNX has no operator for: written as decant's own operator, which other runtimes do not know"}};

}  // namespace

DECANT_AT_START std::span<const Op> text_estimates_ops() { return kOps; }

}  // namespace decant
