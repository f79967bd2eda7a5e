// SPDX-License-Identifier: Apache-2.0
// A pickled model, whatever vessel the pickle came in.
#pragma once

#include "frameworks/part.h"
#include "frameworks/python/object.h"
#include "io/source.h"
#include "ir/model.h"

namespace decant {

/// Parses the pickle that `file` holds, compressed or not, and gives its top object a meaning. Throws unsupported where no framework knows it.
Model read_pickled(const Source& file, const Part& part);

/// The objects that `file` pickles, compressed or not, without a meaning.
pickle::Tree pickled_objects(const Source& file);

/// Gives a Python object of `file` a meaning, whatever it was read from. Of a dict or list of models, `part` says which one; where it does
/// not, the only one there is, else throws usage with their names.
Model read_object(const python::Object& top, const Source& file, const Part& part);

}  // namespace decant
