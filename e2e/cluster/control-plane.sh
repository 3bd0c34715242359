# Sourced by up.sh: etcd, API server, controllers, scheduler and DNS, as processes in the network namespace of node 0.
# shellcheck shell=bash
# audit.log: every call of a ServiceAccount that is not Kubernetes' own, once it is answered; what the suites compare rights with.
write_audit_policy() {
  cat > audit-policy.yaml <<C
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: None, userGroups: ["system:serviceaccounts:kube-system"]}
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
C
}

start_api() {
  write_audit_policy
  start_in_node 0 etcd "$bin/etcd" --data-dir "$state/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  start_in_node 0 apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --advertise-address="$(node_ip 0)" --bind-address=0.0.0.0 --secure-port=6443 --service-cluster-ip-range=$service_net \
    --client-ca-file=pki/ca.crt --tls-cert-file=pki/apiserver.crt --tls-private-key-file=pki/apiserver.key \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key \
    --kubelet-client-certificate=pki/admin.crt --kubelet-client-key=pki/admin.key --kubelet-certificate-authority=pki/ca.crt \
    --kubelet-preferred-address-types=InternalIP --authorization-mode=RBAC --allow-privileged=true \
    --endpoint-reconciler-type=lease --profiling=false \
    --audit-policy-file=audit-policy.yaml --audit-log-path=audit.log --audit-log-maxsize=200 --audit-log-maxbackup=1
}

api_is_ready() { kubectl get --raw /readyz; }

start_controllers() {
  start_in_node 0 controllers "$bin/kube-controller-manager" --kubeconfig=admin.kubeconfig --root-ca-file=pki/ca.crt \
    --service-account-private-key-file=pki/sa.key --use-service-account-credentials \
    --cluster-cidr=$pod_net --allocate-node-cidrs --node-cidr-mask-size=22 --node-monitor-grace-period=20s \
    --cluster-signing-cert-file=pki/ca.crt --cluster-signing-key-file=pki/ca.key \
    --leader-elect=false --flex-volume-plugin-dir="$state/flex"
  start_in_node 0 scheduler "$bin/kube-scheduler" --kubeconfig=admin.kubeconfig --leader-elect=false
}

# CoreDNS listens on node 0's address; the Service kube-system/kube-dns leads there as well.
start_dns() {
  cat > Corefile <<C
.:53 {
  errors
  health :8081
  ready :8181
  cache 30
  loop
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig $state/admin.kubeconfig plinth
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 30
  }
}
C
  start_in_node 0 coredns "$bin/coredns" -conf "$state/Corefile"
  # The API server makes it by itself, and is ready before.
  wait_for 300 kubectl get namespace kube-system || { echo "there is no namespace kube-system" >&2; exit 1; }
  kubectl apply -f - >/dev/null <<C
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {clusterIP: $dns_service_ip, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-host, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
endpoints: [{addresses: ["$(node_ip 0)"], conditions: {ready: true}}]
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
C
}

dns_is_ready() {
  exec 3<>"/dev/tcp/$(node_ip 0)/8181"
  printf 'GET /ready HTTP/1.0\r\n\r\n' >&3
  head -1 <&3 | grep -q 200
}
