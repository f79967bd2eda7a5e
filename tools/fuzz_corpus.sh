#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz_corpus.sh FOLDER: seeds for every fuzz target, gathered from the golden and example files, never copied into the repository.
set -eu
cd "$(dirname "$0")/.."
corpus=$1
for target in fuzz/fuzz_*.cc; do
  name=$(basename "$target" .cc)
  mkdir -p "$corpus/$name"
  case $name in
    fuzz_npy) pattern='*.npy' ;;
    fuzz_zip) pattern='*.npz' ;;
    fuzz_onnx) pattern='*.onnx' ;;
    fuzz_compress) pattern='*.joblib' ;;
    fuzz_xgboost) pattern='xgb_*.[ujmd]*' ;;
    fuzz_lightgbm) pattern='lgb_*.txt' ;;
    fuzz_skops) pattern='*.skops' ;;
    fuzz_catboost) pattern='cat_*.[cj][bs]*' ;;
    fuzz_csv) pattern='*.csv' ;;
    *) pattern='*.pkl' ;;
  esac
  # Small ones first: a fuzzer mutates what it can try often.
  find tests examples build -name "$pattern" -size -24k 2>/dev/null | sort | head -n 300 | while read -r file; do
    cp "$file" "$corpus/$name/$(echo "$file" | tr / _)"
  done
done
