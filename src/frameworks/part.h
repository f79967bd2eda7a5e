// SPDX-License-Identifier: Apache-2.0
// Which part of a file's content is asked for, where it holds more than one model or a model in steps.
#pragma once

#include <string>

namespace decant {

struct Part {
  std::string entry;  // of a dict or list of models: its key or position, nested ones as a/b
  std::string until;  // of a pipeline: the steps before this one, by name or position
  std::string from;   // of a pipeline: this step and those behind it
  bool look = false;  // nothing needs to run: what is in the file, also where decant cannot run it
  bool empty() const { return entry.empty() && until.empty() && from.empty() && !look; }
};

}  // namespace decant
