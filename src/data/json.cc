// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <deque>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/text.h"
#include "data/data.h"
#include "data/number.h"

namespace decant {
namespace {

using Json = nlohmann::ordered_json;

struct Storage {
  std::deque<std::string> texts;
};

std::string cell_text(const Json& value, const Source& source) {
  switch (value.type()) {
    case Json::value_t::null: return {};
    case Json::value_t::string: return value.get<std::string>();
    case Json::value_t::boolean: return value.get<bool>() ? "True" : "False";
    case Json::value_t::number_float: return number_text(value.get<double>());
    case Json::value_t::number_integer: case Json::value_t::number_unsigned: return value.dump();
    default: throw Error(Code::corrupt, source.where(), "a cell that is a list or an object");
  }
}

Json parse(std::string_view text, const Source& source, std::uint64_t offset) {
  // The library recurses over nested values: depth is bounded before it starts.
  std::uint32_t depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') source.budget().check_depth(++depth, source.where(offset));
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    throw Error(Code::corrupt, source.where(offset + e.byte), "is not valid JSON");
  } catch (const Json::out_of_range&) {
    throw Error(Code::corrupt, source.where(offset), "a number is too large for a double");
  }
}

std::vector<Json> rows_in(const Source& source, bool lines) {
  const std::string_view text = as_text(source.bytes());
  std::vector<Json> rows;
  if (lines) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view line = text.substr(at, end - at);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) rows.push_back(parse(line, source, at));
      at = end + 1;
    }
  } else {
    Json all = parse(text, source, 0);
    if (!all.is_array()) throw Error(Code::corrupt, source.where(0), "is no list of rows");
    for (Json& row : all) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::vector<std::string> read_json_rows(const Source& source, bool lines) {
  std::vector<std::string> out;
  for (const Json& row : rows_in(source, lines)) out.push_back(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  return out;
}

std::vector<std::string> json_rows(const Frame& frame, std::span<const std::string> texts) {
  if (frame.names.empty()) throw Error(Code::mismatch, "a table without a header, where the model takes records: give the columns names, or a record a line as .ndjson");
  std::vector<std::string> out;
  for (std::size_t r = 0; r < frame.rows; ++r) {
    Json row = Json::object();
    for (std::size_t c = 0; c < frame.width; ++c) {
      const std::string_view cell = frame.cell(r, c);
      if (cell.empty() || cell == "N/A") continue;
      const bool text = std::find(texts.begin(), texts.end(), frame.names[c]) != texts.end();
      const auto number = text ? std::nullopt : parse_number(cell);
      if (number && !std::isfinite(*number)) continue;
      row[frame.names[c]] = number ? Json(*number) : Json(std::string(cell));
    }
    out.push_back(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return out;
}

Frame read_json(const Source& source, bool lines) {
  std::vector<Json> rows = rows_in(source, lines);
  Frame frame;
  auto storage = std::make_shared<Storage>();
  std::unordered_map<std::string, std::size_t> columns;
  if (!rows.empty() && rows[0].is_object()) {
    for (const Json& row : rows) {
      if (!row.is_object()) throw Error(Code::corrupt, source.where(), "objects and lists are mixed");
      for (const auto& [key, value] : row.items()) {
        if (columns.emplace(key, frame.names.size()).second) frame.names.push_back(key);
      }
    }
    frame.width = frame.names.size();
  } else if (!rows.empty()) {
    frame.width = rows[0].is_array() ? rows[0].size() : 1;
  }
  frame.rows = rows.size();
  source.budget().charge(frame.rows * frame.width * 48, "the table", source.where());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Json& row = rows[r];
    const auto add = [&](const Json& value) { frame.cells.push_back(storage->texts.emplace_back(cell_text(value, source))); };
    if (row.is_object()) {
      const std::size_t first = frame.cells.size();
      frame.cells.resize(first + frame.width);  // a key that a row lacks is a missing cell
      for (const auto& [key, value] : row.items()) frame.cells[first + columns.at(key)] = storage->texts.emplace_back(cell_text(value, source));
    } else if (row.is_array()) {
      if (row.size() != frame.width || !frame.names.empty()) throw Error(Code::corrupt, source.where(), format("row {} has {} cells, the first has {}", r + 1, row.size(), frame.width));
      for (const Json& value : row) add(value);
    } else {
      if (frame.width != 1) throw Error(Code::corrupt, source.where(), format("row {} is no list", r + 1));
      add(row);
    }
  }
  frame.owner = storage;
  return frame;
}

}  // namespace decant
