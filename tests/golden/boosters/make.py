# SPDX-License-Identifier: Apache-2.0
"""Writes the golden cases of the boosting libraries of the environment that runs it into FOLDER/<environment>/; make.sh does it for all.

    $(tools/venv.sh boosters)/bin/python tests/golden/boosters/make.py boosters --out FOLDER [--only PART_OF_NAME]
"""
import argparse
import importlib
import os
import pathlib
import sys
import traceback
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # the reference is one thread
    os.environ[variable] = "1"

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import registry  # noqa: E402

warnings.simplefilter("ignore")
COLUMNS = ("case", "estimator", "options", "model", "input", "expected", "contract")


def write_input(name, table, out):
    """The rows that are asked about, shared by all environments."""
    path = out / "inputs" / (name + table.suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    if table.suffix == ".npy":
        np.save(path, table.ask)
    elif table.suffix == ".npz":
        np.savez_compressed(path, **table.ask)
    else:
        table.ask.to_csv(path, index=False)
    return f"inputs/{path.name}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("environment")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    for module in sorted((HERE / "families").glob("[a-z]*.py")):
        try:
            importlib.import_module("families." + module.stem)
        except ImportError as error:
            print(f"left out: {module.stem}: {error}")
    folder = options.out / options.environment
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if options.only in old.name:
            old.unlink()
    rows, problems, left_out = [], [], 0
    for name, (make, table, contract, contracts, estimator) in sorted(registry.CASES.items()):
        if options.only not in name:
            continue
        try:
            train = registry.tables()[table]
            train.name = table
            path, answers = make(train, folder / name)
            input_name = write_input(train.name, train, options.out)
            groups = {}
            for output, values in answers.items():
                values = np.asarray(values)
                if values.dtype == object:
                    values = values.astype(str)
                groups.setdefault(contracts.get(output, contract), {})[output] = values
            for held, part in groups.items():
                suffix = "" if held == contract else "+" + held
                expected = folder / f"{name}{suffix}.npz"
                np.savez_compressed(expected, **part)
                where = lambda file: f"{folder.name}/{file.name}"
                rows.append((name + suffix, estimator or name.split("_")[0], "", where(path), input_name, where(expected), held))
        except NotImplementedError as reason:
            print(f"left out: {name}: {reason}")
            left_out += 1
        except Exception:
            problems.append(f"{name}: {traceback.format_exc()}")
    with open(folder / "cases.tsv", "w", encoding="utf-8") as out:
        for row in [COLUMNS] + rows:
            out.write("\t".join(cell or "-" for cell in row) + "\n")
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder.name}: {len(rows)} cases, {left_out} left out, {len(problems)} problems, {size / 1e6:.1f} MB")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
