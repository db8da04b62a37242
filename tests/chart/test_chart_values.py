"""Values: every one of ASO's chart is taken, and means something or is told to mean nothing; mistakes are refused."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from engine.app.commands import run
from engine.cluster.operating import Operating
from tests.chart.helm import CHART, Helm, HelmError, Rendered

ID = "00000000-0000-0000-0000-000000000001"
IN_SECRET: Mapping[str, tuple[Any, str, str]] = {
    "azureTenantID": (ID, "AZURE_TENANT_ID", ID),
    "azureSubscriptionID": (ID, "AZURE_SUBSCRIPTION_ID", ID),
    "azureClientID": (ID, "AZURE_CLIENT_ID", ID),
    "azureClientSecret": ("s3cret", "AZURE_CLIENT_SECRET", "s3cret"),
    "azureClientCertificate": ("PEM", "AZURE_CLIENT_CERTIFICATE", "PEM"),
    "azureAdditionalTenants": ("a,b", "AZURE_ADDITIONAL_TENANTS", "a,b"),
    "azureSyncPeriod": ("never", "AZURE_SYNC_PERIOD", "never"),
    "azureUserAgentSuffix": ("contoso", "AZURE_USER_AGENT_SUFFIX", "contoso"),
    "azureAuthorityHost": ("https://login.example", "AZURE_AUTHORITY_HOST", "https://login.example"),
    "azureResourceManagerEndpoint": ("https://arm.example", "AZURE_RESOURCE_MANAGER_ENDPOINT", "https://arm.example"),
    "azureResourceManagerAudience": ("https://arm.example", "AZURE_RESOURCE_MANAGER_AUDIENCE", "https://arm.example"),
    "useWorkloadIdentityAuth": (True, "USE_WORKLOAD_IDENTITY_AUTH", "true"),
    "allowMultiEnvManagement": (True, "ALLOW_MULTI_ENV_MANAGEMENT", "true"),
    "maxConcurrentReconciles": (9, "MAX_CONCURRENT_RECONCILES", "9"),
}
"""Value of the chart -> what is given, which key of the Secret it becomes, and what that key says."""
WITH_EFFECT: Mapping[str, tuple[Any, str]] = {
    "azureOperatorMode": ("watchers", "name: AZURE_OPERATOR_MODE\nvalue: watchers"),
    "azureTargetNamespaces": (["a", "b"], "name: AZURE_TARGET_NAMESPACES\nvalue: a,b"),
    "image.repositoryBase": ("example.com/trueup", "image: example.com/trueup:0.1.0"),
    "image.tag": ("9.9.9", "image: trueup:9.9.9"),
    "image.repository": ("example.com/mine:1", "image: example.com/mine:1"),
    "image.pullSecrets": ([{"name": "pull"}], "imagePullSecrets:\n- name: pull"),
    "crdPattern": ("storage.azure.com/*", "--crd-pattern=storage.azure.com/*"),
    "crdLabels": ("a=b", "--crd-labels=a=b"),
    "installCRDs": (False, "--crd-management=none"),
    "useJSONLogging": (True, "--json-logging"),
    "deploymentAnnotations": ({"a": "b"}, "annotations:\na: b"),
    "podAnnotations": ({"a": "b"}, "a: b"),
    "podLabels": ({"team": "net"}, "team: net"),
    "podSecurityContext": ({"fsGroup": 7}, "fsGroup: 7"),
    "securityContext": ({"runAsUser": 7}, "runAsUser: 7"),
    "resources": ({"limits": {"memory": "1Gi"}}, "memory: 1Gi"),
    "nodeSelector": ({"disk": "fast"}, "disk: fast"),
    "tolerations": ([{"key": "spot"}], "tolerations:\n- key: spot"),
    "affinity": ({"nodeAffinity": {}}, "nodeAffinity: {}"),
    "priorityClassName": ("high", "priorityClassName: high"),
    "replicaCount": (5, "replicas: 5"),
    "revisionHistoryLimit": (3, "revisionHistoryLimit: 3"),
    "extraEnv": ([{"name": "A", "value": "b"}], "name: A\nvalue: b"),
    "serviceAccount.name": ("mine", "serviceAccountName: mine"),
    "serviceAccount.annotations": (
        {"azure.workload.identity/client-id": ID},
        f"azure.workload.identity/client-id: {ID}",
    ),
    "podDisruptionBudget.minAvailable": (1, "minAvailable: 1"),
    "metrics.secure": (False, "--secure-metrics=false"),
    "metrics.port": (9090, "--metrics-addr=0.0.0.0:9090"),
    "metrics.address": ("127.0.0.1:1", "--metrics-addr=127.0.0.1:1"),
    "networkPolicies.kubernetesApiPort": (16443, "port: 16443"),
    "networkPolicies.kubernetesApiCIDR": ("10.0.0.0/8", "cidr: 10.0.0.0/8"),
    "networkPolicies.mysqlCIDR": ("10.1.0.0/16", "cidr: 10.1.0.0/16"),
    "networkPolicies.postgresqlCIDR": ("10.2.0.0/16", "cidr: 10.2.0.0/16"),
    "networkPolicies.sqlCIDR": ("10.3.0.0/16", "cidr: 10.3.0.0/16"),
    "topologySpreadConstraints": ([{"topologyKey": "zone"}], "topologySpreadConstraints:\n- topologyKey: zone"),
    "terminationGracePeriodSeconds": (60, "terminationGracePeriodSeconds: 60"),
    "extraVolumes": ([{"name": "ca", "configMap": {"name": "ca"}}], "- configMap:\nname: ca\nname: ca"),
    "extraVolumeMounts": ([{"name": "ca", "mountPath": "/ca"}], "- mountPath: /ca\nname: ca"),
    "image.digest": (f"sha256:{'a' * 64}", f"image: trueup@sha256:{'a' * 64}"),
    "image.pullPolicy": ("Always", "imagePullPolicy: Always"),
    "trueup.observePeriod": (60, "--observe-period=60"),
    "trueup.exportPeriod": (60, "--export-period=60"),
    "trueup.metricsPerObject": (True, "--metrics-per-object"),
    "trueup.traces.endpoint": ("http://c:4318", "name: OTEL_EXPORTER_OTLP_ENDPOINT\nvalue: http://c:4318"),
    "trueup.shards": (8, "--shards=8"),
    "trueup.takeOverFrom": (["aso"], "--take-over-from=aso"),
    "trueup.verbosity": (0, "--v=0"),
    "trueup.page.secret": ("page", "--page-addr=:8090\n- --page-token-file=/var/run/trueup-page/token"),
}
"""Value -> what is given, and what is then in the release and was not before."""
TAKES_AWAY: Mapping[str, tuple[Any, str]] = {
    "createAzureOperatorSecret": (False, "kind: Secret\n"),
    "serviceAccount.create": (False, "kind: ServiceAccount\nmetadata"),
    "networkPolicies.enable": (False, "kind: NetworkPolicy"),
    "podDisruptionBudget.enabled": (False, "kind: PodDisruptionBudget"),
    "metrics.enable": (False, "--metrics-addr"),
    "metrics.secure": (False, "tokenreviews"),
    "rbac.create": (False, "kind: ClusterRole"),
}
"""Value -> what is given, and what is then no longer in the release."""
NOTED: Mapping[str, tuple[Any, str]] = {
    "webhook.port": (9444, "webhook: there are no webhooks"),
    "webhook.certDir": ("/certs", "webhook: there are no webhooks"),
    "go.memLimit": ("1GiB", "go.memLimit: the program is not written in Go"),
    "aadPodIdentity.enable": (True, "aadPodIdentity: its project has ended"),
    "metrics.profiling": (True, "metrics.profiling: there is no profiler"),
}
"""Value -> what is given, and what the notes say of it."""


def nest(name: str, value: Any) -> dict[str, Any]:
    """Return values that set this one."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)


def text_of(rendered: Rendered) -> str:
    """Return the whole release, each line without its indentation."""
    lines = yaml.safe_dump_all(rendered.objects, width=1000).splitlines()
    return "\n".join(line.strip() for line in lines)


def settings_of(rendered: Rendered) -> dict[str, str]:
    """Return what the Secret says."""
    data: Mapping[str, str] = rendered.only("Secret")["data"]
    return {key: base64.b64decode(text).decode() for key, text in data.items()}


@pytest.fixture(scope="module")
def plain(helm: Helm) -> str:
    """Return the release without any value."""
    return text_of(helm.render())


@pytest.mark.parametrize("name", IN_SECRET)
def test_a_setting_reaches_the_secret(helm: Helm, name: str) -> None:
    """It stands under ASO's key, which the pod reads."""
    given, key, expected = IN_SECRET[name]

    assert settings_of(helm.render({name: given}))[key] == expected


def test_what_is_not_set_is_not_written(helm: Helm) -> None:
    """Three keys are there even when they are empty, a password only with a certificate, a rate only with its mode."""
    plain = settings_of(helm.render({"azureClientCertificatePassword": "p", "maxConcurrentReconciles": 0}))
    full = settings_of(
        helm.render(
            {
                "azureClientCertificate": "PEM",
                "azureClientCertificatePassword": "p",
                "rateLimit": {"mode": "bucket", "qps": 2.5},
            }
        )
    )

    assert plain == {"AZURE_TENANT_ID": "", "AZURE_SUBSCRIPTION_ID": "", "AZURE_CLIENT_ID": ""}
    assert full["AZURE_CLIENT_CERTIFICATE_PASSWORD"] == "p"
    assert {k: v for k, v in full.items() if k.startswith("RATE")} == {
        "RATE_LIMIT_MODE": "bucket",
        "RATE_LIMIT_QPS": "2.5",
        "RATE_LIMIT_BUCKET_SIZE": "100",
    }


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_a_value_has_its_effect(helm: Helm, plain: str, name: str) -> None:
    """What it means is in the release, and is not without it."""
    given, expected = WITH_EFFECT[name]

    assert expected in text_of(helm.render(nest(name, given)))
    assert expected not in plain


@pytest.mark.parametrize("name", TAKES_AWAY)
def test_a_value_takes_something_away(helm: Helm, plain: str, name: str) -> None:
    """What it switches off is not in the release."""
    given, expected = TAKES_AWAY[name]

    assert expected not in text_of(helm.render(nest(name, given)))
    assert expected in plain


@pytest.mark.parametrize("name", NOTED)
def test_a_value_without_effect_is_told(helm: Helm, plain: str, name: str) -> None:
    """It is taken, changes nothing, and the notes say so."""
    given, expected = NOTED[name]

    found = helm.render(nest(name, given))

    assert expected in found.notes
    assert text_of(found) == plain


@pytest.mark.parametrize(
    "image",
    [
        {"repository": "mcr.microsoft.com/k8s/azureserviceoperator:v2.20.0"},
        {"repositoryBase": "mirror.example/azureserviceoperator", "tag": "v2.20.0"},
        {"tag": "v2.15.0"},
    ],
    ids=["whole", "mirror", "tag"],
)
def test_asos_image_is_not_run(helm: Helm, image: dict[str, str]) -> None:
    """A values file that names ASO's image gets Trueup's, and is told so."""
    found = helm.render({"image": image})

    assert found.container["image"] == "trueup:0.1.0"
    assert "names Azure Service Operator's image" in found.notes


def test_every_value_is_held_to_something(helm: Helm) -> None:
    """No value of the chart is without a test here; the schema knows each, and no other."""

    def leaves(schema: Any, values: Any, place: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in values.items():
            inner = schema["properties"].get(name, {})
            deep = isinstance(value, dict) and value and "properties" in inner and name != "resources"
            found |= leaves(inner, value, f"{place}{name}.") if deep else {f"{place}{name}"}
        return found

    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    tested = {*IN_SECRET, *WITH_EFFECT, *TAKES_AWAY, *NOTED}
    elsewhere = {
        "azureClientCertificatePassword", "multitenant.enable", "rateLimit.mode", "rateLimit.qps",
        "rateLimit.bucketSize", "trueup.page.port", "trueup.page.tls", "trueup.traces.port",
        "trueup.alerts.config", "trueup.alerts.secret", "trueup.alerts.ports",
    }  # fmt: skip
    whole = {name.partition(".")[0] for name in NOTED if name.startswith(("webhook", "go."))}
    without_meaning = {"aadPodIdentity.azureManagedIdentityResourceId"}

    assert leaves(schema, values) - tested - elsewhere - whole - without_meaning == set()
    assert set(schema["properties"]) - {"global"} == set(values)


def test_the_page_is_served_where_its_secret_is_named(helm: Helm) -> None:
    """The Secret is mounted, its token and certificate are named to the program, and the policy lets people in."""
    found = helm.render({"trueup": {"page": {"secret": "page", "port": 9443, "tls": True}}})
    (mount,) = [m for m in found.container["volumeMounts"] if m["name"] == "page"]
    (volume,) = [v for v in found.pod["volumes"] if v["name"] == "page"]
    pages = [option for option in found.container["args"] if "page" in option]
    (ingress,) = [o for o in found.objects if o["kind"] == "NetworkPolicy" and "Ingress" in o["spec"]["policyTypes"]]

    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args(pages)

    assert (args.page_addr, args.page_token_file) == (":9443", f"{mount['mountPath']}/token")
    assert args.page_cert_dir == mount["mountPath"]
    assert volume["secret"] == {"secretName": "page"}
    assert {"protocol": "TCP", "port": 9443} in ingress["spec"]["ingress"][0]["ports"]
    assert {"name": "page", "containerPort": 9443} in found.container["ports"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicaCuont": 3}, "additional properties 'replicaCuont' not allowed"),
        ({"trueup": {"shard": 3}}, "at '/trueup': additional properties 'shard' not allowed"),
        ({"metrics": {"enabled": True}}, "at '/metrics': additional properties 'enabled' not allowed"),
        ({"azureOperatorMode": "manage"}, 'azureOperatorMode is "manage": it is one of watchers-and-webhooks'),
        ({"azureSyncPeriod": "10"}, "at '/azureSyncPeriod': '10' does not match pattern"),
        ({"azureTargetNamespaces": ["A_b"]}, "at '/azureTargetNamespaces/0': 'A_b' does not match"),
        ({"replicaCount": "two"}, "at '/replicaCount': got string, want integer"),
        ({"rateLimit": {"mode": "buckets"}}, "at '/rateLimit/mode': value must be one of"),
        ({"networkPolicies": {"sqlCIDR": "all"}}, "at '/networkPolicies/sqlCIDR': 'all' does not match"),
        ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match"),
        ({"trueup": {"observePeriod": 0}}, "at '/trueup/observePeriod': exclusiveMinimum: got 0, want 0"),
    ],
)
def test_a_mistake_is_refused(helm: Helm, values: dict[str, Any], said: str) -> None:
    """The message names the place and what is wrong with it."""
    with pytest.raises(HelmError) as refused:
        helm.render(values)

    assert said in str(refused.value)


@pytest.mark.parametrize("mode", ["", "watchers", "webhooks", "plan", "watch"])
def test_the_program_takes_what_the_chart_gives_it(helm: Helm, mode: str) -> None:
    """Arguments and settings of the container are understood by the program itself."""
    values = {
        "azureOperatorMode": mode,
        "rateLimit": {"mode": "bucket"},
        "azureSyncPeriod": "1h30m",
        "azureTargetNamespaces": [] if mode == "webhooks" else ["a"],
        "trueup": {"takeOverFrom": ["b"], "observePeriod": 60.5},
        "crdLabels": "a=b",
    }
    found = helm.render(values)
    plain = {item["name"]: item["value"] for item in found.container["env"] if "value" in item}

    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    verb, *options = found.container["args"]
    args = parser.parse_args(options)
    operating = Operating.from_environment({**settings_of(found), **plain})

    assert (verb, args.observe_period) == ("run", 60.5)
    assert operating.mode == (mode or "watchers-and-webhooks")
    assert operating.namespaces == (() if mode == "webhooks" else ("a",))
    assert operating.retry_rate is not None
