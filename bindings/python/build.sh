#!/usr/bin/env bash
# Builds one wheel into dist/ and installs it in .venv/; quick when nothing has changed.
#
#   PYTHON   the Python to build with; python3 by default, 3.10 or later
#   PROFILE  cargo's profile; demo by default: optimised, and shared with `make demo`
#   build.sh --tests  also installs what the tests need
set -euo pipefail
cd "$(dirname "$0")"

if ! .venv/bin/python -c pass 2> /dev/null; then
  rm -rf .venv
  "${PYTHON:-python3}" -m venv .venv
fi

pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }
if [ ! -x .venv/bin/maturin ]; then
  pip install "$(grep '^maturin==' requirements-dev.txt)"
fi
if [ "${1:-}" = --tests ] && ! cmp -s requirements-dev.txt .venv/made-from.txt; then
  pip install -r requirements-dev.txt
  cp requirements-dev.txt .venv/made-from.txt
fi

rm -rf dist/new && mkdir -p dist/new
.venv/bin/maturin build --quiet --profile "${PROFILE:-demo}" ${CI:+--locked} \
  --interpreter .venv/bin/python --out dist/new
wheel=$(basename dist/new/*.whl)
if [ -f "dist/$wheel" ] && cmp -s "dist/$wheel" "dist/new/$wheel" && .venv/bin/python -c 'import trueup' 2> /dev/null; then
  rm -rf dist/new
else
  rm -f dist/*.whl && mv "dist/new/$wheel" dist/ && rmdir dist/new
  pip install --force-reinstall --no-deps "dist/$wheel"
fi
echo "bindings/python/dist/$wheel is installed in bindings/python/.venv"
