// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace decant {

/// Shortest text that reads back as the same number, spelled as Python does it: 1.0, 1e-05, nan, inf.
std::string number_text(double value);
std::string number_text(float value);

}  // namespace decant
