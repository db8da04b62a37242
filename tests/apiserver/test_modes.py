"""Modes, settings and flags of the pod on a real API server: each has the effect that it has with ASO."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, PREFIX, Pod, Web
from tests.apiserver.rights import Rights
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_NUMBERS = itertools.count(1)


@pytest.fixture
def web(admin: Api, azure: Azure, kinds: None) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "modes")


@pytest.fixture
def name() -> str:
    """Return the name of a resource group that nobody else uses."""
    return f"modes-rg{next(_NUMBERS)}"


def versions(web: Web) -> dict[str, str]:
    """Return the resourceVersion of every group of the namespace."""
    found: list[Any] = web.admin.get(web.path(GROUPS))["items"]
    return {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in found}


def text_of(pod: Pod) -> str:
    return pod.log.read_text()


def left_by_aso(name: str, resource: str, **more: Any) -> Any:
    """Return a resource group as a live ASO holds it."""
    annotations = {
        PREFIX + "operator-namespace": "aso-system",
        PREFIX + "resource-id": resource,
        PREFIX + "latest-reconciled-generation": "1",
    }
    labels = {PREFIX + "last-reconciled-version": "v2.20.0"}
    item = group(name, annotations=annotations, labels=labels, finalizers=[PREFIX + "finalizer"], **more)
    item["spec"]["azureName"] = name
    return item


@pytest.mark.parametrize("mode", ["plan", "watch"])
def test_a_mode_that_reports_writes_nothing_anywhere(
    plane: ControlPlane, web: Web, azure: Azure, name: str, tmp_path: Path, mode: str
) -> None:
    """With rights to read alone it tells drift, what is missing, and which live ASO has what; nothing moves."""
    resource = f"{azure.subscription}/resourceGroups/{name}"
    azure.edit("PUT", resource, {"location": "westeurope", "tags": {"app": "theirs"}}, api=GROUP_API)
    web.create(GROUPS, left_by_aso(name, resource, tags={"app": "shop"}))
    web.create(GROUPS, group(f"{name}-new"))
    lease(web.admin, "aso-system")
    before = versions(web)
    azure.forget_traffic()

    settings = {"AZURE_OPERATOR_MODE": mode, "AZURE_TARGET_NAMESPACES": web.namespace}
    with running(plane, azure, tmp_path, environment=settings, rights=Rights.REPORT) as pod:
        web.wait_for("three passes", lambda: text_of(pod).count("2 checked") >= 3)
        assert pod.stop() == 0

    said = text_of(pod)
    assert azure.writes == []
    assert versions(web) == before
    assert web.events(name) == []
    assert web.events(f"{name}-new") == []
    assert '"theirs" → "shop"' in said
    assert "Plan: 1 to create, 1 to update" in said
    assert said.count("Plan: 1 to create, 1 to update") == 1
    assert "operator v2.20.0 in namespace aso-system has 1 of 2 objects; it is live: aso-pod-1 holds the Lease" in said


def lease(admin: Api, namespace: str) -> None:
    """Let an ASO lead in a namespace, for as long as the tests take."""
    if admin.get(f"/api/v1/namespaces/{namespace}") is not None:
        return
    admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    held = {
        "holderIdentity": "aso-pod-1",
        "leaseDurationSeconds": 600,
        "renewTime": SystemClock().now().strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
    }
    name = "controllers-leader-election-azinfra-generated"
    admin.create(LEASES.format(namespace), {"metadata": {"name": name}, "spec": held})


def test_a_report_as_json_lines(plane: ControlPlane, web: Web, azure: Azure, name: str, tmp_path: Path) -> None:
    """With --json-logging every pass is events, the last of them with its counts; --v=0 prints none."""
    import json

    web.create(GROUPS, group(name))
    settings = {"AZURE_OPERATOR_MODE": "Plan", "AZURE_TARGET_NAMESPACES": web.namespace}

    with running(plane, azure, tmp_path, "--json-logging", environment=settings, rights=Rights.REPORT) as pod:
        web.wait_for("two passes", lambda: text_of(pod).count("drift_summary") >= 2)

    lines = [json.loads(line) for line in text_of(pod).splitlines() if line.startswith("{")]
    kinds = [line["type"] for line in lines if "type" in line]
    assert kinds[:4] == ["version", "planned_change", "change_summary", "drift_summary"]
    assert set(kinds[4:]) <= {"drift_summary"}


def test_only_target_namespaces_and_only_as_the_default_policy_says(
    plane: ControlPlane, admin: Api, azure: Azure, web: Web, name: str, tmp_path: Path
) -> None:
    """Spaces around names count for nothing; elsewhere nothing is done; who names no policy has the default one."""
    other, third = open_web(admin, azure, "modes"), open_web(admin, azure, "modes")
    for place in (web, other, third):
        place.create(GROUPS, group(f"{name}-{place.namespace}"))
    managed = {PREFIX + "reconcile-policy": "manage"}
    web.create(GROUPS, group(f"{name}-managed", annotations=managed))
    settings = {
        "AZURE_OPERATOR_MODE": "watchers",
        "AZURE_TARGET_NAMESPACES": f" {web.namespace} ,{other.namespace}, ",
        "DEFAULT_RECONCILE_POLICY": "skip",
    }

    with running(plane, azure, tmp_path, environment=settings):
        web.wait_ready(GROUPS, f"{name}-managed")
        for place in (web, other):
            place.wait_reason(GROUPS, f"{name}-{place.namespace}", "AzureResourceNotFound")

    assert "status" not in third.get(GROUPS, f"{name}-{third.namespace}")


def test_webhooks_alone_installs_and_watches_nothing(
    plane: ControlPlane, web: Web, azure: Azure, name: str, tmp_path: Path
) -> None:
    """The mode brings definitions with the labels asked for, and the admission policy; objects are left alone."""
    web.create(GROUPS, group(name))
    options = ("--crd-pattern", "NETWORK.azure.com/routetable", "--crd-labels", "team=net; tier=one")
    settings = {"AZURE_OPERATOR_MODE": "webhooks"}

    with running(plane, azure, tmp_path, *options, environment=settings, rights=Rights.INSTALL) as pod:
        assert pod.stop() == 0

    found = web.admin.get(f"{CRDS}/routetables.network.azure.com")
    assert {"team": "net", "tier": "one"}.items() <= found["metadata"]["labels"].items()
    assert web.admin.get(f"{POLICIES}/trueup-immutable") is not None
    assert "status" not in web.get(GROUPS, name)


def test_definitions_at_start(plane: ControlPlane, web: Web, azure: Azure, name: str, tmp_path: Path) -> None:
    """What the pattern means is installed before anything is watched; what it means no longer stays, upgraded."""
    everywhere = {"AZURE_OPERATOR_MODE": "", "AZURE_TARGET_NAMESPACES": web.namespace}
    installed = f"{CRDS}/virtualnetworkgateways.network.azure.com"
    first = ("--crd-pattern", "network.azure.com/VirtualNetworkGateway", "--enable-leader-election")
    with running(plane, azure, tmp_path, *first, environment=everywhere, rights=Rights.INSTALL) as pod:
        assert pod.stop() == 0
    web.admin.patch(installed, {"metadata": {"labels": {"app.kubernetes.io/version": "v0.0.1"}}})

    second = ("--crd-pattern", "resources.azure.com/*", "--webhook-port=9443")
    with running(plane, azure, tmp_path, *second, environment=everywhere, rights=Rights.INSTALL) as pod:
        web.create(GROUPS, group(name))
        web.wait_ready(GROUPS, name)

    assert web.admin.get(installed)["metadata"]["labels"]["app.kubernetes.io/version"] != "v0.0.1"
    assert "definition of network.azure.com/VirtualNetworkGateway applied" in text_of(pod)
    assert "--webhook-port is accepted without effect: there are no webhooks" in text_of(pod)


def test_a_credential_of_another_cloud(
    plane: ControlPlane, admin: Api, azure: Azure, kinds: None, name: str, tmp_path: Path
) -> None:
    """Where ALLOW_MULTI_ENV_MANAGEMENT is set a credential is used at the endpoint it names; else it is refused."""
    options = EmulatorOptions(state=tmp_path / "sovereign", plain_http=True, retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        cloud = {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": connection.arm,
            "AZURE_RESOURCE_MANAGER_AUDIENCE": connection.arm,
            "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us",
        }
        web = open_web(admin, Azure(connection), "modes", **cloud)
        web.create(GROUPS, group(name, tags={"a": "b"}))
        watched = {"AZURE_TARGET_NAMESPACES": web.namespace, "AZURE_OPERATOR_MODE": "watchers"}

        with running(plane, azure, tmp_path, environment=watched):
            refused = web.wait_reason(GROUPS, name, "Failed")
        allowed = {**watched, "ALLOW_MULTI_ENV_MANAGEMENT": "true", "AZURE_USER_AGENT_SUFFIX": "contoso/1"}
        with running(plane, azure, tmp_path, "--take-over-from", "nobody", environment=allowed, operator="multi"):
            web.wait_ready(GROUPS, name)
        there = Azure(connection).get(f"{web.azure.subscription}/resourceGroups/{name}", api=GROUP_API)

    assert "names a cloud of its own" in refused["message"]
    assert there["tags"] == {"a": "b"}
    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api=GROUP_API) is None
