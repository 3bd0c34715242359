{{- /* The platform is one of its kind in a cluster (CRDs, GatewayClass, Leases), so names are fixed. */ -}}

{{- define "plinth.labels" -}}
app.kubernetes.io/part-of: plinth
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* include "plinth.image" (dict "root" $ "program" "auth") */ -}}
{{- define "plinth.image" -}}
{{- $images := .root.Values.images -}}
{{- $registry := $images.registry | trimSuffix "/" -}}
{{- $name := printf "plinth/%s:%s" .program ($images.tag | default .root.Chart.AppVersion) -}}
{{- get $images.overrides .program | default (empty $registry | ternary $name (printf "%s/%s" $registry $name)) -}}
{{- end }}

{{- define "plinth.pod-security" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "plinth.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "plinth.postgres-secret" -}}
{{- .Values.postgres.existingSecret | default "plinth-postgres" -}}
{{- end }}

{{- define "plinth.postgres-secret-key" -}}
{{- empty .Values.postgres.existingSecret | ternary "url" .Values.postgres.existingSecretKey -}}
{{- end }}

{{- define "plinth.administrator-secret" -}}
{{- .Values.administrator.existingSecret | default "plinth-administrator" -}}
{{- end }}

{{- /* Entries of a Secret of this namespace, as they are on the cluster; an empty map where there is none. */ -}}
{{- define "plinth.secret-data" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .name | default dict -}}
{{- get $found "data" | default dict | toJson -}}
{{- end }}

{{- /* "true" when Helm talks to a cluster, not for `helm template` and `helm lint`. */ -}}
{{- define "plinth.is-live" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}true{{ end -}}
{{- end }}

{{- /* "true" when the CRDs belong to this release, so that it may upgrade them (ADR 0015). */ -}}
{{- define "plinth.owns-crds" -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "platformservices.plinth.dev" | default dict -}}
{{- $annotations := dig "metadata" "annotations" dict $crd -}}
{{- if and (eq (get $annotations "meta.helm.sh/release-name") .Release.Name) (eq (get $annotations "meta.helm.sh/release-namespace") .Release.Namespace) }}true{{ end -}}
{{- end }}

{{- /* Where the gateway is reached from inside the cluster: by the Service that it makes for the Gateway, as far as that is known here. */ -}}
{{- define "plinth.gateway-url" -}}
{{- $url := .Values.publicUrl -}}
{{- if eq .Values.gateway.className "plinth" -}}
{{- range .Values.gateway.listeners -}}
{{- if and (eq .protocol "HTTP") (eq $url $.Values.publicUrl) -}}
{{- $url = printf "http://gateway-%s-plinth.%s.svc:%v" $.Release.Namespace $.Release.Namespace .port -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $url -}}
{{- end }}
