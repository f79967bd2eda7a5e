// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <cmath>

#include "base/text.h"

namespace decant {

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string out = format("{}", value);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string number_text(float value) {
  if (std::isnan(value) || std::isinf(value)) return number_text(static_cast<double>(value));
  std::string out = format("{}", value);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

}  // namespace decant
