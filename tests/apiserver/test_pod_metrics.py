"""The pod's numbers over HTTPS: the real API server says who may read them."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Pod
from tests.apiserver.pods import READS_METRICS, ask, make_pod, make_web, port
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod with both endpoints."""
    folder = tmp_path_factory.mktemp("pod")
    options = ("--health-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0")
    with make_pod(plane, azure, folder, *options) as running:
        yield running


def plans(text: str, scope: str) -> float:
    """Return how many passes of a scope have decided."""
    name = f'trueup_plan_duration_seconds_count{{scope="{scope}"}} '
    return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))


def test_who_may_reads_them(plane: ControlPlane, pod: Pod) -> None:
    """A ServiceAccount with the right to get /metrics is answered; its right is asked for once in a minute."""
    token = plane.account("default", "prometheus", READS_METRICS).token

    first, text = ask(pod, token)
    second, _ = ask(pod, token)

    assert (first, second) == (200, 200)
    assert "trueup_" in text


def test_a_look_at_nothing_is_a_success(plane: ControlPlane, azure: Azure, tmp_path: Path) -> None:
    """Where there is no object yet full passes end well, so that nobody is called because none did."""
    token = plane.account("default", "watches-nothing", READS_METRICS).token
    options = ("--metrics-addr", "127.0.0.1:0", "--observe-period", "1")

    def last_success(pod: Pod) -> float:
        lines = ask(pod, token)[1].splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("trueup_last_success_timestamp"))

    assert plane.admin.get(GROUPS.format("default"))["items"] == []
    with make_pod(plane, azure, tmp_path, *options, operator="looks-at-nothing") as pod:
        plane.admin.wait_for("a full pass to end well", lambda: last_success(pod) > 0)


def test_others_do_not(plane: ControlPlane, pod: Pod) -> None:
    """Without a token, with one that is none, and without the right: 401, 401 and 403, and no number is told."""
    stranger = plane.account("default", "stranger").token

    answers = [ask(pod), ask(pod, "x.y.z"), ask(pod, stranger)]

    assert [status for status, _ in answers] == [401, 401, 403]
    assert "system:serviceaccount:default:stranger may not get /metrics" in answers[2][1]
    assert not any("trueup_" in text for _, text in answers)


def test_plain_http_is_for_probes_alone(pod: Pod) -> None:
    """Probes are answered without TLS at their own address; numbers are not."""
    probe = http.client.HTTPConnection("127.0.0.1", port(pod, "--health-addr"), timeout=10)
    probe.request("GET", "/healthz")
    status = probe.getresponse().status
    probe.close()
    plain = http.client.HTTPConnection("127.0.0.1", port(pod, "--metrics-addr"), timeout=10)
    plain.request("GET", "/metrics")

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.getresponse()

    plain.close()
    assert status == 200


def test_an_edit_is_no_look_at_everything(plane: ControlPlane, azure: Azure, pod: Pod) -> None:
    """A pass over a new object counts as targeted, not as a full one."""
    token, web = plane.account("default", "counts", READS_METRICS).token, make_web(plane, azure)
    _, before = ask(pod, token)

    web.create(GROUPS, group("counted"))
    web.wait_ready(GROUPS, "counted")
    _, after = ask(pod, token)

    assert plans(after, "targeted") > plans(before, "targeted")
    assert plans(after, "full") == plans(before, "full")
