// SPDX-License-Identifier: Apache-2.0
// scipy.sparse matrices and arrays of SciPy 0.14 to 1.16: their pickled state is their attributes (scipy/sparse/_compressed.py,
// _coo.py, _bsr.py, _dia.py, _lil.py, _dok.py). Everything becomes compressed rows; entries given twice are kept, and add up.
#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "frameworks/python/numpy.h"
#include "frameworks/python/numpy_parts.h"
#include "frameworks/python/objects.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Tree;

namespace {

// "csr" of scipy.sparse.csr.csr_matrix, scipy.sparse._csr.csr_array, …; "" when it is something else.
std::string_view layout_of(const Node& type) {
  const std::string_view module = type.module();
  std::string_view name = type.name();
  if (!module.starts_with("scipy.sparse")) return {};
  if (name.ends_with("_matrix")) {
    name.remove_suffix(7);
  } else if (name.ends_with("_array")) {
    name.remove_suffix(6);
  } else {
    return {};
  }
  for (const std::string_view layout : {"csr", "csc", "coo", "bsr", "dia", "lil", "dok"}) {
    if (name == layout) return layout;
  }
  return {};
}

class Reader {
 public:
  Reader(const Tree& tree, const Node& node) : tree_(tree), node_(node) {
    Ref shape = attribute(node, "_shape");
    if (shape == nullptr) shape = attribute(node, "shape");
    if (shape == nullptr) fail("lacks its shape");
    const std::vector<std::int64_t> dimensions = shape_of(*shape, tree.source);
    if (dimensions.size() != 2)
      throw Error(Code::unsupported, tree.where(node), format("a sparse array of {} dimensions", dimensions.size()));
    out_.rows = dimensions[0];
    out_.columns = dimensions[1];
    if (static_cast<std::uint64_t>(out_.rows) > std::uint64_t{1} << 40) fail("has too many rows");
  }

  Sparse read(std::string_view layout) {
    if (layout == "csr" || layout == "csc") {
      compressed(layout == "csc");
    } else if (layout == "coo") {
      coordinates();
    } else if (layout == "bsr") {
      blocks();
    } else if (layout == "dia") {
      diagonals();
    } else if (layout == "lil") {
      lists();
    } else {
      keys();
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(Code::corrupt, tree_.where(node_), format("a sparse matrix {}", what));
  }

  void charge(std::uint64_t items, std::uint64_t each) {
    tree_.source.budget().charge(sat_mul(items, each), "a sparse matrix", tree_.where(node_));
  }

  Array array(std::string_view name) const {
    const Ref value = attribute(node_, name);
    if (value == nullptr) fail(format("lacks its {}", name));
    auto out = as_array(tree_, *value);
    if (!out) fail(format("has no array for its {}", name));
    return std::move(*out);
  }

  std::vector<std::int64_t> integers(const Array& from) {
    const Tensor tensor = from.tensor();
    if (!is_integer(tensor.dtype())) fail("has indices that are no integers");
    charge(tensor.size(), sizeof(std::int64_t));
    std::vector<std::int64_t> out(tensor.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = tensor.integer(i);
    return out;
  }

  std::vector<double> reals(const Array& from) {
    const Tensor tensor = from.tensor();
    if (!is_integer(tensor.dtype()) && !is_float(tensor.dtype()) && tensor.dtype() != DType::boolean)
      fail("has values that are no numbers");
    charge(tensor.size(), sizeof(double));
    std::vector<double> out(tensor.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = tensor.number(i);
    return out;
  }

  // Offsets into `entries` entries, one more than there are lines, never falling.
  void check_offsets(const std::vector<std::int64_t>& indptr, std::int64_t lines, std::size_t entries) const {
    if (indptr.size() != static_cast<std::size_t>(lines) + 1 || indptr[0] != 0)
      fail(format("of {} lines has {} offsets", lines, indptr.size()));
    for (std::size_t i = 1; i < indptr.size(); ++i) {
      if (indptr[i] < indptr[i - 1] || static_cast<std::uint64_t>(indptr[i]) > entries) fail("has offsets that are not in order");
    }
  }

  void add(std::int64_t row, std::int64_t column, double value) {
    if (row < 0 || row >= out_.rows || column < 0 || column >= out_.columns)
      fail(format("of {} by {} has an entry at [{}, {}]", out_.rows, out_.columns, row, column));
    row_.push_back(row);
    column_.push_back(column);
    value_.push_back(value);
  }

  // Entries in any order to compressed rows, keeping their order within a row.
  void finish() {
    charge(static_cast<std::uint64_t>(out_.rows) + 1, sizeof(std::int64_t));
    charge(row_.size(), 2 * sizeof(std::int64_t));
    Tensor indptr(DType::int64, {out_.rows + 1}), indices(DType::int64, {static_cast<std::int64_t>(row_.size())}),
        data(DType::float64, {static_cast<std::int64_t>(row_.size())});
    const auto at = indptr.mutable_data<std::int64_t>();
    std::fill(at.begin(), at.end(), 0);
    for (const std::int64_t row : row_) ++at[static_cast<std::size_t>(row) + 1];
    for (std::size_t i = 1; i < at.size(); ++i) at[i] += at[i - 1];
    for (std::size_t k = 0; k < row_.size(); ++k) {
      const auto to = static_cast<std::size_t>(at[static_cast<std::size_t>(row_[k])]++);
      indices.mutable_data<std::int64_t>()[to] = column_[k];
      data.mutable_data<double>()[to] = value_[k];
    }
    for (std::size_t i = at.size() - 1; i > 0; --i) at[i] = at[i - 1];
    at[0] = 0;
    out_.indptr = std::move(indptr);
    out_.indices = std::move(indices);
    out_.data = std::move(data);
  }

  void compressed(bool by_columns) {
    const std::vector<std::int64_t> indptr = integers(array("indptr")), indices = integers(array("indices"));
    const std::vector<double> data = reals(array("data"));
    const std::int64_t lines = by_columns ? out_.columns : out_.rows;
    if (indices.size() != data.size()) fail(format("has {} indices and {} values", indices.size(), data.size()));
    check_offsets(indptr, lines, data.size());
    charge(data.size(), 24);
    for (std::size_t line = 0; line + 1 < indptr.size(); ++line) {
      for (auto k = static_cast<std::size_t>(indptr[line]); k < static_cast<std::size_t>(indptr[line + 1]); ++k) {
        const auto l = static_cast<std::int64_t>(line);
        add(by_columns ? indices[k] : l, by_columns ? l : indices[k], data[k]);
      }
    }
    finish();
  }

  void coordinates() {
    std::vector<std::int64_t> rows, columns;
    // SciPy 1.13 put row and col together into coords.
    if (const Ref coords = attribute(node_, "coords"); coords != nullptr) {
      if (coords->kind != Kind::tuple || coords->items.size() != 2) fail("has coords that are no pair");
      const auto first = as_array(tree_, *coords->items[0]), second = as_array(tree_, *coords->items[1]);
      if (!first || !second) fail("has coords that are no arrays");
      rows = integers(*first);
      columns = integers(*second);
    } else {
      rows = integers(array("row"));
      columns = integers(array("col"));
    }
    const std::vector<double> data = reals(array("data"));
    if (rows.size() != data.size() || columns.size() != data.size()) fail("has coordinates and values of different counts");
    charge(data.size(), 24);
    for (std::size_t k = 0; k < data.size(); ++k) add(rows[k], columns[k], data[k]);
    finish();
  }

  void blocks() {
    const std::vector<std::int64_t> indptr = integers(array("indptr")), indices = integers(array("indices"));
    const Array stored = array("data");
    if (stored.shape.size() != 3 || stored.shape[1] < 1 || stored.shape[2] < 1) fail("of blocks has data that are no blocks");
    const std::int64_t height = stored.shape[1], width = stored.shape[2];
    const std::vector<double> data = reals(stored);
    if (out_.rows % height != 0 || indices.size() != static_cast<std::size_t>(stored.shape[0]))
      fail("of blocks has a shape that they do not fill");
    check_offsets(indptr, out_.rows / height, indices.size());
    charge(data.size(), 24);
    for (std::size_t line = 0; line + 1 < indptr.size(); ++line) {
      for (auto k = static_cast<std::size_t>(indptr[line]); k < static_cast<std::size_t>(indptr[line + 1]); ++k) {
        if (indices[k] < 0 || indices[k] > out_.columns / width) fail("of blocks has a block outside of it");
        for (std::int64_t r = 0; r < height; ++r) {
          for (std::int64_t c = 0; c < width; ++c) {
            add(static_cast<std::int64_t>(line) * height + r, indices[k] * width + c,
                data[(k * static_cast<std::size_t>(height) + static_cast<std::size_t>(r)) * static_cast<std::size_t>(width) +
                     static_cast<std::size_t>(c)]);
          }
        }
      }
    }
    finish();
  }

  void diagonals() {
    const std::vector<std::int64_t> offsets = integers(array("offsets"));
    const Array stored = array("data");
    if (stored.shape.size() != 2 || static_cast<std::size_t>(stored.shape[0]) != offsets.size())
      fail("of diagonals has offsets and values of different counts");
    const std::vector<double> data = reals(stored);
    charge(data.size(), 24);
    const auto length = static_cast<std::size_t>(stored.shape[1]);
    for (std::size_t k = 0; k < offsets.size(); ++k) {
      if (offsets[k] <= -out_.rows || offsets[k] >= out_.columns) continue;  // wholly outside, as SciPy allows
      for (std::size_t j = 0; j < length && static_cast<std::int64_t>(j) < out_.columns; ++j) {
        const std::int64_t row = static_cast<std::int64_t>(j) - offsets[k];
        if (row >= 0 && row < out_.rows) add(row, static_cast<std::int64_t>(j), data[k * length + j]);
      }
    }
    finish();
  }

  double number(const Node& node) const {
    if (node.kind == Kind::real) return node.real;
    if (node.kind == Kind::integer || node.kind == Kind::boolean) return static_cast<double>(node.integer);
    if (const auto scalar = as_scalar(tree_, node); scalar && scalar->dtype() != DType::string) return scalar->number(0);
    fail("has values that are no numbers");
  }
  std::int64_t index(const Node& node) const {
    if (const auto value = integer_of(&node)) return *value;
    if (const auto scalar = as_scalar(tree_, node); scalar && is_integer(scalar->dtype())) return scalar->integer(0);
    fail("has indices that are no integers");
  }

  void lists() {
    const Array rows = array("rows"), data = array("data");
    if (rows.objects.size() != static_cast<std::size_t>(out_.rows) || data.objects.size() != rows.objects.size())
      fail("of lists has not one for each row");
    for (std::size_t r = 0; r < rows.objects.size(); ++r) {
      const Node &columns = *rows.objects[r], &values = *data.objects[r];
      if (columns.kind != Kind::list || values.kind != Kind::list || columns.items.size() != values.items.size())
        fail("of lists has rows that are no lists of one length");
      charge(values.items.size(), 24);
      for (std::size_t k = 0; k < values.items.size(); ++k)
        add(static_cast<std::int64_t>(r), index(*columns.items[k]), number(*values.items[k]));
    }
    finish();
  }

  void keys() {
    // Until SciPy 1.12 a dok_matrix was a dict itself, given to copyreg._reconstructor or set item by item; since, it has one.
    const pickle::Refs none;
    const pickle::Refs& made_of = node_.args()->kind == Kind::tuple ? node_.args()->items : none;
    const Ref own = attribute(node_, "_dict");
    const pickle::Refs& entries = own != nullptr && own->kind == Kind::dict               ? own->items
                                  : made_of.size() == 3 && made_of[2]->kind == Kind::dict ? made_of[2]->items
                                  : node_.extra != nullptr                                ? node_.extra->entries
                                                                                          : none;
    charge(entries.size() / 2, 24);
    for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
      const Node& key = *entries[i];
      if (key.kind != Kind::tuple || key.items.size() != 2) fail("of keys has a key that is no pair");
      add(index(*key.items[0]), index(*key.items[1]), number(*entries[i + 1]));
    }
    finish();
  }

  const Tree& tree_;
  const Node& node_;
  Sparse out_;
  std::vector<std::int64_t> row_, column_;
  std::vector<double> value_;
};

}  // namespace

Tensor Sparse::dense() const {
  Tensor out(DType::float64, {rows, columns});
  const auto to = out.mutable_data<double>();
  std::fill(to.begin(), to.end(), 0.0);
  const auto at = indptr.data<std::int64_t>(), column = indices.data<std::int64_t>();
  const auto value = data.data<double>();
  for (std::size_t r = 0; r + 1 < at.size(); ++r) {
    for (auto k = static_cast<std::size_t>(at[r]); k < static_cast<std::size_t>(at[r + 1]); ++k) {
      to[r * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column[k])] += value[k];
    }
  }
  return out;
}

std::optional<Sparse> as_sparse(const Tree& tree, const Node& node) {
  const Ref type = class_of(node);
  if (type == nullptr) return std::nullopt;
  const std::string_view layout = layout_of(*type);
  if (layout.empty()) return std::nullopt;
  return Reader(tree, node).read(layout);
}

}  // namespace decant::python
