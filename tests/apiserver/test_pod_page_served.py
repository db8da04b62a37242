"""The page of a pod at work, over HTTP, against a real API server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Pod, Web
from tests.apiserver.pods import make_pod, make_web
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver
TOKEN = "page-token-0123456789"


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod with a page."""
    folder = tmp_path_factory.mktemp("pod")
    (folder / "token").write_text(TOKEN)
    options = ("--page-addr", "127.0.0.1:0", "--page-token-file", str(folder / "token"))
    with make_pod(plane, azure, folder, *options, "--observe-period", "2") as running:
        yield running


def ask(pod: Pod, path: str, token: str = TOKEN) -> tuple[int, str]:
    """Return status and text of a page."""
    lines = [json.loads(line) for line in pod.log.read_text().splitlines() if line.startswith('{"level"')]
    port = next(int(line["port"]) for line in lines if line.get("endpoint") == "--page-addr")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_page_shows_what_the_pod_knows(plane: ControlPlane, azure: Azure, pod: Pod) -> None:
    """A group that was created is in sync on the page; what a colleague then changed shows as drift, with the field."""
    web: Web = make_web(plane, azure)
    web.create(GROUPS, group("shown", tags={"team": "shop"}))
    web.wait_ready(GROUPS, "shown")

    web.wait_for("the page to know it", lambda: f"{web.namespace}/ResourceGroup/shown" in ask(pod, "/")[1])
    web.patch(GROUPS, "shown", {"metadata": {"annotations": {"trueup.dev/drift-policy": "report"}}})
    azure.edit_tags(f"{azure.subscription}/resourceGroups/shown", "Merge", {"added": "by-hand"})

    web.wait_for("the drift to be shown", lambda: "by-hand" in ask(pod, "/drift")[1])
    assert ask(pod, "/", "wrong-token-0123456789")[0] == 401
