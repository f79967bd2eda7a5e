// SPDX-License-Identifier: Apache-2.0
// Texts as counts of terms. ONNX's TfIdfVectorizer takes terms, not texts, and no standard operator cuts a text by a pattern: these two
// have no body.
#include <unordered_map>

#include "base/text.h"
#include "ops/kernel.h"
#include "ops/text/analyzer.h"
#include "ops/text/rows.h"

namespace decant {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

struct Known {
  explicit Known(const AttributeView& node) : analyzer(node) {}
  Analyzer analyzer;
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> column;
};

std::span<const std::string> texts_of(const KernelContext& c) {
  want(c, 0, DType::string);
  const Tensor& x = c.input(0);
  if (x.rank() == 0 || (x.rank() == 2 && x.dim(1) != 1) || x.rank() > 2) c.fail(Code::mismatch, format("texts of shape {}, where one column is taken", text_of(x.shape())));
  return x.data<std::string>();
}

State prepare_counts(const PrepareContext& c) {
  auto out = std::make_shared<Known>(c);
  const Tensor& terms = c.tensor("vocabulary");
  if (terms.dtype() != DType::string) c.fail(Code::corrupt, "a vocabulary that holds no texts");
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!out->column.emplace(terms.data<std::string>()[i], static_cast<std::int64_t>(i)).second) c.fail(Code::corrupt, format("a vocabulary that has \"{}\" twice", printable(terms.data<std::string>()[i], 40)));
  }
  return out;
}

void run_counts(KernelContext& c) {
  const Known& known = c.state<Known>();
  const bool binary = c.integer("binary", 0) != 0;
  SparseRows rows;
  for (const std::string& text : texts_of(c)) {
    known.analyzer.each(text, [&](std::string_view term) {
      if (const auto at = known.column.find(term); at != known.column.end()) rows.add(at->second, 1);
    });
    rows.end_row(binary);
  }
  rows.write(c);
}

State prepare_hashes(const PrepareContext& c) {
  if (const std::int64_t n = c.integer("n_features"); n < 1 || n > INT32_MAX) c.fail(Code::corrupt, format("n_features {}", n));
  return std::make_shared<Known>(c);
}

void run_hashes(KernelContext& c) {
  const Analyzer& analyzer = c.state<Known>().analyzer;
  const bool binary = c.integer("binary", 0) != 0, alternate = c.integer("alternate_sign", 1) != 0;
  const std::int64_t n = c.integer("n_features");
  SparseRows rows;
  for (const std::string& text : texts_of(c)) {
    analyzer.each(text, [&](std::string_view term) {
      const Slot slot = slot_of(term, n, alternate);
      rows.add(slot.index, slot.sign);
    });
    rows.end_row(binary);
  }
  rows.write(c);
}

constexpr std::string_view kNoBody = "no standard operator cuts texts into terms: written as decant's own operator, which other runtimes do not know";

constexpr Op kOps[] = {
    {"decant", "TextCounts", "Texts [N] or [N, 1] as counts of the terms in `vocabulary`: columns and values of sparse rows. How a text is cut: analyzer, lowercase, "
     "strip_accents, token_pattern, stop_words, ngram_range, as sklearn.feature_extraction.text.CountVectorizer.", infer_sparse_rows, run_counts, prepare_counts, nullptr, kNoBody},
    {"decant", "TextHashes", "The same with columns chosen by MurmurHash3 of the term, modulo n_features, as HashingVectorizer.", infer_sparse_rows, run_hashes, prepare_hashes, nullptr, kNoBody},
};

}  // namespace

DECANT_AT_START std::span<const Op> text_ops() { return kOps; }

}  // namespace decant
