#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tools/venv.sh NAME
# Makes the virtual environment that tools/requirements/NAME.txt describes, once, and prints its path.
#
# The environments serve tests and tools only: decant itself never needs Python. The folder's name holds the hash of the
# requirement list, so that a changed list gives a new environment and an unchanged one is never rebuilt.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: tools/venv.sh NAME   (one of: $(cd "$(dirname "$0")/requirements" && echo ./*.txt | sed 's|\./||g; s|\.txt||g'))" >&2
    exit 64
fi
name=$1
list=$(cd "$(dirname "$0")" && pwd)/requirements/$name.txt
if [ ! -f "$list" ]; then
    echo "venv.sh: no requirement list $list" >&2
    exit 64
fi
# Debian 12's Python, because the oldest scikit-learn that we make models with has wheels for 3.11 but not for 3.12.
python=${DECANT_PYTHON:-/usr/bin/python3}

key=$(sha256sum "$list" | cut -c1-12)
home=${DECANT_CACHE:-$HOME/.cache/decant}/venvs/$name
venv=$home/$key
if [ ! -f "$venv/complete" ]; then
    mkdir -p "$home"
    # One maker at a time; another that waited finds the work done. Console scripts hold the absolute path, so the
    # environment is made in place and only the stamp says that it is whole.
    exec 9>"$home/lock"
    flock 9
    if [ ! -f "$venv/complete" ]; then
        rm -rf "$venv"
        "$python" -m venv "$venv" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: -r "$list" >&2
        touch "$venv/complete"
    fi
fi
echo "$venv"
