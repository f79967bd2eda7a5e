// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

Table::Table(Expr matrix, std::vector<std::string> names) : blocks_{matrix}, names_(std::move(names)) {
  const std::int64_t width = matrix.dim(1);
  if (width < 0) throw Error(Code::unsupported, "a table whose number of columns is not known");
  for (std::int64_t i = 0; i < width; ++i) columns_.push_back({0, i});
  if (names_.size() != columns_.size()) names_.clear();
}

Table Table::open_columns(std::vector<Expr> numbers, std::vector<Expr> texts, std::vector<std::string> names) {
  Table out;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    out.columns_.push_back({out.blocks_.size(), 0, out.blocks_.size() + 1});
    out.blocks_.push_back(numbers[i]);
    out.blocks_.push_back(texts[i]);
  }
  out.names_ = std::move(names);
  return out;
}

namespace {

// A few nested unions of unions would otherwise ask for any number of columns.
void check_width(std::size_t width) {
  if (width > 4'000'000) throw Error(Code::limit, "a table of more than 4 million columns");
}

}  // namespace

Table Table::whole(Expr matrix) {
  Table out;
  out.blocks_.push_back(matrix);
  return out;
}

Table Table::joined(const std::vector<Table>& parts) {
  Table out;
  bool named = true;
  for (const Table& part : parts) {
    const std::size_t base = out.blocks_.size();
    check_width(out.columns_.size() + part.columns_.size());
    out.blocks_.insert(out.blocks_.end(), part.blocks_.begin(), part.blocks_.end());
    for (Column c : part.columns_) {
      c.block += base;
      if (c.text_block != ~std::size_t{0}) c.text_block += base;
      out.columns_.push_back(c);
    }
    named = named && part.names_.size() == part.columns_.size();
    out.names_.insert(out.names_.end(), part.names_.begin(), part.names_.end());
  }
  if (!named) out.names_.clear();
  return out;
}

Table Table::named(std::vector<std::string> names) const {
  Table out = *this;
  out.names_ = std::move(names);
  return out;
}

Table Table::select(const std::vector<std::int64_t>& which) const {
  Table out;
  check_width(which.size());
  out.blocks_ = blocks_;
  for (std::int64_t i : which) {
    if (i < 0) i += static_cast<std::int64_t>(columns_.size());
    if (i < 0 || static_cast<std::size_t>(i) >= columns_.size()) {
      throw Error(Code::corrupt, format("column {} of a table of {} columns", i, columns_.size()));
    }
    out.columns_.push_back(columns_[static_cast<std::size_t>(i)]);
    if (!names_.empty()) out.names_.push_back(names_[static_cast<std::size_t>(i)]);
  }
  return out;
}

Expr Table::matrix() const { return matrix(DType::float64); }

Expr Table::matrix(DType dtype) const {
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < columns_.size();) {  // runs of columns from one block
    const std::size_t block = dtype == DType::string && columns_[i].text_block != ~std::size_t{0} ? columns_[i].text_block : columns_[i].block;
    std::vector<std::int64_t> which;
    for (; i < columns_.size() && (columns_[i].block == block || columns_[i].text_block == block); ++i) which.push_back(columns_[i].index);
    const Expr source = blocks_[block];
    bool whole = static_cast<std::int64_t>(which.size()) == source.dim(1);
    for (std::size_t k = 0; k < which.size(); ++k) whole = whole && which[k] == static_cast<std::int64_t>(k);
    parts.push_back(cast(whole ? source : columns(source, which), dtype));
  }
  if (parts.empty()) {
    if (blocks_.empty()) throw Error(Code::corrupt, "a table without columns");
    return cast(blocks_[0].dim(1) < 0 ? blocks_[0] : columns(blocks_[0], {}), dtype);
  }
  return concat(parts, 1);
}

Expr Table::column(std::size_t i, bool text) const {
  const Column& c = columns_.at(i);
  const Expr source = blocks_[text && c.text_block != ~std::size_t{0} ? c.text_block : c.block];
  const Expr out = source.dim(1) == 1 ? source : columns(source, {c.index});
  if (text) return out;
  return out.dtype() == DType::string ? cast(out, DType::float64) : out;
}

bool Table::is_text(std::size_t i) const { return blocks_[columns_.at(i).block].dtype() == DType::string; }

std::string Table::key() const {
  std::string out = columns_.empty() && !blocks_.empty() ? format("{}", blocks_[0].id()) : std::string();
  for (const Column& c : columns_) out += format("{}.{},", blocks_[c.block].id(), c.index);
  return out;
}

}  // namespace decant::sklearn
