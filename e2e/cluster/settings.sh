# Sourced by the other scripts: where everything is, and the cluster's addresses.
#   PLINTH_CLUSTER_CACHE  binaries, images and state (default: plinth-cluster in the user's cache folder)
#   NODES                 number of nodes, 1 to 16 (default 1)
#   TMPFS                 1: images and container layers in memory (default); 0: on disk
# shellcheck shell=bash disable=SC2034
cache=${PLINTH_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plinth-cluster}
bin=$cache/bin img=$cache/img state=$cache/state
nodes=${NODES:-1} tmpfs=${TMPFS:-1}
# Prefix of namespaces, cgroups and links; one cluster per machine, since its addresses are fixed.
ns=plinth

# 198.18.0.0/15 is the benchmarking range: nothing on the internet has these addresses.
host_ip=198.18.0.1
service_net=198.18.64.0/18 pod_net=198.18.128.0/18
api_service_ip=198.18.64.1 dns_service_ip=198.18.64.10
node_ip() { echo "198.18.0.$((2 + $1))"; }
node_pods() { echo "198.18.$((128 + 4 * $1)).0/22"; }
node_netns() { if [ "$1" = 0 ]; then echo $ns; else echo "$ns-n$1"; fi; }
node_numbers() { seq 0 $((nodes - 1)); }

kubectl() { "$bin/kubectl" --kubeconfig "$state/admin.kubeconfig" "$@"; }

# shellcheck source=../waiting.sh
. "$(dirname "${BASH_SOURCE[0]}")/../waiting.sh"

need_root() {
  [ "$(id -u)" = 0 ] || {
    echo "$1 needs root: it makes network namespaces, cgroups and mounts of its own (and removes them again)." >&2
    echo "Run it with sudo, or set KUBECONFIG to use a cluster that is there." >&2
    exit 1
  }
}
