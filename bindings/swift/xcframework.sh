#!/usr/bin/env bash
# Makes TrueUpFFI.xcframework of the native library for Apple platforms: macOS, iOS and its simulator. Needs Xcode and
# `rustup target add` of the targets below.
#
#   PROFILE  cargo's profile; release by default
set -euo pipefail
cd "$(dirname "$0")"
[ "$(uname)" = Darwin ] || {
  echo "XCFrameworks are made on macOS, with Xcode" >&2
  exit 1
}
profile=${PROFILE:-release}
[ "$profile" = dev ] && folder=debug || folder=$profile

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# Each slice is one static library for all processors of a platform.
slice() {
  name=$1
  shift
  libraries=()
  for triple in "$@"; do
    cargo rustc --profile "$profile" --package trueup-swift --target "$triple" --crate-type staticlib
    libraries+=("$target/$triple/$folder/libtrueup_swift.a")
  done
  mkdir -p "$made/$name"
  lipo -create "${libraries[@]}" -output "$made/$name/libtrueup_swift.a"
}
slice macos aarch64-apple-darwin x86_64-apple-darwin
slice ios aarch64-apple-ios
slice simulator aarch64-apple-ios-sim x86_64-apple-ios

cargo build --package trueup-swift-bindgen
mkdir -p "$made/headers" Sources/TrueUpNative
"$target/debug/trueup-swift-bindgen" "$made/macos/libtrueup_swift.a" "$made/headers" \
  --headers --modulemap --module-name TrueUpFFI --modulemap-filename module.modulemap --metadata-no-deps
"$target/debug/trueup-swift-bindgen" "$made/macos/libtrueup_swift.a" Sources/TrueUpNative \
  --swift-sources --metadata-no-deps

rm -rf TrueUpFFI.xcframework
arguments=()
for name in macos ios simulator; do
  arguments+=(-library "$made/$name/libtrueup_swift.a" -headers "$made/headers")
done
xcodebuild -create-xcframework "${arguments[@]}" -output TrueUpFFI.xcframework
