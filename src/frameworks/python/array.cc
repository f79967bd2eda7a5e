// SPDX-License-Identifier: Apache-2.0
// From an array as it stands in a file to a Tensor: row-major, native byte order, and a view where it already is.
#include <array>
#include <bit>

#include "base/checked.h"
#include "base/text.h"
#include "codecs/pickle/literals.h"
#include "frameworks/python/numpy.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;

namespace {

DType dtype_for(const npy::Type& type) {
  const auto sized = [&](std::initializer_list<std::pair<std::uint32_t, DType>> sizes) {
    for (const auto& [size, dtype] : sizes) {
      if (size == type.itemsize) return dtype;
    }
    return DType::undefined;
  };
  switch (type.kind) {
    case 'b':
      return DType::boolean;
    case 'i':
      return sized({{1, DType::int8}, {2, DType::int16}, {4, DType::int32}, {8, DType::int64}});
    case 'u':
      return sized({{1, DType::uint8}, {2, DType::uint16}, {4, DType::uint32}, {8, DType::uint64}});
    case 'f':
      return sized({{2, DType::float16}, {4, DType::float32}, {8, DType::float64}});
    case 'c':
      return sized({{8, DType::complex64}, {16, DType::complex128}});
    case 'm':
    case 'M':
      return DType::int64;
    case 'S':
    case 'U':
      return DType::string;
    default:
      return DType::undefined;
  }
}

// Calls visit(k) with the position in Fortran order of each element, in row-major order of the elements.
template <class Visit>
void in_rows(const Shape& shape, bool fortran, std::uint64_t count, Visit visit) {
  if (!fortran || shape.size() < 2) {
    for (std::uint64_t k = 0; k < count; ++k) visit(k);
    return;
  }
  const std::size_t rank = shape.size();
  std::vector<std::uint64_t> stride(rank, 1), index(rank, 0);
  for (std::size_t i = 1; i < rank; ++i) stride[i] = stride[i - 1] * static_cast<std::uint64_t>(shape[i - 1]);
  const auto columns = static_cast<std::uint64_t>(shape[rank - 1]);
  for (std::uint64_t done = 0; done < count; done += columns) {
    std::uint64_t base = 0;
    for (std::size_t i = 0; i + 1 < rank; ++i) base += index[i] * stride[i];
    for (std::uint64_t c = 0; c < columns; ++c) visit(base + c * stride[rank - 1]);
    for (std::size_t i = rank - 1; i-- > 0;) {
      if (++index[i] < static_cast<std::uint64_t>(shape[i])) break;
      index[i] = 0;
    }
  }
}

template <std::size_t kSize>
void copy_rows(const Array& array, std::byte* out) {
  const std::byte* in = array.data.bytes.data();
  in_rows(array.shape, array.fortran, array.count(), [&](std::uint64_t k) {
    std::memcpy(out, in + k * kSize, kSize);
    out += kSize;
  });
}

void swap_bytes(std::byte* data, std::uint64_t bytes, std::size_t size) {
  for (std::uint64_t at = 0; at < bytes; at += size) {
    for (std::size_t i = 0; i < size / 2; ++i) std::swap(data[at + i], data[at + size - 1 - i]);
  }
}

// NumPy pads texts with NUL and drops all of them at the end when it reads one.
std::string text_at(const Array& array, std::uint64_t k) {
  const Bytes raw = array.data.bytes.subspan(k * array.type.itemsize, array.type.itemsize);
  std::string out;
  if (array.type.kind == 'S') {
    out = as_text(raw);
    out.resize(out.find_last_not_of('\0') + 1);
    return out;
  }
  std::size_t n = raw.size() / 4;
  const auto code = [&](std::size_t i) {
    std::uint32_t c = 0;
    for (std::size_t b = 0; b < 4; ++b) c = c << 8 | std::to_integer<std::uint32_t>(raw[4 * i + (array.type.big_endian ? b : 3 - b)]);
    return c;
  };
  while (n > 0 && code(n - 1) == 0) --n;
  for (std::size_t i = 0; i < n; ++i) {
    if (code(i) > 0x10FFFF) throw Error(Code::corrupt, array.where, format("a text holds the code point {:#x}, beyond Unicode", code(i)));
    pickle::append_utf8(code(i), out);
  }
  return out;
}

Tensor strings(const Array& array) {
  array.source.budget().charge(sat_add(sat_mul(array.count(), sizeof(std::string)), array.data.size()), "an array of texts", array.where);
  Tensor out(DType::string, array.shape);
  std::string* to = out.mutable_data<std::string>().data();
  in_rows(array.shape, array.fortran, array.count(), [&](std::uint64_t k) { *to++ = text_at(array, k); });
  return out;
}

// A NumPy scalar among objects is read as the number or text that it is.
struct Object {
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
};

Object object_of(const Array& array, const Node& node) {
  Object out;
  out.kind = node.kind;
  if (node.is_text()) {
    out.kind = Kind::text;
    out.text = node.text();
  } else if (node.kind == Kind::integer || node.kind == Kind::boolean) {
    out.integer = node.integer;
  } else if (node.kind == Kind::real) {
    out.real = node.real;
  } else if (node.kind == Kind::call) {
    pickle::Tree tree;
    tree.source = array.source;
    tree.owner = array.owner;
    const auto scalar = as_scalar(tree, node);
    if (!scalar) return out;
    if (scalar->dtype() == DType::string) {
      out.kind = Kind::text;
      out.text = scalar->data<std::string>()[0];
    } else if (is_float(scalar->dtype())) {
      out.kind = Kind::real;
      out.real = scalar->number(0);
    } else if (is_integer(scalar->dtype()) || scalar->dtype() == DType::boolean) {
      out.kind = scalar->dtype() == DType::boolean ? Kind::boolean : Kind::integer;
      out.integer = scalar->integer(0);
    }
  }
  return out;
}

Tensor from_objects(const Array& array) {
  if (array.objects.size() != array.count()) throw Error(Code::corrupt, array.where, "an array of objects lacks them");
  const Kind first = array.objects.empty() ? Kind::text : object_of(array, *array.objects[0]).kind;
  const DType dtype = first == Kind::text      ? DType::string
                      : first == Kind::integer ? DType::int64
                      : first == Kind::real    ? DType::float64
                      : first == Kind::boolean ? DType::boolean
                                               : DType::undefined;
  if (dtype == DType::undefined) throw Error(Code::unsupported, array.where, "an array of objects that are neither texts nor numbers");
  array.source.budget().charge(sat_mul(array.count(), size_of(dtype)), "an array of objects", array.where);
  Tensor out(dtype, array.shape);
  std::uint64_t to = 0;
  in_rows(array.shape, array.fortran, array.count(), [&](std::uint64_t k) {
    Object object = object_of(array, *array.objects[k]);
    if (object.kind != first) throw Error(Code::unsupported, array.where, "an array of objects of several types");
    switch (first) {
      case Kind::text:
        array.source.budget().charge(object.text.size(), "an array of texts", array.where);
        out.mutable_data<std::string>()[to++] = std::move(object.text);
        break;
      case Kind::integer:
        out.mutable_data<std::int64_t>()[to++] = object.integer;
        break;
      case Kind::real:
        out.mutable_data<double>()[to++] = object.real;
        break;
      default:
        out.mutable_data<bool>()[to++] = object.integer != 0;
    }
  });
  return out;
}

}  // namespace

std::uint64_t Array::count() const { return count_of(shape); }

Tensor Array::tensor() const {
  if (type.kind == 'O') return from_objects(*this);
  const DType dtype = dtype_for(type);
  if (dtype == DType::undefined)
    throw Error(Code::unsupported, where, format("arrays of type {} are not read", printable(type.text(), 60)));
  if (dtype == DType::string) return strings(*this);
  const std::size_t size = type.itemsize;
  bool transposed = false;
  if (fortran) {
    std::size_t long_dimensions = 0;
    for (const std::int64_t d : shape) long_dimensions += d > 1;
    transposed = long_dimensions > 1 && count() != 0;
  }
  const bool swapped = size > 1 && type.big_endian != (std::endian::native == std::endian::big);
  bool odd_boolean = false;
  if (dtype == DType::boolean) {
    for (const std::byte b : data.bytes) odd_boolean = odd_boolean || std::to_integer<unsigned>(b) > 1;
  }
  if (!transposed && !swapped && !odd_boolean) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(data.bytes.data()) % std::min<std::size_t>(size, 8) == 0;
    if (!aligned) source.budget().charge(data.size(), "an array", where);
    return Tensor(dtype, shape, data);
  }
  source.budget().charge(data.size(), "an array", where);
  std::byte* out = nullptr;
  Blob copy = Blob::allocate(data.size(), out);
  if (transposed) {
    switch (size) {
      case 1:
        copy_rows<1>(*this, out);
        break;
      case 2:
        copy_rows<2>(*this, out);
        break;
      case 4:
        copy_rows<4>(*this, out);
        break;
      case 8:
        copy_rows<8>(*this, out);
        break;
      default:
        copy_rows<16>(*this, out);
    }
  } else if (!data.bytes.empty()) {
    std::memcpy(out, data.bytes.data(), data.size());
  }
  if (swapped) swap_bytes(out, data.size(), type.kind == 'c' ? size / 2 : size);
  if (odd_boolean) {
    for (std::size_t i = 0; i < data.size(); ++i) out[i] = std::byte{out[i] != std::byte{0}};
  }
  return Tensor(dtype, shape, std::move(copy));
}

}  // namespace decant::python
