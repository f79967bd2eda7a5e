// SPDX-License-Identifier: Apache-2.0
// Shared by the files of numpy.h, for nobody else.
#pragma once

#include "frameworks/python/numpy.h"

namespace decant::python {

/// as_type without a Tree: a hook has none while the pickle is still being read.
std::optional<npy::Type> type_of(const pickle::Node& node, const Source& source, std::uint32_t depth = 0);

/// A tuple (or list, or one number) of dimensions. Throws corrupt.
std::vector<std::int64_t> shape_of(const pickle::Node& node, const Source& source);

/// Bytes of an array without objects, saturating.
std::uint64_t bytes_needed(const npy::Type& type, const std::vector<std::int64_t>& shape);

/// The arrays of joblib (joblib.cc): NumpyArrayWrapper, NDArrayWrapper, ZNDArrayWrapper.
std::optional<Array> as_joblib_array(const pickle::Tree& tree, const pickle::Node& node);

/// The state that ndarray.__setstate__ takes, without the data: (version, shape, dtype, fortran). Fills type, shape and fortran.
void set_array_state(Array& out, const pickle::Refs& state, std::size_t first, const Source& source);

/// Checks `data` against type and shape, and keeps it.
void set_array_data(Array& out, Blob data);

}  // namespace decant::python
