#!/usr/bin/env bash
# Makes sure that the Python packages that check our evidence packs and policies are there: a virtual environment
# in the cache folder, made once for each version of tests/verifiers/requirements.txt.
set -euo pipefail

cache="${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}/verifiers"
wanted="$(dirname "$0")/verifiers/requirements.txt"

cmp -s "$wanted" "$cache/requirements.txt" && exit 0
echo "installing the verifiers of evidence packs and policies, once"
python3 -m venv --clear "$cache"
"$cache/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$cache/requirements.txt"
