#!/usr/bin/env bash
# Makes sure that the SCIM server and checker which others wrote can be started, in a Python
# environment of their own under TRUEUP_CACHE; the last line it prints is the folder of the programs.
set -euo pipefail

cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}
place=$cache/scim2-2
if [ ! -x "$place/bin/scim2-server" ]; then
  command -v python3 > /dev/null || { echo "there is no python3 here" >&2; exit 1; }
  mkdir -p "$cache"
  # Programs in such an environment name its place, so it is made where it stays, under a lock.
  exec 9> "$cache/scim2.lock"
  if command -v flock > /dev/null; then flock 9; fi
  if [ ! -x "$place/bin/scim2-server" ]; then
    python3 -m venv "$place" >&2
    "$place/bin/pip" install --quiet --disable-pip-version-check \
      scim2-cli==0.6.0 scim2-tester==0.5.2 'scim2-server[cursor]==0.8.3' >&2
  fi
fi
echo "$place/bin"
