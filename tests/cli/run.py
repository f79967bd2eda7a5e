#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that Markdown shows: run.py DECANT FILE.md...

In each ```console block, a line `$ command` is run by sh with `decant` on the path, in a scratch folder that sees examples/ and
tests/. The lines below it are what it must print (standard output, then standard error); `...` stands for any text within a line, or
alone on a line for any lines; `[exit N]` for its exit code (0 where nothing is said).
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(path):
    inside, lines = False, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("```"):
            if inside:
                yield lines
            inside, lines = line.strip() == "```console", []
        elif inside:
            lines.append((number, line))


def commands(lines):
    """(line number, command, expected lines, exit code) of each `$` line of a block."""
    out = []
    for number, line in lines:
        if line.startswith("$ "):
            out.append([number, line[2:], [], 0])
        elif match := re.fullmatch(r"\[exit (\d+)\]", line):
            out[-1][3] = int(match[1])
        else:
            out[-1][2].append(line)
    return out


def pattern(expected):
    parts = []
    for line in expected:
        if line == "...":
            parts.append(r"(?:.*\n)*")
        else:
            parts.append(".*".join(re.escape(p) for p in line.split("...")) + r"\n")
    return re.compile("".join(parts))


def main():
    decant, files = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    root = pathlib.Path(__file__).resolve().parents[2]
    passed = failed = 0
    for file in files:
        with tempfile.TemporaryDirectory() as scratch:
            os.mkdir(f"{scratch}/build")
            for name in ("examples", "tests"):
                os.symlink(root / name, f"{scratch}/{name}")
            environment = dict(os.environ, PATH=f"{decant.parent}:{os.environ['PATH']}", NO_COLOR="1")
            for block in blocks(pathlib.Path(file)):
                for number, command, expected, code in commands(block):
                    run = subprocess.run(["sh", "-c", command], cwd=scratch, env=environment, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=120)
                    printed = run.stdout + run.stderr
                    if run.returncode == code and pattern(expected).fullmatch(printed):
                        passed += 1
                    else:
                        failed += 1
                        print(f"{file}:{number}: $ {command}\n  exit {run.returncode}, expected {code}; printed:\n{printed}  expected:\n" + "\n".join(expected))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main())
