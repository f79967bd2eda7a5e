#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz_corpus.sh FOLDER: seeds for every fuzz target, gathered from the golden and example files, never copied into the repository.
set -eu
cd "$(dirname "$0")/.."
corpus=$1
for target in fuzz/fuzz_*.cc; do
  name=$(basename "$target" .cc)
  mkdir -p "$corpus/$name"
  folders='tests examples build'
  case $name in
    fuzz_npy) pattern='*.npy' ;;
    fuzz_zip) pattern='*.npz' ;;
    fuzz_model) pattern='*.[po][kn][ln]*' ;;
    fuzz_onnx) pattern='*.onnx' ;;
    fuzz_compress) pattern='*.joblib' ;;
    fuzz_xgboost) pattern='xgb_*.[ujmd]*' ;;
    fuzz_lightgbm) pattern='lgb_*.txt' ;;
    fuzz_skops) pattern='*.skops' ;;
    fuzz_catboost) pattern='cat_*.[cj][bs]*' ;;
    fuzz_csv) pattern='*.csv' ;;
    fuzz_json) pattern='*.json' ;;
    fuzz_image) pattern='*.*' folders=tests/golden/images ;;
    *) pattern='*.pkl' ;;
  esac
  # Small ones, because a fuzzer mutates what it can try often; of many, some of everything.
  # shellcheck disable=SC2086
  find $folders -name "$pattern" -size -24k 2>/dev/null | sort >"$corpus/list"
  every=$(($(wc -l <"$corpus/list") / 300 + 1))
  awk -v every="$every" 'NR % every == 0 || every == 1' "$corpus/list" | while read -r file; do
    cp "$file" "$corpus/$name/$(echo "$file" | tr / _)"
  done
  rm "$corpus/list"
done
