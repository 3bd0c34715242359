#!/usr/bin/env bash
# Ends everything that up.sh started and removes every trace of it. Processes are found through the cgroup that up.sh puts
# them in, never by name, so that it also works after an up.sh that was killed half way.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for part in settings cgroups network; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done
need_root "Removing the hermetic Kubernetes"
shopt -s nullglob

kill_cgroups || exit 1
remove_cgroups || exit 1
remove_network
awk -v prefix="$state/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
for list in "$state/.made-folders" "$state/.made-dirs"; do
  if [ -f "$list" ]; then tac "$list" | while read -r folder; do rmdir "$folder" 2>/dev/null; done; fi
done
if [ -f "$state/.plinth" ]; then
  rm -rf --one-file-system "$state"
elif [ -e "$state" ]; then
  echo "$state was not made by up.sh (there is no .plinth in it) and is left alone" >&2
  exit 1
fi
