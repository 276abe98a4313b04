{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Names and labels. */}}

{{/* A text in at most so many characters; what is cut off is stood for by a digest. Takes a list: text, number. */}}
{{- define "relocate.fit" -}}
{{- $text := index . 0 -}}
{{- $most := index . 1 -}}
{{- if le (len $text) (int $most) -}}
{{- $text -}}
{{- else -}}
{{- printf "%s-%s" (trunc (int (sub $most 7)) $text | trimSuffix "-") (sha256sum $text | trunc 6) -}}
{{- end -}}
{{- end -}}

{{/* Where the names of everything begin; there is room for `-gateway-control-metrics` in 63 characters. */}}
{{- define "relocate.name" -}}
{{- $full := contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) -}}
{{- include "relocate.fit" (list $full 39) -}}
{{- end -}}

{{/* The same for what stands outside of the release's namespace, where another one's release may be called the same. */}}
{{- define "relocate.wideName" -}}
{{- include "relocate.fit" (list (printf "%s-%s" .Release.Namespace (include "relocate.name" .)) 39) -}}
{{- end -}}

{{/* What selects the pods of one process, or of one build of it. Takes a list: root, component, and the build where it is said. */}}
{{- define "relocate.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- if gt (len .) 2 }}
relocate.edge/build: {{ include "relocate.fit" (list (index . 2) 63) | quote }}
{{- end }}
{{- end -}}

{{/* Labels of pods: a new chart with the same version of the service starts none anew. */}}
{{- define "relocate.podLabels" -}}
{{ include "relocate.selector" . }}
app.kubernetes.io/version: {{ include "relocate.version" . | quote }}
app.kubernetes.io/part-of: {{ (index . 0).Chart.Name }}
{{- end -}}

{{/* Of the service: the chart's, or of workers that say their build, that. */}}
{{- define "relocate.version" -}}
{{- if gt (len .) 2 -}}
{{- include "relocate.fit" (list (index . 2) 63) -}}
{{- else -}}
{{- (index . 0).Chart.AppVersion -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. Takes a list: root, component. */}}
{{- define "relocate.labels" -}}
{{- $root := index . 0 -}}
{{ include "relocate.podLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image. Takes a list: root, and what has tag and digest. */}}
{{- define "relocate.imageOf" -}}
{{- $root := index . 0 -}}
{{- with index . 1 -}}
{{- $root.Values.image.repository -}}
{{- if .digest -}}
@{{ .digest }}
{{- else -}}
:{{ .tag | default ($root.Values.dev.enabled | ternary (printf "%s-dev" $root.Chart.AppVersion) $root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "relocate.image" -}}
{{- include "relocate.imageOf" (list . .Values.image) -}}
{{- end -}}

{{/* The build of the code that is in an image: its tag, or the beginning of its digest. Takes the same list. */}}
{{- define "relocate.build" -}}
{{- with index . 1 -}}
{{- if .digest -}}
{{- .digest | trimPrefix "sha256:" | trunc 12 -}}
{{- else -}}
{{- .tag | default (index $ 0).Chart.AppVersion -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the API speaks. */}}
{{- define "relocate.scheme" -}}
{{- .Values.api.tls.secretName | empty | ternary "http" "https" -}}
{{- end -}}

{{/* Where the API is asked from inside of the cluster. */}}
{{- define "relocate.server" -}}
{{ include "relocate.scheme" . }}://{{ include "relocate.name" . }}-api.{{ .Release.Namespace }}.svc:{{ .Values.api.service.port }}
{{- end -}}
