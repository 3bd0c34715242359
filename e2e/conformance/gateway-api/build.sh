#!/usr/bin/env bash
# Builds the Gateway API's conformance suite and the images that its manifests name, once, into $PLINTH_CLUSTER_CACHE
# (default: plinth-cluster in the user's cache folder, outside any clone): bin/gateway-conformance.test, img/*.tar (OCI
# archives, to be imported into the cluster's nodes) and crds/gateway-api (the CRDs of the same release). About 4 minutes
# with empty Go caches, seconds afterwards. Prints that folder. Needs Go 1.26 or later, and buildah for the images.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${PLINTH_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plinth-cluster}
bin=$cache/bin img=$cache/img crds=$cache/crds/gateway-api
export CGO_ENABLED=0 STORAGE_DRIVER=${STORAGE_DRIVER:-overlay} BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}

for tool in go buildah; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install it to build the conformance suite" >&2; exit 1; }
done
mkdir -p "$bin" "$img" "$crds"
cd "$here"
want=$(cat go.mod conformance_test.go | sha256sum)
stamp=$bin/.gateway-conformance.stamp
if [ ! -x "$bin/gateway-conformance.test" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
  echo "building the conformance suite of the Gateway API into $bin (about 4 minutes the first time)" >&2
  go test -c -trimpath -ldflags "-s -w" -o "$bin/gateway-conformance.test" .
  go build -trimpath -ldflags "-s -w" -o "$bin/echo-basic" sigs.k8s.io/gateway-api/conformance/echo-basic
  rm -f "$img"/echo-basic-*.tar
  cp -f "$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)"/config/crd/experimental/gateway.networking.k8s.io_*.yaml "$crds/"
  chmod -R u+w "$crds"
  echo "$want" > "$stamp"
fi

image() { # ARCHIVE PROGRAM NAME USER
  [ -f "$img/$1" ] && return
  local container
  container=$(buildah from scratch)
  buildah copy -q "$container" "$bin/$2" "/$2" >/dev/null
  buildah config --entrypoint "[\"/$2\"]" --user "$4" --workingdir / "$container"
  buildah commit -q --rm "$container" "$3" >/dev/null
  buildah push -q "$3" "oci-archive:$img/$1:$3"
  buildah rmi -f "$3" >/dev/null
}
# The names that the suite's manifests pull; one program behind the first three. CoreDNS is the cluster's own: it serves UDP
# routes, which are not tested here, but the suite waits for all pods of its namespaces.
for version in v1.5.1 v1.6.0-dev.2 v1.6.0-dev.3; do
  image "echo-basic-$version.tar" echo-basic "registry.k8s.io/gateway-api/echo-basic:$version" 65532:65532
done
[ -x "$bin/coredns" ] || { echo "CoreDNS is missing: run e2e/cluster/build.sh first" >&2; exit 1; }
image coredns-v1.12.2.tar coredns registry.k8s.io/coredns/coredns:v1.12.2 0:0
echo "$cache"
