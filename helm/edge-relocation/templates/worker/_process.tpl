{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Workers, of one build where they say theirs, as JSON of what `relocate.process` takes beside root and values. Takes a list: root, health
(the name of its port), number, build and image. */}}
{{- define "relocate.workerProcess" -}}
{{- $root := index . 0 -}}
{{- $health := index . 1 -}}
{{- $number := index . 2 -}}
{{- $build := index . 3 -}}
{{- $variables := list
  (include "relocate.engineVariables" $root)
  "- name: RELOCATE_WORKER_METRICS_PORT"
  (printf "  value: \"%d\"" $number)
}}
{{- with $build }}
{{- $variables = concat $variables (list "- name: RELOCATE_WORKER_BUILD" (printf "  value: %q" .)) }}
{{- end }}
{{- dict
  "component" "worker"
  "build" $build
  "image" (index . 4)
  "arguments" (list "worker")
  "variables" (join "\n" $variables)
  "folders" (include "relocate.engineFolders" $root | fromJsonArray)
  "ports" (dict $health $number)
  "health" $health
  "answers" false
  "rights" (include "relocate.anyRights" $root | eq "yes")
  | toJson -}}
{{- end -}}

{{/* They as a Deployment. Takes a list: root, build and image. */}}
{{- define "relocate.worker" -}}
{{- $root := index . 0 -}}
{{- $process := include "relocate.workerProcess" (list $root "health" 8071 (index . 1) (index . 2)) | fromJson -}}
{{- include "relocate.process" ($process | merge (dict "root" $root "values" $root.Values.worker)) -}}
{{- end -}}
