"""DriftReports on a real API server: written when something changed, and only then; taken up again after a restart."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Web
from tests.apiserver.rights import Rights
from tests.conftest import ROOT
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/driftreports.trueup.dev"
REPORTS = "/apis/trueup.dev/v1alpha1/namespaces/{}/driftreports"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
POLICY = "trueup.dev/drift-policy"
_FOLLOWERS: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def followers() -> Iterator[None]:
    """End what follows reports, as Ctrl-C does: it says with its exit code whether anything is drifted then."""
    yield
    while _FOLLOWERS:
        process = _FOLLOWERS.pop()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.fixture
def web(admin: Api, azure: Azure, kinds: None) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "drift")


def settings(web: Web, mode: str = "watchers", period: str = "never") -> dict[str, str]:
    return {"AZURE_SYNC_PERIOD": period, "AZURE_TARGET_NAMESPACES": web.namespace, "AZURE_OPERATOR_MODE": mode}


def report(web: Web) -> Any:
    """Return the report of the namespace; an empty one while there is none."""
    return web.get(REPORTS, "drift") or {}


def summary(web: Web, *names: str) -> tuple[Any, ...]:
    found = report(web).get("summary", {})
    return tuple(found.get(name) for name in names)


def resource_of(web: Web, name: str) -> str:
    return f"{web.azure.subscription}/resourceGroups/{name}"


def edit(web: Web, name: str, value: str = "theirs") -> None:
    """Let a colleague change a tag."""
    web.azure.edit_tags(resource_of(web, name), "Replace", {"app": value})


def make(web: Web, *names: str) -> None:
    """Create resource groups."""
    for name in names:
        web.create(GROUPS, group(name, tags={"app": "shop"}))


def wait_more_passes(web: Web, count: int = 4) -> None:
    """Wait until everything was looked at again and again, edits included: the name that the pod writes is one."""
    seen = web.azure.reads
    web.wait_for("more passes", lambda: web.azure.reads >= seen + count)


def test_drift_is_reported_once_and_ends(plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path) -> None:
    """The report tells what moved; later passes write nothing; after the correction it tells how drift ended."""
    make(web, "drift-a", "drift-b")
    with running(plane, azure, tmp_path, environment=settings(web)):
        web.wait_for("both checked", lambda: summary(web, "state", "checked") == ("InSync", 2))
        wait_more_passes(web)
        edit(web, "drift-a")
        web.wait_for("the drift", lambda: summary(web, "drifted") == (1,))
        told = report(web)
        lines = following(plane, web, tmp_path)
        web.wait_for("the finding to be printed", lambda: "tags.app" in lines.read_text())
        wait_more_passes(web)
        later = report(web)
        web.patch(GROUPS, "drift-a", {"metadata": {"annotations": {"trueup.dev/reconcile-at": "now"}}})
        web.wait_for("the end", lambda: summary(web, "drifted") == (0,))
        ended = report(web)
        events = web.wait_for("two events", lambda: len(drift_events(web, "drift-a")) == 2 and web.events("drift-a"))

    said = web.wait_for("the end to be printed", lambda: "was put right" in lines.read_text() and lines.read_text())
    assert f"{web.namespace}/ResourceGroup/drift-a  drifted (info)" in said
    assert '    tags.app: "shop" → "theirs"' in said
    assert f"{web.namespace}/ResourceGroup/drift-a  was put right: tags.app" in said
    (found,) = told["findings"]
    assert found["object"]["name"] == "drift-a"
    assert found["changes"] == [
        {"path": "/tags/app", "place": "tags.app", "before": '"shop"', "after": '"theirs"', "who": "changed in Azure"}
    ]
    assert (found["state"], found["severity"], found["policy"]) == ("Drifted", "info", "correct")
    assert "AZURE_SYNC_PERIOD" in found["request"]
    assert told["summary"]["top"] == "ResourceGroup/drift-a: tags.app"
    assert later["metadata"]["resourceVersion"] == told["metadata"]["resourceVersion"]
    assert "findings" not in ended
    assert [(e["object"], e["what"], e["how"]) for e in ended["ended"]] == [
        ("ResourceGroup/drift-a", "tags.app", "Corrected")
    ]
    assert ended["ended"][0]["since"] == found["since"]
    assert drift_events(web, "drift-a") == ["DriftDetected", "DriftResolved"]
    assert not any("theirs" in text for _, text in events)


def following(plane: ControlPlane, web: Web, folder: Path) -> Path:
    """Follow the namespace with ``trueup drift --watch`` for the rest of the test; return where it prints."""
    command = ["drift", "--watch", "--kubeconfig", str(plane.kubeconfig()), "--context", "-n", web.namespace]
    out = folder / "followed"
    with out.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "engine", *command], stdout=stream, stderr=stream, cwd=ROOT)
    _FOLLOWERS.append(process)
    return out


def drift_events(web: Web, name: str) -> list[str]:
    return [reason for reason, _ in web.events(name) if reason.startswith("Drift")]


def test_a_restart_changes_nothing(plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path) -> None:
    """The next process writes no report and tells no event for drift that was there before, and knows since when."""
    make(web, "drift-restart")
    with running(plane, azure, tmp_path, environment=settings(web)) as pod:
        web.wait_ready(GROUPS, "drift-restart")
        wait_more_passes(web)
        edit(web, "drift-restart")
        web.wait_for("the drift", lambda: summary(web, "drifted") == (1,))
        first = report(web)
        assert pod.stop() == 0
        pod.start()
        wait_more_passes(web, 6)
        second = report(web)
        edit(web, "drift-restart", "another")
        web.wait_for("the new value", lambda: "another" in str(report(web)))
        third = report(web)

    assert second == first
    assert third["findings"][0]["since"] == first["findings"][0]["since"]
    assert third["findings"][0]["fingerprint"] != first["findings"][0]["fingerprint"]
    assert drift_events(web, "drift-restart") == ["DriftDetected"]


def test_the_policy_of_an_object_and_of_its_namespace_is_honoured(
    plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path
) -> None:
    """By default drift is corrected; where the policy says report it is told and stays, where ignore it is a number."""
    make(web, "policy-report")
    web.create(GROUPS, group("policy-correct", tags={"app": "shop"}, annotations={POLICY: "correct"}))
    web.create(GROUPS, group("policy-ignore", tags={"app": "shop"}, annotations={POLICY: "ignore"}))
    web.admin.patch(f"/api/v1/namespaces/{web.namespace}", {"metadata": {"annotations": {POLICY: "report"}}})
    names = ("policy-report", "policy-correct", "policy-ignore")
    with running(plane, azure, tmp_path, environment=settings(web, period="400ms")):
        for name in names:
            web.wait_ready(GROUPS, name)
        wait_more_passes(web)
        for name in names:
            edit(web, name)
        web.wait_for("the report", lambda: summary(web, "drifted", "ignored") == (1, 1))
        web.wait_for("the correction", lambda: tags_of(web, "policy-correct") == {"app": "shop"})
        wait_more_passes(web)
        found = report(web)

    assert [(f["object"]["name"], f["policy"]) for f in found["findings"]] == [("policy-report", "report")]
    assert "policy is report" in found["findings"][0]["request"]
    assert [e["object"] for e in found["ended"]] == ["ResourceGroup/policy-correct"]
    assert [tags_of(web, n) for n in ("policy-report", "policy-ignore")] == [{"app": "theirs"}, {"app": "theirs"}]
    assert drift_events(web, "policy-ignore") == []


def tags_of(web: Web, name: str) -> Any:
    return web.azure.get(resource_of(web, name), api=GROUP_API)["tags"]


def test_a_pod_that_only_reports_writes_nothing_but_reports(
    plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path
) -> None:
    """In mode watch the DriftReport and its definition are all that is written: no event, no condition, no request."""
    web.admin.delete(DEFINITION)
    web.wait_for("no definition", lambda: web.admin.get(DEFINITION) is None)
    azure.edit("PUT", resource_of(web, "watch-a"), {"location": "westeurope", "tags": {"app": "theirs"}}, api=GROUP_API)
    make(web, "watch-a", "watch-b")
    before = {n: web.get(GROUPS, n) for n in ("watch-a", "watch-b")}
    azure.forget_traffic()
    with running(plane, azure, tmp_path, environment=settings(web, "watch"), rights=Rights.REPORT):
        web.wait_for("the report", lambda: summary(web, "differs", "absent", "checked") == (1, 1, 2))
        web.admin.delete(web.path(REPORTS, "drift"))
        web.wait_for("the report again", lambda: summary(web, "differs") == (1,))
        found = report(web)
        after = {n: web.get(GROUPS, n) for n in before}
        web.admin.delete(web.path(GROUPS, "watch-a"))
        web.admin.delete(web.path(GROUPS, "watch-b"))
        web.wait_for("no report of nothing", lambda: report(web) == {})

    assert (found["findings"][0]["state"], found["summary"]["state"]) == ("Differs", "Differs")
    assert "PATCH tags" in found["findings"][0]["request"]
    assert azure.writes == []
    assert after == before
    assert (web.events("watch-a"), web.events("watch-b")) == ([], [])


def test_a_list_of_all_reports_is_a_dashboard(plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path) -> None:
    """What `kubectl get driftreports -A` prints has the counts, the worst severity and what is worst."""
    make(web, "columns-rg")
    web.create(ACCOUNTS, account("columnsstore", "columns-rg", minimumTlsVersion="TLS1_2"))
    store = f"{resource_of(web, 'columns-rg')}/providers/Microsoft.Storage/storageAccounts/columnsstore"
    with running(plane, azure, tmp_path, environment=settings(web)):
        web.wait_ready(ACCOUNTS, "columnsstore")
        web.wait_for("both in sync", lambda: summary(web, "state", "checked") == ("InSync", 2))
        wait_more_passes(web)
        azure.edit("PATCH", store, {"properties": {"minimumTlsVersion": "TLS1_0"}}, api="2023-01-01")
        web.wait_for("the drift", lambda: summary(web, "drifted") == (1,))

    table = web.admin.call("GET", "/apis/trueup.dev/v1alpha1/driftreports", accept=TABLE)[1]
    columns = [c["name"] for c in table["columnDefinitions"]]
    (row,) = [r["cells"] for r in table["rows"] if r["object"]["metadata"]["namespace"] == web.namespace]
    cells = dict(zip(columns, row, strict=True))
    assert (cells["State"], cells["Worst"], cells["Drifted"], cells["Checked"]) == ("Drifted", "critical", 1, 2)
    assert cells["Top"] == "StorageAccount/columnsstore: properties.minimumTlsVersion"
