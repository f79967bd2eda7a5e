#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model of more than 2 GiB really written: large_onnx.py DECANT   (in the environment that tools/venv.sh onnx makes; part of ./dev test-all)

Eleven layers of 8192 x 7200 weights and a table make 2.4 GiB. decant converts the model into NAME.onnx and NAME.onnx.data, with no more than
256 MiB of memory of its own (RLIMIT_DATA: what a process may write to; mapped files are not counted). onnx's checker must accept the
result, its weights must be the same bytes, and answers from both files must be equal to each other and near those of NumPy. Needs 8 GB on the
disk of the temporary folder (TMPDIR); says so and does nothing where they are not free.
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

LAYERS, WIDE, INNER = 11, 8192, 7200
OWN_MEMORY = 256 << 20


def external(name, shape, location, offset, length):
    out = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        out.external_data.add(key=key, value=str(value))
    return out


def make(folder):
    """model.onnx with weights.bin; returns what NumPy answers for input.npy."""
    random = np.random.default_rng(3)
    x = random.standard_normal((2, WIDE), dtype=np.float32)
    rows = np.array([1, 0], dtype=np.int64)
    np.savez(folder / "input.npz", X=x, rows=rows)
    nodes, weights, at, value = [], [], 0, "X"
    with open(folder / "weights.bin", "wb") as out:
        def add(name, array):
            nonlocal at
            out.write(array.tobytes())
            weights.append(external(name, array.shape, "weights.bin", at, array.nbytes))
            at += array.nbytes

        shape = (WIDE, INNER)
        answer = x
        for layer in range(LAYERS):
            array = random.standard_normal(shape, dtype=np.float32) * np.float32((2 / shape[0]) ** 0.5)
            add(f"w{layer}", array)
            nodes.append(helper.make_node("MatMul", [value, f"w{layer}"], [f"m{layer}"]))
            nodes.append(helper.make_node("Relu", [f"m{layer}"], [f"r{layer}"]))
            value, shape, answer = f"r{layer}", shape[::-1], np.maximum(answer @ array, 0)
        table = random.standard_normal((2, answer.shape[1]), dtype=np.float32)
        add("table", table)
        nodes.append(helper.make_node("Gather", ["table", "rows"], ["g"]))
        nodes.append(helper.make_node("Add", [value, "g"], ["Y"]))
        answer = answer + table[rows]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "large", [info("X", TensorProto.FLOAT, [2, WIDE]), info("rows", TensorProto.INT64, [2])], [info("Y", TensorProto.FLOAT, list(answer.shape))], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return answer, at


def own_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (OWN_MEMORY, OWN_MEMORY))


def main():
    decant = str(pathlib.Path(sys.argv[1]).resolve())
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    if free < 8e9:
        print(f"large_onnx.py: SKIPPED: {free / 1e9:.1f} GB are free in {place}, 8 GB are needed (set TMPDIR)")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        answer, size = make(folder)
        assert size > 2 << 30, size
        begin = time.time()
        subprocess.run([decant, "convert", str(folder / "model.onnx"), str(folder / "out.onnx"), "--strict"], check=True, preexec_fn=own_memory)
        took = time.time() - begin
        graph_bytes, data_bytes = (folder / "out.onnx").stat().st_size, (folder / "out.onnx.data").stat().st_size
        assert graph_bytes < 1 << 20 and data_bytes >= size, (graph_bytes, data_bytes)
        # From the source's bytes to the copy's: every tensor, wherever it lies now.
        before = np.memmap(folder / "weights.bin", np.uint8, "r")
        after = np.memmap(folder / "out.onnx.data", np.uint8, "r")
        written = onnx.load(folder / "out.onnx", load_external_data=False)
        places = sorted((int(fields["offset"]), int(fields["length"])) for t in written.graph.initializer for fields in [{e.key: e.value for e in t.external_data}])
        assert sum(length for _, length in places) == size, places
        at = 0
        for offset, length in places:
            for k in range(0, length, 1 << 26):
                n = min(1 << 26, length - k)
                assert np.array_equal(before[at + k:at + k + n], after[offset + k:offset + k + n]), (offset, k)
            at += length
        onnx.checker.check_model(str(folder / "out.onnx"))
        got = []
        for file in ("model.onnx", "out.onnx"):
            out = folder / (file + ".npy")
            subprocess.run([decant, "predict", str(folder / file), str(folder / "input.npz"), "-o", str(out), "--threads", "1"], check=True)
            got.append(np.load(out))
        assert np.array_equal(got[0], got[1])
        apart = float(np.max(np.abs(got[0] - answer)) / np.max(np.abs(answer)))
        assert apart < 1e-5, apart
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{size / 2**30:.2f} GiB of weights written as {graph_bytes} + {data_bytes} bytes in {took:.1f} s with at most {OWN_MEMORY >> 20} MiB of own memory; same bytes, "
              f"same answers, {apart:.1e} from NumPy's; running took at most {peak:.0f} MiB resident, mapped weights counted")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())
