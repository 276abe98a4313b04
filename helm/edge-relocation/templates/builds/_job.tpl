{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* A hook that asks Temporal about builds of workers. Takes a dict: root, name, hook, arguments. */}}
{{- define "relocate.buildsJob" -}}
{{- $root := .root -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "relocate.name" $root }}-{{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "relocate.labels" (list $root .name) | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .hook }}
    # Before migrations and configuration.
    helm.sh/hook-weight: "-1"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
spec:
  # One that failed is there to be looked at for an hour, and leaves nothing behind.
  ttlSecondsAfterFinished: 3600
  # Temporal may be away for a moment.
  backoffLimit: 3
  podFailurePolicy:
    rules:
      # What is refused, or makes no sense, is so the next time.
      - action: FailJob
        onExitCodes: {containerName: {{ .name }}, operator: In, values: [2, 3]}
  template:
    metadata:
      {{- include "relocate.podMetadata" (list $root .name) | nindent 6 }}
    spec:
      {{- include "relocate.command" (dict
        "root" $root
        "name" .name
        "arguments" .arguments
        "variables" (include "relocate.temporalVariables" $root)
        "folders" (include "relocate.temporalFolders" $root | fromJsonArray)
      ) | nindent 6 }}
{{- end -}}
