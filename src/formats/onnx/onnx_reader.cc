// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/onnx_reader.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "formats/onnx/onnx_upgrade.h"
#include "ops/builder.h"
#include "ops/kernel.h"

namespace decant::onnx {
namespace {

std::string_view domain_of(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

Type type_of(const TypeProto& proto) {
  Type out;
  DType dtype = DType::undefined;
  if (proto.elem_type > 0 && proto.elem_type <= static_cast<std::int64_t>(kLastElementType)) dtype = static_cast<DType>(proto.elem_type);
  switch (proto.kind) {
    case TypeProto::tensor: case TypeProto::sparse_tensor: break;  // sparse values are dense here
    case TypeProto::sequence:
      out.dtype = DType::sequence;
      out.element = dtype;
      return out;
    case TypeProto::map: out.dtype = DType::map; return out;
    case TypeProto::optional: case TypeProto::none: return out;  // an optional is its value, or nothing
  }
  out.dtype = dtype;
  out.has_rank = proto.has_shape;
  for (const Dimension& d : proto.shape) out.shape.push_back({d.dim_param.empty() ? std::max<std::int64_t>(d.dim_value, -1) : -1, std::string(d.dim_param)});
  return out;
}

using Opsets = std::map<std::string_view, std::int64_t>;

// Names that nodes of one graph (or of one call of a function) can use.
struct Scope {
  Builder& builder;
  Scope* outer = nullptr;  // nothing for a function: its body sees its own names only
  const Opsets& opsets;
  std::uint32_t depth = 0;  // of graphs and calls
  std::unordered_map<std::string_view, ValueId> names = {};
  std::unordered_map<std::string_view, const TypeProto*> declared = {};
  const std::map<std::string_view, Attribute>* arguments = nullptr;  // of a function call

  ValueId find(std::string_view name) {
    if (const auto at = names.find(name); at != names.end()) return at->second;
    if (outer == nullptr) return kNoValue;
    const ValueId id = outer->find(name);
    if (id == kNoValue || &outer->builder == &builder) return id;
    const ValueId own = builder.capture(id);
    names.emplace(name, own);
    return own;
  }
};

class ModelReader {
 public:
  explicit ModelReader(const Source& source) : source_(source), raw_(parse_model(source)) {}

  Model read();

 private:
  void read_graph(Scope& scope, const GraphProto& graph, bool top);
  void read_node(Scope& scope, const NodeProto& node);
  void call(Scope& scope, const NodeProto& node, const FunctionProto& function, const std::vector<ValueId>& inputs, const Attributes& attributes);
  std::optional<Attribute> attribute(Scope& scope, const AttributeProto& proto, const NodeProto& node);
  void define(Scope& scope, std::string_view name, ValueId id, const Where& where);
  Opsets opsets_of(const std::vector<OperatorSetIdProto>& imports) const;
  Where place(const NodeProto& node) const {
    return source_.where(node.offset, format("node {} ({})", node.name.empty() ? "?" : printable(node.name, 80), printable(node.op_type, 80)));
  }

  const Source& source_;
  ModelProto raw_;
  Model model_;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const FunctionProto*> functions_;
};

Opsets ModelReader::opsets_of(const std::vector<OperatorSetIdProto>& imports) const {
  Opsets out;
  for (const OperatorSetIdProto& o : imports) out[domain_of(o.domain)] = o.version;
  return out;
}

void ModelReader::define(Scope& scope, std::string_view name, ValueId id, const Where& where) {
  if (!scope.names.emplace(name, id).second) throw Error(Code::corrupt, where, format("the value {} is made twice", printable(name, 80)));
}

std::optional<Attribute> ModelReader::attribute(Scope& scope, const AttributeProto& a, const NodeProto& node) {
  if (!a.ref_attr_name.empty()) {
    if (scope.arguments == nullptr) throw Error(Code::corrupt, place(node), format("attribute {} refers to one of a function", printable(a.name, 80)));
    const auto at = scope.arguments->find(a.ref_attr_name);
    return at == scope.arguments->end() ? std::nullopt : std::optional(at->second);
  }
  const auto missing = [&] { return Error(Code::corrupt, place(node), format("attribute {} has no value", printable(a.name, 80))); };
  switch (a.type) {
    case AttributeProto::FLOAT: return Attribute(static_cast<double>(a.f));
    case AttributeProto::INT: return Attribute(a.i);
    case AttributeProto::STRING: return Attribute(std::string(a.s));
    case AttributeProto::TENSOR:
      if (!a.t) throw missing();
      return Attribute(to_tensor(*a.t, source_));
    case AttributeProto::SPARSE_TENSOR:
      if (!a.sparse_tensor) throw missing();
      return Attribute(to_tensor(*a.sparse_tensor, source_));
    case AttributeProto::GRAPH: {
      if (a.g.empty()) throw missing();
      source_.budget().check_depth(scope.depth + 1, place(node));
      Builder inner(scope.builder);
      Scope body{inner, &scope, scope.opsets, scope.depth + 1};
      body.arguments = scope.arguments;
      read_graph(body, a.g[0], false);
      return Attribute(GraphPtr(std::make_shared<const Graph>(inner.finish(a.g[0].name))));
    }
    case AttributeProto::FLOATS: return Attribute(std::vector<double>(a.floats.begin(), a.floats.end()));
    case AttributeProto::INTS: return Attribute(a.ints);
    case AttributeProto::STRINGS: return Attribute(std::vector<std::string>(a.strings.begin(), a.strings.end()));
    default:
      model_.notes.push_back(format("attribute {} of {} is of kind {}, which is left out", printable(a.name, 80), printable(node.op_type, 80), a.type));
      return std::nullopt;
  }
}

void ModelReader::call(Scope& scope, const NodeProto& node, const FunctionProto& function, const std::vector<ValueId>& inputs, const Attributes& attributes) {
  // Calls can double at every level: each node that results is charged, and the depth stops a function that calls itself.
  if (scope.depth + 1 > 32) throw Error(Code::limit, place(node), "functions call each other more than 32 levels deep");
  std::map<std::string_view, Attribute> arguments;
  for (const AttributeProto& a : function.attribute_proto) {
    if (auto value = attribute(scope, a, node)) arguments.insert_or_assign(a.name, std::move(*value));
  }
  for (const auto& [name, value] : attributes) arguments.insert_or_assign(name, value);
  const Opsets opsets = function.opset_import.empty() ? scope.opsets : opsets_of(function.opset_import);
  Scope body{scope.builder, nullptr, opsets, scope.depth + 1};
  body.arguments = &arguments;
  if (inputs.size() > function.input.size()) throw Error(Code::corrupt, place(node), format("{} inputs for a function of {}", inputs.size(), function.input.size()));
  for (std::size_t i = 0; i < function.input.size(); ++i) define(body, function.input[i], i < inputs.size() ? inputs[i] : kNoValue, place(node));
  for (const NodeProto& inner : function.node) read_node(body, inner);
  if (node.output.size() > function.output.size()) throw Error(Code::corrupt, place(node), format("{} outputs of a function of {}", node.output.size(), function.output.size()));
  for (std::size_t i = 0; i < node.output.size(); ++i) {
    if (node.output[i].empty()) continue;
    const ValueId id = body.find(function.output[i]);
    if (id == kNoValue) throw Error(Code::corrupt, place(node), format("the function does not make its output {}", printable(function.output[i], 80)));
    define(scope, node.output[i], id, place(node));
  }
}

void ModelReader::read_node(Scope& scope, const NodeProto& node) {
  source_.budget().charge_items(1, place(node));
  source_.budget().charge(512, "a node of the graph", place(node));
  Builder& b = scope.builder;
  const std::string_view domain = domain_of(node.domain);
  if (const std::string_view why = unsafe_operator(domain, node.op_type); !why.empty()) throw Error(Code::unsafe, place(node), why);

  std::vector<ValueId> inputs;
  for (const std::string_view name : node.input) {
    const ValueId id = name.empty() ? kNoValue : scope.find(name);
    // Within a function an input may be formally there and left out by the caller.
    if (!name.empty() && id == kNoValue && !scope.names.contains(name)) {
      throw Error(Code::corrupt, place(node), format("uses {}, which nothing before it makes", printable(name, 80)));
    }
    inputs.push_back(id);
  }
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  Attributes attributes;
  for (const AttributeProto& a : node.attribute) {
    std::optional<Attribute> value = attribute(scope, a, node);
    if (value && !attributes.emplace(a.name, std::move(*value)).second) throw Error(Code::corrupt, place(node), format("attribute {} is given twice", printable(a.name, 80)));
  }
  if (const auto f = functions_.find({domain, node.op_type, node.overload}); f != functions_.end()) return call(scope, node, *f->second, inputs, attributes);

  std::size_t outputs = node.output.size();
  while (outputs > 1 && node.output[outputs - 1].empty()) --outputs;
  if (outputs == 0) throw Error(Code::corrupt, place(node), "the node makes nothing");
  std::vector<ValueId> ids;
  if (domain.empty() && node.op_type == "Constant") {
    const Node view{"", "Constant", std::string(node.name), {}, {}, std::move(attributes), {}};
    ids = {b.constant(constant_value(AttributeView(view)), node.output[0])};
    outputs = 1;
  } else {
    const auto version = scope.opsets.find(domain);
    Call made{std::string(domain), std::string(node.op_type), std::string(node.name), std::move(inputs), std::move(attributes), outputs, 0};
    if (version != scope.opsets.end()) made.version = version->second;
    if (made.name.empty()) made.name = node.output[0];
    ids = add_upgraded(b, std::move(made));
  }
  if (ids.size() < outputs) throw Error(Code::corrupt, place(node), format("{} outputs of {}", outputs, ids.size()));
  for (std::size_t i = 0; i < outputs; ++i) {
    const std::string_view name = node.output[i];
    if (name.empty()) continue;
    if (ids[i] == kNoValue) throw Error(Code::corrupt, place(node), format("output {} does not exist", i));
    define(scope, name, ids[i], place(node));
    if (!b.taken(name)) b.rename(ids[i], name);
    // What the file declares fills in what the type rules cannot know.
    if (const auto at = scope.declared.find(name); at != scope.declared.end()) {
      Type type = b.type(ids[i]);
      Type said = type_of(*at->second);
      if (type.dtype == DType::undefined) type.dtype = said.dtype;
      if (!type.has_rank && said.has_rank) type.has_rank = true, type.shape = std::move(said.shape);
      b.set_type(ids[i], std::move(type));
    }
  }
}

void ModelReader::read_graph(Scope& scope, const GraphProto& graph, bool top) {
  Builder& b = scope.builder;
  const Where where = source_.where(graph.offset, format("graph {}", printable(graph.name, 80)));
  for (const ValueInfoProto& v : graph.value_info) scope.declared.emplace(v.name, &v.type);
  for (const ValueInfoProto& v : graph.output) scope.declared.emplace(v.name, &v.type);
  for (const TensorProto& t : graph.initializer) {
    if (t.name.empty()) throw Error(Code::corrupt, where, "a constant without a name");
    source_.budget().charge(256, "a constant", where);
    define(scope, t.name, b.constant(to_tensor(t, source_), t.name), source_.where(t.offset));
  }
  for (const SparseTensorProto& t : graph.sparse_initializer) {
    if (t.values.name.empty()) throw Error(Code::corrupt, where, "a constant without a name");
    source_.budget().charge(256, "a constant", where);
    define(scope, t.values.name, b.constant(to_tensor(t, source_), t.values.name), source_.where(t.offset));
  }
  for (const ValueInfoProto& v : graph.input) {
    if (v.name.empty()) throw Error(Code::corrupt, where, "an input without a name");
    // Before IR version 4 every constant was an input as well: its value is the constant.
    if (scope.names.contains(v.name)) {
      if (std::ranges::find(graph.initializer, v.name, &TensorProto::name) != graph.initializer.end()) continue;
      throw Error(Code::corrupt, where, format("two inputs are called {}", printable(v.name, 80)));
    }
    const Type type = type_of(v.type);
    define(scope, v.name, b.input(v.name, type), where);
    if (top) model_.signature.inputs.push_back({std::string(v.name), type, {}, false, {}});
  }
  for (const NodeProto& node : graph.node) read_node(scope, node);
  for (const ValueInfoProto& v : graph.output) {
    const ValueId id = scope.find(v.name);
    if (id == kNoValue) throw Error(Code::corrupt, where, format("the output {} is made by no node", printable(v.name, 80)));
    const Type type = b.type(id);
    b.output(id, v.name);
    if (top) model_.signature.outputs.push_back({std::string(v.name), type, {}});
  }
}

Model ModelReader::read() {
  for (const FunctionProto& f : raw_.functions) {
    if (!functions_.emplace(std::tuple(domain_of(f.domain), f.name, f.overload), &f).second) {
      throw Error(Code::corrupt, source_.where(), format("two functions are called {}", printable(f.name, 80)));
    }
  }
  const Opsets opsets = opsets_of(raw_.opset_import);
  Builder builder;
  Scope scope{builder, nullptr, opsets};
  read_graph(scope, *raw_.graph, true);
  model_.graph = builder.finish(raw_.graph->name);
  for (const StringStringEntryProto& e : raw_.metadata_props) model_.metadata[std::string(e.key)] = e.value;
  const auto metadata = [&](std::string_view key) {
    const auto at = model_.metadata.find(std::string(key));
    return at == model_.metadata.end() ? std::string() : at->second;
  };
  model_.origin = {"onnx", metadata(kFramework), metadata(kFrameworkVersion), metadata(kProducer)};
  if (model_.origin.framework.empty()) model_.origin.framework = printable(raw_.producer_name), model_.origin.version = printable(raw_.producer_version);
  for (Input& input : model_.signature.inputs) {
    input.columns = from_json_list(metadata(std::string(kInputColumns) + input.name));
    input.json = input.type.dtype == DType::string && model_.metadata.contains(std::string(kJsonInput) + input.name);
    if (input.json) input.text_fields = from_json_list(metadata(std::string(kJsonInput) + input.name));
  }
  for (Output& output : model_.signature.outputs) output.columns = from_json_list(metadata(std::string(kOutputColumns) + output.name));
  model_.info.name = "ONNX";
  model_.info.children.push_back({"ir_version", format("{}", raw_.ir_version), {}});
  for (const auto& [domain, version] : opsets) model_.info.children.push_back({format("opset {}", domain.empty() ? "ai.onnx" : printable(domain, 80)), format("{}", version), {}});
  return std::move(model_);
}

}  // namespace

std::string_view unsafe_operator(std::string_view domain, std::string_view op) {
  if (domain == "ai.onnx.contrib" && op == "PyOp") return "runs a Python function that is registered under this name";
  if (domain == "com.microsoft" && (op == "PythonOp" || op == "PythonOpGrad")) return "runs a Python function by its name";
  return {};
}

std::string to_json_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& t : texts) {
    out += out.size() > 1 ? ", \"" : "\"";
    for (const char ch : t) {
      if (ch == '"' || ch == '\\') out += '\\', out += ch;
      else if (static_cast<unsigned char>(ch) < 0x20) out += format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(ch)));
      else out += ch;
    }
    out += '"';
  }
  return out + "]";
}

std::vector<std::string> from_json_list(std::string_view s) {
  std::vector<std::string> out;
  std::size_t at = 0;
  const auto space = [&] { while (at < s.size() && (s[at] == ' ' || s[at] == '\n')) ++at; };
  const auto eat = [&](char ch) {
    space();
    return at < s.size() && s[at] == ch ? (++at, true) : false;
  };
  if (!eat('[')) return {};
  while (!eat(']')) {
    if ((!out.empty() && !eat(',')) || !eat('"')) return {};
    std::string text;
    for (;; ++at) {
      if (at >= s.size()) return {};
      if (s[at] == '"') break;
      if (s[at] != '\\') {
        text += s[at];
        continue;
      }
      if (++at >= s.size()) return {};
      if (s[at] != 'u') {
        text += s[at] == 'n' ? '\n' : s[at] == 't' ? '\t' : s[at];
        continue;
      }
      unsigned code = 0;  // the writer escapes control characters only
      if (at + 4 >= s.size() || std::from_chars(s.data() + at + 1, s.data() + at + 5, code, 16).ptr != s.data() + at + 5 || code >= 0x80) return {};
      text += static_cast<char>(code);
      at += 4;
    }
    ++at;
    out.push_back(std::move(text));
  }
  return out;
}

Model read(const Source& source) { return ModelReader(source).read(); }

}  // namespace decant::onnx
