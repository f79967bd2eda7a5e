// SPDX-License-Identifier: Apache-2.0
// A pickled model, whatever vessel the pickle came in.
#pragma once

#include "frameworks/python/object.h"
#include "io/source.h"
#include "ir/model.h"

namespace decant {

/// Parses the pickle that `stream` holds and gives its top object a meaning. Throws unsupported where no framework knows it.
Model read_pickled(const Source& stream);

/// Gives a Python object a meaning, whatever it was read from.
Model read_object(const python::Object& root);

}  // namespace decant
