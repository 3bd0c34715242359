#!/usr/bin/env bash
# Makes sure that the programs which the Docker engine and its images need are there; installs Debian's packages when that is
# allowed. No engine of the machine is started: up.sh starts one of its own.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=../../tools/debian-packages.sh
. "$(dirname "$0")/../../tools/debian-packages.sh"
need_programs dockerd:docker.io containerd:containerd runc:runc ip:iproute2 iptables:iptables nsenter:util-linux buildah:buildah debootstrap:debootstrap
install_missing
