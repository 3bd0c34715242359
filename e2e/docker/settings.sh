# Sourced by the other scripts: where everything is, and the engine's addresses.
#   PLINTH_DOCKER_CACHE  images and state (default: plinth-docker in the user's cache folder)
# shellcheck shell=bash disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${PLINTH_DOCKER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plinth-docker}
img=$cache/img state=$cache/state client=$cache/client
# Of the network namespace and the cgroups; one engine per machine. Kubernetes of e2e/cluster uses "plinth".
ns=plinth-docker
socket=$state/docker.sock

# In the benchmarking range, which nothing on the internet has; beyond what the cluster of e2e/cluster uses of it.
bridge_ip=198.19.0.1/24 network_pool=base=198.19.16.0/20,size=24

# The images of other projects that compose.yaml and the Dockerfile name, in the order in which they are made.
images="node postgres redis kafka collector"
image_name() {
  case $1 in
    node) sed -n 's/^ARG NODE_IMAGE=//p' "$root/Dockerfile" ;;
    *) sed -n "s|^ *image: \(\(.*/\)\{0,1\}\(opentelemetry-\)\{0,1\}$1:.*\)|\1|p" "$root/compose.yaml" | grep -v '^plinth/' | head -1 ;;
  esac
}

# e2e/cluster/cgroups.sh makes a tree for each node of a cluster; the engine makes those of its containers itself.
node_numbers() { :; }

docker() { command docker --host "unix://$socket" "$@"; }

# shellcheck source=../waiting.sh
. "$(dirname "${BASH_SOURCE[0]}")/../waiting.sh"

need_root() {
  [ "$(id -u)" = 0 ] || {
    echo "$1 needs root: it makes a network namespace, cgroups and mounts of its own (and removes them again). Run it with sudo." >&2
    exit 1
  }
}
