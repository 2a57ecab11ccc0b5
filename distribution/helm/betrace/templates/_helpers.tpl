{{/* Names, labels and what several templates share. Names are RELEASE-backend, RELEASE-grafana and so on: betrace-backend for a release that is called betrace. */}}

{{- define "betrace.labels" -}}
{{ include "betrace.selector" . }}
app.kubernetes.io/name: betrace
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "betrace.selector" -}}
app: betrace-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "betrace.image" -}}
{{- include "betrace.imageOf" (dict "name" .Values.image.repository "tag" .Values.image.tag "digest" .Values.image.digest "root" .) }}
{{- end }}

{{/* An image by its digest, where one is given: a tag may be another image tomorrow. */}}
{{- define "betrace.imageOf" -}}
{{- if .digest -}}
{{ .name }}@{{ .digest }}
{{- else -}}
{{ .name }}:{{ .tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* What the "restricted" pod security standard asks for, of pods and of containers. */}}
{{- define "betrace.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "betrace.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "betrace.tempoUrl" -}}
{{ .Values.tempo.url | default (printf "http://%s-tempo:3200" .Release.Name) }}
{{- end }}
{{- define "betrace.otlp" -}}
{{ if or .Values.tempo.url .Values.store.url }}{{ .Values.tempo.otlp }}{{ else }}{{ .Values.tempo.otlp | default (printf "http://%s-tempo:4318" .Release.Name) }}{{ end }}
{{- end }}
{{- define "betrace.scheme" -}}
{{ ternary "https" "http" (ne .Values.tls.secret "") }}
{{- end }}
{{/* The authority of the service's certificate, where a pod that asks the service has to be told of it. */}}
{{- define "betrace.authority" -}}
{{ if .Values.tls.secret }}{{ .Values.tls.caSecret.name }}{{ end }}
{{- end }}
{{- define "betrace.authorityMount" -}}
{{- if include "betrace.authority" . }}
- {name: authority, mountPath: /etc/betrace/authority, readOnly: true}
{{- end }}
{{- end }}
{{- define "betrace.authorityVolume" -}}
{{- if include "betrace.authority" . }}
- name: authority
  secret: {secretName: {{ .Values.tls.caSecret.name }}, items: [{key: {{ .Values.tls.caSecret.key }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{/* How `betrace` asks the service from its own pod, where the service's name is 127.0.0.1 (hostAliases), or from another one. */}}
{{- define "betrace.call" -}}
--url {{ include "betrace.scheme" .root }}://{{ .root.Release.Name }}-backend:{{ .port }}{{ if include "betrace.authority" .root }} --ca /etc/betrace/authority/ca.crt{{ end }}
{{- end }}
{{- define "betrace.backendUrl" -}}
{{ include "betrace.scheme" . }}://{{ .Release.Name }}-backend{{ if .Values.grafana.existing.enabled }}.{{ .Release.Namespace }}.svc{{ end }}:{{ .Values.service.port }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "betrace.port" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{ $port | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}

{{- define "betrace.hasRules" -}}
{{ if or .Values.rules.files .Values.rules.existingConfigMap .Values.rules.sidecar.enabled }}yes{{ end }}
{{- end }}

{{/* What would look right and go wrong is refused, with its reason. */}}
{{- define "betrace.check" -}}
{{- $v := .Values -}}
{{- if gt (int $v.replicas) 1 -}}
  {{- if not (include "betrace.hasRules" .) -}}
    {{- fail "replicas > 1 needs rules as code (rules.files, rules.existingConfigMap or rules.sidecar): each replica has a rule database of its own, and a rule that one was told over HTTP would be unknown to the others" -}}
  {{- end -}}
  {{- if ne $v.service.sessionAffinity "ClientIP" -}}
    {{- fail "replicas > 1 needs service.sessionAffinity ClientIP: a replay lives in the memory of the replica that was asked for it" -}}
  {{- end -}}
  {{- if $v.persistence.enabled -}}
    {{- fail "replicas > 1 needs persistence.enabled false: replicas cannot share a database, and rules as code are written into each when it starts" -}}
  {{- end -}}
{{- end -}}
{{- if and $v.rules.sidecar.enabled (or $v.rules.files $v.rules.existingConfigMap) -}}
  {{- fail "rules.sidecar, rules.files and rules.existingConfigMap exclude each other: the rules of one would delete those of the other" -}}
{{- end -}}
{{- if and (has "ALL" $v.rules.sidecar.namespaces) (gt (len $v.rules.sidecar.namespaces) 1) -}}
  {{- fail "rules.sidecar.namespaces: ALL stands alone" -}}
{{- end -}}
{{- range $name := list "replica" "replicas" "listen" "db" "tempo" "store" "otlp" "watch" "ui" "tokens" "host" "config" "evidence-key" "tls-cert" "tls-key" "tempo-ca" -}}
  {{- if hasKey $v.settings $name -}}
    {{- fail (printf "settings.%s is set by the chart itself: use its own value instead (see values.yaml)" $name) -}}
  {{- end -}}
{{- end -}}
{{- if and (not $v.access.tokensSecret) (not $v.networkPolicy.enabled) (not $v.access.allowAnonymous) -}}
  {{- fail "everybody in the cluster could change rules: set access.tokensSecret, or networkPolicy.enabled, or say access.allowAnonymous: true" -}}
{{- end -}}
{{- if and $v.access.tokensSecret (include "betrace.hasRules" .) (not $v.rules.tokenSecret.name) -}}
  {{- fail "rules as code beside access.tokensSecret need rules.tokenSecret: an editor's token that writes them" -}}
{{- end -}}
{{- if and $v.access.tokensSecret $v.serviceMonitor.enabled (not $v.access.metricsTokenSecret.name) -}}
  {{- fail "serviceMonitor beside access.tokensSecret needs access.metricsTokenSecret: /metrics asks for a token" -}}
{{- end -}}
{{- if and $v.access.tokensSecret $v.observability.enabled (not $v.access.metricsTokenSecret.name) -}}
  {{- fail "observability beside access.tokensSecret needs access.metricsTokenSecret: /metrics asks for a token" -}}
{{- end -}}
{{- if and $v.watch.enabled (not (include "betrace.otlp" .)) -}}
  {{- fail "watch needs tempo.otlp, where violation spans go to; or set watch.enabled false" -}}
{{- end -}}
{{- if and $v.grafana.enabled $v.grafana.existing.enabled -}}
  {{- fail "grafana.enabled and grafana.existing.enabled exclude each other: bring a Grafana, or provision yours" -}}
{{- end -}}
{{- if and $v.grafana.enabled (not $v.grafana.config.security.admin_password) (not $v.grafana.admin.existingSecret) -}}
  {{- fail "set grafana.config.security.admin_password or grafana.admin.existingSecret; there is no default password" -}}
{{- end -}}
{{- if and $v.store.url $v.tempo.url -}}
  {{- fail "store.url and tempo.url exclude each other: traces are in one of them" -}}
{{- end -}}
{{- if and $v.store.apiKeySecret.name (hasPrefix "clickhouse" $v.store.url) -}}
  {{- fail "ClickHouse has no API keys: set store.user and store.passwordSecret" -}}
{{- end -}}
{{- if and $v.store.url $v.grafana.enabled -}}
  {{- fail "the Grafana of the chart links to a Tempo: with store.url set grafana.enabled false, or grafana.existing for yours" -}}
{{- end -}}
{{- if and (not $v.store.url) (or $v.store.user $v.store.passwordSecret.name $v.store.apiKeySecret.name $v.store.caSecret.name) -}}
  {{- fail "store.user and the secrets of store are of a ClickHouse or OpenSearch: set store.url" -}}
{{- end -}}
{{- if and (not $v.tempo.url) $v.tempo.tokenSecret.name -}}
  {{- fail "tempo.tokenSecret is of an existing Tempo: set tempo.url" -}}
{{- end -}}
{{- if and (not (hasPrefix "https:" $v.tempo.url)) $v.tempo.caSecret.name -}}
  {{- fail "tempo.caSecret is of an existing Tempo over https: set tempo.url" -}}
{{- end -}}
{{- if and (not $v.tls.secret) $v.tls.caSecret.name -}}
  {{- fail "tls.caSecret is the authority of tls.secret: set both" -}}
{{- end -}}
{{- end }}

{{/* A variable that comes out of a Secret; nothing where no Secret is named. */}}
{{- define "betrace.secretVariable" -}}
{{- if .secret.name }}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret.name }}, key: {{ .secret.key }}}}
{{- end }}
{{- end }}
