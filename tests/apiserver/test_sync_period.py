"""AZURE_SYNC_PERIOD on a real API server: when drift is corrected, and what is said of it until then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Web
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"


@pytest.fixture
def web(admin: Api, azure: Azure, kinds: None) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "sync")


def tags_of(web: Web, name: str) -> Any:
    return web.azure.get(f"{web.azure.subscription}/resourceGroups/{name}", api=GROUP_API)["tags"]


def drift(web: Web, name: str, value: str = "theirs") -> None:
    """Let a colleague change a tag."""
    web.azure.edit_tags(f"{web.azure.subscription}/resourceGroups/{name}", "Replace", {"app": value})


def settings(web: Web, period: str) -> dict[str, str]:
    return {
        "AZURE_SYNC_PERIOD": period,
        "AZURE_TARGET_NAMESPACES": web.namespace,
        "AZURE_OPERATOR_MODE": "watchers",
    }


def test_drift_stays_until_it_is_asked_for(plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path) -> None:
    """With `never` drift is told once, as condition and event; the object stays Ready and as it is until an edit."""
    web.create(GROUPS, group("sync-never", tags={"app": "shop"}))
    with running(plane, azure, tmp_path, environment=settings(web, "never")):
        web.wait_ready(GROUPS, "sync-never")
        azure.forget_traffic()
        drift(web, "sync-never")
        web.wait_for("the note", lambda: "differs" in web.ready(GROUPS, "sync-never").get("message", ""))
        said = web.get(GROUPS, "sync-never")
        seen = azure.reads
        web.wait_for("four more passes", lambda: azure.reads >= seen + 4)
        later = web.get(GROUPS, "sync-never")
        writes = [w for w in azure.writes if "PATCH tags/default 200" not in w]
        untouched = tags_of(web, "sync-never")

        web.patch(GROUPS, "sync-never", {"metadata": {"annotations": {"trueup.dev/reconcile-at": "now"}}})
        web.wait_for("the tag to be back", lambda: tags_of(web, "sync-never") == {"app": "shop"})
        web.wait_for("the note to go", lambda: not web.ready(GROUPS, "sync-never").get("message"))
        web.wait_for("the end to be told", lambda: "DriftResolved" in dict(web.events("sync-never")))

    ready, drifted = said["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("True", "Succeeded")
    assert ready["message"] == "Azure differs at tags.app; it is corrected when AZURE_SYNC_PERIOD says so"
    assert later["metadata"]["resourceVersion"] == said["metadata"]["resourceVersion"]
    assert (writes, untouched) == ([], {"app": "theirs"})
    assert (drifted["type"], drifted["status"]) == ("Drifted", "True")
    assert [reason for reason, _ in web.events("sync-never") if reason.startswith("Drift")] == [
        "DriftDetected",
        "DriftResolved",
    ]


def test_drift_is_corrected_once_a_period(plane: ControlPlane, web: Web, azure: Azure, tmp_path: Path) -> None:
    """An hour is an hour for drift; an edit is sent at once, and takes the drift of its object along."""
    web.create(GROUPS, group("sync-hour", tags={"app": "shop"}))
    with running(plane, azure, tmp_path, environment=settings(web, "1h")) as pod:
        web.wait_ready(GROUPS, "sync-hour")
        drift(web, "sync-hour")
        web.wait_for("the note", lambda: "differs" in web.ready(GROUPS, "sync-hour").get("message", ""))

        web.patch(GROUPS, "sync-hour", {"spec": {"tags": {"tier": "one"}}})
        web.wait_for("both tags", lambda: tags_of(web, "sync-hour") == {"app": "shop", "tier": "one"})
        web.wait_ready(GROUPS, "sync-hour", 2)
        drift(web, "sync-hour", "also theirs")
        web.wait_for("the note", lambda: "differs" in web.ready(GROUPS, "sync-hour").get("message", ""))
        assert pod.stop() == 0
        pod.environment = {**pod.environment, "AZURE_SYNC_PERIOD": "400ms"}
        pod.start()
        web.wait_for("the correction at start", lambda: tags_of(web, "sync-hour") == {"app": "shop", "tier": "one"})
        web.wait_for("no note", lambda: not web.ready(GROUPS, "sync-hour").get("message"))
        drift(web, "sync-hour", "another")
        web.wait_for("the next correction", lambda: tags_of(web, "sync-hour") == {"app": "shop", "tier": "one"})
