// SPDX-License-Identifier: Apache-2.0
// A graph on its way to being a plan: for inputs of known shapes, with everything known that follows from them. Passes rewrite it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ir/model.h"

namespace decant {

struct Draft {
  Graph graph;

  const Tensor* constant(ValueId id) const;
  /// The shape, where every dimension is known.
  std::optional<Shape> shape(ValueId id) const;
  bool is_float(ValueId id, std::size_t rank) const;  // float32 of this rank, of known shape
  bool is_output(ValueId id) const;
  ValueId add_constant(Tensor tensor);
  /// The one number that a constant holds.
  std::optional<float> scalar(ValueId id) const;
};

/// What `outputs` need of `graph`, for inputs of these types: shapes are worked out, what is constant is computed, what only renames is gone.
Draft make_draft(const Graph& graph, std::span<const ValueId> outputs, std::span<const Type> inputs);
/// Drops nodes that no output needs.
void sweep(Draft& draft);

/// The operators that passes look for have as many inputs as they read: files may say otherwise.
bool well_formed(const Node& node);

/// Who makes a value and how often it is read, as it was when this was made.
class Uses {
 public:
  explicit Uses(const Draft& draft);
  /// The well-formed node that makes `id`, an operator of this name; or null.
  const Node* made_by(ValueId id, std::string_view op, std::string_view domain = "") const;
  const Node* maker(ValueId id) const;
  /// Nobody but one node reads it, once.
  bool once(ValueId id) const { return id != kNoValue && static_cast<std::size_t>(id) < count_.size() && count_[static_cast<std::size_t>(id)] == 1; }

 private:
  const Draft& draft_;
  std::vector<std::int32_t> maker_;
  std::vector<std::uint32_t> count_;
};

/// The rewriting passes in their order; each leaves a graph that computes the same within the rounding of float32.
struct Pass {
  std::string_view name;
  void (*run)(Draft&);
};
std::span<const Pass> passes();
// One file each, in passes/.
void fold_batch_norm(Draft& draft);
void fuse_gates(Draft& draft);
void fuse_layer_norm(Draft& draft);
void fuse_linear(Draft& draft);
void fuse_attention(Draft& draft);
void fuse_epilogue(Draft& draft);

}  // namespace decant
