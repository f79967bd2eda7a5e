// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "formats/format.h"

namespace decant::cli {
namespace {

const Format& target_format(const ConvertOptions& options) {
  std::string writable;
  for (const Format* f : all_formats()) {
    if (!writes(*f)) continue;
    writable += (writable.empty() ? "" : ", ") + std::string(f->name);
    if (options.to.empty()) {
      const std::string first(f->extensions.substr(0, f->extensions.find(' ')));
      if (options.output.ends_with(first)) return *f;
    } else if (f->name == options.to) {
      return *f;
    }
  }
  if (!options.to.empty()) throw Error(Code::usage, format("decant does not write {}; it writes {}", printable(options.to), writable));
  throw Error(Code::usage, Where{options.output, {}, {}, Where::kNoOffset}, format("cannot tell the format from the name; give --to: {}", writable));
}

/// Objects from one vessel of Python into another: nothing is lost, and nothing needs to be understood.
int convert_objects(const ConvertOptions& options, const Format& target, const Source& source) {
  const Format& from = detect(source);
  if (from.objects == nullptr) throw Error(Code::unsupported, source.where(), format("{} is written from Python objects, and a file of the format {} holds none", target.title, from.name));
  if (!options.part.empty()) throw Error(Code::usage, source.where(), format("a part of a file cannot be written as {}", target.name));
  Sink sink(options.output);
  target.write_objects(from.objects(source), sink);
  sink.commit();
  return kDone;
}

}  // namespace

int convert(const ConvertOptions& options) {
  const Format& target = target_format(options);
  const Source source = options.input == "-" ? Source::standard_input(options.memory) : Source::open(options.input, options.memory);
  if (target.write == nullptr) return convert_objects(options, target, source);
  const Model model = read_model(source, options.part);
  Sink sink(options.output);
  std::vector<Loss> losses;
  target.write(model, sink, losses);
  for (const std::string& note : model.notes) std::fprintf(stderr, "decant: note: %s\n", note.c_str());
  for (const Loss& loss : losses) std::fprintf(stderr, "decant: loss: %s: %s\n", printable(loss.item, 100).c_str(), loss.text.c_str());
  if (options.strict && !losses.empty()) {
    std::fprintf(stderr, "decant: nothing written: %zu losses and --strict\n", losses.size());
    return kLoss;
  }
  sink.commit();
  return kDone;
}

}  // namespace decant::cli
