// SPDX-License-Identifier: Apache-2.0
#include "formats/scan.h"

#include <algorithm>

namespace decant {
namespace {

constexpr std::size_t kMostFindings = 500;  // of a file that repeats itself a million times, the first say it all

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::error: return "error";
    case Severity::suspicious: return "suspicious";
    case Severity::malicious: return "malicious";
  }
  return "?";
}

void Report::add(Severity severity, std::string_view rule, std::string text, const Where& where) {
  worst_ = std::max(worst_, severity);
  const auto same = [&](const Finding& f) { return f.rule == rule && f.text == text && f.member == where.member; };
  if (findings_.size() >= kMostFindings || std::any_of(findings_.begin(), findings_.end(), same)) return;
  findings_.push_back({severity, std::string(rule), std::move(text), where.member, where.offset});
}

void Report::add(const Error& error) { add(Severity::error, name_of(error.code()), error.text(), error.where()); }

}  // namespace decant
