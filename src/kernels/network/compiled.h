// SPDX-License-Identifier: Apache-2.0
// An operator made ready for inputs of fixed shapes: weights are packed, algorithms chosen, layouts agreed on. Nothing is allocated or
// decided any more while it runs.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ops/op.h"

namespace decant {

/// How a value lies in memory where that is not row by row: a description of oneDNN's.
class Layout;
using LayoutPtr = std::shared_ptr<const Layout>;  // null: row by row
bool same_layout(const LayoutPtr& a, const LayoutPtr& b);
std::size_t bytes_of(const LayoutPtr& layout, DType dtype, const Shape& shape);

/// An input or an output of an operator.
struct Operand {
  DType dtype = DType::undefined;  // undefined: left out
  Shape shape;
  LayoutPtr layout;
  const Tensor* constant = nullptr;
  bool dies = false;  // nobody reads it afterwards: it may be overwritten
  bool present() const { return dtype != DType::undefined; }
  std::size_t count() const { return static_cast<std::size_t>(count_of(shape)); }
};

/// Weights that were packed once, shared by all plans of a session. The key names the tensor's memory and how it was packed.
struct PackCache {
  std::set<const void*> lasting;  // memory of the model's own constants: no other address means the same tensor tomorrow
  /// Where to keep what is packed of this memory; null where it must not be kept.
  std::shared_ptr<const void>* place(const void* memory, std::string how) { return lasting.contains(memory) ? &packed[{memory, std::move(how)}] : nullptr; }
  std::map<std::pair<const void*, std::string>, std::shared_ptr<const void>> packed;
};

struct CompileContext : AttributeView {
  CompileContext(const Node& node, std::vector<Operand> in, std::vector<Operand> out, unsigned thread_count, PackCache& cache)
      : AttributeView(node), inputs(std::move(in)), outputs(std::move(out)), threads(thread_count), packs(cache) {}
  bool has(std::size_t i) const { return i < inputs.size() && inputs[i].present(); }
  using AttributeView::has;
  /// All inputs and outputs that are there are float32.
  bool all_float() const;

  std::vector<Operand> inputs, outputs;
  unsigned threads;
  PackCache& packs;
};

/// Where the values of one run are. Addresses stay the same from run to run.
struct Places {
  std::vector<const std::byte*> in;  // null: left out, or not read
  std::vector<std::byte*> out;
  std::byte* scratch = nullptr;
  template <class T>
  const T* input(std::size_t i) const {
    return i < in.size() ? reinterpret_cast<const T*>(in[i]) : nullptr;
  }
  template <class T>
  T* output(std::size_t i) const {
    return reinterpret_cast<T*>(out[i]);
  }
};

/// A step of one run's memory.
class Bound {
 public:
  virtual ~Bound() = default;
  virtual void run() = 0;
};

class Compiled {
 public:
  virtual ~Compiled() = default;
  virtual std::unique_ptr<Bound> bind(const Places& places) const = 0;

  std::vector<LayoutPtr> wants;    // how each input must lie; as many as inputs
  std::vector<LayoutPtr> gives;    // how the outputs lie; as many as outputs
  std::vector<bool> reads;         // false: this input is not looked at while running (packed weights)
  int overwrites = -1;             // output 0 must be in the memory of this input
  bool may_overwrite = false;      // output 0 may be in the memory of input 0
  std::size_t scratch = 0;         // bytes

 protected:
  explicit Compiled(const CompileContext& c) : wants(c.inputs.size()), gives(c.outputs.size()), reads(c.inputs.size(), true) {}
};
using CompiledPtr = std::unique_ptr<Compiled>;

/// An operator whose run is a function of the places: F(const Places&).
template <class F>
class Simple final : public Compiled {
 public:
  Simple(const CompileContext& c, F f) : Compiled(c), f_(std::move(f)) {}
  std::unique_ptr<Bound> bind(const Places& places) const override { return std::make_unique<Running>(f_, places); }

 private:
  struct Running final : Bound {
    Running(const F& function, const Places& at) : f(function), places(at) {}
    void run() override { f(places); }
    const F& f;
    Places places;
  };
  F f_;
};
template <class F>
std::unique_ptr<Simple<F>> simple(const CompileContext& c, F f) {
  return std::make_unique<Simple<F>>(c, std::move(f));
}

/// The operator, or nothing where only its reference kernel can do this node.
CompiledPtr compile(const CompileContext& context);
/// Copies input 0 from its layout into another.
CompiledPtr compile_reorder(const CompileContext& context, const LayoutPtr& to);

/// One operator that can be compiled; several may be listed for one name and are tried in their order.
struct CompileEntry {
  std::string_view domain, op;
  CompiledPtr (*compile)(const CompileContext&) = nullptr;
};
// Defined in the files of this folder.
std::span<const CompileEntry> onednn_entries();
std::span<const CompileEntry> linear_entries();
std::span<const CompileEntry> elementwise_entries();
std::span<const CompileEntry> rows_entries();
std::span<const CompileEntry> moves_entries();
std::span<const CompileEntry> recurrent_entries();

}  // namespace decant
