// SPDX-License-Identifier: Apache-2.0
// Files that XGBoost saves (Booster.save_model): JSON, UBJSON, and the binary format of versions before 3.1. Plain data: nothing in them
// can run, so a file that reads to its end is clean.
#include "formats/format.h"
#include "frameworks/xgboost/booster.h"

namespace decant {
namespace {

Probe probe(const Source& source) { return xgboost::recognise(source.bytes()) != xgboost::Encoding::none ? Probe::certain : Probe::no; }

Model read(const Source& source, const Part& part) { return xgboost::read(xgboost::parse(source), part.outputs); }

void scan(const Source& source, Report& report) {
  try {
    xgboost::parse(source);
  } catch (const Error& error) {
    report.add(error);
  }
}

}  // namespace

extern const Format xgboost_format;
const Format xgboost_format{
    .name = "xgboost", .title = "XGBoost (JSON, UBJSON, binary)", .extensions = ".ubj .json .model .bin", .probe = probe, .scan = scan, .read = read, .write = nullptr};

}  // namespace decant
