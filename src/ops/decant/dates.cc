// SPDX-License-Identifier: Apache-2.0
// DaysOfDate: texts such as "1977-01-31" as days since 1970-01-01 (the proleptic Gregorian calendar of ISO 8601, as numpy.datetime64[D]).
// There is no body in standard ONNX: it has no operator that takes texts apart.
#include <chrono>

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

void days_of_date(KernelContext& c) {
  want(c, 0, DType::string);
  const std::span<const std::string> in = c.input(0).data<std::string>();
  const std::span<std::int64_t> out = c.output(0, DType::int64, c.input(0).shape()).mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string_view text = in[i];
    const int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || year < 0 || month < 0 || day < 0 || !date.ok()) {
      c.fail(Code::mismatch, format("\"{}\" is no date like 1977-01-31", printable(text, 40)));
    }
    out[i] = std::chrono::sys_days(date).time_since_epoch().count();
  }
}

void infer(InferContext& c) {
  infer_same(c);
  c.outputs[0].dtype = DType::int64;
}

constexpr Op kOps[] = {{"decant", "DaysOfDate", "Texts like \"1977-01-31\" as int64 days since 1970-01-01.", infer, days_of_date}};

}  // namespace

std::span<const Op> dates_ops() { return kOps; }

}  // namespace decant
