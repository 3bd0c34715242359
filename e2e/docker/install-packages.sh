#!/usr/bin/env bash
# Makes sure that the programs which the Docker engine and its images need are there; installs Debian's packages when that is
# allowed. No engine of the machine is started: up.sh starts one of its own.
set -euo pipefail
# program:package
needs="dockerd:docker.io containerd:containerd runc:runc ip:iproute2 iptables:iptables nsenter:util-linux buildah:buildah debootstrap:debootstrap"
missing=()
for need in $needs; do PATH=$PATH:/usr/sbin:/sbin command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}"); done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "These Debian packages (or what they are called here) are missing: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
# A package must not start a server of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
