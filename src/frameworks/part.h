// SPDX-License-Identifier: Apache-2.0
// Which part of a file's content is asked for, where it holds more than one model or a model in steps, and which outputs.
#pragma once

#include <string>
#include <vector>

namespace decant {

struct Part {
  std::string entry;  // of a dict or list of models: its key or position, nested ones as a/b
  std::string until;  // of a pipeline: the steps before this one, by name or position
  std::string from;   // of a pipeline: this step and those behind it
  bool look = false;  // nothing needs to run: what is in the file, also where decant cannot run it
  std::vector<std::string> outputs;  // made only where they are named: the model's info names them
  bool texts = false;  // columns that a pipeline only hands on hold texts: a file does not say what they hold
  /// Whether all of the file is meant; `outputs` narrow nothing down.
  bool empty() const { return entry.empty() && until.empty() && from.empty() && !look; }
};

}  // namespace decant
