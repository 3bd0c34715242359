#!/usr/bin/env bash
# Makes sure that the programs the cluster needs from the system are there, and the Redis that tests start; installs Debian's packages when that is allowed.
set -euo pipefail
# shellcheck source=../../tools/debian-packages.sh
. "$(dirname "$0")/../../tools/debian-packages.sh"
need_programs ip:iproute2 iptables:iptables conntrack:conntrack runc:runc openssl:openssl unshare:util-linux ps:procps gcc:gcc buildah:buildah redis-server:redis-server
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
[ -f /usr/include/stdlib.h ] || missing+=(libc6-dev)
install_missing
