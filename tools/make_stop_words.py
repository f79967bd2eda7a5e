#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/frameworks/sklearn/stop_words.inc: what a vectorizer with stop_words="english" leaves out. Its pickle says only "english".

    $(tools/venv.sh sklearn-1.9)/bin/python tools/make_stop_words.py
"""
import pathlib

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

ROOT = pathlib.Path(__file__).resolve().parents[1]
lines = ["// SPDX-License-Identifier: BSD-3-Clause",
         "// The words of scikit-learn's ENGLISH_STOP_WORDS (sklearn/feature_extraction/_stop_words.py, the same in every version; copyright the",
         "// scikit-learn developers; the list is that of the Glasgow Information Retrieval Group). Made by tools/make_stop_words.py."]
line = ""
for word in sorted(ENGLISH_STOP_WORDS):
    if len(line) + len(word) > 130:
        lines.append(line)
        line = ""
    line += f'"{word}", '
lines.append(line)
(ROOT / "src/frameworks/sklearn/stop_words.inc").write_text("".join(one.rstrip() + "\n" for one in lines))
