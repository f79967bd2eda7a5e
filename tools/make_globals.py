#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/frameworks/<library>/globals.inc: the globals that genuine pickles of each library contain, as C++ initialisers.

    tools/make_globals.py

What one of these tables lists is harmless to call or build with whatever a pickle gives it; what a pickle names and no table lists is
unknown. Names are collected by globals/collect.py in the environments of tools/venv.sh, from NumPy 1.23 and scikit-learn 1.1 on;
globals/legacy.py and globals/pytorch.py add those of releases that do not install here, and globals/denied.py takes some away. So does the rule that a name has
no dot: protocol 4 can name an attribute of a class, which is a look-up.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools" / "globals"))

import denied  # noqa: E402
import legacy  # noqa: E402
import pytorch  # noqa: E402

SKLEARN = [f"sklearn-1.{minor}" for minor in range(1, 10)]


def collected():
    """(library, module, name) triples of every environment."""
    for venv in SKLEARN + ["frameworks", "thirdparty"]:
        kinds = {"frameworks": ["boosters"], "thirdparty": ["wrappers"]}.get(venv) or ["python", "numpy", "scipy", "pandas", "sklearn"]
        path = subprocess.run([ROOT / "tools" / "venv.sh", venv], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        out = subprocess.run([f"{path}/bin/python", ROOT / "tools" / "globals" / "collect.py", *kinds], check=True, stdout=subprocess.PIPE, text=True).stdout
        print(f"{venv}: {len(out.splitlines())}", file=sys.stderr)
        yield from (tuple(line.split("\t")) for line in out.splitlines())


def main():
    tables = {}
    for library, module, name in collected():
        tables.setdefault(library, set()).add((module, name))
    for library, known in (("sklearn", legacy.EXTRA), ("joblib", legacy.JOBLIB), ("numpy", legacy.NUMPY), ("pandas", legacy.PANDAS), ("scipy", legacy.SCIPY), ("sklearn2pmml", legacy.SKLEARN2PMML),
                           ("xgboost", legacy.XGBOOST), ("lightgbm", legacy.LIGHTGBM), ("catboost", legacy.CATBOOST), ("python", legacy.PYTHON), ("torch", pytorch.TORCH)):
        tables.setdefault(library, set()).update((module, name) for module, names in known.items() for name in names.split())
    tables["sklearn"] |= {(old, name) for module, name in tables["sklearn"] for old in legacy.RENAMED.get(module, ())}
    for library, table in sorted(tables.items()):
        path = ROOT / "src" / "frameworks" / library / "globals.inc"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted((module, name) for module, name in table - denied.DENIED if "." not in name)
        path.write_text(
            f"// SPDX-License-Identifier: Apache-2.0\n// Made by tools/make_globals.py; do not edit. The globals that genuine pickles of {library} contain.\n"
            + "".join(f'{{"{module}", "{name}"}},\n' for module, name in rows), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(rows)}")


if __name__ == "__main__":
    main()
