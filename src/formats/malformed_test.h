// SPDX-License-Identifier: Apache-2.0
// What tests of malformed files share: honest files are taken from the golden cases and then damaged.
#pragma once

#include <gtest/gtest.h>

#include "base/text.h"
#include "formats/format.h"

namespace decant::testing {

inline Source source_of(const std::string& bytes, const std::string& name) { return Source::memory(Blob::copy_of(as_bytes(bytes)), name); }

/// The bytes of a file below tests/golden/.
inline std::string golden(const std::string& path) { return std::string(as_text(Source::open(std::string(DECANT_SOURCE_DIR "/tests/golden/") + path).bytes())); }

template <class Run>
std::string error_of(Run run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Reads and scans `bytes` cut short at many places, and with single bytes changed: an Error or a model, nothing else.
inline void cut_and_flip(const char* format_name, const std::string& bytes, bool cut_must_fail = true) {
  const Format& format = *find_format(format_name);
  const std::size_t step = bytes.size() / 199 + 1;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const Source source = source_of(bytes.substr(0, at), "cut");
    const std::string error = error_of([&] { format.read(source, {}); });
    Report report;
    try {
      format.scan(source, report);
    } catch (const Error& e) {  // as scan_source() does it
      report.add(e);
    }
    if (!cut_must_fail) continue;
    EXPECT_NE(error, "no error") << format_name << " cut at " << at;
    EXPECT_NE(report.worst(), Severity::note) << format_name << " cut at " << at;
  }
  for (std::size_t at = 0; at < bytes.size(); at += step / 3 + 1) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ (at % 3 == 0 ? 0x80 : at % 3 == 1 ? 0x04 : 0x11));
    error_of([&] { format.read(source_of(changed, "flipped"), {}); });
  }
}

}  // namespace decant::testing
