# Sourced by up.sh: what a node consists of. Each has a network namespace (network.sh) and a mount namespace, which its
# containerd makes and its kubelet and kube-proxy join: /run, /var/log, /var/lib/{cni,kubelet} and /etc/cni are private,
# because their paths are fixed in these programs; so are the sysctls that a kubelet sets.
# shellcheck shell=bash
write_node_files() { # NUMBER
  local i=$1 home=$state/node$1
  mkdir -p "$home"/{cni,cni-lib,cni-etc,cni-ipam,varlog,opt,volplugins,kubelet,kubelet-var,sysctl}
  cat > "$home/containerd.toml" <<C
version = 3
root = "$home/containerd"
state = "$home/run"
[grpc]
  address = "$home/containerd.sock"
[plugins.'io.containerd.internal.v1.opt']
  path = "$home/opt"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj.
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "$home/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    SystemdCgroup = false
C
  cat > "$home/cni/10-plinth.conflist" <<C
{"cniVersion":"1.0.0","name":"plinth","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,"ipam":{"type":"host-local","dataDir":"$home/cni-ipam","ranges":[[{"subnet":"$(node_pods "$i")"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
C
  cat > "$home/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$ns/node$i
oomScoreAdj: 0
containerRuntimeEndpoint: unix://$home/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $state/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $state/pki/node$i.crt
tlsPrivateKeyFile: $state/pki/node$i.key
clusterDomain: cluster.local
clusterDNS: ["$(node_ip 0)"]
failSwapOn: false
registerNode: true
resolvConf: $state/resolv.conf
volumePluginDir: $home/volplugins
enforceNodeAllocatable: []
cgroupsPerQOS: true
maxPods: 250
serializeImagePulls: false
evictionHard: {memory.available: "100Mi", nodefs.available: "1%", imagefs.available: "1%"}
C
  cat > "$home/enter.sh" <<C
set -e
mount --make-rshared /
mount --bind $home/varlog /var/log
mkdir -p /var/log/pods /var/log/containers
mount --bind $home/cni-lib /var/lib/cni
mount --bind $home/cni-etc /etc/cni
mount --bind $home/kubelet-var /var/lib/kubelet
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/netns
# The kubelet sets these; the host keeps its own.
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy=$home/sysctl/\${name//\//.}
  cat /proc/sys/\$name > \$copy
  mount --bind \$copy /proc/sys/\$name
done
if [ $tmpfs = 1 ]; then
  mkdir -p $home/containerd
  mount -t tmpfs -o mode=711 containerd $home/containerd
fi
export PATH=$bin:\$PATH
exec $bin/containerd -c $home/containerd.toml
C
}

start_container_runtimes() {
  local i folder
  # Mount points only; down.sh removes those that were not there.
  for folder in /var/lib/cni /var/lib/kubelet /etc/cni; do
    if [ ! -d $folder ]; then mkdir -p $folder; echo $folder >> .made-folders; fi
  done
  for i in $(node_numbers); do
    write_node_files "$i"
    start_in_node "$i" "containerd$i" unshare -m --propagation private bash "$state/node$i/enter.sh"
  done
}

# The Node exists before its kubelet, so that its range of pod addresses is the one that CNI and the routes use.
create_nodes() {
  local i
  for i in $(node_numbers); do
    echo "{apiVersion: v1, kind: Node, metadata: {name: node$i}, spec: {podCIDR: $(node_pods "$i"), podCIDRs: [$(node_pods "$i")]}}"
    echo ---
  done | kubectl create -f - >/dev/null
}

start_node() { # NUMBER
  local i=$1 home=$state/node$1 enter
  enter=(nsenter -t "$(cat "run/containerd$i.pid")" -m -n env "PATH=$bin:$PATH")
  start "kubelet$i" "${enter[@]}" "$bin/kubelet" --config "$home/kubelet.yaml" --kubeconfig "$state/admin.kubeconfig" \
    --hostname-override="node$i" --node-ip="$(node_ip "$i")" --root-dir="$home/kubelet"
  start "proxy$i" "${enter[@]}" "$bin/kube-proxy" --kubeconfig "$state/admin.kubeconfig" --hostname-override="node$i" \
    --cluster-cidr=$pod_net --proxy-mode=iptables --conntrack-max-per-core=0
}
