// SPDX-License-Identifier: Apache-2.0
// onnx/onnx.proto of IR version 10, which goes with operator set 21 (onnx/docs/Versioning.md): old enough for the runtimes that are in use.
// A graph that holds a younger operator or element type is written with the versions that it needs.
#include "formats/onnx/onnx_writer.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "codecs/protobuf/wire.h"
#include "formats/onnx/onnx_portable.h"
#include "formats/onnx/onnx_raw.h"
#include "formats/onnx/onnx_reader.h"
#include "ops/builder.h"

namespace decant::onnx {
namespace {

using protobuf::Writer;

constexpr std::int64_t kOpset = 21, kMlOpset = 5;

// --- our own operators as standard ones -------------------------------------------------------------------------------------------------

class Lowering {
 public:
  explicit Lowering(std::vector<Loss>& losses) : losses_(losses) {}

  Graph whole(const Graph& graph) {
    Graph out = round(graph);
    for (int depth = 0; depth < 3 && has_bodies(out); ++depth) out = round(std::move(out));  // bodies may hold operators that have bodies themselves
    return out;
  }

 private:
  Graph round(Graph graph) {
    Builder builder;
    rebuild(graph, builder, {});
    return builder.finish(graph.name);
  }
  static bool has_bodies(const Graph& graph) {
    return std::ranges::any_of(graph.nodes, [](const Node& node) {
      const Op* op = node.domain == "decant" ? find_op(node.domain, node.op) : nullptr;
      return (op != nullptr && op->lower != nullptr) || std::ranges::any_of(node.attributes, [](const auto& a) {
        const GraphPtr* body = std::get_if<GraphPtr>(&a.second);
        return body != nullptr && has_bodies(**body);
      });
    });
  }
  void lose(const Node& node, std::string_view what) {
    const bool said = std::ranges::any_of(losses_, [&](const Loss& loss) { return loss.item == node.op && loss.text == what; });
    if (!what.empty() && !said) losses_.push_back({node.op, std::string(what)});
  }

  // Takes the nodes' attributes out of `graph`. `captured`: what graph.captures stands for, in the graph around `builder`.
  void rebuild(Graph& graph, Builder& builder, const std::vector<ValueId>& captured) {
    std::vector<ValueId> made(graph.values.size(), kNoValue);
    const auto at = [&](ValueId id) -> ValueId& { return made[static_cast<std::size_t>(id)]; };
    for (const ValueId id : graph.inputs) at(id) = builder.input(graph.value(id).name, graph.value(id).type);
    for (std::size_t i = 0; i < captured.size(); ++i) at(graph.captures[i]) = builder.capture(captured[i]);
    // Only what the outputs need is written.
    std::vector<bool> needed(graph.values.size(), false);
    for (const ValueId id : graph.outputs) needed[static_cast<std::size_t>(id)] = true;
    std::vector<Node*> nodes;
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
      if (std::ranges::none_of(node->outputs, [&](ValueId id) { return id != kNoValue && needed[static_cast<std::size_t>(id)]; })) continue;
      nodes.push_back(&*node);
      for (const auto* list : {&node->inputs, &node->captures}) {
        for (const ValueId id : *list) {
          if (id != kNoValue) needed[static_cast<std::size_t>(id)] = true;
        }
      }
    }
    for (const auto& [id, tensor] : graph.constants) {
      if (needed[static_cast<std::size_t>(id)]) at(id) = builder.constant(tensor, graph.value(id).name);
    }
    std::ranges::reverse(nodes);
    for (Node* node : nodes) {
      std::vector<ValueId> inputs;
      for (const ValueId id : node->inputs) inputs.push_back(id == kNoValue ? kNoValue : at(id));
      std::vector<ValueId> outputs;
      const Op* op = find_op(node->domain, node->op);
      if (node->domain == "decant") {
        if (op == nullptr || (op->lower == nullptr && op->lower_loss.empty())) AttributeView(*node).fail(Code::unsupported, "ONNX has nothing that computes this");
        // Without a body it stays what it is: a file that decant runs, and no other runtime, which is the loss that is told.
        outputs = op->lower != nullptr ? op->lower(builder, *node, inputs)
                                       : builder.node(node->domain, node->op, std::move(inputs), std::move(node->attributes), node->outputs.size(), node->name);
        lose(*node, op->lower_loss);
      } else if (auto rewritten = portable(builder, *node, inputs, losses_)) {
        outputs = std::move(*rewritten);
      } else {
        outputs = builder.node(node->domain, node->op, std::move(inputs), attributes(*node, builder, at), node->outputs.size(), node->name);
      }
      for (std::size_t i = 0; i < node->outputs.size(); ++i) {
        if (node->outputs[i] == kNoValue) continue;
        at(node->outputs[i]) = outputs.at(i);
        const Value& old = graph.value(node->outputs[i]);
        // What was known of the value before is not forgotten.
        Type type = builder.type(outputs[i]);
        if (type.dtype == DType::undefined) type.dtype = old.type.dtype;
        if (!type.has_rank) type.has_rank = old.type.has_rank, type.shape = old.type.shape;
        builder.set_type(outputs[i], std::move(type));
      }
    }
    for (const ValueId id : graph.outputs) builder.output(at(id), graph.value(id).name);
  }

  template <class At>
  Attributes attributes(Node& node, Builder& builder, const At& at) {
    Attributes out = std::move(node.attributes);
    std::size_t next = 0;
    for (auto& [name, value] : out) {
      const GraphPtr* body = std::get_if<GraphPtr>(&value);
      if (body == nullptr) continue;
      std::vector<ValueId> captured;
      for (std::size_t i = 0; i < (*body)->captures.size(); ++i) captured.push_back(at(node.captures.at(next++)));
      Builder inner(builder);
      Graph copy = **body;
      rebuild(copy, inner, captured);
      value = GraphPtr(std::make_shared<const Graph>(inner.finish((*body)->name)));
    }
    return out;
  }

  std::vector<Loss>& losses_;
};

// --- messages -----------------------------------------------------------------------------------------------------------------------------

std::string name_text(const std::string& name) { return printable(name, 1000); }  // protobuf text is UTF-8

// Elements of fewer than 8 bits one after the other, from the lowest bit of the first byte on.
Blob packed(const Tensor& t) {
  const unsigned bits = bits_of(t.dtype()), mask = (1u << bits) - 1;
  std::byte* to = nullptr;
  Blob out = Blob::allocate((t.size() * bits + 7) / 8, to);
  std::fill_n(to, out.size(), std::byte{0});
  for (std::size_t i = 0; i < t.size(); ++i) {
    const unsigned pair = (std::to_integer<unsigned>(t.blob().bytes[i]) & mask) << (i * bits % 8);
    const std::size_t at = i * bits / 8;
    to[at] |= static_cast<std::byte>(pair & 0xFFu);
    if (pair > 0xFFu) to[at + 1] |= static_cast<std::byte>(pair >> 8);
  }
  return out;
}

Writer entry(std::string_view key, std::string_view value) {
  Writer out;
  out.text(1, key);
  out.text(2, value);
  return out;
}

// Tensors that are written into a second file (onnx.proto, TensorProto.external_data).
class External {
 public:
  explicit External(std::string location) : location_(std::move(location)) {}

  // Where the bytes will be, as the fields of the tensor say it.
  void add(Writer& tensor, Blob bytes) {
    constexpr std::uint64_t kPage = 4096;  // so that a reader may map a tensor alone
    size_ = (size_ + kPage - 1) / kPage * kPage;
    tensor.message(13, entry("location", location_));
    tensor.message(13, entry("offset", format("{}", size_)));
    tensor.message(13, entry("length", format("{}", bytes.size())));
    tensor.int64(14, 1);
    const std::uint64_t at = size_;
    size_ += bytes.size();
    pieces_.emplace_back(at, std::move(bytes));
  }
  void write(Sink& sink) const {
    static constexpr std::byte kZeros[4096] = {};
    for (const auto& [at, bytes] : pieces_) {
      sink.write(Bytes(kZeros, static_cast<std::size_t>(at - sink.written())));
      sink.write(bytes.bytes);
    }
  }

 private:
  std::string location_;
  std::vector<std::pair<std::uint64_t, Blob>> pieces_;
  std::uint64_t size_ = 0;
};
constexpr std::size_t kLeastExternal = 1024;  // smaller ones stay where they can be read without the second file, as with onnx.save

Writer tensor_message(const Tensor& t, std::string_view name, External* external = nullptr) {
  Writer out;
  out.packed(1, t.shape());
  out.int64(2, static_cast<std::int64_t>(t.dtype()));
  if (t.dtype() == DType::string) {
    for (const std::string& s : t.data<std::string>()) out.text(6, s);
  }
  if (!name.empty()) out.text(8, name);
  if (t.dtype() == DType::string) return out;
  Blob bytes = bits_of(t.dtype()) < 8 ? packed(t) : t.blob();
  if (external != nullptr && bytes.size() >= kLeastExternal) external->add(out, std::move(bytes));
  else out.blob(9, bytes);
  return out;
}

Writer type_message(const Type& type, const std::string& name) {
  if (type.dtype == DType::sequence && type.element != DType::undefined) {
    Writer element, sequence, out;
    element.message(1, [&] {
      Writer tensor;
      tensor.int64(1, static_cast<std::int64_t>(type.element));
      return tensor;
    }());
    sequence.message(1, std::move(element));
    out.message(4, std::move(sequence));
    return out;
  }
  if (!is_tensor(type.dtype)) throw Error(Code::unsupported, format("the element type of {} is not known, and ONNX states it", printable(name)));
  Writer tensor;
  tensor.int64(1, static_cast<std::int64_t>(type.dtype));
  if (type.has_rank) {
    Writer shape;
    for (const Dim& d : type.shape) {
      Writer dim;
      if (d.known()) dim.int64(1, d.value);
      else if (!d.name.empty()) dim.text(2, name_text(d.name));
      shape.message(1, std::move(dim));
    }
    tensor.message(2, std::move(shape));
  }
  Writer out;
  out.message(1, std::move(tensor));
  return out;
}

class GraphWriter {
 public:
  GraphWriter(std::vector<Loss>& losses, External* external) : losses_(losses), external_(external) {}

  // `names`: of this graph's captured values, as the graph around it calls them.
  Writer message(const Graph& graph, const std::vector<std::string>& captured_names = {}) {
    std::vector<std::string> names(graph.values.size());
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = name_text(graph.values[i].name);
    for (std::size_t i = 0; i < captured_names.size(); ++i) names[static_cast<std::size_t>(graph.captures[i])] = captured_names[i];
    const auto name = [&](ValueId id) { return id == kNoValue ? std::string() : names[static_cast<std::size_t>(id)]; };
    Writer out;
    for (const Node& node : graph.nodes) out.message(1, node_message(graph, node, name));
    out.text(2, graph.name.empty() ? "graph" : name_text(graph.name));
    for (const auto& [id, tensor] : graph.constants) out.message(5, tensor_message(tensor, name(id), external_));
    for (const ValueId id : graph.inputs) out.message(11, value_message(graph.value(id), name(id)));
    for (const ValueId id : graph.outputs) out.message(12, value_message(graph.value(id), name(id)));
    return out;
  }

 private:
  static Writer value_message(const Value& value, const std::string& name) {
    Writer out;
    out.text(1, name);
    out.message(2, type_message(value.type, value.name));
    return out;
  }

  template <class Name>
  Writer node_message(const Graph& graph, const Node& node, const Name& name) {
    Writer out;
    for (const ValueId id : node.inputs) out.text(1, name(id));
    for (const ValueId id : node.outputs) out.text(2, name(id));
    if (!node.name.empty()) out.text(3, unique(name_text(node.name)));
    out.text(4, node.op);
    std::size_t next = 0;
    const bool wide = !node.outputs.empty() && node.outputs[0] != kNoValue && graph.value(node.outputs[0]).type.dtype == DType::float64;
    for (const auto& [key, value] : node.attributes) {
      Writer a;
      a.text(1, key);
      const auto type = [&](AttributeProto::Type t) { a.int64(20, t); };
      const auto single = [&, &attribute = key](double v) {
        const auto f = static_cast<float>(v);
        if (wide && static_cast<double>(f) != v && v == v) losses_.push_back({node.op, format("attribute {} = {} is kept as the float32 {}", attribute, v, f)});
        return f;
      };
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        a.int64(3, *integer);
        type(AttributeProto::INT);
      } else if (const auto* d = std::get_if<double>(&value)) {
        a.fixed_float(2, single(*d));
        type(AttributeProto::FLOAT);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        a.text(4, *text);
        type(AttributeProto::STRING);
      } else if (const auto* t = std::get_if<Tensor>(&value)) {
        a.message(5, tensor_message(*t, {}));
        type(AttributeProto::TENSOR);
      } else if (const auto* g = std::get_if<GraphPtr>(&value)) {
        std::vector<std::string> captured;
        for (std::size_t i = 0; i < (*g)->captures.size(); ++i) captured.push_back(name(node.captures.at(next++)));
        a.message(6, message(**g, captured));
        type(AttributeProto::GRAPH);
      } else if (const auto* list = std::get_if<std::vector<double>>(&value)) {
        std::vector<float> floats;
        floats.reserve(list->size());
        for (const double v : *list) floats.push_back(single(v));
        a.packed(7, floats);
        type(AttributeProto::FLOATS);
      } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
        a.packed(8, *integers);
        type(AttributeProto::INTS);
      } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
        for (const std::string& s : *texts) a.text(9, s);
        type(AttributeProto::STRINGS);
      }
      out.message(5, std::move(a));
    }
    if (!node.domain.empty()) out.text(7, node.domain);
    return out;
  }

  // No two nodes of a file may have one name (onnxruntime refuses them).
  std::string unique(const std::string& name) {
    std::string out = name;
    for (std::size_t i = 1; !node_names_.insert(out).second; ++i) out = format("{}_{}", name, i);
    return out;
  }

  std::vector<Loss>& losses_;
  External* external_;  // null: everything is in the file itself
  std::unordered_set<std::string> node_names_;
};

// Operators that are younger than operator set 21 (onnx/docs/Changelog.md), and the IR versions of operator sets (onnx/docs/Versioning.md).
constexpr std::pair<std::string_view, std::int64_t> kYounger[] = {{"Attention", 23}, {"RMSNormalization", 23}, {"RotaryEmbedding", 23}, {"Swish", 24}, {"TensorScatter", 24}, {"BitCast", 26},
                                                                  {"CumProd", 26}, {"CausalConvWithState", 27}, {"LinearAttention", 27}, {"SwiGLU", 28}};
std::int64_t ir_of(std::int64_t opset) { return opset <= 22 ? 10 : opset == 23 ? 11 : opset == 24 ? 12 : opset <= 27 ? 13 : 14; }
std::int64_t opset_of(DType dtype) { return dtype == DType::float4e2m1 ? 23 : dtype == DType::float8e8m0 ? 24 : dtype == DType::uint2 || dtype == DType::int2 ? 25 : dtype == DType::float6e2m3 || dtype == DType::float6e3m2 ? 28 : kOpset; }

std::int64_t opset_needed(const Graph& graph) {
  std::int64_t out = kOpset;
  for (const Value& value : graph.values) out = std::max(out, opset_of(value.type.dtype));
  for (const Node& node : graph.nodes) {
    const auto young = std::ranges::find(kYounger, std::string_view(node.op), &std::pair<std::string_view, std::int64_t>::first);
    if (node.domain.empty() && young != std::end(kYounger)) out = std::max(out, young->second);
    if (node.domain.empty() && node.op == "Attention" && (node.inputs.size() > 6 || node.attributes.contains("left_window_size") || node.attributes.contains("right_window_size"))) out = std::max<std::int64_t>(out, 25);
    for (const auto& [key, value] : node.attributes) {
      if (const GraphPtr* body = std::get_if<GraphPtr>(&value)) out = std::max(out, opset_needed(**body));
    }
  }
  return out;
}

void collect_domains(const Graph& graph, std::map<std::string, std::int64_t>& domains) {
  for (const Node& node : graph.nodes) {
    domains.emplace(node.domain, node.domain == "ai.onnx.ml" ? kMlOpset : 1);
    for (const auto& [key, value] : node.attributes) {
      if (const GraphPtr* body = std::get_if<GraphPtr>(&value)) collect_domains(**body, domains);
    }
  }
}

}  // namespace

// Protocol buffers end at 2 GiB (https://protobuf.dev/programming-guides/proto-limits/).
void write(const Model& model, Sink& sink, std::vector<Loss>& losses) { write(model, sink, losses, std::uint64_t{1} << 31); }

void write(const Model& model, Sink& sink, std::vector<Loss>& losses, std::uint64_t most) {
  Graph graph = Lowering(losses).whole(model.graph);
  keep_factors_exact(graph);
  const std::int64_t opset = opset_needed(graph);
  std::map<std::string, std::int64_t> domains{{"", opset}};
  collect_domains(graph, domains);

  std::map<std::string, std::string> metadata = model.metadata;
  const auto keep = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) metadata[std::string(key)] = value;
  };
  keep(kFramework, model.origin.framework);
  keep(kFrameworkVersion, model.origin.version);
  keep(kProducer, model.origin.producer);
  for (const Input& input : model.signature.inputs) {
    if (input.json) metadata[std::string(kJsonInput) + input.name] = to_json_list(input.text_fields);
    if (!input.columns.empty()) keep(std::string(kInputColumns) + input.name, to_json_list(input.columns));
  }
  for (const Output& o : model.signature.outputs) {
    if (!o.columns.empty()) keep(std::string(kOutputColumns) + o.name, to_json_list(o.columns));
  }

  const auto message = [&](External* external) {
    Writer out;
    out.int64(1, ir_of(opset));
    out.text(2, "decant");
    out.message(7, GraphWriter(losses, external).message(graph));
    for (const auto& [domain, version] : domains) {
      Writer import;
      import.text(1, domain);
      import.int64(2, version);
      out.message(8, std::move(import));
    }
    for (const auto& [key, value] : metadata) out.message(14, entry(printable(key, 1000), printable(value, 1 << 24)));
    return out;
  };
  Writer out = message(nullptr);
  if (out.size() >= most) {
    constexpr std::string_view kSuffix = ".data";
    const std::size_t slash = sink.path().rfind('/');
    External external(format("{}{}", sink.path().substr(slash == std::string::npos ? 0 : slash + 1), kSuffix));
    out = message(&external);
    if (out.size() >= most) throw Error(Code::unsupported, format("the model needs {} without its weights, an ONNX file holds less than {}", human_bytes(out.size()), human_bytes(most)));
    external.write(sink.beside(kSuffix));
  }
  out.each([&](Bytes bytes) { sink.write(bytes); });
  // One operator that is there many times loses the same each time.
  std::vector<Loss> once;
  for (Loss& loss : losses) {
    if (std::ranges::none_of(once, [&](const Loss& l) { return l.item == loss.item && l.text == loss.text; })) once.push_back(std::move(loss));
  }
  losses = std::move(once);
}

}  // namespace decant::onnx
