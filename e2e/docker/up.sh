#!/usr/bin/env bash
# Starts a Docker engine of our own on this machine and loads the images of build.sh: see README.md. One that answers is left
# alone; anything else that an earlier run left is removed first. Its socket is $PLINTH_DOCKER_CACHE/state/docker.sock, and
# enter.sh runs a command where its published ports are.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for part in docker/settings cluster/cgroups; do
  # shellcheck source=/dev/null
  . "$here/../$part.sh"
done
need_root "A Docker engine"

engine_answers() { docker version >/dev/null 2>&1; }

# A namespace of its own: ports, bridges and iptables rules are not the machine's, and nothing in it can leave the machine.
make_network() {
  ip netns add $ns
  ip -n $ns link set lo up
}

# nsenter, not `ip netns exec`: that one hides the cgroups. /run is private, so that neither containerd nor the lists of
# networks of another engine are found; mounts of containers go with the namespace.
start_engine() {
  # Memory for time, as for the cluster.
  export GOGC=${GOGC:-400}
  cat > engine.sh <<C
set -e
for folder in $(daemon_cgroups); do echo \$\$ > "\$folder/cgroup.procs"; done
mount -t tmpfs -o mode=755 run /run
exec dockerd --host unix://$socket --data-root $state/data --exec-root /run/docker --pidfile $state/dockerd.pid \\
  --cgroup-parent /$ns/containers --storage-driver overlay2 --bip $bridge_ip --default-address-pool $network_pool \\
  --dns 127.0.0.1 --log-level warn --oom-score-adjust 0 --shutdown-timeout 20
C
  # Without the files that the caller has open: a lock among them would be held as long as the engine lives.
  # shellcheck disable=SC2016
  setsid bash -c '
    for file in /proc/$$/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
    exec nsenter --net="$1" unshare -m --propagation private bash engine.sh' - /run/netns/$ns > engine.log 2>&1 < /dev/null &
}

# Those that changed since they were loaded.
load_images() {
  local part mark
  for part in $images; do
    mark=$state/loaded-$part
    if cmp -s "$img/.$part.stamp" "$mark"; then continue; fi
    docker load --quiet --input "$img/$part.tar" >/dev/null
    cp "$img/.$part.stamp" "$mark"
  done
}

"$here/install-packages.sh"
"$here/build.sh"
if ! engine_answers; then
  "$here/down.sh"
  trap 'rc=$?; [ $rc = 0 ] || echo "the engine did not come up: see $state/engine.log; $here/down.sh removes what there is" >&2' EXIT
  mkdir -p "$state"
  : > "$state/.plinth"
  cd "$state"
  make_cgroups
  make_network
  start_engine
  wait_for 300 engine_answers || { echo "the engine does not answer" >&2; exit 1; }
fi
load_images
