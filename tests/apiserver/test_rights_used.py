"""The chart gives no verb that is not used: the API server's audit of a pod's life against the chart's rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cluster.names import OPERATOR_NAMESPACE
from tests.apiserver.any_pods import open_web
from tests.apiserver.api import Api
from tests.apiserver.audit import AuditLog
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Pod, Web
from tests.apiserver.pods import READS_METRICS, ask
from tests.apiserver.rights import Rights, Without, chart_account, chart_roles
from tests.verbs_desk import Azure, Object, account, group, make_object

pytestmark = pytest.mark.apiserver

REPORTS = "/apis/trueup.dev/v1alpha1/namespaces/{}/driftreports"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
SERVES_ALL = (
    "--feature-gates=MutatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
)
ROLES = "/apis/authorization.azure.com/v1api20220401/namespaces/{}/roleassignments"
PRINCIPAL = "00000000-0000-0000-0000-000000000002"
VERSION = "app.kubernetes.io/version"
PATTERN = "resources.azure.com/*;storage.azure.com/StorageAccount;authorization.azure.com/RoleAssignment"


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    """Return the audit of this file's API server."""
    return AuditLog(tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="module")
def plane(audit: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a cluster of its own whose API server notes what ServiceAccounts ask for."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    with ControlPlane(found, tmp_path_factory.mktemp("audited"), *SERVES_ALL, *audit.options()) as running:
        yield running


def given(rights: Rights) -> set[tuple[str, str, str]]:
    """Return verb, group and resource of every rule; kinds count as one group and one resource."""
    found = set()
    for role in chart_roles(rights):
        for rule in role["rules"]:
            for resource in rule["resources"]:
                name = ("kinds", "kinds") if resource == "*" else (rule["apiGroups"][0], resource)
                found |= {(verb, *name) for verb in rule["verbs"]}
    return found


def used(audit: AuditLog, namespace: str) -> set[tuple[str, str, str]]:
    """Return the same of what was asked for and allowed."""
    out = set()
    for use in audit.uses(namespace):
        if not use.resource:
            continue
        assert use.code != 403, use
        out.add((use.verb, *(("kinds", "kinds") if use.group.endswith(".azure.com") else (use.group, use.resource))))
    return out


def pod_of(
    plane: ControlPlane, azure: Azure, folder: Path, rights: Rights, operator: str, without: Without | None = None
) -> Pod:
    """Return a pod as an account with the chart's rights, one verb left out where that is said."""
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": operator}})
    who = chart_account(plane, operator, "pod", rights, without=without)
    mode = "watch" if rights is Rights.REPORT else "watchers-and-webhooks"
    environment = {"POD_NAMESPACE": operator, "AZURE_OPERATOR_MODE": mode, "AZURE_SYNC_PERIOD": "never"}
    options = ["--observe-period", "0.5", "--health-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"]
    if rights is Rights.INSTALL:
        options += ["--enable-leader-election", "--crd-pattern", PATTERN, "--export-period", "0.5"]
    return Pod(plane, azure, plane.kubeconfig(who), folder / operator, environment, tuple(options))


def exports(*names: str) -> Object:
    """Return an ``operatorSpec`` that writes keys and a place under these names."""
    return {
        "secrets": {f"key{n}": {"name": "keys", "key": name} for n, name in enumerate(names, 1)},
        "configMapExpressions": [{"name": "places", "key": name, "value": "self.spec.location"} for name in names],
    }


def takes(web: Web, collection: str, item: Object) -> bool:
    """Create an object; 503 while the policy that fills in names does not know the kind yet."""
    metadata = {**item["metadata"], "namespace": web.namespace}
    status, answer = web.admin.call("POST", web.path(collection), {**item, "metadata": metadata})
    assert status in (201, 404, 503), answer
    return status == 201


def manage(web: Web) -> None:
    """Let objects come, export and change."""
    rg, name = web.namespace, web.namespace.replace("-", "")
    for collection, item in (
        (GROUPS, group(rg, tags={"app": "shop"})),
        (ACCOUNTS, account(name, rg, operatorSpec=exports("one"))),
    ):
        web.wait_for(f"{collection} to take objects", lambda c=collection, i=item: takes(web, c, i))
    web.wait_ready(ACCOUNTS, name)
    web.patch(ACCOUNTS, name, {"spec": {"operatorSpec": exports("one", "two")}})
    web.wait_ready(ACCOUNTS, name, 2)


def stand(web: Web) -> None:
    """Let there be what an operator left that is there no more: objects with a status, one with a value of a map."""
    rg = web.namespace
    resource = f"{web.azure.subscription}/resourceGroups/{rg}"
    web.azure.edit("PUT", resource, {"location": "westeurope", "tags": {"app": "shop"}}, api="2020-06-01")
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "observedGeneration": 1, "severity": ""}
    status = {"id": resource, "location": "westeurope", "tags": {"app": "shop"}}
    web.create(GROUPS, group(rg, tags={"app": "shop"}, annotations={OPERATOR_NAMESPACE: "aso-system"}))
    since = {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    web.admin.patch(f"{web.path(GROUPS, rg)}/status", {"status": {**status, "conditions": [ready | since]}})
    web.admin.create(f"/api/v1/namespaces/{rg}/configmaps", {"metadata": {"name": "who"}, "data": {"id": PRINCIPAL}})
    spec = {
        "owner": {"group": "resources.azure.com", "kind": "ResourceGroup", "name": rg},
        "principalIdFromConfig": {"name": "who", "key": "id"},
        "roleDefinitionReference": {"wellKnownName": "Reader"},
    }
    web.create(ROLES, make_object("RoleAssignment", "authorization/v1api20220401", "reads", spec))


def drift_and_go(web: Web, pod: Pod, plane: ControlPlane) -> None:
    """Let a tag drift until that is reported, let the metrics be read, and let the objects go."""
    rg = web.namespace
    web.azure.edit_tags(f"{web.azure.subscription}/resourceGroups/{rg}", "Replace", {"app": "theirs"})
    web.wait_for("a report", lambda: web.get(REPORTS, "drift"))
    assert ask(pod, plane.account(rg, "prometheus", READS_METRICS).token)[0] == 200
    for collection, name in ((ACCOUNTS, rg.replace("-", "")), (ROLES, "reads"), (GROUPS, rg)):
        web.admin.call("DELETE", web.path(collection, name))
        web.wait_gone(collection, name)
    web.wait_for("no report", lambda: web.get(REPORTS, "drift") is None)


def by_apply(verbs: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return the rights to create that an apply needs beside the right to patch: the audit knows the latter alone."""
    patched = {(group, resource) for verb, group, resource in verbs if verb == "patch"}
    return {("create", *where) for where in patched}


def test_every_verb_of_a_pod_that_manages_is_used(
    plane: ControlPlane, azure: Azure, admin: Api, audit: AuditLog, tmp_path: Path
) -> None:
    """A pod's life asks for every verb that the chart gives, and for nothing that it does not give."""
    pod = pod_of(plane, azure, tmp_path, Rights.INSTALL, "manages")
    with pod:
        web = open_web(admin, azure, "used")
        manage(web)
        drift_and_go(web, pod, plane)
        assert pod.stop() == 0
        admin.patch(f"{DEFINITIONS}/resourcegroups.resources.azure.com", {"metadata": {"labels": {VERSION: "v0"}}})
        pod.start()
        assert pod.stop() == 0
    uses, rights = used(audit, "manages"), given(Rights.INSTALL)

    assert rights - uses <= by_apply(uses) & rights
    assert uses <= rights


def test_every_verb_of_a_pod_that_reports_is_used(
    plane: ControlPlane, azure: Azure, admin: Api, audit: AuditLog, tmp_path: Path
) -> None:
    """The same holds for the pod that only reports."""
    if admin.get(f"{DEFINITIONS}/driftreports.trueup.dev") is not None:
        admin.delete(f"{DEFINITIONS}/driftreports.trueup.dev")
    web = open_web(admin, azure, "used")
    stand(web)
    pod = pod_of(plane, azure, tmp_path, Rights.REPORT, "reports")
    with pod:
        drift_and_go(web, pod, plane)
    uses, rights = used(audit, "reports"), given(Rights.REPORT)

    assert rights - uses <= by_apply(uses) & rights
    assert uses <= rights


GONE = {
    (Rights.INSTALL, "customresourcedefinitions"): f"{DEFINITIONS}/driftreports.trueup.dev",
    (Rights.INSTALL, "validatingadmissionpolicies"): f"{ADMISSION}/validatingadmissionpolicies/trueup-immutable",
    (Rights.INSTALL, "validatingadmissionpolicybindings"): (
        f"{ADMISSION}/validatingadmissionpolicybindings/trueup-immutable"
    ),
    (Rights.INSTALL, "mutatingadmissionpolicies"): f"{ADMISSION}beta1/mutatingadmissionpolicies/trueup-names",
    (Rights.INSTALL, "mutatingadmissionpolicybindings"): (
        f"{ADMISSION}beta1/mutatingadmissionpolicybindings/trueup-names"
    ),
    (Rights.INSTALL, "driftreports"): "",
    (Rights.REPORT, "customresourcedefinitions"): f"{DEFINITIONS}/driftreports.trueup.dev",
    (Rights.REPORT, "driftreports"): "",
}
"""What an apply creates with the right to create and not with the right to patch alone -> what is to be gone before."""


def test_every_create_of_an_apply_is_taken_away_below(audit: AuditLog) -> None:
    """What the audit cannot show is in the table, and nothing else is."""
    for rights in (Rights.INSTALL, Rights.REPORT):
        hidden = {resource for _, _, resource in by_apply(given(rights)) & given(rights)}

        assert hidden == {resource for of, resource in GONE if of is rights}


@pytest.mark.parametrize("taken", GONE, ids=lambda taken: f"{taken[0].name.lower()}-{taken[1]}")
def test_without_the_right_to_create_what_is_applied(
    plane: ControlPlane, azure: Azure, admin: Api, tmp_path: Path, taken: tuple[Rights, str]
) -> None:
    """An apply of what is not there is refused without the right to create it, and the log says which is missing."""
    rights, resource = taken
    web = open_web(admin, azure, "creates")
    if GONE[taken] and admin.get(GONE[taken]) is not None:
        admin.delete(GONE[taken])
    stand(web)
    web.azure.edit_tags(f"{azure.subscription}/resourceGroups/{web.namespace}", "Replace", {"app": "theirs"})

    with pod_of(plane, azure, tmp_path, rights, f"no-{web.namespace}", ("create", resource)) as pod:
        expected = f"may not create {resource}."
        web.wait_for("a complaint", lambda: expected in pod.log.read_text())
        line = next(text for text in pod.log.read_text().splitlines() if expected in text)

    assert f"resources: [{resource}], verbs: [create]" in line.replace("\\", "").replace('"', "")
