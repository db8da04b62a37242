"""Alert rules, tried by promtool: each fires when it should, and not before."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.metric_names import ALL, Family, MetricKind
from tests.monitoring.files import FOLDER, dashboard_queries, find_program, metrics_in, rule_groups, rules

KIND = 'group="storage.azure.com",kind="StorageAccount"'

CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "TrueupDrift": ({f'trueup_resources{{state="drifted",{KIND}}}': "0x9 2x60"}, "20m", "26m"),
    "TrueupNotConverging": ({f"trueup_not_converging{{{KIND}}}": "0x9 1x60"}, "35m", "41m"),
    "TrueupResourcesFailing": ({f'trueup_resources{{state="error",{KIND}}}': "0x9 1x60"}, "20m", "26m"),
    "TrueupBlocked": ({f'trueup_resources{{state="blocked",{KIND}}}': "0x9 1x120"}, "65m", "72m"),
    "TrueupUnreadable": ({f'trueup_resources{{state="unknown",{KIND}}}': "0x9 1x60"}, "35m", "41m"),
    "TrueupDown": ({'trueup_build_info{version="1"}': "1x9 _x30"}, "14m", "26m"),
    "TrueupNoFullPass": ({"trueup_last_success_timestamp_seconds": "60x120"}, "70m", "80m"),
    "TrueupCoverage": (
        {
            'trueup_coverage_ratio{subscription="s"}': "1x9 0.5x120",
            'trueup_coverage_ratio{subscription="unknown"}': "0x200",
        },
        "65m",
        "75m",
    ),
    "TrueupSnapshotOld": (
        {'trueup_snapshot_timestamp_seconds{subscription="s"}': "60x120", "trueup_observe_period_seconds": "300x120"},
        "25m",
        "35m",
    ),
    "TrueupThrottled": ({'trueup_azure_throttled_total{provider="Microsoft.Storage"}': "0x9 0+60x60"}, "15m", "45m"),
    "TrueupOperationStuck": ({"trueup_operation_age_seconds": "0+60x200"}, "125m", "135m"),
    "TrueupAlertsNotDelivered": ({"trueup_alert_message_age_seconds": "0+60x200"}, "33m", "38m"),
    "TrueupAlertSettingsBad": ({"trueup_alert_settings_good": "1x9 0x60"}, "18m", "21m"),
    "TrueupWatchFailing": ({"trueup_failing_watches": "0x9 1x60"}, "18m", "21m"),
    "TrueupLate": (
        {
            'trueup_queue_latency_seconds_bucket{le="5.0"}': "0x120",
            'trueup_queue_latency_seconds_bucket{le="10.0"}': "0+10x120",
            'trueup_queue_latency_seconds_bucket{le="+Inf"}': "0+10x120",
        },
        "10m",
        "40m",
    ),
}
"""Alert -> series by the minute, when it does not fire yet, when it does."""


def write_rules(folder: Path) -> Path:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rule_groups()}))
    return path


def promtool(*arguments: str) -> str:
    done = subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_alert_is_tried() -> None:
    """No alert without a case, and no case without an alert."""
    assert set(CASES) == set(rules())


def test_the_rules_are_rules(tmp_path: Path) -> None:
    """Promtool takes them all, expressions and templates."""
    assert f"{len(rules())} rules found" in promtool("check", "rules", str(write_rules(tmp_path)))


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_in_time(tmp_path: Path, alert: str) -> None:
    """Quiet before, there afterwards, with the labels that route it."""
    series, quiet, fires = CASES[alert]
    rule = rules()[alert]
    labels = {**rule["labels"]}
    if "by (group, kind)" in rule["expr"]:
        labels |= {"group": "storage.azure.com", "kind": "StorageAccount"}
    if "by (subscription)" in rule["expr"]:
        labels |= {"subscription": "s"}
    if "by (provider)" in rule["expr"]:
        labels |= {"provider": "Microsoft.Storage"}
    test = {
        "rule_files": [str(write_rules(tmp_path))],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": quiet, "alertname": alert, "exp_alerts": []},
                    {"eval_time": fires, "alertname": alert, "exp_alerts": [_expected(alert, labels)]},
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))

    promtool("test", "rules", str(tmp_path / "test.yaml"))


_SUMMARIES = {
    "TrueupDrift": "2 StorageAccount moved in Azure",
    "TrueupNotConverging": "1 StorageAccount differ again after each write",
    "TrueupResourcesFailing": "1 StorageAccount cannot be brought to where they should be",
    "TrueupBlocked": "1 StorageAccount wait for somebody to let a change pass",
    "TrueupUnreadable": "1 StorageAccount cannot be read in Azure",
    "TrueupDown": "Trueup is not there",
    "TrueupNoFullPass": "No full pass has read everything for 1h 19m 0s",
    "TrueupCoverage": "50% of s can be compared",
    "TrueupSnapshotOld": "s was last read whole 34m 0s ago",
    "TrueupThrottled": "Microsoft.Storage answers 429",
    "TrueupOperationStuck": "An operation in Azure has been running for 2h 15m 0s",
    "TrueupAlertsNotDelivered": "A sink does not take messages about drift",
    "TrueupAlertSettingsBad": "The file of alerts cannot be used as it is",
    "TrueupWatchFailing": "1 kinds cannot be watched",
    "TrueupLate": "Edits wait for 9.95s",
}


def _expected(alert: str, labels: dict[str, str]) -> dict[str, Any]:
    annotations = {"summary": _SUMMARIES[alert], "description": rules()[alert]["annotations"]["description"]}
    return {"exp_labels": labels, "exp_annotations": annotations}


def told(family: Family) -> set[str]:
    """Return the names under which a family is queried."""
    if family.kind is MetricKind.HISTOGRAM:
        return {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    return {family.told}


def test_queries_name_what_there_is() -> None:
    """Rules and dashboard ask for nothing that the pod does not tell, and leave nothing out."""
    asked = {
        name
        for query in [*dashboard_queries().values(), *(rule["expr"] for rule in rules().values())]
        for name in metrics_in(query)
    }

    assert asked <= {name for family in ALL for name in told(family)}
    assert [family.name for family in ALL if not asked & told(family)] == []


def test_the_pod_is_found_from_any_namespace() -> None:
    """The ServiceMonitor names the pod's namespace, so that it may stand beside Prometheus, and the Service's port."""
    monitor = next(yaml.safe_load_all((FOLDER / "servicemonitor.yaml").read_text()))
    shipped = yaml.safe_load_all((FOLDER.parent / "kustomize" / "manage" / "trueup.yaml").read_text())
    service = next(d for d in shipped if d["kind"] == "Service" and "metrics" in d["metadata"]["name"])
    (wanted,) = monitor["spec"]["selector"]["matchExpressions"]

    assert monitor["spec"]["namespaceSelector"] == {"matchNames": [service["metadata"]["namespace"]]}
    assert service["metadata"]["labels"][wanted["key"]] in wanted["values"]
    assert [e["port"] for e in monitor["spec"]["endpoints"]] == [p["name"] for p in service["spec"]["ports"]]
