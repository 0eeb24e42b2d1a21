#!/usr/bin/env bash
# Runs a command where there is Swift: `with-swift.sh swift test`. It is the Swift on PATH, or else, on Debian as root,
# Debian's own: Debian 13 in $TRUEUP_CACHE/swift-trixie, which the first run sets up (about 3 GB, two minutes) and which
# is entered by chroot.
#
#   TRUEUP_CACHE   ~/.cache/trueup by default
#   SEE            a file or folder that the command is to see, beside this repository
#
# Mounts and processes are in namespaces of their own: they end with the command, whatever ends that, and nobody
# outside ever sees the mounts.
set -euo pipefail

if command -v swift > /dev/null; then
  exec "$@"
fi

package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -z "${TRUEUP_OWN_MOUNTS:-}" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "there is no swift on PATH: install it (https://www.swift.org/install), or run this as root on Debian" >&2
    exit 1
  fi
  if ! unshare --mount --pid --fork true 2> /dev/null; then
    echo "there is no swift on PATH, and nothing can be mounted here for one: install it" >&2
    exit 1
  fi
  TRUEUP_OWN_MOUNTS=1 exec unshare --mount --propagation private --pid --fork --kill-child "$package/with-swift.sh" "$@"
fi

cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}
mkdir -p "$cache"
root=$(cd "$cache" && pwd)/swift-trixie

inside() {
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

install() {
  if ! command -v debootstrap > /dev/null; then
    apt-get update
    apt-get install -y --no-install-recommends debootstrap
  fi
  debootstrap --variant=minbase trixie "$root"
  inside apt-get install -y --no-install-recommends swiftlang g++ libc6-dev
  inside apt-get clean
}

set_up() {
  echo "setting up Swift in $root, once: about 3 GB and two minutes; $root.log tells more" >&2
  if grep -q " $root/" /proc/self/mountinfo; then
    echo "something is mounted under $root: unmount it, then try again" >&2
    exit 1
  fi
  # What an earlier try left behind.
  rm -rf --one-file-system "$root"
  if ! install > "$root.log" 2>&1; then
    tail -n 5 "$root.log" >&2
    exit 1
  fi
  touch "$root/.whole"
}

exec 9> "$root.lock"
flock 9
if [ ! -e "$root/.whole" ]; then set_up; fi
exec 9>&-

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
# Files have the names inside that they have outside, so that messages name files that exist.
show() {
  if [ -d "$1" ]; then
    mkdir -p "$root$1"
  else
    mkdir -p "$(dirname "$root$1")"
    [ -e "$root$1" ] || touch "$root$1"
  fi
  mount --bind "$1" "$root$1"
}
show "$(cd "$package/../.." && pwd)"
# Where it is not there, the command says so.
if [ -e "${SEE:-}" ]; then show "$SEE"; fi
inside sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
