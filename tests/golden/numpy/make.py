#!/usr/bin/env python3
"""Writes numpy-<version>.tsv: NumPy and SciPy objects as pickled by this NumPy, and what is in them.

    $(tools/venv.sh sklearn-1.1)/bin/python tests/golden/numpy/make.py     # NumPy 1.23
    $(tools/venv.sh sklearn-1.9)/bin/python tests/golden/numpy/make.py     # the newest

One line an object: name, container (pickle, joblib, npy), hexadecimal bytes, element type, shape, elements in row-major order. Element types are the
names of decant's tensors; a sparse matrix is given by its dense form.
"""
import io
import os
import pathlib
import pickle

import joblib
import numpy as np
import scipy.sparse as sp

HERE = pathlib.Path(__file__).resolve().parent


def arrays():
    for code in ("i1", "u1", "<i2", ">i2", "<i4", ">u4", "<i8", ">i8", "<u8", "<f4", ">f4", "<f8", ">f8", "<f2"):
        yield f"type {code}", np.arange(6).reshape(2, 3).astype(code)
    yield "bool", np.array([[True, False], [False, True]])
    yield "empty", np.zeros((0, 3))
    yield "rank 0", np.array(2.5)
    yield "Fortran", np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
    yield "Fortran, big-endian", np.asfortranarray(np.arange(6).reshape(2, 3).astype(">i4"))
    yield "strided", np.arange(20.0).reshape(4, 5)[::2, 1::2]
    yield "transposed", np.arange(6.0).reshape(2, 3).T
    yield "bytes", np.array([b"a", b"", b"xyz"])
    yield "text", np.array(["a", "", "héllo", "😀"])
    yield "text, big-endian", np.array(["ab", "c"]).astype(">U2")
    yield "matrix", np.matrix([[1.0, 2.0]])
    yield "masked", np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    yield "dates", np.array(["2020-01-01", "1969-12-31"], dtype="M8[D]")
    yield "durations", np.array([5, -5], dtype="m8[25s]")
    yield "objects, texts", np.array(["a", "bc"], dtype=object)
    yield "objects, integers", np.array([[1, 2], [3, -4]], dtype=object)
    yield "objects, Fortran", np.asfortranarray(np.array([[1, 2, 3], [4, 5, 6]], dtype=object))
    yield "objects, numbers", np.array([1.5, 2.5], dtype=object)
    yield "objects, scalars", np.array([np.float64(1.5), np.float64(2.5)], dtype=object)
    yield "objects, booleans", np.array([True, False], dtype=object)


def scalars():
    for value in (np.float64(1.5), np.float32(0.1), np.int64(-7), np.int32(7), np.uint8(255), np.bool_(True), np.str_("hé"), np.bytes_(b"ab"), np.float16(0.5)):
        yield f"scalar {type(value).__name__}", value


def sparse():
    dense = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 4.0, -5.0]])
    for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        yield f"{kind}_matrix", getattr(sp, f"{kind}_matrix")(dense)
        yield f"{kind}_array", getattr(sp, f"{kind}_array")(dense)
    yield "coo with a repeated entry", sp.coo_matrix(([1.0, 2.0], ([0, 0], [1, 1])), shape=(1, 2))
    yield "csr of booleans", sp.csr_matrix(np.array([[True, False]]))
    yield "csr without entries", sp.csr_matrix((2, 3))
    yield "bsr of blocks", sp.bsr_matrix(np.kron(np.array([[0, 1], [1, 0]]), np.array([[1.0, 2.0], [3.0, 4.0]])), blocksize=(2, 2))


def described(value):
    if sp.issparse(value):
        value = np.asarray(value.toarray(), dtype=np.float64)
    if isinstance(value, np.ma.MaskedArray):
        value = value.data
    value = np.asarray(value)
    if value.dtype.kind in "Mm":
        value = value.astype(np.int64)
    if value.dtype.kind == "S":
        value = value.astype("U")
    if value.dtype.kind == "O":
        value = np.array(value.tolist())
    name = "str" if value.dtype.kind == "U" else value.dtype.newbyteorder("=").name
    elements = [e if isinstance(e, str) else repr(float(e)) if value.dtype.kind == "f" else str(int(e)) for e in value.ravel(order="C").tolist()]
    return name, ",".join(map(str, value.shape)), "|".join(elements)


def dumped(value):
    for protocol in range(6):
        try:
            yield f"pickle {protocol}", pickle.dumps(value, protocol=protocol)
        except (ValueError, TypeError):  # protocols 0 and 1 do not take slots
            pass
    for protocol in (2, 4, 5):
        out = io.BytesIO()
        joblib.dump(value, out, protocol=protocol)
        yield f"joblib {protocol}", out.getvalue()
    if isinstance(value, np.ndarray) and not isinstance(value, (np.ma.MaskedArray, np.matrix)):
        out = io.BytesIO()
        np.save(out, value, allow_pickle=True)
        yield "npy", out.getvalue()


def main():
    os.environ["OMP_NUM_THREADS"] = "1"
    lines = []
    for name, value in [*arrays(), *scalars(), *sparse()]:
        seen = set()
        for container, raw in dumped(value):
            if raw not in seen:  # joblib has nothing to add to a small object
                lines.append("\t".join((name, container, raw.hex(), *described(value))))
            seen.add(raw)
    path = HERE / f"numpy-{np.__version__}.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(path, len(lines))


if __name__ == "__main__":
    main()
