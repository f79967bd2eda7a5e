#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pours golden models into ONNX, has the official checker look at them, and asks ONNX Runtime:

    onnxruntime_golden.py DECANT [--suite boosters] [FILTER]

Integers, strings and booleans must be what the framework answered. Real outputs whose case is `exact` must have the same bits; others are
held to 1e-9 relative (TOLERANCE: ONNX Runtime multiplies matrices in another order; float32 to 4 units in the last place), except where `decant convert` stated a loss for the model, which is counted apart. Cases of
known_onnx.tsv and known_onnxruntime.tsv in the suite's folder are skipped with their reason. Needs onnx and onnxruntime (tools/venv.sh frameworks).
"""
import argparse
import collections
import csv
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
VERSIONS = {"sklearn": ("1.9",), "boosters": ("boosters-2019", "boosters-2020", "boosters-2023", "boosters-2024", "boosters")}


def rows(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def feeds(session, path):
    inputs = session.get_inputs()
    if path.suffix == ".npy":
        array = np.load(path)
        if len(inputs) == 1:
            kind = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(string)": object}[inputs[0].type]
            return {inputs[0].name: array.astype(kind)}
        return {one.name: array[:, i : i + 1].astype(np.float64) for i, one in enumerate(inputs)}
    with open(path, encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f))
    names = list(table[0])

    def column(name, kind):
        cells = [row[name] for row in table]
        if kind == "tensor(string)":
            return np.array([[c] for c in cells], dtype=object)
        return np.array([[{"": np.nan, "True": 1.0, "False": 0.0}.get(c) if c in ("", "True", "False") else float(c)] for c in cells])

    if len(inputs) == 1 and inputs[0].shape[-1:] != [1]:
        return {inputs[0].name: np.hstack([column(n, inputs[0].type) for n in names])}
    return {one.name: column(one.name if one.name in names else names[i], one.type) for i, one in enumerate(inputs)}


# Relative to the largest answer of an output; `exact` compares bits.
TOLERANCE = {"ulp4": 1e-12, "rel1e-12": 1e-9, "rel1e-9": 1e-9, "rel1e-6": 1e-6, "float32": 1e-5}


def differs(got, want, contract):
    if got.shape != want.shape:
        return f"shape {got.shape} instead of {want.shape}"
    if want.dtype.kind != "f":
        return "" if np.array_equal(got.astype(want.dtype), want) else "other labels"
    got = got.astype(np.float64)
    if contract == "exact":
        return "" if np.array_equal(got, want, equal_nan=True) else f"other bits, by {np.nanmax(np.abs(got - want)):.3g}"
    finite = want[np.isfinite(want)]
    scale = np.abs(finite).max() if finite.size else 0.0
    tolerance = max(TOLERANCE[contract], 4 * 2.0**-23 if want.dtype == np.float32 else 0)
    return "" if np.allclose(got, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True) else f"off by {np.nanmax(np.abs(got - want)):.3g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("decant")
    parser.add_argument("filter", nargs="?", default="")
    parser.add_argument("--suite", choices=VERSIONS, default="sklearn")
    asked = parser.parse_args()
    decant, pattern, folder = asked.decant, re.compile(asked.filter), GOLDEN / asked.suite
    known = {r["name"]: r["cause"] for name in ("known_onnx.tsv", "known_onnxruntime.tsv") if (folder / name).exists() for r in rows(folder / name)}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    counts, causes = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/model.onnx"
        for version, case in ((v, c) for v in VERSIONS[asked.suite] for c in rows(folder / v / "cases.tsv")):
            source = folder / case["input"]
            if case["contract"] == "none" or not pattern.search(case["case"]) or source.suffix not in (".npy", ".csv"):
                continue
            if cause := known.get(f"{version} {case['case']}"):
                causes[cause] += 1
                continue
            with np.load(folder / case["expected"]) as wanted:
                also = ["--also", "apply"] if "apply" in wanted else []
            run = subprocess.run([decant, "convert", folder / case["model"], path, *also], capture_output=True, text=True)
            if run.returncode:
                name = re.search(r"unsupported: \S*\.(\w+) \(scikit-learn|\((decant\.\w+)\): unsupported: ", run.stderr)
                name = name and (name[1] or name[2])
                if name in known:
                    causes[f"{name}: {known[name]}"] += 1
                else:
                    counts["failed"] += 1
                    print("FAIL", version, case["case"], run.stderr.strip())
                continue
            lossy = "loss:" in run.stderr
            try:
                onnx.checker.check_model(path, full_check=True)
                session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                with np.load(folder / case["expected"]) as wanted:
                    answers = session.run(list(wanted), feeds(session, source))
                    bad = [f"{name}: {text}" for name, got in zip(wanted, answers) if (text := differs(np.asarray(got), wanted[name], case["contract"]))]
            except Exception as error:  # whatever the checker or the runtime has against the file is the finding
                bad = [f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"]
            if bad and lossy:
                causes["a loss that convert states"] += 1
            elif bad:
                counts["failed"] += 1
                print("FAIL", version, case["case"], "; ".join(bad)[:400])
            else:
                counts["passed"] += 1
    for cause, number in sorted(causes.items()):
        print(f"skipped {number}: {cause}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {sum(causes.values())} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
