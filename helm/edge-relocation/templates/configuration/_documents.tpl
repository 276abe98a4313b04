{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* The documents of `relocate apply`, each in one line of JSON, which is YAML: numbers stay as they are written. */}}
{{- define "relocate.documents" -}}
{{- range $kind, $entries := dict "Gateway" .Values.configuration.gateways "Cluster" .Values.configuration.clusters "Application" .Values.configuration.applications }}
{{- range $name, $entry := $entries }}
--- {{ merge (dict "kind" $kind "name" $name) $entry | toRawJson }}
{{- end }}
{{- end }}
{{- end -}}
