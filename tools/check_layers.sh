#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every #include "folder/…" below src/ must be of the file's own folder or of one that src/CMakeLists.txt lets it use. Formats never
# include each other.
set -eu
cd "$(dirname "$0")/../src"
grep -rn --include='*.h' --include='*.cc' '^#include "' . | sed 's|^\./||' | awk -F'[:"]' '
  BEGIN {
    while ((getline line < "CMakeLists.txt") > 0) {
      if (line !~ /^ *decant_layer\(/) continue
      gsub(/^ *decant_layer\(|\)/, "", line)
      n = split(line, word, " +")
      for (i = 3; i <= n; ++i) allowed[word[1] "/" word[i]] = 1
      layers[word[1]] = 1
      allowed[word[1] "/" word[1]] = 1
    }
  }
  {
    split($1, from, "/"); split($4, to, "/")
    if ($4 !~ /\//) next                                  # generated lists
    if ($1 ~ /_test\.cc$/) next                           # tests may look anywhere
    if (!(to[1] in layers) && $4 !~ /\.inc$/) next        # a library of the system
    if (!((from[1] "/" to[1]) in allowed)) { print $1 ":" $2 ": " from[1] " may not use " to[1] " (" $4 ")"; bad = 1 }
    if (from[1] == "formats" && to[1] == "formats" && from[3] != "" && to[3] != "" && from[2] != to[2]) {
      print $1 ":" $2 ": a format may not use another (" $4 ")"; bad = 1
    }
    ++lines
  }
  END { if (!bad) print "layers: " lines " includes follow the layers"; exit bad }
'
