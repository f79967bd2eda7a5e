// SPDX-License-Identifier: Apache-2.0
// Records: each text is one JSON value, an object or a list, as a line of .ndjson holds it. Features by name as
// sklearn/feature_extraction/_dict_vectorizer.py and _hash.py make them, labels as sklearn/preprocessing/_label.py.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/text.h"
#include "ops/kernel.h"
#include "ops/text/analyzer.h"
#include "ops/text/rows.h"

namespace decant {
namespace {

using Json = nlohmann::ordered_json;

struct Known {
  std::unordered_map<std::string, std::int64_t> column;
};

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Known>();
  const Tensor& names = c.tensor("vocabulary");
  if (names.dtype() != DType::string) c.fail(Code::corrupt, "a vocabulary that holds no texts");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!out->column.emplace(names.data<std::string>()[i], static_cast<std::int64_t>(i)).second) c.fail(Code::corrupt, format("a vocabulary that has \"{}\" twice", printable(names.data<std::string>()[i], 40)));
  }
  return out;
}

Json parsed(const KernelContext& c, const std::string& text, std::size_t row) {
  int depth = 0;  // the library recurses over nested values
  for (const char character : text) {
    if ((character == '[' || character == '{') && ++depth > 100) c.fail(Code::limit, format("row {} is nested deeper than 100", row));
    if (character == ']' || character == '}') --depth;
  }
  Json out = Json::parse(text, nullptr, false);
  if (out.is_discarded()) c.fail(Code::mismatch, format("row {} is no JSON value: {}", row, printable(text, 40)));
  return out;
}

[[noreturn]] void refuse(const KernelContext& c, std::size_t row, const Json& value, std::string_view wanted) {
  c.fail(Code::mismatch, format("row {}: {} where {} is taken", row, printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 60), wanted));
}

double number_of(const Json& value) { return value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>(); }
bool is_number(const Json& value) { return value.is_number() || value.is_boolean(); }

template <class Row>
void each_record(KernelContext& c, bool presence, Row row) {
  want(c, 0, DType::string);
  const std::span<const std::string> texts = c.input(0).data<std::string>();
  SparseRows rows;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    row(parsed(c, texts[i], i), i, rows);
    rows.end_row(presence);
  }
  rows.write(c);
}

void run_features(KernelContext& c) {
  const Known& known = c.state<Known>();
  const std::string separator(c.text("separator"));
  each_record(c, false, [&](const Json& record, std::size_t i, SparseRows& rows) {
    if (!record.is_object()) refuse(c, i, record, "an object");
    const auto add = [&](const std::string& name, double value) {
      if (const auto at = known.column.find(name); at != known.column.end()) rows.add(at->second, value);
    };
    for (const auto& [name, value] : record.items()) {
      if (value.is_string()) add(name + separator + value.get<std::string>(), 1);
      else if (is_number(value)) add(name, number_of(value));
      else if (value.is_null()) add(name, std::numeric_limits<double>::quiet_NaN());
      else if (value.is_array()) {
        for (const Json& item : value) {
          if (!item.is_string()) refuse(c, i, item, "a text");
          add(name + separator + item.get<std::string>(), 1);
        }
      } else refuse(c, i, value, "a number, a text or a list of texts");
    }
  });
}

void run_hashes(KernelContext& c) {
  const std::int64_t n = c.integer("n_features");
  if (n < 1 || n > INT32_MAX) c.fail(Code::corrupt, format("n_features {}", n));
  const bool alternate = c.integer("alternate_sign", 1) != 0;
  const std::string_view kind = c.text("input_type");
  each_record(c, false, [&](const Json& record, std::size_t i, SparseRows& rows) {
    const auto add = [&](const std::string& name, const Json& value) {
      const bool text = value.is_string();
      if (!text && !is_number(value)) refuse(c, i, value, "a number or a text");
      const double amount = text ? 1.0 : number_of(value);
      if (amount == 0) return;
      const Slot slot = slot_of(text ? name + "=" + value.get<std::string>() : name, n, alternate);
      rows.add(slot.index, amount * slot.sign);
    };
    if (kind == "dict" && record.is_object()) {
      for (const auto& [name, value] : record.items()) add(name, value);
    } else if (kind == "string" && record.is_array()) {
      for (const Json& item : record) {
        if (!item.is_string()) refuse(c, i, item, "a text");
        add(item.get<std::string>(), 1);
      }
    } else if (kind == "string" && record.is_object()) {  // a dict is what it lists: its keys
      for (const auto& [name, value] : record.items()) add(name, 1);
    } else if (kind == "pair" && record.is_array()) {
      for (const Json& item : record) {
        if (!item.is_array() || item.size() != 2 || !item[0].is_string()) refuse(c, i, item, "a pair of a name and a value");
        add(item[0].get<std::string>(), item[1]);
      }
    } else {
      refuse(c, i, record, kind == "dict" ? "an object" : kind == "string" ? "a list of texts" : "a list of pairs");
    }
  });
}

void run_labels(KernelContext& c) {
  const Known& known = c.state<Known>();
  each_record(c, true, [&](const Json& record, std::size_t i, SparseRows& rows) {
    if (!record.is_array()) refuse(c, i, record, "a list of labels");
    for (const Json& label : record) {
      // A number is known by its shortest text, whole or not: 2 and 2.0 are one label, as in a dict.
      std::string name;
      if (label.is_string()) name = "s" + label.get<std::string>();
      else if (is_number(label)) name = "n" + format("{}", number_of(label));
      else refuse(c, i, label, "a label");
      if (const auto at = known.column.find(name); at != known.column.end()) rows.add(at->second, 1);
    }
  });
}

constexpr std::string_view kNoBody = "no standard operator reads records: written as decant's own operator, which other runtimes do not know";

constexpr Op kOps[] = {
    {"decant", "RecordFeatures", "JSON objects [N] as sparse rows: numbers in the column of their name, texts as 1 in the column of name, `separator`, text; what is not in "
     "`vocabulary` is left out.", infer_sparse_rows, run_features, prepare, nullptr, kNoBody},
    {"decant", "RecordHashes", "JSON objects, lists of texts or lists of pairs (`input_type` dict, string, pair) as sparse rows, columns by MurmurHash3 of the name.",
     infer_sparse_rows, run_hashes, nullptr, nullptr, kNoBody},
    {"decant", "RecordLabels", "JSON lists of labels as sparse rows of ones. `vocabulary`: s and the text of a text, n and the number of a number.", infer_sparse_rows,
     run_labels, prepare, nullptr, kNoBody},
};

}  // namespace

DECANT_AT_START std::span<const Op> records_ops() { return kOps; }

}  // namespace decant
