// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "cli/commands.h"
#include "cli/progress.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"

namespace decant::cli {

int predict(const PredictOptions& options) {
  const Source source = options.model == "-" ? Source::standard_input(options.memory) : Source::open(options.model, options.memory);
  const auto model = std::make_shared<const Model>(read_model(source, options.part));
  const std::vector<Tensor> inputs = read_inputs(options.input, model->signature);
  SessionOptions how;
  how.threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  how.reference_kernels = options.reference;
  const Session session(model, how);
  std::vector<Tensor> answers;
  {
    Progress progress("predict");
    answers = session.run(inputs, options.outputs, [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total); });
  }
  std::vector<Output> outputs;
  if (options.outputs.empty()) outputs = model->signature.outputs;
  for (const std::string& name : options.outputs) outputs.push_back(*std::ranges::find(model->signature.outputs, name, &Output::name));
  write_outputs(options.output, outputs, answers);
  return kDone;
}

}  // namespace decant::cli
