"""What ``trueup render`` prints, compared byte by byte with the files beside this test."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.app.cli import main
from tests.golden_files import GOLDEN, check_golden

FOLDER = GOLDEN / "render"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_RESOURCE_MANAGER_ENDPOINT", raising=False)


def _render(case: str, form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(FOLDER / case)
    main(["render", "-f", "input.yaml", "--subscription", SUBSCRIPTION, "-o", form])
    captured = capsys.readouterr()
    return captured.out + ("--- standard error ---\n" + captured.err if captured.err else "")


@pytest.mark.parametrize("form", ["text", "yaml", "http", "ndjson"])
def test_an_application(form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole application is printed in each format exactly as its golden file says, and holds no secret."""
    printed = _render("shop", form, capsys, monkeypatch)

    check_golden(f"render/shop/{form}.txt", printed)
    assert "canary-77aa01" not in printed


def test_mistakes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mistake in an input is said as its golden file says, and what is fine is rendered."""
    check_golden("render/mistakes/ndjson.txt", _render("mistakes", "ndjson", capsys, monkeypatch))


def test_order_of_files_does_not_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same objects in another order are printed the same."""
    documents = (FOLDER / "shop" / "input.yaml").read_text().split("\n---\n")
    (tmp_path / "reversed.yaml").write_text("\n---\n".join(reversed(documents)))

    main(["render", "-f", str(tmp_path), "--subscription", SUBSCRIPTION, "-o", "ndjson"])

    assert capsys.readouterr().out == (FOLDER / "shop" / "ndjson.txt").read_text()
