"""Alerts by values of the chart: settings as the pod reads them, and no right more than they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.alerting import read_alert_settings
from tests.chart.helm import Helm, HelmError, Rendered

SINKS = [{"name": "am", "type": "alertmanager", "url": "http://alertmanager.monitoring:9093/api/v2/alerts"}]


def alerts(*sinks: Any, mode: str = "", **more: Any) -> dict[str, Any]:
    config = {"cluster": "prod-1", "sinks": [*SINKS, *sinks], "routes": more.pop("routes", [])}
    return {"azureOperatorMode": mode, "trueup": {"alerts": {"config": config, **more}}}


def rules(found: Rendered) -> list[tuple[str, list[str], list[str]]]:
    """Return kind, resources and verbs of what the roles of alerts give."""
    roles = [o for o in found.objects if o["kind"].endswith("Role") and "alerts" in o["metadata"]["name"]]
    return [(r["kind"], rule["resources"], rule["verbs"]) for r in roles for rule in r["rules"]]


def test_the_pod_reads_what_the_values_say(helm: Helm, tmp_path: Path) -> None:
    """Durations, times and references arrive as they were written; the Secret's keys are files."""
    slack = {"name": "web", "type": "slack", "url": {"file": "/etc/trueup/slack"}}
    routes = [{"sinks": ["web"], "minAge": "10m", "match": {"namespaces": ["shop-*"]}}]
    found = helm.render(alerts(slack, secret="alert-keys", ports=[9093, 587], routes=routes))
    path = tmp_path / "alerts.yaml"
    path.write_text(found.only("ConfigMap", "trueup-alerts")["data"]["alerts.yaml"])

    settings = read_alert_settings(path)

    assert settings.routes[0].min_age.total_seconds() == 600
    assert settings.sinks["web"].secrets["url"].file == "/etc/trueup/slack"
    mounts = {m["name"]: m["mountPath"] for m in found.container["volumeMounts"]}
    assert (mounts["alerts"], mounts["alert-secrets"]) == ("/var/run/trueup-alerts", "/etc/trueup")
    assert "--alerts=/var/run/trueup-alerts/alerts.yaml" in found.container["args"]
    volumes = {v["name"]: v for v in found.pod["volumes"]}
    assert volumes["alert-secrets"]["secret"]["secretName"] == "alert-keys"
    egress = found.only("NetworkPolicy", "azure-service-operator-allow-egress")["spec"]["egress"]
    assert [9093, 587] in [[p["port"] for p in rule["ports"]] for rule in egress]


@pytest.mark.parametrize(
    ("mode", "sinks", "given"),
    [
        ("", [], [("Role", ["secrets"], ["get", "update"]), ("Role", ["secrets"], ["create"])]),
        ("watch", [], [("Role", ["secrets"], ["get", "update"]), ("Role", ["secrets"], ["create"])]),
        (
            "watch",
            [{"name": "k", "type": "events"}],
            [
                ("Role", ["secrets"], ["get", "update"]),
                ("Role", ["secrets"], ["create"]),
                ("Role", ["events"], ["create"]),
                ("ClusterRole", ["events"], ["create"]),
            ],
        ),
    ],
)
def test_rights_are_those_that_sinks_need(helm: Helm, mode: str, sinks: list[Any], given: list[Any]) -> None:
    """The outboxes by their names; events only where a sink makes some."""
    found = helm.render(alerts(*sinks, mode=mode))

    name = "trueup-report-alerts" if mode else "trueup-alerts"
    outboxes = found.only("Role", f"{name}-role")["rules"][0]["resourceNames"]
    assert sorted(rules(found)) == sorted(given)
    assert outboxes == ([name] if mode else [f"{name}-{n}" for n in range(4)])


def test_without_settings_there_is_nothing(helm: Helm) -> None:
    """Off by default; a pod that only installs definitions sees no drift to tell."""
    for values in ({}, alerts(mode="webhooks")):
        found = helm.render(values)

        assert rules(found) == []
        assert not [a for a in found.container["args"] if a.startswith("--alerts")]
        assert not [n for n in found.names("ConfigMap") if "alerts" in n]
        assert ("trueup.alerts: a pod that only installs definitions sees no drift" in found.notes) == bool(values)


@pytest.mark.parametrize(
    "config", [{"sinks": []}, {"cluster": "c"}, {"sinks": [{"name": "x", "type": "pigeon"}]}, {"sink": []}]
)
def test_settings_that_cannot_be_meant_are_refused(helm: Helm, config: dict[str, Any]) -> None:
    """Before anything is installed."""
    with pytest.raises(HelmError, match="alerts"):
        helm.render({"trueup": {"alerts": {"config": config}}})


def test_its_values_are_yaml_that_people_write(helm: Helm) -> None:
    """The example of the page renders."""
    page = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    (example,) = [t for t in page.split("```yaml\n")[1:] if t.startswith("trueup:")]

    found = helm.render(yaml.safe_load(example.partition("```")[0]))

    assert found.only("ConfigMap", "trueup-alerts")
