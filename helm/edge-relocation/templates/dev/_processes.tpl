{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Which pods there are, as a JSON list of components: one for each process, or one for all of them. */}}
{{- define "relocate.components" -}}
{{- .Values.dev.enabled | ternary (list "dev") (list "api" "worker" "gateway-control") | toJson -}}
{{- end -}}

{{/* The component in whose pods a process runs. Takes a list: root, the process. */}}
{{- define "relocate.componentOf" -}}
{{- (index . 0).Values.dev.enabled | ternary "dev" (index . 1) -}}
{{- end -}}

{{/* The processes of that one pod, as a JSON list of what `relocate.container` takes beside root and values. Their ports differ. */}}
{{- define "relocate.devProcesses" -}}
{{- list
  (include "relocate.apiProcess" . | fromJson)
  (include "relocate.workerProcess" (list . "health-worker" 8072 "" dict) | fromJson)
  (include "relocate.controlProcess" (list . "health-control" 8073) | fromJson)
  | toJson -}}
{{- end -}}

{{/* Command line of Temporal's development server, as JSON; the service's search attributes are made, and steps do not wait for its polls. */}}
{{- define "relocate.devTemporal" -}}
{{- $told := list "server" "start-dev" "--headless" "--ip" "127.0.0.1" "--port" "7233" "--namespace" .Values.temporal.namespace -}}
{{- $told = concat $told (list "--db-filename" "/var/lib/relocate/temporal.db" "--sqlite-pragma" "journal_mode=WAL" "--log-level" "error") -}}
{{- range list "transfer" "timer" "visibility" -}}
{{- $told = concat $told (list "--dynamic-config-value" (printf "history.%sProcessorMaxPollRPS=1000" .)) -}}
{{- end -}}
{{- range list "Application" "Status" "Phase" "Outcome" "Source" "Target" -}}
{{- $told = concat $told (list "--search-attribute" (printf "Relocate%s=Keyword" .)) -}}
{{- end -}}
{{- $told | toJson -}}
{{- end -}}
