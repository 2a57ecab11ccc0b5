{{/* Rules of ConfigMaps with a label: the program that writes their files, once before the service starts and then all the time, and the one that makes
them the service's rules. */}}

{{/* Files are named by namespace and ConfigMap too: two ConfigMaps with one key would overwrite each other's. Its own health page would take port 8080. */}}
{{- define "betrace.rulesFiles" -}}
{{- $sidecar := .root.Values.rules.sidecar -}}
- name: {{ .name }}
  image: {{ $sidecar.image }}
  env:
    - {name: METHOD, value: {{ .method }}}
    - {name: RESOURCE, value: configmap}
    - {name: LABEL, value: {{ $sidecar.label | quote }}}
    {{- with $sidecar.labelValue }}
    - {name: LABEL_VALUE, value: {{ . | quote }}}
    {{- end }}
    - {name: NAMESPACE, value: {{ $sidecar.namespaces | default (list .root.Release.Namespace) | join "," | quote }}}
    - {name: FOLDER, value: /etc/betrace/rules}
    - {name: UNIQUE_FILENAMES, value: "true"}
    - {name: HEALTH_PORT, value: "8081"}
  resources: {{- toYaml $sidecar.resources | nindent 4 }}
  securityContext: {{- include "betrace.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: rules, mountPath: /etc/betrace/rules}
    - {name: tmp, mountPath: /tmp}
    - {name: api, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}

{{- define "betrace.rulesSync" -}}
- name: rules-sync
  image: {{ include "betrace.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [/bin/sh, -c, 'exec betrace sync /etc/betrace/rules --apply --prune --every {{ .root.Values.rules.sidecar.every }}{{ .call }}']
  {{- with include "betrace.secretVariable" (dict "name" "BETRACE_TOKEN" "secret" .root.Values.rules.tokenSecret) }}
  env: {{- . | nindent 4 }}
  {{- end }}
  resources: {{- toYaml .root.Values.rules.sidecar.resources | nindent 4 }}
  securityContext: {{- include "betrace.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: rules, mountPath: /etc/betrace/rules, readOnly: true}
    - {name: tmp, mountPath: /tmp}
    {{- include "betrace.authorityMount" .root | nindent 4 }}
{{- end }}
