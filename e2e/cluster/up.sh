#!/usr/bin/env bash
# Brings up a real Kubernetes on this machine, without Docker and without internet: see README.md. A healthy cluster is left
# alone; anything else that an earlier run left is removed first. Options: settings.sh. Prints nothing but progress; the
# administrator's kubeconfig is $PLINTH_CLUSTER_CACHE/state/admin.kubeconfig.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for part in settings cgroups network credentials node control-plane; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done
need_root "A hermetic Kubernetes"
[ "$nodes" -ge 1 ] && [ "$nodes" -le 16 ] || { echo "NODES must be 1 to 16" >&2; exit 2; }
export KUBECACHEDIR=$state/kubecache

nodes_are_ready() { [ "$(kubectl get nodes --no-headers 2>/dev/null | awk '$2 == "Ready"' | wc -l)" = "$nodes" ]; }

# The wanted number of nodes, every process alive, API and nodes ready.
is_healthy() {
  local file
  [ -f "$state/.up" ] && [ "$(cat "$state/.up")" = "$nodes" ] || return 1
  for file in "$state"/run/*.pid; do kill -0 "$(cat "$file")" 2>/dev/null || return 1; done
  api_is_ready >/dev/null 2>&1 && nodes_are_ready
}

# start NAME COMMAND...: in a session of its own, with a pid file, in the daemons' cgroup, without the files that the caller
# has open: a lock among them would be held as long as the cluster lives.
start() {
  local name=$1
  shift
  # shellcheck disable=SC2016
  setsid bash -c '
    echo $$ > "$1"
    for folder in $2; do echo $$ > "$folder/cgroup.procs"; done
    for file in /proc/$$/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
    shift 2
    exec "$@"' \
    - "$state/run/$name.pid" "$(daemon_cgroups)" "$@" > "$state/log/$name.log" 2>&1 < /dev/null &
}
# nsenter, not `ip netns exec`: that one hides the cgroups.
start_in_node() {
  local netns
  netns=$(node_netns "$1")
  shift
  local name=$1
  shift
  start "$name" nsenter --net="/run/netns/$netns" "$@"
}

if is_healthy; then exit 0; fi
# Memory for time, in everything that is written in Go: what lives for minutes has nothing to gain from a small heap.
export GOGC=${GOGC:-400}
"$here/install-packages.sh"
"$here/build.sh" kube containerd coredns pause
if [ -e "$state" ] || network_exists || [ -n "$(our_cgroups)" ]; then "$here/down.sh"; fi
trap 'rc=$?; [ $rc = 0 ] || echo "the cluster did not come up: see $state/log; $here/down.sh removes what there is" >&2' EXIT
mkdir -p "$state"/{pki,log,run}
: > "$state/.plinth"
cd "$state"

make_cgroups
make_network
make_credentials
start_api
start_container_runtimes
echo "nameserver $(node_ip 0)" > resolv.conf
wait_for 300 api_is_ready || { echo "the API server does not answer" >&2; exit 1; }
create_nodes
start_controllers
for i in $(node_numbers); do
  wait_for 300 test -S "$state/node$i/containerd.sock" || { echo "containerd of node$i does not start" >&2; exit 1; }
  start_node "$i"
done
start_dns
"$here/import-images.sh" "$img/pause.tar"
wait_for 300 nodes_are_ready || { echo "the nodes do not become ready" >&2; exit 1; }
wait_for 300 dns_is_ready || { echo "DNS does not become ready" >&2; exit 1; }
echo "$nodes" > .up
