#!/usr/bin/env bash
# Makes sure that the servers of other projects that tests run with can start: Java and Maven for Kafka, Redis, Consul, and
# Docker Compose, which reads compose.yaml; that the client for Python can be generated and run (tools/sdk/languages.ts); and that
# Prometheus can judge the alerts (promtool).
# Installs Debian's packages when that is allowed; fetches Kafka and builds the others, so that no test waits for that. etcd comes
# with the hermetic cluster (e2e/cluster/build.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
# program:package
needs="java:default-jre-headless mvn:maven redis-server:redis-server promtool:prometheus"
missing=()
for need in $needs; do command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}"); done
# Other distributions' protoc writes other code, and their Pythons' libraries come with pip: nothing to install there.
if [ "$(. /etc/os-release 2>/dev/null; echo "${VERSION_CODENAME:-}")" = bookworm ]; then
  command -v protoc >/dev/null || missing+=(protobuf-compiler)
  command -v grpc_python_plugin >/dev/null || missing+=(protobuf-compiler-grpc)
  /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || missing+=(python3-grpcio python3-protobuf)
fi
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
if command -v go >/dev/null; then
  node tools/bootstrap.mjs packages/local-servers/src/consul/install.ts
  node tools/bootstrap.mjs packages/local-servers/src/compose/install.ts
fi
