#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz_one.sh TARGET SECONDS: one fuzz target; one line when it finds nothing, its log and a non-zero exit when it does.
target=$1
name=$(basename "$target")
folder=$(dirname "$target")
log=$folder/$name.log
if "$target" -max_total_time="$2" -rss_limit_mb=1024 -timeout=20 -max_len=65536 -artifact_prefix="$folder/$name-" "$folder/corpus/$name" >"$log" 2>&1; then
  echo "$name: $(grep -o 'Done [0-9]* runs' "$log" | tail -n 1), nothing found"
else
  tail -n 40 "$log"
  echo "$name: FAILED, log in $log"
  exit 255
fi
