// SPDX-License-Identifier: Apache-2.0
// A pickled model, whatever vessel the pickle came in.
#pragma once

#include "io/source.h"
#include "ir/model.h"

namespace decant {

/// Parses the pickle that `file` holds, compressed or not, and gives its top object a meaning. Throws unsupported where no framework knows it.
Model read_pickled(const Source& file);

}  // namespace decant
