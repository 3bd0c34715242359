#!/bin/bash
# As the official image: the server runs as redis, and answers the network as long as no password is set.
set -euo pipefail
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown redis:redis .
  exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi
if [ "$1" = redis-server ]; then exec "$@" --protected-mode no; fi
exec "$@"
