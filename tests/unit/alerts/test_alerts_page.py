"""What docs/alerts.md shows can be used as it stands there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from engine.alerts.overview import settings_lines
from engine.alerts.settings import SINKS, parse_settings
from engine.app.cli import main
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "alerts.md").read_text()
EXAMPLES = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if not text.startswith("trueup:")]


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_right_file(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``trueup alerts check`` finds nothing wrong with it; only its secrets are not on this machine."""
    path = tmp_path / "alerts.yaml"
    path.write_text(text)

    code = main(["alerts", "check", str(path)])

    assert (code, "error" in capsys.readouterr().err) == (3, False)


def test_every_type_of_sink_has_an_example_and_a_row() -> None:
    """A type that the page does not show is not finished."""
    shown = {sink["type"] for text in EXAMPLES for sink in yaml.safe_load(text)["sinks"]}

    assert shown == set(SINKS)
    assert all(f"| `{kind}` |" in PAGE for kind in SINKS)


def test_the_page_shows_what_check_prints() -> None:
    """The output that the page shows is that of its first example."""
    settings = parse_settings(yaml.safe_load(EXAMPLES[0]))
    (shown,) = re.findall(r"\$ trueup alerts check alerts.yaml\n(.*?)```", PAGE, re.DOTALL)

    assert list(settings_lines(settings, datetime(2026, 11, 24, 12, tzinfo=UTC))) == shown.splitlines()
