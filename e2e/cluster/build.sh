#!/usr/bin/env bash
# Builds etcd and Kubernetes' API server, controllers, kubelet and kubectl as one binary from their Go modules, once, into
# $PLINTH_CLUSTER_CACHE (default: plinth-cluster in the user's cache folder, outside any clone). About 10 minutes on two
# free cores with empty Go caches, seconds afterwards. Needs Go 1.26 or later.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${PLINTH_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plinth-cluster}/bin
version=v1.37.2

command -v go >/dev/null || { echo "Go is missing: on Debian, install Go 1.26 or later (https://go.dev/doc/install)" >&2; exit 1; }
mkdir -p "$bin"
want="$version $(cat "$here"/kube/* | sha256sum)"
if [ ! -x "$bin/kube" ] || [ "$(cat "$bin/.kube.stamp" 2>/dev/null)" != "$want" ]; then
  echo "building Kubernetes $version into $bin (about 10 minutes the first time)" >&2
  flags="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37 -X k8s.io/client-go/pkg/version.gitVersion=$version"
  (cd "$here/kube" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w $flags" -o "$bin/kube" .)
  # The binary does what its name says.
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    ln -sfn kube "$bin/$name"
  done
  echo "$want" > "$bin/.kube.stamp"
fi
