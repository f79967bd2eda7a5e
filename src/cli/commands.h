// SPDX-License-Identifier: Apache-2.0
// One function for each command: what it needs is in its options, what it returns is the exit code. Errors are thrown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "frameworks/part.h"

namespace decant::cli {

inline constexpr int kDone = 0, kFinding = 1, kError = 2, kLoss = 3, kUsage = 64;

struct Common {
  std::uint64_t memory = 0;  // --max-memory, 0: from the file's size
  Part part;                 // --entry, --until, --from
};

struct InspectOptions : Common {
  std::string model;
  bool json = false, weights = false;
};
int inspect(const InspectOptions& options);

struct PredictOptions : Common {
  std::string model, input, output = "-";
  std::vector<std::string> outputs;
  unsigned threads = 0;
  bool reference = false;
};
int predict(const PredictOptions& options);

struct ConvertOptions : Common {
  std::string input, output, to;
  bool strict = false;
};
int convert(const ConvertOptions& options);

struct ScanOptions : Common {
  std::vector<std::string> paths, allow;
  bool json = false, sarif = false;
};
int scan(const ScanOptions& options);

struct FormatsOptions {
  bool json = false;
};
int formats(const FormatsOptions& options);

struct BenchOptions : Common {
  std::string model, input;
  std::vector<std::string> outputs;
  unsigned threads = 1;
  double seconds = 1;   // of each measurement
  bool json = false, profile = false;
  std::string plot;     // an SVG file
};
int bench(const BenchOptions& options);

}  // namespace decant::cli
