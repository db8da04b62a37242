"""Pods in any mode, each in a namespace of its own, beside whatever else runs in the cluster."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.app.cli import main
from engine.crds.definition import all_names, define
from engine.crds.pattern import choose
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import RULES, Pod, Web, credential
from tests.verbs_desk import Azure, Object

READ_ONLY: tuple[Object, ...] = (
    {"apiGroups": [""], "resources": ["namespaces", "secrets", "configmaps"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]},
    {
        "apiGroups": ["resources.azure.com", "storage.azure.com", "network.azure.com"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch"],
    },
)
"""Everything that a pod needs that only reports."""
DEFINITIONS: tuple[Object, ...] = (
    *RULES,
    {
        "apiGroups": ["apiextensions.k8s.io", "admissionregistration.k8s.io"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch", "create", "patch", "update"],
    },
)
"""What a pod needs that installs definitions."""
REPORTING: tuple[Object, ...] = (
    *READ_ONLY,
    {
        "apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"],
        "resourceNames": ["driftreports.trueup.dev"],
        "verbs": ["get", "create", "patch"],
    },
    {
        "apiGroups": ["trueup.dev"],
        "resources": ["driftreports"],
        "verbs": ["get", "list", "create", "patch", "delete"],
    },
)
"""What a pod needs that reports drift as DriftReports too."""
_NUMBERS = itertools.count(1)


def install_kinds(plane: ControlPlane) -> None:
    """Install our definitions of a few kinds, and wait until each can be listed: its storage begins a moment later."""
    pattern = "resources.azure.com/*;storage.azure.com/StorageAccount;network.azure.com/VirtualNetwork*"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    for group, kind in choose(pattern, all_names()):
        spec = define(group, kind, version="v0")["spec"]
        for version in spec["versions"]:
            path = f"/apis/{group}/{version['name']}/{spec['names']['plural']}"
            plane.admin.wait_for(f"{path} to be listed", lambda path=path: plane.admin.call("GET", path)[0] == 200)


def open_web(admin: Api, azure: Azure, prefix: str, **more: str) -> Web:
    """Return a new namespace with a credential."""
    found = Web(admin, azure, f"{prefix}-{next(_NUMBERS)}")
    admin.create("/api/v1/namespaces", {"metadata": {"name": found.namespace}})
    item = {"metadata": {"name": "aso-credential"}, "data": credential(azure.connection, **more)}
    admin.create(f"/api/v1/namespaces/{found.namespace}/secrets", item)
    return found


@contextlib.contextmanager
def running(
    plane: ControlPlane,
    azure: Azure,
    folder: Path,
    *options: str,
    environment: Mapping[str, str],
    rules: tuple[Object, ...] = RULES,
    operator: str = "",
) -> Iterator[Pod]:
    """Run a pod as an account that may do what the rules say."""
    name = operator or f"operator-{next(_NUMBERS)}"
    if plane.admin.get(f"/api/v1/namespaces/{name}") is None:
        plane.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    who = plane.account(name, f"pod-{next(_NUMBERS)}", *rules)
    settings = {"POD_NAMESPACE": name, **environment}
    period = () if "--observe-period" in options else ("--observe-period", "0.3")
    with Pod(plane, azure, plane.kubeconfig(who), folder / "log", settings, (*period, *options)) as pod:
        yield pod
