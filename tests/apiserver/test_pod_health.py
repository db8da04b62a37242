"""Probes and numbers of the pod, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Pod, Web
from tests.apiserver.pods import make_pod
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod with both endpoints."""
    options = ("--health-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--secure-metrics=false")
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod"), *options) as running:
        yield running


def ports(pod: Pod) -> dict[str, int]:
    lines = [json.loads(line) for line in pod.log.read_text().splitlines() if line.startswith('{"level"')]
    return {line["endpoint"]: line["port"] for line in lines if "endpoint" in line}


def ask(pod: Pod, option: str, path: str) -> tuple[int, str, str]:
    """Return status, content type and body of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports(pod)[option]}{path}", timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers["Content-Type"], exc.read().decode()


def test_probes_are_answered(pod: Pod) -> None:
    """A pod that watches is alive and ready; other paths are not there."""
    assert ask(pod, "--health-addr", "/healthz")[0] == 200
    pod.plane.admin.wait_for("the pod to be ready", lambda: ask(pod, "--health-addr", "/readyz")[::2] == (200, "ok\n"))
    assert ask(pod, "--health-addr", "/secrets")[0] == 404


def test_numbers_follow_what_happens(web: Web, pod: Pod) -> None:
    """Requests to Azure are counted under ASO's names, objects by whether they are ready."""
    web.create(GROUPS, group("metrics1"))
    web.wait_ready(GROUPS, "metrics1")

    _, content_type, text = ask(pod, "--metrics-addr", "/metrics")

    labels = '{resource="Microsoft.Resources/resourceGroups",requestType="PUT",responseCode="201"}'
    assert content_type.startswith("application/openmetrics-text")
    assert f"azure_successful_requests_total{labels} 1" in text.splitlines()
    assert 'azure_requests_time_seconds_bucket{resource="Microsoft.Resources/resourceGroups"' in text
    assert any(line.startswith('trueup_objects{ready="True"}') for line in text.splitlines())
    assert text.endswith("# EOF\n")


def test_a_kind_that_cannot_be_watched_shows_in_readiness(plane: ControlPlane, pod: Pod, web: Web) -> None:
    """Without the right to watch a kind the pod is not ready, and says which and why; it stays alive."""
    role = next(
        r["metadata"]["name"]
        for r in plane.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles")["items"]
        if r["metadata"]["name"].startswith("trueup-runtime-pod") and r["metadata"]["name"].endswith("manager-role")
    )
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
    rules = plane.admin.get(path)["rules"]
    fewer = [r for r in rules if "resources.azure.com" not in r["apiGroups"]]

    plane.admin.patch(path, {"rules": fewer})
    plane.restart_apiserver()
    again = Web(plane.admin, web.azure, web.namespace)
    again.wait_for("the pod to say which", lambda: "watch resourcegroups" in ask(pod, "--health-addr", "/readyz")[2])
    status, _, said = ask(pod, "--health-addr", "/readyz")
    alive = ask(pod, "--health-addr", "/healthz")[0]
    plane.admin.patch(path, {"rules": rules})
    again.wait_for("the pod to be ready again", lambda: ask(pod, "--health-addr", "/readyz")[0] == 200)

    assert status == 503
    assert 'rule {apiGroups: ["resources.azure.com"], resources: ["resourcegroups"], verbs: ["watch"]}' in said
    assert alive == 200
