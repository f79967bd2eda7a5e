// SPDX-License-Identifier: Apache-2.0
// SecondsOfDate: texts such as "1977-01-31" or "1977-01-31T12:30:59" as seconds since 1970-01-01 (the proleptic Gregorian calendar of
// ISO 8601 without leap seconds or zones, as numpy.datetime64[s]).
// There is no body in standard ONNX: it has no operator that takes texts apart.
#include <chrono>
#include <optional>

#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

/// `digits` digits at `at`, or -1.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int out = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    out = out * 10 + (text[i] - '0');
  }
  return out;
}

/// "1977-01-31", "1977-01-31T12:30", "1977-01-31 12:30:59" or "…59.25" as seconds, the fraction cut off.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  const int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || year < 0 || month < 0 || day < 0) return {};
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  const std::int64_t midnight = std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
  if (text.size() == 10) return midnight;
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2);
  if ((text[10] != 'T' && text[10] != ' ') || text.size() < 16 || text[13] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59) return {};
  const std::int64_t at = midnight + hour * 3600 + minute * 60;
  if (text.size() == 16) return at;
  const int second = number_at(text, 17, 2);
  const bool fraction = text.size() > 20 && text[19] == '.' && text.find_first_not_of("0123456789", 20) == text.npos;
  if (text[16] != ':' || second < 0 || second > 59 || (text.size() != 19 && !fraction)) return {};
  return at + second;
}

void seconds_of_date(KernelContext& c) {
  want(c, 0, DType::string);
  const std::span<const std::string> in = c.input(0).data<std::string>();
  const std::span<std::int64_t> out = c.output(0, DType::int64, c.input(0).shape()).mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto seconds = seconds_of(in[i]);
    if (!seconds) c.fail(Code::mismatch, format("\"{}\" is no date like 1977-01-31 or 1977-01-31T12:30:59", printable(in[i], 40)));
    out[i] = *seconds;
  }
}

void infer(InferContext& c) {
  infer_same(c);
  c.outputs[0].dtype = DType::int64;
}

constexpr Op kOps[] = {{"decant", "SecondsOfDate", "Texts like \"1977-01-31\" or \"1977-01-31T12:30:59\" as int64 seconds since 1970-01-01.", infer, seconds_of_date,
                        nullptr, nullptr, "no standard operator takes texts apart: written as decant's own operator, which other runtimes do not know"}};

}  // namespace

DECANT_AT_START std::span<const Op> dates_ops() { return kOps; }

}  // namespace decant
