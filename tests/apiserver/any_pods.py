"""Pods in any mode, each in a namespace of its own, beside whatever else runs in the cluster."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from engine.app.cli import main
from engine.crds.definition import all_names, define
from engine.crds.pattern import choose
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import Pod, Web, credential
from tests.apiserver.rights import Rights, Without, bind, chart_account
from tests.verbs_desk import Azure, Object

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
    rights: Rights = Rights.MANAGE,
    operator: str = "",
    more: Iterable[Object] = (),
    without: Without | None = None,
) -> Iterator[Pod]:
    """Run a pod as an account that may do what the chart lets it; with ``more`` roles, ``without`` a verb of all."""
    name = operator or f"operator-{next(_NUMBERS)}"
    if plane.admin.get(f"/api/v1/namespaces/{name}") is None:
        plane.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"pod-{next(_NUMBERS)}"
    who = chart_account(plane, name, account, rights, without=without)
    bind(plane, name, account, more, without=without)
    settings = {"POD_NAMESPACE": name, **environment}
    period = () if "--observe-period" in options else ("--observe-period", "0.3")
    with Pod(plane, azure, plane.kubeconfig(who), folder / "log", settings, (*period, *options)) as pod:
        yield pod
