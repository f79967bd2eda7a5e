// SPDX-License-Identifier: Apache-2.0
// The text that LightGBM saves (Booster.save_model, model_to_string). Plain data: nothing in it can run, so a file that reads to its end
// is clean.
#include "formats/format.h"
#include "frameworks/lightgbm/booster.h"

namespace decant {
namespace {

Probe probe(const Source& source) { return lightgbm::recognise(source.bytes()) ? Probe::certain : Probe::no; }

Model read(const Source& source, const Part& part) { return lightgbm::read(lightgbm::parse(source), part.outputs); }

void scan(const Source& source, Report& report) {
  try {
    lightgbm::parse(source);
  } catch (const Error& error) {
    report.add(error);
  }
}

}  // namespace

extern const Format lightgbm_format;
const Format lightgbm_format{.name = "lightgbm", .title = "LightGBM text", .extensions = ".txt .model", .probe = probe, .scan = scan, .read = read, .write = nullptr};

}  // namespace decant
