{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* The rules of docs/reference/kubernetes/cluster-role.yaml and docs/reference/gateway-api-role.yaml; a test compares them. */}}

{{- define "relocate.anyRights" -}}
{{- with .Values.rights -}}
{{- if or .nodes .applications .routes .gateways -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* What instances are read from. */}}
{{- define "relocate.readRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events, resourcequotas]
  verbs: [list]
{{- end -}}

{{- define "relocate.writeRules" -}}
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts, persistentvolumeclaims]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
{{ include "relocate.readRules" . }}
{{- end -}}

{{/* The same kinds, to look at alone. */}}
{{- define "relocate.lookRules" -}}
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts, persistentvolumeclaims]
  verbs: [get, list, watch]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, watch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch]
{{ include "relocate.readRules" . }}
{{- end -}}

{{- define "relocate.routeRules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes]
  verbs: [get, list, create, update]
- apiGroups: [""]
  resources: [services]
  verbs: [list, create, update, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, create, update, delete]
{{- end -}}

{{/* The same, to look at alone. */}}
{{- define "relocate.routeLookRules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes]
  verbs: [get, list]
- apiGroups: [""]
  resources: [services]
  verbs: [list]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
{{- end -}}

{{- define "relocate.gatewayRules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [get]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
{{- end -}}

{{- define "relocate.nodeRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses]
  verbs: [get]
{{- end -}}

{{/* A Role in a namespace, and whom it is for. Takes a dict: root, namespace, suffix, rules, components. */}}
{{- define "relocate.role" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "relocate.wideName" $root) .suffix -}}
{{- $metadata := printf "name: %s\nnamespace: %s\nlabels:\n%s" $name .namespace (include "relocate.labels" (list $root .suffix) | indent 2) -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- $metadata | nindent 2 }}
rules:
  {{- include (printf "relocate.%s" .rules) $root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- $metadata | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $name }}}
subjects:
  {{- include "relocate.subjects" . | trim | nindent 2 }}
{{- end -}}

{{- define "relocate.subjects" -}}
{{- $root := .root -}}
{{- range $root.Values.dev.enabled | ternary (list "dev") .components }}
- {kind: ServiceAccount, name: {{ include "relocate.name" $root }}-{{ . }}, namespace: {{ $root.Release.Namespace }}}
{{- end }}
{{- end -}}
