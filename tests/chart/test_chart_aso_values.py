"""A values file of Azure Service Operator: every value of its chart, by its name and with its default, is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, Helm

UNRESTRICTED = "0.0.0.0/0"
ASO: Mapping[str, Any] = {
    "aadPodIdentity": {"enable": False, "azureManagedIdentityResourceId": ""},
    "affinity": {},
    "allowMultiEnvManagement": False,
    **dict.fromkeys(("azureAdditionalTenants", "azureAuthorityHost", "azureClientCertificate"), ""),
    **dict.fromkeys(("azureClientCertificatePassword", "azureClientID", "azureClientSecret"), ""),
    **dict.fromkeys(("azureOperatorMode", "azureResourceManagerAudience", "azureResourceManagerEndpoint"), ""),
    **dict.fromkeys(("azureSubscriptionID", "azureSyncPeriod", "azureTenantID", "azureUserAgentSuffix"), ""),
    "azureTargetNamespaces": [],
    "crdLabels": "",
    "crdPattern": "",
    "createAzureOperatorSecret": True,
    "deploymentAnnotations": {},
    "extraEnv": [],
    "go": {"memLimit": "400MiB"},
    "image": {
        "pullSecrets": [],
        "repository": "{{ .Values.image.repositoryBase }}:{{ .Values.image.tag }}",
        "repositoryBase": "mcr.microsoft.com/k8s/azureserviceoperator",
        "tag": "v2.20.0",
    },
    "installCRDs": True,
    "maxConcurrentReconciles": 4,
    "metrics": {
        "address": "0.0.0.0:{{ .Values.metrics.port }}",
        "enable": True,
        "port": 8443,
        "profiling": False,
        "secure": True,
    },
    "multitenant": {"enable": False},
    "networkPolicies": {
        "enable": True,
        "kubernetesApiCIDR": UNRESTRICTED,
        "kubernetesApiPort": 6443,
        "mysqlCIDR": UNRESTRICTED,
        "postgresqlCIDR": UNRESTRICTED,
        "sqlCIDR": UNRESTRICTED,
    },
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "podAnnotations": {},
    "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
    "podLabels": {},
    "podSecurityContext": {},
    "priorityClassName": "",
    "rateLimit": {"bucketSize": 100, "mode": "disabled", "qps": 5},
    "replicaCount": 2,
    "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "200m", "memory": "256Mi"}},
    "revisionHistoryLimit": 10,
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsGroup": 65532,
        "runAsNonRoot": True,
        "runAsUser": 65532,
    },
    "serviceAccount": {"annotations": {}, "create": True, "name": ""},
    "tolerations": [],
    "useJSONLogging": False,
    "useWorkloadIdentityAuth": False,
    "webhook": {"certDir": "/tmp/k8s-webhook-server/serving-certs", "port": 9443},
}
"""The values of ASO's chart v2.20 with their defaults."""
OTHERWISE = {"image.repository", "image.repositoryBase", "image.tag"}
"""Which image is run is ours."""


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield names and values, down to what is not a map of names of the chart."""
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in ("nodeSelector", "resources", "securityContext"):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def test_asos_own_values_make_the_same_release(helm: Helm) -> None:
    """A file with all of them changes nothing but that the notes name the image, and the pod stays a restricted one."""
    plain, theirs = helm.render(), helm.render(ASO)

    assert "image: names Azure Service Operator's image; Trueup's is used" in theirs.notes
    assert theirs.objects == plain.objects
    assert theirs.pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize("name", sorted(name for name, _ in leaves(ASO)))
def test_each_value_is_there_under_its_name(name: str) -> None:
    """The chart has the value, with ASO's default wherever it says the same thing."""
    values = dict(leaves(yaml.safe_load((CHART / "values.yaml").read_text())))
    ours = values.get(name, {key: v for key, v in values.items() if key.startswith(f"{name}.")})

    assert name in values or ours
    if name not in OTHERWISE and name != "podSecurityContext":
        assert ours == dict(leaves(ASO))[name]
