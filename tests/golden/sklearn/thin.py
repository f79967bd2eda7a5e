# SPDX-License-Identifier: Apache-2.0
"""Copies the golden cases of all versions from a folder into this one, the older ones only where they add something.

    python thin.py FOLDER [--add]

With --add the cases that are there already stay as they are, and those in FOLDER are added or take their place.

The newest version is copied whole. Of an older one a case is kept unless the next newer version has it, with a pickle of the same
shape (the same classes, attributes, texts and integers in the same order; floats and array bytes may differ) and with answers that
are equal by the case's contract. What is left out would be the same test again, and nine whole versions would be 50 MB.
"""
import csv
import pathlib
import pickletools
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import make  # noqa: E402


def rows(folder, version):
    with open(folder / version / "cases.tsv", encoding="utf-8") as table:
        return {row["case"]: row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)}


def shape(path):
    """A pickle's opcodes with their arguments, less all that differs between any two fits; None for what joblib writes, as raw
    array bytes lie between its opcodes."""
    opcodes = []
    try:
        for opcode, argument, _ in pickletools.genops(path.read_bytes()):
            if isinstance(argument, float):
                argument = "float"
            elif isinstance(argument, (bytes, bytearray)):
                argument = "bytes"
            elif isinstance(argument, str):
                argument = "version" if re.fullmatch(r"\d+\.\d+\.\d+", argument) else argument.replace("numpy._core", "numpy.core")
            if opcode.name != "FRAME":
                opcodes.append((opcode.name, argument))
    except ValueError:
        return None
    return opcodes


def known(folder, row, newer):
    """Whether the newer version's row tests the same."""
    if newer is None or row["contract"] != newer["contract"]:
        return False
    here = shape(folder / row["model"])
    if here is None or here != shape(folder / newer["model"]):
        return False
    if row["expected"] == "-":
        return True
    with np.load(folder / row["expected"]) as a, np.load(folder / newer["expected"]) as b:
        return make.same(dict(a), dict(b), row["contract"])


def main(folder, add):
    versions = sorted((path.name for path in folder.iterdir() if path.is_dir()), key=lambda name: [int(part) for part in name.split(".")])
    newer = {}
    for version in reversed(versions):
        found = rows(folder, version)
        kept = [row for case, row in found.items() if not known(folder, row, newer.get(case))]
        target = HERE / version
        others = [row for case, row in rows(HERE, version).items() if case not in found] if add else []
        if not add:
            shutil.rmtree(target, ignore_errors=True)
        target.mkdir(exist_ok=True)
        for row in kept:
            for column in ("model", "expected"):
                if row[column] != "-":
                    shutil.copyfile(folder / row[column], HERE / row[column])
        with open(target / "cases.tsv", "w", encoding="utf-8") as table:
            for line in [make.COLUMNS] + sorted([row[column] for column in make.COLUMNS] for row in others + kept):
                table.write("\t".join(line) + "\n")
        size = sum(path.stat().st_size for path in target.iterdir())
        print(f"{version}: {len(kept)} of {len(found)} cases kept, {size / 1e6:.1f} MB")
        newer = found


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), "--add" in sys.argv)
