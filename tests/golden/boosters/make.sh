#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the golden cases of the boosting libraries anew, in every environment of tools/requirements/boosters*.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for environment in boosters boosters-2024 boosters-2023 boosters-2020 boosters-2019; do
    python=$("$here/../../../tools/venv.sh" "$environment")/bin/python
    "$python" "$here/make.py" "$environment" --out "$here" "$@"
done
