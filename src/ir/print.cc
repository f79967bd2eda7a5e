// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "ir/model.h"

namespace decant {

Type Type::of(const Tensor& tensor) {
  Type out{tensor.dtype(), true, {}, DType::undefined};
  for (const std::int64_t d : tensor.shape()) out.shape.push_back({d, {}});
  return out;
}

std::string Type::text() const {
  std::string out(name_of(dtype));
  if (dtype == DType::sequence) return format("sequence({})", name_of(element));
  if (!has_rank) return out + "[...]";
  out += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) out += ", ";
    out += shape[i].known() ? format("{}", shape[i].value) : shape[i].name.empty() ? "?" : shape[i].name;
  }
  return out + ']';
}

namespace {

struct AttributeText {
  std::string operator()(std::int64_t v) const { return format("{}", v); }
  std::string operator()(double v) const { return format("{}", v); }
  std::string operator()(const std::string& v) const { return '"' + printable(v, 40) + '"'; }
  std::string operator()(const Tensor& v) const { return format("{}{}", name_of(v.dtype()), text_of(v.shape())); }
  std::string operator()(const GraphPtr& v) const { return format("graph({} nodes)", v->nodes.size()); }
  template <class T>
  std::string operator()(const std::vector<T>& v) const {
    std::string out = "[";
    for (std::size_t i = 0; i < v.size() && i < 8; ++i) out += (i ? ", " : "") + (*this)(v[i]);
    return out + (v.size() > 8 ? format(", … {} in all]", v.size()) : "]");
  }
};

}  // namespace

std::string print(const Graph& graph) {
  std::string out;
  const auto name = [&](ValueId id) { return id == kNoValue ? std::string("-") : printable(graph.value(id).name, 60); };
  for (const ValueId id : graph.inputs) out += format("input {}: {}\n", name(id), graph.value(id).type.text());
  for (const auto& [id, tensor] : graph.constants) out += format("constant {}: {}{}\n", name(id), name_of(tensor.dtype()), text_of(tensor.shape()));
  for (const Node& node : graph.nodes) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) out += (i ? ", " : "") + name(node.outputs[i]);
    out += format(" = {}{}{}(", node.domain, node.domain.empty() ? "" : ".", node.op);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) out += (i ? ", " : "") + name(node.inputs[i]);
    for (const auto& [key, value] : node.attributes) out += format("; {}={}", key, std::visit(AttributeText{}, value));
    out += ")";
    if (!node.outputs.empty() && node.outputs[0] != kNoValue) out += " : " + graph.value(node.outputs[0]).type.text();
    out += "\n";
  }
  for (const ValueId id : graph.outputs) out += format("output {}: {}\n", name(id), graph.value(id).type.text());
  return out;
}

}  // namespace decant
