// SPDX-License-Identifier: Apache-2.0
// Replays what the frameworks themselves answered (tests/golden/<suite>/make.py): each case is a model file, an input, the recorded
// outputs and the contract that they are held to.
//   golden_test [--suite=boosters] [--version=1.9] [--filter=WORD|WORD] [--reference] [--list-failures]
// What decant cannot do yet is listed in known.tsv, with its cause: an estimator that must be refused by name, or a case whose answer
// differs. Such a case is counted as skipped, with its reason; it fails when it starts to pass, so that the list only shrinks.
// --through=onnx writes each model to ONNX and reads it back first; --through=skops moves the objects of each pickle into an archive. Prints one line a failure and, at the end, "N passed, N failed".
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include <unistd.h>

#include "base/text.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"

namespace {

using namespace decant;

struct Case {
  std::string name, estimator, options, model, input, expected, contract;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> out;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);  // the header
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '\t');) cells.push_back(cell);
    if (cells.size() == 7) out.push_back({cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]});
  }
  return out;
}

/// Whether `text` holds one of the words of `filter` (all do for an empty one).
bool chosen(const std::string& filter, const std::string& text) {
  std::istringstream words(filter);
  bool found = filter.empty();
  for (std::string word; std::getline(words, word, '|');) found = found || text.find(word) != std::string::npos;
  return found;
}

std::int64_t ordered(double v) {  // doubles in order as integers, so that a difference counts units in the last place
  std::int64_t bits = 0;
  std::memcpy(&bits, &v, 8);
  return bits < 0 ? INT64_MIN - bits : bits;
}

std::int64_t ordered(float v) {
  std::int32_t bits = 0;
  std::memcpy(&bits, &v, 4);
  return bits < 0 ? INT32_MIN - std::int64_t{bits} : bits;
}

bool within(double got, double want, double scale, bool single, const std::string& contract) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (got == want) return true;
  if (contract == "exact") return false;
  if (std::isinf(want) || std::isinf(got)) return false;
  if (contract == "ulp4" && single) return std::llabs(ordered(static_cast<float>(got)) - ordered(static_cast<float>(want))) <= 4;
  if (contract == "ulp4") return std::llabs(ordered(got) - ordered(want)) <= 4;
  const double relative = contract == "rel1e-12" ? 1e-12 : contract == "rel1e-9" ? 1e-9 : contract == "rel1e-6" || contract == "float32" ? 1e-5 : 0;
  return std::fabs(got - want) <= relative * std::max(std::fabs(want), scale);
}

/// What is wrong with `got`, or "".
std::string difference(const Tensor& got, const Tensor& want, const std::string& contract) {
  if (got.shape() != want.shape()) return format("shape {} instead of {}", text_of(got.shape()), text_of(want.shape()));
  if ((got.dtype() == DType::string) != (want.dtype() == DType::string)) return format("{} instead of {}", name_of(got.dtype()), name_of(want.dtype()));
  double scale = 0;
  const bool real = is_float(want.dtype());
  for (std::size_t i = 0; real && i < want.size(); ++i) {
    if (std::isfinite(want.number(i))) scale = std::max(scale, std::fabs(want.number(i)));
  }
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want.dtype() == DType::string) {
      if (got.data<std::string>()[i] != want.data<std::string>()[i]) return format("[{}]: \"{}\" instead of \"{}\"", i, got.data<std::string>()[i], want.data<std::string>()[i]);
    } else if (real ? !within(got.number(i), want.number(i), scale, want.dtype() == DType::float32, contract) : got.number(i) != want.number(i)) {
      return format("[{}]: {} instead of {} ({})", i, number_text(got.number(i)), number_text(want.number(i)), contract);
    }
  }
  return {};
}

/// Estimators and cases that are known to fail: name → cause.
std::map<std::string, std::string> read_known(const std::string& path) {
  std::map<std::string, std::string> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) out[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return out;
}

/// The cause of a failure that is known, or "". A missing estimator, an operator that ONNX cannot say or a class that is not written, is only excused by the error that
/// names it.
std::string known_cause(const std::map<std::string, std::string>& known, const std::string& version, const Case& c, const std::vector<std::string>& failures) {
  if (const auto at = known.find(version + " " + c.name); at != known.end()) return at->second;
  for (const auto& [name, cause] : known) {
    if (failures[0].find("unsupported: ") == std::string::npos) continue;
    if (failures[0].ends_with("; not written") && failures[0].find(" " + name + ",") != std::string::npos) return name + ": " + cause;
    if (failures[0].find("." + name + " (scikit-learn") != std::string::npos || failures[0].find("(" + name + "): unsupported: ") != std::string::npos) return name + ": " + cause;
  }
  return {};
}

/// The model as it comes back from ONNX.
Model through_onnx(const Model& model, const std::string& path) {
  Sink sink(path);
  std::vector<Loss> losses;
  find_format("onnx")->write(model, sink, losses);
  sink.commit();
  return read_model(Source::open(path));
}

Model through_skops(const Source& source, const std::string& path, const Part& part) {
  Sink sink(path);
  find_format("skops")->write_objects(detect(source).objects(source), sink);
  sink.commit();
  return read_model(Source::open(path), part);
}

/// A class without a method for new data: it is described down to what it was fitted to, and refused by its name.
std::vector<std::string> run_none(const std::string& root, const Case& c) {
  std::vector<std::string> out;
  Part look;
  look.look = true;
  const Model seen = read_model(Source::open(root + c.model), look);
  if (std::ranges::find(seen.info.children, "fitted", &Info::name) == seen.info.children.end()) out.emplace_back("nothing that it was fitted to is described");
  try {
    read_model(Source::open(root + c.model));
    out.emplace_back("opens, but has no method");
  } catch (const Error& e) {
    if (e.code() != Code::unsupported || std::string_view(e.what()).find("." + c.estimator + " (scikit-learn") == std::string_view::npos) out.emplace_back(e.what());
  }
  return out;
}

/// Failures of one case, one text each.
std::vector<std::string> run(const std::string& root, const Case& c, bool reference, const std::string& through) {
  std::vector<std::string> out;
  try {
    if (c.contract == "none") return run_none(root, c);
    const std::vector<NamedTensor> wanted = read_npz(Source::open(root + c.expected));
    Part part;  // with the outputs that are only made where they are named
    for (const NamedTensor& w : wanted) part.outputs.push_back(w.name);
    part.texts = c.name.find("passed_texts") != std::string::npos;  // as predict does where a column holds texts
    const Source source = Source::open(root + c.model);
    Model read = through == "skops" ? through_skops(source, format("golden_{}.skops", ::getpid()), part) : read_model(source, part);
    if (through == "onnx") read = through_onnx(read, format("golden_{}.onnx", ::getpid()));
    const auto model = std::make_shared<const Model>(std::move(read));
    std::vector<std::string> names;
    for (const NamedTensor& w : wanted) {
      if (std::ranges::find(model->signature.outputs, w.name, &Output::name) == model->signature.outputs.end()) out.push_back("no output " + w.name);
      else names.push_back(w.name);
    }
    if (names.empty()) return out;
    SessionOptions how;
    how.reference_kernels = reference;
    const std::vector<Tensor> got = Session(model, how).run(read_inputs(root + c.input, model->signature), names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& want = std::ranges::find(wanted, names[i], &NamedTensor::name)->tensor;
      if (std::string text = difference(got[i], want, c.contract); !text.empty()) out.push_back(names[i] + text);
    }
  } catch (const Error& e) {
    out.emplace_back(e.what());
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  struct Suite {
    std::string name;
    std::vector<std::string> versions;  // folders
  };
  const Suite suites[] = {{"sklearn", {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "thirdparty", "mappers"}},
                          {"boosters", {"boosters-2019", "boosters-2020", "boosters-2023", "boosters-2024", "boosters"}}};
  const Suite* suite = &suites[0];
  std::string version, filter, through;
  bool reference = false;
  int skipped = 0;
  std::map<std::string, int> causes;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg.starts_with("--version=")) version = arg.substr(10);
    else if (arg.starts_with("--filter=")) filter = arg.substr(9);
    else if (arg == "--suite=sklearn" || arg == "--suite=boosters") suite = &suites[arg.ends_with("boosters")];
    else if (arg == "--reference") reference = true;
    else if (arg == "--through=onnx" || arg == "--through=skops") through = arg.substr(10);
    else return std::fprintf(stderr, "usage: golden_test [--suite=boosters] [--version=1.9] [--filter=WORD|WORD] [--reference] [--through=onnx|skops]\n"), 64;
  }
  const std::string root = DECANT_SOURCE_DIR "/tests/golden/" + suite->name + "/";
  auto known = read_known(root + (through.empty() ? "known.tsv" : "known_" + through + ".tsv"));
  if (through == "skops") known.merge(read_known(root + "known.tsv"));  // the same objects, read in the same way
  int passed = 0, failed = 0;
  std::map<std::string, std::pair<int, int>> by_estimator;
  for (const std::string& v : suite->versions) {
    if (!version.empty() && version != v) continue;
    for (const Case& c : read_cases(root + v + "/cases.tsv")) {
      if (!chosen(filter, c.name + " " + c.estimator)) continue;
      if (through == "skops" && detect(Source::open(root + c.model)).objects == nullptr) continue;  // no Python objects
      std::vector<std::string> failures = run(root, c, reference, through);
      if (failures.empty() && known.contains(v + " " + c.name)) failures.push_back("passes; take it off the list of known failures");
      else if (!failures.empty()) {
        if (const std::string cause = known_cause(known, v, c, failures); !cause.empty()) {
          ++skipped;
          ++causes[cause];
          continue;
        }
      }
      auto& [good, bad] = by_estimator[c.estimator];
      ++(failures.empty() ? good : bad);
      ++(failures.empty() ? passed : failed);
      for (const std::string& f : failures) std::printf("FAIL %s %s (%s): %s\n", v.c_str(), c.name.c_str(), c.estimator.c_str(), f.c_str());
    }
  }
  for (const auto& [name, counts] : by_estimator) {
    if (counts.second > 0) std::printf("%s: %d passed, %d failed\n", name.c_str(), counts.first, counts.second);
  }
  for (const auto& [cause, count] : causes) std::printf("skipped %d: %s\n", count, cause.c_str());
  if (!through.empty()) ::unlink(format("golden_{}.{}", ::getpid(), through).c_str());
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed == 0 && passed > 0 ? 0 : 1;
}
