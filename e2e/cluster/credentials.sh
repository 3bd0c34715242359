# Sourced by up.sh: keys and certificates (P-256, no time is lost on RSA) and the administrator's kubeconfig.
# shellcheck shell=bash
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

certificate() { # NAME SUBJECT EXTENSIONS
  openssl req "${new_key[@]}" -subj "$2" -keyout "pki/$1.key" -out "pki/$1.csr" 2>/dev/null
  printf '%b' "$3" > "pki/$1.ext"
  openssl x509 -req -in "pki/$1.csr" -CA pki/ca.crt -CAkey pki/ca.key -CAcreateserial -days 365 -out "pki/$1.crt" -extfile "pki/$1.ext" 2>/dev/null
}

make_credentials() {
  local i dns=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost
  openssl req -x509 "${new_key[@]}" -days 365 -subj /CN=plinth-ca -keyout pki/ca.key -out pki/ca.crt 2>/dev/null
  openssl ecparam -name prime256v1 -genkey -noout -out pki/sa.key
  openssl pkey -in pki/sa.key -pubout -out pki/sa.pub
  certificate apiserver /CN=kube-apiserver "subjectAltName=$dns,IP:127.0.0.1,IP:$(node_ip 0),IP:$api_service_ip\nextendedKeyUsage=serverAuth,clientAuth"
  certificate admin /O=system:masters/CN=admin "extendedKeyUsage=clientAuth"
  for i in $(node_numbers); do
    certificate "node$i" "/O=system:masters/CN=node$i" "subjectAltName=IP:$(node_ip "$i"),DNS:node$i\nextendedKeyUsage=serverAuth,clientAuth"
  done
  cat > admin.kubeconfig <<C
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://$(node_ip 0):6443", certificate-authority-data: $(base64 -w0 pki/ca.crt)}}]
users: [{name: u, user: {client-certificate-data: $(base64 -w0 pki/admin.crt), client-key-data: $(base64 -w0 pki/admin.key)}}]
contexts: [{name: plinth, context: {cluster: c, user: u}}]
current-context: plinth
C
  chmod 600 admin.kubeconfig
}
