// SPDX-License-Identifier: Apache-2.0
// A document: null, truth values, numbers, texts, arrays and objects, whether the file spells them as JSON (RFC 8259) or as UBJSON
// (ubjson.org, draft 12, with the unsigned types of BJData that XGBoost adds). Arrays of nothing but numbers stay as they stand in the
// file and are decoded into the type that the reader asks for: a model is mostly such arrays, and a decimal must be rounded once only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/cursor.h"

namespace decant::document {

enum class Kind : std::uint8_t { null, boolean, number, text, numbers, array, object };
std::string_view name_of(Kind kind);

struct Node;

/// A value of a document. A view; cheap to copy; as long-lived as its Document.
class Value {
 public:
  Value(const Source& source, const Node& node) : source_(&source), node_(&node) {}
  Kind kind() const;
  bool is_object() const { return kind() == Kind::object; }
  bool is_text() const { return kind() == Kind::text; }
  bool is_list() const { return kind() == Kind::numbers || kind() == Kind::array; }

  /// Of an object; the last of several equal keys. Throws corrupt where it is no object or, with [], has no such key.
  std::optional<Value> find(std::string_view key) const;
  Value operator[](std::string_view key) const;
  std::vector<std::pair<std::string_view, Value>> entries() const;

  std::size_t size() const;  // of an array or of numbers
  /// Elements of an array that is not all numbers (an empty one may be either).
  std::vector<Value> elements() const;

  std::string_view text() const;
  bool boolean() const;  // a truth value, or the number 0 or 1
  double real() const;
  float real32() const;
  std::int64_t integer() const;
  /// Numbers (truth values count as 0 and 1) as T: float, double, std::int32_t, std::int64_t, std::uint8_t, std::uint32_t. Throws corrupt
  /// where the array holds anything else, or a number that T cannot hold.
  template <class T>
  std::vector<T> list() const;

  Where where() const;
  [[noreturn]] void fail(Code code, std::string_view text) const;

 private:
  void must_be(Kind kind) const;
  template <class T>
  T scalar() const;

  const Source* source_;
  const Node* node_;
};

struct Node {
  Kind kind = Kind::null;
  char type = 0;              // of numbers: 't' as JSON spells them, else UBJSON's type of each; of a truth value: 0 or 1
  std::uint64_t offset = 0;
  std::uint64_t count = 0;    // of numbers
  std::string_view raw;       // of a text: its characters; of a number or numbers: their bytes
  std::string_view key;       // of a value in an object
  std::vector<Node> items;    // of an array or an object
};

class Document {
 public:
  Value root() const { return {source_, root_}; }

 private:
  friend class Maker;
  Source source_;
  Node root_;
  std::deque<std::string> texts_;  // those that are not as they stand in the file
};
using DocumentPtr = std::shared_ptr<const Document>;

/// Exactly one value, and nothing but spaces behind it. NaN, Infinity and -Infinity are numbers, as XGBoost and Python write them.
DocumentPtr parse_json(const Source& source);
DocumentPtr parse_ubjson(const Source& source);

/// The bytes of one number of a UBJSON type; 0 for a type that is no number.
std::size_t width_of(char type);

/// A number as JSON or a line of text spells it. Nothing where `text` is no number or T cannot hold it.
template <class T>
std::optional<T> number_of(std::string_view text);

/// What both parsers share: memory and time are charged, nesting is bounded.
class Maker {
 public:
  explicit Maker(const Source& source) : document_(std::make_shared<Document>()) { document_->source_ = source; }
  Node node(Kind kind, const Cursor& cursor, std::uint64_t offset);
  std::string_view keep(std::string text) { return document_->texts_.emplace_back(std::move(text)); }
  DocumentPtr finish(Node root) {
    document_->root_ = std::move(root);
    return document_;
  }

 private:
  std::shared_ptr<Document> document_;
};

}  // namespace decant::document
