{{/* One small stateful pod with a file of settings, a folder of data and a Service: Tempo, Prometheus, Loki and Pyroscope are four calls of this.
     Takes root, component, image, args, user, dataPath, storage, resources, ports (name: number), probe (path, port), files (name: text), and
     optionally secret (name: mounted at /etc/betrace-secret). */}}
{{- define "betrace.store" -}}
{{- $part := dict "root" .root "component" .component }}
{{- $name := printf "%s-%s" .root.Release.Name .component }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels: {{- include "betrace.labels" $part | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ $name }}
  selector:
    matchLabels: {{- include "betrace.selector" $part | nindent 6 }}
  template:
    metadata:
      labels: {{- include "betrace.labels" $part | nindent 8 }}
      annotations:
        checksum/settings: {{ toJson .files | sha256sum }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: {{- include "betrace.podSecurity" .user | nindent 8 }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ .image }}
          args: {{- toYaml .args | nindent 12 }}
          ports:
            {{- range $port, $number := .ports }}
            - {name: {{ $port }}, containerPort: {{ $number }}, protocol: TCP}
            {{- end }}
          readinessProbe:
            httpGet: {path: {{ .probe.path }}, port: {{ .probe.port }}}
            periodSeconds: 10
          livenessProbe:
            tcpSocket: {port: {{ .probe.port }}}
            initialDelaySeconds: 30
            periodSeconds: 20
          resources: {{- toYaml .resources | nindent 12 }}
          securityContext: {{- include "betrace.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: settings, mountPath: /etc/{{ .component }}, readOnly: true}
            - {name: data, mountPath: {{ .dataPath }}}
            - {name: tmp, mountPath: /tmp}
            {{- if .secret }}
            - {name: secret, mountPath: /etc/betrace-secret, readOnly: true}
            {{- end }}
            {{- if .asksService }}
            {{- include "betrace.authorityMount" .root | nindent 12 }}
            {{- end }}
      volumes:
        - name: settings
          configMap: {name: {{ $name }}}
        - name: tmp
          emptyDir: {}
        {{- if .secret }}
        - name: secret
          secret: {secretName: {{ .secret }}}
        {{- end }}
        {{- if .asksService }}
        {{- include "betrace.authorityVolume" .root | nindent 8 }}
        {{- end }}
        {{- if not .storage.enabled }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- if .storage.enabled }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .storage.size }}}}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "betrace.labels" $part | nindent 4 }}
spec:
  selector: {{- include "betrace.selector" $part | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    - {name: {{ $port }}, port: {{ $number }}, targetPort: {{ $port }}, protocol: TCP}
    {{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  labels: {{- include "betrace.labels" $part | nindent 4 }}
data: {{- toYaml .files | nindent 2 }}
{{- end }}
