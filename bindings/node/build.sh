#!/usr/bin/env bash
# Builds the addon (trueup.node, trueup.d.node.ts) and the package around it (dist/); quick when nothing has changed.
#
#   PROFILE  cargo's profile; demo by default: optimised, and shared with `make demo`
set -euo pipefail
cd "$(dirname "$0")"

if ! cmp -s package-lock.json node_modules/.made-from.json; then
  npm install --no-save --loglevel=error --no-audit --no-fund
  cp package-lock.json node_modules/.made-from.json
fi
node_modules/.bin/napi build --profile "${PROFILE:-demo}" --manifest-path Cargo.toml --output-dir . \
  --dts trueup.d.node.ts ${CI:+-- --locked}
node_modules/.bin/tsc
echo "bindings/node is built: require(\"$PWD\")"
