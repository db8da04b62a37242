"""Traces of a real pod, sent by OTLP to a receiver on loopback."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS
from tests.apiserver.pods import make_pod, make_web, port
from tests.monitoring.receiver import Receiver, Told, receiver
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def seen(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, str]]:
    """Return what a pod sent that made a group with an account, and its numbers."""
    web = make_web(plane, azure)
    with receiver() as found:
        folder: Path = tmp_path_factory.mktemp("pod")
        pod = make_pod(plane, azure, folder, "--metrics-addr", "127.0.0.1:0", "--secure-metrics=false")
        pod.environment = {**pod.environment, "OTEL_EXPORTER_OTLP_ENDPOINT": found.address}
        with pod:
            web.create(GROUPS, group("traced"))
            web.create(ACCOUNTS, account("tracedacct", "traced"))
            web.wait_ready(GROUPS, "traced")
            web.wait_ready(ACCOUNTS, "tracedacct")
            text = open_metrics(port(pod, "--metrics-addr"))
            assert pod.stop() == 0
        yield found, text


def open_metrics(number: int) -> str:
    """Return the pod's numbers with exemplars."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{number}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def one(found: Receiver, name: str) -> Told:
    """Return the first span of a name."""
    return next(s for s in found.spans if s.name == name)


def test_a_pass_is_a_trace(seen: tuple[Receiver, str]) -> None:
    """Every span belongs to a pass; a pass reads the cluster, fetches, and plans, and compares while it fetches."""
    found, _ = seen
    roots = [s for s in found.spans if not s.parent]
    write = one(found, "create ResourceGroup")
    root = next(s for s in roots if s.trace == write.trace)

    assert {s.name for s in roots} <= {"pass", "full pass"}
    assert {s.trace for s in found.spans} == {s.trace for s in roots}
    assert found.below(root)[:3] == ["read cluster", "fetch from Azure", "plan"]
    assert "compare" in {n for s in found.spans if s.name == "fetch from Azure" for n in found.below(s)}
    assert found.services == {"trueup"}


def test_a_write_says_what_and_how_it_ended(seen: tuple[Receiver, str]) -> None:
    """Kind, name, method, status and outcome; polls of its operation are below it. No secret, no body."""
    found, _ = seen
    write = one(found, "create StorageAccount")

    assert {k: write.about[k] for k in ("kind", "name", "method", "outcome")} == {
        "kind": "StorageAccount",
        "name": "tracedacct",
        "method": "PUT",
        "outcome": "created",
    }
    assert write.about["http_status"] in (200, 201, 202)
    assert set(found.below(write)) == {"poll operation"}
    assert not re.search(rb"Standard_LRS|westeurope|Bearer", b"".join(found.raw))


def test_a_duration_leads_to_its_trace(seen: tuple[Receiver, str]) -> None:
    """The exemplar of a duration names plan and trace."""
    found, text = seen

    traces = set(re.findall(r'# \{plan_id="[0-9a-f]{16}",trace_id="([0-9a-f]{32})"\}', text))

    assert traces
    assert traces <= {s.trace for s in found.spans}
