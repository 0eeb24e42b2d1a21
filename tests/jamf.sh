#!/usr/bin/env bash
# Makes sure that a Jamf client which others wrote, and a checker of JSON, can be used, in a Python
# environment of their own under TRUEUP_CACHE; the last line it prints is the folder of the programs.
set -euo pipefail

cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}
place=$cache/jamf-1
if [ ! -e "$place/ready" ]; then
  command -v python3 > /dev/null || { echo "there is no python3 here" >&2; exit 1; }
  mkdir -p "$cache"
  # Programs in such an environment name its place, so it is made where it stays, under a lock.
  exec 9> "$cache/jamf.lock"
  if command -v flock > /dev/null; then flock 9; fi
  if [ ! -e "$place/ready" ]; then
    python3 -m venv "$place" >&2
    "$place/bin/pip" install --quiet --disable-pip-version-check \
      jamf-pro-sdk==0.9a1 jsonschema==4.26.0 >&2
    touch "$place/ready"
  fi
fi
echo "$place/bin"
