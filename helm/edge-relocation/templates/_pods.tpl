{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Pods: the Pod Security Standard `restricted`, and a root file system that nobody writes. */}}

{{- define "relocate.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.pods.user }}
runAsGroup: {{ .Values.pods.user }}
fsGroup: {{ .Values.pods.user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "relocate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "relocate.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "relocate.podLabels" . | nindent 2 }}
  {{- with $root.Values.pods.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $root.Values.pods.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What every pod says, beside its containers and volumes. Services of the namespace would come in as variables (RELOCATE_API_PORT). */}}
{{- define "relocate.podBasics" -}}
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  {{- include "relocate.podSecurity" . | nindent 2 }}
{{- with .Values.pods }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "relocate.spread" -}}
{{- $root := index . 0 -}}
{{- $labels := include "relocate.selector" . -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: {{ $root.Values.pods.unspread }}
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- $labels | nindent 6 }}
{{- end }}
{{- end -}}

{{/*
One process as a Deployment. Takes a dict, its process: root, component, values (its own), arguments, variables, folders, ports (name
to number), health (the name of one of them), and whether it has rights; a pause before it is told to end, in seconds. `answers`: it
has an answer for callers while it cannot do its work (the API's 503), so it is asked once for what it depends on, when it starts, and
stays in its Service after that. `build` and `image`: of workers that say their build.
*/}}
{{- define "relocate.process" -}}
{{- $root := .root -}}
{{- $what := list $root .component -}}
{{- $name := printf "%s-%s" (include "relocate.name" $root) .component -}}
{{- with .build -}}
{{- $what = append $what . -}}
{{- $name = printf "%s-%s" $name (include "relocate.fit" (list (. | lower | replace "_" "-" | replace "." "-") 16)) -}}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "relocate.labels" $what | nindent 4 }}
spec:
  replicas: {{ .values.replicas }}
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "relocate.selector" $what | nindent 6 }}
  template:
    metadata:
      {{- include "relocate.podMetadata" $what | nindent 6 }}
    spec:
      serviceAccountName: {{ include "relocate.name" $root }}-{{ .component }}
      automountServiceAccountToken: {{ .rights }}
      terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
      {{- include "relocate.podBasics" $root | nindent 6 }}
      topologySpreadConstraints:
        {{- include "relocate.spread" $what | trim | nindent 8 }}
      containers:
        {{- include "relocate.container" . | nindent 8 }}
      volumes:
        {{- include "relocate.volumes" .folders | nindent 8 }}
{{- end -}}

{{/* A process as the only item of a list of containers. Takes the same. */}}
{{- define "relocate.container" -}}
{{- $root := .root -}}
- name: {{ .component }}
  image: {{ include "relocate.imageOf" (list $root (.image | default $root.Values.image)) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args: {{ .arguments | toJson }}
  env:
    {{- include "relocate.variables" $root | nindent 4 }}
    {{- .variables | nindent 4 }}
  ports:
    {{- range $name, $number := .ports }}
    - {name: {{ $name }}, containerPort: {{ $number }}}
    {{- end }}
  {{- if .pause }}
  lifecycle:
    # There is no shell. Who balances the load needs a moment to hear that this one ends.
    preStop:
      exec: {command: [python3, -c, "import time; time.sleep({{ .pause }})"]}
  {{- end }}
  startupProbe:
    httpGet: {path: {{ .answers | ternary "/readyz" "/livez" }}, port: {{ .health }}}
    periodSeconds: 2
    timeoutSeconds: 5
    failureThreshold: 300
  livenessProbe:
    httpGet: {path: /livez, port: {{ .health }}}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet: {path: {{ .answers | ternary "/livez" "/readyz" }}, port: {{ .health }}}
    periodSeconds: 5
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  securityContext:
    {{- include "relocate.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    {{- include "relocate.mounts" .folders | nindent 4 }}
{{- end -}}

{{/*
A command that ends, as the spec of a pod. Takes a dict: root, name, arguments, variables, folders.
*/}}
{{- define "relocate.command" -}}
{{- $root := .root -}}
automountServiceAccountToken: false
restartPolicy: Never
{{ include "relocate.podBasics" $root }}
containers:
  {{- include "relocate.commandContainer" . | nindent 2 }}
volumes:
  {{- include "relocate.volumes" .folders | nindent 2 }}
{{- end -}}

{{/* It as the only item of a list of containers. Takes the same. */}}
{{- define "relocate.commandContainer" -}}
{{- $root := .root -}}
- name: {{ .name }}
  image: {{ include "relocate.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args: {{ .arguments | toJson }}
  env:
    {{- .variables | trim | nindent 4 }}
  resources:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {memory: 512Mi}
  securityContext:
    {{- include "relocate.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    {{- include "relocate.mounts" .folders | nindent 4 }}
{{- end -}}
