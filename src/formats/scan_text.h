// SPDX-License-Identifier: Apache-2.0
// Attacks in files that are not read (yet), or that are read as plain data: JSON that names classes (skops, Keras), XML with external
// entities, graphs with operators that touch files. These only add findings; they never make anything clean.
#pragma once

#include "formats/scan.h"

namespace decant {

/// skops' schema.json and Keras' config.json: every class that they name is judged like a global of a pickle.
void scan_json(const Source& source, Report& report);

/// What can be told from the bytes of a file of another format: HDF5 with a Lambda layer, XML, protobuf of TensorFlow.
void scan_signatures(const Source& source, Report& report);

}  // namespace decant
