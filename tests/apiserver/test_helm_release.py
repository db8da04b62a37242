"""The chart with the real Helm on a real API server: install, upgrade, rollback, uninstall, and the pods it makes."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.cluster.detect import ASO_LEASE
from engine.runtime.clock import SystemClock
from tests.apiserver.any_pods import install_kinds, open_web
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import FINALIZER, GROUPS, Pod, Web
from tests.apiserver.releases import Release
from tests.chart.helm import Helm, HelmError, find_helm
from tests.verbs_desk import Azure, Object, group, identity

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"
IDENTITIES = "/apis/managedidentity.azure.com/v1api20230131/namespaces/{}/userassignedidentities"
PATTERN = "resources.azure.com/*"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def helm(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return the real Helm, as an administrator of the cluster."""
    found = find_helm()
    if isinstance(found, str):
        pytest.skip(found)
    return Helm(found, tmp_path_factory.mktemp("helm"), {"KUBECONFIG": str(plane.kubeconfig())})


@pytest.fixture
def release(helm: Helm, plane: ControlPlane) -> Release:
    """Return a release of its own, not installed, in a namespace of its own."""
    number = next(_NUMBERS)
    return Release(helm, plane, f"trueup-{number}", f"operator-{number}")


def credential_values(azure: Azure) -> dict[str, Any]:
    """Return values that name the emulator and a credential for it."""
    connection = azure.connection
    return {
        "azureSubscriptionID": connection.subscription,
        "azureTenantID": connection.tenant,
        "azureClientID": connection.client,
        "azureClientSecret": connection.secret,
        "azureResourceManagerEndpoint": connection.arm,
        "trueup": {"observePeriod": 0.5},
    }


def everything(admin: Api, namespace: str) -> set[tuple[str, str]]:
    """Return what Helm may have made: plural and name, in the namespace and in the whole cluster."""
    inside = ("api/v1", ("secrets", "serviceaccounts", "services", "configmaps")), ("apps/v1", ("deployments",))
    more = ("networking.k8s.io/v1", ("networkpolicies",)), ("policy/v1", ("poddisruptionbudgets",))
    rbac = "apis/rbac.authorization.k8s.io/v1"
    found: set[tuple[str, str]] = set()
    for base, plurals in (*inside, *more, ("rbac.authorization.k8s.io/v1", ("roles", "rolebindings"))):
        prefix = base if base.startswith("api/") else f"apis/{base}"
        for plural in plurals:
            items = admin.get(f"/{prefix}/namespaces/{namespace}/{plural}")["items"]
            found |= {(plural, item["metadata"]["name"]) for item in items}
    for plural in ("clusterroles", "clusterrolebindings"):
        items = admin.get(f"/{rbac}/{plural}")["items"]
        ours = [i for i in items if i["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == "trueup"]
        found |= {(plural, item["metadata"]["name"]) for item in ours}
    return {(plural, name) for plural, name in found if (plural, name) not in _OF_EVERY_NAMESPACE}


_OF_EVERY_NAMESPACE = {("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")}


def test_from_install_to_uninstall(release: Release, admin: Api, azure: Azure, tmp_path: Path) -> None:
    """Installed, the pod makes a group Ready; upgrade, rollback and uninstall write nothing to Azure, and all stays."""
    values = {**credential_values(azure), "crdPattern": PATTERN}
    name = "helm-rg"
    resource = f"{azure.subscription}/resourceGroups/{name}"

    said = release.install(values)
    web = Web(admin, azure, f"{release.namespace}-web")
    admin.create("/api/v1/namespaces", {"metadata": {"name": web.namespace}})
    with release.pod(azure, tmp_path / "first") as pod:
        web.create(GROUPS, group(name, tags={"app": "shop"}))
        web.wait_ready(GROUPS, name)
        azure.forget_traffic()
        before = release.deployment()
        release.upgrade({**values, "azureSyncPeriod": "never", "replicaCount": 3})
        assert pod.stop() == 0
    with release.pod(azure, tmp_path / "second") as pod:
        upgraded = release.deployment()
        assert pod.environment["AZURE_SYNC_PERIOD"] == "never"
        web.wait_for("passes after the upgrade", lambda: azure.reads >= 3)
        release.rollback(1)
        assert pod.stop() == 0
    rolled_back = release.deployment()
    with release.pod(azure, tmp_path / "third") as pod:
        assert "AZURE_SYNC_PERIOD" not in pod.environment
        assert pod.stop() == 0
    told = release.notes()
    gone = release.uninstall()

    assert f"rollout status deployment/{before['metadata']['name']}" in said
    assert template_of(before) != template_of(upgraded)
    assert upgraded["spec"]["replicas"] == 3
    assert template_of(before) == template_of(rolled_back)
    kept = f"{release.name}-azure-resources-stay"
    assert f"These resources were kept due to the resource policy:\n[ConfigMap] {kept}\n" in gone
    assert "uninstalled" in gone
    assert azure.writes == []
    assert azure.get(resource, api=GROUP_API)["tags"] == {"app": "shop"}
    stays = everything(admin, release.namespace)
    assert stays == {("secrets", "trueup-hash-key"), ("configmaps", kept)}
    read_me = admin.get(f"/api/v1/namespaces/{release.namespace}/configmaps/{kept}")["data"]["read-me"]
    assert "all Azure resources" in read_me
    assert "Secret trueup-hash-key" in told
    assert "all Azure resources" in told
    assert web.get(GROUPS, name)["metadata"]["finalizers"] == [FINALIZER]
    assert admin.get("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/trueup-immutable") is not None


def test_a_release_that_comes_back_goes_on(release: Release, admin: Api, azure: Azure, tmp_path: Path) -> None:
    """Between uninstall and install nothing is lost: the new pod writes nothing to Azure, and goes on from there."""
    values = {**credential_values(azure), "crdPattern": PATTERN}
    name = f"back-{release.name}"
    release.install(values)
    web = Web(admin, azure, f"{release.namespace}-web")
    admin.create("/api/v1/namespaces", {"metadata": {"name": web.namespace}})
    with release.pod(azure, tmp_path / "first") as pod:
        web.wait_for("the kind", lambda: admin.call("GET", web.path(GROUPS))[0] == 200)
        web.create(GROUPS, group(name, tags={"app": "shop"}))
        before = web.wait_ready(GROUPS, name)
        assert pod.stop() == 0
    azure.forget_traffic()
    release.uninstall()
    left = admin.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/resourcegroups.resources.azure.com")
    between = web.get(GROUPS, name)
    release.install(values)
    with release.pod(azure, tmp_path / "second") as pod:
        seen = azure.reads
        web.wait_for("passes after the installation", lambda: azure.reads >= seen + 3)
        writes = azure.writes
        after = web.get(GROUPS, name)
        admin.delete(web.path(GROUPS, name))
        web.wait_gone(GROUPS, name)
        assert pod.stop() == 0
    release.uninstall()

    assert left["spec"]["versions"]
    assert between["metadata"]["finalizers"] == [FINALIZER]
    assert (before["status"], writes) == (after["status"], [])
    assert azure.writes == [f"DELETE resourceGroups/{name} 202"]


def test_another_pattern_brings_kinds_and_takes_none_away(
    release: Release, admin: Api, azure: Azure, tmp_path: Path
) -> None:
    """An upgrade to more kinds installs them; going back leaves them, and their objects are still kept."""
    values = credential_values(azure)
    definition = (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/userassignedidentities.managedidentity.azure.com"
    )
    release.install({**values, "crdPattern": PATTERN})
    web = Web(admin, azure, f"{release.namespace}-web")
    admin.create("/api/v1/namespaces", {"metadata": {"name": web.namespace}})
    with release.pod(azure, tmp_path / "first") as pod:
        first = admin.get(definition)
        assert pod.stop() == 0
    release.upgrade({**values, "crdPattern": f"{PATTERN};managedidentity.azure.com/UserAssignedIdentity"})
    with release.pod(azure, tmp_path / "second") as pod:
        web.wait_for("the kind", lambda: admin.call("GET", web.path(IDENTITIES))[0] == 200)
        web.create(GROUPS, group(web.namespace))
        web.create(IDENTITIES, identity("who", web.namespace))
        web.wait_ready(IDENTITIES, "who")
        assert pod.stop() == 0
    release.rollback(1)
    with release.pod(azure, tmp_path / "third") as pod:
        web.patch(IDENTITIES, "who", {"spec": {"tags": {"app": "shop"}}})
        tagged = web.wait_ready(IDENTITIES, "who", 2)
        assert pod.stop() == 0
    release.uninstall()

    assert first is None
    assert tagged["status"]["tags"] == {"app": "shop"}
    assert admin.get(definition) is not None


def template_of(deployment: Any) -> Any:
    return deployment["spec"]["template"]


def test_the_pod_is_a_restricted_one(release: Release, admin: Api, azure: Azure) -> None:
    """A namespace that enforces the restricted standard takes the pod, in every mode."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.create("/api/v1/namespaces", {"metadata": {"name": release.namespace, "labels": labels}})

    for mode in ("watchers-and-webhooks", "watch"):
        template = release.helm.render({"azureOperatorMode": mode}).only("Deployment")["spec"]["template"]
        pod = {"metadata": {"name": "trueup", **template["metadata"]}, "spec": template["spec"]}
        status, body = admin.call("POST", f"/api/v1/namespaces/{release.namespace}/pods?dryRun=All", pod)
        privileged = {**pod, "spec": {**pod["spec"], "hostNetwork": True}}
        refused, _ = admin.call("POST", f"/api/v1/namespaces/{release.namespace}/pods?dryRun=All", privileged)

        assert (status, refused) == (201, 403), body


def test_rights_in_target_namespaces_alone_are_enough(
    release: Release, plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path
) -> None:
    """With Roles in two namespaces their objects are kept, exports and events included; others are not seen."""
    install_kinds(plane)
    webs = [open_web(admin, azure, "helm-target") for _ in range(3)]
    targets = [web.namespace for web in webs[:2]]
    values = {
        **credential_values(azure),
        "azureOperatorMode": "watchers",
        "azureTargetNamespaces": targets,
        "installCRDs": False,
        "multitenant": {"enable": True},
    }
    release.install(values)

    with release.pod(azure, tmp_path / "log") as pod:
        for web in webs:
            web.create(GROUPS, exporting(f"helm-{web.namespace}"))
        for web in webs[:2]:
            web.wait_ready(GROUPS, f"helm-{web.namespace}")
            web.admin.patch(f"/api/v1/namespaces/{web.namespace}", {"metadata": {"annotations": {SKIP: "skip"}}})
        edited = webs[0]
        edited.patch(GROUPS, f"helm-{edited.namespace}", {"spec": {"tags": {"a": "b"}}})
        edited.wait_ready(GROUPS, f"helm-{edited.namespace}", 2)
        edited.wait_for("two events", lambda: len(edited.events(f"helm-{edited.namespace}")) >= 2)
        exported = admin.get(f"/api/v1/namespaces/{edited.namespace}/configmaps/exported")
        assert pod.stop() == 0

    text = pod.log.read_text()
    assert "may not" not in text
    assert "status" not in webs[2].get(GROUPS, f"helm-{webs[2].namespace}")
    assert exported["data"]["place"] == "westus"
    assert admin.get(f"/api/v1/namespaces/{release.namespace}/secrets/trueup-hash-key") is not None
    assert azure.get(f"{azure.subscription}/resourceGroups/helm-{edited.namespace}", api=GROUP_API).get("tags") is None


SKIP = "serviceoperator.azure.com/reconcile-policy"


def exporting(name: str) -> Object:
    """Return a group that writes its region into a ConfigMap."""
    item = group(name)
    item["spec"]["location"] = "westus"
    destination = {"name": "exported", "key": "place", "value": "self.spec.location"}
    item["spec"]["operatorSpec"] = {"configMapExpressions": [destination]}
    return item


@pytest.mark.parametrize("rule", ["get", "create"])
def test_without_the_right_to_its_own_secret(
    release: Release, plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path, rule: str
) -> None:
    """With target namespaces the key of remembered secrets needs two rights of its own; without one the log says so."""
    install_kinds(plane)
    web = open_web(admin, azure, "helm-key")
    values = {"azureOperatorMode": "watchers", "azureTargetNamespaces": [web.namespace], "installCRDs": False}
    release.install({**credential_values(azure), **values, "multitenant": {"enable": True}})
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{release.namespace}/roles"
    role = f"{path}/azureserviceoperator-leader-election-role"
    kept = [r for r in admin.get(role)["rules"] if not ("secrets" in r["resources"] and rule in r["verbs"])]
    admin.patch(role, {"rules": kept})

    with release.pod(azure, tmp_path / "log") as pod:
        text = pod.log.read_text()

    assert f"may not {rule} secrets in namespace {release.namespace}" in text


def test_watch_lives_beside_a_pod_that_manages(
    helm: Helm, plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path
) -> None:
    """Both releases stand in one namespace; the watcher reports, and reads alone."""
    install_kinds(plane)
    web = open_web(admin, azure, "helm-beside")
    manages, watches = (Release(helm, plane, name, "beside-system") for name in ("manages", "watches"))
    manages.install({**credential_values(azure), "installCRDs": False})
    first = everything(admin, "beside-system")
    values = {**credential_values(azure), "azureOperatorMode": "watch", "azureTargetNamespaces": [web.namespace]}

    watches.install(values)
    web.create(GROUPS, group("beside"))
    deployments = "/apis/apps/v1/namespaces/beside-system/deployments"
    manager = admin.get(f"{deployments}/azureserviceoperator-controller-manager")
    admin.delete(f"{deployments}/azureserviceoperator-controller-manager")
    azure.forget_traffic()
    with watches.pod(azure, tmp_path / "log") as pod:
        web.wait_for("a report", lambda: "Plan: 1 to create" in pod.log.read_text())
        text = pod.log.read_text()
    watches.uninstall()
    left = first - everything(admin, "beside-system")
    manages.uninstall()

    assert manager["spec"]["selector"]["matchLabels"] == {"control-plane": "controller-manager"}
    assert "may not" not in text
    assert azure.writes == []
    assert left == {("deployments", "azureserviceoperator-controller-manager")}


def test_two_releases_that_manage_are_refused(helm: Helm, plane: ControlPlane, azure: Azure, release: Release) -> None:
    """A second release with ASO's names in another namespace would share its cluster roles: Helm refuses it."""
    release.install({"crdPattern": PATTERN})
    other = Release(helm, plane, "second", f"{release.namespace}-b")

    with pytest.raises(HelmError, match="cannot be imported into the current release"):
        other.install({"crdPattern": PATTERN})

    release.uninstall()


def test_an_existing_secret_is_used(release: Release, admin: Api, azure: Azure, tmp_path: Path) -> None:
    """With createAzureOperatorSecret=false the settings are those of a Secret that is there, and stays in the end."""

    admin.create("/api/v1/namespaces", {"metadata": {"name": release.namespace}})
    settings: Mapping[str, str] = {
        "AZURE_SUBSCRIPTION_ID": azure.connection.subscription,
        "AZURE_TENANT_ID": azure.connection.tenant,
        "AZURE_CLIENT_ID": azure.connection.client,
        "AZURE_OPERATOR_MODE": "webhooks",
    }
    data = {key: base64.b64encode(text.encode()).decode() for key, text in settings.items()}
    path = f"/api/v1/namespaces/{release.namespace}/secrets"
    admin.create(path, {"metadata": {"name": "aso-controller-settings"}, "data": data})

    said = release.install({"createAzureOperatorSecret": False, "crdPattern": PATTERN})
    with release.pod(azure, tmp_path / "log") as pod:
        running: Pod = pod
        assert running.stop() == 0
    release.uninstall()

    assert "Secret aso-controller-settings" in said
    assert '"definitions and admission policies are in place; watching nothing"' in running.log.read_text()
    assert admin.get(f"{path}/aso-controller-settings") is not None


def test_way_is_given_where_objects_are_taken_over_from(
    release: Release, plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path
) -> None:
    """The chart lets the pod read ASO's Lease there; without that right the log names it."""
    install_kinds(plane)
    theirs = f"{release.namespace}-aso"
    admin.create("/api/v1/namespaces", {"metadata": {"name": theirs}})
    spec = {"holderIdentity": "aso-0", "leaseDurationSeconds": 600, "renewTime": f"{SystemClock().now():%FT%T}.000000Z"}
    lease = {"metadata": {"name": ASO_LEASE}, "spec": spec}
    admin.create(f"/apis/coordination.k8s.io/v1/namespaces/{theirs}/leases", lease)
    values = {**credential_values(azure), "azureOperatorMode": "watchers", "installCRDs": False}
    values["trueup"] = {"observePeriod": 0.5, "takeOverFrom": [theirs]}

    release.install(values)
    with release.pod(azure, tmp_path / "given") as pod:
        admin.wait_for("the warning", lambda: f"aso-0 holds the Lease {ASO_LEASE}" in pod.log.read_text())
        given = pod.log.read_text()
    admin.delete("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/azureserviceoperator-lease-reader-rolebinding")
    with release.pod(azure, tmp_path / "refused") as pod:
        admin.wait_for("the refusal", lambda: "may not get leases" in pod.log.read_text())
        refused = next(text for text in pod.log.read_text().splitlines() if "may not get leases" in text)

    assert "may not" not in given
    assert f"whether another operator is live in namespace {theirs} is not known" in refused
    assert "with the rule {apiGroups: " in refused
