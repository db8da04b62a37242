{{/* The rule for objects of kinds, status included: .verbs on all groups that have kinds. */}}
{{- define "trueup.kindRules" -}}
- apiGroups:
    {{- range splitList "\n" (.root.Files.Get "files/api-groups.txt" | trim) }}
    - {{ . }}
    {{- end }}
  resources: ["*"]
  verbs: {{ toJson .verbs }}
{{- end -}}

{{/* ClusterRole .name and its binding: annotations of namespaces say what is to be done in them. */}}
{{- define "trueup.namespaceRole" -}}
{{- $names := include "trueup.namespaces" .root | fromJsonArray -}}
{{- $suffix := include "trueup.suffix" .root -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name }}-role{{ $suffix }}
  labels:
    {{- include "trueup.labels" .root | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [namespaces]
    {{- with $names }}
    resourceNames: {{ toJson . }}
    {{- end }}
    verbs: [list, watch]
---
{{ include "trueup.binding" (dict "root" .root "kind" "ClusterRoleBinding" "name" (print .name "-rolebinding" $suffix) "role" (print .name "-role" $suffix)) }}
{{- end -}}

{{/* ClusterRole .name and its binding: a kind that is installed later is watched from then on. */}}
{{- define "trueup.definitionRole" -}}
{{- $suffix := include "trueup.suffix" .root -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name }}-role{{ $suffix }}
  labels:
    {{- include "trueup.labels" .root | nindent 4 }}
rules:
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [list, watch]
---
{{ include "trueup.binding" (dict "root" .root "kind" "ClusterRoleBinding" "name" (print .name "-rolebinding" $suffix) "role" (print .name "-role" $suffix)) }}
{{- end -}}

{{/* ClusterRole .name and its binding: one Lease, in namespaces that need not be there (any more). */}}
{{- define "trueup.leaseRole" -}}
{{- $suffix := include "trueup.suffix" .root -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name }}-role{{ $suffix }}
  labels:
    {{- include "trueup.labels" .root | nindent 4 }}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames: [controllers-leader-election-azinfra-generated]
    verbs: [get]
---
{{ include "trueup.binding" (dict "root" .root "kind" "ClusterRoleBinding" "name" (print .name "-rolebinding" $suffix) "role" (print .name "-role" $suffix)) }}
{{- end -}}
