// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>

#include "base/text.h"
#include "data/data.h"
#include "data/number.h"

namespace decant {
namespace {

struct Storage {
  Source source;
  std::deque<std::string> unquoted;
};

}  // namespace

Frame read_csv(const Source& source, std::optional<bool> header) {
  auto storage = std::make_shared<Storage>(Storage{source, {}});
  Frame frame;
  std::string_view text = as_text(source.bytes());
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::size_t line = 1;
  const auto fail = [&](std::string_view what) { throw Error(Code::corrupt, source.where(at, format("line {}", line)), what); };
  std::vector<std::string_view> row;
  while (at < text.size()) {
    row.clear();
    for (bool more = true; more;) {
      std::string_view cell;
      if (at < text.size() && text[at] == '"') {
        const std::size_t begin = ++at;
        std::size_t quote = text.find('"', at);
        bool doubled = false;
        while (quote != std::string_view::npos && quote + 1 < text.size() && text[quote + 1] == '"') {
          doubled = true;
          quote = text.find('"', quote + 2);
        }
        if (quote == std::string_view::npos) fail("a quote is never closed");
        cell = text.substr(begin, quote - begin);
        if (doubled) {
          std::string plain;
          for (std::size_t i = 0; i < cell.size(); ++i) {
            plain += cell[i];
            if (cell[i] == '"') ++i;
          }
          cell = storage->unquoted.emplace_back(std::move(plain));
        }
        at = quote + 1;
        if (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') fail("text follows a closed quote");
      } else {
        const std::size_t end = std::min(text.find_first_of(",\n", at), text.size());
        cell = text.substr(at, end - at);
        if (cell.ends_with('\r') && (end == text.size() || text[end] == '\n')) cell.remove_suffix(1);
        at = end;
      }
      row.push_back(cell);
      if (at < text.size() && text[at] == '\r') ++at;
      more = at < text.size() && text[at] == ',';
      if (at < text.size()) ++at;  // the comma or the line's end
    }
    const bool blank = row.size() == 1 && row[0].empty() && frame.width != 1;
    if (!blank) {
      if (frame.width == 0) frame.width = row.size();
      if (row.size() != frame.width) fail(format("{} cells, where the first row has {}", row.size(), frame.width));
      source.budget().charge(row.size() * sizeof(std::string_view), "the table", source.where(at));
      frame.cells.insert(frame.cells.end(), row.begin(), row.end());
    }
    ++line;
  }
  frame.owner = storage;
  if (frame.width == 0) return frame;
  if (!header) {
    header = std::any_of(frame.cells.begin(), frame.cells.begin() + static_cast<std::ptrdiff_t>(frame.width),
                         [](std::string_view cell) { return !parse_number(cell); });
  }
  if (*header) {
    frame.names.assign(frame.cells.begin(), frame.cells.begin() + static_cast<std::ptrdiff_t>(frame.width));
    frame.cells.erase(frame.cells.begin(), frame.cells.begin() + static_cast<std::ptrdiff_t>(frame.width));
  }
  frame.rows = frame.cells.size() / frame.width;
  return frame;
}

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty() || text == "N/A" || text == "NA" || text == "NaN" || text == "nan" || text == "null" || text == "NULL" || text == "None" || text == "n/a" || text == "<NA>") {
    return std::nan("");
  }
  if (text == "True" || text == "true" || text == "TRUE") return 1.0;
  if (text == "False" || text == "false" || text == "FALSE") return 0.0;
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || (error != std::errc() && error != std::errc::result_out_of_range)) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);  // rounds to 0 or infinity
  return value;
}

}  // namespace decant
