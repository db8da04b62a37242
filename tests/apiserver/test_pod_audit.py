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
from tests.apiserver.rights import chart_account
from tests.conftest import ROOT
from tests.verbs_desk import group

pytestmark = pytest.mark.apiserver

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))


def test_the_pod_prints_what_it_writes(plane: ControlPlane, admin: Api, namespace: str, tmp_path: Path) -> None:
    """Intent and outcome of a write are JSON lines, as every line of the log is, with the identity it was sent as."""
    install(admin, GROUPS)
    options = EmulatorOptions(state=tmp_path / "azure", plain_http=True, retry_after_s=0)
    config = plane.kubeconfig(chart_account(plane, namespace, "pod"))
    item = group("rg")
    with emulator_thread(options, SystemClock()) as azure:
        admin.create(collection(GROUPS, namespace), item | {"metadata": {"name": "rg"}})
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AZURE_")},
            "AZURE_RESOURCE_MANAGER_ENDPOINT": azure.arm,
            "AZURE_SUBSCRIPTION_ID": azure.subscription,
            "AZURE_TENANT_ID": azure.tenant,
            "AZURE_CLIENT_ID": azure.client,
            "AZURE_CLIENT_SECRET": azure.secret,
            "POD_NAMESPACE": namespace,
            "AZURE_TARGET_NAMESPACES": namespace,
            "PYTHONPATH": str(ROOT),
        }
        log = tmp_path / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "engine", "run", "--kubeconfig", str(config), "--webhook-port=1"]
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
    assert (lines[0]["by"]["appId"], lines[0]["by"]["tenantId"]) == (azure.client, azure.tenant)
    everything = [json.loads(line) for line in log.read_text().splitlines()]
    assert everything[0]["text"] == "--webhook-port is accepted without effect: there are no webhooks"


def ended(log: Path) -> list[dict[str, Any]]:
    """Return the lines of the audit log once there is an outcome among them."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"format"')]
    return lines if any(line["event"] == "outcome" for line in lines) else []


@pytest.mark.parametrize(
    ("options", "setting", "said"),
    [
        (["--shards", "0"], {}, "--shards must be 1 or more"),
        (["--shard", "2"], {}, "did you mean --shards?"),
        ([], {"AZURE_OPERATOR_MODE": "both"}, "AZURE_OPERATOR_MODE is 'both'"),
    ],
)
def test_a_start_that_fails_says_so_in_the_log(options: list[str], setting: dict[str, str], said: str) -> None:
    """What is wrong with options or settings is a line of the log as well, and the exit code is 1."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **setting}
    command = [sys.executable, "-m", "engine", "run", *options]

    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    line = json.loads(ended.stderr)
    assert (ended.returncode, line["level"]) == (1, "error")
    assert said in line["text"]
