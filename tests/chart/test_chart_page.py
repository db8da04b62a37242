"""The page about installing says what the chart says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

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
    """Each value in the table exists, with the default that the table says; none of our own is left out."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    section = PAGE.partition("## Values")[2].partition("## Rights")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) ?\| ", section, re.MULTILINE)

    told = {name: default for names, default in rows for name in re.findall(r"`([\w.]+)`", names)}
    for name, default in told.items():
        found = values
        for part in name.split("."):
            found = found[part]
        assert (str(found).lower() if found not in ("", []) else "") == default.strip("`").lower()
    own = yaml.safe_load((CHART / "values.yaml").read_text().partition("# --- Trueup's own\n")[2])
    assert set(leaves(own)) <= set(told)


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the full names of values."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"
