#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the golden cases of every covered scikit-learn version anew, from nothing but tools/requirements. A minute or two.
#   make.sh [PATTERN]   only the cases whose names match the regular expression; the others stay as they are
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../../tools/venv.sh
whole=$(mktemp -d)
trap 'rm -rf "$whole"' EXIT
for version in 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9; do
    python=$("$venv" "sklearn-$version")/bin/python
    "$python" "$here/make.py" --out "$whole" --only "${1:-}"
done
"$python" "$here/thin.py" "$whole" ${1:+--add}
