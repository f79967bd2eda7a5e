// SPDX-License-Identifier: Apache-2.0
#include "frameworks/python/object.h"

#include <algorithm>

#include "base/text.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;

namespace {

// Constructors whose first argument is the class: object.__reduce_ex__ of protocols 0 and 1, and Cython's generated unpicklers.
bool takes_class_first(const Node& callee) {
  if (callee.kind != Kind::global) return false;
  const std::string_view name = callee.name();
  return callee.is_global("copyreg", "_reconstructor") || callee.is_global("copy_reg", "_reconstructor") || callee.is_global("copyreg", "__newobj__") ||
         callee.is_global("copy_reg", "__newobj__") || name.starts_with("__pyx_unpickle_") || name == "newObj";
}

Ref first_argument(const Node& call) {
  const Ref args = call.args();
  return args != nullptr && (args->kind == Kind::tuple || args->kind == Kind::list) && !args->items.empty() ? args->items[0] : nullptr;
}

}  // namespace

Ref Object::class_node() const {
  if (node_ == nullptr || node_->kind != Kind::call) return nullptr;
  const Ref callee = node_->callee();
  if (callee == nullptr || callee->kind != Kind::global) return nullptr;
  if (!node_->is_newobj && takes_class_first(*callee)) {
    const Ref cls = first_argument(*node_);
    return cls != nullptr && cls->kind == Kind::global ? cls : nullptr;
  }
  return callee;
}

bool Object::is_number() const {
  if (node_ == nullptr) return false;
  if (node_->kind == Kind::integer || node_->kind == Kind::real || node_->kind == Kind::boolean) return true;
  if (node_->kind != Kind::call) return false;
  const auto scalar = as_scalar(*tree_, *node_);
  return scalar && scalar->dtype() != DType::string;
}

bool Object::is_sequence() const {
  if (node_ == nullptr) return false;
  switch (node_->kind) {
    case Kind::list: case Kind::tuple: case Kind::set: case Kind::frozenset: return true;
    case Kind::call: {
      const auto a = array();
      return a && a->type.kind == 'O' && a->shape.size() == 1;
    }
    default: return false;
  }
}

std::string_view Object::module() const {
  if (node_ != nullptr && node_->kind == Kind::global) return node_->module();
  const Ref cls = class_node();
  return cls == nullptr ? std::string_view{} : cls->module();
}
std::string_view Object::name() const {
  if (node_ != nullptr && node_->kind == Kind::global) return node_->name();
  const Ref cls = class_node();
  return cls == nullptr ? std::string_view{} : cls->name();
}
bool Object::is_instance() const { return class_node() != nullptr; }
bool Object::is_global(std::string_view module_name, std::string_view global_name) const {
  return node_ != nullptr && node_->is_global(module_name, global_name);
}
std::string Object::full_name() const { return format("{}.{}", printable(module()), printable(name())); }

std::vector<std::pair<std::string_view, Object>> Object::attributes() const {
  std::vector<std::pair<std::string_view, Object>> out;
  const auto from_pairs = [&](const auto& pairs) {
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      if (pairs[i]->is_text()) out.emplace_back(pairs[i]->text(), Object(*tree_, pairs[i + 1]));
    }
  };
  if (node_ == nullptr) return out;
  if (node_->kind == Kind::dict) from_pairs(node_->items);
  if (node_->extra == nullptr) return out;
  for (const Ref state : node_->extra->states) {
    if (state->kind == Kind::dict) from_pairs(state->items);
    if (state->kind == Kind::tuple) {  // (dict, slots), or a class's own tuple that holds its dict (Cython's __pyx_unpickle)
      for (const Ref part : state->items) {
        if (part->kind == Kind::dict) from_pairs(part->items);
      }
    }
  }
  from_pairs(node_->extra->entries);  // Bunch and other dict subclasses
  return out;
}

std::optional<Object> Object::find(std::string_view attribute) const {
  std::optional<Object> found;
  for (const auto& [name, value] : attributes()) {
    if (name == attribute) found = value;  // the last one wins, as in a dict
  }
  return found;
}

bool Object::set(std::string_view attribute) const {
  const auto found = find(attribute);
  return found && !found->is_none();
}

Object Object::operator[](std::string_view attribute) const {
  if (auto found = find(attribute)) return *found;
  fail(Code::corrupt, format("has no attribute {}; is it fitted?", attribute));
}

Object Object::any(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    if (auto found = find(name)) return *found;
  }
  return (*this)[*names.begin()];
}

std::vector<Object> Object::args() const {
  std::vector<Object> out;
  if (node_ != nullptr && node_->kind == Kind::call && node_->args() != nullptr) {
    for (const Ref item : node_->args()->items) out.emplace_back(*tree_, item);
  }
  return out;
}

double Object::real() const {
  if (node_ != nullptr) {
    if (node_->kind == Kind::real) return node_->real;
    if (node_->kind == Kind::integer || node_->kind == Kind::boolean) return static_cast<double>(node_->integer);
    if (node_->kind == Kind::call) {
      if (const auto scalar = as_scalar(*tree_, *node_); scalar && scalar->dtype() != DType::string) return scalar->number(0);
      if (const auto a = array(); a && a->count() == 1) return to_doubles(a->tensor()).data<double>()[0];
    }
  }
  fail(Code::corrupt, "is not a number");
}

std::int64_t Object::integer() const {
  if (node_ != nullptr) {
    if (node_->kind == Kind::integer || node_->kind == Kind::boolean) return node_->integer;
    if (node_->kind == Kind::real && node_->real == static_cast<double>(static_cast<std::int64_t>(node_->real))) return static_cast<std::int64_t>(node_->real);
    if (node_->kind == Kind::call) {
      if (const auto scalar = as_scalar(*tree_, *node_); scalar && scalar->dtype() != DType::string) return scalar->integer(0);
      if (const auto a = array(); a && a->count() == 1 && a->type.kind != 'O') return a->tensor().integer(0);
    }
  }
  fail(Code::corrupt, "is not an integer");
}

std::string Object::text() const {
  if (is_text()) return std::string(node_->text());
  if (node_ != nullptr && node_->kind == Kind::call) {
    if (const auto scalar = as_scalar(*tree_, *node_); scalar && scalar->dtype() == DType::string) return scalar->data<std::string>()[0];
  }
  fail(Code::corrupt, "is not a string");
}

std::vector<Object> Object::elements() const {
  std::vector<Object> out;
  if (node_ != nullptr && node_->kind == Kind::call) {
    if (const auto a = array(); a && a->type.kind == 'O') {
      for (const Ref item : a->objects) out.emplace_back(*tree_, item);
      return out;
    }
  }
  if (!is_sequence()) fail(Code::corrupt, "is not a list");
  for (const Ref item : node_->items) out.emplace_back(*tree_, item);
  return out;
}

Object Object::item(std::size_t i) const {
  const std::vector<Object> items = elements();
  if (i >= items.size()) fail(Code::corrupt, format("{} elements, where the number {} is asked for", items.size(), i + 1));
  return items[i];
}

std::vector<std::pair<Object, Object>> Object::entries() const {
  std::vector<std::pair<Object, Object>> out;
  const pickle::Refs* pairs = nullptr;
  if (is_dict()) pairs = &node_->items;
  else if (node_ != nullptr && node_->extra != nullptr) pairs = &node_->extra->entries;  // OrderedDict, defaultdict
  if (pairs == nullptr) fail(Code::corrupt, "is not a dict");
  for (std::size_t i = 0; i + 1 < pairs->size(); i += 2) out.emplace_back(Object(*tree_, (*pairs)[i]), Object(*tree_, (*pairs)[i + 1]));
  return out;
}

std::optional<Array> Object::array() const {
  return node_ != nullptr && node_->kind == Kind::call ? as_array(*tree_, *node_) : std::nullopt;
}

Tensor Object::tensor() const {
  if (node_ == nullptr) fail(Code::corrupt, "is not an array");
  if (node_->kind == Kind::call) {
    if (const auto a = array()) return a->tensor();
    if (auto scalar = as_scalar(*tree_, *node_)) return *scalar;
    if (const auto sparse = as_sparse(*tree_, *node_)) {
      tree_->source.budget().charge(static_cast<std::uint64_t>(sparse->rows) * static_cast<std::uint64_t>(sparse->columns) * 8, "a sparse matrix made dense", where());
      return sparse->dense();
    }
    fail(Code::corrupt, format("is a {}, not an array", full_name()));
  }
  if (is_number()) return node_->kind == Kind::real ? Tensor::scalar(real()) : Tensor::scalar(integer());
  if (is_text()) return Tensor::scalar(text());
  if (!is_sequence()) fail(Code::corrupt, "is not an array");
  const std::vector<Object> items = elements();
  const auto n = static_cast<std::int64_t>(items.size());
  if (!items.empty() && items[0].is_text()) {
    Tensor out(DType::string, {n});
    for (std::size_t i = 0; i < items.size(); ++i) out.mutable_data<std::string>()[i] = items[i].text();
    return out;
  }
  if (!items.empty() && !items[0].is_number()) {  // a list of rows
    std::vector<Tensor> rows;
    Shape shape{n};
    for (const Object& item : items) rows.push_back(item.doubles());
    shape.insert(shape.end(), rows[0].shape().begin(), rows[0].shape().end());
    Tensor out(DType::float64, shape);
    std::size_t at = 0;
    for (const Tensor& row : rows) {
      if (row.shape() != rows[0].shape()) fail(Code::corrupt, "is a ragged list");
      std::ranges::copy(row.data<double>(), out.mutable_data<double>().begin() + static_cast<std::ptrdiff_t>(at));
      at += row.size();
    }
    return out;
  }
  const bool whole = std::ranges::all_of(items, [](const Object& o) { return o.node().kind == Kind::integer || o.node().kind == Kind::boolean; });
  Tensor out(whole ? DType::int64 : DType::float64, {n});
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (whole) out.mutable_data<std::int64_t>()[i] = items[i].integer();
    else out.mutable_data<double>()[i] = items[i].real();
  }
  return out;
}

Tensor Object::doubles() const {
  const Tensor t = tensor();
  if (t.dtype() == DType::string) fail(Code::corrupt, "holds strings where numbers are expected");
  return to_doubles(t);
}

std::vector<double> Object::list() const {
  const Tensor t = doubles();
  return {t.data<double>().begin(), t.data<double>().end()};
}

std::vector<std::int64_t> Object::integers() const {
  const Tensor t = tensor();
  if (t.dtype() == DType::string) fail(Code::corrupt, "holds strings where integers are expected");
  if (t.dtype() == DType::complex64 || t.dtype() == DType::complex128) fail(Code::corrupt, "holds complex numbers where integers are expected");
  std::vector<std::int64_t> out(t.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = t.integer(i);
  return out;
}

double Object::real(std::string_view attribute, double otherwise) const { return set(attribute) ? (*this)[attribute].real() : otherwise; }
std::int64_t Object::integer(std::string_view attribute, std::int64_t otherwise) const {
  return set(attribute) ? (*this)[attribute].integer() : otherwise;
}
bool Object::boolean(std::string_view attribute, bool otherwise) const { return set(attribute) ? (*this)[attribute].boolean() : otherwise; }
std::string Object::text(std::string_view attribute, std::string_view otherwise) const {
  return set(attribute) ? (*this)[attribute].text() : std::string(otherwise);
}

Where Object::where(std::string_view attribute) const {
  if (tree_ == nullptr || node_ == nullptr) return {};
  std::string item = is_instance() ? full_name() : std::string{};
  if (!attribute.empty()) item += format(".{}", attribute);
  return tree_->where(*node_, item);
}

void Object::fail(Code code, std::string_view text) const { throw Error(code, where(), text); }

Tensor to_doubles(const Tensor& t) {
  if (t.dtype() == DType::float64) return t;
  if (t.dtype() == DType::string) throw Error(Code::mismatch, "strings where numbers are expected");
  if (t.dtype() == DType::complex64 || t.dtype() == DType::complex128) throw Error(Code::mismatch, "complex numbers where real ones are expected");
  Tensor out(DType::float64, t.shape());
  const std::span<double> to = out.mutable_data<double>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = t.number(i);
  return out;
}

}  // namespace decant::python
