#!/usr/bin/env bash
# Makes sure that the programs the cluster needs from the system are there, and the Redis that tests start; installs Debian's packages when that is allowed.
set -euo pipefail
# program:package
needs="ip:iproute2 iptables:iptables conntrack:conntrack runc:runc openssl:openssl unshare:util-linux ps:procps gcc:gcc buildah:buildah redis-server:redis-server"
missing=()
for need in $needs; do command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}"); done
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
[ -f /usr/include/stdlib.h ] || missing+=(libc6-dev)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "These Debian packages (or what they are called here) are missing: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
