# SPDX-License-Identifier: Apache-2.0
"""bench.py in a tiny size measures everything that it lists.   $(tools/venv.sh frameworks)/bin/python bench/smoke_test.py [DECANT]"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("bench", HERE / "bench.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / "out.json"
    decant = ["--decant", sys.argv[1]] if len(sys.argv) > 1 else []
    subprocess.run([sys.executable, HERE / "bench.py", "--tiny", "--rounds", "1", "--seconds", "0.02", "--json", out, *decant], check=True)
    results = json.loads(out.read_text())["results"]
expected = 2 + 3 + 2 * len(bench.MODELS) + len(bench.FAMILIES)
assert len(results) == expected, f"{len(results)} results, not {expected}"
for row in results:
    assert row["decant"] > 0 and row["ratio"] > 0, row
    if ", " in row["what"] and "cold" not in row["what"] and "onnx" in row:
        assert "scikit-learn" in row and "onnxruntime" in row, row
print("ok")
