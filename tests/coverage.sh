#!/usr/bin/env bash
# Line coverage of the two core crates by all tests of the workspace. Takes LLVM's tools from rustup
# if it has them, else from Debian's package of the version that rustc was built with.
set -euo pipefail
cd "$(dirname "$0")/.."

sysroot=$(rustc --print sysroot)
if [ -z "${LLVM_COV:-}" ] && ! compgen -G "$sysroot/lib/rustlib/*/bin/llvm-cov*" > /dev/null; then
  version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  if ! command -v "llvm-cov-$version" > /dev/null; then
    if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
      echo "coverage needs LLVM's tools: rustup component add llvm-tools" >&2
      exit 1
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "llvm-$version" > /dev/null
  fi
  LLVM_COV=$(command -v "llvm-cov-$version")
  LLVM_PROFDATA=$(command -v "llvm-profdata-$version")
  export LLVM_COV LLVM_PROFDATA
fi

cargo llvm-cov --workspace --all-features --no-report
# What stands beside the core is measured by its own tests, not by a figure.
others="^$PWD/(connectors|bindings|examples|benches|tests)/"
cargo llvm-cov report --ignore-filename-regex "$others" --html --output-dir coverage
cargo llvm-cov report --ignore-filename-regex "$others" --fail-under-lines 90 | tee coverage/report.txt
grep -q 'reconcile/' coverage/report.txt || {
  echo "the report leaves out the core: nothing was measured" >&2
  exit 1
}
