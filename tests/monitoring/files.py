"""What is shipped for Prometheus and Grafana, and the programs that try it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "monitoring"
_METRIC = re.compile(r"\b(?:trueup|azure)_[a-z_]+\b")


def find_program(name: str) -> str:
    """Return where a program is; the test is skipped where it is nowhere."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: Debian has it in prometheus or prometheus-alertmanager")
    return found


def rule_groups() -> list[dict[str, Any]]:
    """Return the groups of rules as Prometheus takes them."""
    groups: list[dict[str, Any]] = yaml.safe_load((FOLDER / "prometheusrule.yaml").read_text())["spec"]["groups"]
    return groups


def rules() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    return {rule["alert"]: rule for group in rule_groups() for rule in group["rules"]}


def dashboard_queries() -> dict[str, str]:
    """Return the dashboard's queries by panel, each with a range that a short test has."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "1m")
        for panel in panels
        for target in panel["targets"]
    }


def metrics_in(query: str) -> set[str]:
    """Return the metrics that a query names."""
    return set(_METRIC.findall(query))
