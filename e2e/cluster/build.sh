#!/usr/bin/env bash
# Builds what the hermetic cluster is made of, from Go modules, once, into $PLINTH_CLUSTER_CACHE (default: plinth-cluster in
# the user's cache folder, outside any clone). About 15 minutes on two free cores with empty Go caches, a second when
# nothing changed. Needs Go 1.26 or later.
#   build.sh                everything
#   build.sh kube helm      only these: kube, containerd, coredns, pause, helm, grpcurl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=settings.sh
. "$here/settings.sh"
kube=v1.37.2 containerd=v2.4.2 helm=v4.3.1 grpcurl=v1.9.4

command -v go >/dev/null || { echo "Go is missing: on Debian, install Go 1.26 or later (https://go.dev/doc/install)" >&2; exit 1; }
mkdir -p "$bin" "$img"
export CGO_ENABLED=0

# stale NAME STAMP: whether the binary was made from something else; stamped: it was made from this.
stale() { [ ! -x "$bin/$1" ] || [ "$(cat "$bin/.$1.stamp" 2>/dev/null)" != "$2" ]; }
stamped() { echo "$2" > "$bin/.$1.stamp"; }
hash_of() { cat "$here/$1"/* | sha256sum; }
install_go() { # NAME STAMP MODULE...
  local name=$1 stamp=$2
  shift 2
  stale "$name" "$stamp" || return 0
  echo "building $name $stamp" >&2
  GOBIN="$bin" go install ${go_flags:+"${go_flags[@]}"} "$@"
  stamped "$name" "$stamp"
}

# etcd and all of Kubernetes link into one binary that does what its name says.
build_kube() {
  local want v
  want="$kube $(hash_of kube)"
  stale kube "$want" || return 0
  echo "building Kubernetes $kube into $bin (about 10 minutes the first time)" >&2
  v="-X k8s.io/component-base/version.gitVersion=$kube -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37 -X k8s.io/client-go/pkg/version.gitVersion=$kube"
  (cd "$here/kube" && go build -mod=readonly -trimpath -ldflags "-s -w $v" -o "$bin/kube" .)
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    ln -sfn kube "$bin/$name"
  done
  stamped kube "$want"
}

build_containerd() {
  local module=github.com/containerd/containerd/v2/cmd
  local go_flags=(-trimpath -ldflags "-s -w" -tags "no_btrfs no_devmapper no_zfs")
  install_go containerd $containerd $module/containerd@$containerd $module/containerd-shim-runc-v2@$containerd $module/ctr@$containerd
}

build_coredns() {
  local want
  want=$(hash_of coredns)
  stale coredns "$want" || return 0
  echo "building CoreDNS" >&2
  (cd "$here/coredns" && go build -mod=readonly -trimpath -ldflags "-s -w" -o "$bin/coredns" .)
  stamped coredns "$want"
}

# The image of every pod's first container.
build_pause() {
  [ ! -f "$img/pause.tar" ] || return 0
  local folder container
  folder=$(mktemp -d)
  gcc -Os -static -o "$folder/pause" "$here/pause.c"
  export STORAGE_DRIVER=overlay BUILDAH_ISOLATION=chroot
  container=$(buildah from scratch)
  buildah copy -q "$container" "$folder/pause" /pause >/dev/null
  buildah config --entrypoint '["/pause"]' "$container"
  buildah commit -q --rm "$container" localhost/pause:1 >/dev/null
  buildah push -q localhost/pause:1 "oci-archive:$img/pause.tar:localhost/pause:1"
  rm -rf "$folder"
}

build_helm() { install_go helm $helm helm.sh/helm/v4/cmd/helm@$helm; }
build_grpcurl() { install_go grpcurl $grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl@$grpcurl; }

[ $# -gt 0 ] || set -- kube containerd coredns pause helm grpcurl
for part in "$@"; do "build_$part"; done
