// SPDX-License-Identifier: Apache-2.0
// Older meanings of ONNX operators said with the newest ones, which are the only ones that ops/ knows.
#pragma once

#include "ops/builder.h"

namespace decant::onnx {

/// A node as a file has it, of the operator set `version` of its domain.
struct Call {
  std::string domain, op, name;
  std::vector<ValueId> inputs;
  Attributes attributes;
  std::size_t outputs = 1;
  std::int64_t version = 0;
};

/// Adds what the node means and returns its outputs.
std::vector<ValueId> add_upgraded(Builder& b, Call call);

}  // namespace decant::onnx
