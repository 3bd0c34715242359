# Sourced by up.sh and down.sh. One tree named $ns in every cgroup hierarchy: `sys` for daemons and shims, `node0` and so on
# as roots of the kubelets (which kill each other's pods when they share one).
# shellcheck shell=bash
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  cgroup_version=2 cgroup_mounts=(/sys/fs/cgroup)
else
  cgroup_version=1 cgroup_mounts=(/sys/fs/cgroup/*/)
fi

our_cgroups() {
  local mount
  for mount in "${cgroup_mounts[@]}"; do
    if [ -d "${mount%/}/$ns" ]; then echo "${mount%/}/$ns"; fi
  done
}

make_cgroups() {
  local mount parent child name
  for mount in "${cgroup_mounts[@]}"; do
    mount=${mount%/}
    for name in sys $(node_numbers | sed s/^/node/); do
      mkdir -p "$mount/$ns/$name"
      [ $cgroup_version = 1 ] || continue
      # A new cpuset takes no process until it is filled.
      for child in "$mount/$ns" "$mount/$ns/$name"; do
        parent=${child%/*}
        [ -f "$child/cpuset.cpus" ] || continue
        cat "$parent/cpuset.cpus" > "$child/cpuset.cpus"
        cat "$parent/cpuset.mems" > "$child/cpuset.mems"
      done
    done
  done
  # All pods together are one group, which the scheduler would otherwise treat like one process among those of the machine.
  if [ -f "/sys/fs/cgroup/cpu/$ns/cpu.shares" ]; then echo 16384 > "/sys/fs/cgroup/cpu/$ns/cpu.shares"; fi
  [ $cgroup_version = 2 ] || return 0
  for parent in /sys/fs/cgroup "/sys/fs/cgroup/$ns"; do
    for name in cpu cpuset io memory pids hugetlb; do
      echo "+$name" > "$parent/cgroup.subtree_control" 2>/dev/null || true
    done
  done
  if [ -f "/sys/fs/cgroup/$ns/cpu.weight" ]; then echo 1600 > "/sys/fs/cgroup/$ns/cpu.weight"; fi
}

# Where daemons are put, so that down.sh finds all of them without knowing their names.
daemon_cgroups() {
  if [ $cgroup_version = 2 ]; then echo "/sys/fs/cgroup/$ns/sys"; else echo "/sys/fs/cgroup/pids/$ns/sys /sys/fs/cgroup/memory/$ns/sys"; fi
}

# Ends everything in our trees. SIGKILL: the state is thrown away anyway; again and again, because what dies may fork.
kill_cgroups() {
  local pids i
  for i in $(seq 1200); do
    pids=$(our_cgroups | while read -r tree; do find "$tree" -name cgroup.procs -exec cat {} + 2>/dev/null; done | sort -un)
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086
    kill -9 $pids 2>/dev/null || true
    sleep 0.05
  done
  echo "still alive after $i rounds of SIGKILL: $pids" >&2
  return 1
}

# Deepest first; one that is still busy is tried again.
remove_cgroups() {
  local i
  for i in $(seq 1200); do
    our_cgroups | while read -r tree; do find "$tree" -depth -type d -exec rmdir {} + 2>/dev/null; done
    [ -n "$(our_cgroups)" ] || return 0
    sleep 0.05
  done
  echo "cgroups left after $i rounds: $(our_cgroups)" >&2
  return 1
}
