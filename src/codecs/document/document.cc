// SPDX-License-Identifier: Apache-2.0
#include "codecs/document/document.h"

#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>

#include "base/text.h"

namespace decant::document {
namespace {

template <class From>
From big_endian(const char* at) {
  std::byte raw[sizeof(From)];
  std::memcpy(raw, at, sizeof(From));
  if constexpr (std::endian::native == std::endian::little) {
    for (std::size_t i = 0; i < sizeof(From) / 2; ++i) std::swap(raw[i], raw[sizeof(From) - 1 - i]);
  }
  From out;
  std::memcpy(&out, raw, sizeof(From));
  return out;
}

// `v` as a T that is the same number; of a fraction, the nearest one.
template <class T, class From>
std::optional<T> convert(From v) {
  if constexpr (std::floating_point<T>) {
    return static_cast<T>(v);
  } else if constexpr (std::floating_point<From>) {
    // Both bounds are powers of two (or zero), so they are exact.
    if (!(v >= static_cast<From>(std::numeric_limits<T>::min()) && v < std::ldexp(From{1}, std::numeric_limits<T>::digits)) || v != std::trunc(v)) return std::nullopt;
    return static_cast<T>(v);
  } else {
    if (!std::in_range<T>(v)) return std::nullopt;
    return static_cast<T>(v);
  }
}

template <class T>
std::optional<T> binary(char type, const char* at) {
  switch (type) {
    case 'i': return convert<T>(big_endian<std::int8_t>(at));
    case 'U': return convert<T>(big_endian<std::uint8_t>(at));
    case 'I': return convert<T>(big_endian<std::int16_t>(at));
    case 'u': return convert<T>(big_endian<std::uint16_t>(at));
    case 'l': return convert<T>(big_endian<std::int32_t>(at));
    case 'm': return convert<T>(big_endian<std::uint32_t>(at));
    case 'L': return convert<T>(big_endian<std::int64_t>(at));
    case 'M': return convert<T>(big_endian<std::uint64_t>(at));
    case 'd': return convert<T>(big_endian<float>(at));
    default: return convert<T>(big_endian<double>(at));
  }
}

}  // namespace

std::size_t width_of(char type) {
  switch (type) {
    case 'i': case 'U': return 1;
    case 'I': case 'u': return 2;
    case 'l': case 'm': case 'd': return 4;
    case 'L': case 'M': case 'D': return 8;
    default: return 0;
  }
}

std::string_view name_of(Kind kind) {
  static constexpr std::string_view kNames[] = {"null", "a truth value", "a number", "a text", "an array of numbers", "an array", "an object"};
  return kNames[static_cast<std::size_t>(kind)];
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  if (text == "true" || text == "false") return static_cast<T>(text == "true");
  if (text.starts_with('+')) text.remove_prefix(1);
  const bool spelled = text == "NaN" || text == "Infinity" || text == "-Infinity";
  T out{};
  if constexpr (std::floating_point<T>) {
    if (text == "NaN") return std::numeric_limits<T>::quiet_NaN();
    if (spelled) return text[0] == '-' ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (end != text.data() + text.size() || text.empty()) return std::nullopt;
    // Beyond the range: the nearest is infinity or zero, and which of them the exponent's sign tells.
    if (error == std::errc::result_out_of_range) {
      const bool tiny = text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos || text.find_first_of("eE") == std::string_view::npos;
      out = tiny ? T{0} : std::numeric_limits<T>::infinity();
      return text.starts_with('-') ? -out : out;
    }
    if (error != std::errc()) return std::nullopt;
    return out;
  } else {
    if (spelled) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error == std::errc() && end == text.data() + text.size()) return out;
    const std::optional<double> real = number_of<double>(text);  // 1.0, 5E-1
    return real ? convert<T>(*real) : std::nullopt;
  }
}
template std::optional<float> number_of(std::string_view);
template std::optional<double> number_of(std::string_view);
template std::optional<std::int32_t> number_of(std::string_view);
template std::optional<std::int64_t> number_of(std::string_view);
template std::optional<std::uint8_t> number_of(std::string_view);
template std::optional<std::uint32_t> number_of(std::string_view);
template std::optional<std::uint64_t> number_of(std::string_view);

Node Maker::node(Kind kind, const Cursor& cursor, std::uint64_t offset) {
  cursor.budget().charge_items(1, cursor.where());
  cursor.budget().charge(2 * sizeof(Node), "a parsed value", cursor.where());
  Node out;
  out.kind = kind;
  out.offset = offset;
  return out;
}

Kind Value::kind() const { return node_->kind; }
Where Value::where() const { return source_->where(node_->offset); }
void Value::fail(Code code, std::string_view text) const { throw Error(code, where(), text); }
void Value::must_be(Kind kind) const {
  if (node_->kind != kind) fail(Code::corrupt, format("{} where {} is expected", name_of(node_->kind), name_of(kind)));
}

std::optional<Value> Value::find(std::string_view key) const {
  must_be(Kind::object);
  for (auto at = node_->items.rbegin(); at != node_->items.rend(); ++at) {
    if (at->key == key) return Value(*source_, *at);
  }
  return std::nullopt;
}

Value Value::operator[](std::string_view key) const {
  const std::optional<Value> found = find(key);
  if (!found) fail(Code::corrupt, format("has no \"{}\"", key));
  return *found;
}

std::vector<std::pair<std::string_view, Value>> Value::entries() const {
  must_be(Kind::object);
  std::vector<std::pair<std::string_view, Value>> out;
  for (const Node& item : node_->items) out.emplace_back(item.key, Value(*source_, item));
  return out;
}

std::size_t Value::size() const {
  if (node_->kind == Kind::numbers) return node_->count;
  must_be(Kind::array);
  return node_->items.size();
}

std::vector<Value> Value::elements() const {
  if (node_->kind == Kind::numbers && node_->count == 0) return {};
  must_be(Kind::array);
  std::vector<Value> out;
  for (const Node& item : node_->items) out.emplace_back(*source_, item);
  return out;
}

std::string_view Value::text() const {
  must_be(Kind::text);
  return node_->raw;
}

template <class T>
T Value::scalar() const {
  if (node_->kind == Kind::boolean) return static_cast<T>(node_->type);
  must_be(Kind::number);
  const std::optional<T> out = node_->type == 't' ? number_of<T>(node_->raw) : binary<T>(node_->type, node_->raw.data());
  if (!out) fail(Code::corrupt, format("{} is out of range here", node_->type == 't' ? printable(node_->raw, 40) : std::string("a number")));
  return *out;
}

bool Value::boolean() const {
  const auto out = scalar<std::int64_t>();
  if (out != 0 && out != 1) fail(Code::corrupt, format("{} where a truth value is expected", out));
  return out != 0;
}
double Value::real() const { return scalar<double>(); }
float Value::real32() const { return scalar<float>(); }
std::int64_t Value::integer() const { return scalar<std::int64_t>(); }

template <class T>
std::vector<T> Value::list() const {
  std::vector<T> out;
  const std::size_t n = size();
  source_->budget().charge(std::uint64_t{n} * sizeof(T), "numbers", where());
  out.reserve(n);
  if (node_->kind == Kind::array) {
    for (const Node& item : node_->items) out.push_back(Value(*source_, item).scalar<T>());
    return out;
  }
  const std::string_view raw = node_->raw;
  const auto add = [&](std::optional<T> v) {
    if (!v) fail(Code::corrupt, format("element {} is no number that fits here", out.size()));
    out.push_back(*v);
  };
  if (node_->type != 't') {
    const std::size_t width = width_of(node_->type);
    for (std::size_t i = 0; i < n; ++i) add(binary<T>(node_->type, raw.data() + i * width));
    return out;
  }
  static constexpr std::string_view kBetween = " \t\r\n,";
  for (std::size_t at = raw.find_first_not_of(kBetween); at != std::string_view::npos; at = raw.find_first_not_of(kBetween, at)) {
    const std::size_t end = std::min(raw.find_first_of(kBetween, at), raw.size());
    add(number_of<T>(raw.substr(at, end - at)));
    at = end;
  }
  return out;
}
template std::vector<float> Value::list() const;
template std::vector<double> Value::list() const;
template std::vector<std::int32_t> Value::list() const;
template std::vector<std::int64_t> Value::list() const;
template std::vector<std::uint8_t> Value::list() const;
template std::vector<std::uint32_t> Value::list() const;

}  // namespace decant::document
