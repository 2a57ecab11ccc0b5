{{/* What Grafana is told: its data sources, and where the BeTrace app finds the service. The same for the Grafana of this chart and an existing one. */}}
{{- define "betrace.datasources" -}}
{{- $suffix := ternary (printf ".%s.svc" .Release.Namespace) "" .Values.grafana.existing.enabled -}}
apiVersion: 1
datasources:
  - name: BeTrace
    uid: betrace
    type: betrace-datasource
    access: proxy
    url: {{ include "betrace.backendUrl" . }}
    isDefault: false
    jsonData:
      tempoDatasourceUid: {{ ternary .Values.grafana.existing.tempoUid "tempo" .Values.grafana.existing.enabled }}
      tempoDatasourceName: {{ ternary .Values.grafana.existing.tempoName "Tempo" .Values.grafana.existing.enabled }}
      {{- if include "betrace.authority" . }}
      tlsAuthWithCACert: true
      {{- end }}
    {{- if or .Values.access.grafanaTokenSecret.name (include "betrace.authority" .) }}
    secureJsonData:
      {{- if .Values.access.grafanaTokenSecret.name }}
      apiToken: $BETRACE_TOKEN
      {{- end }}
      {{- if include "betrace.authority" . }}
      tlsCACert: $BETRACE_CA
      {{- end }}
    {{- end }}
  {{- if .Values.grafana.enabled }}
  - name: Tempo
    uid: tempo
    type: tempo
    access: proxy
    url: {{ include "betrace.tempoUrl" . }}
    isDefault: true
  {{- end }}
  {{- if .Values.observability.enabled }}
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: "http://{{ .Release.Name }}-prometheus{{ $suffix }}:9090"
    isDefault: false
  - name: Loki
    uid: loki
    type: loki
    access: proxy
    url: "http://{{ .Release.Name }}-loki{{ $suffix }}:3100"
    isDefault: false
  - name: Pyroscope
    uid: pyroscope
    type: grafana-pyroscope-datasource
    access: proxy
    url: "http://{{ .Release.Name }}-pyroscope{{ $suffix }}:4040"
    isDefault: false
  {{- end }}
{{- end }}

{{- define "betrace.apps" -}}
apiVersion: 1
apps:
  - type: betrace-app
    org_id: 1
    disabled: false
    jsonData: {apiUrl: "{{ include "betrace.backendUrl" . }}", tempoDatasourceUid: {{ ternary .Values.grafana.existing.tempoUid "tempo" .Values.grafana.existing.enabled }}}
    {{- if .Values.access.grafanaTokenSecret.name }}
    secureJsonData: {apiToken: $BETRACE_TOKEN}
    {{- end }}
{{- end }}
