#!/usr/bin/env bash
# postgres-image.sh BINARIES NODE_BINARY: makes plinth/postgres:e2e from the PostgreSQL that tests use (npm's
# embedded-postgres), for the chart's bundled instance on clusters that reach no image registry. Does nothing when it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=settings.sh
. "$here/settings.sh"
binaries=$(readlink -f "${1:?folder with bin, lib and share of PostgreSQL}") node=${2:?path of a node binary}
archive=$img/postgres.tar name=docker.io/plinth/postgres:e2e
export STORAGE_DRIVER=overlay BUILDAH_ISOLATION=chroot
want=$(cat "$binaries/bin/postgres" "$here/postgres/entrypoint.sh" "$0" "$here/node-image.sh" | sha256sum)
if [ -f "$archive" ] && [ "$(cat "$img/.postgres.stamp" 2>/dev/null)" = "$want" ]; then exit 0; fi

"$here/node-image.sh" "$node"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/root"
# initdb runs its parts through a shell.
(cd "$folder" && apt-get download -qq dash coreutils 2>/dev/null)
dpkg-deb --fsys-tarfile "$folder"/dash_*.deb | tar -x -C "$folder/root" --wildcards '*bin/dash'
dpkg-deb --fsys-tarfile "$folder"/coreutils_*.deb | tar -x -C "$folder/root" ./bin/rm
mkdir -p "$folder/root/usr/bin" "$folder/root/opt/postgres"
cp -a "$folder/root/bin/." "$folder/root/usr/bin/"
rm -r "$folder/root/bin"
ln -sf dash "$folder/root/usr/bin/sh"
cp -a "$binaries/." "$folder/root/opt/postgres/"
install -m 755 "$here/postgres/entrypoint.sh" "$folder/root/opt/postgres/entrypoint.sh"
container=$(buildah from --pull-never localhost/plinth-node:26)
buildah copy -q "$container" "$folder/root" / >/dev/null
buildah config --user 65532:65532 --env PATH=/opt/postgres/bin:/usr/bin --env PGDATA=/var/lib/postgresql/data/plinth \
  --env LC_ALL=C --entrypoint '["/opt/postgres/entrypoint.sh"]' "$container"
buildah commit -q --rm --timestamp 0 "$container" $name >/dev/null
rm -f "$archive"
buildah push -q --disable-compression $name "oci-archive:$archive:$name"
echo "$want" > "$img/.postgres.stamp"
