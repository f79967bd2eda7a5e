// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "data/data.h"
#include "data/number.h"

namespace decant {
namespace {

Tensor numbers(const Frame& frame, std::span<const std::size_t> columns, const std::string& file) {
  Tensor out(DType::float64, {static_cast<std::int64_t>(frame.rows), static_cast<std::int64_t>(columns.size())});
  const std::span<double> to = out.mutable_data<double>();
  for (std::size_t r = 0; r < frame.rows; ++r) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto value = parse_number(frame.cell(r, columns[c]));
      if (!value) {
        const std::string name = frame.names.empty() ? format("{}", columns[c] + 1) : frame.names[columns[c]];
        throw Error(Code::mismatch, Where{file, {}, {}, Where::kNoOffset},
                    format("row {}, column {}: \"{}\" is no number", r + 1, printable(name), printable(frame.cell(r, columns[c]), 40)));
      }
      to[r * columns.size() + c] = *value;
    }
  }
  return out;
}

Tensor texts(const Frame& frame, std::size_t column) {
  Tensor out(DType::string, {static_cast<std::int64_t>(frame.rows), 1});
  for (std::size_t r = 0; r < frame.rows; ++r) {
    const std::string_view cell = frame.cell(r, column);
    out.mutable_data<std::string>()[r] = cell == "N/A" ? std::string_view{} : cell;
  }
  return out;
}

/// The one column that holds texts, where all others hold numbers.
std::optional<std::size_t> only_texts(const Frame& frame) {
  std::optional<std::size_t> out;
  for (std::size_t c = 0; c < frame.width; ++c) {
    bool numbers = true;
    for (std::size_t r = 0; r < frame.rows && numbers; ++r) numbers = parse_number(frame.cell(r, c)).has_value();
    if (numbers) continue;
    if (out) return {};
    out = c;
  }
  return out;
}

/// One column [N, 1] of a matrix, as the model wants it: text of numbers and numbers of text where the two differ.
Tensor column_of(const Tensor& matrix, std::size_t column, DType wanted, const Source& source) {
  const std::size_t rows = static_cast<std::size_t>(matrix.dim(0)), width = static_cast<std::size_t>(matrix.dim(1));
  const bool text = matrix.dtype() == DType::string;
  Tensor out(wanted == DType::string ? DType::string : DType::float64, {matrix.dim(0), 1});
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t at = r * width + column;
    if (wanted == DType::string) {
      out.mutable_data<std::string>()[r] = text ? matrix.data<std::string>()[at] : is_integer(matrix.dtype()) ? format("{}", matrix.integer(at)) : number_text(matrix.number(at));
    } else if (const auto value = text ? parse_number(matrix.data<std::string>()[at]) : matrix.number(at)) {
      out.mutable_data<double>()[r] = *value;
    } else {
      throw Error(Code::mismatch, source.where(), format("row {}, column {}: \"{}\" is no number", r + 1, column + 1, printable(matrix.data<std::string>()[at], 40)));
    }
  }
  return out;
}

}  // namespace

std::vector<Tensor> bind(const Frame& frame, const Signature& signature, const std::string& file) {
  const Where where{file, {}, {}, Where::kNoOffset};
  const auto column_named = [&](const std::string& name) {
    const auto at = std::ranges::find(frame.names, name);
    if (at == frame.names.end()) {
      const std::string near = nearest(name, frame.names);
      throw Error(Code::mismatch, where, format("the model needs a column {}{}", printable(name), near.empty() ? "" : format("; is it the one called {}?", printable(near))));
    }
    return static_cast<std::size_t>(at - frame.names.begin());
  };
  const auto all_named = [&](const std::vector<std::string>& names) {
    return !frame.names.empty() && std::ranges::any_of(names, [&](const std::string& n) { return std::ranges::find(frame.names, n) != frame.names.end(); });
  };
  std::vector<Tensor> out;
  if (signature.inputs.size() == 1 && signature.inputs[0].type.shape.size() <= 2) {
    const Input& input = signature.inputs[0];
    const std::int64_t width = input.type.shape.size() == 2 ? input.type.shape[1].value : 1;
    std::vector<std::size_t> columns;
    if (!input.columns.empty() && all_named(input.columns)) {
      for (const std::string& name : input.columns) columns.push_back(column_named(name));
    } else if (width == 1 && all_named({input.name})) {
      columns.push_back(column_named(input.name));
    } else if (const auto text = width == 1 && input.type.dtype == DType::string ? only_texts(frame) : std::nullopt) {
      columns.push_back(*text);
    } else {
      if (width >= 0 && static_cast<std::size_t>(width) != frame.width) {
        throw Error(Code::mismatch, where, format("has {} columns, the model takes {}", frame.width, width));
      }
      columns.resize(frame.width);
      std::iota(columns.begin(), columns.end(), std::size_t{0});
    }
    if (input.type.dtype == DType::string) {
      if (columns.size() != 1) throw Error(Code::mismatch, where, format("has {} columns, the model takes one of text", columns.size()));
      out.push_back(texts(frame, columns[0]));
    } else {
      out.push_back(numbers(frame, columns, file));
    }
    if (input.type.shape.size() == 1) out[0] = out[0].reshaped({static_cast<std::int64_t>(frame.rows)});
    return out;
  }
  std::vector<std::string> names;
  for (const Input& input : signature.inputs) names.push_back(input.name);
  const bool by_name = all_named(names);
  if (!by_name && frame.width != names.size()) throw Error(Code::mismatch, where, format("has {} columns, the model takes {}", frame.width, names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t column = by_name ? column_named(names[i]) : i;
    out.push_back(signature.inputs[i].type.dtype == DType::string ? texts(frame, column) : numbers(frame, std::span(&column, 1), file));
    if (signature.inputs[i].type.shape.size() == 1) out.back() = out.back().reshaped({static_cast<std::int64_t>(frame.rows)});
  }
  return out;
}

Source open_input(const std::string& path) { return path == "-" ? Source::standard_input() : Source::open(path); }

std::vector<Tensor> read_inputs(const std::string& path, const Signature& signature) { return read_inputs(open_input(path), path, signature); }

std::vector<Tensor> read_inputs(const Source& source, const std::string& path, const Signature& signature) {
  const Bytes bytes = source.bytes();
  const auto ends = [&](std::string_view extension) { return path.ends_with(extension); };
  const auto begins = [&](std::string_view magic) { return as_text(bytes).starts_with(magic); };
  if (begins("\x93NUMPY") || ends(".npy")) {
    if (signature.inputs.size() == 1) return {read_npy(source)};
    // A matrix for a model whose inputs are columns.
    const Tensor matrix = read_npy(source);
    if (matrix.rank() != 2 || static_cast<std::size_t>(matrix.dim(1)) != signature.inputs.size()) {
      throw Error(Code::mismatch, source.where(), format("an array of shape {}, the model takes {} inputs; give them as .npz", text_of(matrix.shape()), signature.inputs.size()));
    }
    std::vector<Tensor> out;
    for (std::size_t c = 0; c < signature.inputs.size(); ++c) out.push_back(column_of(matrix, c, signature.inputs[c].type.dtype, source));
    return out;
  }
  if (begins("PK\x03\x04") || begins("PK\x05\x06") || ends(".npz")) {
    const std::vector<NamedTensor> arrays = read_npz(source);
    if (arrays.size() == 1 && signature.inputs.size() == 1) return {arrays[0].tensor};
    std::vector<Tensor> out;
    for (const Input& input : signature.inputs) {
      const auto at = std::ranges::find(arrays, input.name, &NamedTensor::name);
      if (at == arrays.end()) throw Error(Code::mismatch, source.where(), format("has no array called {}", printable(input.name)));
      out.push_back(at->tensor);
    }
    return out;
  }
  bool text = false;
  for (const Input& input : signature.inputs) text = text || input.type.dtype == DType::string;
  const bool json = ends(".json") || ends(".ndjson") || (path == "-" && (begins("[") || begins("{")));
  if (signature.inputs.size() == 1 && signature.inputs[0].json) {
    const bool lines = ends(".ndjson") || begins("{");
    const Input& input = signature.inputs[0];
    Tensor rows = Tensor::vector(json || begins("[") ? read_json_rows(source, lines) : json_rows(read_csv(source, true), input.text_fields));
    return {input.type.shape.size() == 2 ? rows.reshaped({rows.dim(0), 1}) : rows};
  }
  const Frame frame = json ? read_json(source, ends(".ndjson") || begins("{")) : read_csv(source, text ? std::optional(true) : std::nullopt);
  return bind(frame, signature, source.file());
}

}  // namespace decant
