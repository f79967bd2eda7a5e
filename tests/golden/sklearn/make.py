# SPDX-License-Identifier: Apache-2.0
"""Writes the golden cases of the scikit-learn that runs it into FOLDER/<major.minor>/; make.sh does it for all versions.

    $(tools/venv.sh sklearn-1.9)/bin/python tests/golden/sklearn/make.py --out FOLDER [--only PATTERN_OF_NAMES]

A case is a model file, an input that all versions share, and the answers that scikit-learn itself gave for it: see README.md.
Prints what this version lacks, and fails on anything unexpected.
"""
import argparse
import importlib
import os
import pathlib
import re
import shutil
import sys
import traceback
import warnings

# The reference is one thread: a parallel sum may add in another order. Must be set before NumPy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
if os.environ.get("PYTHONHASHSEED") != "0":  # sets of text inside some estimators are iterated while pickling
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable] + sys.argv)

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import joblib  # noqa: E402
import numpy as np  # noqa: E402

warnings.simplefilter("ignore")  # deprecated options are what we are after, and iterations are few on purpose

import data  # noqa: E402
import registry  # noqa: E402

COLUMNS = ("case", "estimator", "options", "model", "input", "expected", "contract")
TOLERANCE = {registry.REL12: (1e-12, 0.0), registry.REL9: (1e-9, 0.0), registry.FLOAT32: (1e-5, 1e-6)}  # relative, absolute
SUFFIX = {registry.ULP4: "+log", registry.REL12: "+sum"}  # of rows that hold the methods under another contract than their case's


def same(a, b, contract=registry.EXACT):
    """Whether answers agree as the contract says. Even scikit-learn's own last bits can differ from run to run outside the exact
    families: which way a matrix product adds depends on where its arrays lie in memory."""
    if a.keys() != b.keys():
        return False
    for name in a:
        one, other = a[name], b[name]
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        if one.dtype.kind == "f" and contract in TOLERANCE:
            relative, absolute = TOLERANCE[contract]
            if not np.allclose(one, other, rtol=relative, atol=absolute, equal_nan=True):
                return False
        elif not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            return False
    return True


def undecided(name, values, contract):
    """Whether values lie so near the end of their range that only scikit-learn's own rounding would meet a relative contract:
    log(p) where p rounds next to 1, and 1 - p there."""
    if contract not in (registry.REL12, registry.REL9):
        return False
    limit = 4 * 2.0**-52 / TOLERANCE[contract][0]
    if "log_proba" in name:
        return (abs(values) < limit).any()
    steps = values * 2.0**53 if values.dtype.kind == "f" else values
    return "predict_proba" in name and ((values > 0) & (values < limit) & (steps == np.floor(steps))).any()


def make(case, folder):
    """Fits, saves, loads, asks, and returns the case's rows."""
    table = data.table(case.x)
    target = None if case.y is None else data.target(case.y)
    model = registry.fit(case.estimator, table.train, target, **case.options)
    path = case.dump(model, folder / case.name)
    found = registry.answers(joblib.load(path), table.input, case.without, case.also)
    if not found and case.contract != registry.NONE:
        raise ValueError("the model has no method to record")
    if case.contract == registry.NONE and found:
        raise ValueError("declared to have no method for new data, but it has " + ", ".join(found))
    if not same(found, registry.answers(model, table.input, case.without, case.also), case.contract):
        raise ValueError("the saved model answers otherwise than the fitted one, or the answers are not deterministic")
    if case.contract == registry.EXACT:
        backwards = registry.answers(model, table.input[::-1], case.without, case.also)
        if not same(found, {name: values[::-1] for name, values in backwards.items()}):
            raise ValueError("declared exact, but the answers depend on the order of the rows")
    groups = {}
    for method, values in found.items():
        contract = case.contracts.get(method.split("[")[0], case.contract)
        if undecided(method, values, contract):
            if "log_proba" not in method:
                raise ValueError(f"rounding decides the smallest values of {method}: choose a milder table")
            print(f"left out: {case.name}: {method}: rounding decides its smallest values")
            continue
        groups.setdefault(contract, {})[method] = values
    name = type(model).__name__
    options = re.sub(" at 0x[0-9a-f]+", "", " ".join(repr(model).split()))
    if options.startswith(name):  # "Name(options)"
        options = options[len(name) + 1:-1]
    where = lambda file: f"{folder.name}/{file.name}"
    rows = []
    if not found:
        return [(case.name, name, options, where(path), table.path, "-", case.contract)]
    for contract, part in groups.items():
        suffix = "" if contract == case.contract else SUFFIX[contract]
        expected = folder / f"{case.name}{suffix}.npz"
        np.savez_compressed(expected, **part)
        rows.append((case.name + suffix, name, options, where(path), table.path, where(expected), contract))
    return rows


def write_all(folder, only=""):
    """The registered cases whose names match `only` into `folder`, which is made anew, with its cases.tsv. Returns how many had problems."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows, problems = [], list(registry.PROBLEMS)
    for name, case in sorted(registry.CASES.items()):
        if re.search(only, name):
            try:
                rows += make(case, folder)
            except Exception:
                problems.append(f"{name}: {traceback.format_exc()}")
    with open(folder / "cases.tsv", "w", encoding="utf-8") as out:
        for row in [COLUMNS] + rows:
            out.write("\t".join(row) + "\n")

    for name, reason in registry.LEFT_OUT:
        print(f"left out: {name}: {reason}")
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder.name}: {len(registry.CASES)} models, {len(rows)} cases, {len(registry.LEFT_OUT)} left out, "
          f"{len(problems)} problems, {size / 1e6:.1f} MB")
    return len(problems)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    for module in sorted((HERE / "families").glob("[a-z]*.py")):
        importlib.import_module("families." + module.stem)
    return 1 if write_all(options.out / ".".join(map(str, registry.VERSION)), options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
