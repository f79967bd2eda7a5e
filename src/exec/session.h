// SPDX-License-Identifier: Apache-2.0
// Runs a model. A Session plans once for each set of wanted outputs (which nodes, in which order, with which kernels, when a value can be
// forgotten) and may then be run from several threads at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ir/model.h"

namespace decant {

struct SessionOptions {
  unsigned threads = 1;          // rows of a row-wise model, or the work of each operator of a network, are shared out to this many threads
  std::size_t block_rows = 0;    // rows run at a time in a row-wise model; 0: chosen from the width of its values
  std::uint64_t memory = 0;      // what one value may take whose size the file asks for by number; below 256 MiB, that (ops/bounded.h)
  bool reference_kernels = false;  // no fast kernels: for tests that compare the two
};

/// What a step of a plan took. Steps of a network are not the nodes of the file: operators are fused, layouts changed.
struct StepTime {
  std::string name, op;
  double seconds = 0;
};

class Session {
 public:
  /// The model must outlive nothing: its constants are shared. Throws unsupported or corrupt where a node cannot be run only when
  /// it is needed for a wanted output.
  explicit Session(std::shared_ptr<const Model> model, SessionOptions options = {});
  ~Session();
  Session(Session&&) noexcept;

  /// Does before the first run what it would do: chooses kernels, and of a network makes the plan, packs the weights and takes the memory.
  /// `shapes`: of the inputs (empty: as the signature declares them). False where the shapes are not all known and a plan needs them.
  bool make_ready(std::span<const Shape> shapes = {}, std::span<const std::string> wanted = {}) const;

  /// One tensor for each input of the signature, in its order; numbers are converted to the declared element type. `wanted` names
  /// outputs (empty: all, in the signature's order). Throws mismatch naming the input, and what the operators throw.
  std::vector<Tensor> run(std::span<const Tensor> inputs, std::span<const std::string> wanted = {},
                          const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {}) const;

  /// The same; `outputs` that are of the right type and shape already may be written in place, so that a network of fixed shapes that
  /// runs again allocates nothing but what the caller sees. `times`, where asked for: what each step took, added to what is there.
  void run_into(std::span<const Tensor> inputs, std::vector<Tensor>& outputs, std::span<const std::string> wanted = {}, std::vector<StepTime>* times = nullptr) const;

  const Model& model() const { return *model_; }

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_for(std::span<const std::string> wanted) const;
  /// Rows in blocks; `before`, where it has the memory for an answer and nobody else has it, is written again.
  std::vector<Tensor> run_rows(std::span<const Tensor> given, const Plan& plan, std::vector<Tensor> before, const std::function<void(std::uint64_t, std::uint64_t)>& progress) const;
  bool run_network(std::span<const Tensor> given, std::vector<Tensor>& outputs, std::span<const std::string> wanted, std::vector<StepTime>* times) const;
  /// The inputs as the signature declares them: `inputs` itself, or where one of them is of another type, `storage`.
  std::span<const Tensor> checked(std::span<const Tensor> inputs, std::vector<Tensor>& storage) const;
  std::vector<ValueId> outputs_named(std::span<const std::string> wanted) const;

  std::shared_ptr<const Model> model_;
  SessionOptions options_;
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

/// `value` with its numbers converted to `dtype` (numbers from text are parsed); the tensor itself where it is of that type already.
/// Throws mismatch, naming `what`.
Tensor converted(const Tensor& value, DType dtype, std::string_view what);

}  // namespace decant
