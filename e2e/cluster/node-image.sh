#!/usr/bin/env bash
# node-image.sh NODE_BINARY: makes the base image localhost/plinth-node:26 in buildah's storage, for machines that reach no
# image registry: the node binary, what it links to, certificates and `cp` from Debian packages; no shell, no package manager.
# Does nothing when it is there already. The same packages give the same image.
set -euo pipefail
node=$(readlink -f "${1:?path of a node binary}")
image=localhost/plinth-node:26
export STORAGE_DRIVER=overlay BUILDAH_ISOLATION=chroot
want=$(cat "$node" "$0" | sha256sum | cut -c1-64)
made=$(buildah inspect --type image --format '{{index .OCIv1.Config.Labels "dev.plinth.made-of"}}' $image 2>/dev/null || true)
if [ "$made" = "$want" ]; then exit 0; fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
mkdir -p "$folder"/{packages,cp,root}
root=$folder/root
mkdir -p "$root"/{usr/bin,usr/lib,usr/lib64,usr/sbin,usr/local/bin,etc/ssl/certs,app}
for name in bin lib lib64 sbin; do ln -s usr/$name "$root/$name"; done
(cd "$folder/packages" && apt-get download -qq libc6 libgcc-s1 libstdc++6 libatomic1 ca-certificates \
  coreutils libacl1 libattr1 libselinux1 libpcre2-8-0 2>/dev/null) ||
  { echo "apt-get download failed: is a Debian mirror reachable (apt-get update)?" >&2; exit 1; }
for file in "$folder"/packages/*.deb; do
  case ${file##*/} in
    coreutils_*) dpkg-deb --fsys-tarfile "$file" | tar -x -C "$folder/cp" ./bin/cp ;;
    *) dpkg-deb --fsys-tarfile "$file" | tar -x -C "$root" --keep-directory-symlink ;;
  esac
done
cp "$folder/cp/bin/cp" "$root/usr/bin/cp"
cp "$node" "$root/usr/local/bin/node"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/usr/share/{doc,man,locale,lintian,bug,ca-certificates} "$root"/usr/sbin/* "$root"/usr/lib/x86_64-linux-gnu/gconv
printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' > "$root/etc/group"
mkdir -m 1777 "$root/tmp"
find "$root" -exec touch -h -d @0 {} +

container=$(buildah from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/bin --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --label "dev.plinth.made-of=$want" "$container"
buildah commit -q --rm --timestamp 0 "$container" $image >/dev/null
