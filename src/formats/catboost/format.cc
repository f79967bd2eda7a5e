// SPDX-License-Identifier: Apache-2.0
// Files that CatBoost saves: .cbm and JSON. Plain data: nothing in them can run, so a file that reads to its end is clean.
#include "formats/format.h"
#include "frameworks/catboost/booster.h"

namespace decant {
namespace {

Probe probe(const Source& source) { return catboost::recognise(source.bytes()) != catboost::Encoding::none ? Probe::certain : Probe::no; }

Model read(const Source& source, const Part& part) { return catboost::read(catboost::parse(source), part.outputs); }

void scan(const Source& source, Report& report) {
  try {
    catboost::parse(source);
  } catch (const Error& error) {
    if (error.code() != Code::unsupported || catboost::recognise(source.bytes()) == catboost::Encoding::none) return report.add(error);
    // What decant does not run is still nothing that could run by itself; what it has not read is searched all the same.
    report.add(Severity::note, "unsupported", error.text(), error.where());
    scan_opaque(source, report);
  }
}

}  // namespace

extern const Format catboost_format;
const Format catboost_format{.name = "catboost", .title = "CatBoost (cbm, JSON)", .extensions = ".cbm .json", .probe = probe, .scan = scan, .read = read, .write = nullptr};

}  // namespace decant
