// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "formats/format.h"
#include "formats/scan.h"

namespace decant::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Scanned {
  std::string path, format;
  Report report;
};

/// Files below the paths, sorted; links are not followed out of the folder.
std::vector<std::string> files_below(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> below;
    for (auto at = fs::recursive_directory_iterator(path, error); !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (!at->is_directory(error)) below.push_back(at->path().string());
    }
    if (error) throw Error(Code::io, Where{path, {}, {}, Where::kNoOffset}, "cannot list the folder");
    std::sort(below.begin(), below.end());
    out.insert(out.end(), below.begin(), below.end());
  }
  return out;
}

Scanned scan_file(const std::string& path, const ScanOptions& options) {
  Scanned out{path, {}, {}};
  out.report.allowed.insert(options.allow.begin(), options.allow.end());
  try {
    const Source source = path == "-" ? Source::standard_input(options.memory) : Source::open(path, options.memory);
    if (const Format* format = find_by_content(source)) out.format = format->name;
    scan_source(source, out.report);
  } catch (const Error& e) {
    out.report.add(e);
  }
  return out;
}

Json offset_of(const Finding& f) { return f.offset == Where::kNoOffset ? Json(nullptr) : Json(f.offset); }

std::string dump(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace); }

void print_json(const std::vector<Scanned>& files) {
  Json out;
  out["files"] = Json::array();
  for (const Scanned& file : files) {
    Json findings = Json::array();
    for (const Finding& f : file.report.findings()) {
      findings.push_back({{"severity", name_of(f.severity)}, {"rule", f.rule}, {"text", f.text}, {"member", f.member}, {"offset", offset_of(f)}});
    }
    out["files"].push_back({{"path", file.path}, {"format", file.format}, {"verdict", file.report.verdict()}, {"findings", findings}});
  }
  std::printf("%s\n", dump(out).c_str());
}

void print_sarif(const std::vector<Scanned>& files) {
  Json results = Json::array(), rules = Json::array();
  std::set<std::string> seen;
  for (const Scanned& file : files) {
    for (const Finding& f : file.report.findings()) {
      const char* level = f.severity == Severity::malicious ? "error" : f.severity == Severity::note ? "note" : "warning";
      Json location = {{"physicalLocation", {{"artifactLocation", {{"uri", file.path}}}}}};
      if (f.offset != Where::kNoOffset) location["physicalLocation"]["region"] = {{"byteOffset", f.offset}};
      if (!f.member.empty()) location["logicalLocations"] = Json::array({{{"name", f.member}}});
      results.push_back({{"ruleId", f.rule}, {"level", level}, {"message", {{"text", f.text}}}, {"locations", Json::array({location})}});
      if (seen.insert(f.rule).second) rules.push_back({{"id", f.rule}});
    }
  }
  const Json out = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({{{"tool", {{"driver", {{"name", "decant"}, {"version", "0.1.0"}, {"rules", rules}}}}}, {"results", results}}})}};
  std::printf("%s\n", dump(out).c_str());
}

void print_text(const std::vector<Scanned>& files) {
  for (const Scanned& file : files) {
    std::printf("%s: %s%s%s\n", printable(file.path).c_str(), std::string(file.report.verdict()).c_str(), file.format.empty() ? "" : ", ", file.format.c_str());
    for (const Finding& f : file.report.findings()) {
      const std::string place = Where{{}, f.member, {}, f.offset}.text();
      std::printf("  %s: %s: %s%s%s\n", std::string(name_of(f.severity)).c_str(), f.rule.c_str(), f.text.c_str(), place.empty() ? "" : " — ", place.c_str());
    }
  }
}

}  // namespace

int scan(const ScanOptions& options) {
  std::vector<Scanned> files;
  {
    const std::vector<std::string> paths = files_below(options.paths);
    Progress progress("scan");
    for (const std::string& path : paths) {
      files.push_back(scan_file(path, options));
      progress.update(files.size(), paths.size());
    }
  }
  if (options.json) print_json(files);
  else if (options.sarif) print_sarif(files);
  else print_text(files);
  int code = kDone;
  for (const Scanned& file : files) {
    if (file.report.worst() >= Severity::suspicious) return kFinding;
    if (file.report.worst() == Severity::error) code = kError;
  }
  return code;
}

}  // namespace decant::cli
