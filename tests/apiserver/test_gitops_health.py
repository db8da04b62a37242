"""What GitOps tools make of our objects: Flux's own kstatus, compiled from its Go module, reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, Pod, Web
from tests.apiserver.pods import make_pod
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

MODULE = Path(__file__).resolve().parent / "kstatus"
Health = Callable[[Any], str]


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> Health:
    """Return what kstatus says of an object; compiled in 10 s, the second time at once."""
    if shutil.which("go") is None:
        pytest.skip("kstatus is compiled with Go, which is not here")
    program = tmp_path_factory.mktemp("kstatus") / "kstatus"
    fetched = subprocess.run(["go", "mod", "download"], cwd=MODULE, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"the modules of kstatus cannot be had: {fetched.stderr[-200:]}")
    subprocess.run(["go", "build", "-buildvcs=false", "-o", str(program), "."], cwd=MODULE, check=True)

    def look(item: Any) -> str:
        ended = subprocess.run([str(program)], input=json.dumps(item), capture_output=True, text=True, check=True)
        return ended.stdout.strip()

    return look


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod."""
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod")) as running:
        yield running


def test_what_is_ready_is_current(web: Web, health: Health) -> None:
    """A resource that is as its object says is Current, before and after an edit."""
    web.create(GROUPS, group("health1"))
    created = health(web.wait_ready(GROUPS, "health1"))

    web.patch(GROUPS, "health1", {"spec": {"tags": {"team": "web"}}})

    assert created == "Current"
    assert health(web.wait_ready(GROUPS, "health1", generation=3)) == "Current"


def test_what_waits_or_was_refused_is_not_current(web: Web, azure: Azure, health: Health) -> None:
    """While an owner is missing, and when Azure refuses a resource, nobody goes on as if it were there."""
    web.create(ACCOUNTS, account("health2store", "health2"))
    web.wait_reason(ACCOUNTS, "health2store", "WaitingForOwner")
    waits = health(web.get(ACCOUNTS, "health2store"))

    error = {"error": {"code": "QuotaExceeded", "message": "no more groups"}}
    match = {"method": "PUT", "path_regex": "health2$"}
    azure.script({"match": match, "times": 100, "answer": {"status": 409, "body": error}})
    web.create(GROUPS, group("health2"))
    web.wait_for("a refusal", lambda: web.ready(GROUPS, "health2").get("status") == "False")
    refused = health(web.get(GROUPS, "health2"))
    azure.clear_script()

    assert (waits, refused) == ("InProgress", "InProgress")


def test_what_is_being_deleted_is_terminating(web: Web, health: Health) -> None:
    """Until the resource is gone the object is Terminating, so that nothing is pruned twice."""
    item = group("health3")
    annotations = {"trueup.dev/protect": "true"}
    web.create(GROUPS, {**item, "metadata": {**item["metadata"], "annotations": annotations}})
    web.wait_ready(GROUPS, "health3")

    web.admin.delete(web.path(GROUPS, "health3"))

    found = web.get(GROUPS, "health3")
    assert FINALIZER in found["metadata"]["finalizers"]
    assert health(found) == "Terminating"
