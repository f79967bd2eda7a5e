// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/onnx_raw.h"

#include <algorithm>
#include <charconv>

#include "base/checked.h"
#include "ir/half.h"

namespace decant::onnx {
namespace {

using protobuf::Reader;

StringStringEntryProto parse_entry(Reader r) {
  StringStringEntryProto out;
  while (r.next()) {
    switch (r.field()) {
      case 1: out.key = r.text(); break;
      case 2: out.value = r.text(); break;
      default: break;
    }
  }
  return out;
}

TensorProto parse_tensor_message(Reader& r) {
  TensorProto out;
  out.offset = r.offset();
  while (r.next()) {
    switch (r.field()) {
      case 1: r.varints(out.dims); break;
      case 2: out.data_type = r.int64(); break;
      case 3: r.fail(Code::unsupported, "a tensor in segments");
      case 4: r.floats(out.float_data); break;
      case 5: r.varints(out.int32_data); break;
      case 6: out.string_data.push_back(r.text()); r.source().budget().charge(sizeof(std::string) + sizeof(std::string_view), "text of a tensor", r.source().where(r.offset())); break;
      case 7: r.varints(out.int64_data); break;
      case 8: out.name = r.text(); break;
      case 9: out.raw_data = r.blob(); break;
      case 10: r.doubles(out.double_data); break;
      case 11: r.varints(out.uint64_data); break;
      case 13: out.external_data.push_back(parse_entry(r.message())); break;
      case 14: out.data_location = r.int64(); break;
      default: break;
    }
  }
  if (out.dims.size() > 64) r.fail(Code::limit, format("a tensor of rank {}", out.dims.size()));
  return out;
}

SparseTensorProto parse_sparse_tensor(Reader r) {
  SparseTensorProto out;
  out.offset = r.offset();
  while (r.next()) {
    switch (r.field()) {
      case 1: {
        Reader t = r.message();
        out.values = parse_tensor_message(t);
        break;
      }
      case 2: {
        Reader t = r.message();
        out.indices = parse_tensor_message(t);
        break;
      }
      case 3: r.varints(out.dims); break;
      default: break;
    }
  }
  if (out.dims.size() > 64) r.fail(Code::limit, format("a tensor of rank {}", out.dims.size()));
  return out;
}

// TypeProto.Tensor and TypeProto.SparseTensor, which have the same fields.
void parse_tensor_type(Reader tensor, TypeProto& out) {
  while (tensor.next()) {
    if (tensor.field() == 1) out.elem_type = tensor.int64();
    if (tensor.field() != 2) continue;
    out.has_shape = true;
    Reader shape = tensor.message();
    while (shape.next()) {
      if (shape.field() != 1) continue;
      Reader d = shape.message();
      Dimension dim;
      while (d.next()) {
        if (d.field() == 1) dim.dim_value = d.int64();
        if (d.field() == 2) dim.dim_param = d.text();
      }
      if (out.shape.size() >= 64) d.fail(Code::limit, "a shape of more than 64 dimensions");
      out.shape.push_back(dim);
    }
  }
}

TypeProto parse_type(Reader r) {
  TypeProto out;
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.kind = TypeProto::tensor;
        parse_tensor_type(r.message(), out);
        break;
      case 4: {
        out.kind = TypeProto::sequence;
        Reader sequence = r.message();
        while (sequence.next()) {
          if (sequence.field() != 1) continue;
          if (const TypeProto element = parse_type(sequence.message()); element.kind == TypeProto::tensor) out.elem_type = element.elem_type;
        }
        break;
      }
      case 5: out.kind = TypeProto::map; break;
      case 8:
        out.kind = TypeProto::sparse_tensor;
        parse_tensor_type(r.message(), out);
        break;
      case 9: out.kind = TypeProto::optional; break;
      default: break;
    }
  }
  return out;
}

ValueInfoProto parse_value_info(Reader r) {
  ValueInfoProto out;
  while (r.next()) {
    if (r.field() == 1) out.name = r.text();
    if (r.field() == 2) out.type = parse_type(r.message());
  }
  return out;
}

GraphProto parse_graph(Reader r);

AttributeProto parse_attribute(Reader r) {
  AttributeProto out;
  std::int64_t seen = AttributeProto::UNDEFINED;  // files of IR version 1 state no type: it follows from the field that is there
  while (r.next()) {
    switch (r.field()) {
      case 1: out.name = r.text(); break;
      case 21: out.ref_attr_name = r.text(); break;
      case 20: out.type = r.int64(); break;
      case 2: out.f = r.fixed_float(); seen = AttributeProto::FLOAT; break;
      case 3: out.i = r.int64(); seen = AttributeProto::INT; break;
      case 4: out.s = r.text(); seen = AttributeProto::STRING; break;
      case 5: {
        Reader t = r.message();
        out.t = parse_tensor_message(t);
        seen = AttributeProto::TENSOR;
        break;
      }
      case 22:
        out.sparse_tensor = parse_sparse_tensor(r.message());
        seen = AttributeProto::SPARSE_TENSOR;
        break;
      case 6:
        if (!out.g.empty()) r.fail(Code::corrupt, "an attribute holds two graphs");
        out.g.push_back(parse_graph(r.message()));
        seen = AttributeProto::GRAPH;
        break;
      case 7: r.floats(out.floats); seen = AttributeProto::FLOATS; break;
      case 8: r.varints(out.ints); seen = AttributeProto::INTS; break;
      case 9:
        out.strings.push_back(r.text());
        r.source().budget().charge(sizeof(std::string) + sizeof(std::string_view), "text of an attribute", r.source().where(r.offset()));
        seen = AttributeProto::STRINGS;
        break;
      default: break;
    }
  }
  if (out.type == AttributeProto::UNDEFINED && out.ref_attr_name.empty()) out.type = seen;
  return out;
}

NodeProto parse_node(Reader r, std::uint64_t offset) {
  NodeProto out;
  out.offset = offset;
  while (r.next()) {
    switch (r.field()) {
      case 1: out.input.push_back(r.text()); break;
      case 2: out.output.push_back(r.text()); break;
      case 3: out.name = r.text(); break;
      case 4: out.op_type = r.text(); break;
      case 5: out.attribute.push_back(parse_attribute(r.message())); break;
      case 7: out.domain = r.text(); break;
      case 8: out.overload = r.text(); break;
      default: break;
    }
  }
  r.source().budget().charge(sizeof(NodeProto) + (out.input.size() + out.output.size()) * sizeof(std::string_view) + out.attribute.size() * sizeof(AttributeProto),
                             "a node", r.source().where(offset));
  return out;
}

GraphProto parse_graph(Reader r) {
  GraphProto out;
  out.offset = r.offset();
  while (r.next()) {
    switch (r.field()) {
      case 1: {
        const std::uint64_t at = r.offset();
        out.node.push_back(parse_node(r.message(), at));
        break;
      }
      case 2: out.name = r.text(); break;
      case 5: {
        const std::uint64_t at = r.offset();
        Reader t = r.message();
        out.initializer.push_back(parse_tensor_message(t));
        out.initializer.back().offset = at;
        break;
      }
      case 11: out.input.push_back(parse_value_info(r.message())); break;
      case 12: out.output.push_back(parse_value_info(r.message())); break;
      case 13: out.value_info.push_back(parse_value_info(r.message())); break;
      case 15: out.sparse_initializer.push_back(parse_sparse_tensor(r.message())); break;
      default: break;
    }
  }
  return out;
}

OperatorSetIdProto parse_opset(Reader r) {
  OperatorSetIdProto out;
  while (r.next()) {
    if (r.field() == 1) out.domain = r.text();
    if (r.field() == 2) out.version = r.int64();
  }
  return out;
}

FunctionProto parse_function(Reader r) {
  FunctionProto out;
  while (r.next()) {
    switch (r.field()) {
      case 1: out.name = r.text(); break;
      case 4: out.input.push_back(r.text()); break;
      case 5: out.output.push_back(r.text()); break;
      case 6: out.attribute.push_back(r.text()); break;
      case 7: {
        const std::uint64_t at = r.offset();
        out.node.push_back(parse_node(r.message(), at));
        break;
      }
      case 9: out.opset_import.push_back(parse_opset(r.message())); break;
      case 10: out.domain = r.text(); break;
      case 11: out.attribute_proto.push_back(parse_attribute(r.message())); break;
      case 13: out.overload = r.text(); break;
      default: break;
    }
  }
  return out;
}

Where place(const TensorProto& t, const Source& source) { return source.where(t.offset, format("tensor {}", t.name.empty() ? "?" : printable(t.name, 80))); }

std::uint64_t number(const TensorProto& t, const Source& source, std::string_view key, std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc{} || end != text.data() + text.size()) {
    throw Error(Code::corrupt, place(t, source), format("external data states {} = \"{}\"", key, printable(text, 40)));
  }
  return out;
}

Blob external(const TensorProto& t, const Source& source, std::uint64_t needed) {
  std::string_view location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  for (const StringStringEntryProto& e : t.external_data) {
    if (e.key == "location") location = e.value;
    if (e.key == "offset") offset = number(t, source, e.key, e.value);
    if (e.key == "length") length = number(t, source, e.key, e.value);
  }
  if (leads_elsewhere(location)) {
    throw Error(Code::unsafe, place(t, source), format("its data is in \"{}\", which is not beside the model", printable(location, 100)));
  }
  const std::optional<Source> file = source.sibling(location);
  if (!file) throw Error(Code::io, place(t, source), format("its data is in {}, which is not there", printable(location, 100)));
  if (length && *length != needed) throw Error(Code::corrupt, place(t, source), format("external data of {} bytes, the shape needs {}", *length, needed));
  if (offset > file->size() || needed > file->size() - offset) {
    throw Error(Code::truncated, place(t, source), format("needs {} bytes from {} on of {}, which has {}", needed, offset, printable(location, 100), file->size()));
  }
  return file->data().slice(offset, needed);
}

// Numbers that stand one by one in a field of their own, cut to the element type (onnx.proto, TensorProto.int32_data).
template <class T, class From>
Tensor cut(Shape shape, const std::vector<From>& from) {
  Tensor out(dtype_of<T>, std::move(shape));
  const std::span<T> to = out.mutable_data<T>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(from[i]);
  return out;
}
// Elements of fewer than 8 bits, packed from the lowest bit of the first byte on, as one byte each. What is padding is not looked at.
Tensor unpacked(DType dtype, Shape shape, Bytes packed) {
  std::byte* to = nullptr;
  const unsigned bits = bits_of(dtype), mask = (1u << bits) - 1;
  const std::size_t count = count_of(shape);
  Blob blob = Blob::allocate(count, to);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * bits / 8;
    unsigned pair = std::to_integer<unsigned>(packed[at]);
    if (at + 1 < packed.size()) pair |= std::to_integer<unsigned>(packed[at + 1]) << 8;
    to[i] = static_cast<std::byte>((pair >> (i * bits % 8)) & mask);
  }
  return {dtype, std::move(shape), std::move(blob)};
}

// 16-bit floating-point numbers stand there as their bits.
Tensor halves(DType dtype, Shape shape, const std::vector<std::int64_t>& from) {
  Tensor bits = cut<std::uint16_t>(shape, from);
  return {dtype, std::move(shape), bits.blob()};
}

}  // namespace

ModelProto parse_model(const Source& source) {
  Reader r(source);
  ModelProto out;
  while (r.next()) {
    switch (r.field()) {
      case 1: out.ir_version = r.int64(); break;
      case 2: out.producer_name = r.text(); break;
      case 3: out.producer_version = r.text(); break;
      case 4: out.domain = r.text(); break;
      case 7:
        if (out.graph) r.fail(Code::corrupt, "the file holds two graphs");
        out.graph = parse_graph(r.message());
        break;
      case 8: out.opset_import.push_back(parse_opset(r.message())); break;
      case 14: out.metadata_props.push_back(parse_entry(r.message())); break;
      case 25: out.functions.push_back(parse_function(r.message())); break;
      default: break;
    }
  }
  if (!out.graph) throw Error(Code::corrupt, source.where(source.size()), "the file holds no graph");
  return out;
}

TensorProto parse_tensor(const Source& source) {
  Reader r(source);
  return parse_tensor_message(r);
}

bool leads_elsewhere(std::string_view location) {
  if (location.empty() || location.front() == '/' || location.find('\\') != std::string_view::npos || location.find('\0') != std::string_view::npos) return true;
  if (location.find("://") != std::string_view::npos || (location.size() > 1 && location[1] == ':')) return true;
  for (std::size_t at = 0; at <= location.size();) {
    const std::size_t end = std::min(location.find('/', at), location.size());
    const std::string_view part = location.substr(at, end - at);
    // "..", and "...." as well, which a careless cleaning of ".." turns into it.
    if (part.size() > 1 && part.find_first_not_of('.') == std::string_view::npos) return true;
    at = end + 1;
  }
  return false;
}

Tensor to_tensor(const TensorProto& t, const Source& source) {
  const auto refuse = [&](Code code, const std::string& text) { return Error(code, place(t, source), text); };
  if (t.data_type <= 0 || t.data_type > static_cast<std::int64_t>(kLastElementType)) throw refuse(Code::unsupported, format("element type {}", t.data_type));
  const auto dtype = static_cast<DType>(t.data_type);
  for (const std::int64_t d : t.dims) {
    // A dimension of zero must not hide a senseless one beside it.
    if (d < 0 || d > (std::int64_t{1} << 48)) throw refuse(Code::corrupt, format("dimension {}", d));
  }
  const Shape shape = t.dims;
  const std::uint64_t count = count_of(shape);
  if (dtype == DType::string) {
    if (t.string_data.size() != count) throw refuse(Code::corrupt, format("{} strings for shape {}", t.string_data.size(), text_of(shape)));
    Tensor out(dtype, shape);
    std::copy(t.string_data.begin(), t.string_data.end(), out.mutable_data<std::string>().begin());
    return out;
  }
  const bool packed = bits_of(dtype) < 8;
  const std::uint64_t bytes = packed ? sat_add(sat_mul(count, bits_of(dtype)), 7) / 8 : sat_mul(count, size_of(dtype));
  const std::optional<Blob> blob = t.data_location == 1 ? std::optional(external(t, source, bytes)) : t.raw_data;
  if (blob) {
    if (blob->size() != bytes) throw refuse(Code::corrupt, format("shape {} of {} needs {} bytes, there are {}", text_of(shape), name_of(dtype), bytes, blob->size()));
    if (dtype == DType::boolean) {  // anything but 0 and 1 is no bool in C++
      for (const std::byte b : blob->bytes) {
        if (b != std::byte{0} && b != std::byte{1}) throw refuse(Code::corrupt, format("a truth value of {}", static_cast<int>(b)));
      }
    }
    if (packed) {
      source.budget().charge(count, "a tensor of packed elements", place(t, source));
      return unpacked(dtype, shape, blob->bytes);
    }
    if (reinterpret_cast<std::uintptr_t>(blob->bytes.data()) % std::min<std::size_t>(size_of(dtype), 8) != 0) {
      source.budget().charge(blob->size(), "a tensor that is not aligned", place(t, source));
    }
    return {dtype, shape, *blob};
  }
  const auto have = [&](std::size_t n) {
    if (n != count) throw refuse(Code::corrupt, format("{} numbers for shape {}", n, text_of(shape)));
    source.budget().charge(bytes, "a tensor", place(t, source));
  };
  switch (dtype) {
    case DType::float32: have(t.float_data.size()); return Tensor::of<float>(shape, t.float_data);
    case DType::float64: have(t.double_data.size()); return Tensor::of<double>(shape, t.double_data);
    case DType::int64: have(t.int64_data.size()); return Tensor::of<std::int64_t>(shape, t.int64_data);
    case DType::uint64: have(t.uint64_data.size()); return cut<std::uint64_t>(shape, t.uint64_data);
    case DType::uint32: have(t.uint64_data.size()); return cut<std::uint32_t>(shape, t.uint64_data);
    case DType::int32: have(t.int32_data.size()); return cut<std::int32_t>(shape, t.int32_data);
    case DType::int16: have(t.int32_data.size()); return cut<std::int16_t>(shape, t.int32_data);
    case DType::uint16: have(t.int32_data.size()); return cut<std::uint16_t>(shape, t.int32_data);
    case DType::int8: have(t.int32_data.size()); return cut<std::int8_t>(shape, t.int32_data);
    case DType::uint8: have(t.int32_data.size()); return cut<std::uint8_t>(shape, t.int32_data);
    case DType::boolean: have(t.int32_data.size()); return cut<bool>(shape, t.int32_data);
    case DType::float16: case DType::bfloat16: have(t.int32_data.size()); return halves(dtype, shape, t.int32_data);
    case DType::float8e4m3fn: case DType::float8e4m3fnuz: case DType::float8e5m2: case DType::float8e5m2fnuz: case DType::float8e8m0:
    case DType::float6e2m3: case DType::float6e3m2:  // one to an entry, as their bits
      have(t.int32_data.size());
      return {dtype, shape, cut<std::uint8_t>(shape, t.int32_data).blob()};
    case DType::int4: case DType::uint4: case DType::float4e2m1: case DType::int2: case DType::uint2: {  // a byte of packed ones to an entry
      if (t.int32_data.size() != bytes) throw refuse(Code::corrupt, format("{} bytes of packed elements for shape {}", t.int32_data.size(), text_of(shape)));
      source.budget().charge(sat_add(count, bytes), "a tensor", place(t, source));
      return unpacked(dtype, shape, cut<std::uint8_t>(Shape{static_cast<std::int64_t>(bytes)}, t.int32_data).blob().bytes);
    }
    case DType::complex64: {
      if (t.float_data.size() != sat_mul(count, 2)) throw refuse(Code::corrupt, format("{} numbers for shape {}", t.float_data.size(), text_of(shape)));
      source.budget().charge(bytes, "a tensor", place(t, source));
      return {dtype, shape, Blob::copy_of(std::as_bytes(std::span(t.float_data)))};
    }
    case DType::complex128: {
      if (t.double_data.size() != sat_mul(count, 2)) throw refuse(Code::corrupt, format("{} numbers for shape {}", t.double_data.size(), text_of(shape)));
      source.budget().charge(bytes, "a tensor", place(t, source));
      return {dtype, shape, Blob::copy_of(std::as_bytes(std::span(t.double_data)))};
    }
    default: throw refuse(Code::unsupported, format("elements of {} outside raw_data", name_of(dtype)));
  }
}

Tensor to_tensor(const SparseTensorProto& proto, const Source& source) {
  const Tensor values = to_tensor(proto.values, source), indices = to_tensor(proto.indices, source);
  const auto refuse = [&](const std::string& text) {
    return Error(Code::corrupt, source.where(proto.offset, format("sparse tensor {}", printable(proto.values.name, 80))), text);
  };
  for (const std::int64_t d : proto.dims) {
    if (d < 0 || d > (std::int64_t{1} << 48)) throw refuse(format("dimension {}", d));
  }
  const Shape& shape = proto.dims;
  const std::uint64_t count = count_of(shape), width = sat_mul(count, size_of(values.dtype()));
  if (values.rank() != 1) throw refuse(format("values of shape {}", text_of(values.shape())));
  const auto n = values.size();
  const bool tuples = indices.rank() == 2;
  if (indices.dtype() != DType::int64 || indices.rank() > 2 || indices.rank() == 0 || static_cast<std::size_t>(indices.dim(0)) != n ||
      (tuples && static_cast<std::size_t>(indices.dim(1)) != shape.size())) {
    throw refuse(format("{}{} as indices of {} values of shape {}", name_of(indices.dtype()), text_of(indices.shape()), n, text_of(shape)));
  }
  source.budget().charge(width, "a sparse tensor made dense", source.where(proto.offset));
  Tensor out(values.dtype(), shape);
  const std::size_t item = size_of(values.dtype());
  auto* to = const_cast<std::byte*>(out.blob().bytes.data());
  if (out.dtype() != DType::string) std::fill_n(to, width, std::byte{0});
  const std::span<const std::int64_t> at = indices.data<std::int64_t>();
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t place = 0;
    if (tuples) {
      for (std::size_t d = 0; d < shape.size(); ++d) {
        const std::int64_t k = at[i * shape.size() + d];
        if (k < 0 || k >= shape[d]) throw refuse(format("index {} of a dimension of {}", k, shape[d]));
        place = place * static_cast<std::uint64_t>(shape[d]) + static_cast<std::uint64_t>(k);
      }
    } else {
      if (at[i] < 0 || static_cast<std::uint64_t>(at[i]) >= count) throw refuse(format("index {} of {} elements", at[i], count));
      place = static_cast<std::uint64_t>(at[i]);
    }
    if (out.dtype() == DType::string) out.mutable_data<std::string>()[place] = values.data<std::string>()[i];
    else std::copy_n(values.blob().bytes.data() + i * item, item, to + place * item);
  }
  return out;
}

}  // namespace decant::onnx
