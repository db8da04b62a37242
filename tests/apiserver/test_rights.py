"""Each right that the chart gives is needed: without it the pod says which one is missing, and what to do."""

from __future__ import annotations

import itertools
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.app.cli import main
from engine.cluster.names import OPERATOR_NAMESPACE
from tests.apiserver.any_pods import open_web
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Pod, Web
from tests.apiserver.rights import Rights, chart_account, chart_roles
from tests.verbs_desk import Azure, Object, group, server

pytestmark = pytest.mark.apiserver

SERVERS = "/apis/dbforpostgresql.azure.com/v1api20221201/namespaces/{}/flexibleservers"
MISSING: Mapping[tuple[Rights, str, str], str] = {
    (Rights.INSTALL, "manager-role", "*"): "list resourcegroups.resources.azure.com",
    (Rights.INSTALL, "manager-role", "secrets"): "list secrets",
    (Rights.INSTALL, "manager-role", "events"): "create events",
    (Rights.INSTALL, "manager-role", "driftreports"): "list driftreports.trueup.dev",
    (Rights.INSTALL, "namespace-reader-role", "namespaces"): "list namespaces",
    (
        Rights.INSTALL,
        "crd-reader-role",
        "customresourcedefinitions",
    ): "list customresourcedefinitions.apiextensions.k8s.io",
    (Rights.INSTALL, "leader-election-role", "leases"): "list leases.coordination.k8s.io",
    (
        Rights.INSTALL,
        "crd-manager-role",
        "customresourcedefinitions",
    ): "get customresourcedefinitions.apiextensions.k8s.io",
    (
        Rights.INSTALL,
        "crd-manager-role",
        "validatingadmissionpolicies",
    ): "get validatingadmissionpolicies.admissionregistration.k8s.io",
    (Rights.REPORT, "reader-role", "*"): "list resourcegroups.resources.azure.com",
    (Rights.REPORT, "reader-role", "secrets"): "list secrets",
    (Rights.REPORT, "reader-role", "driftreports"): "list driftreports.trueup.dev",
    (Rights.REPORT, "drift-definition-role", "customresourcedefinitions"): (
        "get customresourcedefinitions.apiextensions.k8s.io"
    ),
    (Rights.REPORT, "namespace-reader-role", "namespaces"): "list namespaces",
    (
        Rights.REPORT,
        "crd-reader-role",
        "customresourcedefinitions",
    ): "list customresourcedefinitions.apiextensions.k8s.io",
    (Rights.REPORT, "lease-reader-role", "leases"): "get leases.coordination.k8s.io",
}
"""Which rule is taken away -> what the pod then says it may not do."""
ELSEWHERE = {"tokenreviews", "subjectaccessreviews", "mutatingadmissionpolicies"}
"""Asked when somebody reads metrics; served by few servers."""
_NUMBERS = itertools.count(1)


def short(role: str) -> str:
    """Return what a role is called without the names of installation and namespace."""
    found = re.fullmatch(r"(?:azureserviceoperator|trueup)-(.*-role).*", role)
    assert found is not None
    return found[1]


def test_every_rule_is_taken_away_below() -> None:
    """No rule of the chart is without a line in the table, and no line without its rule."""
    given = {
        (rights, short(role["metadata"]["name"]), rule["resources"][0])
        for rights in (Rights.INSTALL, Rights.REPORT)
        for role in chart_roles(rights)
        for rule in role["rules"]
    }

    assert {key for key in given if key[2] not in ELSEWHERE} == set(MISSING)


@pytest.mark.parametrize("taken", MISSING, ids=lambda taken: "-".join((taken[0].name.lower(), *taken[1:])))
def test_without_a_rule(
    plane: ControlPlane, azure: Azure, kinds: None, tmp_path: Path, taken: tuple[Rights, str, str]
) -> None:
    """The log or the readiness names the verb, the resource and the rule that would give it."""
    rights, role, resource = taken
    web = open_web(plane.admin, azure, "rights")
    web.create(GROUPS, group(f"rights-{next(_NUMBERS)}", annotations=claimed(rights)))

    def keep(name: str, rule: Object) -> bool:
        return (short(name), rule["resources"][0]) != (role, resource)

    with run(plane, azure, tmp_path, rights, keep=keep) as pod:
        expected = f"may not {MISSING[taken]} "
        web.wait_for(expected, lambda: expected in said(pod))
        line = next(text for text in said(pod).splitlines() if expected in text)

    assert re.search(r"bind it to a (Cluster)?Role with the rule \{apiGroups: ", line.replace("\\", ""))


def claimed(rights: Rights) -> dict[str, str]:
    """Return what a live ASO leaves on objects, where that is looked at."""
    return {OPERATOR_NAMESPACE: "aso-system"} if rights is Rights.REPORT else {}


def test_with_all_rules_nothing_is_missing(plane: ControlPlane, azure: Azure, kinds: None, tmp_path: Path) -> None:
    """With the chart's rights a pod of either kind becomes ready and complains of nothing."""
    web = open_web(plane.admin, azure, "rights")
    web.create(GROUPS, group("rights-all"))

    for rights in (Rights.INSTALL, Rights.REPORT):
        (tmp_path / rights.name).mkdir()
        with run(plane, azure, tmp_path / rights.name, rights) as pod:
            web.wait_for("the pod to be ready", lambda pod=pod: readiness(pod) == (200, "ok\n"))
            if rights is Rights.INSTALL:
                web.wait_ready(GROUPS, "rights-all")
            assert "may not" not in said(pod)


def test_a_credential_that_may_not_be_read_is_not_replaced(
    plane: ControlPlane, azure: Azure, kinds: None, tmp_path: Path
) -> None:
    """Where a namespace's credential cannot be read the operator's own is not used: it may be somebody else."""
    web = open_web(plane.admin, azure, "rights")
    name = f"rights-{next(_NUMBERS)}"
    web.create(GROUPS, group(name))
    azure.forget_traffic()

    def keep(name: str, rule: Object) -> bool:
        return rule["resources"][0] != "secrets"

    connection = azure.connection
    whole = {
        "AZURE_SUBSCRIPTION_ID": connection.subscription,
        "AZURE_TENANT_ID": connection.tenant,
        "AZURE_CLIENT_ID": connection.client,
        "AZURE_CLIENT_SECRET": connection.secret,
        "AZURE_TARGET_NAMESPACES": web.namespace,
    }
    with run(plane, azure, tmp_path, Rights.MANAGE, keep=keep, **whole):
        found = web.wait_reason(GROUPS, name, "Failed")

    assert "may not get secrets in namespace" in found["message"]
    assert azure.writes == []


def test_an_input_that_may_not_be_read_is_told(plane: ControlPlane, azure: Azure, kinds: None, tmp_path: Path) -> None:
    """A Secret that is there but may not be read: the condition names the right; with the right the object goes on."""
    pattern = "dbforpostgresql.azure.com/FlexibleServer"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    plane.admin.wait_for("the kind", lambda: plane.admin.call("GET", SERVERS.format("default"))[0] == 200)
    web = open_web(plane.admin, azure, "rights")
    web.admin.create(f"/api/v1/namespaces/{web.namespace}/secrets", {"metadata": {"name": "database"}})
    name = f"rights-{next(_NUMBERS)}"

    def keep(name: str, rule: Object) -> bool:
        return rule["resources"][0] != "secrets"

    pod = run(plane, azure, tmp_path, Rights.MANAGE, keep=keep, AZURE_TARGET_NAMESPACES=web.namespace)
    let_read(web, pod, "aso-credential")
    with pod:
        web.create(GROUPS, group(name))
        web.create(SERVERS, server(f"{name}-db", name))
        refused = web.wait_reason(SERVERS, f"{name}-db", "SecretNotFound")["message"]
        let_read(web, pod, "database")
        goes_on = f'Secret "{web.namespace}/database" does not contain key "password"'
        web.wait_for("the next thing", lambda: web.ready(SERVERS, f"{name}-db")["message"] == goes_on)

    assert refused.startswith(f'Secret "{web.namespace}/database" may not be read: system:serviceaccount:')
    assert f"may not get secrets in namespace {web.namespace}" in refused
    assert 'bind it to a Role with the rule {apiGroups: [""], resources: ["secrets"], verbs: ["get"]}' in refused


def let_read(web: Web, pod: Pod, secret: str) -> None:
    """Let a pod read one Secret of a namespace."""
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get"]}
    where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{web.namespace}"
    web.admin.create(f"{where}/roles", {"metadata": {"name": secret}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": secret}
    who = {"kind": "ServiceAccount", "name": "pod", "namespace": pod.environment["POD_NAMESPACE"]}
    web.admin.create(f"{where}/rolebindings", {"metadata": {"name": secret}, "roleRef": reference, "subjects": [who]})


def run(plane: ControlPlane, azure: Azure, folder: Path, rights: Rights, **more: object) -> Pod:
    """Return a pod with the chart's rights, or some of them."""
    number = next(_NUMBERS)
    operator = f"rights-operator-{number}"
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": operator}})
    keep = more.pop("keep", None)
    who = chart_account(plane, operator, "pod", rights, keep=keep)  # type: ignore[arg-type]  # a test's own
    mode = "watch" if rights is Rights.REPORT else "watchers-and-webhooks"
    environment = {"POD_NAMESPACE": operator, "AZURE_OPERATOR_MODE": mode, **{k: str(v) for k, v in more.items()}}
    options = ("--health-addr", "127.0.0.1:0", "--observe-period", "0.5")
    if rights is Rights.INSTALL:
        options += ("--enable-leader-election", "--crd-pattern", "resources.azure.com/*")
    return Pod(plane, azure, plane.kubeconfig(who), folder / "log", environment, options)


def said(pod: Pod) -> str:
    """Return the log, and what the readiness is."""
    return pod.log.read_text() + "\n" + readiness(pod)[1]


def readiness(pod: Pod) -> tuple[int, str]:
    """Return status and text of the probe."""
    lines = [json.loads(line) for line in pod.log.read_text().splitlines() if line.startswith('{"level"')]
    port = next(line["port"] for line in lines if "port" in line)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()
