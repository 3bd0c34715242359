#!/usr/bin/env bash
# Makes sure that the servers of other projects that tests run with can start: Java and Maven for Kafka, Redis, Consul; and
# that Prometheus can judge the alerts (promtool).
# Installs Debian's packages when that is allowed; fetches Kafka and builds Consul, so that no test waits for that. etcd comes
# with the hermetic cluster (e2e/cluster/build.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
# program:package
needs="java:default-jre-headless mvn:maven redis-server:redis-server promtool:prometheus"
missing=()
for need in $needs; do command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}"); done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "These Debian packages (or what they are called here) are missing: ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}" >&2
  # A package must not start a server of its own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
node tools/bootstrap.mjs packages/local-servers/src/kafka/install.ts
if command -v go >/dev/null; then node tools/bootstrap.mjs packages/local-servers/src/consul/install.ts; fi
