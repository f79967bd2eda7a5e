// SPDX-License-Identifier: Apache-2.0
// Makes graphs. Readers and frameworks push nodes; the Builder checks names, order, types and shapes at once, gives every value its
// type, reuses a node that already computes the same, and folds what is constant. What it returns satisfies every rule of ir/model.h.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ops/op.h"

namespace decant {

class Builder {
 public:
  Builder() = default;
  /// A graph that an attribute of a node of `outer` will hold; it may capture values of `outer`.
  explicit Builder(Builder& outer) : outer_(&outer), used_(outer.used_) {}
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  ValueId input(std::string_view name, Type type);
  /// Equal constants (bytes, dtype, shape) become one.
  ValueId constant(Tensor tensor, std::string_view name = {});
  /// A value of the enclosing graph, seen from this one.
  ValueId capture(ValueId outer);

  /// Adds a node and returns its outputs. The type rule runs at once; an unknown operator is accepted, with unknown types.
  std::vector<ValueId> node(std::string_view domain, std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {},
                            std::size_t outputs = 1, std::string_view name = {});
  /// The common case: an ai.onnx operator with one output.
  ValueId op(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return node("", op, std::move(inputs), std::move(attributes))[0];
  }
  /// Throws corrupt where an output of this name is there already.
  void output(ValueId value, std::string_view name);

  const Type& type(ValueId id) const { return graph_.value(id).type; }
  const Tensor* constant_of(ValueId id) const;
  void rename(ValueId id, std::string_view name);  // a reader's own names; throws corrupt when taken
  bool taken(std::string_view name) const { return used_->contains(std::string(name)); }
  /// Refines what is known of a value (a reader's value_info).
  void set_type(ValueId id, Type type) { graph_.values[static_cast<std::size_t>(id)].type = std::move(type); }

  Graph finish(std::string_view name);

 private:
  ValueId add_value(std::string_view name, Type type);
  std::string unique(std::string_view name);

  Builder* outer_ = nullptr;
  Graph graph_;
  std::unordered_map<std::string, ValueId> names_;
  /// Names of all graphs that are built one within the other: ONNX lets none of them hide another's.
  std::shared_ptr<std::unordered_set<std::string>> used_ = std::make_shared<std::unordered_set<std::string>>();
  std::unordered_map<std::string, std::vector<ValueId>> known_;  // a node's key → its outputs
  std::unordered_map<std::string, ValueId> constants_;           // a constant's key → its value
  std::unordered_map<ValueId, ValueId> captured_;
  std::unordered_map<std::string, std::size_t> counters_;
};

}  // namespace decant
