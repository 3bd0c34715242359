#!/usr/bin/env bash
# Ends the engine that up.sh started, with all its containers, and removes every trace of it. Processes are found through the
# cgroups that up.sh and the engine put them in, never by name, so that it also works after an up.sh that was killed half way.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for part in docker/settings cluster/cgroups; do
  # shellcheck source=/dev/null
  . "$here/../$part.sh"
done
need_root "Removing the Docker engine"

kill_cgroups || exit 1
remove_cgroups || exit 1
if [ -e /run/netns/$ns ]; then ip netns del $ns; fi
if [ -f "$state/.plinth" ]; then
  # The mounts went with the engine's mount namespace.
  rm -rf --one-file-system "$state"
elif [ -e "$state" ]; then
  echo "$state was not made by up.sh (there is no .plinth in it) and is left alone" >&2
  exit 1
fi
