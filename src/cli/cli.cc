// SPDX-License-Identifier: Apache-2.0
// The command line: options in, one function of commands.h called, errors turned into one line and an exit code.
#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <new>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/completions.h"

namespace decant {
namespace {

/// "512M", "2G", "1000000" → bytes.
std::uint64_t size_from(const std::string& text) {
  std::size_t used = 0;
  std::uint64_t value = 0;
  try {
    value = std::stoull(text, &used);
  } catch (const std::exception&) {
    throw Error(Code::usage, format("--max-memory {}: not a size; write 512M or 2G", printable(text)));
  }
  const std::string unit = text.substr(used);
  for (const auto& [name, shift] : {std::pair{"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}}) {
    if (unit == name || unit == std::string(name) + "iB") return value << shift;
  }
  if (!unit.empty()) throw Error(Code::usage, format("--max-memory {}: not a size; write 512M or 2G", printable(text)));
  return value;
}

/// The model that a command was given, "" where it takes none.
std::string model_file(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_name() == "model" && option->count() > 0) return option->as<std::string>();
  }
  return {};
}

}  // namespace

int run_cli(int argc, char** argv) {
  using namespace cli;
  std::signal(SIGPIPE, SIG_DFL);  // a reader that has seen enough ends us quietly, as it does every filter
  CLI::App app{"decant opens, checks, runs and converts saved machine learning models, without Python and without running code from a file"};
  app.set_version_flag("--version", "decant 0.1.0");
  app.require_subcommand(1);
  app.fallthrough();
  std::string memory;
  app.add_option("--max-memory", memory, "most memory that opening a file may take, and a single value that it asks for by number, such as 512M or 4G (default: from the file's size)");
  std::function<int()> command;
  const auto add = [&](CLI::App* sub, auto& options, int (*run)(const std::decay_t<decltype(options)>&)) {
    sub->callback([&command, &options, run] { command = [&options, run] { return run(options); }; });
  };

  const auto add_part = [](CLI::App* to, Common& options) {
    to->add_option("--entry", options.part.entry, "of a file that holds a dict or list of models: which, by key or position (nested: a/b)");
    to->add_option("--until", options.part.until, "of a pipeline: only the steps before this one, by name or position");
    to->add_option("--from", options.part.from, "of a pipeline: only this step and those behind it; the input is what this step takes");
  };
  InspectOptions inspect_options;
  CLI::App* sub = app.add_subcommand("inspect", "what is in a model: format, framework, graph, hyper-parameters, inputs and outputs");
  sub->add_option("model", inspect_options.model, "the model file, or - for standard input")->required();
  sub->add_flag("--json", inspect_options.json, "as JSON");
  sub->add_flag("--weights", inspect_options.weights, "with the values of the tensors");
  add_part(sub, inspect_options);
  add(sub, inspect_options, inspect);

  PredictOptions predict_options;
  sub = app.add_subcommand("predict", "run a model on rows of data");
  sub->add_option("model", predict_options.model, "the model file")->required();
  sub->add_option("input", predict_options.input, ".csv .npy .npz .json .ndjson, or - for standard input")->required();
  sub->add_option("-o,--output", predict_options.output, "where to: .csv .npy .npz .json .ndjson, or - (CSV)");
  sub->add_option("--outputs", predict_options.outputs, "which outputs, such as predict,predict_proba (default: all)")->delimiter(',');
  sub->add_option("--threads", predict_options.threads, "threads (default: all cores)");
  sub->add_flag("--reference", predict_options.reference, "only the plain kernels: slower, to compare with");
  add_part(sub, predict_options);
  add(sub, predict_options, predict);

  ConvertOptions convert_options;
  sub = app.add_subcommand("convert", "write a model in another format; says what is lost");
  sub->add_option("model", convert_options.input, "the model file")->required();
  sub->add_option("out", convert_options.output, "the file to write; its extension tells the format")->required();
  sub->add_option("--to", convert_options.to, "the format to write");
  sub->add_flag("--strict", convert_options.strict, "write nothing and end with 3 when something would be lost");
  sub->add_option("--also", convert_options.part.outputs, "outputs that are only made on request, such as apply")->delimiter(',');
  add_part(sub, convert_options);
  add(sub, convert_options, convert);

  ScanOptions scan_options;
  sub = app.add_subcommand("scan", "is it safe to load? 0: all known and harmless, 1: malicious or suspicious, 2: could not be read");
  sub->add_option("path", scan_options.paths, "files or folders")->required();
  sub->add_option("--allow", scan_options.allow, "a global to take for harmless, as module.name");
  CLI::Option* json = sub->add_flag("--json", scan_options.json, "as JSON");
  sub->add_flag("--sarif", scan_options.sarif, "as SARIF 2.1.0")->excludes(json);
  add(sub, scan_options, scan);

  BenchOptions bench_options;
  sub = app.add_subcommand("bench", "how long a model takes: load, first run, one row, a batch");
  sub->add_option("model", bench_options.model, "the model file")->required();
  sub->add_option("input", bench_options.input, "rows to run on (default: zeros)");
  sub->add_option("--outputs", bench_options.outputs, "which outputs (default: all)")->delimiter(',');
  sub->add_option("--threads", bench_options.threads, "threads (default: 1)");
  sub->add_option("--seconds", bench_options.seconds, "how long each measurement runs (default: 1)")->check(CLI::Range(0.0, 3600.0));
  sub->add_flag("--profile", bench_options.profile, "what each operator takes");
  sub->add_option("--plot", bench_options.plot, "write a bar for each operator, as SVG, to this file");
  sub->add_flag("--json", bench_options.json, "as JSON");
  add_part(sub, bench_options);
  add(sub, bench_options, bench);

  FormatsOptions formats_options;
  sub = app.add_subcommand("formats", "the formats, operators and estimators that decant knows");
  sub->add_flag("--json", formats_options.json, "as JSON");
  add(sub, formats_options, formats);

  std::string shell;
  sub = app.add_subcommand("completions", "a completion script for bash, zsh or fish");
  sub->add_option("shell", shell, "bash, zsh or fish")->required();
  sub->callback([&] {
    command = [&] {
      std::fputs(completions(app, shell).c_str(), stdout);
      return kDone;
    };
  });

  std::vector<std::string> known;
  for (const CLI::App* one : app.get_subcommands({})) known.push_back(one->get_name());
  if (argc > 1 && argv[1][0] != '-' && std::ranges::find(known, argv[1]) == known.end()) {
    const std::string near = nearest(argv[1], known);
    std::fprintf(stderr, "decant: no command %s%s; see decant --help\n", printable(argv[1]).c_str(), near.empty() ? "" : format("; is it {}?", near).c_str());
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::fprintf(stderr, "decant: %s; see decant --help\n", e.what());
    return kUsage;
  }
  try {
    const std::uint64_t bytes = memory.empty() ? 0 : size_from(memory);
    for (Common* c : std::initializer_list<Common*>{&inspect_options, &predict_options, &convert_options, &scan_options, &bench_options}) c->memory = bytes;
    return command();
  } catch (const Error& e) {
    Where where = e.where();
    if (where.file.empty() && e.code() != Code::usage) where.file = model_file(*app.get_subcommands().front());  // a graph does not know where it came from
    // What a person can do about it; every other message says so itself.
    const char* advice = e.code() == Code::truncated ? "; the file is not whole: copy or download it again" : "";
    std::fprintf(stderr, "decant: %s%s\n", Error(e.code(), where, e.text()).what(), advice);
    return e.code() == Code::usage ? kUsage : kError;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "decant: limit: out of memory\n");
    return kError;
  }
}

}  // namespace decant
