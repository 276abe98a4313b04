{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* The environment of processes: the service's settings (docs/reference/settings.md), and Temporal's own. */}}

{{/* A variable from a Secret. Takes a list: variable, {name, key}. */}}
{{- define "relocate.secretVariable" -}}
{{- $from := index . 1 -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ $from.name | quote }}, key: {{ $from.key | quote }}}
{{- end -}}

{{- define "relocate.databaseVariables" -}}
{{- with .Values.database -}}
{{- if $.Values.dev.enabled }}
- name: RELOCATE_DATABASE_URL
  value: sqlite:////var/lib/relocate/relocate.db
{{- else if .urlSecret.name }}
{{ include "relocate.secretVariable" (list "RELOCATE_DATABASE_URL" .urlSecret) }}
{{- else }}
{{- $host := required "database.host: needed, or database.urlSecret.name" .host }}
{{- if hasPrefix "verify-" .sslmode }}
{{- $_ := required (printf "database.caSecret.name: needed for sslmode %s" .sslmode) .caSecret.name }}
{{- end }}
{{- $trust := ne .caSecret.name "" | ternary (printf "&sslrootcert=/etc/relocate/database/%s" .caSecret.key) "" }}
- name: RELOCATE_DATABASE_URL
  value: {{ printf "postgresql+psycopg://%s@%s:%d/%s?sslmode=%s%s" (urlquery .user) $host (int .port) (urlquery .name) .sslmode $trust | quote }}
{{- if .passwordSecret.name }}
{{ include "relocate.secretVariable" (list "PGPASSWORD" .passwordSecret) }}
{{- end }}
{{- end }}
- name: RELOCATE_DATABASE_TIMEOUT_SECONDS
  value: {{ .timeoutSeconds | quote }}
{{- end -}}
{{- end -}}

{{- define "relocate.temporalVariables" -}}
{{- with .Values.temporal -}}
- name: TEMPORAL_ADDRESS
  value: {{ $.Values.dev.enabled | ternary "127.0.0.1:7233" .address | required "temporal.address: needed, HOST:PORT of Temporal's frontend" | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .namespace | quote }}
- name: RELOCATE_TASK_QUEUE
  value: {{ .taskQueue | quote }}
- name: RELOCATE_MIGRATE_TASK_QUEUE
  value: {{ $.Values.emco.enabled | ternary $.Values.emco.migrateTaskQueue "" | quote }}
- name: RELOCATE_RELOCATE_TASK_QUEUE
  value: {{ $.Values.emco.enabled | ternary $.Values.emco.relocateTaskQueue "" | quote }}
{{- if .apiKeySecret.name }}
- name: RELOCATE_TEMPORAL_API_KEY_FILE
  value: {{ printf "/etc/relocate/temporal-api-key/%s" .apiKeySecret.key | quote }}
{{- end }}
{{- if .payloadKeysSecret.name }}
- name: RELOCATE_PAYLOAD_KEYS
  value: {{ printf "/etc/relocate/payload-keys/%s" .payloadKeysSecret.key | quote }}
{{- end }}
{{- if or .tls.enabled .apiKeySecret.name }}
- name: TEMPORAL_TLS
  value: "true"
{{- end }}
{{- with .tls }}
{{- if .enabled }}
{{- if .serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ .serverName | quote }}
{{- end }}
{{- if .caSecret.name }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: {{ printf "/etc/relocate/temporal-authority/%s" .caSecret.key | quote }}
{{- end }}
{{- if .clientSecret }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/relocate/temporal-client/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/relocate/temporal-client/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "relocate.selectorVariables" -}}
{{- with .Values.selector -}}
- name: RELOCATE_SELECTOR
  value: {{ .name | quote }}
- name: RELOCATE_SELECTOR_FALLBACK
  value: {{ .fallback | quote }}
{{- if .settingsSecret.name }}
{{ include "relocate.secretVariable" (list "RELOCATE_SELECTOR_SETTINGS" .settingsSecret) }}
{{- else if .settings }}
- name: RELOCATE_SELECTOR_SETTINGS
  value: {{ .settings | toRawJson | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What those read that speak with Temporal and choose targets. */}}
{{- define "relocate.engineVariables" -}}
{{ include "relocate.temporalVariables" . }}
{{ include "relocate.selectorVariables" . }}
{{- end -}}

{{/* What every process of the service reads. */}}
{{- define "relocate.variables" -}}
{{- include "relocate.databaseVariables" . | trim }}
- name: RELOCATE_METRICS_HOST
  value: {{ .Values.listenAddress | quote }}
{{- range $name, $value := .Values.pods.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* What the command line reads, where it asks the API. Takes a list: root, the value that needs it. */}}
{{- define "relocate.clientVariables" -}}
{{- $root := index . 0 -}}
- name: RELOCATE_SERVER
  value: {{ include "relocate.server" $root | quote }}
{{ include "relocate.secretVariable" (list "RELOCATE_TOKEN" (include "relocate.clientToken" . | fromJson)) }}
{{- with $root.Values.api.tls }}
{{- if .secretName }}
- name: RELOCATE_CA_FILE
  value: {{ printf "/etc/relocate/api-authority/%s" .caSecret.key | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How the API speaks TLS, and whose certificates it takes. */}}
{{- define "relocate.tlsVariables" -}}
{{- with .Values.api.tls -}}
{{- $asks := or .clientCA.secret .clientCA.configMap -}}
{{- if and .clientCA.secret .clientCA.configMap -}}
{{- fail "api.tls.clientCA: either secret or configMap" -}}
{{- end -}}
{{- if and $asks (not .secretName) -}}
{{- fail "api.tls.secretName: needed for api.tls.clientCA, as nobody shows a certificate without TLS" -}}
{{- end -}}
{{- if and .clients (not $asks) -}}
{{- fail "api.tls.clientCA: needed for api.tls.clients, by which their certificates are checked" -}}
{{- end -}}
{{- if .secretName -}}
- name: RELOCATE_TLS_CERTIFICATE
  value: /etc/relocate/api-tls/tls.crt
- name: RELOCATE_TLS_KEY
  value: /etc/relocate/api-tls/tls.key
{{- end }}
{{- if $asks }}
- name: RELOCATE_TLS_CLIENT_CA
  value: {{ printf "/etc/relocate/api-clients/%s" .clientCA.key | quote }}
{{- end }}
{{- if .clients }}
- name: RELOCATE_CLIENT_CERTIFICATES
  value: {{ .clients | toRawJson | quote }}
{{- end }}
{{- end -}}
{{- end -}}
