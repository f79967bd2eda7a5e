// SPDX-License-Identifier: Apache-2.0
// numpy/lib/format.py (NumPy 2.1, "Format Version 1.0" … "3.0"): 6 bytes of magic, 2 of version, the header's length (2 bytes little
// endian in 1.0, 4 after), then a Python literal, padded with spaces and ended by a newline. Data follow in C or Fortran order.
#include "codecs/npy/npy.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/checked.h"
#include "base/text.h"
#include "codecs/npy/literal.h"

namespace decant::npy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// NumPy itself refuses headers of more than 10,000 bytes unless told to trust the file; tables of a few thousand columns need more.
constexpr std::uint64_t kMostHeader = std::uint64_t{1} << 20;

struct Named {
  std::string_view name;
  char kind;
  std::uint32_t itemsize;
};

// numpy.dtype("…") by name (numpy/_core/_type_aliases.py, numpy/_core/numerictypes.py); sizes of the C types are those of LP64.
constexpr Named kNames[] = {
    {"bool", 'b', 1},        {"bool_", 'b', 1},     {"bool8", 'b', 1},        {"int8", 'i', 1},        {"byte", 'i', 1},
    {"uint8", 'u', 1},       {"ubyte", 'u', 1},     {"int16", 'i', 2},        {"short", 'i', 2},       {"uint16", 'u', 2},
    {"ushort", 'u', 2},      {"int32", 'i', 4},     {"intc", 'i', 4},         {"uint32", 'u', 4},      {"uintc", 'u', 4},
    {"int64", 'i', 8},       {"int", 'i', 8},       {"int_", 'i', 8},         {"intp", 'i', 8},        {"long", 'i', 8},
    {"longlong", 'i', 8},    {"uint64", 'u', 8},    {"uint", 'u', 8},         {"uintp", 'u', 8},       {"ulong", 'u', 8},
    {"ulonglong", 'u', 8},   {"float16", 'f', 2},   {"half", 'f', 2},         {"float32", 'f', 4},     {"single", 'f', 4},
    {"float64", 'f', 8},     {"float", 'f', 8},     {"float_", 'f', 8},       {"double", 'f', 8},      {"longdouble", 'f', 16},
    {"float128", 'f', 16},   {"complex64", 'c', 8}, {"csingle", 'c', 8},      {"complex128", 'c', 16}, {"complex", 'c', 16},
    {"complex_", 'c', 16},   {"cdouble", 'c', 16},  {"clongdouble", 'c', 32}, {"complex256", 'c', 32}, {"object", 'O', 8},
    {"object_", 'O', 8},     {"str", 'U', 0},       {"str_", 'U', 0},         {"unicode", 'U', 0},     {"unicode_", 'U', 0},
    {"bytes", 'S', 0},       {"bytes_", 'S', 0},    {"string_", 'S', 0},      {"void", 'V', 0},        {"datetime64", 'M', 8},
    {"timedelta64", 'm', 8},
};

// One-character codes (numpy.typecodes), which are not the kinds: dtype("b") is int8, dtype("b1") a boolean.
constexpr Named kCodes[] = {
    {"?", 'b', 1}, {"b", 'i', 1}, {"B", 'u', 1},  {"h", 'i', 2}, {"H", 'u', 2},  {"i", 'i', 4},  {"I", 'u', 4},
    {"l", 'i', 8}, {"L", 'u', 8}, {"q", 'i', 8},  {"Q", 'u', 8}, {"p", 'i', 8},  {"P", 'u', 8},  {"e", 'f', 2},
    {"f", 'f', 4}, {"d", 'f', 8}, {"g", 'f', 16}, {"F", 'c', 8}, {"D", 'c', 16}, {"G", 'c', 32}, {"O", 'O', 8},
    {"S", 'S', 0}, {"a", 'S', 0}, {"U", 'U', 0},  {"V", 'V', 0}, {"M", 'M', 8},  {"m", 'm', 8},  {"c", 'S', 1},
};

bool valid_size(char kind, std::uint32_t size) {
  switch (kind) {
    case 'b':
      return size == 1;
    case 'i':
    case 'u':
      return size == 1 || size == 2 || size == 4 || size == 8;
    case 'f':
      return size == 2 || size == 4 || size == 8 || size == 12 || size == 16;
    case 'c':
      return size == 8 || size == 16 || size == 24 || size == 32;
    case 'O':
      return size == 4 || size == 8;
    case 'M':
    case 'm':
      return size == 8;
    default:
      return true;
  }
}

Type type_from(const Literal& descr, const Source& source, std::uint64_t offset, std::uint32_t depth);

std::vector<std::int64_t> shape_from(const Literal& shape, const Where& where) {
  const Literal one[1] = {shape};
  const std::span<const Literal> items = shape.is(Literal::Kind::tuple) || shape.is(Literal::Kind::list)
                                             ? std::span<const Literal>(shape.items)
                                             : std::span<const Literal>(one);
  std::vector<std::int64_t> out;
  for (const Literal& item : items) {
    if (!item.is(Literal::Kind::integer) || item.integer < 0)
      throw Error(Code::corrupt, where, "the shape of an array has a dimension that is no count");
    out.push_back(item.integer);
  }
  return out;
}

// [('name', '<f8'), (('title', 'name'), '<i4', (2, 3)), …], as numpy.lib.format.dtype_to_descr writes it.
Type structure_from(const Literal& fields, const Source& source, std::uint64_t offset, std::uint32_t depth) {
  const Where where = source.where(offset);
  Type out;
  out.kind = 'V';
  std::uint64_t size = 0;
  for (const Literal& item : fields.items) {
    if (!item.is(Literal::Kind::tuple) || item.items.size() < 2 || item.items.size() > 3)
      throw Error(Code::corrupt, where, "a field of a structure is no (name, type)");
    const Literal& name =
        item.items[0].is(Literal::Kind::tuple) && item.items[0].items.size() == 2 ? item.items[0].items[1] : item.items[0];
    if (!name.is(Literal::Kind::text)) throw Error(Code::corrupt, where, "a field of a structure has no name");
    Type::Field field{name.text, type_from(item.items[1], source, offset, depth + 1), static_cast<std::uint32_t>(size)};
    if (item.items.size() == 3) {
      field.type.subshape = shape_from(item.items[2], where);
      std::uint64_t bytes = field.type.itemsize;
      for (const std::int64_t d : field.type.subshape) bytes = sat_mul(bytes, static_cast<std::uint64_t>(d));
      if (bytes > std::numeric_limits<std::uint32_t>::max()) throw Error(Code::corrupt, where, "a structure of more than 4 GiB");
      field.type.itemsize = static_cast<std::uint32_t>(bytes);
    }
    size += field.type.itemsize;
    if (size > std::numeric_limits<std::uint32_t>::max()) throw Error(Code::corrupt, where, "a structure of more than 4 GiB");
    out.fields.push_back(std::move(field));
  }
  out.itemsize = static_cast<std::uint32_t>(size);
  return out;
}

Type type_from(const Literal& descr, const Source& source, std::uint64_t offset, std::uint32_t depth) {
  source.budget().check_depth(depth, source.where(offset));
  if (descr.is(Literal::Kind::text)) return parse_type(descr.text, source.where(offset));
  if (descr.is(Literal::Kind::list)) return structure_from(descr, source, offset, depth);
  throw Error(Code::corrupt, source.where(offset), "the header's \"descr\" is no type");
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "(";
  for (const std::int64_t d : shape) out += format("{}, ", d);
  if (shape.size() == 1) out.pop_back();
  if (shape.size() > 1) out.resize(out.size() - 2);
  return out + ")";
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

// Structures print as lists; a Type nests only as deep as the reader's depth limit let it.
std::string descr_text(const Type& type) { return type.fields.empty() ? quoted(type.text()) : type.text(); }

}  // namespace

std::string Type::text() const {
  if (!fields.empty()) {
    std::string out = "[";
    for (const Field& field : fields) {
      if (out.size() > 1) out += ", ";
      Type element = field.type;
      std::uint64_t count = 1;
      for (const std::int64_t d : element.subshape) count = sat_mul(count, static_cast<std::uint64_t>(d));
      if (count != 0 && !element.subshape.empty()) element.itemsize = static_cast<std::uint32_t>(element.itemsize / count);
      element.subshape.clear();
      out += format("({}, {}", quoted(field.name), descr_text(element));
      if (!field.type.subshape.empty()) out += ", " + shape_text(field.type.subshape);
      out += ")";
    }
    return out + "]";
  }
  const char order = itemsize == 1 || kind == 'S' || kind == 'V' || kind == 'O' ? '|' : big_endian ? '>' : '<';
  if (kind == 'O') return "|O";
  const std::uint32_t size = kind == 'U' ? itemsize / 4 : itemsize;
  return format("{}{}{}{}", order, kind, size, unit.empty() ? "" : "[" + unit + "]");
}

bool Type::has_objects() const {
  return kind == 'O' || std::any_of(fields.begin(), fields.end(), [](const Field& f) { return f.type.has_objects(); });
}

Type parse_type(std::string_view text, const Where& where) {
  const auto fail = [&]() -> Error { return Error(Code::corrupt, where, format("\"{}\" is no NumPy type", printable(text, 60))); };
  Type out;
  std::string_view rest = text;
  if (!rest.empty() && std::string_view("<>|=").find(rest.front()) != std::string_view::npos) {
    out.big_endian = rest.front() == '>';
    rest.remove_prefix(1);
  }
  if (rest.ends_with(']')) {
    const std::size_t open = rest.find('[');
    if (open == std::string_view::npos) throw fail();
    out.unit = std::string(rest.substr(open + 1, rest.size() - open - 2));
    rest = rest.substr(0, open);
  }
  const auto take = [&](const Named& named) {
    out.kind = named.kind;
    out.itemsize = named.itemsize;
  };
  const auto known = [&](const Named& n) { return n.name == rest; };
  if (const auto* code = std::find_if(std::begin(kCodes), std::end(kCodes), known); code != std::end(kCodes)) {
    take(*code);
  } else if (const auto* name = std::find_if(std::begin(kNames), std::end(kNames), known); name != std::end(kNames)) {
    take(*name);
  } else {
    if (rest.size() < 2) throw fail();
    std::uint32_t size = 0;
    const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), size);
    if (error != std::errc() || end != rest.data() + rest.size()) throw fail();
    out.kind = rest[0] == 'a' ? 'S' : rest[0];
    if (std::string_view("biufcSUVmMO").find(out.kind) == std::string_view::npos) throw fail();
    if (out.kind == 'U') {
      if (size > std::numeric_limits<std::uint32_t>::max() / 4) throw fail();
      size *= 4;
    }
    if (!valid_size(out.kind, size)) throw fail();
    out.itemsize = size;
  }
  if (!out.unit.empty() && out.kind != 'M' && out.kind != 'm') throw fail();
  if (out.itemsize == 1 || out.kind == 'S' || out.kind == 'V' || out.kind == 'O') out.big_endian = false;
  return out;
}

bool looks_like(Bytes first) { return as_text(first).starts_with(kMagic); }

Header read_header(Cursor& cursor) {
  const std::uint64_t start = cursor.offset();
  if (cursor.text(std::min<std::uint64_t>(kMagic.size(), cursor.left())) != kMagic)
    cursor.fail_at(start, Code::corrupt, "no .npy file: the magic number is missing");
  const int major = cursor.byte();
  const int minor = cursor.byte();
  if (major < 1 || major > 3 || minor != 0)
    cursor.fail_at(start + kMagic.size(), Code::unsupported,
                   format("version {}.{} of the .npy format, known are 1.0, 2.0 and 3.0", major, minor));
  const std::uint64_t length = major == 1 ? cursor.le<std::uint16_t>() : cursor.le<std::uint32_t>();
  if (length > kMostHeader) cursor.fail(Code::limit, format("a header of {}, at most 1 MiB is read", human_bytes(length)));
  const std::uint64_t text_at = cursor.offset();
  const Source source = cursor.source();
  const Literal literal = parse_literal(cursor.text(length), source, text_at);
  const Where where = source.where(text_at);
  const auto corrupt = [&](std::string_view text) -> Error { return Error(Code::corrupt, where, text); };
  if (!literal.is(Literal::Kind::dict)) throw corrupt("the header is no dict");
  Header out;
  bool seen[3] = {};
  for (std::size_t i = 0; i < literal.items.size(); i += 2) {
    const Literal &key = literal.items[i], &value = literal.items[i + 1];
    const std::size_t which = key.text == "descr" ? 0 : key.text == "fortran_order" ? 1 : key.text == "shape" ? 2 : 3;
    if (!key.is(Literal::Kind::text) || which == 3) throw corrupt(format("the header has an unknown key \"{}\"", printable(key.text, 60)));
    if (seen[which]) throw corrupt(format("the header has \"{}\" twice", key.text));
    seen[which] = true;
    if (which == 0) {
      out.type = type_from(value, source, text_at, 0);
    } else if (which == 1) {
      if (!value.is(Literal::Kind::boolean)) throw corrupt("the header's \"fortran_order\" is neither True nor False");
      out.fortran = value.integer != 0;
    } else {
      if (!value.is(Literal::Kind::tuple)) throw corrupt("the header's \"shape\" is no tuple");
      out.shape = shape_from(value, where);
    }
  }
  if (!seen[0] || !seen[1] || !seen[2]) throw corrupt("the header lacks \"descr\", \"fortran_order\" or \"shape\"");
  if (out.shape.size() > 64) throw corrupt(format("an array of {} dimensions, NumPy has at most 64", out.shape.size()));
  out.data_offset = cursor.offset();
  if (!out.type.has_objects()) {
    std::uint64_t needed = out.type.itemsize;
    for (const std::int64_t d : out.shape) needed = sat_mul(needed, static_cast<std::uint64_t>(d));
    if (needed > cursor.left())
      throw Error(Code::truncated, where,
                  format("an array of shape {} and type {} needs {} bytes, only {} left", shape_text(out.shape),
                         printable(out.type.text(), 60), needed, cursor.left()));
  }
  return out;
}

namespace {

/// The same structure with its gaps as fields without a name, as numpy.lib.format.dtype_to_descr spells them.
Type with_gaps(const Type& type) {
  if (type.fields.empty()) return type;
  Type out = type;
  out.fields.clear();
  std::uint32_t at = 0;
  const auto fill = [&](std::uint32_t to) {
    if (to < at) throw Error(Code::unsupported, Where{}, "a structure whose fields overlap or stand in another order");
    Type gap;
    gap.itemsize = to - at;
    if (to > at) out.fields.push_back({"", gap, at});
  };
  for (const Type::Field& field : type.fields) {
    fill(field.offset);
    out.fields.push_back({field.name, with_gaps(field.type), field.offset});
    at = field.offset + field.type.itemsize;
  }
  fill(type.itemsize);
  return out;
}

}  // namespace

std::string write_header(const Type& type, const std::vector<std::int64_t>& shape, bool fortran) {
  std::string text = format("{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}", descr_text(with_gaps(type)), fortran ? "True" : "False", shape_text(shape));
  const bool wide = text.size() + 64 > 0xFFFF;
  const std::size_t fixed = kMagic.size() + (wide ? 6 : 4);
  text.append((64 - (fixed + text.size() + 1) % 64) % 64, ' ');
  text.push_back('\n');
  std::string out(kMagic);
  out.push_back(wide ? 2 : 1);
  out.push_back(0);
  for (int i = 0; i < (wide ? 4 : 2); ++i) out.push_back(static_cast<char>(text.size() >> 8 * i & 0xFF));
  return out + text;
}

}  // namespace decant::npy
