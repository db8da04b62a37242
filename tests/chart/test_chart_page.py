"""The page about installing says what the chart says."""

from __future__ import annotations

import re
import shlex

import yaml

from tests.chart.helm import CHART, Helm
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "install.md").read_text()


def test_its_commands_render(helm: Helm) -> None:
    """Each Helm command of the page is one that Helm takes, on this chart."""
    commands = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("helm install")]

    for _, *words in commands:
        helm.run(*(word.replace("deploy/helm/trueup", str(CHART)) for word in words), "--dry-run=client")

    assert len(commands) == 2


def test_its_table_is_of_the_values() -> None:
    """Each value in the table exists, with the default that the table says."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    section = PAGE.partition("## Values")[2].partition("## Rights")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) ?\| ", section, re.MULTILINE)

    for names, default in rows:
        for name in re.findall(r"`([\w.]+)`", names):
            found = values
            for part in name.split("."):
                found = found[part]
            assert (str(found).lower() if found not in ("", []) else "") == default.strip("`").lower()
    assert len(rows) > 10
