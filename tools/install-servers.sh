#!/usr/bin/env bash
# Makes sure that the servers of other projects that tests run with can start: Java and Maven for Kafka, Redis, Consul, and
# Docker Compose, which reads compose.yaml; that the client for Python can be generated and run (tools/sdk/languages.ts); and that
# Prometheus can judge the alerts (promtool).
# Installs Debian's packages when that is allowed; fetches Kafka and builds the others, so that no test waits for that. etcd comes
# with the hermetic cluster (e2e/cluster/build.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=debian-packages.sh
. tools/debian-packages.sh
need_programs java:default-jre-headless mvn:maven redis-server:redis-server promtool:prometheus
# Other distributions' protoc writes other code, and their Pythons' libraries come with pip: nothing to install there.
if [ "$(. /etc/os-release 2>/dev/null; echo "${VERSION_CODENAME:-}")" = bookworm ]; then
  need_programs protoc:protobuf-compiler grpc_python_plugin:protobuf-compiler-grpc
  /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || missing+=(python3-grpcio python3-protobuf)
fi
install_missing
node tools/bootstrap.mjs packages/local-servers/src/kafka/install.ts
if command -v go >/dev/null; then
  node tools/bootstrap.mjs packages/local-servers/src/consul/install.ts
  node tools/bootstrap.mjs packages/local-servers/src/compose/install.ts
fi
