#!/usr/bin/env bash
# Builds the package: the native library (native/), its interface and what UniFFI generates over it
# (Sources/TrueUpFFI, Sources/TrueUpNative), then the Swift; quick when nothing has changed.
#
#   PROFILE  cargo's profile; demo by default: optimised, and shared with `make demo`
set -euo pipefail
cd "$(dirname "$0")"
profile=${PROFILE:-demo}

target=$(cargo metadata --format-version 1 --no-deps ${CI:+--locked} | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --quiet --profile "$profile" --package trueup-swift ${CI:+--locked}
# The generator runs for a second: it needs no optimising.
cargo build --quiet --package trueup-swift-bindgen ${CI:+--locked}

case $(uname) in
  Darwin) built=libtrueup_swift.dylib ;;
  *) built=libtrueup_swift.so ;;
esac
[ "$profile" = dev ] && folder=debug || folder=$profile
mkdir -p native Sources/TrueUpNative

# Files that are the same stay as they are, so that Swift builds nothing anew.
take() {
  if ! cmp -s "$1" "$2"; then
    cp "$1" "$2.new"
    mv "$2.new" "$2"
  fi
}
if ! cmp -s "$target/$folder/$built" "native/$built" || [ ! -e Sources/TrueUpNative/TrueUpNative.swift ]; then
  made=$(mktemp -d)
  trap 'rm -rf "$made"' EXIT
  "$target/debug/trueup-swift-bindgen" "$target/$folder/$built" "$made" --swift-sources --headers --metadata-no-deps
  take "$made/TrueUpNative.swift" Sources/TrueUpNative/TrueUpNative.swift
  take "$made/TrueUpFFI.h" Sources/TrueUpFFI/TrueUpFFI.h
  take "$target/$folder/$built" "native/$built"
fi
if [ "$(uname)" = Darwin ]; then
  [ -d TrueUpFFI.xcframework ] || ./xcframework.sh
fi
./with-swift.sh swift build ${CONFIGURATION:+--configuration "$CONFIGURATION"}
