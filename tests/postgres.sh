#!/usr/bin/env bash
# Makes sure that a PostgreSQL server can be started: looks where packages put it, installs Debian's
# package when that is possible without asking, and otherwise says what to do.
set -euo pipefail

found() {
  command -v postgres > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null
}

found && exit 0
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  echo "installing Debian's PostgreSQL, once"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # The tests start servers of their own; the package's is not wanted.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends postgresql > /dev/null
fi
found || {
  echo "no PostgreSQL server here: install your system's package (postgresql), then try again" >&2
  exit 1
}
