// SPDX-License-Identifier: Apache-2.0
// What scan says about a file. A format's scan() adds findings; the worst of them is the verdict. Nothing unread or unknown is clean.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/pickle/pickle.h"
#include "codecs/zip/zip.h"
#include "io/cursor.h"

namespace decant {

enum class Severity : std::uint8_t {
  note,        // worth saying, harmless
  error,       // cannot be read to the end
  suspicious,  // something unknown, or readers would disagree
  malicious,
};

struct Finding {
  Severity severity = Severity::note;
  std::string rule;    // short, stable: "dangerous-global", "unknown-global", "trailing-data", …
  std::string text;    // one line for people
  std::string member;  // inside the file, outermost first, joined with '!'
  std::uint64_t offset = Where::kNoOffset;
};

std::string_view name_of(Severity severity);  // "note", "error", "suspicious", "malicious"

/// The findings of one file.
class Report {
 public:
  /// Fully qualified names ("mypackage.layers.Scaler") that the user vouches for.
  std::set<std::string, std::less<>> allowed;

  void add(Severity severity, std::string_view rule, std::string text, const Where& where);
  /// An Error that ended the reading of (a part of) the file.
  void add(const Error& error);

  const std::vector<Finding>& findings() const { return findings_; }
  /// The worst finding; note means clean.
  Severity worst() const { return worst_; }
  std::string_view verdict() const { return worst_ == Severity::note ? "clean" : name_of(worst_); }

  std::uint32_t depth = 0;  // how many containers we are inside

 private:
  std::vector<Finding> findings_;
  Severity worst_ = Severity::note;
};

/// Scans whatever `source` is, by content: containers member by member, pickles, and everything that a Format can scan. Never throws an
/// Error: it becomes a finding.
void scan_source(const Source& source, Report& report);

/// Pickles from the cursor on, one behind the other, up to the end of the source.
void scan_pickles(Cursor& cursor, Report& report);
void scan_pickles(const Source& source, Report& report);

/// One pickle. Its globals, calls and oddities are judged up to where it breaks, should it break.
pickle::Partial scan_pickle(Cursor& cursor, Report& report);

/// Bytes that mean nothing by themselves (tensor data): searched for a pickle that a loader could be led to.
void scan_opaque(const Source& source, Report& report);

/// A zip archive: its structure, and each member. `own` deals with the members that the caller's format knows (and returns true); all
/// others are scanned by content, and what is then still unknown is suspicious.
using ScanMember = std::function<bool(const zip::Entry& entry, const Source& content, Report& report)>;
void scan_zip(const Source& source, Report& report, const ScanMember& own = {});

}  // namespace decant
