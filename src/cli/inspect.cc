// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "data/data.h"
#include "formats/format.h"

namespace decant::cli {
namespace {

using Json = nlohmann::ordered_json;

Json values_of(const Tensor& t) {
  Json out = Json::array();
  for (std::size_t i = 0; i < t.size(); ++i) {
    if (t.dtype() == DType::string) out.push_back(t.data<std::string>()[i]);
    else if (t.dtype() == DType::boolean) out.push_back(t.data<bool>()[i]);
    else if (is_float(t.dtype()) && size_of(t.dtype()) >= 4) out.push_back(t.number(i));
    else if (is_integer(t.dtype())) out.push_back(t.integer(i));
    else return nullptr;  // 16-bit and complex numbers have no JSON
  }
  return out;
}

Json type_json(const std::string& name, const Type& type) {
  Json shape = Json::array();
  for (const Dim& d : type.shape) shape.push_back(d.known() ? Json(d.value) : d.name.empty() ? Json(nullptr) : Json(d.name));
  return {{"name", name}, {"dtype", name_of(type.dtype)}, {"shape", shape}};
}

/// What describes a part is JSON but for numbers that JSON lacks: those become texts, "nan".
Json value_json(const std::string& text) {
  Json out = Json::parse(text, nullptr, false);
  return out.is_discarded() ? Json(text) : out;
}

Json info_json(const Info& info) {
  Json out;
  if (!info.value.empty()) out["value"] = value_json(info.value);
  for (const Info& child : info.children) out["parameters"][child.name] = child.children.empty() ? value_json(child.value) : info_json(child);
  return out;
}

/// Tensors of the model: constants of the graph, and those that nodes hold as attributes.
std::vector<std::pair<std::string, Tensor>> tensors_of(const Graph& graph) {
  std::vector<std::pair<std::string, Tensor>> out;
  for (const auto& [id, tensor] : graph.constants) out.emplace_back(graph.value(id).name, tensor);
  for (const Node& node : graph.nodes) {
    for (const auto& [key, value] : node.attributes) {
      if (const Tensor* t = std::get_if<Tensor>(&value)) out.emplace_back(node.name + '.' + key, *t);
    }
  }
  return out;
}

std::string dump(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace); }

void print_json(const Model& model, const Source& source, bool weights) {
  Json out;
  out["file"] = source.file();
  out["bytes"] = source.size();
  out["format"] = model.origin.format;
  out["framework"] = model.origin.framework;
  out["version"] = model.origin.version;
  out["producer"] = model.origin.producer;
  out["inputs"] = Json::array();
  for (const Input& i : model.signature.inputs) {
    out["inputs"].push_back(type_json(i.name, i.type));
    if (!i.columns.empty()) out["inputs"].back()["columns"] = i.columns;
  }
  out["outputs"] = Json::array();
  for (const Output& o : model.signature.outputs) {
    out["outputs"].push_back(type_json(o.name, o.type));
    if (!o.columns.empty()) out["outputs"].back()["columns"] = o.columns;
  }
  if (!model.info.value.empty() || !model.info.children.empty()) out["model"] = info_json(model.info);
  out["nodes"] = Json::array();
  for (const Node& node : model.graph.nodes) {
    out["nodes"].push_back({{"name", node.name}, {"op", node.domain.empty() ? node.op : node.domain + '.' + node.op}});
  }
  out["tensors"] = Json::array();
  for (const auto& [name, tensor] : tensors_of(model.graph)) {
    out["tensors"].push_back(type_json(name, Type::of(tensor)));
    if (weights) out["tensors"].back()["values"] = values_of(tensor);
  }
  if (!model.metadata.empty()) out["metadata"] = model.metadata;
  if (!model.notes.empty()) out["notes"] = model.notes;
  std::printf("%s\n", dump(out).c_str());
}

void print_info(const Info& info, int depth) {
  std::printf("%*s%s%s%s\n", depth * 2, "", printable(info.name, 100).c_str(), info.value.empty() ? "" : ": ", info.value.c_str());
  for (const Info& child : info.children) print_info(child, depth + 1);
}

void print_text(const Model& model, const Source& source, bool weights) {
  const Origin& o = model.origin;
  std::printf("%s: %s, %s\n", printable(source.file()).c_str(), o.format.c_str(), human_bytes(source.size()).c_str());
  if (!o.framework.empty()) std::printf("framework: %s %s\n", o.framework.c_str(), printable(o.version, 40).c_str());
  if (!o.producer.empty()) std::printf("class: %s\n", printable(o.producer).c_str());
  for (const std::string& note : model.notes) std::printf("note: %s\n", note.c_str());
  const auto columns = [](const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < 20; ++i) out += (i ? ", " : "  (") + printable(names[i], 40);
    return out.empty() ? out : out + (names.size() > 20 ? ", …)" : ")");
  };
  if (model.signature.outputs.empty() && model.graph.nodes.empty()) return print_info(model.info, 0);
  std::printf("inputs:\n");
  for (const Input& i : model.signature.inputs) std::printf("  %s: %s%s\n", printable(i.name, 60).c_str(), i.type.text().c_str(), columns(i.columns).c_str());
  std::printf("outputs:\n");
  for (const Output& out : model.signature.outputs) std::printf("  %s: %s%s\n", printable(out.name, 60).c_str(), out.type.text().c_str(), columns(out.columns).c_str());
  if (!model.info.children.empty() || !model.info.value.empty()) print_info(model.info, 0);
  std::printf("graph:\n%s", print(model.graph).c_str());
  if (weights) {
    for (const auto& [name, tensor] : tensors_of(model.graph)) std::printf("%s = %s\n", printable(name, 80).c_str(), values_of(tensor).dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  }
}

/// The model; where it cannot be run, what can be said of it all the same, and why.
Model looked_at(const Source& source, Part part) {
  try {
    return read_model(source, part);
  } catch (const Error& e) {
    if (e.code() != Code::unsupported && !(e.code() == Code::usage && part.empty())) throw;
    const Format& format = detect(source);
    if (!format.has_parts) throw;
    part.look = true;
    Model model = read_model(source, part);
    if (e.code() == Code::unsupported) model.notes.push_back(decant::format("cannot be run: {}", e.what()));
    return model;
  }
}

}  // namespace

int inspect(const InspectOptions& options) {
  const Source source = options.model == "-" ? Source::standard_input(options.memory) : Source::open(options.model, options.memory);
  const Model model = looked_at(source, options.part);
  if (options.json) print_json(model, source, options.weights);
  else print_text(model, source, options.weights);
  return kDone;
}

}  // namespace decant::cli
