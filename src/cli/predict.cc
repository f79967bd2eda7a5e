// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <thread>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"

namespace decant::cli {
namespace {

/// The model and what goes in. Columns that a pipeline only hands on are taken for numbers, as its file does not say what they hold; where
/// the rows have texts there, it is read again with columns of texts.
std::pair<std::shared_ptr<const Model>, std::vector<Tensor>> model_for(const Source& source, Part part, const std::string& path) {
  const Source input = open_input(path);
  const auto texts = [](const Model& m) { return std::ranges::count_if(m.signature.inputs, [](const Input& i) { return i.type.dtype == DType::string; }); };
  auto model = std::make_shared<const Model>(read_model(source, part));
  std::exception_ptr problem;
  try {
    std::vector<Tensor> inputs = read_inputs(input, path, model->signature);
    const bool fits = std::ranges::none_of(inputs, [&](const Tensor& t) { return t.dtype() == DType::string; }) || texts(*model) != 0;
    if (fits) return {model, std::move(inputs)};
  } catch (const Error& e) {
    if (e.code() != Code::mismatch) throw;
    problem = std::current_exception();
  }
  part.texts = true;
  const auto other = std::make_shared<const Model>(read_model(source, part));
  if (texts(*other) > texts(*model)) return {other, read_inputs(input, path, other->signature)};
  if (problem) std::rethrow_exception(problem);
  return {model, read_inputs(input, path, model->signature)};
}

/// A table has one row for each row of the first output: what has others (scikit-learn 0.18's VotingClassifier.transform) is left out, and
/// said, unless it was asked for by name or goes into an archive of arrays.
void leave_out_other_rows(std::vector<Output>& outputs, std::vector<Tensor>& answers) {
  const auto rows = [](const Tensor& t) { return t.rank() == 0 ? 1 : t.dim(0); };
  for (std::size_t i = 1; i < answers.size();) {
    if (rows(answers[i]) == rows(answers[0])) {
      ++i;
      continue;
    }
    std::fprintf(stderr, "decant: %s has %lld rows, %s %lld: it is left out; write it to .npz, or ask for it by --outputs\n", printable(outputs[i].name).c_str(),
                 static_cast<long long>(rows(answers[i])), printable(outputs[0].name).c_str(), static_cast<long long>(rows(answers[0])));
    outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(i));
    answers.erase(answers.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

int predict(const PredictOptions& options) {
  const Source source = options.model == "-" ? Source::standard_input(options.memory) : Source::open(options.model, options.memory);
  Part part = options.part;
  part.outputs = options.outputs;
  const auto [model, inputs] = model_for(source, part, options.input);
  SessionOptions how;
  how.threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  how.memory = options.memory;
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
  if (options.outputs.empty() && !options.output.ends_with(".npz")) leave_out_other_rows(outputs, answers);
  write_outputs(options.output, outputs, answers);
  return kDone;
}

}  // namespace decant::cli
