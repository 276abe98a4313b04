{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* The Secrets with bearer tokens, as JSON of {name, key}: the operator's, or with `dev.enabled` the release's own. */}}

{{- define "relocate.serverTokens" -}}
{{- with .Values.tokens.serverSecret -}}
{{- if and $.Values.dev.enabled (not .name) -}}
{{- dict "name" (include "relocate.devTokens" $) "key" "tokens" | toJson -}}
{{- else -}}
{{- $_ := required "tokens.serverSecret.name: needed, as the API listens off loopback" .name -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Takes a list: root, the value that needs it. */}}
{{- define "relocate.clientToken" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.tokens.clientSecret -}}
{{- if and $root.Values.dev.enabled (not $root.Values.tokens.serverSecret.name) -}}
{{- dict "name" (include "relocate.devTokens" $root) "key" "token" | toJson -}}
{{- else -}}
{{- $_ := required (printf "tokens.clientSecret.name: needed for %s" (index $ 1)) .name -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "relocate.devTokens" -}}
{{- include "relocate.name" . }}-dev-tokens
{{- end -}}
