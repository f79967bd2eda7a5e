// SPDX-License-Identifier: Apache-2.0
// NumPy and SciPy objects as pickles hold them: arrays (ndarray._reconstruct, _frombuffer, joblib's wrappers), scalars, dtypes,
// scipy.sparse matrices. One place for all of it, whatever the vessel and whatever the version of NumPy.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "codecs/npy/npy.h"
#include "codecs/pickle/pickle.h"
#include "ir/tensor.h"

namespace decant::python {

/// An array as it stands in the file.
struct Array {
  npy::Type type;
  std::vector<std::int64_t> shape;
  bool fortran = false;
  Blob data;                         // type.kind != 'O'
  std::vector<pickle::Ref> objects;  // type.kind == 'O', in C order
  Where where;
  Source source;                // the file's, for its budget
  std::shared_ptr<void> owner;  // keeps `objects` alive

  std::uint64_t count() const;
  /// Row-major, native byte order. 'U' and 'S' (and 'O' whose objects are all strings) become string tensors; 'O' of numbers becomes
  /// int64, float64 or bool tensors where all objects agree; structures and mixed objects throw unsupported.
  Tensor tensor() const;
};

/// How files that joblib wrote are parsed: raw arrays follow their wrapper inside the stream (joblib/numpy_pickle.py). Harmless
/// for every other pickle.
pickle::Options pickle_options();

/// An array of a .npy file, with the pickle that holds its objects where it has any.
struct NpyFile {
  Array array;
  std::optional<pickle::Tree> tree;
};
NpyFile read_npy(Cursor& cursor);

/// The array that `node` describes, or nothing when it describes something else. A lying description throws corrupt.
std::optional<Array> as_array(const pickle::Tree& tree, const pickle::Node& node);

/// A NumPy scalar (numpy.core.multiarray.scalar, numpy._core…) as a tensor of rank 0, or nothing.
std::optional<Tensor> as_scalar(const pickle::Tree& tree, const pickle::Node& node);

/// The dtype that `node` describes (numpy.dtype(...) call with its state, or a type global such as numpy.float64), or nothing.
std::optional<npy::Type> as_type(const pickle::Tree& tree, const pickle::Node& node);

/// A scipy.sparse matrix (csr, csc, coo, bsr, dia, lil, dok; matrix and array classes) as compressed rows, or nothing.
struct Sparse {
  std::int64_t rows = 0, columns = 0;
  Tensor indptr, indices, data;  // int64, int64, float64
  Tensor dense() const;          // float64 [rows, columns]; charge the budget before calling
};
std::optional<Sparse> as_sparse(const pickle::Tree& tree, const pickle::Node& node);

}  // namespace decant::python
