// SPDX-License-Identifier: Apache-2.0
// Estimators of texts and of embeddings, as they stand behind the model in a .cbm: "text_process_v2" or "embed_process_1", a table that says which
// parts there are and what belongs to what, and the parts, each behind a table with its kind and id (TTextProcessingCollection in
// catboost/private/libs/text_features/text_processing_collection.cpp, TEmbeddingProcessingCollection in
// catboost/private/libs/embedding_features/embedding_processing_collection.cpp, of CatBoost 1.2). Numbers and lists lie as util/ysaveload.h
// saves them: a list is its length as 32 bits and its elements.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "codecs/flatbuffers/table.h"
#include "frameworks/catboost/booster.h"

namespace decant::catboost {
namespace {

using flatbuffers::Table;
using namespace std::string_view_literals;

constexpr std::size_t kIdBytes = 16;

// Slots, in the order of the schemas.
namespace text_header {
enum : unsigned { kTokenizers, kDictionaries, kCalcers, kDigitizersOfFeature, kCalcersOfDigitized };
}
namespace embedding_header {
enum : unsigned { kCalcers, kCalcersOfFeature };
}
namespace part {
enum : unsigned { kKind, kId };
enum Kind : std::uint8_t { tokenizer = 0, embedding_calcer = 0, dictionary = 1, text_calcer = 2, end = 3 };
}  // namespace part
namespace calcer {
enum : unsigned { kId, kActive, kType, kTable };
}
namespace bm25 {
enum : unsigned { kClasses, kK, kB, kTruncateBorder, kTotalTokens, kClassTokens };
}
namespace bayes {
enum : unsigned { kClasses, kClassPrior, kTokenPrior, kSeenTokens, kClassTexts, kClassTokens };
}
namespace lda {
enum : unsigned { kWidth, kClasses, kLines, kLikelihoods, kProjection };
}
namespace knn {
enum : unsigned { kWidth, kClasses, kClose, kSize, kIsClassification };
}
namespace dictionary {
enum : unsigned { kSize, kOptions, kUnknown, kEndOfSentence };
}
namespace dictionary_options {
enum : unsigned { kLevel, kGramOrder, kSkipStep, kStartId, kEndOfWord, kEndOfSentence };
}

/// A table with its size before it.
Table sized_table(Cursor& cursor, const char* name) {
  const auto size = cursor.le<std::uint64_t>();
  return Table::root(cursor.source().member(name, cursor.take(size)));
}

void expect(Cursor& cursor, std::string_view magic) {
  if (cursor.text(kIdBytes).substr(0, magic.size()) != magic) cursor.fail(Code::corrupt, format("holds something else where {} should stand", magic.substr(0, magic.find('\0'))));
}

std::vector<std::string> ids(const Table& table, unsigned slot) {
  const auto bytes = table.list<std::uint8_t>(slot, kIdBytes);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < bytes.size(); i += kIdBytes) out.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(i), bytes.begin() + static_cast<std::ptrdiff_t>(i + kIdBytes));
  return out;
}

/// TTokenizerOptions.
Attributes tokenizer_of(Cursor& cursor) {
  enum class Numbers : std::int32_t { skip, keep, replace };
  const bool lower = cursor.byte() != 0, lemmas = cursor.byte() != 0;
  const auto numbers = static_cast<Numbers>(cursor.le<std::int32_t>());
  const auto text = [&] { return std::string(cursor.text(cursor.le<std::uint32_t>())); };
  Attributes out;
  out["number_token"] = text();
  const auto separator = cursor.le<std::int32_t>();
  out["delimiter"] = text();
  out["split_by_set"] = std::int64_t{cursor.byte() != 0};
  out["skip_empty"] = std::int64_t{cursor.byte() != 0};
  cursor.skip(4 * std::uint64_t{cursor.le<std::uint32_t>()});  // kinds of tokens, for a split by sense
  cursor.skip(4);                                              // and what it does with parts of tokens
  cursor.skip(4 * std::uint64_t{cursor.le<std::uint32_t>()});  // languages
  if (lemmas) cursor.fail(Code::unsupported, "a tokenizer that lemmatizes: CatBoost's public code has no lemmer either");
  if (separator != 0) cursor.fail(Code::unsupported, "a tokenizer that splits by sense: the rules are a state machine inside CatBoost, not in the file");
  if (std::get<std::string>(out["delimiter"]).empty()) cursor.fail(Code::corrupt, "an empty delimiter");
  out["lowercasing"] = std::int64_t{lower};
  switch (numbers) {
    case Numbers::skip: out["numbers"] = std::string("skip"); break;
    case Numbers::keep: out["numbers"] = std::string("keep"); break;
    case Numbers::replace: out["numbers"] = std::string("replace"); break;
    default: cursor.fail(Code::corrupt, format("what to do with numbers is {}", static_cast<std::int32_t>(numbers)));
  }
  return out;
}

/// A table of hashes: its bytes, a seed, and in places of 16 bytes a hash and a number (mmap_hash_table.h).
void add_buckets(Cursor& cursor, std::string_view hashes, std::string_view numbers, std::string_view seed, Attributes& out) {
  const auto bytes = cursor.le<std::uint64_t>();
  const auto started = cursor.le<std::uint64_t>();
  if (bytes % 16 != 0) cursor.fail(Code::corrupt, format("a table of hashes of {} bytes", bytes));
  const std::size_t count = cursor.count(bytes / 16, 16);
  cursor.budget().charge(bytes, "tokens", cursor.where());
  std::vector<std::int64_t> from, to;
  for (std::size_t i = 0; i < count; ++i) {
    const auto hash = cursor.le<std::uint64_t>();
    const auto number = cursor.le<std::uint32_t>();
    cursor.skip(4);
    if (hash == kNoHash) continue;
    from.push_back(static_cast<std::int64_t>(hash));
    to.push_back(number);
  }
  out[std::string(hashes)] = Tensor::vector(from);
  out[std::string(numbers)] = Tensor::vector(to);
  out[std::string(seed)] = static_cast<std::int64_t>(started);
}

/// TMMapDictionary.
Attributes dictionary_of(Cursor& cursor) {
  constexpr std::int64_t kMostGrams = 5, kMostLetters = 1000;
  expect(cursor, "MMapDictionary\0"sv);
  cursor.skip(8);  // the size of all
  const Table meta = sized_table(cursor, "dictionary");
  const auto options = meta.table(dictionary::kOptions);
  if (!options) meta.fail(Code::corrupt, "a dictionary without options");
  const bool letters = options->scalar<std::uint8_t>(dictionary_options::kLevel, 0) != 0;
  const std::int64_t order = options->scalar<std::uint32_t>(dictionary_options::kGramOrder, 1), skip = options->scalar<std::uint32_t>(dictionary_options::kSkipStep, 0);
  if (order < 1 || order > (letters ? kMostLetters : kMostGrams) || skip > 1'000'000) meta.fail(Code::corrupt, format("{} tokens in a row, {} left out between", order, skip));
  Attributes out;
  out["level"] = std::string(letters ? "letter" : "word");
  out["gram_order"] = order;
  out["skip_step"] = skip;
  out["end_of_word"] = std::int64_t{options->scalar<std::uint8_t>(dictionary_options::kEndOfWord, 0) == 0};
  const bool end_of_sentence = options->scalar<std::uint8_t>(dictionary_options::kEndOfSentence, 0) != 0;
  out["end_of_sentence"] = end_of_sentence ? std::int64_t{meta.scalar<std::uint32_t>(dictionary::kEndOfSentence, 0)} : std::int64_t{-1};
  add_buckets(cursor, "hashes", "ids", "seed", out);
  if (!letters && order > 1) add_buckets(cursor, "gram_hashes", "gram_ids", "gram_seed", out);
  return out;
}

/// How often each class had which token: a hash table for each class (TDenseHash::Save).
void add_counts(Cursor& cursor, std::size_t classes, Attributes& out) {
  if (const auto count = cursor.le<std::uint32_t>(); count != classes) cursor.fail(Code::corrupt, format("counts of {} classes, of {}", count, classes));
  std::vector<std::int64_t> offsets{0}, tokens, counts;
  for (std::size_t k = 0; k < classes; ++k) {
    cursor.skip(24);  // a mask, how many places are taken, and how many may be
    const std::size_t places = cursor.count(cursor.le<std::uint32_t>(), 8);
    cursor.budget().charge(std::uint64_t{places} * 16, "counts", cursor.where());
    Cursor end(cursor.source(), cursor.offset());
    end.skip(std::uint64_t{places} * 8);
    const auto empty = end.le<std::uint32_t>();  // the token that marks a place where nothing is
    for (std::size_t i = 0; i < places; ++i) {
      const auto token = cursor.le<std::uint32_t>(), count = cursor.le<std::uint32_t>();
      if (token == empty) continue;
      tokens.push_back(token);
      counts.push_back(count);
    }
    cursor.skip(8);
    offsets.push_back(static_cast<std::int64_t>(tokens.size()));
  }
  out["count_offsets"] = Tensor::vector(offsets);
  out["count_tokens"] = Tensor::vector(tokens);
  out["counts"] = Tensor::vector(counts);
}

std::vector<double> reals(const auto& list) { return {list.begin(), list.end()}; }

/// What estimators of texts and of embeddings begin with.
struct Opened {
  Estimator estimator;
  Table table, own;  // what all have, and the parameters of its type
  std::uint8_t type = 0;
  std::vector<std::uint32_t> active;
};
Opened opened(Cursor& cursor, std::string_view magic, std::string_view op) {
  expect(cursor, magic);
  cursor.skip(4);  // the type once more
  const Table table = sized_table(cursor, "estimator");
  const auto own = table.table(calcer::kTable);
  if (!own) table.fail(Code::corrupt, "an estimator without parameters");
  Opened out{{}, table, *own, table.scalar<std::uint8_t>(calcer::kType, 0), table.list<std::uint32_t>(calcer::kActive)};
  cursor.budget().charge(std::uint64_t{out.active.size()} * 16, "an estimator", table.where());
  out.estimator.id = table.inlined(calcer::kId, kIdBytes);
  out.estimator.op = op;
  out.estimator.width = out.active.size();
  out.estimator.attributes["active"] = std::vector<std::int64_t>(out.active.begin(), out.active.end());
  return out;
}

/// An estimator of texts; its column and how its texts are cut are told elsewhere.
Estimator text_estimator(Cursor& cursor) {
  enum Type : std::uint8_t { none, bm25_type, bayes_type, bow_type };
  Opened from = opened(cursor, "FeatureCalcerV1\0"sv, "TextEstimates");
  Estimator& out = from.estimator;
  const Table& own = from.own;
  const std::vector<std::uint32_t>& active = from.active;
  Attributes& all = out.attributes;
  const auto classes = [&](const std::vector<double>& tokens, unsigned slot) {
    const auto count = own.scalar<std::uint32_t>(slot, 0);
    if (count == 0 || count != tokens.size()) own.fail(Code::corrupt, format("{} classes, and tokens of {}", count, tokens.size()));
    for (const std::uint32_t k : active) {
      if (k >= count) own.fail(Code::corrupt, format("class {} of {}", k, count));
    }
    return static_cast<std::size_t>(count);
  };
  switch (from.type) {
    case bow_type: all["estimator"] = std::string("BoW"); break;
    case bayes_type: {
      all["estimator"] = std::string("NaiveBayes");
      const std::vector<double> tokens = reals(own.list<std::uint64_t>(bayes::kClassTokens)), texts = reals(own.list<std::uint32_t>(bayes::kClassTexts));
      const std::size_t count = classes(tokens, bayes::kClasses);
      if (texts.size() != count) own.fail(Code::corrupt, format("{} classes, and texts of {}", count, texts.size()));
      all["parameters"] = std::vector<double>{own.scalar<float>(bayes::kClassPrior, 0), own.scalar<float>(bayes::kTokenPrior, 0), static_cast<double>(own.scalar<std::uint64_t>(bayes::kSeenTokens, 0))};
      all["class_tokens"] = tokens;
      all["class_texts"] = texts;
      add_counts(cursor, count, all);
      break;
    }
    case bm25_type: {
      all["estimator"] = std::string("BM25");
      const std::vector<double> tokens = reals(own.list<std::uint64_t>(bm25::kClassTokens));
      const std::size_t count = classes(tokens, bm25::kClasses);
      std::vector<double> parameters{own.scalar<float>(bm25::kK, 0), own.scalar<float>(bm25::kB, 0), static_cast<double>(own.scalar<std::uint64_t>(bm25::kTotalTokens, 0))};
      // How much a token says that n of the classes have (CalcTruncatedInvClassFreq).
      const double least = own.scalar<float>(bm25::kTruncateBorder, 0);
      for (std::size_t n = 0; n <= count; ++n) {
        const auto with = static_cast<double>(n);
        parameters.push_back(std::max(std::log((static_cast<double>(count) - with + 0.5) / (with + 0.5)), least));
      }
      all["parameters"] = parameters;
      all["class_tokens"] = tokens;
      add_counts(cursor, count, all);
      break;
    }
    default: from.table.fail(Code::unsupported, format("an estimator of texts of the type {}", from.type));
  }
  return std::move(out);
}

SourceFeature& feature_of(const Booster& b, std::vector<SourceFeature>& all, std::size_t index) {
  const auto at = std::ranges::find(all, static_cast<std::int64_t>(index), &SourceFeature::index);
  if (at == all.end()) b.fail(Code::corrupt, format("estimators of feature {}, which is not there", index));
  return *at;
}

/// What belongs to what: numbers of parts, of each feature or of each digitized feature.
std::vector<std::vector<std::uint32_t>> adjacency(const Table& header, unsigned slot) {
  std::vector<std::vector<std::uint32_t>> out;
  for (const Table& list : header.tables(slot)) out.push_back(list.list<std::uint32_t>(0));
  return out;
}

void read_texts(Cursor& cursor, Booster& out) {
  const Table header = sized_table(cursor, "texts");
  const std::vector<std::string> dictionary_ids = ids(header, text_header::kDictionaries), tokenizer_ids = ids(header, text_header::kTokenizers), calcer_ids = ids(header, text_header::kCalcers);
  std::map<std::string, Attributes> tokenizers, dictionaries;
  std::map<std::string, Estimator> calcers;
  for (bool more = true; more;) {
    const Table head = sized_table(cursor, "part");
    switch (head.scalar<std::uint8_t>(part::kKind, 0)) {
      case part::tokenizer: {
        expect(cursor, "TokenizerV1\0"sv);
        const std::string id(cursor.text(kIdBytes));
        tokenizers[id] = tokenizer_of(cursor);
        break;
      }
      case part::dictionary: {
        expect(cursor, "DictionaryV1\0"sv);
        const std::string id(cursor.text(kIdBytes));
        dictionaries[id] = dictionary_of(cursor);
        break;
      }
      case part::text_calcer: {
        Estimator made = text_estimator(cursor);
        const std::string id = made.id;
        calcers[id] = std::move(made);
        break;
      }
      case part::end: more = false; break;
      default: head.fail(Code::corrupt, "a part of no known kind");
    }
  }
  const auto known = [&](auto& all, const std::vector<std::string>& names, std::size_t at, const char* what) -> auto& {
    const auto found = at < names.size() ? all.find(names[at]) : all.end();
    if (found == all.end()) header.fail(Code::corrupt, format("asks for {} {}, which is not there", what, at));
    return found->second;
  };
  const auto digitizers = adjacency(header, text_header::kDigitizersOfFeature), estimators = adjacency(header, text_header::kCalcersOfDigitized);
  std::size_t digitized = 0;
  for (std::size_t f = 0; f < digitizers.size(); ++f) {
    for (const std::uint32_t d : digitizers[f]) {
      if (digitized >= estimators.size()) header.fail(Code::corrupt, format("{} lists of estimators", estimators.size()));
      for (const std::uint32_t e : estimators[digitized]) {
        Estimator made = known(calcers, calcer_ids, e, "estimator");
        made.column = feature_of(out, out.texts, f).flat_index;
        for (const auto& [name, value] : known(tokenizers, tokenizer_ids, d, "tokenizer")) made.attributes[name] = value;
        for (const auto& [name, value] : known(dictionaries, dictionary_ids, d, "dictionary")) made.attributes[name] = value;
        out.source.budget().charge_items(1 + made.width, header.where());
        out.estimators.push_back(std::move(made));
      }
      ++digitized;
    }
  }
}

/// Vectors of training in a graph (TOnlineHnswIndexReader::ReadIndex): how many neighbours one has at most, the sizes of the levels, and the
/// neighbours of each vector of each level.
void add_graph(Cursor& cursor, Attributes& out) {
  const std::size_t bytes = cursor.count(cursor.le<std::uint32_t>(), 1);
  const std::uint64_t end = cursor.offset() + bytes;
  if (bytes < 8) cursor.fail(Code::corrupt, format("a graph of {} bytes", bytes));
  out["max_neighbours"] = std::int64_t{cursor.le<std::uint32_t>()};
  const std::size_t levels = cursor.count(cursor.le<std::uint32_t>(), 4);
  cursor.budget().charge(std::uint64_t{levels} * 8 + bytes, "a graph", cursor.where());
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < levels; ++i) sizes.push_back(cursor.le<std::uint32_t>());
  if (cursor.offset() > end || (end - cursor.offset()) % 4 != 0) cursor.fail(Code::corrupt, format("a graph of {} levels in {} bytes", levels, bytes));
  std::vector<std::int32_t> neighbours((end - cursor.offset()) / 4);
  for (std::int32_t& n : neighbours) n = cursor.le<std::int32_t>();
  out["level_sizes"] = sizes;
  out["neighbours"] = Tensor::vector(neighbours);
}

/// An estimator of embeddings; its column is told elsewhere.
Estimator embedding_estimator(Cursor& cursor) {
  enum Type : std::uint8_t { none, lda_type, knn_type };
  Opened from = opened(cursor, "EmbedCalcerV1\0"sv, "EmbeddingEstimates");
  Estimator& out = from.estimator;
  const Table& own = from.own;
  const std::vector<std::uint32_t>& active = from.active;
  Attributes& all = out.attributes;
  std::int64_t outputs = 0, counted = 0;
  const std::int64_t width = own.scalar<std::int32_t>(lda::kWidth, 0);
  if (width < 1) own.fail(Code::corrupt, format("vectors of {} numbers", width));
  switch (from.type) {
    case lda_type: {
      all["estimator"] = std::string("LDA");
      // Likelihoods of classes, too, may have been trained on, but the file does not hold what they are computed from.
      if (own.scalar<std::uint8_t>(lda::kLikelihoods, 0) != 0) counted += own.scalar<std::uint32_t>(lda::kClasses, 0);
      outputs = own.scalar<std::int32_t>(lda::kLines, 0);
      const auto projection = own.list<float>(lda::kProjection);
      if (outputs < 1 || projection.size() / static_cast<std::size_t>(width) != static_cast<std::size_t>(outputs) || projection.size() % static_cast<std::size_t>(width) != 0) {
        own.fail(Code::corrupt, format("{} numbers of a projection from {} to {}", projection.size(), width, outputs));
      }
      all["projection"] = Tensor::of<float>({outputs, width}, projection);
      break;
    }
    case knn_type: {
      all["estimator"] = std::string("KNN");
      const bool by_class = own.scalar<std::uint8_t>(knn::kIsClassification, 1) != 0;
      outputs = by_class ? std::int64_t{own.scalar<std::uint32_t>(knn::kClasses, 0)} : 1;
      all["outputs"] = outputs;
      all["close"] = std::int64_t{own.scalar<std::uint32_t>(knn::kClose, 0)};
      const std::size_t count = cursor.count(cursor.le<std::uint32_t>(), 4);
      if (count != own.scalar<std::uint32_t>(knn::kSize, 0)) own.fail(Code::corrupt, format("targets of {} vectors", count));
      cursor.budget().charge(std::uint64_t{count} * 8, "targets", cursor.where());
      if (by_class) {
        std::vector<std::int64_t> classes(count);
        for (std::int64_t& k : classes) {
          k = cursor.le<std::uint32_t>();
          if (k >= outputs) cursor.fail(Code::corrupt, format("class {} of {}", k, outputs));
        }
        all["classes"] = std::move(classes);
      } else {
        std::vector<float> targets(count);
        for (float& t : targets) t = cursor.le<float>();
        all["targets"] = Tensor::vector(targets);
      }
      add_graph(cursor, all);
      const std::size_t numbers = cursor.count(cursor.le<std::uint32_t>(), 4);
      if (numbers / static_cast<std::size_t>(width) != count || numbers % static_cast<std::size_t>(width) != 0) cursor.fail(Code::corrupt, format("{} numbers of {} vectors", numbers, count));
      cursor.budget().charge(std::uint64_t{numbers} * 4, "vectors", cursor.where());
      std::vector<float> points(numbers);
      for (float& v : points) v = cursor.le<float>();
      all["points"] = Tensor::of<float>({static_cast<std::int64_t>(count), width}, points);
      break;
    }
    default: from.table.fail(Code::unsupported, format("an estimator of embeddings of the type {}", from.type));
  }
  // CatBoost counts all numbers that the estimator could make (FeatureCount), writes the active ones from the first place on, and leaves 0 behind them.
  counted += outputs;
  if (counted > 1'000'000 || counted < static_cast<std::int64_t>(out.width)) own.fail(Code::corrupt, format("{} numbers of {}", out.width, counted));
  out.zeros = static_cast<std::size_t>(counted) - out.width;
  out.width = static_cast<std::size_t>(counted);
  for (const std::uint32_t k : active) {
    if (std::int64_t{k} >= outputs) own.fail(Code::corrupt, format("number {} of {}", k, outputs));
  }
  return std::move(out);
}

void read_embeddings(Cursor& cursor, Booster& out) {
  const Table header = sized_table(cursor, "embeddings");
  const std::vector<std::string> names = ids(header, embedding_header::kCalcers);
  std::map<std::string, Estimator> calcers;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Table head = sized_table(cursor, "part");
    if (head.scalar<std::uint8_t>(part::kKind, 0) != part::embedding_calcer) head.fail(Code::corrupt, "a part of no known kind");
    Estimator made = embedding_estimator(cursor);
    const std::string id = made.id;
    calcers[id] = std::move(made);
  }
  const auto of_feature = adjacency(header, embedding_header::kCalcersOfFeature);
  for (std::size_t f = 0; f < of_feature.size(); ++f) {
    for (const std::uint32_t e : of_feature[f]) {
      const auto found = e < names.size() ? calcers.find(names[e]) : calcers.end();
      if (found == calcers.end()) header.fail(Code::corrupt, format("asks for estimator {}, which is not there", e));
      Estimator made = found->second;
      SourceFeature& feature = feature_of(out, out.embeddings, f);
      const std::int64_t width = std::get<Tensor>(made.attributes[made.attributes.contains("points") ? "points" : "projection"]).dim(1);
      if (feature.dimension >= 0 && feature.dimension != width) header.fail(Code::corrupt, format("vectors of {} and of {} numbers in one column", feature.dimension, width));
      feature.dimension = width;
      made.column = feature.flat_index;
      out.source.budget().charge_items(1 + made.width, header.where());
      out.estimators.push_back(std::move(made));
    }
  }
}

}  // namespace

void read_estimators(Cursor& cursor, Booster& booster) {
  const std::string_view magic = cursor.text(kIdBytes);
  if (magic == "text_process_v2\0"sv) read_texts(cursor, booster);
  else if (magic == "embed_process_1\0"sv) read_embeddings(cursor, booster);
  else cursor.fail(Code::unsupported, format("features made by \"{}\"", printable(magic, 16)));
}

}  // namespace decant::catboost
