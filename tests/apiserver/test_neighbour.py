"""An ASO that is live in the operator's namespace is not written beside, on a real API server."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.clock import SystemClock
from tests.apiserver.any_pods import install_kinds, open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Web
from tests.verbs_desk import GROUP_API, Azure, group

pytestmark = pytest.mark.apiserver

LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
NAME = "controllers-leader-election-azinfra-generated"


def spec(holder: str, *, age: timedelta = timedelta(0), lasts: int = 15) -> Any:
    """Return what a Lease says that was renewed some time ago."""
    renewed = (SystemClock().now() - age).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {"holderIdentity": holder, "leaseDurationSeconds": lasts, "renewTime": renewed}


def lead(admin: Api, namespace: str, found: Any) -> None:
    """Make a Lease as a leader does."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    admin.create(LEASES.format(namespace), {"metadata": {"name": NAME}, "spec": found})


@pytest.mark.parametrize("options", [(), ("--enable-leader-election",)], ids=["alone", "sharing"])
def test_nothing_is_written_beside_a_live_aso(
    plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The log says who leads and what to do; as soon as the Lease is given up all objects are worked on."""
    install_kinds(plane)
    operator = f"beside{len(options)}"
    lead(admin, operator, spec("aso-pod-1", lasts=600))
    web = open_web(admin, azure, "beside")
    web.create(GROUPS, group(f"{operator}-rg"))
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": web.namespace}
    azure.forget_traffic()

    with running(plane, azure, tmp_path, *options, environment=environment, operator=operator) as pod:
        web.wait_for("the warning", lambda: "a live Azure Service Operator" in pod.log.read_text())
        edited = web.patch(GROUPS, f"{operator}-rg", {"spec": {"tags": {"app": "shop"}}})
        web.wait_for("some passes", lambda: pod.process is not None and _waits(pod.process))
        untouched = web.get(GROUPS, f"{operator}-rg")
        writes = azure.writes
        admin.patch(f"{LEASES.format(operator)}/{NAME}", {"spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})
        web.wait_ready(GROUPS, f"{operator}-rg")
        said = pod.log.read_text()

    assert writes == []
    assert untouched["metadata"]["resourceVersion"] == edited["metadata"]["resourceVersion"]
    assert f"aso-pod-1 holds the Lease {NAME} in namespace {operator}; nothing is written" in said
    assert "no other operator renews the Lease" in said
    assert azure.get(f"{azure.subscription}/resourceGroups/{operator}-rg", api=GROUP_API)["tags"] == {"app": "shop"}


def _waits(process: Any) -> bool:
    """Let two more looks at the Lease, and many passes, go by."""
    try:
        process.wait(6)
    except subprocess.TimeoutExpired:
        return True
    return False


def test_an_aso_that_starts_later_is_given_way_to(
    plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path
) -> None:
    """A Lease that was left behind stops nothing; once somebody takes it nothing more is written."""
    install_kinds(plane)
    lead(admin, "beside-later", spec("aso-pod-1", age=timedelta(hours=1)))
    web = open_web(admin, azure, "beside")
    web.create(GROUPS, group("beside-later-a"))
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": web.namespace}

    with running(plane, azure, tmp_path, environment=environment, operator="beside-later") as pod:
        web.wait_ready(GROUPS, "beside-later-a")
        before = pod.log.read_text()
        admin.patch(f"{LEASES.format('beside-later')}/{NAME}", {"spec": spec("aso-pod-2", lasts=600)})
        web.wait_for("the warning", lambda: "aso-pod-2 holds the Lease" in pod.log.read_text())
        azure.forget_traffic()
        web.create(GROUPS, group("beside-later-b"))
        web.wait_for("some passes", lambda: pod.process is not None and _waits(pod.process))

    assert "a live Azure Service Operator" not in before
    assert azure.writes == []
    assert "status" not in web.get(GROUPS, "beside-later-b")


def test_an_aso_without_a_lease_is_given_way_to(plane: ControlPlane, admin: Api, azure: Azure, tmp_path: Path) -> None:
    """What ASO wrote before the pod began stops nothing; once it writes a status, nothing more is written beside it."""
    install_kinds(plane)
    web = open_web(admin, azure, "beside")
    for name in ("beside-bare-a", "beside-bare-b"):
        web.create(GROUPS, group(name))
    tell_as_aso(web, "beside-bare-a")
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": web.namespace}

    with running(plane, azure, tmp_path, environment=environment, operator="beside-bare") as pod:
        for name in ("beside-bare-a", "beside-bare-b"):
            web.wait_ready(GROUPS, name)
        web.patch(GROUPS, "beside-bare-a", {"spec": {"tags": {"app": "shop"}}})
        web.wait_ready(GROUPS, "beside-bare-a", 2)
        before = pod.log.read_text()
        azure.forget_traffic()
        tell_as_aso(web, "beside-bare-b")
        web.wait_for("the warning", lambda: "without a Lease manages these objects" in pod.log.read_text())
        web.create(GROUPS, group("beside-bare-c"))
        web.wait_for("some passes", lambda: pod.process is not None and _waits(pod.process))
        untouched = web.get(GROUPS, "beside-bare-c")
        writes = azure.writes
        pod.kill()
        pod.start()
        web.wait_ready(GROUPS, "beside-bare-c")

    assert "a live Azure Service Operator" not in before
    assert f"it wrote the status of {web.namespace}/ResourceGroup/beside-bare-b" in pod.log.read_text()
    assert "status" not in untouched
    assert writes == []


def tell_as_aso(web: Web, name: str) -> None:
    """Write a condition as ASO does with every reconcile."""
    ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "observedGeneration": 1}
    stamp = SystemClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"conditions": [{**ready, "lastTransitionTime": stamp}]}
    web.admin.patch(f"{web.path(GROUPS, name)}/status?fieldManager=controller", {"status": status})
