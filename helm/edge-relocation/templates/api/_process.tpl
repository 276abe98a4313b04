{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* The API, as JSON of what `relocate.process` takes beside root and values. */}}
{{- define "relocate.apiProcess" -}}
{{- $folders := concat (include "relocate.engineFolders" . | fromJsonArray) (include "relocate.tlsFolders" . | fromJsonArray) }}
{{- $variables := list
  (include "relocate.engineVariables" .)
  (include "relocate.secretVariable" (list "RELOCATE_TOKENS" (include "relocate.serverTokens" . | fromJson)))
  "- name: RELOCATE_API_HOST"
  (printf "  value: %q" .Values.listenAddress)
}}
{{- with include "relocate.tlsVariables" . | trim }}
{{- $variables = append $variables . }}
{{- end }}
{{- with .Values.api.jwt }}
{{- $variables = append $variables (printf "- name: RELOCATE_JWT\n  value: %s" (. | toRawJson | quote)) }}
{{- end }}
{{- with .Values.signingKeySecret }}
{{- if .name }}
{{- $folders = append $folders (include "relocate.secretFolder" (list "signing-key" .name) | fromJson) }}
{{- $variables = concat $variables (list "- name: RELOCATE_SIGNING_KEY" (printf "  value: %q" (printf "/etc/relocate/signing-key/%s" .key))) }}
{{- end }}
{{- end }}
{{- $ports := dict "http" 8070 "health" 8071 }}
{{- with .Values.emco.open }}
{{- if .enabled }}
{{- $ports = set $ports "emco" (int .port) }}
{{- $variables = concat $variables (list "- name: RELOCATE_EMCO_HOST" (printf "  value: %q" $.Values.listenAddress)) }}
{{- $variables = concat $variables (list "- name: RELOCATE_EMCO_PORT" (printf "  value: \"%d\"" (int .port))) }}
{{- end }}
{{- end }}
{{- dict
  "component" "api"
  "arguments" (list "api")
  "variables" (join "\n" $variables)
  "folders" $folders
  "ports" $ports
  "health" "health"
  "answers" true
  "rights" (include "relocate.anyRights" . | eq "yes")
  "pause" 5
  | toJson -}}
{{- end -}}
