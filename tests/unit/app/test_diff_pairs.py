"""``trueup diff --pairs``: the contract of its lines."""

from __future__ import annotations

import io
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from engine.app.pairs import compare_line

PAIR: dict[str, Any] = {
    "type": "Microsoft.Storage/storageAccounts",
    "api": "2023-01-01",
    "id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/app",
    "desired": {"location": "westus2", "properties": {"accessTier": "Hot"}},
    "actual": {"location": "West US 2", "properties": {"accessTier": "Cool"}},
}


def line(**overrides: Any) -> bytes:
    """Return a pair as a line."""
    return json.dumps({**PAIR, **overrides}).encode()


def answer(raw: bytes) -> dict[str, Any]:
    """Return the result of line 7."""
    result: dict[str, Any] = json.loads(compare_line(7, raw).line)
    return result


def test_result_has_the_public_members() -> None:
    """A result has index, changes, suppressed and state, and nothing else."""
    assert answer(line()) == {
        "index": 7,
        "changes": [
            {
                "path": "/properties/accessTier",
                "kind": "change",
                "before": "Cool",
                "after": "Hot",
                "origin": "unknown",
            }
        ],
        "suppressed": [{"path": "/location", "rule": "region"}],
        "state": "changed",
    }


STATUS = {"location": "westus2", "accessTier": "Cool", "conditions": [{"type": "Ready", "status": "True"}]}
KIND = "storage.azure.com/v1api20230101/StorageAccount"


def test_a_status_is_a_baseline() -> None:
    """What the status shows already is known, what moved since is drift."""
    known = answer(line(baseline={"status": STATUS, "kind": KIND}))
    drift = answer(line(baseline={"status": {**STATUS, "accessTier": "Hot"}, "kind": KIND}))

    assert known["changes"] == []
    assert {"path": "/properties/accessTier", "rule": "known-difference"} in known["suppressed"]
    assert [(c["path"], c["origin"]) for c in drift["changes"]] == [("/properties/accessTier", "drift")]


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ({"status": STATUS}, "group/version/Kind"),
        ({"status": STATUS, "kind": "StorageAccount"}, "group/version/Kind"),
        ({"status": STATUS, "kind": "storage.azure.com/v1api20230101/StorageAcount"}, "StorageAccount"),
        ({"status": STATUS, "kind": "resources.azure.com/v1api20200601/ResourceGroup"}, "another type"),
        ({"status": [], "kind": KIND}, "status"),
        ({"desired": {}}, "desired and actual"),
    ],
)
def test_bad_baselines_are_errors_of_their_line(baseline: dict[str, Any], words: str) -> None:
    """A baseline that cannot be used becomes an error object."""
    assert words in answer(line(baseline=baseline))["error"]


def test_baseline_and_owned_are_read() -> None:
    """The baseline decides the origin; owned children are left alone."""
    held = {"properties": {"subnets": [{"name": "web"}]}}
    network = {"type": "Microsoft.Network/virtualNetworks", "api": "2023-11-01", "id": "/x/virtualNetworks/v"}

    drift = answer(line(baseline={"desired": PAIR["desired"], "actual": PAIR["desired"]}))
    owned = answer(
        line(
            **network, desired={"properties": {"subnets": []}}, actual=held, owned=["/x/virtualNetworks/v/subnets/WEB"]
        )
    )

    assert [c["origin"] for c in drift["changes"]] == ["drift"]
    assert owned["suppressed"] == [{"path": "/properties/subnets/0", "rule": "owned"}]


@pytest.mark.parametrize(
    "extra", [{"baseline": None, "owned": None}, {"baseline": None, "owned": []}, {"recording": "x"}]
)
def test_optional_keys_may_be_null_and_others_are_ignored(extra: dict[str, Any]) -> None:
    """Null stands for nothing remembered and nothing owned; unknown keys are no error."""
    assert answer(line(**extra))["state"] == "changed"


def test_secrets_are_masked() -> None:
    """A sensitive value is printed as a mask on both sides."""
    sql = {"type": "Microsoft.Sql/servers", "api": "2021-11-01"}
    bodies = {
        "desired": {"properties": {"administratorLoginPassword": "hunter2"}},
        "actual": {"properties": {"administratorLoginPassword": "hunter3"}},
    }

    (change,) = answer(line(**sql, **bodies))["changes"]

    assert (change["before"], change["after"]) == ("***", "***")


def nested(levels: int) -> dict[str, Any]:
    """Return an object in an object in an object."""
    body: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        body = {"a": body}
    return body


BAD = {
    "no JSON": (b'{"type": ', "not JSON"),
    "no object": (b"[1]", "not an object"),
    "no UTF-8": (b"\xff", "not JSON"),
    "keys missing": (b'{"type":"x","api":"y"}', "keys are missing: id, desired, actual"),
    "unknown type": (line(type="Microsoft.Storage/storageAcounts"), "Microsoft.Storage/storageAccounts"),
    "no type at all": (line(type=""), "unknown ARM type"),
    "type of another kind": (line(type=1), "type is not a text"),
    "body that is a list": (line(actual=[]), "actual is not an object"),
    "baseline without bodies": (line(baseline={"desired": {}}), "baseline is not"),
    "owned that is a text": (line(owned="x"), "owned is not a list"),
    "infinity": (line().replace(b'"Hot"', b"1e999"), "not JSON"),
    "an integer JSON cannot hold": (line().replace(b'"Hot"', b"123456789012345678901"), "too large"),
    "nesting too deep to be written": (line(desired=nested(300), actual={}), "cannot be written"),
    "nesting too deep to be walked": (line(desired=nested(900), actual=nested(900)), "nested too deeply"),
    "10,000 levels": (line().replace(b'"Hot"', b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "not JSON"),
}


@pytest.mark.parametrize(("raw", "words"), BAD.values(), ids=BAD)
def test_unusable_line_gives_an_error_object(raw: bytes, words: str) -> None:
    """Whatever is wrong with a line, its answer is its index and an error that says so."""
    result = compare_line(7, raw)
    error = json.loads(result.line)

    assert result.failed
    assert set(error) == {"index", "error"}
    assert error["index"] == 7
    assert words in error["error"]


def test_large_numbers_in_texts_are_no_error() -> None:
    """Digits inside a text, and integers of 64 bits, are compared."""
    bodies = {"a": "1, 123456789012345678901", "b": 2**64 - 1, "c": -(2**63)}

    assert answer(line(desired=bodies, actual=bodies))["state"] == "in_sync"


def test_version_that_is_not_known_is_compared_with_the_nearest() -> None:
    """A newer api-version than the facts know is no error."""
    assert answer(line(api="2099-01-01"))["state"] == "changed"


def run(arguments: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[int, list[dict[str, Any]]]:
    """Run the command; return exit code and results."""
    code = main(["diff", *arguments])
    sys.stdout.flush()
    return code, [json.loads(out) for out in capfdbinary.readouterr().out.splitlines()]


def test_bad_lines_do_not_stop_the_others(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Every line is answered under its own number, blank lines are skipped, and the exit code says that one failed."""
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b"\n".join((line(), b"[1]", b"", line())) + b"\n")

    code, results = run(["--pairs", str(file), "-o", "ndjson"], capfdbinary)

    assert code == 1
    assert [(r["index"], "error" in r) for r in results] == [(0, False), (1, True), (3, False)]


def test_compressed_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A file whose name ends in .xz is unpacked; differences alone are no failure."""
    file = tmp_path / "pairs.jsonl.xz"
    file.write_bytes(lzma.compress(line() + b"\n" + line()))

    code, results = run(["--pairs", str(file)], capfdbinary)

    assert (code, [r["index"] for r in results]) == (0, [0, 1])


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A dash reads standard input; a last line without line end counts."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line())))

    code, results = run(["--pairs", "-"], capfdbinary)

    assert (code, len(results)) == (0, 1)


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.jsonl.xz", "broken.jsonl.xz"])
def test_file_that_cannot_be_read(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing or damaged file is one error that names it, with exit code 1."""
    (tmp_path / "broken.jsonl.xz").write_bytes(b"no xz at all")

    code = main(["diff", "--pairs", str(tmp_path / name)])

    assert code == 1
    assert name in capsys.readouterr().err
