#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fresh random models of every scikit-learn estimator, in every covered version: fitted, pickled, and asked both here and by decant.

    tests/conformance/live_sklearn.py DECANT [--versions 1.1,1.9] [--only PATTERN] [--models 4] [--seed 1] [--write | --check]

The golden cases are chosen by hand; these are not: options are drawn from what each class says that it takes (_parameter_constraints,
since 1.2), tables and targets from a seed. --write makes the cells of these versions and estimators in docs/sklearn.md and keeps the others (its rows are
what `decant formats --json` lists), --check fails where an estimator passes less often than that page says, or the page is not there. Answers count as equal when labels are, and floating-point numbers differ by less than 1e-9 of the largest of their
output (1e-5 where scikit-learn computes in float32).
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = [f"1.{minor}" for minor in range(1, 10)]
PAGE = ROOT / "docs/sklearn.md"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("decant")
    parser.add_argument("--versions", default=",".join(VERSIONS))
    parser.add_argument("--only", default="")
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    counts = collections.defaultdict(lambda: [0, 0, 0])  # (estimator, method, version): passed, failed, refused
    failures = 0
    for version in options.versions.split(","):
        venv = subprocess.run([ROOT / "tools/venv.sh", f"sklearn-{version}"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        worker = subprocess.run([f"{venv}/bin/python", ROOT / "tests/conformance/live_sklearn_worker.py", pathlib.Path(options.decant).resolve(), options.only, str(options.models), str(options.seed)],
                                stdout=subprocess.PIPE, text=True)
        if worker.returncode:
            print(f"FAIL the worker of {version} ended with {worker.returncode}")
            failures += 1
        for line in worker.stdout.splitlines():
            if not line.startswith('{"estimator"'):
                continue  # what an estimator prints by itself
            one = json.loads(line)
            for method, outcome in one["methods"].items():
                counts[one["estimator"], method, version][("passed", "failed", "refused").index(outcome["outcome"])] += 1
                if outcome["outcome"] == "failed":
                    failures += 1
                    print(f"FAIL {version} {one['model']} on {one['data']}: {method}: {outcome['why']}")
                elif outcome["outcome"] == "refused":
                    print(f"refused {version} {one['model']}: {outcome['why']}")
        done = [c for key, c in counts.items() if key[2] == version]
        print(f"{version}: {sum(c[0] for c in done)} passed, {sum(c[1] for c in done)} failed, {sum(c[2] for c in done)} refused", flush=True)
    if options.write:
        asked = lambda key: key[2] in options.versions.split(",") and re.search(options.only, key[0])  # noqa: E731
        kept = {key: c for key, c in read_page().items() if not asked(key)}
        listed = json.loads(subprocess.run([options.decant, "formats", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout)["estimators"]
        PAGE.write_text(page({**kept, **counts}, listed, options), encoding="utf-8")
    if options.check:
        failures += compare(counts)
    print(f"{sum(c[0] for c in counts.values())} passed, {failures} failed")
    return 1 if failures else 0


def cell(c):
    passed, failed, refused = c
    if not sum(c):
        return ""
    return f"{passed}" if passed == sum(c) else f"{passed}/{sum(c)}" + (f" ({refused} refused)" if refused else "")


def golden_cases():
    """How many recorded cases have this class outermost."""
    out = collections.Counter()
    for table in (ROOT / "tests/golden/sklearn").glob("1.*/cases.tsv"):
        out.update(line.split("\t")[1] for line in table.read_text(encoding="utf-8").splitlines()[1:])
    return out


def page(counts, listed, options):
    versions = [v for v in VERSIONS if any(key[2] == v for key in counts)]
    total = [sum(c[i] for c in counts.values()) for i in range(3)]
    lines = ["# scikit-learn: what passes", "",
             f"Made by `tests/conformance/live_sklearn.py --write` (seed {options.seed}, {options.models} random models an estimator and version): fitted and pickled by",
             "each version of scikit-learn, asked there and by decant. A number is how many models gave the same answers; `3/4` that 3 of 4 did;",
             "refused are those that decant declines by name (an option that it does not run) instead of answering. docs/exactness.md says what the same",
             "means where it is promised; here it is 1e-9 of the largest answer. *golden* counts the recorded cases of the class (tests/golden/sklearn),",
             "which have the estimators that a random draw does not make. A class without a method only answers for the rows that it was fitted on.", "",
             f"{total[0]} answers the same, {total[1]} different, {total[2]} refused.", "",
             "| estimator | method | golden | " + " | ".join(versions) + " |", "|---|---|---|" + "---|" * len(versions)]
    of_scikit_learn = set((ROOT / "tests/complete/sklearn_estimators.txt").read_text(encoding="utf-8").split("\n"))
    rows = {key[:2] for key in counts}
    rows |= {(one["name"], method) for one in listed if one["name"] in of_scikit_learn for method in one["methods"] or ["-"]}
    golden = golden_cases()
    for estimator, method in sorted(rows):
        cells = [cell(counts.get((estimator, method, v), [0, 0, 0])) for v in versions]
        lines.append(f"| {estimator} | {method} | {golden[estimator] or ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def read_page():
    """The counts that the page states: (estimator, method, version) to passed, failed, refused."""
    if not PAGE.exists():
        return {}
    rows = [line.strip().strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    out = {}
    for row in rows[1:]:  # estimator, method, golden cases, and a column for each version
        for version, text in zip(rows[0][3:], row[3:]):
            if found := re.match(r"(\d+)(?:/(\d+))?(?: \((\d+) refused\))?$", text.strip()):
                passed, total, refused = int(found[1]), int(found[2] or found[1]), int(found[3] or 0)
                out[row[0].strip(), row[1].strip(), version.strip()] = [passed, total - passed - refused, refused]
    return out


def compare(counts):
    """How many cells of the page promise more than what was seen now."""
    worse = 0
    if not PAGE.exists():
        print(f"FAIL {PAGE.relative_to(ROOT)} is missing: nothing to check against; --write makes it")
        return 1
    for key, (promised, _, _) in read_page().items():
        if key in counts and counts[key][0] < promised:
            worse += 1
            print(f"FAIL {key}: {counts[key][0]} passed, the page says {promised}")
    return worse


sys.exit(main())
