#!/usr/bin/env bash
# Makes sure that Microsoft's own clients for Graph are there, in an environment of their own under
# TRUEUP_CACHE; the last line it prints is that folder: `bin/python` and `node_modules` are in it.
set -euo pipefail

here=$(cd "$(dirname "$0")/graph" && pwd)
cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}
place=$cache/graph-clients
mkdir -p "$cache"
# Two tests may ask at the same time.
exec 9> "$cache/graph-clients.lock"
if command -v flock > /dev/null; then flock 9; fi
if ! cmp -s "$here/requirements.txt" "$place/requirements.txt"; then
  command -v python3 > /dev/null || { echo "there is no python3 here" >&2; exit 1; }
  python3 -m venv --clear "$place" >&2
  "$place/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$place/requirements.txt"
fi
if ! cmp -s "$here/package.json" "$place/package.json"; then
  command -v npm > /dev/null || { echo "there is no npm here" >&2; exit 1; }
  cp "$here/package.json" "$place/package.json.new"
  (cd "$place" && cp package.json.new package.json && npm install --silent --no-audit --no-fund >&2) \
    || { rm -f "$place/package.json"; exit 1; }
fi
echo "$place"
