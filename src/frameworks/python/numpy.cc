// SPDX-License-Identifier: Apache-2.0
// What ndarray.__reduce_ex__, dtype.__reduce__ and the scalars' __reduce__ write (numpy/_core/src/multiarray/methods.c: array_reduce,
// array_setstate; descriptor.c: arraydescr_reduce, arraydescr_setstate; scalartypes.c.src: gentype_reduce; numpy/ma/core.py), of NumPy
// 1.5 to 2.3: the module was numpy.core until 1.26 and is numpy._core since.
#include "frameworks/python/numpy.h"

#include <array>
#include <limits>

#include "base/checked.h"
#include "base/text.h"
#include "frameworks/python/numpy_parts.h"
#include "frameworks/python/objects.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Refs;
using pickle::Tree;

namespace {

constexpr std::size_t kMostDimensions = 64;

bool from(const Node& node, std::string_view module, std::string_view name) {
  if (node.kind != Kind::global || node.name() != name) return false;
  const std::string_view m = node.module();
  if (m == "numpy.core._multiarray_umath" && module == "multiarray") return true;  // as NumPy 1.16.0 spelt it
  return (m.starts_with("numpy.core.") && m.substr(11) == module) || (m.starts_with("numpy._core.") && m.substr(12) == module);
}

[[noreturn]] void corrupt(const Source& source, const Node& node, std::string_view text) {
  throw Error(Code::corrupt, source.where(node.offset), text);
}

// arraydescr_setstate. Versions 1 and 0 (NumPy before 1.0) had no names.
struct TypeState {
  Ref order = nullptr, subarray = nullptr, names = nullptr, fields = nullptr, itemsize = nullptr, metadata = nullptr;
};

TypeState split_state(const Node& state, const Source& source) {
  const Refs& items = state.items;
  if (state.kind != Kind::tuple || items.size() < 5 || items.size() > 9)
    corrupt(source, state, "the state of a dtype is no tuple of 5 to 9 items");
  if (items.size() == 5) return {items[0], items[1], nullptr, items[2], items[3], nullptr};
  if (items.size() == 6) return {items[1], items[2], nullptr, items[3], items[4], nullptr};
  return {items[1], items[2], items[3], items[4], items[5], items.size() == 9 ? items[8] : nullptr};
}

bool absent(Ref node) { return node == nullptr || node->kind == Kind::none; }

std::string unit_of(const Node& metadata) {
  // (metadata dict, (unit, numerator, denominator, event)); convert_datetime_metadata_to_tuple in datetime.c.
  if (metadata.kind != Kind::tuple || metadata.items.size() != 2 || metadata.items[1]->kind != Kind::tuple ||
      metadata.items[1]->items.size() < 2)
    return {};
  const Refs& parts = metadata.items[1]->items;
  const bool text = parts[0]->is_text() || parts[0]->kind == Kind::bytes;
  if (!text || parts[0]->text() == "generic") return {};
  const std::int64_t multiple = integer_of(parts[1]).value_or(1);
  return (multiple == 1 ? "" : std::to_string(multiple)) + std::string(parts[0]->text());
}

std::uint32_t checked_size(std::uint64_t size, const Source& source, const Node& node) {
  if (size > std::numeric_limits<std::uint32_t>::max()) corrupt(source, node, "a dtype of more than 4 GiB");
  return static_cast<std::uint32_t>(size);
}

void set_type_state(npy::Type& type, const Node& state, const Source& source, std::uint32_t depth) {
  const TypeState parts = split_state(state, source);
  if (parts.order != nullptr && (parts.order->is_text() || parts.order->kind == Kind::bytes) && parts.order->text().size() == 1) {
    const char order = parts.order->text()[0];
    if (std::string_view("<>|=").find(order) == std::string_view::npos) corrupt(source, state, "a dtype of unknown byte order");
    type.big_endian = order == '>' && type.itemsize > 1;
  }
  const auto size = integer_of(parts.itemsize);
  if (size && *size >= 0 && (type.kind == 'S' || type.kind == 'U' || type.kind == 'V'))
    type.itemsize = checked_size(static_cast<std::uint64_t>(*size), source, state);
  if (!absent(parts.metadata)) type.unit = unit_of(*parts.metadata);
  if (!absent(parts.subarray)) {
    const Node& subarray = *parts.subarray;
    if (subarray.kind != Kind::tuple || subarray.items.size() != 2)
      corrupt(source, subarray, "the sub-array of a dtype is no (type, shape)");
    auto element = type_of(*subarray.items[0], source, depth + 1);
    if (!element) corrupt(source, subarray, "the sub-array of a dtype has no type");
    element->subshape = shape_of(*subarray.items[1], source);
    std::uint64_t bytes = element->itemsize;
    for (const std::int64_t d : element->subshape) bytes = sat_mul(bytes, static_cast<std::uint64_t>(d));
    element->itemsize = checked_size(bytes, source, subarray);
    type = std::move(*element);
    return;
  }
  if (absent(parts.fields)) return;
  if (parts.fields->kind != Kind::dict || absent(parts.names) || parts.names->kind != Kind::tuple)
    corrupt(source, state, "a structured dtype without names or fields");
  source.budget().charge_items(parts.names->items.size() * (1 + parts.fields->items.size() / 8), source.where(state.offset));
  for (const Ref name : parts.names->items) {
    if (!name->is_text()) corrupt(source, *name, "a field of a structured dtype has no name");
    const Ref field = find(parts.fields, name->text());
    if (field == nullptr || field->kind != Kind::tuple || field->items.size() < 2)
      corrupt(source, *name, "a field of a structured dtype is no (type, offset)");
    const auto offset = integer_of(field->items[1]);
    auto element = type_of(*field->items[0], source, depth + 1);
    if (!element || !offset || *offset < 0 || sat_add(static_cast<std::uint64_t>(*offset), element->itemsize) > type.itemsize) {
      corrupt(source, *field, format("field \"{}\" of a structured dtype does not lie inside it", printable(name->text(), 60)));
    }
    source.budget().charge(sizeof(npy::Type::Field) + name->text().size(), "a dtype", source.where(state.offset));
    type.fields.push_back({std::string(name->text()), std::move(*element), static_cast<std::uint32_t>(*offset)});
  }
}

// numpy.float64, numpy.int_, builtins.float…: what dtype() makes of a type.
std::optional<npy::Type> type_of_global(const Node& node) {
  const std::string_view module = node.module(), name = node.name();
  if (module == "numpy") {
    static constexpr std::string_view kScalars[] = {
        "bool_",    "bool",    "int8",     "int16",     "int32",      "int64",      "uint8",       "uint16",     "uint32",
        "uint64",   "float16", "float32",  "float64",   "longdouble", "float128",   "complex64",   "complex128", "str_",
        "unicode_", "bytes_",  "string_",  "object_",   "void",       "datetime64", "timedelta64", "int_",       "intc",
        "intp",     "uintp",   "longlong", "ulonglong", "byte",       "ubyte",      "short",       "ushort",     "uint",
        "float_",   "half",    "single",   "double",    "str",        "object",     "int",         "float"};
    for (const std::string_view scalar : kScalars) {
      if (name == scalar) return npy::parse_type(name, Where{});
    }
  } else if (module == "builtins" || module == "__builtin__") {
    for (const std::string_view scalar : {"int", "float", "bool", "complex", "str", "bytes", "object"}) {
      if (name == scalar) return npy::parse_type(name, Where{});
    }
    if (name == "long") return npy::parse_type("int64", Where{});
    if (name == "unicode") return npy::parse_type("str", Where{});
  }
  return std::nullopt;
}

std::optional<Array> reconstructed(const Tree& tree, const Node& node, bool masked) {
  const Ref state = state_of(node);
  Array out;
  out.where = tree.where(node);
  out.source = tree.source;
  out.owner = tree.owner;
  if (state == nullptr) corrupt(tree.source, node, "an array without its state");
  if (state->kind != Kind::tuple) corrupt(tree.source, *state, "the state of an array is no tuple");
  const Refs& items = state->items;
  // NumPy before 1.0 wrote no version: (shape, dtype, fortran, data).
  const std::size_t first = masked || items.size() != 4 ? 1 : 0;
  if (items.size() != (masked ? 7 : first + 4)) corrupt(tree.source, *state, format("the state of an array has {} items", items.size()));
  set_array_state(out, items, first, tree.source);
  const Node& data = *items[first + 3];
  if (data.kind == Kind::list) {
    if (!out.type.has_objects()) corrupt(tree.source, data, "a list for the data of an array that holds no objects");
    if (data.items.size() != out.count())
      corrupt(tree.source, data, format("{} objects for an array of {}", data.items.size(), out.count()));
    tree.source.budget().charge(data.items.size() * sizeof(Ref), "an array of objects", out.where);
    out.objects = data.items;
    out.fortran = false;  // _getlist_pkl goes through any array in C order
    return out;
  }
  if (out.type.has_objects()) corrupt(tree.source, data, "an array of objects without a list of them");
  auto bytes = bytes_of(data, tree.source, tree.owner);
  if (!bytes) corrupt(tree.source, data, "the data of an array are no bytes");
  set_array_data(out, std::move(*bytes));
  return out;
}

// numpy._core.numeric._frombuffer(buffer, dtype, shape, order): protocol 5 with the buffer in the stream.
Array from_buffer(const Tree& tree, const Node& node) {
  const Node& args = *node.args();
  if (args.kind != Kind::tuple || args.items.size() < 3 || args.items.size() > 4)
    corrupt(tree.source, node, "_frombuffer without its arguments");
  Array out;
  out.where = tree.where(node);
  out.source = tree.source;
  out.owner = tree.owner;
  auto type = type_of(*args.items[1], tree.source);
  if (!type) corrupt(tree.source, *args.items[1], "an array without a dtype");
  out.type = std::move(*type);
  out.shape = shape_of(*args.items[2], tree.source);
  if (args.items.size() == 4) out.fortran = text_of(args.items[3]).value_or("C") == "F";
  if (args.items[0]->kind == Kind::buffer) {
    throw Error(Code::unsupported, out.where, "the bytes of an array are outside of the file (out-of-band buffers of protocol 5)");
  }
  if (out.type.has_objects()) corrupt(tree.source, node, "an array of objects from a buffer");
  auto bytes = bytes_of(*args.items[0], tree.source, tree.owner);
  if (!bytes) corrupt(tree.source, *args.items[0], "the data of an array are no bytes");
  set_array_data(out, std::move(*bytes));
  return out;
}

}  // namespace

std::uint64_t bytes_needed(const npy::Type& type, const std::vector<std::int64_t>& shape) {
  return sat_mul(count_of(shape), type.itemsize);
}

std::vector<std::int64_t> shape_of(const Node& node, const Source& source) {
  std::vector<std::int64_t> out;
  const auto add = [&](const Node& dimension) {
    const auto value = integer_of(&dimension);
    if (!value || *value < 0) corrupt(source, dimension, "a dimension of an array is no count");
    out.push_back(*value);
  };
  if (node.kind != Kind::tuple && node.kind != Kind::list) {
    add(node);
    return out;
  }
  if (node.items.size() > kMostDimensions)
    corrupt(source, node, format("an array of {} dimensions, NumPy has at most {}", node.items.size(), kMostDimensions));
  for (const Ref item : node.items) add(*item);
  return out;
}

std::optional<npy::Type> type_of(const Node& node, const Source& source, std::uint32_t depth) {
  source.budget().check_depth(depth, source.where(node.offset));
  source.budget().charge_items(1, source.where(node.offset));
  if (node.kind == Kind::global) return type_of_global(node);
  if (node.is_text()) return npy::parse_type(node.text(), source.where(node.offset));
  if (node.kind != Kind::call || !node.callee()->is_global("numpy", "dtype") || node.args()->kind != Kind::tuple ||
      node.args()->items.empty())
    return std::nullopt;
  auto type = type_of(*node.args()->items[0], source, depth + 1);
  if (!type) return std::nullopt;
  if (const Ref state = state_of(node); state != nullptr) set_type_state(*type, *state, source, depth);
  return type;
}

void set_array_state(Array& out, const Refs& state, std::size_t first, const Source& source) {
  out.shape = shape_of(*state[first], source);
  auto type = type_of(*state[first + 1], source);
  if (!type) corrupt(source, *state[first + 1], "an array without a dtype");
  if (!type->subshape.empty()) corrupt(source, *state[first + 1], "an array whose type is a sub-array");
  out.type = std::move(*type);
  const auto fortran = integer_of(state[first + 2]);
  if (!fortran) corrupt(source, *state[first + 2], "an array whose order is neither True nor False");
  out.fortran = *fortran != 0;
}

void set_array_data(Array& out, Blob data) {
  const std::uint64_t needed = bytes_needed(out.type, out.shape);
  if (needed != data.size()) {
    throw Error(Code::corrupt, out.where,
                format("an array {} of {} needs {} bytes, given {}", decant::text_of(out.shape), printable(out.type.text(), 60), needed,
                       data.size()));
  }
  out.data = std::move(data);
}

std::optional<npy::Type> as_type(const Tree& tree, const Node& node) { return type_of(node, tree.source); }

std::optional<Array> as_array(const Tree& tree, const Node& node) {
  if (node.kind != Kind::call || node.callee()->kind != Kind::global) return std::nullopt;
  const Node& callee = *node.callee();
  if (from(callee, "multiarray", "_reconstruct")) return reconstructed(tree, node, false);
  if (from(callee, "numeric", "_frombuffer")) return from_buffer(tree, node);
  if ((callee.module() == "numpy.ma.core" || callee.module() == "numpy.ma") && callee.name() == "_mareconstruct")
    return reconstructed(tree, node, true);
  return as_joblib_array(tree, node);
}

std::optional<Tensor> as_scalar(const Tree& tree, const Node& node) {
  if (node.kind != Kind::call || !from(*node.callee(), "multiarray", "scalar")) return std::nullopt;
  const Node& args = *node.args();
  if (args.kind != Kind::tuple || args.items.empty() || args.items.size() > 2)
    corrupt(tree.source, node, "a scalar without type and value");
  auto type = as_type(tree, *args.items[0]);
  if (!type) corrupt(tree.source, node, "a scalar without a dtype");
  Array out;
  out.where = tree.where(node);
  out.source = tree.source;
  out.owner = tree.owner;
  out.type = std::move(*type);
  if (args.items.size() == 1) throw Error(Code::unsupported, out.where, "a scalar without a value");
  if (out.type.has_objects()) {
    out.objects = {args.items[1]};
  } else {
    auto bytes = bytes_of(*args.items[1], tree.source, tree.owner);
    if (!bytes) corrupt(tree.source, *args.items[1], "the value of a scalar is no bytes");
    set_array_data(out, std::move(*bytes));
  }
  return out.tensor();
}

NpyFile read_npy(Cursor& cursor) {
  NpyFile out;
  Array& array = out.array;
  array.where = cursor.where();
  array.source = cursor.source();
  const npy::Header header = npy::read_header(cursor);
  array.type = header.type;
  array.shape = header.shape;
  array.fortran = header.fortran;
  if (!array.type.has_objects()) {
    array.data = cursor.take(bytes_needed(array.type, array.shape));
    return out;
  }
  // numpy.save writes the flattened objects as one pickle of an array (format.py, write_array).
  out.tree = pickle::parse(cursor);
  const auto inner = as_array(*out.tree, *out.tree->root);
  if (!inner || !inner->type.has_objects()) throw Error(Code::corrupt, array.where, "the pickle in a .npy file is no array of objects");
  if (inner->count() != array.count())
    throw Error(Code::corrupt, array.where, format("{} objects for an array of {}", inner->count(), array.count()));
  array.objects = inner->objects;
  array.fortran = false;
  array.owner = out.tree->owner;
  return out;
}

}  // namespace decant::python
