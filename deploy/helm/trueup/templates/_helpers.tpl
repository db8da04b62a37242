{{/* The mode in lower case; empty means watchers-and-webhooks. */}}
{{- define "trueup.mode" -}}
{{- $known := list "watchers-and-webhooks" "watchers" "webhooks" "plan" "watch" -}}
{{- $mode := lower (default "watchers-and-webhooks" .Values.azureOperatorMode) -}}
{{- if not (has $mode $known) -}}
{{- fail (printf "azureOperatorMode is %q: it is one of %s" .Values.azureOperatorMode (join ", " $known)) -}}
{{- end -}}
{{- $mode -}}
{{- end -}}

{{/* Not empty where the pod only reports. */}}
{{- define "trueup.reports" -}}
{{- if has (include "trueup.mode" .) (list "plan" "watch") -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the pod writes to Azure and to objects. */}}
{{- define "trueup.manages" -}}
{{- if hasPrefix "watchers" (include "trueup.mode" .) -}}yes{{- end -}}
{{- end -}}

{{/* Not empty where the pod installs definitions and admission policies. */}}
{{- define "trueup.installs" -}}
{{- if and .Values.installCRDs (hasSuffix "webhooks" (include "trueup.mode" .)) -}}yes{{- end -}}
{{- end -}}

{{- define "trueup.prefix" -}}
{{- ternary "trueup" "azureserviceoperator" (eq (include "trueup.reports" .) "yes") -}}
{{- end -}}

{{- define "trueup.deployment" -}}
{{- include "trueup.prefix" . -}}-controller-manager
{{- end -}}

{{- define "trueup.policyPrefix" -}}
{{- ternary "trueup" "azure-service-operator" (eq (include "trueup.reports" .) "yes") -}}
{{- end -}}

{{- define "trueup.settings" -}}
{{- ternary "trueup-controller-settings" "aso-controller-settings" (eq (include "trueup.reports" .) "yes") -}}
{{- end -}}

{{- define "trueup.account" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if not .Values.serviceAccount.create -}}
default
{{- else -}}
{{- ternary "trueup-reader" "azureserviceoperator-default" (eq (include "trueup.reports" .) "yes") -}}
{{- end -}}
{{- end -}}

{{/* What distinguishes this installation's cluster roles from those of others. */}}
{{- define "trueup.suffix" -}}
{{- if or (include "trueup.reports" .) (and .Values.multitenant.enable (ne (include "trueup.mode" .) "webhooks")) -}}
-{{ .Release.Namespace }}
{{- end -}}
{{- end -}}

{{- define "trueup.replicas" -}}
{{- if include "trueup.reports" . -}}1{{- else -}}{{ int .Values.replicaCount }}{{- end -}}
{{- end -}}

{{/* The namespaces that are looked at, as a JSON list; empty for all. */}}
{{- define "trueup.namespaces" -}}
{{- $found := list -}}
{{- $given := .Values.azureTargetNamespaces -}}
{{- range (kindIs "slice" $given | ternary $given (splitList "," (toString (default "" $given)))) -}}
{{- with trim . -}}{{- $found = append $found . -}}{{- end -}}
{{- end -}}
{{- uniq $found | toJson -}}
{{- end -}}

{{/* Azure Service Operator's own image: whoever brings its values means ours. */}}
{{- define "trueup.asoImage" -}}
{{- $image := .Values.image -}}
{{- if or (contains "azureserviceoperator" (toString $image.repository)) (contains "azureserviceoperator" (toString $image.repositoryBase)) (regexMatch "^v2\\.[0-9]+\\.[0-9]+" (toString $image.tag)) -}}yes{{- end -}}
{{- end -}}

{{- define "trueup.image" -}}
{{- $base := .Values.image.repositoryBase -}}
{{- $tag := .Values.image.tag -}}
{{- $whole := tpl (default "" .Values.image.repository) . -}}
{{- if contains "azureserviceoperator" $base -}}{{- $base = "trueup" -}}{{- end -}}
{{- if regexMatch "^v2\\.[0-9]+\\.[0-9]+" (toString $tag) -}}{{- $tag = "" -}}{{- end -}}
{{- if and $whole (not (include "trueup.asoImage" .)) -}}
{{- $whole -}}
{{- else if .Values.image.digest -}}
{{- $base }}@{{ .Values.image.digest -}}
{{- else -}}
{{- $base }}:{{ default .Chart.AppVersion $tag -}}
{{- end -}}
{{- end -}}

{{/* What the Deployment selects: immutable, as Azure Service Operator has it. Reporting pods must not be found by its Service. */}}
{{- define "trueup.selector" -}}
{{- if include "trueup.reports" . -}}
control-plane: trueup-controller-manager
{{- else -}}
control-plane: controller-manager
{{- end -}}
{{- end -}}

{{- define "trueup.labels" -}}
app.kubernetes.io/name: {{ ternary "trueup" "azure-service-operator" (eq (include "trueup.reports" .) "yes") }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: trueup
{{- end -}}

{{/* One subject: the pod's ServiceAccount. */}}
{{- define "trueup.subjects" -}}
- kind: ServiceAccount
  name: {{ include "trueup.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* A binding of the kind .kind to the role .role, in the namespace .namespace. */}}
{{- define "trueup.binding" -}}
{{- $cluster := hasPrefix "Cluster" .kind -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "trueup.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ ternary "ClusterRole" "Role" $cluster }}
  name: {{ .role }}
subjects:
  {{- include "trueup.subjects" .root | nindent 2 }}
{{- end -}}

{{/* What an uninstall leaves, for people. */}}
{{- define "trueup.stays" -}}
{{- if include "trueup.reports" . }}
all Azure resources, and everything that this pod looked at;
{{- if include "trueup.alerts" . }}
DriftReports and their definition, and Secret trueup-report-alerts in this namespace.
{{- else }}
DriftReports and their definition.
{{- end }}
{{- else }}
all Azure resources;
definitions of kinds and all objects, with their finalizers: a deletion waits until an operator runs again;
Secrets and ConfigMaps that were exported, and Secret trueup-hash-key in this namespace{{ if include "trueup.alerts" . }}, and what was told of alerts
in Secrets trueup-alerts-0 and following{{ end }};
the admission policies trueup-immutable, trueup-users and trueup-names and their bindings.
To let objects go and keep their resources, annotate them with serviceoperator.azure.com/reconcile-policy=detach-on-delete
and delete them before you uninstall.
{{- end }}
{{- end -}}

{{/* Whether somebody is to hear of drift: yes or nothing. */}}
{{- define "trueup.alerts" -}}
{{- if and .Values.trueup.alerts.config (or (include "trueup.reports" .) (include "trueup.manages" .)) -}}yes{{- end -}}
{{- end -}}

{{- define "trueup.alertsName" -}}
{{- ternary "trueup-report-alerts" "trueup-alerts" (eq (include "trueup.reports" .) "yes") -}}
{{- end -}}
