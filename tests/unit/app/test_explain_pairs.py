"""``trueup explain --pairs``: one pair of a file, offline, with what a plan would send."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/app"
WANTED = {"location": "West Europe", "sku": {"name": "Standard_LRS"}, "properties": {"accessTier": "Hot"}}
HELD = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "properties": {"accessTier": "Cool"}}


def pair(**fields: Any) -> str:
    """Return one line: an account whose tier differs."""
    known = {"type": "Microsoft.Storage/storageAccounts", "api": "2023-01-01", "id": ID}
    return json.dumps({**known, "desired": WANTED, "actual": HELD, **fields}) + "\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the verb; return exit code and what it printed."""
    code = main(["explain", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.xz"])
def test_pair_is_explained_with_what_would_be_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Both values, rule or move, and the request, for what counts and for what does not."""
    content = ("not json\n" + pair(baseline={"desired": WANTED, "actual": {**HELD, **WANTED}})).encode()
    (tmp_path / name).write_bytes(lzma.compress(content) if name.endswith(".xz") else content)

    code, out, _ = run(capsys, "--pairs", str(tmp_path / name), "--index", "1", "-o", "json")
    shown = json.loads(out)

    assert code == 0
    (change,) = shown["changes"]
    assert (change["path"], change["origin"], change["before"], change["after"]) == (
        "/properties/accessTier", "drift", "Cool", "Hot",
    )  # fmt: skip
    assert [(s["request"], s["path"], s["value"]) for s in change["sends"]] == [
        ("PATCH", "/properties/accessTier", "Hot")
    ]
    (hidden,) = shown["suppressed"]
    assert (hidden["rule"], hidden["before"], hidden["after"]) == ("region", "westeurope", "West Europe")
    assert hidden["sends"] == []


def test_place_narrows_and_text_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The place comes where the object's name would be."""
    (tmp_path / "p.jsonl").write_text(pair())

    code, out, _ = run(capsys, "--pairs", str(tmp_path / "p.jsonl"), "/location")

    assert code == 0
    assert "/location" in out
    assert "rule           region: Azure returns a region by display name" in out
    assert "accessTier" not in out


def test_secret_of_a_pair_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret in the bodies appears neither in the values nor in the request."""
    wanted = {"location": "westeurope", "properties": {"administratorLoginPassword": "canary-77"}}
    kind = {"type": "Microsoft.DBforPostgreSQL/flexibleServers", "api": "2022-12-01"}
    (tmp_path / "p.jsonl").write_text(
        pair(desired=wanted, actual={"location": "northeurope", "properties": {}}, **kind)
    )

    for form in ("text", "json"):
        _, out, err = run(capsys, "--pairs", str(tmp_path / "p.jsonl"), "-o", form)

        assert "canary-77" not in out + err
        assert "administratorLoginPassword" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--index", "1"], "has no pair 1"),
        (["--index", "-1"], "has no pair -1"),
        (["--index", "2"], "desired"),
        (["name", "/path"], "a pair has no name"),
    ],
)
def test_what_is_no_pair_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """A missing line, or one that is no pair, is an error that says so."""
    (tmp_path / "p.jsonl").write_text(pair() + "\n" + '{"type": "a", "api": "b", "id": "/c"}\n')

    code, _, err = run(capsys, "--pairs", str(tmp_path / "p.jsonl"), *arguments)

    assert code == 1
    assert words in err


def test_object_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Without pairs an object is needed."""
    code, _, err = run(capsys, "-f", "x")

    assert code == 1
    assert "no object" in err
