// SPDX-License-Identifier: Apache-2.0
// A Python object as a pickle describes it: its class and its attributes. A view; cheap to copy. Nothing is ever run to make it:
// copyreg._reconstructor(cls, object, None), cls.__new__(cls), cls(...) and Cython's __pyx_unpickle_* are recognised by shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/pickle/pickle.h"
#include "frameworks/python/numpy.h"

namespace decant::python {

class Object {
 public:
  Object() = default;
  Object(const pickle::Tree& tree, pickle::Ref node) : tree_(&tree), node_(node) {}

  const pickle::Node& node() const { return *node_; }
  const pickle::Tree& tree() const { return *tree_; }
  bool operator==(const Object& other) const { return node_ == other.node_; }

  bool is_none() const { return node_ == nullptr || node_->kind == pickle::Kind::none; }
  bool is_text() const { return node_ != nullptr && node_->is_text(); }
  bool is_text(std::string_view text) const { return is_text() && node_->text() == text; }
  bool is_number() const;    // bool, int, float or a NumPy scalar of those
  bool is_sequence() const;  // list, tuple, set, or an object array of one dimension
  bool is_dict() const { return node_ != nullptr && node_->kind == pickle::Kind::dict; }

  /// The class of an instance, or the module and name of a class or function itself; "" for anything else.
  std::string_view module() const;
  std::string_view name() const;
  bool is_instance() const;  // an object with a class (not a container, number or global)
  bool is_global(std::string_view module_name, std::string_view global_name) const;
  bool is_a(std::string_view class_name) const { return is_instance() && name() == class_name; }
  std::string full_name() const;

  /// Attributes (or the entries of a dict with string keys), in the order of the file.
  std::vector<std::pair<std::string_view, Object>> attributes() const;
  std::optional<Object> find(std::string_view attribute) const;
  bool has(std::string_view attribute) const { return find(attribute).has_value(); }
  /// Present and not None.
  bool set(std::string_view attribute) const;
  Object operator[](std::string_view attribute) const;  // throws corrupt where absent, naming class and attribute
  /// The first of several names under which versions have kept the same thing.
  Object any(std::initializer_list<std::string_view> names) const;
  std::vector<Object> args() const;  // positional arguments of the call that made it

  // The value itself.
  double real() const;
  std::int64_t integer() const;
  bool boolean() const { return integer() != 0; }
  std::string text() const;
  std::vector<Object> elements() const;                          // of a sequence
  Object item(std::size_t i) const;                              // element i; throws corrupt where there are fewer
  std::vector<std::pair<Object, Object>> entries() const;        // of a dict
  std::optional<Array> array() const;                            // a NumPy array
  Tensor tensor() const;                                         // array, scalar, sparse matrix, or list of numbers or strings
  Tensor doubles() const;                                        // tensor() as float64
  std::vector<double> list() const;                              // doubles() flattened
  std::vector<std::int64_t> integers() const;                    // flattened

  // Attributes with a value for when they are absent or None.
  double real(std::string_view attribute, double otherwise) const;
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  bool boolean(std::string_view attribute, bool otherwise) const;
  std::string text(std::string_view attribute, std::string_view otherwise) const;

  Where where(std::string_view attribute = {}) const;
  [[noreturn]] void fail(Code code, std::string_view text) const;

 private:
  pickle::Ref class_node() const;

  const pickle::Tree* tree_ = nullptr;
  pickle::Ref node_ = nullptr;
};

/// `t` as float64 (numbers and booleans). Throws mismatch for strings.
Tensor to_doubles(const Tensor& t);

}  // namespace decant::python
