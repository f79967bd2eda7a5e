// SPDX-License-Identifier: Apache-2.0
// Files of other projects, which are not part of this one: at $DECANT_CASES, or ../shared/cases beside the source. Where they are absent a
// test is skipped and says so; where they are there it says how many it used.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace decant::conformance {

/// The folder (or file) of this name among the cases, or "" when it is not there.
inline std::string cases(const std::string& name) {
  const char* set = std::getenv("DECANT_CASES");
  const std::string path = (set != nullptr ? std::string(set) : std::string(DECANT_SOURCE_DIR "/../shared/cases")) + "/" + name;
  return std::filesystem::exists(path) ? path : std::string();
}

/// Every regular file below `folder`, sorted.
inline std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace decant::conformance
