// SPDX-License-Identifier: Apache-2.0
// Any zip archive that is no model of a format of its own: scanned member by member, not opened.
#include "formats/format.h"

namespace decant {
namespace {

Probe probe(const Source& source) { return zip::looks_like(source.bytes()) ? Probe::maybe : Probe::no; }

void scan(const Source& source, Report& report) { scan_zip(source, report); }

}  // namespace

extern const Format zip_format;
const Format zip_format{
    .name = "zip", .title = "ZIP archive", .extensions = ".zip", .probe = probe, .scan = scan, .read = nullptr, .write = nullptr};

}  // namespace decant
