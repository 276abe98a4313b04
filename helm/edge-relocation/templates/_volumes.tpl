{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Files that processes read: Secrets and ConfigMaps as whole folders, so that a changed one reaches a running pod. */}}

{{/* A list, as JSON, of {name, path, from} and perhaps writable. `from` is the volume's source. */}}
{{- define "relocate.databaseFolders" -}}
{{- $folders := list -}}
{{- with .Values.dev -}}
{{- if .enabled -}}
{{- $from := ternary (dict "persistentVolumeClaim" (dict "claimName" .claim)) (dict "emptyDir" dict) (ne .claim "") -}}
{{- $folders = append $folders (dict "name" "state" "path" "/var/lib/relocate" "from" $from "writable" true) -}}
{{- end -}}
{{- end -}}
{{- with .Values.database -}}
{{- if .caSecret.name -}}
{{- $folders = append $folders (dict "name" "database" "path" "/etc/relocate/database" "from" (dict "secret" (dict "secretName" .caSecret.name))) -}}
{{- end -}}
{{- end -}}
{{- $folders | toJson -}}
{{- end -}}

{{/* Of every process: what the database, clusters and gateways need. */}}
{{- define "relocate.folders" -}}
{{- $folders := include "relocate.databaseFolders" . | fromJsonArray -}}
{{- range $name, $from := .Values.kubeconfigs -}}
{{- $item := dict "key" $from.key "path" $from.key -}}
{{- $source := dict "secret" (dict "secretName" $from.secret "items" (list $item)) -}}
{{- $folders = append $folders (dict "name" (include "relocate.fit" (list (printf "kubeconfig-%s" $name) 63)) "path" (printf "/etc/relocate/kubeconfigs/%s" $name) "from" $source) -}}
{{- end -}}
{{- range $name, $from := .Values.files -}}
{{- $source := dict -}}
{{- if $from.secret -}}
{{- $source = dict "secret" (dict "secretName" $from.secret) -}}
{{- else if $from.configMap -}}
{{- $source = dict "configMap" (dict "name" $from.configMap) -}}
{{- else -}}
{{- $source = dict "persistentVolumeClaim" (dict "claimName" $from.persistentVolumeClaim "readOnly" true) -}}
{{- end -}}
{{- $folders = append $folders (dict "name" (include "relocate.fit" (list (printf "files-%s" $name) 63)) "path" (printf "/etc/relocate/files/%s" $name) "from" $source) -}}
{{- end -}}
{{- $folders | toJson -}}
{{- end -}}

{{/* Of those that speak with Temporal. */}}
{{- define "relocate.engineFolders" -}}
{{- concat (include "relocate.folders" . | fromJsonArray) (include "relocate.temporalFolders" . | fromJsonArray) | toJson -}}
{{- end -}}

{{- define "relocate.temporalFolders" -}}
{{- $folders := list -}}
{{- with .Values.temporal -}}
{{- if .apiKeySecret.name -}}
{{- $folders = append $folders (include "relocate.secretFolder" (list "temporal-api-key" .apiKeySecret.name) | fromJson) -}}
{{- end -}}
{{- if .payloadKeysSecret.name -}}
{{- $folders = append $folders (include "relocate.secretFolder" (list "payload-keys" .payloadKeysSecret.name) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- with .Values.temporal.tls -}}
{{- if and .enabled .caSecret.name -}}
{{- $folders = append $folders (dict "name" "temporal-authority" "path" "/etc/relocate/temporal-authority" "from" (dict "secret" (dict "secretName" .caSecret.name))) -}}
{{- end -}}
{{- if and .enabled .clientSecret -}}
{{- $folders = append $folders (dict "name" "temporal-client" "path" "/etc/relocate/temporal-client" "from" (dict "secret" (dict "secretName" .clientSecret))) -}}
{{- end -}}
{{- end -}}
{{- $folders | toJson -}}
{{- end -}}

{{/* Of the API: its certificate, and the authorities of its callers'. */}}
{{- define "relocate.tlsFolders" -}}
{{- $folders := list -}}
{{- with .Values.api.tls -}}
{{- if .secretName -}}
{{- $folders = append $folders (include "relocate.secretFolder" (list "api-tls" .secretName) | fromJson) -}}
{{- end -}}
{{- if .clientCA.secret -}}
{{- $folders = append $folders (include "relocate.secretFolder" (list "api-clients" .clientCA.secret) | fromJson) -}}
{{- else if .clientCA.configMap -}}
{{- $folders = append $folders (dict "name" "api-clients" "path" "/etc/relocate/api-clients" "from" (dict "configMap" (dict "name" .clientCA.configMap))) -}}
{{- end -}}
{{- end -}}
{{- $folders | toJson -}}
{{- end -}}

{{/* Of what asks the API: the authority of its certificate, and no key that may be in the same Secret. */}}
{{- define "relocate.clientFolders" -}}
{{- $folders := list -}}
{{- with .Values.api.tls -}}
{{- if .secretName -}}
{{- $item := dict "key" .caSecret.key "path" .caSecret.key -}}
{{- $source := dict "secret" (dict "secretName" (.caSecret.name | default .secretName) "items" (list $item)) -}}
{{- $folders = append $folders (dict "name" "api-authority" "path" "/etc/relocate/api-authority" "from" $source) -}}
{{- end -}}
{{- end -}}
{{- $folders | toJson -}}
{{- end -}}

{{/* One Secret as a folder, as JSON like the others. Takes a list: name and path's last part, Secret. */}}
{{- define "relocate.secretFolder" -}}
{{- dict "name" (index . 0) "path" (printf "/etc/relocate/%s" (index . 0)) "from" (dict "secret" (dict "secretName" (index . 1))) | toJson -}}
{{- end -}}

{{- define "relocate.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range . }}
- {name: {{ .name }}, mountPath: {{ .path }}, readOnly: {{ not .writable }}}
{{- end }}
{{- end -}}

{{- define "relocate.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- range . }}
- name: {{ .name }}
  {{- toYaml .from | nindent 2 }}
{{- end }}
{{- end -}}
