// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "data/data.h"
#include "data/npz.h"

namespace decant {
namespace {

void append_csv_text(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_element(std::string& out, const Tensor& t, std::size_t i) {
  switch (t.dtype()) {
    case DType::string: append_csv_text(out, t.data<std::string>()[i]); break;
    case DType::float64: out += number_text(t.data<double>()[i]); break;
    case DType::float32: out += number_text(t.data<float>()[i]); break;
    case DType::boolean: out += t.data<bool>()[i] ? "True" : "False"; break;
    case DType::uint64: out += format("{}", t.data<std::uint64_t>()[i]); break;
    default: out += format("{}", t.integer(i));
  }
}

std::size_t rows_of(const Tensor& t) { return t.rank() == 0 ? 1 : static_cast<std::size_t>(t.dim(0)); }
std::size_t width_of(const Tensor& t) {
  std::size_t out = 1;
  for (std::size_t d = 1; d < t.rank(); ++d) out *= static_cast<std::size_t>(t.dim(d));
  return out;
}

std::size_t common_rows(std::span<const Output> outputs, std::span<const Tensor> tensors) {
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (rows_of(tensors[i]) != rows_of(tensors[0])) {
      throw Error(Code::usage, format("{} has {} rows and {} has {}: write them to .npz", outputs[0].name, rows_of(tensors[0]), outputs[i].name, rows_of(tensors[i])));
    }
  }
  return tensors.empty() ? 0 : rows_of(tensors[0]);
}

void write_csv(Sink& sink, std::span<const Output> outputs, std::span<const Tensor> tensors) {
  const std::size_t rows = common_rows(outputs, tensors);
  std::string line;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t width = width_of(tensors[i]);
    for (std::size_t c = 0; c < width; ++c) {
      if (!line.empty()) line += ',';
      if (tensors[i].rank() < 2) append_csv_text(line, outputs[i].name);
      else append_csv_text(line, format("{}[{}]", outputs[i].name, outputs[i].columns.size() == width ? outputs[i].columns[c] : format("{}", c)));
    }
  }
  sink.write(line + '\n');
  for (std::size_t r = 0; r < rows; ++r) {
    line.clear();
    for (const Tensor& t : tensors) {
      const std::size_t width = width_of(t);
      for (std::size_t c = 0; c < width; ++c) {
        if (!line.empty()) line += ',';
        append_element(line, t, r * width + c);
      }
    }
    line += '\n';
    sink.write(line);
  }
}

std::string json_element(const Tensor& t, std::size_t i) {
  std::string out;
  if (t.dtype() == DType::string) {
    out = "\"";
    for (const char c : t.data<std::string>()[i]) {
      if (c == '"' || c == '\\') out += '\\';
      if (static_cast<unsigned char>(c) < 0x20) out += format("\\u{:04x}", static_cast<unsigned>(c));
      else out += c;
    }
    return out + '"';
  }
  if (t.dtype() == DType::boolean) return t.data<bool>()[i] ? "true" : "false";
  append_element(out, t, i);
  if (out == "nan") return "null";  // JSON has no NaN and no infinity
  if (out == "inf") return "1e999";
  if (out == "-inf") return "-1e999";
  return out;
}

void write_json(Sink& sink, std::span<const Output> outputs, std::span<const Tensor> tensors, bool lines) {
  const std::size_t rows = common_rows(outputs, tensors);
  if (!lines) sink.write("[");
  for (std::size_t r = 0; r < rows; ++r) {
    std::string line = lines || r == 0 ? "{" : ",\n{";
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::size_t width = width_of(tensors[i]);
      line += format("{}\"{}\": ", i ? ", " : "", outputs[i].name);
      if (tensors[i].rank() < 2) {
        line += json_element(tensors[i], r);
      } else {
        line += '[';
        for (std::size_t c = 0; c < width; ++c) line += (c ? ", " : "") + json_element(tensors[i], r * width + c);
        line += ']';
      }
    }
    line += lines ? "}\n" : "}";
    sink.write(line);
  }
  if (!lines) sink.write("]\n");
}

}  // namespace

void write_outputs(const std::string& path, std::span<const Output> outputs, std::span<const Tensor> tensors) {
  Sink sink(path);
  if (path.ends_with(".npz")) {
    write_npz(sink, outputs, tensors);
  } else if (path.ends_with(".npy")) {
    if (tensors.size() != 1) throw Error(Code::usage, format("a .npy file holds one array, here are {}: choose one with --outputs, or write .npz", tensors.size()));
    sink.write(npy_file(tensors[0]));
  } else if (path.ends_with(".json") || path.ends_with(".ndjson")) {
    write_json(sink, outputs, tensors, path.ends_with(".ndjson"));
  } else if (path == "-" || path.ends_with(".csv") || path.starts_with("/dev/")) {
    write_csv(sink, outputs, tensors);
  } else {
    throw Error(Code::usage, Where{path, {}, {}, Where::kNoOffset}, "cannot tell the format; known are .csv .npy .npz .json .ndjson");
  }
  sink.commit();
}

}  // namespace decant
