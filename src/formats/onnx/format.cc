// SPDX-License-Identifier: Apache-2.0
// ONNX (https://onnx.ai, onnx/onnx.proto): a graph of operators as one protocol buffer.
#include <set>

#include "formats/format.h"
#include "formats/onnx/onnx_raw.h"
#include "formats/onnx/onnx_reader.h"
#include "formats/onnx/onnx_writer.h"
#include "ops/op.h"

namespace decant {
namespace {

// A protocol buffer has no signature. What ModelProto's fields can be, is narrow: each top-level field is walked by its length.
Probe probe(const Source& source) {
  if (source.size() < 8) return Probe::no;
  const Bytes b = source.bytes();
  std::uint64_t at = 0;
  const auto varint = [&](std::uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64 && at < b.size(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(b[at++]);
      out |= static_cast<std::uint64_t>(byte & 0x7Fu) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  bool ir = false, graph = false, opset = false;
  while (at < b.size()) {
    std::uint64_t key = 0, value = 0;
    if (!varint(key)) break;
    const std::uint64_t field = key >> 3;
    if ((key & 7) == 0) {
      if ((field != 1 && field != 5) || !varint(value)) break;
      if (field == 1) ir = value >= 1 && value < 1000;
    } else if ((key & 7) == 2) {
      const bool known = (field >= 2 && field <= 8 && field != 5) || field == 14 || field == 20 || field == 25 || field == 26;
      if (!known || !varint(value)) break;
      graph = graph || field == 7;
      opset = opset || field == 8;
      if (value > b.size() - at) break;  // cut off: still what it looks like
      at += value;
    } else {
      break;
    }
    if (ir && graph && opset) break;
  }
  if (ir && graph && opset) return Probe::certain;
  if (ir && graph) return Probe::likely;
  return ir && at > 4 ? Probe::maybe : Probe::no;
}

void scan_graph(const onnx::GraphProto& graph, const Source& source, Report& report, const std::set<std::pair<std::string_view, std::string_view>>& functions);

void scan_nodes(const std::vector<onnx::NodeProto>& nodes, const Source& source, Report& report,
                const std::set<std::pair<std::string_view, std::string_view>>& functions) {
  for (const onnx::NodeProto& node : nodes) {
    const Where where = source.where(node.offset);
    const std::string_view domain = node.domain == "ai.onnx" ? std::string_view() : node.domain;
    const std::string full = format("{}{}{}", domain, domain.empty() ? "" : ".", node.op_type);
    if (const std::string_view why = onnx::unsafe_operator(domain, node.op_type); !why.empty()) {
      report.add(Severity::malicious, "code-operator", format("operator {} {}", printable(full, 100), why), where);
    } else if (!domain.empty() && domain != "ai.onnx.ml" && !functions.contains({domain, node.op_type}) && find_op(domain, node.op_type) == nullptr &&
               !domain.starts_with("ai.onnx") && !domain.starts_with("com.microsoft") && !report.allowed.contains(full)) {
      report.add(Severity::suspicious, "custom-operator", format("operator {} needs a library of its own, which runs native code", printable(full, 100)), where);
    }
    for (const onnx::AttributeProto& a : node.attribute) {
      for (const onnx::GraphProto& g : a.g) scan_graph(g, source, report, functions);
      if (a.t) {
        try {
          onnx::to_tensor(*a.t, source);
        } catch (const Error& error) {
          report.add(error);
        }
      }
    }
  }
}

void scan_graph(const onnx::GraphProto& graph, const Source& source, Report& report, const std::set<std::pair<std::string_view, std::string_view>>& functions) {
  for (const onnx::TensorProto& t : graph.initializer) {
    for (const onnx::StringStringEntryProto& e : t.external_data) {
      if (e.key != "location" || !onnx::leads_elsewhere(e.value)) continue;
      report.add(Severity::malicious, "path-traversal", format("tensor {} takes its data from \"{}\"", printable(t.name, 80), printable(e.value, 100)), source.where(t.offset));
    }
  }
  scan_nodes(graph.node, source, report, functions);
}

void scan(const Source& source, Report& report) {
  const onnx::ModelProto model = onnx::parse_model(source);
  std::set<std::pair<std::string_view, std::string_view>> functions;
  for (const onnx::FunctionProto& f : model.functions) functions.emplace(f.domain, f.name);
  scan_graph(*model.graph, source, report, functions);
  for (const onnx::FunctionProto& f : model.functions) scan_nodes(f.node, source, report, functions);
  // What cannot be opened cannot be called clean.
  if (report.worst() == Severity::note) onnx::read(source);
}

}  // namespace

extern const Format onnx_format;
const Format onnx_format{.name = "onnx", .title = "ONNX", .extensions = ".onnx", .probe = probe, .scan = scan, .read = [](const Source& source, const Part&) { return onnx::read(source); }, .write = onnx::write};

}  // namespace decant
