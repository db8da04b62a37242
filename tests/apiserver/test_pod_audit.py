"""The pod's writes leave their trace on its standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fake_kube import FakeKind
from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.api import Api
from tests.apiserver.crds import collection, install
from tests.apiserver.plane import ControlPlane
from tests.conftest import ROOT
from tests.verbs_desk import group

pytestmark = pytest.mark.apiserver

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
WORKS = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def test_the_pod_prints_what_it_writes(plane: ControlPlane, admin: Api, namespace: str, tmp_path: Path) -> None:
    """An object that is applied becomes a resource; intent and outcome are JSON lines of the pod's log."""
    install(admin, GROUPS)
    options = EmulatorOptions(state=tmp_path / "azure", plain_http=True, retry_after_s=0)
    config = plane.kubeconfig(plane.account(namespace, "pod", WORKS))
    item = group("rg")
    with emulator_thread(options, SystemClock()) as azure:
        admin.create(collection(GROUPS, namespace), item | {"metadata": {"name": "rg"}})
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AZURE_")},
            "AZURE_RESOURCE_MANAGER_ENDPOINT": azure.arm,
            "AZURE_SUBSCRIPTION_ID": azure.subscription,
            "POD_NAMESPACE": namespace,
            "AZURE_TARGET_NAMESPACES": namespace,
            "PYTHONPATH": str(ROOT),
        }
        log = tmp_path / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "engine", "run", "--kubeconfig", str(config)]
            pod = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
        try:
            lines = admin.wait_for("the outcome of the write", lambda: ended(log))
        finally:
            pod.terminate()
            pod.wait(20)

    assert [line["event"] for line in lines] == ["intent", "outcome"], lines
    assert (lines[0]["object"]["name"], lines[0]["request"]["method"]) == ("rg", "PUT")
    assert (lines[1]["outcome"], lines[1]["write"]) == ("succeeded", lines[0]["write"])
    assert lines[0]["by"]["process"] == pod.pid


def ended(log: Path) -> list[dict[str, Any]]:
    """Return the lines of the audit log once there is an outcome among them."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"format"')]
    return lines if any(line["event"] == "outcome" for line in lines) else []
