#!/usr/bin/env bash
# Builds the addon (trueup.node, trueup.d.node.ts) and the package around it (dist/); quick when nothing has changed.
#
#   PROFILE  cargo's profile; demo by default: optimised, and shared with `make demo`
#
# napi's own build command compiles into a folder of its own, which shares nothing, and brings 60 packages along: here
# cargo builds, and types.mjs writes the types.
set -euo pipefail
cd "$(dirname "$0")"
profile=${PROFILE:-demo}

if ! cmp -s package-lock.json node_modules/.made-from.json; then
  npm ci --loglevel=error --no-audit --no-fund
  cp package-lock.json node_modules/.made-from.json
fi

target=$(cargo metadata --format-version 1 --no-deps ${CI:+--locked} | node -p 'JSON.parse(fs.readFileSync(0)).target_directory')
export NAPI_TYPE_DEF_TMP_FOLDER="$target/napi-types"
mkdir -p "$NAPI_TYPE_DEF_TMP_FOLDER"
# The macros write the types while the crate is compiled.
[ -s "$NAPI_TYPE_DEF_TMP_FOLDER/trueup-node" ] || touch src/lib.rs
cargo build --quiet --profile "$profile" --package trueup-node ${CI:+--locked}

case $(uname) in
  Darwin) built=libtrueup_node.dylib ;;
  MINGW* | MSYS*) built=trueup_node.dll ;;
  *) built=libtrueup_node.so ;;
esac
[ "$profile" = dev ] && folder=debug || folder=$profile
if ! cmp -s "$target/$folder/$built" trueup.node; then
  cp "$target/$folder/$built" trueup.node.new
  # A process that has the old one loaded keeps it.
  mv trueup.node.new trueup.node
fi
node types.mjs "$NAPI_TYPE_DEF_TMP_FOLDER/trueup-node" trueup.d.node.ts
node_modules/.bin/tsc
echo "bindings/node is built: require(\"$PWD\")"
