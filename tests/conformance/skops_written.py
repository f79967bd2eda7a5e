#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pours golden pickles of scikit-learn 1.9 into skops archives and has the real skops load them: skops_written.py DECANT [FILTER]

What skops loads must answer, to the last bit, as the pickled model does when Python itself loads it; and decant, asked about pickle and
archive, must say the same of both. What skops cannot hold (it refuses the model itself) is counted apart, and so is what decant refuses to
write where skops would: each with its reason. Needs skops (tools/venv.sh boosters).
"""
import collections
import csv
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import skops.io as sio

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "sklearn"
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
warnings.simplefilter("ignore")


def same(a, b):
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    a, b = (x.toarray() if hasattr(x, "toarray") else np.asarray(x) for x in (a, b))
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def skops_itself(model):
    try:
        sio.loads(sio.dumps(model), trusted=sio.get_untrusted_types(data=sio.dumps(model)))
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"


def main():
    decant, pattern = sys.argv[1], re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    counts, causes, done = collections.Counter(), collections.Counter(), set()
    with tempfile.TemporaryDirectory() as scratch, open(GOLDEN / "1.9" / "cases.tsv", encoding="utf-8") as cases:
        path = f"{scratch}/model.skops"
        for case in csv.DictReader(cases, delimiter="\t", quoting=csv.QUOTE_NONE):
            file = GOLDEN / case["model"]
            if case["contract"] == "none" or file in done or not pattern.search(case["case"]) or not case["input"].endswith((".npy", ".csv")):
                continue
            done.add(file)
            try:
                with open(file, "rb") as stream:
                    model = pickle.load(stream)
            except Exception:
                causes["not a plain pickle"] += 1
                continue
            run = subprocess.run([decant, "convert", file, path], capture_output=True, text=True)
            if run.returncode:
                own = skops_itself(model)
                reason = re.sub(r"^.*@0x\w+: ", "", run.stderr.strip())
                causes[f"skops refuses it too ({own})" if own else f"refused: {reason}"] += 1
                if not own:
                    counts["refused"] += 1
                    print("REFUSED", case["case"], reason[:200])
                continue
            try:
                loaded = sio.load(path, trusted=sio.get_untrusted_types(file=path))
                source = GOLDEN / case["input"]
                x = np.load(source) if source.suffix == ".npy" else pd.read_csv(source)
                bad = []
                for method in METHODS:
                    if not hasattr(model, method):
                        continue
                    try:
                        want = getattr(model, method)(x)
                    except Exception:  # the rows want a preparation that the case's maker knows
                        counts["unasked"] += 1
                        continue
                    if not same(getattr(loaded, method)(x), want):
                        bad.append(f"{method} differs")
                answers = []
                for asked in (file, path):
                    run = subprocess.run([decant, "predict", asked, source], capture_output=True, text=True)
                    answers.append((run.returncode, run.stdout))
                if answers[0] != answers[1]:
                    bad.append("decant reads them differently: " + run.stderr.strip()[:200])
            except Exception as error:
                own = skops_itself(model)
                if own:
                    causes[f"skops cannot load its own ({own})"] += 1
                    continue
                bad = [f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"]
            counts["failed" if bad else "passed"] += 1
            if bad:
                print("FAIL", case["case"], "; ".join(bad)[:400])
    for cause, number in causes.most_common():
        print(f"not written {number}: {cause[:200]}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['refused']} refused, {counts['unasked']} methods unasked")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
