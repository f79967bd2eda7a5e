// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/onnx/onnx_raw.h"
#include "ir/model.h"

namespace decant::onnx {

/// The model of an ONNX file of any operator set. Unknown operators are kept as nodes; what runs Python out of a file is refused.
Model read(const Source& source);

/// Operators that run code which no file should bring along, "" where this is none of them.
std::string_view unsafe_operator(std::string_view domain, std::string_view op);

// Keys of metadata_props under which the writer keeps what ONNX has no place for.
inline constexpr std::string_view kJsonInput = "decant.json_input.";          // + input name: texts that hold JSON; a JSON list of fields that are texts
inline constexpr std::string_view kInputColumns = "decant.input_columns.";    // + input name: a JSON list of texts
inline constexpr std::string_view kOutputColumns = "decant.output_columns.";  // + output name
inline constexpr std::string_view kFramework = "decant.framework", kFrameworkVersion = "decant.framework_version", kProducer = "decant.producer";

std::string to_json_list(const std::vector<std::string>& texts);
/// Empty where `text` is no JSON list of texts.
std::vector<std::string> from_json_list(std::string_view text);

}  // namespace decant::onnx
