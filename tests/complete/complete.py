#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks what decant lists of itself and fails where something lacks its page, its case or its seed: complete.py DECANT"""
import csv
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    known = json.loads(subprocess.run([sys.argv[1], "formats", "--json"], capture_output=True, check=True, text=True).stdout)
    checks, missing = 0, []

    def need(condition, text):
        nonlocal checks
        checks += 1
        if not condition:
            missing.append(text)

    tests = "\n".join(path.read_text() for path in [*ROOT.glob("src/**/*_test.cc"), *ROOT.glob("tests/**/*_test.cc"), *ROOT.glob("tests/**/*.py")])
    for one in known["formats"]:
        name = one["name"]
        need((ROOT / f"docs/formats/{name}.md").exists(), f"format {name} has no page docs/formats/{name}.md")
        need(one["read"] or one["scan"], f"format {name} is neither read nor scanned")
        if one["read"]:
            need(list(ROOT.glob(f"fuzz/fuzz_{name}*.cc")) or name == "joblib", f"format {name} is read, but has no fuzz target")
        if one["write"]:
            need("--through=" + name in (ROOT / "tests/CMakeLists.txt").read_text(), f"format {name} is written, but nothing reads it back")
    for page in (ROOT / "docs/formats").glob("*.md"):
        need(any(one["name"] == page.stem for one in known["formats"]), f"{page.name} is about no format")

    # An estimator is finished when scikit-learn itself answered for it.
    models = set()
    for table in (ROOT / "tests/golden/sklearn").glob("*/cases.tsv"):
        with open(table, encoding="utf-8") as f:
            for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
                models.add(row["estimator"])
                if row["case"].startswith("encoder_"):  # of category_encoders, whose classes are called like scikit-learn's
                    models.add("category_encoders." + row["estimator"])
                words = {word.split("(")[0].split("=")[-1].split(".")[-1] for word in row["options"].replace("[", " ").replace(",", " ").split()}
                models.update(words)
                if row["case"].startswith("interpret_"):  # of InterpretML, likewise
                    models.update("GlassBox" + word for word in words)
                if row["case"].startswith("flaml_"):  # one entry for all of FLAML's learners
                    models.add("FlamlLearner")
    # Classes that only files of old versions and of other packages hold: recorded files (tests/conformance/sklearn_legacy_test.cc).
    # TPOT has no wheels of all that it needs: its class was held to public pickles that are not kept here.
    recorded = {"Imputer", "PMMLPipeline", "ExpressionTransformer", "GlassBoxLinearRegression", "StackingEstimator"}
    text = "\n".join(path.read_text(errors="replace") for path in (ROOT / "tests/golden").glob("*/families/*.py"))
    for one in known["estimators"]:
        name = one["name"]
        if name.startswith("_"):
            continue  # a part of another estimator, which has the case
        need(name in models or name in text or name in recorded or name in tests or name in third_party(), f"estimator {name} has no golden case")
    # All that scikit-learn has is run, or refused with its reason.
    names = {one["name"] for one in known["estimators"]}
    scikit_learn = [line for line in (ROOT / "tests/complete/sklearn_estimators.txt").read_text().splitlines() if not line.startswith("#")]
    for line in scikit_learn:
        need(line in names, f"scikit-learn has {line}, of which decant knows nothing")
    # docs/sklearn.md (tests/conformance/live_sklearn.py --write) says how each of them fares.
    page = ROOT / "docs/sklearn.md"
    rows = {tuple(cell.strip() for cell in line.split("|")[1:3]) for line in page.read_text().splitlines() if line.startswith("| ")} if page.exists() else set()
    need(rows, "docs/sklearn.md is missing")
    for one in known["estimators"]:
        if one["name"] in scikit_learn:
            for method in one["methods"] or ["-"]:
                need((one["name"], method) in rows, f"docs/sklearn.md has no row for {one['name']}.{method}")
    for op in known["operators"]:
        need(op["name"], "an operator without a name")
    print("\n".join(missing))
    print(f"{checks - len(missing)} passed, {len(missing)} failed")
    return 1 if missing else 0


def third_party():
    """Class names of other packages' pipelines, replayed from recorded files (tests/conformance/sklearn_legacy_test.cc)."""
    table = (ROOT / "src/frameworks/sklearn2pmml/globals.inc").read_text()
    return {line.split('"')[3] for line in table.splitlines() if line.count('"') == 4}


sys.exit(main())
