{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/*
The control plane, as JSON of what `relocate.process` takes beside root and values. It knows nothing of Temporal. Without certificates
it listens on loopback, which is nobody; placed instances are followed all the same. Takes a list: root, health (the name of its
port) and number.
*/}}
{{- define "relocate.controlProcess" -}}
{{- $root := index . 0 -}}
{{- $health := index . 1 -}}
{{- $number := index . 2 -}}
{{- $folders := include "relocate.folders" $root | fromJsonArray }}
{{- $arguments := list "gateway-control" "--port" "18000" }}
{{- $ports := dict $health $number }}
{{- with $root.Values.gatewayControl.tlsSecret }}
{{- $folders = append $folders (include "relocate.secretFolder" (list "gateway-control" .) | fromJson) }}
{{- $at := "/etc/relocate/gateway-control" }}
{{- $arguments = concat $arguments (list "--host" $root.Values.listenAddress "--cert-file" (printf "%s/tls.crt" $at)
  "--key-file" (printf "%s/tls.key" $at) "--client-ca-file" (printf "%s/ca.crt" $at)) }}
{{- $_ := set $ports "xds" 18000 }}
{{- end }}
{{- dict
  "component" "gateway-control"
  "arguments" $arguments
  "variables" (printf "- name: RELOCATE_CONTROL_METRICS_PORT\n  value: \"%d\"" $number)
  "folders" $folders
  "ports" $ports
  "health" $health
  "answers" false
  "rights" (include "relocate.anyRights" $root | eq "yes")
  | toJson -}}
{{- end -}}
