#!/usr/bin/env bash
# enter.sh COMMAND...: runs a command with DOCKER_HOST set, `docker compose` there, and in the network of the engine: published
# ports are on its 127.0.0.1, and nothing else of this machine is. Containers reach what listens on $PLINTH_DOCKER_HOST_IP.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=settings.sh
. "$here/settings.sh"
need_root "Entering the engine's network"
[ -S "$socket" ] || { echo "there is no engine: $here/up.sh starts one" >&2; exit 1; }
export DOCKER_HOST=unix://$socket DOCKER_CONFIG=$client PLINTH_DOCKER_HOST_IP=${bridge_ip%/*}
exec nsenter --net=/run/netns/$ns "$@"
