# Sourced by up.sh and down.sh.
#   host $ns-h (198.18.0.1) --veth-- bridge in namespace $ns-sw --veth-- eth0 of node i (198.18.0.(2+i))
#   pods of node i: 198.18.(128+4i).0/22, plain routes between nodes; Services: kube-proxy
# Nothing is added to the host's iptables or sysctls: the bridge has a namespace of its own, so that the host's FORWARD
# policy never sees it.
# shellcheck shell=bash
make_network() {
  local i j name
  ip netns add $ns-sw
  ip netns exec $ns-sw sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
  ip -n $ns-sw link add br0 type bridge
  ip -n $ns-sw link set br0 up
  ip -n $ns-sw link set lo up
  ip link add $ns-h type veth peer name host netns $ns-sw
  ip -n $ns-sw link set host master br0 up
  ip addr add $host_ip/18 dev $ns-h
  ip link set $ns-h up
  for i in $(node_numbers); do
    name=$(node_netns "$i")
    ip netns add "$name"
    ip -n "$name" link add eth0 type veth peer name "node$i" netns $ns-sw
    ip -n $ns-sw link set "node$i" master br0 up
    ip -n "$name" addr add "$(node_ip "$i")/18" dev eth0
    ip -n "$name" link set eth0 up
    ip -n "$name" link set lo up
    # A default route must exist: Services are translated before it would be used.
    ip -n "$name" route add default via $host_ip
    ip netns exec "$name" sysctl -qw net.ipv4.ip_forward=1
    ip netns exec "$name" sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
    for j in $(node_numbers); do
      if [ "$j" != "$i" ]; then ip -n "$name" route add "$(node_pods "$j")" via "$(node_ip "$j")"; fi
    done
    ip route add "$(node_pods "$i")" via "$(node_ip "$i")"
  done
  ip route add $service_net via "$(node_ip 0)"
  # The host forwards nothing that comes from the cluster: nothing in it can leave this machine.
  ip rule add pref 100 iif $ns-h unreachable
}

# Pods' namespaces live in the nodes' mount namespaces and go with their last process.
remove_network() {
  local file
  ip link del $ns-h 2>/dev/null || true
  while ip rule del pref 100 iif $ns-h unreachable 2>/dev/null; do :; done
  for file in /run/netns/$ns /run/netns/$ns-sw /run/netns/$ns-n[0-9]*; do
    if [ -e "$file" ]; then ip netns del "${file##*/}"; fi
  done
}

network_exists() { [ -e /run/netns/$ns ] || [ -e /run/netns/$ns-sw ] || ip link show $ns-h >/dev/null 2>&1; }
