// SPDX-License-Identifier: Apache-2.0
// Layout: pandas/core/internals/managers.py (__reduce__, __getstate__, __setstate__), pandas/_libs/internals.pyx (_unpickle_block),
// pandas/core/indexes/base.py (_new_Index), pandas 1.0 to 2.3.
#include "frameworks/python/pandas.h"

#include <algorithm>

#include "base/text.h"
#include "frameworks/python/objects.h"

namespace decant::python {
namespace {

constexpr std::size_t kMost = 10'000'000;

struct Block {
  Object values;
  std::vector<std::int64_t> places;
};

std::vector<std::int64_t> places_of(const Object& where) {
  if (where.name() != "slice" || where.args().size() != 3) return where.integers();
  std::vector<std::int64_t> out;
  const std::int64_t begin = where.args()[0].integer(), end = where.args()[1].integer(), step = where.args()[2].is_none() ? 1 : where.args()[2].integer();
  if (begin < 0 || end < begin || step < 1 || static_cast<std::uint64_t>(end) > kMost) where.fail(Code::corrupt, format("columns {} to {} of a block", begin, end));
  for (std::int64_t i = begin; i < end; i += step) out.push_back(i);
  return out;
}

struct Manager {
  std::vector<Object> axes;
  std::vector<Block> blocks;
};

Manager manager_of(const Object& object) {
  Manager out;
  const pickle::Ref state = state_of(object.node());
  if (state != nullptr) {  // (axes, values, labels, {"0.14.1": {"axes", "blocks"}})
    const std::vector<Object> parts = Object(object.tree(), state).elements();
    if (parts.size() < 4 || !parts[3].is_dict() || !parts[3].has("0.14.1")) object.fail(Code::unsupported, "a table of pandas from before 0.14.1");
    const Object inner = parts[3]["0.14.1"];
    out.axes = inner["axes"].elements();
    for (const Object& block : inner["blocks"].elements()) out.blocks.push_back({block["values"], places_of(block["mgr_locs"])});
    return out;
  }
  const std::vector<Object> arguments = object.args();  // BlockManager(blocks, axes)
  if (arguments.size() < 2) object.fail(Code::unsupported, "a table of pandas in a form that is not known");
  out.axes = arguments[1].elements();
  for (const Object& block : arguments[0].elements()) {
    const std::vector<Object> parts = block.args();  // _unpickle_block(values, places, ndim)
    if (parts.size() < 2) block.fail(Code::unsupported, "a block of pandas in a form that is not known");
    out.blocks.push_back({parts[0], places_of(parts[1])});
  }
  return out;
}

}  // namespace

Object labels_of(const Object& object) {
  if (object.array() || !(object.is_instance() || object.name() == "_new_Index")) return object;
  for (const Object& argument : object.args()) {  // _new_Index(class, {"data": labels, …})
    if (argument.is_dict() && argument.set("data")) return argument["data"];
  }
  return object;
}

const std::vector<double>& LabelledNumbers::column(std::string_view name, const Object& where) const {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) where.fail(Code::corrupt, format("a table without the column {}", printable(name)));
  return columns[static_cast<std::size_t>(at - names.begin())];
}

std::optional<LabelledNumbers> as_labelled(const Object& object) {
  const bool series = object.module() == "pandas.core.series" && object.name() == "Series", frame = object.module() == "pandas.core.frame" && object.name() == "DataFrame";
  if (!series && !frame) return std::nullopt;
  const Manager manager = manager_of(object.any({"_mgr", "_data"}));
  if (manager.axes.size() != (series ? 1u : 2u)) object.fail(Code::corrupt, format("a table of pandas with {} axes", manager.axes.size()));
  LabelledNumbers out;
  out.labels = labels_of(manager.axes.back());
  const auto labels = out.labels.array();
  if (!labels || labels->shape.size() != 1) object.fail(Code::unsupported, "labels of pandas that are no array");
  out.rows = static_cast<std::size_t>(labels->shape[0]);
  std::size_t width = 1;
  if (frame) {
    const Object names = labels_of(manager.axes[0]);
    const auto array = names.array();
    if (!array || array->shape.size() != 1) object.fail(Code::unsupported, "names of columns that are no array");
    width = static_cast<std::size_t>(array->shape[0]);
    if (array->type.kind == 'O') {
      for (const Object& name : names.elements()) out.names.push_back(name.is_text() ? name.text() : name.is_number() ? format("{}", name.real()) : std::string("?"));
    } else {
      const Tensor values = names.tensor();
      for (std::size_t i = 0; i < values.size(); ++i) out.names.push_back(values.dtype() == DType::string ? values.data<std::string>()[i] : format("{}", values.number(i)));
    }
  } else {
    out.names.emplace_back();
  }
  if (out.names.size() != width || width > kMost / std::max<std::size_t>(out.rows, 1)) object.fail(Code::corrupt, format("a table of {} columns and {} rows", width, out.rows));
  out.columns.assign(width, {});
  for (const Block& block : manager.blocks) {
    if (!block.values.array()) object.fail(Code::unsupported, format("a column of pandas of the kind {}", printable(block.values.full_name())));
    const Tensor values = block.values.doubles();
    if (series) {
      if (values.size() != out.rows) object.fail(Code::corrupt, format("{} values for {} labels", values.size(), out.rows));
      out.columns[0].resize(out.rows);
      for (std::size_t r = 0; r < out.rows; ++r) out.columns[0][r] = values.number(r);
      continue;
    }
    if (values.size() != block.places.size() * out.rows) object.fail(Code::corrupt, format("a block of {} values for {} columns of {}", values.size(), block.places.size(), out.rows));
    for (std::size_t c = 0; c < block.places.size(); ++c) {
      const std::int64_t place = block.places[c];
      if (place < 0 || static_cast<std::size_t>(place) >= width) object.fail(Code::corrupt, format("column {} of {}", place, width));
      std::vector<double>& to = out.columns[static_cast<std::size_t>(place)];
      to.resize(out.rows);
      for (std::size_t r = 0; r < out.rows; ++r) to[r] = values.number(c * out.rows + r);
    }
  }
  for (const auto& column : out.columns) {
    if (column.size() != out.rows) object.fail(Code::corrupt, "a table of pandas with a column without values");
  }
  return out;
}

}  // namespace decant::python
