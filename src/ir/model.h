// SPDX-License-Identifier: Apache-2.0
// The one intermediate representation: a typed graph of ONNX operators (domains "" = ai.onnx, "ai.onnx.ml", and our own "decant").
// Nothing about a file format or a training framework appears here. Indices instead of pointers; plain data; graphs are made through
// ops/builder.h, which owns the invariants, and are not changed afterwards.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/tensor.h"

namespace decant {

/// A dimension that is known, or has a name, or neither.
struct Dim {
  std::int64_t value = -1;  // -1: not known
  std::string name;         // "N"
  bool known() const { return value >= 0; }
  bool operator==(const Dim&) const = default;
};

/// What is known of a value before anything runs.
struct Type {
  DType dtype = DType::undefined;
  bool has_rank = false;
  std::vector<Dim> shape;  // meaningful where has_rank
  DType element = DType::undefined;  // of the tensors in a sequence, where that is known

  static Type tensor(DType dtype, std::vector<Dim> shape) { return {dtype, true, std::move(shape)}; }
  static Type of(const Tensor& tensor);
  std::optional<std::size_t> rank() const { return has_rank ? std::optional(shape.size()) : std::nullopt; }
  std::string text() const;  // "float64[N, 4]"
};

using ValueId = std::int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input that is left out

struct Value {
  std::string name;  // unique in its graph
  Type type;
};

struct Graph;
using GraphPtr = std::shared_ptr<const Graph>;
using Attribute = std::variant<std::int64_t, double, std::string, Tensor, GraphPtr, std::vector<std::int64_t>, std::vector<double>,
                               std::vector<std::string>>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

struct Node {
  std::string domain, op, name;
  std::vector<ValueId> inputs, outputs;
  Attributes attributes;
  /// Values of this graph that the graphs held by the attributes use, beside `inputs`: the attributes in order of their names, of each
  /// graph its Graph::captures in order. The node needs them like inputs, but its kernel does not see them: its Executor hands them on.
  std::vector<ValueId> captures;
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;  // in an order in which they can run
  std::vector<ValueId> inputs, outputs;
  std::map<ValueId, Tensor> constants;
  /// In a graph held by an attribute (Scan, Loop, If): values of this graph that stand for values of the enclosing one. Which ones,
  /// says Node::captures of the node that holds this graph; while a graph is built, they go by name.
  std::vector<ValueId> captures;

  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
};

/// One input that the caller gives. A table becomes either one matrix (columns named, or by position) or one input per column.
struct Input {
  std::string name;
  Type type;
  std::vector<std::string> columns = {};  // names of the columns of a matrix input, where the model knows them
  bool json = false;                 // texts that hold one JSON value each, as a line of .ndjson does
  std::vector<std::string> text_fields = {};  // of JSON objects: fields that are texts also where they look like numbers
};

struct Output {
  std::string name;  // predict, predict_proba, …, or the file's own name
  Type type;
  std::vector<std::string> columns = {};  // what each column of a matrix output is called: class labels, feature names; may be empty
};

struct Signature {
  std::vector<Input> inputs;    // as graph.inputs
  std::vector<Output> outputs;  // as graph.outputs
  bool row_wise = false;        // every output row depends on the same input row alone, so rows may be run in blocks
};

/// A tree of facts for people and for --json: hyper-parameters, metadata. `value` is a JSON literal ("" for a heading).
struct Info {
  std::string name, value;
  std::vector<Info> children;
};

struct Origin {
  std::string format;             // "pickle"
  std::string framework, version;  // "scikit-learn", "1.5.2"; empty where unknown
  std::string producer;           // the class or tool: "sklearn.pipeline.Pipeline"
};

struct Model {
  Graph graph;
  Signature signature;
  Origin origin;
  Info info;                            // hyper-parameters and structure, as the framework names them
  std::vector<std::string> notes;       // what a reader wants said: "predict_proba is not available: probability=False"
  std::map<std::string, std::string> metadata;  // ONNX metadata_props
};

/// The model as text, one line a node: for inspect and for tests.
std::string print(const Graph& graph);

}  // namespace decant
