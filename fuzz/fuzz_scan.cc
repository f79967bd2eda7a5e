// SPDX-License-Identifier: Apache-2.0
#include "formats/scan.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Report report;
  scan_source(fuzz::source(data, size), report);
  Severity worst = Severity::note;
  for (const Finding& finding : report.findings()) worst = std::max(worst, finding.severity);
  fuzz::require(worst == report.worst() && report.depth == 0);
  return 0;
}
