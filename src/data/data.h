// SPDX-License-Identifier: Apache-2.0
// Data as people have it (.csv, .npy, .npz, .json, .ndjson) into a model's inputs, and a model's outputs into the same formats.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/number.h"
#include "io/sink.h"
#include "io/source.h"
#include "ir/model.h"

namespace decant {

/// A table of text cells, row by row. A missing cell is empty.
struct Frame {
  std::vector<std::string> names;            // empty where the file has no header
  std::size_t width = 0, rows = 0;
  std::vector<std::string_view> cells;       // rows * width
  std::shared_ptr<const void> owner;         // what the cells view
  std::string_view cell(std::size_t row, std::size_t column) const { return cells[row * width + column]; }
};

/// RFC 4180, LF or CRLF, quotes doubled inside quotes, a byte order mark skipped. `header`: whether the first row names the columns;
/// nothing: it does when one of its cells is no number. Throws corrupt, naming line, on rows of different lengths or an open quote.
Frame read_csv(const Source& source, std::optional<bool> header = std::nullopt);
/// A list of objects (names are the union of their keys), of lists, or of bare values; or the same one a line (.ndjson).
Frame read_json(const Source& source, bool lines);

/// The same rows, each as its JSON text: for inputs that take records.
std::vector<std::string> read_json_rows(const Source& source, bool lines);
/// A table's rows as JSON objects: numbers as numbers, other cells as texts, missing cells left out. `texts`: columns that are always texts.
std::vector<std::string> json_rows(const Frame& frame, std::span<const std::string> texts);

/// The model's inputs from a table: by name where model and table have names, else by position. Throws mismatch naming the column
/// that is missing (and the nearest one that is there) or the cell that is no number.
std::vector<Tensor> bind(const Frame& frame, const Signature& signature, const std::string& file);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
std::vector<NamedTensor> read_npz(const Source& source);
Tensor read_npy(const Source& source);

/// Reads `path` ("-": standard input, CSV unless the bytes say otherwise) into the model's inputs.
std::vector<Tensor> read_inputs(const std::string& path, const Signature& signature);
/// The same of what open_input(path) gave, which may be read again for another model.
std::vector<Tensor> read_inputs(const Source& source, const std::string& path, const Signature& signature);
Source open_input(const std::string& path);

/// Writes outputs by the extension of `path` ("-": CSV). In CSV a matrix becomes columns name[class or index].
void write_outputs(const std::string& path, std::span<const Output> outputs, std::span<const Tensor> tensors);

}  // namespace decant
