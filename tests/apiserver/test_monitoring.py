"""The shipped dashboard and rules against a real Prometheus that scrapes a real pod."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Pod
from tests.apiserver.pods import READS_METRICS, make_pod, make_web, port
from tests.monitoring.files import dashboard_queries, find_program
from tests.monitoring.prometheus import Prometheus, prometheus
from tests.receivers import receiver
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks every second and corrects no drift."""
    find_program("prometheus")
    folder = tmp_path_factory.mktemp("pod")
    (folder / "key").write_text("shared")
    with receiver() as there:
        sink = {"name": "ours", "type": "webhook", "url": there.url, "key": {"file": str(folder / "key")}}
        (folder / "alerts.json").write_text(json.dumps({"sinks": [sink]}))
        options = ("--metrics-addr", "127.0.0.1:0", "--observe-period", "1", "--metrics-per-object")
        made = make_pod(plane, azure, folder, *options, "--alerts", str(folder / "alerts.json"))
        made.environment = {**made.environment, "AZURE_SYNC_PERIOD": "never"}
        with made as running:
            yield running


@pytest.fixture(scope="module")
def found(
    plane: ControlPlane, azure: Azure, pod: Pod, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Return a Prometheus that has seen a resource made, another one drift, and a third one not."""
    web, token = make_web(plane, azure), plane.account("default", "scrapes", READS_METRICS).token
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, target=f"127.0.0.1:{port(pod, '--metrics-addr')}", token=token) as running:
        for name in ("seen", "moved"):
            web.create(GROUPS, group(name, tags={"app": "shop"}))
            web.wait_ready(GROUPS, name)
        web.create(ACCOUNTS, account("seenacct", "seen"))
        web.wait_ready(ACCOUNTS, "seenacct")
        assert running.wait_for('trueup_plan_actions{action="noop"} == 3')
        azure.edit_tags(f"{azure.subscription}/resourceGroups/moved", "Replace", {"app": "theirs"})
        assert running.wait_for('trueup_resources{state="drifted"} == 1')
        assert running.wait_for("trueup_alerts_told == 1")
        yield running


@pytest.mark.parametrize("panel", dashboard_queries())
def test_every_panel_shows_something(found: Prometheus, panel: str) -> None:
    """Each query of the dashboard is one, and finds what the pod tells."""
    assert found.wait_for(dashboard_queries()[panel])


def test_numbers_say_what_happened(found: Prometheus) -> None:
    """Two groups and an account made, one drift found and left, nothing in error, passes that end."""
    expected = {
        'sum(trueup_apply_total{method="PUT",result="created"})': [3.0],
        'sum(trueup_drift_detected_total{kind="ResourceGroup",origin="drift"})': [1.0],
        'sum(trueup_resources{state="in_sync"})': [2.0],
        'sum(trueup_resources{state="error"})': [],
        "time() - max(trueup_last_success_timestamp_seconds) < bool 30": [1.0],
        'trueup_resource_drifted{name="moved"}': [1.0],
        'trueup_resource_drifted{name="seen"}': [0.0],
        'sum(trueup_suppressed_differences{rule="empty"}) > bool 0': [1.0],
        "min(trueup_coverage_ratio)": [1.0],
        "time() - max(trueup_snapshot_timestamp_seconds) < bool 30": [1.0],
        "max(trueup_observe_period_seconds)": [1.0],
        'trueup_alert_messages_total{sink="ours",result="taken"}': [1.0],
        'trueup_alerts_told{sink="ours"}': [1.0],
        'trueup_alert_messages_waiting{sink="ours"}': [0.0],
        'max(trueup_azure_ratelimit_remaining{operation="reads"}) > bool 0': [1.0],
    }

    numbers = {query: [float(r["value"][1]) for r in found.ask(query)] for query in expected}

    assert numbers == expected


def test_rules_are_evaluated(found: Prometheus) -> None:
    """All rules are healthy; drift is pending, as it is new."""
    found.wait_for('ALERTS{alertname="TrueupDrift"}')
    groups = found.get("rules")["groups"]
    states = {rule["name"]: rule["state"] for g in groups for rule in g["rules"]}

    assert {rule["health"] for g in groups for rule in g["rules"]} == {"ok"}
    assert states.pop("TrueupDrift") == "pending"
    assert set(states.values()) == {"inactive"}


def test_a_duration_leads_to_its_plan(found: Prometheus) -> None:
    """Prometheus keeps the ids of plans beside the durations."""
    query = {"query": "trueup_pass_duration_seconds_bucket", "start": "0", "end": "9999999999"}

    exemplars = [e for series in found.get("query_exemplars", **query) for e in series["exemplars"]]

    assert exemplars
    assert all(len(e["labels"]["plan_id"]) == 16 for e in exemplars)
